"""`trainer.devices=N`: the ranks of a run as processes of their own, under torch's elastic agent.

The agent ends all ranks when one fails. This process only waits: it turns signals into a request to stop, and reports
how the run ended.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from composegan.errors import UserError
from composegan.runs.graceful_stop import REPEAT, STOP_FILE, STOPPING, handled_signals
from composegan.runtime.console import print_line
from composegan.runtime.surroundings import usable_cpus

SHUTDOWN_SECONDS = 5
"""Between SIGTERM and SIGKILL for ranks that must end at once; torch before 2.12 always takes 30 s."""


def launch(run: Path, arguments: Sequence[str], ranks: int, *, new: bool) -> None:
    """Train the run in `run` with so many ranks. new: nothing was trained yet; arguments: settings of `resume`.

    Raises UserError with rank 0's message or the line that says which rank was lost; KeyboardInterrupt when stopped.
    """
    with TemporaryDirectory(prefix="composegan-") as folder, _signals_request_stop(Path(folder) / "stop") as stop:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=ranks,
            run_id=run.name,
            rdzv_backend="c10d",
            rdzv_endpoint="127.0.0.1:0",
            max_restarts=0,
            signals_to_handle="SIGQUIT",  # not those that are handled here
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        threads = os.environ.get("OMP_NUM_THREADS", str(max(1, usable_cpus() // ranks)))
        command = ["-m", "composegan.runs.rank", str(run), "new" if new else "resume", *arguments]
        with _environment({STOP_FILE: str(stop), "OMP_NUM_THREADS": threads}), _quiet():
            try:
                elastic_launch(config, sys.executable)(*command)
            except ChildFailedError as error:
                raise _ending(error.failures, ranks, run, stop.exists()) from None


def _ending(
    failures: Mapping[int, ProcessFailure], ranks: int, run: Path, stopping: bool
) -> UserError | KeyboardInterrupt:
    """What the exit statuses of the ranks mean; after the first failure the agent sends the others SIGTERM."""
    by_agent = -signal.SIGTERM
    rank, failure = min(
        failures.items(), key=lambda item: (item[1].exitcode == by_agent, item[1].timestamp, item[1].exitcode >= 0)
    )
    status = failure.exitcode
    if status == 130 or (stopping and status in (-signal.SIGTERM, -signal.SIGINT)):
        return KeyboardInterrupt()
    if status == 2 and failure.error_file_data:  # a UserError, as "UserError: message"
        return UserError(_message(failure).partition(": ")[2])
    how = f"ended with status {status}" if status > 0 else f"was killed ({signal.Signals(-status).name})"
    return UserError(f"process {rank + 1} of {ranks} {how}; fix this, then resume with: composegan fit run={run}")


def _message(failure: ProcessFailure) -> str:
    """The text "UserError: message" from the error file, in which torch nests it with a traceback or not."""
    message: Any = failure.message
    while isinstance(message, dict):
        message = message["message"]
    return str(message)


@contextmanager
def _signals_request_stop(stop: Path) -> Iterator[Path]:
    """Within the block SIGINT, SIGTERM and SIGHUP create the file `stop`; a second request raises KeyboardInterrupt."""
    requests: list[float] = []

    def on_signal(number: int, frame: Any) -> None:
        requests.append(time.monotonic())
        if len(requests) == 1:
            stop.touch()
            print_line(*STOPPING.split("\n"), error=True)
        elif requests[-1] - requests[0] >= REPEAT:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, on_signal) for number in handled_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Within the block the environment, which the ranks inherit, has these variables as well."""
    before = dict(os.environ)
    os.environ.update(variables, TORCH_ELASTIC_SHUTDOWN_TIMEOUT=str(SHUTDOWN_SECONDS))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the agent's own messages, which repeat for every rank what `_ending` reports once."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
