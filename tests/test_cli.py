"""The command line: help, exit statuses, what is imported, and what the verbs pass on."""

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
from composegan.errors import UserError
from composegan.plugin import listing
from composegan.plugin.registry import Found
from composegan.verbs.base import ModelCommand, in_file_name
from tests.helpers import run_python

HEAVY = ("torch", "numpy", "lightning", "torchvision", "kornia", "timm")


def run(capsys, *arguments):
    """(exit status, standard output, standard error)"""
    status = cli.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def verb_module(monkeypatch):
    """Replace one of the modules that do a verb's work, to see what it is called with."""

    def replace(name, **functions):
        module = types.ModuleType(name)
        vars(module).update(functions)
        parent = name.rpartition(".")[0]
        monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent) or types.ModuleType(parent))
        monkeypatch.setitem(sys.modules, name, module)

    return replace


@pytest.fixture
def failing_fit(verb_module):
    """(error) -> `composegan fit` raises it."""

    def failing_fit(error):
        def fit(composed):
            raise error

        verb_module("composegan.runs.fit", fit=fit)

    return failing_fit


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_bare_and_help_list_the_verbs(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert out.startswith("usage: composegan VERB key=value ...")
    assert re.findall(r"^  (\w+) +\w", out, re.MULTILINE) == list(cli.VERBS)


@pytest.mark.parametrize("arguments", [["fit", "--help"], ["fit", "domain=faces", "-h"], ["help", "fit"]])
def test_help_of_fit_lists_every_setting(capsys, arguments):
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    batch = r"^  training.batch=32 {6,}whole number, 1 to 1,000,000 {3,}images per step, over all devices$"
    assert re.search(batch, out, re.MULTILINE)
    for key in settings_of(Config):
        assert f"\n  {key}=" in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(capsys, verb):
    status, out, _ = run(capsys, verb, "--help")
    assert status == 0 and out.startswith(f"usage: composegan {verb}")
    settings = [re.split(r" {2,}", line.strip()) for line in out.splitlines() if re.match(r"  [\w.]+=", line)]
    assert all(len(columns) == 3 for columns in settings), "a setting has no help text: the comment on its line"


def test_a_verb_of_another_package_is_listed_and_runs(capsys, error_line, tmp_path, monkeypatch):
    (tmp_path / "greet.py").write_text(
        "from dataclasses import dataclass\n"
        "from composegan.plugin.contracts import Verb\n"
        "@dataclass\n"
        "class Greeting:\n"
        "    name: str = 'you'  # whom to greet\n"
        "verb = Verb('say hello', lambda greeting: print('hello', greeting.name), settings=Greeting)\n"
    )
    (tmp_path / "greet-1.dist-info").mkdir()
    (tmp_path / "greet-1.dist-info" / "entry_points.txt").write_text(
        "[composegan.verbs]\ngreet = greet:verb\nbroken = greet:nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    out = run(capsys, "--help")[1]  # imports no verb of another package
    assert "\n  greet        of greet 1\n" in out and "\n  broken       of greet 1\n" in out
    assert "greet" not in sys.modules
    assert run(capsys, "greet", "name=Ada") == (0, "hello Ada\n", "")
    assert run(capsys, "greet", "--help")[1].splitlines() == [
        "usage: composegan greet key=value ...", "", "say hello", "", "  name=you  text  whom to greet",
    ]  # fmt: skip
    assert error_line("greet", "nam=Ada") == "unknown key 'nam'; did you mean 'name'?"
    assert error_line("broken").startswith("verb 'broken' of greet cannot be used: greet:nothing: ")


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"composegan {composegan.__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fti", "unknown verb 'fti'; did you mean 'fit'?"),
        ("train", "unknown verb 'train'; did you mean 'fit'?"),
        ("resume runs/x", "unknown verb 'resume'; did you mean 'fit run=PATH'?"),
        ("Generate n=4", "unknown verb 'Generate'; did you mean 'sample'?"),
        ("eval", "unknown verb 'eval'; did you mean 'evaluate'?"),
        ("help finetune", "unknown verb 'finetune'; did you mean 'adapt'?"),
        ("project", "unknown verb 'project'; did you mean 'invert'?"),
        ("help smaple", "unknown verb 'smaple'; did you mean 'sample'?"),
        ("fit domain={pets} batch=4", "unknown key 'batch'; did you mean 'training.batch'?"),
        ("fit run={here}", "run={here}: is not a run (it has no config.yaml); a run is a folder such as"),
        ("fit run=", "run=.: is not a run"),
        ("domains faces", "'faces' is not key=value; write faces=VALUE"),
        ("sample n=0 model={here}", "n=0: must be 1 to 1,000,000"),
        ("sample n=1e12 model={here}", "n=1000000000000: must be 1 to 1,000,000"),
        ("sample batch=0 model={here}", "batch=0: must be 1 to 1,000,000"),
        ("sample seed=-1 model={here}", "seed=-1: must be 0 or more"),
        ("sample truncation=2 model={here}", "truncation=2.0: must be 0 to 1"),
        ("sample run=a model=b", "give run= or model=, not both"),
        ("sample size=3", "unknown key 'size'"),
        ("mix model={here} out=grid.pn", "out=grid.pn: must be the name of a picture; did you mean '.png'?"),
        ("prepare domain={pets}", "out=: missing; write out=FOLDER"),
        ("prepare domain={pets} data.width=65 out=x", "data.width=65: "),
    ],
)
def test_a_mistake_is_one_line_and_status_2(error_line, pets, tmp_path, line, said):
    told = error_line(*line.format(pets=pets, here=tmp_path).split())
    assert told.startswith(said.format(here=tmp_path))


