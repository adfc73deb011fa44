"""`composegan bench`: finds the studies, and hands over to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from composegan import cli
from composegan.verbs import bench

CHECKOUT = Path(__file__).parents[1]


def test_it_lists_the_studies_wherever_one_is(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bench"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["class_scaling"].startswith("What a class costs") and "paper_mode" in lines
    assert not {"measure", "stage", "class_loop"} & set(lines)  # these are for the others to use


def test_an_unknown_study(capsys):
    assert cli.main(["bench", "class_scalin"]) == 2
    assert "did you mean 'class_scaling'" in capsys.readouterr().err


def test_without_a_checkout_it_says_where_the_studies_are(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "site-packages" / "composegan" / "verbs" / "bench.py"))
    assert cli.main(["bench", "class_scaling"]) == 2
    message = capsys.readouterr().err
    assert "composegan's repository" in message and message.count("\n") == 1


def test_the_studys_exit_status_and_words_are_passed_on(command):
    status, out, err = command("bench", "class_scaling", "qualty")
    assert (status, out) == (2, "")
    assert err == "benchmarks.class_scaling: which part of the study? did you mean 'quality'?\n"


def test_a_checkout_one_stands_in_comes_first(tmp_path, monkeypatch):
    for folder in ("benchmarks/class_scaling", "composegan"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert bench.find_checkout() == tmp_path
    (tmp_path / "benchmarks" / "mine.py").write_text('"""Mine.\n\nMore."""\nif __name__ == "__main__":\n    pass\n')
    (tmp_path / "benchmarks" / "helper.py").write_text('"""Helps."""\n')
    assert bench.studies(tmp_path / "benchmarks") == {"mine": "Mine."}


@pytest.mark.parametrize("name", sorted(bench.studies(CHECKOUT / "benchmarks")))
def test_every_study_says_what_it_is(name):
    assert bench.studies(CHECKOUT / "benchmarks")[name].endswith(".")
