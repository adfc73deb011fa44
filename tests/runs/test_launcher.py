"""Processes that Lightning starts: when one of them is gone, none of the others waits for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher

from composegan.runs import launch

TWO = ["trainer.devices=2", "training.batch=4", "output.score_every=0"]
CONTINUE = "once that is mended, the run goes on with composegan fit run=PATH"


@pytest.fixture
def end_of(monkeypatch):
    """(function) -> exit status of a process that calls it, and how many seconds it took."""
    monkeypatch.setattr(launch, "PATIENCE", 0.3)
    for name in ("LOCAL_RANK", launch.FIRST):
        monkeypatch.delenv(name, raising=False)

    def end_of(function):
        start, process = time.monotonic(), multiprocessing.get_context("fork").Process(target=function)
        process.start()
        process.join(10)
        late = process.exitcode is None
        process.kill()
        assert not late, "hangs"
        return process.exitcode, time.monotonic() - start

    return end_of


def launcher(processes=3):
    return launch.Launcher(LightningEnvironment(), processes, 1)


@pytest.fixture
def instead(monkeypatch, tmp_path):
    """(commands...): these are started in place of this program. Their numbers are noted in the file `started`."""

    def instead(*commands):
        def start(launcher):
            launcher.procs = [subprocess.Popen(["sh", "-c", command]) for command in commands]
            (tmp_path / "started").write_text(" ".join(str(process.pid) for process in launcher.procs))

        monkeypatch.setattr(_SubprocessScriptLauncher, "_call_children_scripts", start)

    return instead


def is_alive(process):
    """Not one that has ended and is not yet asked about by its parent."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
    return state.strip()[:1] not in ("", "Z")


def assert_none_left(numbers, seconds=1):
    deadline = time.monotonic() + seconds
    while alive := [number for number in numbers if is_alive(number)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "how"), [("exit 3", "ended with status 3"), ("kill -9 $$", "was killed (SIGKILL)")]
)
def test_a_process_that_dies_ends_the_others(end_of, instead, tmp_path, capfd, command, how):
    instead("exec sleep 60", command)
    status, seconds = end_of(lambda: launcher().launch(time.sleep, 60))
    assert status == 2 and seconds < 4
    assert capfd.readouterr().err == f"composegan: process 3 of 3 {how}; {CONTINUE}\n"
    assert_none_left((tmp_path / "started").read_text().split())


def test_who_notices_that_by_itself_says_it_itself(end_of, instead, capfd):
    """gloo tells of a lost connection; `fit` says then which run it was, and ends the others."""
    instead("exit 3")

    def work():
        launching = launcher(2)
        launching.launch(time.sleep, 0.7)
        launching.kill(signal.SIGKILL)
        time.sleep(1.5)

    assert end_of(work)[0] == 0
    assert capfd.readouterr().err == ""


def test_after_the_end_nobody_is_needed(end_of, instead, monkeypatch, capfd):
    instead("sleep 0.5; exit 1")

    def work():
        assert launcher(2).launch(lambda: 5) == 5
        monkeypatch.setenv(launch.FIRST, "1")  # which is nobody's parent here
        assert launcher(2).launch(lambda: 6) == 6
        time.sleep(1.5)

    assert end_of(work)[0] == 0
    assert capfd.readouterr().err == ""


def test_without_the_first_process_none_goes_on(end_of, monkeypatch, capfd):
    def work():
        monkeypatch.setenv(launch.FIRST, "1")
        launcher()
        assert launch.FIRST not in os.environ  # is no concern of what this process starts
        time.sleep(60)

    status, seconds = end_of(work)
    assert status == 2 and seconds < 4
    assert capfd.readouterr().err == f"composegan: the first of 3 processes has ended; {CONTINUE}\n"


def test_processes_of_another_launcher_are_its_own_concern(end_of, monkeypatch, capfd):
    """torchrun's and srun's may well outlive whoever started them, and end each other by themselves."""

    def work():
        monkeypatch.setenv("LOCAL_RANK", "1")
        launcher().launch(time.sleep, 1)

    assert end_of(work)[0] == 0
    assert capfd.readouterr().err == ""


FAILS_AT_ITS_START = """
import os, sys
if os.environ.get("LOCAL_RANK"):
    sys.exit(3)
from composegan.cli import main
sys.exit(main(sys.argv[1:]))
"""

KILLED_AT_ITS_START = """
import os, signal, sys
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher as Launcher
start = Launcher._call_children_scripts
def killed(launcher):
    start(launcher)
    open("started", "w").write(str(launcher.procs[0].pid))
    os.kill(os.getpid(), signal.SIGKILL)
Launcher._call_children_scripts = killed
from composegan.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def fit_by_script(tmp_path, tiny, shapes):
    """(script) -> exit status and standard error of `fit` with two processes, each of which runs that script."""

    def fit_by_script(script):
        (tmp_path / "script.py").write_text(script)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        settings = ["recipe=quick", *shapes, *tiny, *TWO, f"output.root={tmp_path}"]
        with (tmp_path / "err").open("w") as err:  # which a process that is left over would keep open, were it a pipe
            ended = subprocess.run(
                [sys.executable, "script.py", "fit", *settings],
                cwd=tmp_path, env=environment, timeout=100, stdout=err, stderr=err,
            )  # fmt: skip
        return ended.returncode, lambda: (tmp_path / "err").read_text()

    return fit_by_script


@pytest.mark.slow
def test_a_process_that_fails_at_its_start(fit_by_script):
    status, said = fit_by_script(FAILS_AT_ITS_START)
    assert status == 2
    assert said().splitlines()[-1] == f"composegan: process 2 of 2 ended with status 3; {CONTINUE}"


@pytest.mark.slow
def test_the_first_process_killed_at_the_others_start(fit_by_script, tmp_path):
    status, said = fit_by_script(KILLED_AT_ITS_START)
    assert status == -signal.SIGKILL
    assert_none_left([(tmp_path / "started").read_text()], 40)  # it has to load torch before it can know
    assert said().splitlines()[-1] == f"composegan: the first of 2 processes has ended; {CONTINUE}"
