"""Discovery, on real metadata folders written to a temporary folder."""

from __future__ import annotations

import os
import sys

import pytest

from composegan.errors import UserError
from composegan.plugin import entry_points, registry

PLUGIN = """
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass
plugin = DomainPlugin(DomainSpec({name!r}, (SemanticClass("sky", (1, 2, 3)),)))
"""


class Site:
    """A folder like site-packages. `path` is what to search."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = [str(folder)]

    def distribution(self, metadata, entry_points):
        """Write a metadata folder such as `cars-1.0.dist-info` with its entry_points.txt (text or bytes)."""
        folder = self.folder / metadata
        folder.mkdir()
        content = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
        (folder / "entry_points.txt").write_bytes(content)
        return folder

    def domain(self, metadata, name, target):
        return self.distribution(metadata, f"[composegan.domains]\n{name} = {target}\n")

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


def test_a_plugin_is_found_with_its_distribution_and_version(site):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars_domain-1.2.dev0.dist-info", "cars", "cars_plugin:plugin")
    (found,) = site.discover()
    assert (found.name, found.distribution, found.version, found.error) == ("cars", "cars_domain", "1.2.dev0", None)
    assert found.plugin.spec.names == ("sky",)
    assert registry.load("cars", site.path) is found.plugin


def test_sys_path_is_searched_by_default(site):
    site.module("boats_plugin", PLUGIN.format(name="boats"))
    site.domain("boats-1.dist-info", "boats", "boats_plugin:plugin")
    assert "boats" in [found.name for found in registry.discover()]
    assert registry.load("boats").spec.name == "boats"


BROKEN = {
    "import missing_module_of_mine": "ModuleNotFoundError: No module named 'missing_module_of_mine'",
    "raise RuntimeError('two\\nlines')": "RuntimeError: two lines",
    "raise SystemExit(3)": "SystemExit: 3",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "raise BaseException('worst')": "BaseException: worst",
    "def (": "SyntaxError: ",
    "x = 1": "AttributeError: module 'broken_plugin' has no attribute 'plugin'",
    "plugin = 3": "is a int; a composegan.plugin.DomainPlugin is needed",
    "def plugin(): pass": "is a function; a composegan.plugin.DomainPlugin is needed",
    PLUGIN.format(name="broken") + "import dataclasses; plugin = dataclasses.replace(plugin, api=7)":
        "made for version 7 of the domain contract; this composegan has 1",
    PLUGIN.format(name="other"): "registered as 'broken', but its domain is named 'other'; rename one",
    PLUGIN.format(name="broken").replace("(1, 2, 3)", "(1, 2, 300)"): "UserError: domain 'broken': class 'sky' has",
}  # fmt: skip


@pytest.mark.parametrize(("source", "reason"), BROKEN.items())
def test_a_broken_plugin_is_a_row_and_harms_no_other(site, source, reason):
    site.module("broken_plugin", source)
    site.domain("broken-2.0.dist-info", "broken", "broken_plugin:plugin")
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.0.dist-info", "cars", "cars_plugin:plugin")
    broken, cars = site.discover()
    assert (broken.name, broken.distribution, broken.version, broken.plugin) == ("broken", "broken", "2.0", None)
    assert reason in broken.error
    assert "\n" not in broken.error
    assert cars.plugin and not cars.error
    with pytest.raises(UserError) as caught:
        registry.load("broken", site.path)
    assert str(caught.value).startswith("domain 'broken' of broken cannot be used: ")
    assert reason in str(caught.value)


def test_ctrl_c_during_an_import_is_not_swallowed(site):
    site.module("slow_plugin", "raise KeyboardInterrupt")
    site.domain("slow-1.dist-info", "slow", "slow_plugin:plugin")
    with pytest.raises(KeyboardInterrupt):
        site.discover()


@pytest.mark.parametrize("target", ["not a module", "a:b:c", "", "a..b:c", ":plugin"])
def test_a_bad_object_reference_is_a_row(site, target):
    site.domain("bad-1.dist-info", "bad", target)
    (found,) = site.discover()
    assert found.plugin is None
    assert "Couldn't parse entry point spec" in found.error


def test_a_module_instead_of_an_object_is_a_row(site):
    site.module("whole_plugin", PLUGIN.format(name="whole"))
    site.domain("whole-1.dist-info", "whole", "whole_plugin")
    (found,) = site.discover()
    assert found.error == "whole_plugin is a module; a composegan.plugin.DomainPlugin is needed"


GOOD = "[composegan.domains]\ncars = cars_plugin:plugin\n"

MALFORMED = {
    "undecodable": GOOD.encode() + b"bad = \xff\xfe:plugin\n",
    "no section": "cars = x:y\n" + GOOD,
    "a key twice": GOOD + "cars = other:plugin\n",
    "a section twice": GOOD + GOOD,
    "a line without =": GOOD + "what\n",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_metadata_that_speaks_of_domains_but_cannot_be_read_is_a_row(site, content):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.distribution("mess-3.dist-info", content)
    site.domain("zoo-1.dist-info", "cars", "cars_plugin:plugin")
    mess, cars = site.discover()
    assert (mess.name, mess.distribution, mess.version) == ("?", "mess", "3")
    assert f"{site.folder / 'mess-3.dist-info' / 'entry_points.txt'} cannot be read: " in mess.error
    assert "\n" not in mess.error
    assert cars.plugin


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", "[console_scripts]\na = b:c\na = d:e\n", "no section\n", "", "[DEFAULT]\nx = %(y)s\n", "[[[\n"],
)
def test_other_peoples_malformed_metadata_is_nobodys_business(site, content):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.distribution("mess-3.dist-info", content)
    site.domain("zoo-1.dist-info", "cars", "cars_plugin:plugin")
    assert [found.name for found in site.discover()] == ["cars"]


def test_percent_signs_defaults_and_a_byte_order_mark_are_no_trouble(site):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    content = "[DEFAULT]\nx = y\n" + GOOD + "[other]\nz = 100%\n%(q)s = %\n"
    site.distribution("cars-1.dist-info", b"\xef\xbb\xbf" + content.encode())
    (found,) = site.discover()
    assert (found.name, found.error) == ("cars", None)


def test_extras_of_an_entry_are_allowed(site):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.dist-info", "cars", "cars_plugin:plugin [fast]")
    (found,) = site.discover()
    assert found.plugin


def test_egg_info_beside_dist_info_is_one_plugin(site, tmp_path):
    checkout = Site(tmp_path / "checkout")
    checkout.domain("Cars_Domain.egg-info", "cars", "cars_plugin:plugin")
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars.domain-1.0.egg-info", "cars", "cars_plugin:plugin")
    site.domain("cars_domain-1.0.dist-info", "cars", "cars_plugin:plugin")
    (found,) = registry.discover(path=[*checkout.path, *site.path])
    assert (found.distribution, found.version, found.error) == ("cars_domain", "1.0", None)


def test_stale_egg_info_does_not_hide_what_is_installed(site, tmp_path):
    checkout = Site(tmp_path / "checkout")
    checkout.domain("cars.egg-info", "automobiles", "gone:plugin")
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.0.dist-info", "cars", "cars_plugin:plugin")
    assert [found.name for found in registry.discover(path=[*checkout.path, *site.path])] == ["cars"]


def test_the_same_distribution_in_two_folders_is_the_first(site, tmp_path):
    later = Site(tmp_path / "later")
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-2.0.dist-info", "cars", "cars_plugin:plugin")
    later.domain("cars-1.0.dist-info", "cars", "old:plugin")
    (found,) = registry.discover(path=[*site.path, *later.path, *site.path])
    assert found.version == "2.0"
    assert found.plugin


@pytest.mark.parametrize(
    ("metadata", "version"),
    [("cars.egg-info", "4.5"), ("cars-1.0-py3.11.egg-info", "1.0"), ("cars-1.0.egg-info", "1.0")],
)
def test_the_version_of_an_egg_info(site, metadata, version):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    folder = site.domain(metadata, "cars", "cars_plugin:plugin")
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: cars\nVersion: 4.5\n")
    (found,) = site.discover()
    assert (found.distribution, found.version) == ("cars", version)


def test_a_name_of_two_distributions_is_an_error_that_names_both(site):
    for name in ("one", "two"):
        site.module(f"{name}_plugin", PLUGIN.format(name="cars"))
        site.domain(f"{name}-1.dist-info", "cars", f"{name}_plugin:plugin")
    first, second = site.discover()
    assert first.error == "one and two both register 'cars'; uninstall one"
    assert second.error == "two and one both register 'cars'; uninstall one"
    with pytest.raises(UserError, match="domain 'cars' of one cannot be used: one and two both register 'cars'"):
        registry.load("cars", site.path)


def test_an_unknown_name_is_told_the_nearest(site):
    site.domain("cars-1.dist-info", "cars", "cars_plugin:plugin")
    with pytest.raises(UserError, match="no domain 'car' is installed; did you mean 'cars'"):
        registry.load("car", site.path)
    with pytest.raises(UserError, match="no domain 'faces' is installed; there are: cars"):
        registry.load("faces", site.path)
    with pytest.raises(UserError, match="there are none"):
        registry.load("faces", [])


def test_load_imports_no_other_plugin(site):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.dist-info", "cars", "cars_plugin:plugin")
    site.module("loud_plugin", "raise KeyboardInterrupt")
    site.domain("loud-1.dist-info", "loud", "loud_plugin:plugin")
    assert registry.load("cars", site.path).spec.name == "cars"


def test_odd_things_on_the_path(site, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "old.egg").write_bytes(b"")
    (site.folder / "file-1.0.dist-info").write_text("not a folder")
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.dist-info", "cars", "cars_plugin:plugin")
    path = [str(tmp_path / "broken.zip"), str(tmp_path / "old.egg"), str(tmp_path / "none"), tmp_path, None, *site.path]
    assert [found.name for found in registry.discover(path=path)] == ["cars"]


HOSTILE = {
    "a module that is not there": ("gone_plugin:plugin", "", "ModuleNotFoundError: No module named 'gone_plugin'"),
    "an error without a text": (
        "odd_plugin:plugin",
        "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
        "Odd: (an error without a text)",
    ),
    "no spec": (
        "odd_plugin:plugin",
        "from composegan.plugin.domain import DomainPlugin\nplugin = DomainPlugin(spec=None)",
        "its spec is a NoneType; a composegan.plugin.DomainSpec is needed",
    ),
    "colours for the terminal": ("odd_plugin:plugin", "raise ValueError('\\x1b[31mred')", r"ValueError: \x1b[31mred"),
    "a deep recursion": ("odd_plugin:plugin", "def f(): f()\nf()", "RecursionError"),
}


@pytest.mark.parametrize(("target", "source", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_plugin_is_a_row_that_can_be_printed(site, target, source, reason):
    if source:
        site.module("odd_plugin", source)
    site.domain("odd-1.dist-info", "odd", target)
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("zoo-1.dist-info", "cars", "cars_plugin:plugin")
    cars, odd = site.discover()
    assert reason in odd.error and odd.error.isprintable()
    assert cars.plugin


def test_a_name_that_would_write_over_the_terminal_is_escaped(site):
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.dist-info", "cars\x1b[2K", "cars_plugin:plugin")
    (found,) = site.discover()
    assert found.name == r"cars\x1b[2K" and found.plugin is None
    assert "characters that cannot be printed" in found.error


def test_metadata_that_is_no_file_or_huge_is_not_read(site, monkeypatch):
    monkeypatch.setattr(entry_points, "MAX_BYTES", 200)
    site.module("cars_plugin", PLUGIN.format(name="cars"))
    site.domain("cars-1.dist-info", "cars", "cars_plugin:plugin")
    (site.folder / "pipe-1.dist-info").mkdir()
    os.mkfifo(site.folder / "pipe-1.dist-info" / "entry_points.txt")  # whoever reads it waits for ever
    site.distribution("huge-1.dist-info", "[composegan.domains]\n" + "a = b:c\n" * 99)
    assert [found.name for found in site.discover()] == ["cars"]


PROJECT = """
[project]
name = "composegan-trucks"
version = "0.3"
[project.entry-points."composegan.domains"]
trucks = "trucks_plugin:plugin"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is not installed; what adding it does to the process is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_plugin_paths", [])
    yield Site(tmp_path / "checkout")
    for name in [name for name in sys.modules if name.endswith("_plugin")]:
        del sys.modules[name]


