"""What reaches the screen is printable, and odd surroundings are one line."""

from __future__ import annotations

import io
import logging
import os
import shlex
import subprocess
import sys

import pytest

from composegan import cli
from composegan.errors import UserError
from composegan.runtime.console import print_line, printable_streams
from composegan.runtime.progress import progress_bar
from composegan.runtime.surroundings import check_surroundings

COMMAND = f"{shlex.quote(sys.executable)} -m composegan.cli"

ESCAPES = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b2J": r"\x9b2J",
    "a\rb": r"a\rb",
    "\u202egnp.exe": r"\u202egnp.exe",
    "\udcff": r"\udcff",
    "naïve 猫": "naïve 猫",
}


@pytest.mark.parametrize(("text", "shown"), ESCAPES.items())
def test_terminal_escapes_are_shown_by_every_way_of_output(capsys, text, shown):
    with printable_streams():
        print(text)
        sys.stdout.writelines([text, "\n"])
        print(text, file=sys.stderr)
        logging.lastResort.handle(logging.makeLogRecord({"msg": text, "levelno": logging.WARNING}))
    print_line(text)  # from Python, where the streams are as they are
    out, err = capsys.readouterr()
    assert out == f"{shown}\n" * 3
    assert err == f"{shown}\n" * 2


def test_a_line_end_in_a_name_does_not_make_a_line(capsys):
    print_line("one", "two\nthree")
    assert capsys.readouterr().out == "one\ntwo\\nthree\n"


def test_a_progress_bar_keeps_its_own_escapes(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", terminal)
    with printable_streams(), progress_bar("\x1b]0;title\x07", 2) as done:
        done(2)
    assert "\x1b[" in terminal.getvalue() and r"\x1b]0;title\x07" in terminal.getvalue()
    assert "\x1b]" not in terminal.getvalue()


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "WORLD_SIZE", "SLURM_NTASKS", "SLURM_PROCID", "NODE_RANK"])
@pytest.mark.parametrize("value", ["x", "", "-1", "1.5", "²"])
def test_a_rank_that_is_no_number_is_refused(capsys, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert cli.main(["domains"]) == 2
    line = f"composegan: {name}={value}: this environment variable must be a whole number; unset {name}\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("name", ["WORLD_SIZE", "LOCAL_WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE"])
def test_a_world_of_no_process_is_refused(capsys, monkeypatch, name):
    monkeypatch.setenv(name, "0")
    assert cli.main(["domains"]) == 2
    line = f"composegan: {name}=0: this environment variable must be 1 or more; unset {name}\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(("rank", "size"), [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS")])
def test_a_rank_of_no_world_is_refused(capsys, monkeypatch, rank, size):
    monkeypatch.setenv(rank, "1")
    monkeypatch.delenv(size, raising=False)
    assert cli.main(["domains"]) == 2
    line = f"composegan: {rank}=1: is set without {size}; unset {rank}, or use torchrun or srun\n"
    assert capsys.readouterr() == ("", line)


def test_a_deleted_working_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match="^the working folder: does not exist any more; change to another one with cd$"):
        check_surroundings()


CLOSED = "standard output: is closed; redirect it instead, as with > /dev/null"
FULL = "the output could not be written: No space left on device"
TOO_FEW = "ulimit -n 24: a run needs up to 128 open files; raise the limit, as with ulimit -n 1024"


def shell(line: str, folder) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a line of sh, in which `composegan` is this checkout's."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    line = line.replace("composegan", COMMAND, 1)
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120, env=environment)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("composegan domains >&-", 2, CLOSED),
        ("exec 0<&- 1>&-; composegan domains", 2, CLOSED),
        ("composegan --help > /dev/full", 2, FULL),
        ("composegan domains > /dev/full", 2, FULL),
        ("ulimit -n 24; composegan domains", 2, TOO_FEW),
        ("ulimit -S -n 24; composegan domains > /dev/null", 0, None),
        ("composegan domains > /dev/null 2>&- <&-", 0, None),
        ("composegan fti 2>&-", 2, None),
        ("composegan fti 2> /dev/full", 2, None),
        ("composegan domains | head -n 1 > /dev/null", 0, None),
    ],
)
def test_odd_descriptors_are_one_line(tmp_path, line, status, said):
    assert shell(line, tmp_path) == (status, "", "" if said is None else f"composegan: {said}\n")
