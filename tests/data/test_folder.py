import pickle

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
    with pytest.raises(UserError, match=r"0\.png: images/0\.jpg has the same name"):
        FolderSource(root, spec)


def test_other_files_are_ignored(write_folder, spec):
    root = write_folder(2)
    for name in ("images/Thumbs.db", "images/.hidden.png", "labels/readme.txt"):
        (root / name).write_text("")
    assert len(FolderSource(root, spec)) == 2


def test_image_and_labels_of_different_size_name_both(write_folder, spec):
    root = write_folder(1)
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(root / "labels" / "0.png")
    with pytest.raises(UserError, match=r"0\.png: the image is 24 x 24 but its labels are 10 x 20"):
        read_item(FolderSource(root, spec), 0, 4)