def found_in(folder):
    registry.add_plugin_path(folder.folder)
    return {found.name: found for found in registry.discover()}


def test_a_checkout_that_is_not_installed(folder):
    (folder.folder / "pyproject.toml").write_text(PROJECT)
    folder.module("trucks_plugin", PLUGIN.format(name="trucks"))
    trucks = found_in(folder)["trucks"]
    assert (trucks.distribution, trucks.version, trucks.error) == ("composegan-trucks", "0.3", None)
    assert registry.load("trucks") is trucks.plugin
    assert "faces" in found_in(folder)


def test_a_checkout_with_its_code_in_src(folder):
    (folder.folder / "pyproject.toml").write_text(PROJECT)
    Site(folder.folder / "src").module("trucks_plugin", PLUGIN.format(name="trucks"))
    assert found_in(folder)["trucks"].plugin


def test_a_module_or_package_that_defines_plugin_is_a_domain_of_its_name(folder):
    folder.module("trucks_plugin", PLUGIN.format(name="trucks_plugin"))
    folder.module("other", "raise SystemExit  # nobody imports this: it defines no plugin")
    Site(folder.folder / "boats_plugin").module("__init__", PLUGIN.format(name="boats_plugin"))
    folder.module("broken_plugin", "plugin = = 3")
    found = found_in(folder)
    assert found["trucks_plugin"].plugin and found["boats_plugin"].plugin
    assert found["trucks_plugin"].distribution == str(folder.folder)
    assert "SyntaxError" in found["broken_plugin"].error
    assert "other" not in found


