"""The command line, `composegan VERB key=value ...`. Verbs import heavy libraries only when they run."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from composegan.errors import UserError, first_line, nearest
from composegan.plugin import registry
from composegan.plugin.contracts import VERB, Verb
from composegan.plugin.entry_points import not_text
from composegan.runtime.console import PrintableStream, print_line, printable, printable_streams
from composegan.runtime.surroundings import check_surroundings
from composegan.version import __version__

VERBS = (
    "studio", "fit", "adapt", "sample", "edit", "paint", "mix", "components", "interpolate", "directions", "encoder",
    "invert", "evaluate", "plan", "look", "prepare", "domains", "models", "check", "new", "import", "bench",
)  # fmt: skip
"""The order of composegan's own verbs in its help; those of other packages follow by name."""

OTHER_NAMES = {
    "fit": "train learn start run", "fit run=PATH": "resume continue restart", "adapt": "finetune fine-tune transfer",
    "sample": "generate gen draw synthesize", "evaluate": "eval test score metrics fid", "mix": "swap combine blend",
    "edit": "change manipulate", "invert": "project projection inversion encode", "interpolate": "morph video animate",
    "components": "layers decompose", "directions": "pca sefa ganspace", "plan": "cost groups",
    "prepare": "pack preprocess dataset convert", "domains": "list plugins extensions",
    "models": "zoo pretrained hub weights", "studio": "gui ui app web serve", "check": "validate verify lint",
    "new": "init create scaffold", "import": "load", "bench": "benchmark benchmarks",
}  # fmt: skip
"""What other tools call composegan's verbs."""

LONGEST = 1200
"""Longest error line, in characters; the middle of a longer one is left out."""

SYSTEM = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
"""Errors of the system that are reported in one line even where no file is named."""

UNWRITTEN = "the output could not be written"

PLUGIN_PATH = "plugin_path="

HELP = ("-h", "--help", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. arguments: those after the program's name; None: the process's.

    Returns the exit status: 0 done; 2 the user's mistake, reported in one line; 130 interrupted. A bug is an exception
    with its traceback, and exit status 1.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with printable_streams() as streams:
            status = _run(arguments)
            for stream in streams:  # otherwise Python finds out at exit and changes the status
                stream.has_reader()
                if stream.failure:
                    status = status or _refused(f"{UNWRITTEN}: {stream.failure.strerror}")
            return status
    except UserError as error:  # there is no output to begin with
        return _refused(str(error))


def _run(arguments: list[str]) -> int:
    try:
        return _dispatch(arguments)
    except UserError as error:
        return _refused(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not _stdout_has_reader():  # such as `head`, which stops early
            return 0
        if error.filename is None and error.errno not in SYSTEM:
            raise
        where = UNWRITTEN if error is getattr(sys.stdout, "failure", None) else _text(error.filename or "the system")
        return _refused(f"{where}: {error.strerror}")  # refused by the system, with its reason
    except MemoryError as error:
        return _refused(f"out of memory ({error}); smaller pictures, batches or networks need less")
    except RuntimeError as error:
        if "Could not determine home directory" in str(error):
            return _refused("~: this user has no home folder; give the path in full, or set HOME")
        if not _is_out_of_memory(error):
            raise
        reason = first_line(error).rpartition("DefaultCPUAllocator: ")[2]
        return _refused(f"out of memory ({reason}); smaller pictures, batches or networks need less")
    except UnicodeDecodeError:
        if not (fault := not_text(sys.path)):
            raise
        return _refused(fault)
    except KeyboardInterrupt:
        print_line("composegan: interrupted", error=True)
        return 130


def _stdout_has_reader() -> bool:
    return not isinstance(sys.stdout, PrintableStream) or sys.stdout.has_reader()


def _refused(text: str) -> int:
    """Report the user's mistake in one line of printable characters. Returns 2."""
    line = printable(" ".join(text.splitlines()))
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    print_line("composegan: " + line, error=True)
    return 2


def _text(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Torch raises its own class for a GPU's memory, and a plain RuntimeError for the machine's, whose words change."""
    words = ("not enough memory", "allocate memory", "out of memory", "bad_alloc")
    return type(error).__name__ == "OutOfMemoryError" or any(text in str(error) for text in words)


def _dispatch(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    name, *rest = arguments or ["help"]
    if name in HELP and rest and not rest[0].startswith(PLUGIN_PATH):
        name, rest = rest[0], [*rest[1:], "help"]
    if name in HELP:
        _add_plugin_path(rest)
        print(_help())
    elif name in ("-V", "--version", "version"):
        print(f"composegan {__version__}")
    elif any(argument in HELP for argument in rest):
        print(_help_of(name, [argument for argument in rest if argument not in HELP]))
    else:
        return _run_verb(name, rest)
    return 0


def _run_verb(name: str, arguments: list[str]) -> int:
    check_surroundings()
    verb = _verb(name, arguments)
    if verb.settings is None:
        return verb.run(arguments) or 0
    from composegan.config.compose import read_arguments

    if "plugin_path" not in {item.name for item in fields(verb.settings)}:
        arguments = [argument for argument in arguments if not argument.startswith(PLUGIN_PATH)]
    settings: Any = read_arguments(verb.settings, arguments, see=f"composegan {name} --help")
    return verb.run(settings) or 0


def _help_of(name: str, arguments: list[str]) -> str:
    verb = _verb(name, arguments)
    if verb.help is not None:
        return verb.help(arguments)
    from composegan.verbs.base import help_function

    return help_function(name, ["key=value ..."], verb.summary, verb.settings)(arguments)


def _verb(name: str, arguments: Sequence[str]) -> Verb:
    """The installed verb, or one of the folder that `plugin_path=DIR` among the arguments names.

    Raises UserError for an unknown one, offering the nearest, and for an unusable one.
    """
    if name not in registry.names(VERB, own=True):
        _add_plugin_path(arguments)
    known = registry.names(VERB)
    if name not in known:
        meant = next((own for own, others in OTHER_NAMES.items() if name.lower() in others.split()), None)
        raise UserError(f"unknown verb {name!r}; " + (f"did you mean {meant!r}?" if meant else nearest(name, known)))
    verb: Verb = registry.require(name, VERB).plugin
    return verb


def _add_plugin_path(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if argument.startswith(PLUGIN_PATH):
            registry.add_plugin_path(os.path.expanduser(argument.removeprefix(PLUGIN_PATH)))


def _help() -> str:
    own: dict[str, str] = {}
    others = []
    for row, item in registry.registered(VERB):
        if registry.is_own_entry(item) and not row.error:
            row = registry.load_item(item, VERB)
            own[row.name] = f"cannot be used: {row.error}" if row.error else row.plugin.summary
        else:  # of another package: not imported
            others.append(f"  {row.name:13}" + (f"cannot be used: {row.error}" if row.error else f"of {row.home}"))
    rows = [f"  {name:13}{own[name]}" for name in sorted(own, key=lambda name: [*VERBS, name].index(name))] + others
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
