"""The registry of domains, on real metadata folders in a temporary folder."""

from __future__ import annotations

import os
import sys

import pytest

from composegan.errors import UserError
from composegan.plugin import entry_points, registry

PLUGIN = """
from composegan.plugin import DomainPlugin, DomainSpec, SemanticClass
plugin = DomainPlugin(DomainSpec({name!r}, (SemanticClass("sky", (1, 2, 3)),)))
"""
GOOD = "[composegan.domains]\ncars = cars_plugin:plugin\n"


class Site:
    """A folder like site-packages. `path` is what to search."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = [str(folder)]

    def distribution(self, metadata, content):
        """Write a metadata folder such as `cars-1.0.dist-info` with its entry_points.txt (text or bytes)."""
        (self.folder / metadata).mkdir()
        content = content if isinstance(content, bytes) else content.encode()
        (self.folder / metadata / "entry_points.txt").write_bytes(content)

    def domain(self, metadata, name, target=None, source=None):
        """Register a domain; with `source`, or without a target, write the module NAME_plugin as well."""
        self.distribution(metadata, f"[composegan.domains]\n{name} = {target or f'{name}_plugin:plugin'}\n")
        if source is not None or target is None:
            self.module(f"{name}_plugin", PLUGIN.format(name=name) if source is None else source)

    def module(self, name, source):
        (self.folder / f"{name}.py").write_text(source)

    def discover(self):
        return registry.discover(path=self.path)


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    yield site
    for name in [name for name in sys.modules if name.endswith("_plugin")]:
        del sys.modules[name]


def test_domain_is_found_with_its_distribution_and_version(site):
    site.domain("cars_domain-1.2.dev0.dist-info", "cars")
    site.domain("loud-1.dist-info", "loud", source="raise KeyboardInterrupt")
    assert registry.load("cars", site.path).spec.names == ("sky",)  # imports no other plug-in
    with pytest.raises(KeyboardInterrupt):
        site.discover()
    site.module("loud_plugin", PLUGIN.format(name="loud"))
    found, _ = site.discover()
    assert (found.name, found.distribution, found.version, found.error) == ("cars", "cars_domain", "1.2.dev0", None)
    assert "cars" in {found.name for found in registry.discover()}  # sys.path by default


UNUSABLE = {
    "import missing_module_of_mine": "ModuleNotFoundError: No module named 'missing_module_of_mine'",
    "raise RuntimeError('two\\nlines')": "RuntimeError: two lines",
    "raise SystemExit(3)": "SystemExit: 3",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "raise BaseException('worst')": "BaseException: worst",
    "def (": "SyntaxError: ",
    "x = 1": "AttributeError: module 'odd_plugin' has no attribute 'plugin'",
    "plugin = 3": "is a int; a composegan.plugin.DomainPlugin is needed",
    "def plugin(): pass": "is a function; a composegan.plugin.DomainPlugin is needed",
    "def f(): f()\nf()": "RecursionError",
    "raise ValueError('\\x1b[31mred')": r"ValueError: \x1b[31mred",
    "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd": "Odd: (an error without a text)",
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
    cars, odd = site.discover()
    assert (odd.name, odd.distribution, odd.version, odd.plugin) == ("odd", "odd", "2.0", None)
    assert reason in odd.error and odd.error.isprintable() and cars.plugin and not cars.error
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
    (found,) = site.discover()
    assert found.plugin is None and reason in found.error


@pytest.mark.parametrize(
    "content",
    [GOOD.encode() + b"bad = \xff\xfe:plugin\n", "cars = x:y\n" + GOOD, GOOD + "cars = other:plugin\n", GOOD + GOOD,
     GOOD + "what\n"],
    ids=["undecodable", "no section", "a key twice", "a section twice", "a line without ="],
)  # fmt: skip
def test_malformed_metadata_that_mentions_domains_is_a_row(site, content):
    site.distribution("mess-3.dist-info", content)
    site.domain("zoo-1.dist-info", "cars")
    mess, cars = site.discover()
    assert (mess.name, mess.distribution, mess.version) == ("?", "mess", "3")
    assert f"{site.folder / 'mess-3.dist-info' / 'entry_points.txt'} cannot be read: " in mess.error
    assert "\n" not in mess.error and cars.plugin


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", "[console_scripts]\na = b:c\na = d:e\n", "no section\n", "", "[DEFAULT]\nx = %(y)s\n", "[[[\n"],
)
def test_other_malformed_metadata_is_ignored(site, content):
    site.distribution("mess-3.dist-info", content)
    site.domain("zoo-1.dist-info", "cars")
    assert [found.name for found in site.discover()] == ["cars"]


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf[DEFAULT]\nx = y\n" + GOOD.encode() + b"[other]\nz = 100%\n%(q)s = %\n",
     "[composegan.domains]\ncars = cars_plugin:plugin [fast]\n"],
    ids=["byte order mark, defaults and percent signs", "extras"],
)  # fmt: skip
def test_unusual_but_valid_metadata_is_read(site, content):
    site.distribution("cars-1.dist-info", content)
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    (found,) = site.discover()
    assert found.plugin and found.error is None


def test_metadata_that_is_a_pipe_or_huge_is_not_read(site, monkeypatch):
    monkeypatch.setattr(entry_points, "MAX_BYTES", 200)
    site.domain("cars-1.dist-info", "cars")
    (site.folder / "pipe-1.dist-info").mkdir()
    os.mkfifo(site.folder / "pipe-1.dist-info" / "entry_points.txt")  # reading it would block
    site.distribution("huge-1.dist-info", "[composegan.domains]\n" + "a = b:c\n" * 99)
    assert [found.name for found in site.discover()] == ["cars"]


def test_unreadable_entries_of_the_path_are_skipped(site, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "old.egg").write_bytes(b"")
    (site.folder / "file-1.0.dist-info").write_text("not a folder")
    site.domain("cars-1.dist-info", "cars")
    path = [str(tmp_path / "broken.zip"), str(tmp_path / "old.egg"), str(tmp_path / "none"), tmp_path, None, *site.path]
    assert [found.name for found in registry.discover(path=path)] == ["cars"]


def test_dist_info_takes_precedence_over_egg_info(site, tmp_path):
    checkout = Site(tmp_path / "checkout")
    checkout.domain("Cars_Domain.egg-info", "cars", "gone:plugin")
    site.domain("cars.domain-1.0.egg-info", "automobiles", "gone:plugin")
    site.domain("cars_domain-1.0.dist-info", "cars")
    (found,) = registry.discover(path=[*checkout.path, *site.path])
    assert (found.name, found.distribution, found.version, found.error) == ("cars", "cars_domain", "1.0", None)


def test_the_first_of_two_folders_with_a_distribution_counts(site, tmp_path):
    later = Site(tmp_path / "later")
    site.domain("cars-2.0.dist-info", "cars")
    later.domain("cars-1.0.dist-info", "cars", "old:plugin")
    (found,) = registry.discover(path=[*site.path, *later.path, *site.path])
    assert found.version == "2.0" and found.plugin


@pytest.mark.parametrize(
    ("metadata", "version"),
    [("cars.egg-info", "4.5"), ("cars-1.0-py3.11.egg-info", "1.0"), ("cars-1.0.egg-info", "1.0")],
)
def test_version_of_an_egg_info(site, metadata, version):
    site.domain(metadata, "cars")
    (site.folder / metadata / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: cars\nVersion: 4.5\n")
    (found,) = site.discover()
    assert (found.distribution, found.version) == ("cars", version)


def test_name_of_two_distributions_is_an_error_that_names_both(site):
    for name in ("one", "two"):
        site.domain(f"{name}-1.dist-info", "cars")
    assert [found.error for found in site.discover()] == [
        "one and two both register 'cars'; uninstall one", "two and one both register 'cars'; uninstall one",
    ]  # fmt: skip
    with pytest.raises(UserError, match="domain 'cars' of one cannot be used: one and two both register 'cars'"):
        registry.load("cars", site.path)


def test_unknown_name_offers_the_nearest(site):
    site.domain("cars-1.dist-info", "cars")
    for name, said in (("car", "did you mean 'cars'"), ("faces", "there are: cars")):
        with pytest.raises(UserError, match=f"no domain '{name}' is installed; {said}"):
            registry.load(name, site.path)


def test_name_with_control_characters_is_escaped(site):
    site.domain("cars-1.dist-info", "cars\x1b[2K", "cars_plugin:plugin")
    (found,) = site.discover()
    assert found.name == r"cars\x1b[2K" and found.plugin is None
    assert "characters that cannot be printed" in found.error


PROJECT = """
[project]
name = "composegan-trucks"
version = "0.3"
[project.entry-points."composegan.domains"]
trucks = "trucks_plugin:plugin"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is not installed; the process is restored afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_plugin_paths", [])
    yield Site(tmp_path / "checkout")
    for name in [name for name in sys.modules if name.endswith("_plugin")]:
        del sys.modules[name]


