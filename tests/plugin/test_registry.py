"""The registry of domains, on real metadata folders in a temporary folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from composegan import cli
from composegan.errors import UserError
from composegan.plugin import entry_points, registry
from composegan.plugin.contracts import DOMAIN, VERB

PLUGIN = """
from composegan.plugin import DomainPlugin, DomainSpec, SemanticClass
plugin = DomainPlugin(DomainSpec({name!r}, (SemanticClass("sky", (1, 2, 3)),)))
"""
GOOD = "[composegan.domains]\ncars = cars_plugin:plugin\n"


def rows(path=None):
    """The rows of domains, without importing any."""
    return [row for row, _ in registry.registered(path=path)]


def test_domain_is_found_with_its_distribution_and_version(site):
    site.domain("cars_domain-1.2.dev0.dist-info", "cars")
    site.domain("loud-1.dist-info", "loud", source="raise KeyboardInterrupt")
    found = registry.find("cars", path=site.path)
    assert (found.name, found.distribution, found.version, found.error) == ("cars", "cars_domain", "1.2.dev0", None)
    assert found.plugin.spec.names == ("sky",) and "loud_plugin" not in sys.modules
    assert registry.home("cars") != "" and registry.home("nothing") == ""
    assert {"cars", "loud", "faces"} <= {row.name for row in rows()}  # sys.path by default
    with pytest.raises(KeyboardInterrupt):  # Ctrl-C during an import is not the plug-in's error
        registry.find("loud", path=site.path)


UNUSABLE = {
    "import missing_module_of_mine": "ModuleNotFoundError: No module named 'missing_module_of_mine'",
    "raise RuntimeError('two\\nlines')": "RuntimeError: two lines",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "raise BaseException('worst')": "BaseException: worst",
    "def (": "SyntaxError: ",
    "x = 1": "AttributeError: module 'odd_plugin' has no attribute 'plugin'",
    "plugin = 3": "is a int; a composegan.plugin.DomainPlugin is needed",
    "def plugin(): pass": "is a function; a composegan.plugin.DomainPlugin is needed",
    "def f(): f()\nf()": "RecursionError",
    "raise ValueError('\\x1b[31mred')": r"ValueError: \x1b[31mred",
    "from composegan.plugin import DomainPlugin\nplugin = DomainPlugin(spec=None)":
        "its spec is a NoneType; a composegan.plugin.DomainSpec is needed",
    PLUGIN.format(name="odd") + "import dataclasses; plugin = dataclasses.replace(plugin, api=7)":
        "made for version 7 of the domain contract; this composegan has 1",
    PLUGIN.format(name="other"): "registered as 'odd', but its domain is named 'other'; rename one",
    PLUGIN.format(name="odd").replace("(1, 2, 3)", "(1, 2, 300)"): "UserError: domain 'odd': class 'sky' has",
}  # fmt: skip


@pytest.mark.parametrize(("source", "reason"), UNUSABLE.items())
def test_unusable_plugin_has_its_reason_and_does_not_affect_others(site, source, reason):
    site.domain("odd-2.0.dist-info", "odd", source=source)
    site.domain("cars-1.0.dist-info", "cars")
    odd = registry.find("odd", path=site.path)
    assert (odd.name, odd.distribution, odd.version, odd.plugin) == ("odd", "odd", "2.0", None)
    assert reason in odd.error and odd.error.isprintable() and registry.find("cars", path=site.path).plugin
    with pytest.raises(UserError) as caught:
        registry.load("odd", site.path)
    assert str(caught.value) == f"domain 'odd' of odd cannot be used: {odd.error}"


@pytest.mark.parametrize(
    ("target", "reason"),
    [(text, "Couldn't parse entry point spec") for text in ("not a module", "a:b:c", "a..b:c", ":plugin")]
    + [("gone_plugin:plugin", "ModuleNotFoundError: No module named 'gone_plugin'"),
       ("bad_plugin", "bad_plugin is a module; a composegan.plugin.DomainPlugin is needed")],
)  # fmt: skip
def test_target_that_is_not_a_plugin_has_its_reason(site, target, reason):
    site.domain("bad-1.dist-info", "bad", target, PLUGIN.format(name="bad"))
    found = registry.find("bad", path=site.path)
    assert found.plugin is None and reason in found.error


UNREADABLE = {
    "undecodable": (GOOD.encode() + b"bad = \xff\xfe:plugin\n", ["bad", "cars"], "codec can't decode byte 0xff"),
    "name undecodable": (b"[composegan.domains]\ncaf\xe9 = os:sep\n", ["caf\ufffd"], "codec can't decode byte 0xe9"),
    "no section": ("cars = x:y\n" + GOOD, ["cars"], "MissingSectionHeaderError"),
    "a key twice": (GOOD + "cars = other:plugin\n", ["cars"], "option 'cars' in section"),
    "a section twice": (GOOD + GOOD, ["cars"], "section 'composegan.domains' already exists"),
    "a line without =": (GOOD + "what\n", ["cars"], "what"),
    "another section": (f"[x]\na = b:c\na = b:c\n{GOOD}", ["cars"], "option 'a' in section 'x' already exists"),
    "no name": ("[composegan.domains]\nwhat\n", ["?"], "what"),
}


@pytest.mark.parametrize(("content", "names", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_metadata_that_mention_domains_are_rows_with_their_names(site, content, names, reason):
    site.distribution("mess-3.dist-info", content)
    site.distribution("more-4.dist-info", "[composegan.domains]\nboats = a:b\nboats = c:d\n")
    site.domain("zoo-1.dist-info", "cars")
    mess = [row for row in rows(site.path) if row.distribution == "mess"]
    assert [(row.name, row.version) for row in mess] == [(name, "3") for name in names]
    for row in mess:
        assert row.error.startswith(f"{site.folder / 'mess-3.dist-info' / 'entry_points.txt'}: cannot be read (")
        assert reason in row.error and row.error.endswith("; reinstall mess") and row.error.isprintable()
    with pytest.raises(UserError, match="^domain 'boats' of more cannot be used: .*more-4.*cannot be read .*'boats'"):
        registry.load("boats", site.path)
    assert registry.load("cars", site.path).spec.names == ("sky",)  # of zoo


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", "[console_scripts]\na = b:c\na = d:e\n", "no section\n", "", "[DEFAULT]\nx = %(y)s\n", "[[[\n"],
)
def test_other_malformed_metadata_is_ignored(site, content):
    site.distribution("mess-3.dist-info", content)
    site.domain("zoo-1.dist-info", "cars")
    assert [row.name for row in rows(site.path)] == ["cars"]


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf[DEFAULT]\nx = y\n" + GOOD.encode() + b"[other]\nz = 100%\n%(q)s = %\n",
     "[composegan.domains]\ncars = cars_plugin:plugin [fast]\n"],
    ids=["byte order mark, defaults and percent signs", "extras"],
)  # fmt: skip
def test_unusual_but_valid_metadata_is_read(site, content):
    site.distribution("cars-1.dist-info", content, cars_plugin=PLUGIN.format(name="cars"))
    assert registry.load("cars", site.path).spec.names == ("sky",)


def test_cached_listing_follows_distributions_that_come_change_and_go(site, monkeypatch):
    listed = []
    site.domain("cars-1.dist-info", "cars")
    for folder in (site.folder / "cars-1.dist-info", site.folder):
        os.utime(folder, (1, 1))  # long ago, so that the listing is cached

    def names():
        monkeypatch.setattr(entry_points, "_metadata_folders", lambda path: listed.append(path) or metadata(path))
        return [row.name for row in rows(site.path)]

    metadata = entry_points._metadata_folders
    assert names() == names() == ["cars"] and len(listed) == 1
    (site.folder / "cars-1.dist-info" / "entry_points.txt").write_text("[composegan.domains]\nvans = a:b\n")
    assert names() == ["vans"] and len(listed) == 1
    site.domain("boats-1.dist-info", "boats")
    assert names() == ["boats", "vans"]
    shutil.rmtree(site.folder / "cars-1.dist-info")
    assert names() == names() == ["boats"] and len(listed) == 4  # just changed: not cached


def test_metadata_that_is_a_pipe_or_huge_is_not_read(site, monkeypatch):
    monkeypatch.setattr(entry_points, "MAX_BYTES", 200)
    site.domain("cars-1.dist-info", "cars")
    site.distribution("old.egg-info", "[composegan.domains]\nold = a:b\n")
    (site.folder / "pipe-1.dist-info").mkdir()
    for pipe in ("pipe-1.dist-info/entry_points.txt", "old.egg-info/PKG-INFO"):
        os.mkfifo(site.folder / pipe)  # reading it would block
    site.distribution("huge-1.dist-info", "[composegan.domains]\n" + "a = b:c\n" * 99)
    assert [row.name for row in rows(site.path)] == ["cars", "old"]


def test_unreadable_entries_of_the_path_are_skipped(site, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "old.egg").write_bytes(b"")
    (site.folder / "file-1.0.dist-info").write_text("not a folder")
    site.domain("cars-1.dist-info", "cars")
    path = [str(tmp_path / "broken.zip"), str(tmp_path / "old.egg"), str(tmp_path / "none"), tmp_path, None, *site.path]
    assert [row.name for row in rows(path)] == ["cars"]


def test_dist_info_takes_precedence_over_egg_info(site, new_site):
    checkout = new_site("checkout")
    checkout.domain("Cars_Domain.egg-info", "cars", "gone:plugin")
    site.domain("cars.domain-1.0.egg-info", "automobiles", "gone:plugin")
    site.domain("cars_domain-1.0.dist-info", "cars")
    (found,) = rows([*checkout.path, *site.path])
    assert (found.name, found.distribution, found.version, found.error) == ("cars", "cars_domain", "1.0", None)


def test_the_first_of_two_folders_with_a_distribution_counts(site, new_site):
    later = new_site("later")
    site.domain("cars-2.0.dist-info", "cars")
    later.domain("cars-1.0.dist-info", "cars", "old:plugin")
    (found,) = rows([*site.path, *later.path, *site.path])
    assert (found.version, found.error) == ("2.0", None)


@pytest.mark.parametrize(
    ("metadata", "version"),
    [("cars.egg-info", "4.5"), ("cars-1.0-py3.11.egg-info", "1.0"), ("cars-1.0.egg-info", "1.0")],
)
def test_version_of_an_egg_info(site, metadata, version):
    site.domain(metadata, "cars")
    (site.folder / metadata / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: cars\nVersion: 4.5\n")
    (found,) = rows(site.path)
    assert (found.distribution, found.version) == ("cars", version)


def test_name_of_two_distributions_is_an_error_that_names_both(site):
    for name in ("one", "two"):
        site.domain(f"{name}-1.dist-info", "cars")
    assert [row.error for row in rows(site.path)] == [
        "one and two both register 'cars'; uninstall one", "two and one both register 'cars'; uninstall one",
    ]  # fmt: skip
    with pytest.raises(UserError, match="domain 'cars' of one cannot be used: one and two both register 'cars'"):
        registry.load("cars", site.path)


def test_unknown_name_offers_the_nearest(site):
    site.domain("cars-1.dist-info", "cars")
    for name, said in (("car", "did you mean 'cars'"), ("faces", "there are: cars")):
        with pytest.raises(UserError, match=f"no domain '{name}' is installed; {said}"):
            registry.load(name, site.path)


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("moths", "moths.yaml", "there are: cars; for a file write domain=./moths.yaml"),
        ("moths", "wings.yaml", "there are: cars; for a file write domain=./FILE.yaml"),
        (
            "my_pets",
            "composegan-my-pets/",
            "; for the plug-in in composegan-my-pets/ add plugin_path=composegan-my-pets",
        ),
        ("car", "wings.yaml", "did you mean 'cars'?"),
    ],
)
def test_unknown_name_offers_files_and_plugins_of_this_folder(site, name, place, said, tmp_path, monkeypatch):
    site.domain("cars-1.dist-info", "cars")
    monkeypatch.chdir(tmp_path)
    Path(place).mkdir() if place.endswith("/") else Path(place).touch()
    with pytest.raises(UserError, match=f"no domain '{name}' is installed; ") as caught:
        registry.load(name, site.path)
    assert str(caught.value).endswith(said)


def test_name_with_control_characters_is_escaped(site):
    site.domain("cars-1.dist-info", "cars\x1b[2K", "cars_plugin:plugin")
    (found,) = rows(site.path)
    assert found.name == r"cars\x1b[2K"
    assert "characters that cannot be printed" in found.error


@pytest.mark.parametrize("target", ["evil_plugin:plugin", "composegan_evil:plugin", "composegan.plugins.faces:plugin"])
@pytest.mark.parametrize("name", ["composegan", "Composegan", "evil"])
def test_names_of_composegan_cannot_be_taken_over(site, name, target):
    faces = registry.load("faces")
    site.domain(f"{name}-99.dist-info", "faces", target)
    site.distribution(f"{name}_verbs-99.dist-info", "[composegan.verbs]\nfit = evil_plugin:plugin\n")
    assert registry.load("faces") is faces and registry.names(DOMAIN, own=True) == OWN_DOMAINS
    assert registry.home("faces").startswith("composegan 0.")
    errors = [row.error for row in rows() if row.distribution == "evil"]
    assert errors == ["composegan has its own 'faces'; rename it in its entry points"] * (name == "evil")
    assert registry.require("fit", VERB).plugin.summary.startswith("train a model")


OWN_DOMAINS = ["cars", "cityscapes", "cityscapes16", "faces"]
PROJECT = """
[project]
name = "composegan-trucks"
version = "0.3"
[project.entry-points."composegan.domains"]
trucks = "trucks_plugin:plugin"
"""


def found_in(folder):
    registry.add_plugin_path(folder.folder)
    return {row.name: row for row in rows()}


@pytest.mark.parametrize("place", ["", "src"])
def test_plugin_path_of_a_project(checkout, place, site):
    site.domain("composegan_trucks-0.2.dist-info", "trucks", "old:plugin")  # the checkout takes precedence
    (checkout.folder / "pyproject.toml").write_text(PROJECT)
    (checkout.folder / place).mkdir(exist_ok=True)
    (checkout.folder / place / "trucks_plugin.py").write_text(PLUGIN.format(name="trucks"))
    trucks = found_in(checkout)["trucks"]
    assert (trucks.distribution, trucks.version, trucks.error) == ("composegan-trucks", "0.3", None)
    assert registry.load("trucks").spec.names == ("sky",) and registry.load("faces")


def test_plugin_path_of_modules_that_define_plugin(checkout):
    for name, source in {
        "trucks_plugin": PLUGIN.format(name="trucks_plugin"),
        "other": "raise SystemExit  # not imported: it defines no plugin",
        "broken_plugin": "plugin = = 3",
    }.items():
        (checkout.folder / f"{name}.py").write_text(source)
    (checkout.folder / "boats_plugin").mkdir()
    (checkout.folder / "boats_plugin" / "__init__.py").write_text(PLUGIN.format(name="boats_plugin"))
    found = found_in(checkout)
    assert "other" not in found and found["trucks_plugin"].distribution == str(checkout.folder)
    assert registry.load("trucks_plugin") and registry.load("boats_plugin")
    with pytest.raises(UserError, match="SyntaxError"):
        registry.load("broken_plugin")


def test_plugin_path_of_a_pip_target(checkout):
    checkout.domain("composegan_trucks-0.2.dist-info", "trucks")
    assert found_in(checkout)["trucks"].version == "0.2"


@pytest.mark.parametrize("name", ["composegan", "trucks"])
def test_plugin_path_cannot_take_over_names_of_composegan(checkout, name):
    project = PROJECT.replace("composegan-trucks", name).replace("trucks =", "faces =")
    (checkout.folder / "pyproject.toml").write_text(project)
    (checkout.folder / "trucks_plugin.py").write_text(PLUGIN.format(name="faces"))
    registry.add_plugin_path(checkout.folder)
    (error,) = [row.error for row in rows() if row.name == "faces" and row.error]
    assert error in (
        "composegan has its own 'faces'; rename it in its entry points",
        "composegan is the name of this package; rename the distribution",
    )
    assert len(registry.load("faces").spec.names) == 13 and registry.names(DOMAIN, own=True) == OWN_DOMAINS


def test_plugin_path_comes_after_all_other_modules(checkout, site):
    """Its modules replace none, neither installed ones nor those of the standard library."""
    site.distribution("x-1.dist-info", "", trucks_plugin="plugin = 'installed'")
    for name in ("trucks_plugin", "colorsys", "torch"):
        (checkout.folder / f"{name}.py").write_text("plugin = 'of the folder'")
    (checkout.folder / "helper_plugin.py").write_text("import colorsys\nplugin = colorsys.ONE_THIRD")
    before = list(sys.path)
    registry.add_plugin_path(checkout.folder)
    assert sys.path == [*before, str(checkout.folder)]
    for name, place in (("trucks_plugin", str(site.folder)), ("colorsys", "colorsys.py"), ("torch", "torch")):
        with pytest.raises(
            UserError, match=f"{checkout.folder}: its module {name} is not used, but .*{place}.*; rename"
        ):
            registry.load(name)
    with pytest.raises(UserError, match="helper_plugin:plugin is a float"):
        registry.load("helper_plugin")


@pytest.mark.parametrize(
    "content", ["[project", "project = 3", '[project]\nentry-points."composegan.domains" = "trucks"\n']
)
def test_pyproject_that_cannot_be_read_is_a_row(checkout, content):
    (checkout.folder / "pyproject.toml").write_text(content)
    assert "pyproject.toml: cannot be read (" in found_in(checkout)["?"].error and registry.load("faces")


def test_plugin_path_without_a_plugin_is_refused(checkout, tmp_path):
    with pytest.raises(UserError, match="gone: there is no such folder"):
        registry.add_plugin_path(tmp_path / "gone")
    (checkout.folder / "something.py").write_text("x = 3")
    with pytest.raises(UserError, match="has no domain; a pyproject.toml with entry points of the group"):
        registry.add_plugin_path(checkout.folder)
    (checkout.folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(UserError, match="has no domain.*, composegan.grouping, composegan.sources, composegan.metr"):
        registry.add_plugin_path(checkout.folder)


@pytest.mark.parametrize("content", [b"[any]\ncaf\xe9 = os:sep\n", "[any]\nx = os:sep\n".encode("utf-16"), b"\xff"])
def test_entry_points_that_are_not_text_are_named_where_they_stop_an_import(site, content, monkeypatch, capsys):
    site.domain("zoo-1.dist-info", "zoo", source="import importlib.metadata as m; m.entry_points(group='any')")
    assert entry_points.not_text(site.path) is None
    site.distribution("old-1.dist-info", content)
    file = site.folder / "old-1.dist-info" / "entry_points.txt"
    line = f"{file}: is not UTF-8 text, so torch cannot be imported; reinstall old"
    with pytest.raises(UserError, match=re.escape(line)):
        registry.require("zoo", DOMAIN)

    monkeypatch.setattr(cli, "_run_verb", lambda *given: content.decode())
    assert cli.main(["sample"]) == 2
    assert capsys.readouterr() == ("", f"composegan: {line}\n")
