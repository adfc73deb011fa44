"""Folders of images without masks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import PackedSource, UserError, open_pictures, pack, training_loader
from composegan.data.pictures import PictureSource
from composegan.plugin.domain import DomainPlugin


@pytest.fixture
def folder(tmp_path):
    """Four images of several sizes and modes, two of them deeper, among other files."""
    root = tmp_path / "pictures"
    (root / "b" / "c").mkdir(parents=True)
    (root / ".hidden").mkdir()
    Image.new("RGB", (40, 30), "red").save(root / "z.png")
    Image.new("L", (16, 16), 90).save(root / "a.JPG")
    Image.new("RGBA", (9, 50), (0, 0, 255, 0)).save(root / "b" / "c" / "deep.webp")
    Image.new("P", (300, 20)).save(root / "b" / "flat.bmp")
    Image.new("RGB", (8, 8)).save(root / ".hidden" / "thumb.png")
    Image.new("RGB", (8, 8)).save(root / "b" / "._deep.png")
    (root / "notes.txt").write_text("not an image")
    return root


def test_pictures_are_found_at_any_depth_in_path_order(folder):
    source = PictureSource(folder)
    assert source.files == ["a.JPG", "b/c/deep.webp", "b/flat.bmp", "z.png"]
    sizes = [source[index].image.shape for index in range(len(source))]
    assert sizes == [(3, 16, 16), (3, 50, 9), (3, 20, 300), (3, 30, 40)]
    sample = source[3]
    assert sample.image[:, 0, 0].tolist() == [255, 0, 0]
    assert sample.name == str(folder / "z.png")
    assert sample.labels.shape == (30, 40) and not sample.labels.any()


def test_pictures_make_batches_of_any_size(folder):
    source = PictureSource(folder)
    loader = training_loader(source, classes=1, batch=4, height=16, width=32, seed=0)
    batch = next(iter(loader))
    assert batch["image"].shape == (4, 3, 16, 32)
    means = sorted(batch["image"].float().mean(dim=(1, 2, 3)).round().tolist())
    assert means == sorted(np.round([85.0, 90.0, 255.0, 0.0]).tolist())  # red, grey, clear on white, black


def test_labels_of_plain_layout_are_not_pictures(folder):
    for part in ("images", "labels"):
        (folder / part).mkdir()
        Image.new("L", (8, 8)).save(folder / part / "0.png")
    assert PictureSource(folder).files == ["0.png"]


def test_unusable_picture_root_raises(tmp_path):
    for root, line in (
        (tmp_path / "nowhere", "does not exist; data.root is a folder of images"),
        (tmp_path / "notes.txt", "is a file; data.root is a folder of images"),
        (tmp_path, "there are no images in it (.bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp)"),
    ):
        (tmp_path / "notes.txt").write_text("")
        with pytest.raises(UserError) as caught:
            PictureSource(root)
        assert str(caught.value) == f"{root}: {line}"


def test_unreadable_picture_stops_or_is_skipped(folder):
    broken = folder / "broken.png"
    broken.write_bytes(b"no image")
    loader = training_loader(PictureSource(folder), classes=1, batch=5, height=8, width=8, seed=0)
    with pytest.raises(UserError, match=f"{broken}: is not an image that can be read"):
        next(iter(loader))
    loader = training_loader(PictureSource(folder), classes=1, batch=5, height=8, width=8, seed=0, on_error="skip")
    assert next(iter(loader))["image"].shape == (5, 3, 8, 8)
    assert len(loader.skipped) == 1


def test_open_pictures_takes_packed_folder_and_named_demo(tmp_path, spec, towns, folder):
    plugin = DomainPlugin(spec, demos={"towns": lambda count, height, width, seed: towns(count, height, width)})
    data = DataConfig(height=16, width=16, demo="towns", demo_count=3, cache=str(tmp_path))
    assert len(open_pictures(plugin, data, progress=False)) == 3
    packed = pack(towns(5, 16, 16), tmp_path / "packed", spec, 16, 16)
    opened = open_pictures(plugin, DataConfig(height=16, width=16, root=str(packed.folder)))
    assert isinstance(opened, PackedSource) and len(opened) == 5
    assert len(open_pictures(plugin, DataConfig(root=str(folder)))) == 4
    with pytest.raises(UserError, match=r"data.demo=town: domain '.*': did you mean 'towns'\?"):
        open_pictures(plugin, DataConfig(demo="town"))


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["images/a", "labels/a"], ["images/a"]),
        (["train/images/a", "train/labels/a", "train/labels/b/a"], ["train/images/a"]),
        (["train/images/a", "train/labels/a", "validation/images/b", "validation/labels/b"], ["train/images/a"]),
        (["a/images/1", "a/labels/1", "b/images/2", "b/labels/2"], ["a/images/1", "b/images/2"]),
        (["images/a", "more/b", "c"], ["c", "images/a", "more/b"]),
    ],
)
def test_label_maps_are_not_pictures(tmp_path, spec, names, read):
    for name in names:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "data" / f"{name}.png")
    source = open_pictures(DomainPlugin(spec), DataConfig(root=str(tmp_path / "data")))
    found = [source[index].name for index in range(len(source))]
    assert found == [str(tmp_path / "data" / f"{name}.png") for name in read] and not source.warnings()


@pytest.mark.parametrize("name", ["masks", "labels", "SegmentationClass", "gtFine", "CelebAMask-HQ-mask-anno/0"])
def test_pictures_in_a_folder_named_as_label_maps_are_named(tmp_path, name):
    for part in ("photos", name):
        (tmp_path / part).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / part / "0.png")
    (line,) = PictureSource(tmp_path).warnings()
    assert line.startswith(f"{tmp_path / name / '0.png'}: 1 of 2 images are in folders named as those of label maps")
