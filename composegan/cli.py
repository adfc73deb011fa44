"""The command line, `composegan VERB key=value ...`. Verbs import heavy libraries only when they run."""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, TextIO

from composegan.errors import UserError, first_line, nearest
from composegan.plugin import registry
from composegan.plugin.contracts import VERB, Verb
from composegan.version import __version__

VERBS = (
    "fit", "adapt", "sample", "edit", "mix", "components", "interpolate", "directions", "invert", "evaluate",
    "plan", "prepare", "domains", "check", "new", "import", "bench",
)  # fmt: skip
"""The order of composegan's own verbs in its help; those of other packages follow by name."""

LONGEST = 1200
"""Longest error line, in characters; the middle of a longer one is left out."""

HELP = ("-h", "--help", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. arguments: those after the program's name; None: the process's.

    Returns the exit status: 0 done; 2 the user's mistake, reported in one line; 130 interrupted. A bug is an exception
    with its traceback, and exit status 1.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be Unicode
    status = _run(arguments)
    for stream in (sys.stdout, sys.stderr):  # otherwise Python finds out at exit and changes the status
        try:
            _is_read(stream)
        except OSError as error:
            status = status or _refused(f"the output could not be written: {error.strerror}")
    return status


def _run(arguments: list[str]) -> int:
    try:
        return _dispatch(arguments)
    except UserError as error:
        return _refused(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not _is_read(sys.stdout):  # such as `head`, which stops early
            return 0
        if error.filename is None:
            raise
        return _refused(f"{_text(error.filename)}: {error.strerror}")  # refused by the system, with its reason
    except MemoryError as error:
        return _refused(f"out of memory ({error}); smaller pictures, batches or networks need less")
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        return _refused(f"out of memory ({first_line(error)}); smaller pictures, batches or networks need less")
    except KeyboardInterrupt:
        _tell("composegan: interrupted")
        return 130


def _is_read(stream: TextIO) -> bool:
    """Whether the stream still has a reader. If not, later output is discarded.

    Raises OSError if the output cannot be written for another reason, such as a full disk.
    """
    try:
        number = stream.fileno()
    except (AttributeError, ValueError, OSError):  # a replacement of the stream
        return True
    try:
        stream.flush()
        pipe = select.poll()  # a flush succeeds once failed output was dropped
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
    with suppress(OSError):  # stderr may be closed
        print(line, file=sys.stderr, flush=True)


def _refused(text: str) -> int:
    """Report the user's mistake in one line of printable characters. Returns 2."""
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in " ".join(text.splitlines()))
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    _tell("composegan: " + line)
    return 2


def _text(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Torch raises its own class for a GPU's memory, and a plain RuntimeError for the machine's."""
    return type(error).__name__ == "OutOfMemoryError" or "not enough memory" in str(error)


def _dispatch(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    name, *rest = arguments or ["help"]
    if name in HELP and rest:
        name, rest = rest[0], ["help"]
    if name in HELP:
        print(_help())
    elif name in ("-V", "--version", "version"):
        print(f"composegan {__version__}")
    elif any(argument in HELP for argument in rest):
        print(_help_of(name, [argument for argument in rest if argument not in HELP]))
    else:
        return _run_verb(name, rest)
    return 0


def _run_verb(name: str, arguments: list[str]) -> int:
    verb = _verb(name)
    if verb.settings is None:
        return verb.run(arguments) or 0
    from composegan.config.compose import read_arguments

    settings: Any = read_arguments(verb.settings, arguments, see=f"composegan {name} --help")
    return verb.run(settings) or 0


def _help_of(name: str, arguments: list[str]) -> str:
    verb = _verb(name)
    if verb.help is not None:
        return verb.help(arguments)
    from composegan.verbs.base import help_function

    return help_function(name, ["key=value ..."], verb.summary, verb.settings)(arguments)


def _verb(name: str) -> Verb:
    """The installed verb. Raises UserError for an unknown one, offering the nearest, and for an unusable one."""
    known = registry.names(VERB)
    if name not in known:
        raise UserError(f"unknown verb {name!r}; {nearest(name, known)}")
    verb: Verb = registry.require(name, VERB).plugin
    return verb


def _help() -> str:
    found = {item.name: item for item in registry.discover(kind=VERB)}
    own = [name for name in VERBS if name in found]
    rows = [
        f"  {name:13}{item.plugin.summary if item.plugin else f'cannot be used: {item.error}'}"
        for name, item in ((name, found[name]) for name in (*own, *sorted(found.keys() - set(own))))
    ]
    return "\n".join(
        [
            "usage: composegan VERB key=value ...",
            "",
            "Compositional GANs: every class has its own codes, its own layer of the picture and its own mask.",
            "",
            *rows,
            "",
            "`composegan VERB --help` lists a verb's settings; see docs/configuration.md.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
