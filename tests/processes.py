"""Fixtures that run composegan in forked processes: `command`, and several `ranks`."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
import warnings

import pytest

FORK = multiprocessing.get_context("fork")
"""Starts a process in which torch is already loaded."""


@pytest.fixture
def command(tmp_path):
    """(arguments...) -> (exit status, standard output, standard error) of `composegan` in a process of its own.

    patch: Python code to run first. The process leads a group, as if started from a terminal.
    """

    def command(*arguments, patch="", timeout=300):
        from composegan.cli import main
        from composegan.runs import fit  # noqa: F401, so that torch is loaded only once

        def work():
            os.setsid()
            os.chdir(tmp_path)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            # Messages that pytest would collect are printed, as in a process that was not forked from it.
            logging.getLogger().handlers.clear()
            warnings.showwarning = lambda message, *rest, **named: print("warning:", message, file=sys.stderr)
            exec(patch, {})
            sys.exit(main(list(arguments)))

        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = FORK.Process(target=work)
            process.start()
            process.join(timeout)
            if process.exitcode is None:
                os.killpg(process.pid, signal.SIGKILL)
                pytest.fail("hangs")
            for stream in (out, err):
                stream.seek(0)
            return process.exitcode, out.read(), err.read()

    return command


@pytest.fixture
def ranks(tmp_path):
    """(function, world=2, environment=...) -> the results of function(rank) in `world` processes, as by torchrun
    (environment: rank -> variables of another launcher). Results are tensors and plain values.

    Processes are forked, so that torch is loaded once. A process that fails or hangs is an AssertionError.
    """

    def ranks(function, world=2, environment=None, statuses=None):
        import torch

        import composegan.runs.fit  # noqa: F401, so that it is loaded only once

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])

        def work(rank):
            of_torchrun = {
                "TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world),
            }  # fmt: skip
            os.environ.update(of_torchrun if environment is None else environment(rank))
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
            torch.save(function(rank), tmp_path / f"rank{rank}.pt")

        started = [FORK.Process(target=work, args=(rank,)) for rank in range(world)]
        for process in started:
            process.start()
        deadline = time.monotonic() + 150
        for process in started:
            process.join(max(0, deadline - time.monotonic()))
        late = [process for process in started if process.exitcode is None]
        for process in late:
            process.kill()
        assert not late, "hangs"
        assert [process.exitcode for process in started] == (statuses or [0] * world)
        if statuses is None:
            return [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(world)]

    return ranks
