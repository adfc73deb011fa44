"""A TensorBoard file that is written at once and in this thread.

The usual writer has a thread of its own: what it had not written yet is lost in a kill, and that the disk is full is a
traceback of that thread.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter


class EventFile:
    """Summaries by step, see `torch.utils.tensorboard.summary`. Raises OSError when one cannot be written.

    purge: the step from which on TensorBoard forgets what earlier files in `folder` have.
    """

    def __init__(self, folder: Path, purge: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}").open("ab")
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        self._write(step=purge, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, summary: Any) -> None:
        """Append one summary."""
        self._write(step=step, summary=summary)

    def close(self) -> None:
        self._file.close()

    def _write(self, **content: Any) -> None:
        self._records.write(Event(wall_time=time.time(), **content).SerializeToString())
        self._file.flush()
