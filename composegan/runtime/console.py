"""All text output, as printable characters. A closed terminal or pipe does not end a run.

Names of files, texts of recipes and values from checkpoints may hold terminal escapes: `print_line` escapes them, and
within `printable_streams` so does everything else that is printed, logged or warned about.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

from composegan.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

READER_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""Errors of an output that has lost its reader: a closed pipe or terminal."""


def printable(text: str, keep: str = "") -> str:
    """The text with every character that is not printable, or one of `keep`, as its escape in Python: `\\x1b`."""
    return "".join(char if char.isprintable() or char in keep else ascii(char)[1:-1] for char in text)


def print_line(*lines: str, error: bool = False) -> None:
    """Print lines at once, to stdout or stderr; a line end within one is escaped.

    Does nothing if the pipe has no reader (`| tee log`, which Ctrl-C ends as well), the terminal is closed, or the
    stream is being written to (in a signal handler).
    """
    stream = sys.stderr if error else sys.stdout
    with suppress(OSError, RuntimeError):
        if stream is not None:  # print(file=None) means stdout
            print(*map(printable, lines), sep="\n", file=stream, flush=True)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equally many cells as lines of text with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def rich_console() -> Console:
    """A console on stderr for progress bars, whose own escapes pass; give it `printable` texts only."""
    from rich.console import Console

    stream = sys.stderr
    return Console(file=stream.stream if isinstance(stream, PrintableStream) else stream)


class PrintableStream:
    """A text stream that escapes what is not printable, apart from line ends and tabs.

    failure: the first error of writing to it, other than a lost reader.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write printable text. Returns the number of characters given."""
        with self._noting_failure():
            self.stream.write(printable(text, keep="\n\t"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand everything to the system."""
        with self._noting_failure():
            self.stream.flush()

    def has_reader(self) -> bool:
        """Whether the stream still has a reader. If not, later output is discarded."""
        try:
            number = self.stream.fileno()
        except (AttributeError, ValueError, OSError):  # a replacement of the stream
            return True
        try:
            self.flush()
            pipe = select.poll()  # a flush succeeds once failed output was dropped
            pipe.register(number, 0)
            lost = any(event & (select.POLLERR | select.POLLNVAL) for _, event in pipe.poll(0))
        except AttributeError:  # no poll on Windows
            return True
        except OSError as error:
            _discard(number)
            return error.errno not in READER_GONE
        if lost:
            _discard(number)
        return not lost

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in READER_GONE:
                self.failure = self.failure or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def printable_streams() -> Iterator[tuple[PrintableStream, PrintableStream]]:
    """Within the block stdout and stderr, which are yielded, escape what is not printable.

    Raises UserError if stdout is closed.
    """
    open_missing_descriptors()
    if sys.stdout is None:
        raise UserError("standard output: is closed; redirect it instead, as with > /dev/null")
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the encoding need not have every character
    ours = PrintableStream(sys.stdout), PrintableStream(sys.stderr or StringIO())
    sys.stdout, sys.stderr = ours
    try:
        yield ours
    finally:
        sys.stdout, sys.stderr = before


def open_missing_descriptors() -> None:
    """Open those of descriptors 0 to 2 that are closed on nothing, so that no file gets their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _discard(number)


def _discard(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