def test_a_list_of_too_many_pictures_is_refused(error_line, tmp_path):
    told = error_line("sample", "pictures=" + "0-90000," * 100, f"model={tmp_path}")
    assert told.startswith("pictures=0-90000") and "100000 numbers" in told


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("first\nsecond"), "first second"),
        (UserError("\x1b[2J\u202ea\udcffb"), r"\x1b[2J\u202ea\udcffb"),
        (UserError("a" * 5000 + "b" * 5000), "a" * 600 + " ... " + "b" * 600),
        (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied"),
        (MemoryError("9 bytes"), "out of memory (9 bytes); smaller pictures, batches or networks need less"),
        *[(RuntimeError(text), f"out of memory ({said}); smaller pictures, batches or networks need less")
          for text, said in (
              ("[enforce fail] DefaultCPUAllocator: not enough memory: 9 bytes.\nmore", "not enough memory: 9 bytes."),
              ("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9", "can't allocate memory: 9"),
              ("mmap: Cannot allocate memory (12)", "mmap: Cannot allocate memory (12)"),
              ("std::bad_alloc", "std::bad_alloc"), ("CUDA error: out of memory", "CUDA error: out of memory"),
          )],
    ],
)  # fmt: skip
def test_an_error_of_a_verb_is_one_readable_line(error_line, failing_fit, pets, error, said):
    failing_fit(error)
    assert error_line("fit", f"domain={pets}") == said


def test_ctrl_c_is_130_and_a_bug_raises(capsys, failing_fit, pets):
    failing_fit(KeyboardInterrupt())
    assert run(capsys, "fit", f"domain={pets}")[::2] == (130, "composegan: interrupted\n")
    for error in (ZeroDivisionError(), RuntimeError("a bug")):
        failing_fit(error)
        with pytest.raises(type(error)):
            cli.main(["fit", f"domain={pets}"])


def test_fit_passes_on_the_configuration(capsys, verb_module, pets):
    seen = []
    verb_module("composegan.runs.fit", fit=lambda composed: seen.append(composed) or Path("runs/pets/now"))
    assert run(capsys, "fit", f"domain={pets}", "training.batch=2") == (0, "", "")
    assert seen[0].config.training.batch == 2
    assert seen[0].overrides == [f"domain={pets}", "training.batch=2"]
    assert seen[0].notes[0] == "recipe=quick (the default): with other training.batch"


def test_recipes_are_not_listed_before_an_error_about_the_data(capsys, pets):
    status, out, err = run(capsys, "fit", f"domain={pets}")
    assert (status, out) == (2, "") and "domain 'pets' has no demo data; give data.root=FOLDER" in err


