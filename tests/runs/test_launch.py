"""`trainer.devices=N`: ranks under torch's elastic agent, and how they end together."""

import os
import signal
import subprocess
import sys
import time

import pytest

from composegan.runs.graceful_stop import STOPPING
from tests.helpers import last, run_python

TWO = ["trainer.devices=2", "training.batch=4", "output.score_every=0"]
INTERRUPTED = "composegan: interrupted\n"


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.05)
    return found


def children_of(process):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(number) for number in listed.split()]


def is_alive(process):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
    return state.strip()[:1] not in ("", "Z")


class Launched:
    """`composegan fit` with two ranks, in a process group of its own."""

    def __init__(self, folder, *arguments):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "composegan.cli", "fit", *arguments],
            cwd=folder, env=environment, text=True, start_new_session=True,
            stdout=(folder / "out").open("w"), stderr=(folder / "err").open("w"),
        )  # fmt: skip

    def wait_for_metrics(self):
        """Wait for the first steps -> the run folder and the process numbers of both ranks."""

        def written():
            assert self.process.poll() is None, (self.folder / "err").read_text()
            return [path for path in self.folder.glob("shapes/*/metrics.csv") if path.read_bytes().count(b"\n") > 1]

        (metrics,) = wait_for(written)
        ranks = children_of(self.process.pid)
        assert len(ranks) == 2
        return metrics.parent, sorted(ranks)

    def end(self, seconds=60):
        """Wait for the end -> exit status, standard output and standard error."""
        status = self.process.wait(seconds)
        return status, (self.folder / "out").read_text(), (self.folder / "err").read_text()


@pytest.fixture
def launched(recipe, tmp_path):
    """(settings...) -> a new run with two ranks."""
    started = []

    def launched(*settings):
        arguments = [*recipe, *TWO, "training.images=1000000", f"output.root={tmp_path}"]
        started.append(Launched(tmp_path, *arguments, *settings))
        return started[-1]

    yield launched
    for each in started:
        for process in (each.process.pid, *children_of(each.process.pid)):
            if is_alive(process):
                os.kill(process, signal.SIGKILL)


def to_launcher(process, ranks):
    process.send_signal(signal.SIGTERM)


def to_all_twice(process, ranks):
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)


def from_terminal(process, ranks):
    os.killpg(process.pid, signal.SIGINT)


def from_closed_terminal(process, ranks):
    os.killpg(process.pid, signal.SIGHUP)


def to_one_rank(process, ranks):
    os.kill(ranks[1], signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("send", "said"),
    [
        (to_launcher, STOPPING + "\n"),
        (to_all_twice, STOPPING + "\n"),
        (from_terminal, STOPPING + "\n"),
        (from_closed_terminal, STOPPING + "\n"),
        (to_one_rank, ""),
    ],
)
def test_signal_saves_once_and_stops_all_ranks(launched, send, said):
    run = launched()
    folder, ranks = run.wait_for_metrics()
    send(run.process, ranks)
    status, out, err = run.end()
    assert (status, err) == (130, said + INTERRUPTED)
    seen = last(folder)["images_seen"]
    assert out.splitlines()[-1] == f"stopped at {seen} images; to resume: composegan fit run={folder}"
    assert out.count("2 x cpu") == out.count("run: ") == 1  # only rank 0 prints
    assert not any(map(is_alive, ranks))


@pytest.mark.slow
def test_second_signal_ends_all_ranks_at_once(launched):
    """One rank does not get on; the other waits for it."""
    run = launched()
    _, ranks = run.wait_for_metrics()
    os.kill(ranks[1], signal.SIGSTOP)
    for _ in range(2):
        run.process.send_signal(signal.SIGINT)
        time.sleep(1.5)
    os.kill(ranks[1], signal.SIGCONT)
    status, _, err = run.end()
    assert (status, err) == (130, f"{STOPPING}\n{INTERRUPTED}")
    assert not any(map(is_alive, ranks))


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_killed_rank_ends_the_run_with_one_line(launched, killed):
    run = launched()
    folder, ranks = run.wait_for_metrics()
    os.kill(ranks[killed], signal.SIGKILL)
    status, _, err = run.end()
    line = f"process {killed + 1} of 2 was killed (SIGKILL); fix this, then resume with: composegan fit run={folder}"
    assert (status, err) == (2, f"composegan: {line}\n")
    assert not any(map(is_alive, ranks))


@pytest.mark.slow
def test_ranks_end_with_their_launcher(launched):
    run = launched()
    _, ranks = run.wait_for_metrics()
    run.process.kill()
    wait_for(lambda: not any(map(is_alive, ranks)), seconds=10)


SCRIPT = """
import sys
from composegan.config.compose import compose
from composegan.errors import UserError
from composegan.runs.fit import fit, resume
print("script")
run = fit(compose(sys.argv[1:]))
try:
    resume(run, ["training.images=8"])
except UserError as error:
    print(error)
resume(run, ["training.images=16"])
"""


@pytest.mark.slow
def test_script_without_main_guard_launches_ranks_once(
    recipe, ranks, fit, tmp_path, as_before, assert_same_run, figures_of
):
    """And again to resume. The run, with split groups, is that of processes from torchrun, bit for bit; an error of
    rank 0 is raised in the script."""
    (tmp_path / "script.py").write_text(SCRIPT)
    splits = ["grouping=progressive:3", "training.split_every=8", "training.images=8"]
    arguments = [*recipe, *TWO, *splits, "output.root=launched"]
    done = run_python("script.py", *arguments, cwd=tmp_path, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = (tmp_path / "launched" / "shapes").iterdir()
    out = done.stdout
    assert out.count("script") == 1 and out.count("done: 8 images") == out.count("done: 16 images") == 1
    assert "stopped before its first checkpoint" not in out and f"run={run.relative_to(tmp_path)}: is finished" in out
    (whole, _) = ranks(lambda rank: str(fit(*TWO, *splits, "training.images=16")))
    assert_same_run(run, type(run)(whole), extended=True)
