"""The commands of docs/guide, and the Python of docs/guide and docs/api.md, work as written, on the model in docs/."""

import re
from pathlib import Path

import pytest

from composegan.cli import main
from tests.helpers import code_blocks, commands_of

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "guide").glob("*.md"))
QUICK = {"sample", "edit", "mix", "components", "interpolate"}
"""Verbs that take a second or two."""
SHORTER = {
    "width=64)": "width=64, demo_count=20)", "most=500": "most=20", "n=100": "n=20",
    "steps=20, tune_steps=5": "steps=2, tune_steps=1", "steps=40, tune_steps=10": "steps=2, tune_steps=1",
    '"output.samples": 2}': '"output.samples": 2, "output.metrics": "sliced_wasserstein", "output.score_samples": 4}',
}  # fmt: skip
"""What the test changes in the Python of a page, so that it takes a second or two."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with a link to docs/."""
    (tmp_path / "docs").symlink_to(DOCS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_verbs_and_settings_of_a_page_exist(page, capsys):
    for verb, *settings in commands_of(page):
        assert main([verb, "--help"]) == 0
        known = set(re.findall(r"^  ([\w.]+)=", capsys.readouterr().out, re.MULTILINE))
        assert {setting.partition("=")[0] for setting in settings if "=" in setting} <= known | {"model", "run"}, verb


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pictures_of_a_page_exist_and_are_small(page):
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path = page.parent / picture
        assert path.is_file() and path.stat().st_size < 700_000, picture


def test_commands_of_editing_run(here, capsys):
    for command in commands_of(DOCS / "guide" / "editing.md"):
        assert command[0] in QUICK
        assert main(command) == 0, capsys.readouterr().err
    made = ("drawn/contact_sheet.png", "edited/sheet.png", "mixed.png", "parts/00000.png", "everything.gif", "hair.mp4")
    assert all((here / name).stat().st_size > 0 for name in made)


@pytest.mark.parametrize(
    "page", [DOCS / "api.md", *(page for page in PAGES if code_blocks(page, "python"))], ids=lambda page: page.stem
)
def test_python_of_a_page_runs(page, here, monkeypatch, as_before):
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(here / "cache"))
    names = {"__name__": "guide"}  # the blocks of a page are one program
    with as_before():
        for _, block in code_blocks(page, "python"):
            for long, short in SHORTER.items():
                block = block.replace(long, short)
            exec(compile(block, str(page), "exec"), names)
