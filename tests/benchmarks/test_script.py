"""Every study reads `key=value` arguments and has a `--help`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import script
from composegan.config.settings import help_of, settings_of
from composegan.errors import UserError
from composegan.verbs.bench import studies

STUDIES = sorted(set(studies(Path(script.__file__).parent)) - {"same_run"})  # same_run does not import composegan


def main_of(name):
    folder = Path(script.__file__).parent / name
    return import_module(f"benchmarks.{name}.__main__" if folder.is_dir() else f"benchmarks.{name}").main


@pytest.mark.parametrize("name", STUDIES)
def test_help_lists_every_setting_with_its_text(name, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(script, "settings_lines", lambda schema: seen.append(schema) or [])
    with pytest.raises(SystemExit) as end:
        main_of(name)(["--help"])
    assert end.value.code == 0 and f"python -m benchmarks.{name}" in capsys.readouterr().out
    (schema,) = seen
    assert settings_of(schema) and all(help_of(schema).values())


@pytest.mark.parametrize("name", sorted(set(STUDIES) - {"class_scaling", "gpu"}))
def test_unknown_setting_is_reported_with_where_to_look(name):
    with pytest.raises(UserError, match=f"python -m benchmarks.{name} --help"):
        main_of(name)(["qqqqqq=1"])


def test_choose_splits_part_from_settings():
    assert script.choose("part", ("a", "b"), ["b", "x=1"]) == (["b"], ["x=1"])
    assert script.choose("part", ("a", "b"), ["all"]) == (["a", "b"], [])
    with pytest.raises(UserError, match="which part"):
        script.choose("part", ("a", "b"), [])


def test_run_study_turns_errors_into_exit_statuses(monkeypatch, capsys):
    def ends_with(error):
        def main(arguments):
            if error:
                raise error
            return arguments == ["x=1"]

        monkeypatch.setattr("sys.argv", ["study", "x=1"])
        with pytest.raises(SystemExit) as end:
            script.run_study(main)
        return end.value.code

    assert ends_with(None) == 1
    assert ends_with(UserError("x: is wrong")) == 2 and capsys.readouterr().err.endswith(": x: is wrong\n")
    assert ends_with(KeyboardInterrupt()) == 130
