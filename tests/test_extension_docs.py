"""docs/extensions.md shows the example package to the letter, and its commands and code work as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from composegan.config.compose import compose
from composegan.config.lists import names_in
from composegan.data import open_source
from composegan.plugin import registry
from composegan.plugin.contracts import EXTENSIONS, METRIC
from composegan.plugin.listing import listing
from tests.helpers import code_blocks, commands_of

CHECKOUT = Path(__file__).parents[1]
EXAMPLE = CHECKOUT / "examples" / "composegan-extensions"
PAGE = CHECKOUT / "docs" / "extensions.md"
COMMANDS = commands_of(PAGE)


@pytest.fixture
def example(new_process):
    """The package where it lies, not installed; what finding it does to the process is undone."""
    registry.add_plugin_path(EXAMPLE)
    return EXAMPLE


def test_extensions_page_files_equal_the_example():
    shown = {name: block for language in ("toml", "python") for name, block in code_blocks(PAGE, language) if name}
    files = [EXAMPLE / "pyproject.toml", *(EXAMPLE / "composegan_extensions").glob("*.py")]
    there = {str(file.relative_to(EXAMPLE)): file.read_text(encoding="utf-8") for file in files}
    del there["composegan_extensions/__init__.py"]
    assert shown == there


def test_extensions_page_table_is_current(example):
    row = r"^\| \[([\w ]+)\]\(#[\w-]+\) +\| (.*?) +\| `([\w.]+)` +\| `(\w+)` +\|$"
    rows = re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(word, group, contract) for word, _, group, contract in rows] == [
        (kind.word, kind.group, kind.contract.__name__) for kind in EXTENSIONS
    ]
    for kind, (_, settings, _, _) in zip(EXTENSIONS, rows, strict=True):
        assert f"{kind.setting}=NAME".lstrip("=") in settings


@pytest.mark.slow
def test_example_extensions_load(example):
    found = {item.name: item for item in listing(EXTENSIONS)}
    for name in ("by_size", "litdata", "class_colors", "relativistic", "bounded", "areas"):
        assert (found[name].error, found[name].distribution) == (None, "composegan-extensions")
        assert found[name].name in (EXAMPLE / "README.md").read_text()


@pytest.mark.parametrize("command", [words for words in COMMANDS if words[0] in ("fit", "plan")], ids=" ".join)
def test_extensions_page_commands_are_valid(example, command):
    composed = compose([*command[1:], "recipe=quick", f"plugin_path={example}"])
    assert [found.distribution for found in composed.extensions] == ["composegan-extensions"]


def test_evaluate_accepts_example_metric(example):
    (command,) = [words for words in COMMANDS if words[0] == "evaluate"]
    wanted = command[1].removeprefix("metrics=")
    shipped = registry.names(METRIC, own=True)
    assert names_in(wanted, shipped, more=registry.names(METRIC)) == [*shipped, "class_colors"]


@pytest.mark.slow
def test_example_shards_round_trip(example, tmp_path):
    pytest.importorskip("litdata", reason="the example's own dependency")
    (code,) = [block for name, block in code_blocks(PAGE, "python") if not name]
    assert "demo_count=200" in code and '"/data/faces/train"' in code
    file = tmp_path / "write.py"
    file.write_text(code.replace("demo_count=200", "demo_count=6").replace('"/data', f'"{tmp_path}'))
    environment = {**os.environ, "PYTHONPATH": str(example), "COMPOSEGAN_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, file], env=environment, check=True, timeout=300, capture_output=True)
    composed = compose(["domain=faces", f"data.root=litdata://{tmp_path}/faces", "data.height=64", "data.width=64"])
    source = open_source(composed.plugin, composed.config.data)
    assert len(source) == 6 and source[5].image.shape == (3, 64, 64)
