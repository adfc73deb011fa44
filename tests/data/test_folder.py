"""Images and labels in the plain layout, `images/` and `labels/`: which files pair, and what is refused."""

import os
import pickle
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from composegan.data import FolderSource, UserError
from composegan.data.items import read_item


def test_folder_is_read_in_name_order(write_folder, spec, towns):
    root = write_folder(12)
    source = FolderSource(root, spec)
    assert len(source) == 12
    assert [source[index].name.rpartition("/")[2] for index in range(4)] == ["0.png", "1.png", "10.png", "11.png"]
    expected = towns(12)[10]
    assert (source[2].image == expected.image).all() and (source[2].labels == expected.labels).all()


def test_folder_source_pickles(write_folder, spec):
    source = FolderSource(write_folder(2), spec)
    copy = pickle.loads(pickle.dumps(source))
    assert (copy[1].image == source[1].image).all() and copy[1].name == source[1].name


def test_folder_splits(write_folder, spec, tmp_path):
    write_folder(3, "data/train")
    write_folder(2, "data/validation")
    assert len(FolderSource(tmp_path / "data", spec)) == 3
    assert len(FolderSource(tmp_path / "data", spec, "validation")) == 2


def test_missing_split_raises(write_folder, spec, tmp_path):
    write_folder(1, "data/train")
    with pytest.raises(
        UserError, match=r"data: has no split 'validation'; it has only 'train'; give data.split=train$"
    ):
        FolderSource(tmp_path / "data", spec, "validation")
    with pytest.raises(UserError, match=r"flat: has no split 'validation'; it is not divided"):
        FolderSource(write_folder(1, "flat"), spec, "validation")


def test_unusable_roots_raise(tmp_path, spec):
    (tmp_path / "file").touch()
    for folder in ("empty", "other/notes", "neither/images", "neither/labels"):
        (tmp_path / folder).mkdir(parents=True)
    for root, reason in (
        ("missing", "missing: does not exist"),
        ("file", "file: is a file"),
        ("empty", "empty: is empty"),
        ("other", "other/images: does not exist"),
        ("neither", "neither: there are no images with labels in it"),
    ):
        with pytest.raises(UserError, match=f"^{tmp_path}/{reason}; "):
            FolderSource(tmp_path / root, spec)


def test_unpaired_files_raise_or_are_skipped(write_folder, spec):
    root = write_folder(4)
    (root / "labels" / "1.png").unlink()
    (root / "labels" / "2.png").unlink()
    with pytest.raises(UserError, match=r"images/1\.png: has no labels, and 1 more; add labels/1\.png"):
        FolderSource(root, spec)
    (root / "images" / "0.png").unlink()
    source = FolderSource(root, spec, on_error="skip")
    assert len(source) == 1 and [line.split(";")[0].rpartition("/")[2] for line in source.skipped] == [
        "1.png: has no labels, and 1 more",
        "0.png: has no image",
    ]


def test_duplicate_stem_raises(write_folder, spec):
    root = write_folder(1)
    Image.new("RGB", (24, 24)).save(root / "images" / "0.jpg")
    with pytest.raises(UserError, match=r"images/0\.png: 0\.jpg has the same name"):
        FolderSource(root, spec)


def test_other_files_are_ignored(write_folder, spec):
    root = write_folder(2)
    for name in ("images/Thumbs.db", "images/.hidden.png", "labels/readme.txt"):
        (root / name).write_text("")
    assert len(FolderSource(root, spec)) == 2


def test_image_and_labels_of_different_size_name_both(write_folder, spec):
    root = write_folder(1)
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(root / "labels" / "0.png")
    with pytest.raises(UserError, match=r"labels.0\.png: is 10 x 20 but its image is 24 x 24"):
        read_item(FolderSource(root, spec), 0, 4)


def nested(root, place):
    """Move pair 1 of a plain folder to subfolders of images/ and labels/, as `place` makes them."""
    for part in ("images", "labels"):
        place(root, root / part)
        (root / part / "1.png").rename(root / part / "sub" / "1.png")


def subfolder(root, part):
    (part / "sub").mkdir()


def deep_subfolder(root, part):
    (part / "sub" / "deep").mkdir(parents=True)
    (part / "0.png").rename(part / "sub" / "deep" / "0.png")


def linked_folder(root, part):
    (root.parent / "elsewhere" / part.name).mkdir(parents=True)
    (part / "sub").symlink_to(root.parent / "elsewhere" / part.name)


def folder_with_loops(root, part):
    (part / "sub").mkdir()
    for link, target in (("self", "."), ("up", ".."), ("root", str(root)), ("elsewhere", "/")):
        (part / "sub" / link).symlink_to(target)


