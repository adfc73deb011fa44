"""Open the data of a run: the demo, drawn once and cached, or a source."""

import importlib
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import FolderSource, PackedSource, UserError, fit_sample, open_source, prepare
from composegan.data.cache import TEMPORARY, cache_folder
from composegan.data.open import demo_name
from composegan.plugin.domain import DomainPlugin


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Settings for small drawings, cached in a folder of the test."""
    monkeypatch.delenv("COMPOSEGAN_CACHE", raising=False)
    return DataConfig(height=16, width=16, demo_count=6, cache=str(tmp_path / "cache"))


@pytest.fixture
def plugin(spec, towns):
    """A domain with a demo, which records its calls in `plugin.demo.drawn`."""

    def draw(count, height, width, seed):
        draw.drawn.append((count, height, width, seed))
        return towns(count, height, width)

    draw.drawn = []
    return DomainPlugin(spec, demo=draw)


def kept(data):
    """The demos in the cache."""
    return [folder for folder in (Path(data.cache) / "demos").iterdir() if folder.is_dir()]


def test_demo_is_drawn_once(plugin, data):
    first, second = open_source(plugin, data, progress=False), open_source(plugin, data, progress=False)
    assert isinstance(first, PackedSource) and len(first) == 6 and first.size == (16, 16)
    assert first.folder == second.folder and (first[3].image == second[3].image).all()
    assert kept(data) == [first.folder]


DEMO = """
from pathlib import Path

import numpy as np

from composegan.data import Sample
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass


class Drawings:
    def __init__(self, count, height, width, seed):
        self.count, self.size = count, (height, width)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        color = RARE if index == 57 else int(Path(__file__).with_name("color.txt").read_text())
        return Sample(np.full((3, *self.size), color, np.uint8), np.zeros(self.size, np.uint8), f"{index}")


