"""The command line: `composegan VERB key=value ...`. Loads nothing heavy before a verb needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

from composegan import __version__
from composegan.config.errors import UserError, nearest

VERBS = (
    "fit", "adapt", "sample", "edit", "mix", "components", "interpolate", "directions", "invert", "evaluate",
    "plan", "prepare", "domains", "check", "new", "import", "bench",
)  # fmt: skip
"""Each is a module of `composegan.verbs` with `ABOUT` (one line), `help() -> str` and `run(arguments)`."""

HELP = ("-h", "--help", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. `arguments` are those after the program's name; None: the process's.

    Returns the exit status: 0 done; 2 the user's mistake, told in one line; 130 interrupted. A fault of ours is an
    exception with its traceback, and exit status 1.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _dispatch(arguments)
        sys.stdout.flush()
    except UserError as error:
        print("composegan: " + " ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("composegan: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
