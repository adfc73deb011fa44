"""The check that a source can be sent to reading processes."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from collections.abc import Iterator

from composegan.data import Sample
from composegan.devkit.testing.subject import Subject
from composegan.devkit.testing.verdict import Verdict, nothing_to_read, readable
from composegan.errors import first_line

REMEDY = "keep in it only what pickles: no open files, no lambdas, no functions within functions"

READER = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from composegan.devkit.testing.workers import digest
source, index = pickle.load(sys.stdin.buffer)
print(digest(source[index]))
"""
"""What the new process does. It is one of ours, so that it is the same however this one was started."""


def workers(subject: Subject) -> Iterator[Verdict]:
    """A source can be sent to a reading process that was started anew, and gives the same images there."""
    yield from nothing_to_read(subject)
    for name in readable(subject):
        source = subject.sources[name]
        index = len(source) - 1
        try:
            sent = pickle.dumps((source, index))
        except Exception as error:  # pickle raises whatever an object's own methods raise
            yield Verdict(False, f"{name}: does not pickle ({first_line(error)})", REMEDY)
            continue
        there, trouble = read_elsewhere(sent)
        if trouble:
            yield Verdict(False, f"{name}: a new process cannot read it ({trouble})", REMEDY)
        elif there != digest(source[index]):
            text = f"{name}: a new process reads another image"
            yield Verdict(False, text, "let nothing that is read depend on the process")
        else:
            yield Verdict(True, f"{name}: {len(sent):,} bytes sent to a new process, the same image there")


def digest(sample: Sample) -> str:
    """A fingerprint of image and labels."""
    return hashlib.sha256(sample.image.tobytes() + sample.labels.tobytes()).hexdigest()


def read_elsewhere(sent: bytes) -> tuple[str, str]:
    """(fingerprint, "") of an image that a new process reads from a pickled (source, index), or ("", the reason)."""
    result = subprocess.run(
        [sys.executable, "-c", READER], input=pickle.dumps(sys.path) + sent, capture_output=True, timeout=300
    )
    if result.returncode == 0:
        return result.stdout.decode(errors="replace").split()[-1], ""
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    return "", lines[-1][:200] if lines else f"it ended with status {result.returncode}"