RARE = 6
plugin = DomainPlugin(DomainSpec("plain", (SemanticClass("ground", (0, 0, 0)),)), demo=Drawings)
"""


@pytest.mark.parametrize(
    ("file", "before", "after", "anew"),
    [
        ("color.txt", "5", "5", False),
        ("color.txt", "5", "7", True),
        ("__init__.py", "RARE = 6", "RARE = 7", True),  # in one picture that is not among the probes
    ],
)
def test_changed_demo_is_drawn_again(data, tmp_path, monkeypatch, file, before, after, anew):
    """As while its author edits it: no setting to change, nothing to delete."""
    package = tmp_path / "plain_demo"
    package.mkdir()
    (package / "__init__.py").write_text(DEMO)
    (package / "color.txt").write_text("5")
    monkeypatch.syspath_prepend(tmp_path)
    data = replace(data, demo_count=100)

    def images():
        sys.modules.pop("plain_demo", None)
        plugin = importlib.import_module("plain_demo").plugin
        return open_source(plugin, data, progress=False).read_batch(slice(None))[0]

    first = images()
    shutil.rmtree(package / "__pycache__", ignore_errors=True)  # which goes by times of a second
    (package / file).write_text((package / file).read_text().replace(before, after))
    assert (images() != first).any() == anew and len(kept(data)) == 1 + anew
    sys.modules.pop("plain_demo")


def test_failing_demo_raises(plugin, data, towns):
    open_source(plugin, data, progress=False)
    with pytest.raises(UserError, match="town 0: is damaged"):
        open_source(replace(plugin, demo=lambda *_: towns(6, 16, 16, bad=[0])), data, progress=False)


@pytest.mark.parametrize(
    "change",
    [{"demo_count": 7}, {"demo_seed": 1}, {"height": 32}, {"width": 32}, {"split": "validation"}],
)
def test_changed_settings_draw_again(plugin, data, change):
    open_source(plugin, data, progress=False)
    open_source(plugin, replace(data, **change), progress=False)
    assert len(set(plugin.demo.drawn)) == 2


def test_changed_vocabulary_draws_again(plugin, data, spec, towns):
    names = {
        demo_name(plugin, data, towns(6)),
        demo_name(replace(plugin, spec=replace(spec, foreign={"a": 1})), data, towns(6)),
        demo_name(replace(plugin, spec=replace(spec, classes=spec.classes[:3])), data, towns(6)),
    }
    assert len(names) == 3


def test_splits_and_seeds_draw_differently(plugin, data):
    for seed in (0, 1):
        for split in ("train", "validation"):
            open_source(plugin, replace(data, demo_seed=seed, split=split), progress=False)
    assert len({drawn[3] for drawn in plugin.demo.drawn}) == 4


def test_cache_folder_precedence(data, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder(data) == Path(data.cache)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "shared"))
    assert cache_folder(data) == Path(data.cache)
    assert cache_folder(replace(data, cache=None)) == tmp_path / "shared"
    monkeypatch.delenv("COMPOSEGAN_CACHE")
    assert cache_folder(replace(data, cache=None)) == tmp_path / "home" / ".cache" / "composegan"


@pytest.mark.parametrize("place", ["a file", "below a file", "a name too long", "a link to nothing", "no home"])
def test_cache_folder_that_cannot_be_written_is_replaced_with_a_warning(
    place, plugin, data, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv(TEMPORARY, "")
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(tmp_path / "gone" / "below")
    places = {"a file": file, "below a file": file / "cache", "a name too long": tmp_path / ("n" * 300)}
    data.cache = None if place == "no home" else str(places.get(place, link))
    if place == "no home":
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.setattr(Path, "home", lambda: Path("~").expanduser())
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with caplog.at_level(logging.WARNING):
        first, second = open_source(plugin, data, progress=False), open_source(plugin, data, progress=False)
    assert first.folder == second.folder and first.folder.is_relative_to(cache_folder(data))
    (line,) = [record.message for record in caplog.records]
    assert "cannot be written (" in line and "; set data.cache" in line and str(cache_folder(data)) in line


def test_demo_in_a_read_only_cache_is_used(plugin, data, monkeypatch):
    drawn = open_source(plugin, data, progress=False)

    def refuse(*given, **settings):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert open_source(plugin, data, progress=False).folder == drawn.folder


DRAW = """
import sys
from composegan.config.schema import DataConfig
from composegan.data import open_source
from composegan.plugins.faces import plugin
if __name__ == "__main__":
    source = open_source(plugin, DataConfig(height=16, width=16, demo_count=60, cache=sys.argv[1]), progress=False)
    print(len(source), source.read_batch(slice(None))[0].sum())