def test_a_checkout_counts_before_the_same_distribution_installed(folder, tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    site.domain("composegan_trucks-0.2.dist-info", "trucks", "old:plugin")
    monkeypatch.syspath_prepend(str(site.folder))
    (folder.folder / "pyproject.toml").write_text(PROJECT)
    folder.module("trucks_plugin", PLUGIN.format(name="trucks"))
    assert found_in(folder)["trucks"].version == "0.3"


def test_a_name_of_composegans_stays_usable_when_another_distribution_registers_it(folder):
    (folder.folder / "pyproject.toml").write_text(PROJECT.replace("trucks =", "faces ="))
    registry.add_plugin_path(folder.folder)
    rows = {found.distribution: found for found in registry.discover() if found.name == "faces"}
    assert rows["composegan-trucks"].error == "composegan has its own 'faces'; rename it in its entry points"
    assert registry.load("faces") is rows["composegan"].plugin


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[project", "pyproject.toml cannot be read: "),
        ("project = 3", "pyproject.toml cannot be read: "),
        ('[project]\nentry-points."composegan.domains" = "trucks"\n', "pyproject.toml cannot be read: "),
    ],
)
def test_a_pyproject_that_cannot_be_read_is_a_row(folder, content, said):
    (folder.folder / "pyproject.toml").write_text(content)
    found = found_in(folder)
    assert said in found["?"].error and found["faces"].plugin


def test_a_folder_that_has_no_plugin(folder, tmp_path):
    with pytest.raises(UserError, match="gone: there is no such folder"):
        registry.add_plugin_path(tmp_path / "gone")
    folder.module("something", "x = 3")
    with pytest.raises(UserError, match="has no domain; a pyproject.toml with entry points of the group"):
        registry.add_plugin_path(folder.folder)
    (folder.folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(UserError, match="has no domain"):
        registry.add_plugin_path(folder.folder)


def test_what_pip_installs_into_a_folder_is_found_there(folder):
    folder.module("trucks_plugin", PLUGIN.format(name="trucks"))
    folder.domain("composegan_trucks-0.2.dist-info", "trucks", "trucks_plugin:plugin")
    assert found_in(folder)["trucks"].version == "0.2"
