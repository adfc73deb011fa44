"""The command line: help, exit statuses, what is loaded, and what the verbs hand over."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import composegan
from composegan import cli
from composegan.config.schema import Config
from composegan.config.settings import settings_of
from composegan.plugin import registry
from composegan.plugin.registry import Found
from composegan.verbs import domains
from composegan.verbs.choices import ModelChoice

HEAVY = ("torch", "lightning", "torchvision", "kornia", "timm")


def run(capsys, *arguments):
    """(exit status, standard output, standard error)"""
    status = cli.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refused(capsys, *arguments):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("composegan: ") and err.endswith("\n") and err.count("\n") == 1
    return err.removeprefix("composegan: ").rstrip("\n")


@pytest.fixture
def verb_module(monkeypatch):
    """Put a stand-in for one of the modules that do a verb's work, so that what is handed over can be looked at."""

    def replace(name, **functions):
        module = types.ModuleType(name)
        vars(module).update(functions)
        parent = name.rpartition(".")[0]
        monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent) or types.ModuleType(parent))
        monkeypatch.setitem(sys.modules, name, module)

    return replace


@pytest.fixture
def pets(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text("classes: [{name: ground, color: [0, 0, 0]}, {name: cat, color: [9, 9, 9]}]\n")
    return path


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_bare_and_help_list_the_verbs(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert out.startswith("usage: composegan VERB key=value ...")
    assert all(f"\n  {verb} " in out for verb in cli.VERBS)


@pytest.mark.parametrize("arguments", [["fit", "--help"], ["fit", "domain=faces", "-h"], ["help", "fit"]])
def test_the_help_of_fit_lists_every_setting(capsys, arguments):
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    assert re.search(
        r"^  training.batch=32 {6,}whole number, 1 to 1,000,000 {3,}images per step, over all devices$",
        out,
        re.MULTILINE,
    )
    for key in settings_of(Config):
        assert f"\n  {key}=" in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("sample", "truncation=0.7"),
        ("adapt", "freeze=local"),
        ("prepare", "data.height=256"),
        ("domains", "usage: composegan domains"),
    ],
)
def test_every_verb_has_help(capsys, verb, said):
    status, out, _ = run(capsys, verb, "--help")
    assert status == 0
    assert out.startswith(f"usage: composegan {verb}")
    assert said in out


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"composegan {composegan.__version__}\n", "")


def test_mistakes_are_one_line_and_status_2(capsys, pets, tmp_path):
    assert refused(capsys, "fti") == "unknown verb 'fti'; did you mean 'fit'?"
    assert refused(capsys, "help", "smaple") == "unknown verb 'smaple'; did you mean 'sample'?"
    assert refused(capsys, "fit").startswith("which domain? write domain=NAME or domain=FILE.yaml; there are: ")
    assert refused(capsys, "fit", f"domain={pets}", "batch=4") == "unknown key 'batch'; did you mean 'training.batch'?"
    assert refused(capsys, "fit", f"run={tmp_path}").startswith(f"run={tmp_path}: is not a run")
    assert refused(capsys, "fit", "run=").startswith("run=.: is not a run")
    told = refused(capsys, "domains", "faces")
    assert told == "domains takes no arguments but plugin_path=DIR and extensions=on, found 'faces'"
    assert refused(capsys, "sample", "n=0", f"model={tmp_path}") == "n=0: must be 1 or more"
    assert refused(capsys, "sample", "batch=0", f"model={tmp_path}") == "batch=0: must be 1 or more"
    assert refused(capsys, "sample", "seed=-1", f"model={tmp_path}") == "seed=-1: must be 0 or more"
    assert refused(capsys, "sample", "truncation=2", f"model={tmp_path}") == "truncation=2.0: must be 0 to 1"
    assert refused(capsys, "sample", "run=a", "model=b") == "give run= or model=, not both"
    assert refused(capsys, "sample", "size=3").startswith("unknown key 'size'")
    assert refused(capsys, "prepare", f"domain={pets}") == "where to? write out=FOLDER"
    assert refused(capsys, "prepare", f"domain={pets}", "data.width=65", "out=x").startswith("data.width=65: ")