"""


def test_concurrent_processes_share_one_complete_demo(tmp_path):
    commands = [[sys.executable, "-c", DRAW, str(tmp_path)]] * 2
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert answers[0] == answers[1] and answers[0].startswith("60 ")
    (demo,) = [path for path in (tmp_path / "demos").iterdir() if path.is_dir()]
    assert len(PackedSource(demo)) == 60


def test_damaged_demo_raises_and_is_drawn_again_when_deleted(plugin, data):
    source = open_source(plugin, data, progress=False)
    os.truncate(source.folder / "images.npy", 500)
    with pytest.raises(UserError, match="images.npy: is damaged or not an array of a packed folder"):
        open_source(plugin, data, progress=False)
    for file in source.folder.iterdir():
        file.unlink()
    source.folder.rmdir()
    assert len(open_source(plugin, data, progress=False)) == 6


def test_domain_without_demo_raises(plugin, data):
    with pytest.raises(UserError, match=r"domain 'town' has no demo data; give data\.root=FOLDER"):
        open_source(replace(plugin, demo=None), data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"split": "valdation"}, "data.split=valdation: did you mean 'validation'?"),
        ({"on_error": "ignore"}, "data.on_error=ignore: there are: skip, stop"),
        ({"demo_count": 0}, "data.demo_count=0: must be 1 to 1,000,000"),
    ],
)
def test_invalid_settings_raise(plugin, data, change, reason):
    with pytest.raises(UserError) as caught:
        open_source(plugin, replace(data, **change))
    assert str(caught.value).startswith(reason)


def test_plain_layout_takes_precedence_over_domain_format(plugin, data, write_folder, tmp_path):
    own = replace(plugin, dataset=lambda root, split: [root, split])
    assert isinstance(open_source(own, replace(data, root=str(write_folder(3)))), FolderSource)
    (tmp_path / "other" / "raw").mkdir(parents=True)
    root = tmp_path / "other"
    assert open_source(own, replace(data, root=str(root), split="validation")) == [root, "validation"]


def test_text_labels_are_not_the_plain_layout(plugin, data, tmp_path):
    """Text files or folders in labels/ are not the plain layout: the domain opens them."""
    own = replace(plugin, dataset=lambda root, split: (root, split))
    for root, below in ((tmp_path / "flat", ""), (tmp_path / "split", "train")):
        (root / "images" / below).mkdir(parents=True)
        (root / "labels" / below).mkdir(parents=True)
        (root / "labels" / below / "a.txt").write_text("0 1 2 3")
        assert open_source(own, replace(data, root=str(root))) == (root, "train")


def test_missing_or_empty_root_raises_before_the_domain_opens_it(plugin, data, tmp_path):
    plugin = replace(plugin, dataset=lambda root, split: pytest.fail("it was opened"))
    with pytest.raises(UserError, match="nowhere: does not exist"):
        open_source(plugin, replace(data, root=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: is empty"):
        open_source(plugin, replace(data, root=str(tmp_path / "empty")))


def test_skipped_files_of_plain_folder_are_logged(plugin, data, write_folder, caplog):
    root = write_folder(3)
    (root / "labels" / "1.png").unlink()
    with pytest.raises(UserError, match="has no labels"):
        open_source(plugin, replace(data, root=str(root)))
    with caplog.at_level(logging.WARNING):
        assert len(open_source(plugin, replace(data, root=str(root), on_error="skip"))) == 2
    assert "skipped: " in caplog.text and "1.png: has no labels" in caplog.text


def test_prepared_folder_can_be_opened(plugin, data, write_folder, tmp_path):
    root = write_folder(5)
    out = prepare(plugin, replace(data, root=str(root)), tmp_path / "out")
    source = open_source(plugin, replace(data, root=str(out)))
    assert isinstance(source, PackedSource) and len(source) == 5 and source.index.source == str(root)
    expected = fit_sample(FolderSource(root, plugin.spec)[2], 16, 16)
    assert (source[2].image == expected.image).all() and (source[2].labels == expected.labels).all()


def test_prepare_logs_skipped_images(plugin, data, write_folder, tmp_path, caplog):
    root = write_folder(4)
    Image.fromarray(np.full((24, 24), 99, np.uint8)).save(root / "labels" / "2.png")
    with pytest.raises(UserError, match=r"2\.png: label values outside the vocabulary \(99\) in 576 of 576"):
        prepare(plugin, replace(data, root=str(root)), tmp_path / "out")
    with caplog.at_level(logging.WARNING):
        prepare(plugin, replace(data, root=str(root), on_error="skip"), tmp_path / "out")
    assert "skipped 1 of 4; the first: " in caplog.text
    assert len(PackedSource(tmp_path / "out")) == 3


def test_packed_splits_side_by_side(plugin, data, tmp_path, spec):
    for split, seed in (("train", 0), ("validation", 1)):
        prepare(plugin, replace(data, split=split), tmp_path / "packed" / split)
        source = open_source(plugin, replace(data, root=str(tmp_path / "packed"), split=split))
        assert (source.index.split, source.index.source, len(source)) == (split, f"demo, seed {seed}", 6)
    only_train = replace(data, root=str(tmp_path / "packed" / "train"))
    with pytest.raises(UserError, match="holds the split 'train', not 'validation'"):
        open_source(plugin, replace(only_train, split="validation"))
    with pytest.raises(UserError, match="was packed for 4 classes of domain 'town'"):
        open_source(replace(plugin, spec=replace(spec, classes=spec.classes[:2])), only_train)