def test_fit_with_run_resumes_it(capsys, verb_module, tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    seen = []
    verb_module("composegan.runs.fit", resume=lambda *given: seen.append(given) or given[0])
    assert run(capsys, "fit", "training.images=1e5", f"run={tmp_path}", "trainer.threads=2") == (0, "", "")
    assert seen == [(tmp_path, ["training.images=1e5", "trainer.threads=2"])]


def test_a_run_a_model_or_the_newest_run_is_used(capsys, tmp_path, monkeypatch):
    newest = Path("runs", "pets", "now")
    monkeypatch.chdir(tmp_path)
    newest.mkdir(parents=True)
    (newest / "config.yaml").write_text("seed: 0\n")
    assert ModelCommand().folder == newest
    assert capsys.readouterr().out == f"run={newest}: the newest run, because none was given\n"
    assert ModelCommand(run=str(tmp_path / newest)).folder == tmp_path / newest
    assert ModelCommand(model=str(tmp_path)).folder == tmp_path
    assert capsys.readouterr().out == ""


def test_prepare_passes_on_the_data_settings(capsys, verb_module, tmp_path, pets):
    seen = []
    verb_module("composegan.data.open", prepare=lambda *given: seen.append(given))
    found = types.SimpleNamespace(lines=lambda: ["the table"], warnings=["odd"], write=seen.append)
    verb_module("composegan.data.look", look_at_pack=lambda *given: found)
    arguments = [f"domain={pets}", f"data.root={tmp_path}", "data.height=64", "data.width=128", f"out={tmp_path / 'o'}"]
    status, out, _ = run(capsys, "prepare", *arguments)
    wrote = f"wrote {tmp_path / 'o'}; look at {tmp_path / 'o' / 'look.png'}, and use it with data.root={tmp_path / 'o'}"
    assert (status, out.splitlines()) == (0, ["the table", "warning: odd", wrote])
    assert seen[1] == tmp_path / "o"
    plugin, data, out_folder = seen[0]
    assert (plugin.spec.name, data.root, data.height, data.width) == ("pets", str(tmp_path), 64, 128)
    assert out_folder == tmp_path / "o"


def test_domains_lists_usable_and_unusable_ones(capsys, monkeypatch):
    rows = [
        Found("cars", "cars_domain", "1.2", classes=3),
        Found("faces", "composegan", "0.1", error="x:y: ImportError: [no] such thing"),
    ]
    monkeypatch.setattr(listing, "listing", lambda: rows)
    assert run(capsys, "domains")[1].splitlines() == [
        "name   classes  distribution  version  status",
        "cars   3        cars_domain   1.2      ok",
        "faces           composegan    0.1      error: x:y: ImportError: [no] such thing",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "from composegan.cli import main; main(['--help'])",
        "from composegan.cli import main; main(['fit', '--help'])",
        "from composegan.cli import main; main(['sample', 'n=0'])",
        "from composegan.cli import main; main(['domains'])",
        "from composegan.cli import main; main(['fit', 'domain=nowhere'])",
        "import composegan; dir(composegan)",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code, tmp_path):
    heavy = HEAVY if "domains" not in code and "nowhere" not in code else HEAVY[:1] + HEAVY[2:]  # plug-ins import numpy
    code = f"import sys; {code}; print([name for name in {heavy!r} if name in sys.modules])"
    result = run_python("-c", code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


def test_exit_status_of_the_process(tmp_path):
    result = run_python("-m", "composegan.cli", "fti", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "composegan: unknown verb 'fti'; did you mean 'fit'?\n"


def test_a_reader_that_stops_early_is_not_an_error(tmp_path):
    command = [sys.executable, "-c", "from composegan.cli import main; raise SystemExit(main(['fit', '--help']))"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_behind_stdout_is_reported(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "composegan.cli", "--version"]
        result = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment
        )
    line = "composegan: the output could not be written: No space left on device\n"
    assert (result.returncode, result.stderr) == (2, line)


def test_names_that_are_not_unicode_can_be_printed(tmp_path):
    code = "from composegan import cli; cli._dispatch = lambda a: print(a) or 0; cli.main([chr(0xDCFF)])"
    result = run_python("-c", code, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "['\\udcff']\n")


def test_class_names_in_file_names_have_no_path_separators():
    assert in_file_name(["hair", "../../x"]) == "hair-.._.._x"
    assert in_file_name([]) == "base"
