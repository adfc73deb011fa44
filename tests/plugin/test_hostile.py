"""Plug-ins that do harm when they are imported: to their own row only, whatever command runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from composegan import domains
from composegan.cli import main
from composegan.plugin import listing
from composegan.plugin.registry import Found

HEAD = """
from composegan.plugin import DomainPlugin, DomainSpec, SemanticClass
spec = DomainSpec({name!r}, (SemanticClass("sky", (1, 2, 3)),))
"""
GOOD = "plugin = DomainPlugin(spec)\n"
PROPERTY = """
class Odd(DomainPlugin):
    def __init__(self): pass
    spec, demo, demos, dataset, api = spec, None, {{}}, None, 1
    {attribute} = property(lambda self: {code})
plugin = Odd()
"""
LIMIT = 6

HOSTILE = {
    "hangs": ("import time\ntime.sleep(1000)", f"its import takes longer than {LIMIT} s"),
    "ignores_signals": (
        "import signal, time\nfor n in (1, 2, 13, 14, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(1000)",
        f"its import takes longer than {LIMIT} s",
    ),
    "leaves": ("import os\nos._exit(0)", "SystemExit: os._exit(0)"),
    "leaves_in_c": ("import ctypes\nctypes.CDLL(None)._exit(0)", "its import ended the process, with exit status 0"),
    "exits": ("import sys\nsys.exit()", "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "its import ended the process, with exit status -11"),
    "kills": ("import os\nos.kill(os.getpid(), 9)", "its import ended the process, with exit status -9"),
    "closes": (f"{HEAD}import os\nos.closerange(0, 1000)\n{GOOD}", "its import ended the process, with exit status 1"),
    "asks": (f"{HEAD}input()\n{GOOD}", "EOFError"),
    "prints": (f"{HEAD}import os, sys\nprint('[null, 9]' * 9999)\nos.write(1, b'[null, 9]')\n{GOOD}", ""),
    "starts_a_thread": (f"{HEAD}import threading\nthreading.Thread(target=threading.Event().wait).start()\n{GOOD}", ""),
    "forks": (f"{HEAD}import os, time\nif not os.fork(): time.sleep(1000)\n{GOOD}", ""),
    "raises_a_flood": ("raise ValueError('x' * 10**7)", "ValueError: xxx"),
    "raises_in_str": (
        "class Odd(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise Odd",
        "an error whose text cannot be had",
    ),
    "has_no_class": (
        "class Odd:\n    @property\n    def __class__(self): raise OSError('no class')\nplugin = Odd()",
        "is a Odd; a composegan.plugin.DomainPlugin is needed",
    ),
    "has_another_class": (
        "from composegan.plugin import DomainPlugin\nclass Odd:\n    __class__ = DomainPlugin\nplugin = Odd()",
        "is a Odd; a composegan.plugin.DomainPlugin is needed",
    ),
    "spec_raises": (HEAD + PROPERTY.format(attribute="spec", code="1 / 0"), "ZeroDivisionError"),
    "api_raises": (HEAD + PROPERTY.format(attribute="api", code="exit(0)"), "SystemExit: 0"),
    "demos_raise": (HEAD + PROPERTY.format(attribute="demos", code="{}[0]"), "KeyError: 0"),
    "name_raises": (
        HEAD + "class Odd(DomainSpec):\n    def __init__(self): pass\n    name = property(lambda self: 1 / 0)\n"
        "plugin = DomainPlugin(Odd())",
        "ZeroDivisionError",
    ),
    "class_name_raises": (
        HEAD + "class Odd(SemanticClass):\n    name = property(lambda self: 1 / 0)\n    def __init__(self): pass\n"
        "plugin = DomainPlugin(DomainSpec(spec.name, (Odd(),)))",
        "ZeroDivisionError",
    ),
    "has_recipes_of_text": (
        f"{HEAD}from dataclasses import replace\nplugin = DomainPlugin(replace(spec, recipes={{'quick': 'fast'}}))",
        "recipe 'quick' is not a composegan.plugin.Recipe with a mapping of values",
    ),
    "has_numbers_for_classes": (
        f"{HEAD}plugin = DomainPlugin(DomainSpec(spec.name, (SemanticClass(3, (1, 2, 3)),)))", "TypeError",
    ),
    "named_by_a_number": (f"{HEAD}plugin = DomainPlugin(DomainSpec(3, spec.classes))", "its domain is named 3"),
}  # fmt: skip
"""name: (source of its module, why its row is an error; "" if it is none)"""
USABLE = [name for name, (_, reason) in HOSTILE.items() if not reason]
RAISING = [name for name, (_, reason) in HOSTILE.items() if reason and not reason.startswith("its import ")]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder like site-packages with all of HOSTILE, each a package of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (source, _) in HOSTILE.items():
        (folder / f"{name}-1.dist-info").mkdir()
        (folder / f"{name}-1.dist-info" / "entry_points.txt").write_text(
            f"[composegan.domains]\n{name} = {name}_hostile:plugin\n"
        )
        (folder / f"{name}_hostile.py").write_text(source.replace("{name!r}", repr(name)))
    return folder


@pytest.fixture
def installed(hostile, new_process, monkeypatch):
    """The hostile plug-ins are on the module path of this process."""
    monkeypatch.setattr(listing, "TIME_LIMIT", LIMIT)
    sys.path.insert(0, str(hostile))


@pytest.fixture(scope="module")
def listed(hostile):
    """The lines of `composegan domains` by name."""
    code = f"from composegan.cli import main; from composegan.plugin import listing; listing.TIME_LIMIT = {LIMIT}; "
    environment = {**os.environ, "PYTHONPATH": str(hostile)}
    result = subprocess.run(
        [sys.executable, "-c", code + "raise SystemExit(main(['domains']))"],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    return {line.split()[0]: line for line in result.stdout.splitlines()}


@pytest.mark.parametrize("name", HOSTILE)
def test_domains_lists_it_with_its_reason(listed, name):
    line, reason = listed[name], HOSTILE[name][1]
    assert len(line) < 500 and line.isprintable()
    if reason:
        assert "  error: " in line and reason in line
    else:
        assert line.split() == [name, "1", name, "1", "ok"]


def test_domains_lists_nothing_else_and_leaves_no_process(listed, hostile):
    assert set(listed) == {"name", *HOSTILE, "cars", "cityscapes", "cityscapes16", "faces"}
    assert listed["faces"].endswith(" ok")
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(hostile) not in running


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("crashes", "leaves", "raises_in_str") else pytest.mark.slow)
        for name in HOSTILE
        if name not in (*USABLE, "ignores_signals")
    ],
)
def test_check_reports_it_in_one_verdict(installed, name, capsys):
    assert main(["check", name]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"FAIL  contract: {name}: ") and HOSTILE[name][1] in line


@pytest.mark.parametrize("name", [name for name in RAISING if name not in ("interrupts", "asks")])
def test_fit_refuses_it_in_one_line(installed, name, error_line):
    line = error_line("fit", f"domain={name}")
    assert line.startswith(f"domain '{name}' of {name} cannot be used: ") and HOSTILE[name][1] in line


def test_fit_imports_only_the_plugin_that_it_uses(installed, fit):
    run = fit("training.images=2", "output.score_every=0")
    assert (run / "plugins.json").is_file()
    assert not [name for name in HOSTILE if f"{name}_hostile" in sys.modules]


def test_python_lists_usable_domains(monkeypatch):
    rows = [Found("cars", "own", "1", classes=3), Found("boats", "own", "1", error="its import takes longer than 20 s")]
    monkeypatch.setattr("composegan.api.fit.listing", lambda: rows)
    assert domains() == ["cars"]


@pytest.mark.slow
def test_import_that_spins_is_ended(site, monkeypatch):
    monkeypatch.setattr(listing, "TIME_LIMIT", LIMIT)
    site.domain("spins-1.dist-info", "spins", source="while True: pass")
    assert [row.error for row in listing.listing(path=site.path)] == [f"its import takes longer than {LIMIT} s"]


def test_several_are_imported_at_a_time(site):
    for name in "abcde":
        source = f"import time\ntime.sleep(2)\n{HEAD}{GOOD}".replace("{name!r}", repr(name))
        site.domain(f"{name}-1.dist-info", name, source=source)
    start = time.monotonic()
    assert [row.error for row in listing.listing(path=site.path)] == [None] * 5
    assert time.monotonic() - start < 7  # one after another: more than 10 s