@pytest.mark.parametrize("place", [subfolder, deep_subfolder, linked_folder, folder_with_loops])
def test_pairs_in_subfolders_are_read(write_folder, spec, towns, place):
    root = write_folder(3)
    nested(root, place)
    source = FolderSource(root, spec)
    assert sorted(Path(source[index].name).name for index in range(len(source))) == ["0.png", "1.png", "2.png"]
    for index in range(3):
        sample = source[index]
        expected = towns(3)[int(Path(sample.name).stem)]
        assert (sample.image == expected.image).all() and (sample.labels == expected.labels).all()


def test_images_and_labels_may_be_links(write_folder, spec, tmp_path):
    root = write_folder(2)
    (tmp_path / "links").mkdir()
    for part in ("images", "labels"):
        (tmp_path / "links" / part).symlink_to(root / part)
    assert len(FolderSource(tmp_path / "links", spec)) == 2


@pytest.mark.parametrize("part", ["images", "labels"])
def test_unpaired_subfolder_is_named(write_folder, spec, part):
    root = write_folder(3)
    (root / part / "sub").mkdir()
    (root / part / "1.png").rename(root / part / "sub" / "1.png")
    with pytest.raises(UserError, match=r"images/(sub/)?1\.png: has no labels; add labels/(sub/)?1\.png"):
        FolderSource(root, spec)


@pytest.mark.parametrize("file", ["1.jpg", "1.JPEG", "1.webp", "sub/1.tif"])
def test_labels_in_another_format_are_named(write_folder, spec, file):
    root = write_folder(3)
    for part in ("images", "labels"):
        (root / part / file).parent.mkdir(exist_ok=True)
    (root / "images" / "1.png").rename((root / "images" / file).with_suffix(".png"))
    (root / "labels" / "1.png").rename(root / "labels" / file)
    with pytest.raises(UserError, match=rf"1\.png: has no PNG labels but labels/{file}; save them as labels/.*1\.png"):
        FolderSource(root, spec)


@pytest.mark.parametrize("name", ["more", "3.d"])
def test_link_to_nothing_is_named(write_folder, spec, name):
    root = write_folder(2)
    (root / "images" / name).symlink_to(root / "gone")
    with pytest.raises(UserError, match=f"images/{name}: links to .*gone, which does not exist"):
        FolderSource(root, spec)


@pytest.mark.parametrize("name", ["train", "val", "Train", "VAL", "train2017", "test-2"])
def test_splits_inside_images_are_not_read_as_one(write_folder, spec, name):
    root = write_folder(2)
    for part in ("images", "labels"):
        (root / part / name).mkdir()
        (root / part / "1.png").rename(root / part / name / "1.png")
    with pytest.raises(UserError, match=f"images/{name}: is named as a split, but is in images/; move the images to "):
        FolderSource(root, spec)


@pytest.mark.parametrize(("image", "labels"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
@pytest.mark.parametrize("name", ["é", "Å/ö", "が"])
def test_composed_and_decomposed_names_are_one_name(write_folder, spec, image, labels, name):
    root = write_folder(1)
    for part, form in (("images", image), ("labels", labels)):
        target = root / part / (normalize(form, name) + ".png")
        target.parent.mkdir(exist_ok=True)
        (root / part / "0.png").rename(target)
    assert len(FolderSource(root, spec)) == 1
    again = root / "images" / (normalize("NFC" if image == "NFD" else "NFD", name) + ".png")
    again.parent.mkdir(exist_ok=True)
    Image.new("RGB", (24, 24)).save(again)
    with pytest.raises(UserError, match="has the same name"):
        FolderSource(root, spec)


def test_uppercase_endings_are_read(write_folder, spec):
    root = write_folder(2)
    for file in [*root.glob("*/*.png")]:
        file.rename(file.with_suffix(".PNG"))
    assert len(FolderSource(root, spec)) == 2


def test_name_that_is_not_utf8_is_read(write_folder, spec):
    root = write_folder(1)
    for part in ("images", "labels"):
        (root / part / "0.png").rename(root / part / os.fsdecode(b"mod\xe8le.png"))
    assert len(FolderSource(root, spec)) == 1 and FolderSource(root, spec)[0].labels.shape == (24, 24)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_pairs_beside_a_split_are_not_passed_over(write_folder, spec, split):
    root = write_folder(2)
    write_folder(2, f"data/{split}")
    with pytest.raises(UserError, match=rf"data: has both images/ and {split}/images/ in it; move one of them"):
        FolderSource(root, spec, split)