def test_a_user_error_of_many_lines_is_told_in_one(capsys, verb_module, pets):
    from composegan.errors import UserError

    def fit(composed):
        raise UserError("first\nsecond")

    verb_module("composegan.runs.fit", fit=fit)
    assert refused(capsys, "fit", f"domain={pets}") == "first second"


def test_ctrl_c_is_130_and_a_fault_of_ours_is_raised(capsys, verb_module, pets):
    def interrupted(composed):
        raise KeyboardInterrupt

    def broken(composed):
        raise ZeroDivisionError

    verb_module("composegan.runs.fit", fit=interrupted)
    status, _, err = run(capsys, "fit", f"domain={pets}")
    assert (status, err) == (130, "composegan: interrupted\n")
    verb_module("composegan.runs.fit", fit=broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["fit", f"domain={pets}"])


def test_fit_hands_over_the_configuration_and_says_which_recipe(capsys, verb_module, pets, monkeypatch):
    seen = []
    verb_module("composegan.runs.fit", fit=lambda composed: seen.append(composed) or Path("runs/pets/now"))
    status, out, _ = run(capsys, "fit", f"domain={pets}", "training.batch=2")
    assert status == 0
    assert out.startswith("recipe=quick (the default): ")
    assert seen[0].config.training.batch == 2
    assert seen[0].overrides == [f"domain={pets}", "training.batch=2"]
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert run(capsys, "fit", f"domain={pets}") == (0, "", "")
    monkeypatch.delenv("LOCAL_RANK")
    assert run(capsys, "fit", f"domain={pets}", "recipe=quick") == (0, "", "")


