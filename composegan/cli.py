"""The command line: `composegan VERB key=value ...`. Loads nothing heavy before a verb needs it."""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import TextIO

from composegan.errors import UserError, first_line, nearest
from composegan.version import __version__

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
    status = _run(arguments)
    for stream in (sys.stdout, sys.stderr):  # else Python would find out as it ends, and change the exit status
        try:
            _has_a_reader(stream)
        except OSError as error:
            status = status or _refused(f"what was printed could not be written: {error.strerror}")
    return status


def _run(arguments: list[str]) -> int:
    try:
        _dispatch(arguments)
    except UserError as error:
        return _refused(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not _has_a_reader(sys.stdout):  # `head`, say, has had enough
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
        _tell("composegan: interrupted")
        return 130
    return 0


def _has_a_reader(stream: TextIO) -> bool:
    """Whether what was printed arrives anywhere. From here on, where it does not, what is printed goes nowhere.

    Raises OSError when it does not for another reason than that nobody reads it, such as a full disk.
    """
    try:
        number = stream.fileno()
    except (AttributeError, ValueError, OSError):  # a stand-in for the stream
        return True
    try:
        stream.flush()
        pipe = select.poll()  # what failed to be written once is forgotten, and a flush then works
        pipe.register(number, 0)
        lost = any(event & (select.POLLERR | select.POLLNVAL) for _, event in pipe.poll(0))
    except AttributeError:  # no poll on Windows
        return True
    except OSError as error:
        _silence(number)
        if error.errno not in (errno.EPIPE, errno.EIO, errno.EBADF):
            raise
        return False
    if lost:
        _silence(number)
    return not lost


def _silence(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    if nowhere != number:
        os.close(nowhere)


def _tell(line: str) -> None:
    with suppress(OSError):  # nobody may be there to read it
        print(line, file=sys.stderr, flush=True)


def _refused(text: str) -> int:
    """Tell a mistake of the user's in one line, of characters that leave a terminal as it is. Returns 2."""
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in " ".join(text.splitlines()))
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    _tell("composegan: " + line)
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
