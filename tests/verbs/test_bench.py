"""`composegan bench` lists the studies and runs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from composegan import cli
from composegan.verbs import bench

CHECKOUT = Path(__file__).parents[2]


def test_lists_studies_from_any_directory(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bench"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["class_scaling"].startswith("Measure what a class costs") and "paper_mode" in lines
    assert not {"measure", "jobs", "class_loop"} & set(lines)  # shared modules


def test_unknown_study_offers_the_nearest(capsys):
    assert cli.main(["bench", "class_scalin"]) == 2
    assert "did you mean 'class_scaling'" in capsys.readouterr().err


def test_says_where_the_studies_are_without_a_checkout(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "site-packages" / "composegan" / "verbs" / "bench.py"))
    assert cli.main(["bench", "class_scaling"]) == 2
    message = capsys.readouterr().err
    assert "composegan's repository" in message and message.count("\n") == 1


def test_passes_on_exit_status_and_output_of_the_study(command):
    status, out, err = command("bench", "class_scaling", "qualty")
    assert (status, out) == (2, "")
    assert err == "benchmarks.class_scaling: which part of the study? did you mean 'quality'?\n"


def test_checkout_in_the_current_directory_comes_first(tmp_path, monkeypatch):
    for folder in ("benchmarks/class_scaling", "composegan"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert bench.find_checkout() == tmp_path
    (tmp_path / "benchmarks" / "mine.py").write_text('"""Mine.\n\nMore."""\nif __name__ == "__main__":\n    pass\n')
    (tmp_path / "benchmarks" / "helper.py").write_text('"""Helps."""\n')
    assert bench.studies(tmp_path / "benchmarks") == {"mine": "Mine."}


@pytest.mark.parametrize("name", sorted(bench.studies(CHECKOUT / "benchmarks")))
def test_every_study_has_a_one_line_description(name):
    assert bench.studies(CHECKOUT / "benchmarks")[name].endswith(".")
