"""The check that a source can be sent to reading processes."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from composegan.config.errors import first_line
from composegan.domain import Source
from composegan.testing.subject import Subject
from composegan.testing.verdict import Verdict

REMEDY = "keep in it only what pickles: no open files, no lambdas, no functions within functions"


def workers(subject: Subject) -> Iterator[Verdict]:
    """A source can be sent to a reading process that was started anew, and gives the same images there."""
    if not subject.openers:
        yield Verdict(None, "has no demo", "give data.root=FOLDER to check its images")
    for name, source in subject.sources.items():
        try:
            size = len(pickle.dumps(source))
        except Exception as error:  # pickle raises whatever an object's own methods raise
            yield Verdict(False, f"{name}: does not pickle ({first_line(error)})", REMEDY)
            continue
        index = len(source) - 1
        try:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                image, labels = pool.submit(_read, source, index).result(timeout=300)
        except (Exception, BrokenProcessPool) as error:
            yield Verdict(False, f"{name}: a new process cannot read it ({first_line(error)})", REMEDY)
            continue
        here = source[index]
        same = np.array_equal(image, here.image) and np.array_equal(labels, here.labels)
        text = f"{name}: {size:,} bytes sent to a new process, " + (
            "the same image there" if same else "another image there"
        )
        yield Verdict(same, text, "" if same else "let nothing that is read depend on the process")


def _read(source: Source, index: int) -> tuple[np.ndarray, np.ndarray]:
    sample = source[index]
    return sample.image, sample.labels
