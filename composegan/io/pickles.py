"""Check the pickles in a file that `torch.save` wrote before torch reads them. Standard library only.

Torch runs no code from a file, but a pickle of 300 bytes whose lists hold one another takes all memory, or all time,
wherever its values are copied, hashed or printed. Here its instructions are followed without building any value.
"""

from __future__ import annotations

import io
import os
import pickletools
import re
import zipfile
from collections.abc import Collection
from typing import IO, Any

from composegan.io.guarded import TENSORS, UnreadableError, check_archive, check_file

MOST_INSTRUCTIONS = 1_000_000
"""Limit of the instructions of a pickle, each of which takes time and memory here: 16 KB of a zip file may unpack to
16 million. A checkpoint of ours has about 10,000."""

MOST_VALUES = 10_000_000
"""Limit of the values in a pickle with shared ones written out, each counted once for every container around it."""

NAMES = re.compile(
    r"torch\.(Float|Double|Half|BFloat16|Byte|Char|Short|Int|Long|Bool)Storage|torch\.storage\.(Untyped|Typed)Storage|"
    r"torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter\.Parameter|torch\.(Size|device)|"
    r"torch\.(b?float|u?int)\d+|collections\.(OrderedDict|Counter)|(builtins|__builtin__)\.(set|complex)"
)
"""The classes and functions that dense tensors and plain values need. Bytes are not among them: they are pickled as a
call of `_codecs.encode`, and forty nested ones make terabytes."""

NAMESPACE = ("argparse.Namespace",)
"""What files of training scripts hold besides."""

ZIP = b"PK\x03\x04"
LEGACY = 5
"""Pickles in a file of torch before 1.6, which is no zip file: three of one number each, the content, the storages."""

GROWING = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}
"""Instructions that add to the value below on the stack."""

MARK = object()


def check_saved(path: str | os.PathLike[str], more: Collection[str] = ()) -> None:
    """Check a file of `torch.save`, in either of its formats: size, checksums, and what its pickles hold.

    more: names of classes that may occur besides NAMES. Raises UnreadableError, and other errors for a damaged file.
    """
    check_file(path, TENSORS)
    with open(path, "rb") as file:
        if file.read(len(ZIP)) != ZIP:  # as torch tells the formats apart
            file.seek(0)
            for _ in range(LEGACY):
                check_pickle(file, more)
            return
    check_archive(path)  # torch does not verify the checksums
    with zipfile.ZipFile(path) as parts:
        for part in parts.infolist():
            if part.filename.lower().endswith("data.pkl"):
                with parts.open(part) as file:
                    check_pickle(io.BytesIO(file.read()), more)


def check_pickle(file: IO[bytes], more: Collection[str] = ()) -> None:
    """Check the next pickle in `file`. more: see `check_saved`.

    Raises UnreadableError for a name that is not allowed, for too many values and for one that contains itself.
    """
    stack: list[Any] = []  # a value is the list of the values it is made of
    memo: dict[Any, Any] = {}
    nodes: list[list[Any]] = []
    for number, (code, argument, _) in enumerate(pickletools.genops(file)):
        if number == MOST_INSTRUCTIONS:
            raise UnreadableError(f"it has more than {MOST_INSTRUCTIONS:,} instructions of a pickle")
        if code.name == "GLOBAL" and not (NAMES.fullmatch(name := str(argument).replace(" ", ".")) or name in more):
            allowed = " and ".join(["tensors", "plain values"] if not more else ["tensors, plain values", *more])
            raise UnreadableError(f"it holds {name[:100]!r}, and only {allowed} are read: anything else could run code")
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif code.name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif code.name == "MARK":
            stack.append(MARK)
        elif code.stack_after:
            taken, below = [], len(code.stack_before)
            if pickletools.markobject in code.stack_before:
                while (value := stack.pop()) is not MARK:
                    taken.append(value)
                below = code.stack_before.index(pickletools.markobject)
            taken += [stack.pop() for _ in range(below)]
            node = taken.pop() if code.name in GROWING else []
            node += taken
            stack.append(node)
            nodes += [node] * bool(taken)
    _count(nodes)


def _count(nodes: list[list[Any]]) -> None:
    """Raise UnreadableError for nodes of too many values, and for one that contains itself."""
    counts: dict[int, int] = {}  # by id; 0 while inside
    total = 0
    for node in nodes:
        inside = [node]
        while inside:
            now = inside[-1]
            if not counts.get(id(now)) and id(now) in counts:
                counts[id(now)] = 1 + sum(counts[id(part)] for part in now)
                total += counts[id(now)]
                if total > MOST_VALUES:
                    raise UnreadableError(f"it has more than {MOST_VALUES:,} values, with shared ones written out")
            if id(now) in counts:
                inside.pop()
                continue
            counts[id(now)] = 0
            for part in now:
                if counts.get(id(part)) == 0:
                    raise UnreadableError("it has a value that contains itself")
                if id(part) not in counts:
                    inside.append(part)
