"""The check that a source can be sent to reading processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator

from composegan.devkit.subject import Reading, Subject
from composegan.devkit.verdict import Verdict, for_each_source
from composegan.errors import first_line

REMEDY = "keep in it only what pickles: no open files, no lambdas, no functions within functions"

READER = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from composegan.devkit.subject import digest
source, index = pickle.load(sys.stdin.buffer)
print(digest(source[index]))
"""
"""Runs in a fresh interpreter, whatever start method multiprocessing uses here."""


@for_each_source
def workers(subject: Subject, name: str, reading: Reading) -> Iterator[Verdict]:
    """A fresh reading process can unpickle a source and reads the same images from it."""
    last = reading.seen[-1]
    try:
        sent = pickle.dumps((subject.sources[name], last.index))
    except Exception as error:  # an object's own methods may raise anything
        yield Verdict(False, f"{name}: does not pickle ({first_line(error)})", REMEDY)
        return
    there, reason = read_elsewhere(sent)
    if reason:
        yield Verdict(False, f"{name}: a new process cannot read it ({reason})", REMEDY)
    elif there != last.digest:
        yield Verdict(False, f"{name}: a new process reads another image", "let no image depend on the process")
    else:
        yield Verdict(True, f"{name}: {len(sent):,} bytes sent to a new process, the same image there")


def read_elsewhere(sent: bytes) -> tuple[str, str]:
    """Read a pickled (source, index) in a new process: (fingerprint, "") of the image, or ("", why it failed)."""
    result = subprocess.run(
        [sys.executable, "-P", "-c", READER], input=pickle.dumps(sys.path) + sent, capture_output=True, timeout=300
    )
    if result.returncode == 0:
        return result.stdout.decode(errors="replace").split()[-1], ""
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    return "", lines[-1][:200] if lines else f"it exited with status {result.returncode}"