def found_in(folder):
    registry.add_plugin_path(folder.folder)
    return {found.name: found for found in registry.discover()}


@pytest.mark.parametrize("place", ["", "src"])
def test_plugin_path_of_a_project(folder, place, tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    site.domain("composegan_trucks-0.2.dist-info", "trucks", "old:plugin")  # the checkout takes precedence
    monkeypatch.syspath_prepend(str(site.folder))
    (folder.folder / "pyproject.toml").write_text(PROJECT)
    Site(folder.folder / place).module("trucks_plugin", PLUGIN.format(name="trucks"))
    trucks = found_in(folder)["trucks"]
    assert (trucks.distribution, trucks.version, trucks.error) == ("composegan-trucks", "0.3", None)
    assert registry.load("trucks") is trucks.plugin and "faces" in found_in(folder)


def test_plugin_path_of_modules_that_define_plugin(folder):
    folder.module("trucks_plugin", PLUGIN.format(name="trucks_plugin"))
    folder.module("other", "raise SystemExit  # not imported: it defines no plugin")
    Site(folder.folder / "boats_plugin").module("__init__", PLUGIN.format(name="boats_plugin"))
    folder.module("broken_plugin", "plugin = = 3")
    found = found_in(folder)
    assert found["trucks_plugin"].plugin and found["boats_plugin"].plugin and "other" not in found
    assert found["trucks_plugin"].distribution == str(folder.folder)
    assert "SyntaxError" in found["broken_plugin"].error


def test_plugin_path_of_a_pip_target(folder):
    folder.domain("composegan_trucks-0.2.dist-info", "trucks")
    assert found_in(folder)["trucks"].version == "0.2"


def test_name_of_composegan_stays_usable_when_another_distribution_registers_it(folder):
    (folder.folder / "pyproject.toml").write_text(PROJECT.replace("trucks =", "faces ="))
    registry.add_plugin_path(folder.folder)
    rows = {found.distribution: found for found in registry.discover() if found.name == "faces"}
    assert rows["composegan-trucks"].error == "composegan has its own 'faces'; rename it in its entry points"
    assert registry.load("faces") is rows["composegan"].plugin


@pytest.mark.parametrize(
    "content", ["[project", "project = 3", '[project]\nentry-points."composegan.domains" = "trucks"\n']
)
def test_pyproject_that_cannot_be_read_is_a_row(folder, content):
    (folder.folder / "pyproject.toml").write_text(content)
    found = found_in(folder)
    assert "pyproject.toml cannot be read: " in found["?"].error and found["faces"].plugin


def test_plugin_path_without_a_plugin_is_refused(folder, tmp_path):
    with pytest.raises(UserError, match="gone: there is no such folder"):
        registry.add_plugin_path(tmp_path / "gone")
    folder.module("something", "x = 3")
    with pytest.raises(UserError, match="has no domain; a pyproject.toml with entry points of the group"):
        registry.add_plugin_path(folder.folder)
    (folder.folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(UserError, match="has no domain.*, composegan.grouping, composegan.sources, composegan.metr"):
        registry.add_plugin_path(folder.folder)