def test_fit_continues_a_run(capsys, verb_module, tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    seen = []
    verb_module("composegan.runs.fit", resume=lambda *given: seen.append(given) or given[0])
    assert run(capsys, "fit", "training.images=1e5", f"run={tmp_path}", "trainer.threads=2") == (0, "", "")
    assert seen == [(tmp_path, ["training.images=1e5", "trainer.threads=2"])]


def test_a_run_a_model_or_the_newest_run_is_taken(capsys, tmp_path, monkeypatch):
    newest = Path("runs", "pets", "now")
    monkeypatch.chdir(tmp_path)
    newest.mkdir(parents=True)
    (newest / "config.yaml").write_text("seed: 0\n")
    assert ModelChoice().folder() == newest
    assert capsys.readouterr().out == f"run={newest} is taken, the newest, as none was given\n"
    assert ModelChoice(run=str(tmp_path / newest)).folder() == tmp_path / newest
    assert ModelChoice(model=str(tmp_path)).folder() == tmp_path
    assert capsys.readouterr().out == ""


def test_prepare_hands_over_the_data_settings(capsys, verb_module, tmp_path, pets):
    seen = []
    verb_module("composegan.data.open", prepare=lambda *given: seen.append(given))
    arguments = [f"domain={pets}", f"data.root={tmp_path}", "data.height=64", "data.width=128", f"out={tmp_path / 'o'}"]
    status, out, _ = run(capsys, "prepare", *arguments)
    assert (status, out) == (0, f"wrote {tmp_path / 'o'}; use it with data.root={tmp_path / 'o'}\n")
    plugin, data, out_folder = seen[0]
    assert plugin.spec.name == "pets"
    assert (data.root, data.height, data.width) == (str(tmp_path), 64, 128)
    assert out_folder == tmp_path / "o"


def test_domains_lists_what_works_and_what_does_not(capsys, monkeypatch):
    spec = types.SimpleNamespace(classes=(1, 2, 3))
    rows = [
        Found("cars", "cars_domain", "1.2", plugin=types.SimpleNamespace(spec=spec)),
        Found("faces", "composegan", "0.1", error="x:y: ImportError: [no] such thing"),
    ]
    monkeypatch.setattr(registry, "discover", lambda: rows)
    status, out, _ = run(capsys, "domains")
    assert status == 0
    assert out.splitlines() == [
        "name   classes  distribution  version  status",
        "cars   3        cars_domain   1.2      ok",
        "faces           composegan    0.1      error: x:y: ImportError: [no] such thing",
    ]


def test_domains_on_a_terminal_has_the_same_words(capsys, monkeypatch):
    monkeypatch.setattr(registry, "discover", lambda: [Found("faces", "composegan", "0.1", error="[no] such thing")])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    domains.run([])
    out = capsys.readouterr().out
    for word in (*domains.COLUMNS, "faces", "composegan", "0.1", "error: [no] such thing"):
        assert word in out


def python(code, cwd):
    """Run code in a process of its own, far from the checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["domains"], ["fit", "domain=nowhere"]])
def test_nothing_heavy_is_loaded_before_it_is_needed(arguments, tmp_path):
    code = (
        f"import sys; from composegan.cli import main; main({arguments!r}); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = python(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


def test_importing_composegan_loads_no_torch(tmp_path):
    result = python("import sys, composegan; dir(composegan); print('torch' in sys.modules)", tmp_path)
    assert result.stdout == "False\n", result.stderr


def test_exit_statuses_of_the_process(tmp_path):
    command = [sys.executable, "-m", "composegan.cli"]
    result = subprocess.run([*command, "fti"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "composegan: unknown verb 'fti'; did you mean 'fit'?\n"


def test_a_reader_that_stops_early_is_no_error(tmp_path):
    command = [sys.executable, "-c", "from composegan.cli import main; raise SystemExit(main(['fit', '--help']))"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is always full")
def test_a_full_disk_behind_stdout_is_told(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "composegan.cli", "--version"]
        result = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment
        )
    line = "composegan: what was printed could not be written: No space left on device\n"
    assert (result.returncode, result.stderr) == (2, line)


def raising(error):
    def fit(composed):
        raise error

    return fit


def test_a_line_leaves_the_terminal_as_it_is_and_can_be_read(capsys, verb_module, pets):
    from composegan.errors import UserError

    verb_module("composegan.runs.fit", fit=raising(UserError("\x1b[2J\u202ea\udcffb")))
    assert refused(capsys, "fit", f"domain={pets}") == r"\x1b[2J\u202ea\udcffb"
    verb_module("composegan.runs.fit", fit=raising(UserError("a" * 5000 + "b" * 5000)))
    assert refused(capsys, "fit", f"domain={pets}") == "a" * 600 + " ... " + "b" * 600


def test_what_the_system_or_its_memory_does_not_let_us_is_told(capsys, verb_module, pets):
    verb_module("composegan.runs.fit", fit=raising(PermissionError(13, "Permission denied", "/x/y")))
    assert refused(capsys, "fit", f"domain={pets}") == "/x/y: Permission denied"
    refusal = RuntimeError(
        "[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.\nmore"
    )
    for error in (MemoryError("9 bytes"), refusal):
        verb_module("composegan.runs.fit", fit=raising(error))
        assert refused(capsys, "fit", f"domain={pets}").startswith("out of memory (")
    verb_module("composegan.runs.fit", fit=raising(RuntimeError("a fault of ours")))
    with pytest.raises(RuntimeError):
        cli.main(["fit", f"domain={pets}"])


def test_names_that_are_not_unicode_can_be_printed(tmp_path):
    code = "from composegan import cli; import sys; cli._dispatch = print; sys.exit(cli.main([chr(0xDCFF)]))"
    result = python(code, tmp_path)
    assert (result.returncode, result.stdout) == (0, "['\\udcff']\n")


def test_a_grid_is_written_as_a_picture(capsys, tmp_path):
    told = refused(capsys, "mix", f"model={tmp_path}", "out=grid.pn")
    assert told == "out=grid.pn: a picture's name is needed; did you mean '.png'?"


def test_counts_and_lists_have_an_end(capsys, tmp_path):
    assert refused(capsys, "sample", "n=1e12", f"model={tmp_path}") == "n=1000000000000: must be 1000000 or less"
    told = refused(capsys, "sample", "pictures=" + "0-90000," * 100, f"model={tmp_path}")
    assert told.endswith("names more than 100000 numbers")


def test_a_class_is_no_folder():
    from composegan.verbs.choices import in_file_name

    assert in_file_name(["hair", "../../x"]) == "hair-.._.._x"
    assert in_file_name([]) == "base"
