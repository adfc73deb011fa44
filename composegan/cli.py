"""The command line: `composegan VERB key=value ...`. Loads nothing heavy before a verb needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword

from composegan import __version__
from composegan.config.errors import UserError, first_line, nearest

VERBS = (
    "fit", "adapt", "sample", "edit", "mix", "components", "interpolate", "directions", "invert", "evaluate",
    "plan", "prepare", "domains", "check", "new", "import", "bench",
)  # fmt: skip
"""Each is a module of `composegan.verbs` with `ABOUT` (one line), `help() -> str` and `run(arguments)`."""

LONGEST = 1200
"""Characters of a line that tells a mistake; of a longer one the middle is left out."""

HELP = ("-h", "--help", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. `arguments` are those after the program's name; None: the process's.

    Returns the exit status: 0 done; 2 the user's mistake, told in one line; 130 interrupted. A fault of ours is an
    exception with its traceback, and exit status 1.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with suppress(AttributeError):  # a stand-in for the stream may not have it
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file need not be Unicode
    try:
        _dispatch(arguments)
        sys.stdout.flush()
    except UserError as error:
        return _refused(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader, `head` say, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if error.filename is None:
            raise
        return _refused(f"{_text(error.filename)}: {error.strerror}")  # the system does not let us, and says why
    except MemoryError as error:
        return _refused(f"out of memory ({error}); smaller pictures, batches or networks need less")
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        return _refused(f"out of memory ({first_line(error)}); smaller pictures, batches or networks need less")
    except KeyboardInterrupt:
        print("composegan: interrupted", file=sys.stderr)
        return 130
    return 0


def _refused(text: str) -> int:
    """Tell a mistake of the user's in one line, of characters that leave a terminal as it is. Returns 2."""
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in " ".join(text.splitlines()))
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    print("composegan: " + line, file=sys.stderr)
    return 2


def _text(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """What torch raises, of a GPU's memory and, without a class of its own, of the machine's."""
    return type(error).__name__ == "OutOfMemoryError" or "not enough memory" in str(error)


def _dispatch(arguments: list[str]) -> None:
    if not arguments or arguments[0] in HELP:
        verb = arguments[1] if len(arguments) > 1 else None
        print(_verb(verb).help() if verb else _help())
    elif arguments[0] in ("-V", "--version", "version"):
        print(f"composegan {__version__}")
    elif any(argument in HELP for argument in arguments[1:]):
        print(_verb(arguments[0]).help())
    else:
        _verb(arguments[0]).run(arguments[1:])


def _verb(name: str):
    if name not in VERBS:
        raise UserError(f"unknown verb {name!r}; {nearest(name, VERBS)}")
    return import_module(f"composegan.verbs.{name}_" if iskeyword(name) else f"composegan.verbs.{name}")


def _help() -> str:
    return "\n".join(
        [
            "usage: composegan VERB key=value ...",
            "",
            "Compositional GANs: every class has its own codes, its own layer of the picture and its own mask.",
            "",
            *(f"  {verb:13}{_verb(verb).ABOUT}" for verb in VERBS),
            "",
            "`composegan VERB --help` lists a verb's settings; docs/configuration.md tells more.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
