"""Fingerprints, and that statistics are never those of other data."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from composegan.data import FolderSource, PackedSource, Sample, fingerprint, pack
from composegan.data.fingerprints import content_fingerprint, fingerprint_of_files
from composegan.data.pictures import PictureSource
from composegan.data.statistics import class_statistics
from composegan.plugins.cars import open_cars
from composegan.plugins.cars import spec as cars
from composegan.plugins.cityscapes import open_cityscapes, open_cityscapes16, spec16
from composegan.plugins.cityscapes import spec as cityscapes
from composegan.plugins.faces import open_faces
from composegan.plugins.faces import spec as faces


def save(path, array):
    """Save an array as an uncompressed PNG or JPEG whose size and times do not depend on its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, compress_level=0)
    os.utime(path, (0, 0))


def write_plain(root, spec, label):
    save(root / "images" / "0.png", np.zeros((16, 16, 3), np.uint8))
    save(root / "labels" / "0.png", np.full((16, 16), label, np.uint8))
    return FolderSource(root, spec)


def write_packed(root, spec, label):
    shutil.rmtree(root, ignore_errors=True)
    sample = Sample(np.zeros((3, 16, 16), np.uint8), np.full((16, 16), label, np.uint8), "0")
    source = pack([sample], root, spec, 16, 16, workers=0)
    for file in root.iterdir():
        os.utime(file, (0, 0))  # as tar --mtime, nix and docker COPY leave them
    return source


def write_old_packed(root, spec, label):
    """A packed folder of an older version: without id and hash."""
    write_packed(root, spec, label)
    index = json.loads((root / "index.json").read_text())
    (root / "index.json").write_text(json.dumps({key: index[key] for key in index if key not in ("id", "content")}))
    os.utime(root / "index.json", (0, 0))
    return PackedSource(root)


def write_faces(root, spec, label):
    save(root / "CelebA-HQ-img" / "0.png", np.zeros((16, 16, 3), np.uint8))
    for part, name in ((1, "skin"), (11, "hat")):
        mask = np.full((16, 16), 255 * (label == part), np.uint8)
        save(root / "CelebAMask-HQ-mask-anno" / "0" / f"00000_{name}.png", mask)
    return open_faces(root, "train")


def write_dsmlr(root, spec, label):
    save(root / "trainingset" / "JPEGImages" / "0.png", np.zeros((16, 16, 3), np.uint8))
    content = {
        "images": [{"id": 0, "file_name": "0.png"}],
        "categories": [{"id": 0, "name": "hood"}, {"id": 1, "name": "wheel"}],
        "annotations": [
            {"image_id": 0, "category_id": int(label == spec.index("wheel")), "segmentation": [[0, 0, 16, 0, 16, 16]]}
        ],
    }
    (root / "trainingset" / "annotations.json").write_text(json.dumps(content))
    os.utime(root / "trainingset" / "annotations.json", (0, 0))
    return open_cars(root, "train")


def write_yolo(root, spec, label):
    save(root / "images" / "train" / "0.png", np.zeros((16, 16, 3), np.uint8))
    (root / "labels" / "train").mkdir(parents=True, exist_ok=True)
    (root / "labels" / "train" / "0.txt").write_text(f"{int(label == spec.index('wheel'))} 0 0 1 0 1 1")
    (root / "data.yaml").write_text("names: {0: hood, 1: wheel}")
    os.utime(root / "labels" / "train" / "0.txt", (0, 0))
    return open_cars(root, "train")


def write_yolo_names(root, spec, label):
    """The names of the numbers change, not the labels."""
    write_yolo(root, spec, spec.index("hood"))
    (root / "data.yaml").write_text(f"names: {{0: {spec.names[label]:6}, 1: hood  }}")
    os.utime(root / "data.yaml", (0, 0))
    return open_cars(root, "train")


def write_cityscapes(root, spec, label, reader=open_cityscapes):
    save(root / "leftImg8bit" / "train" / "a" / "a_1_leftImg8bit.png", np.zeros((16, 16, 3), np.uint8))
    label_id = {"road": 7, "car": 26}[spec.names[label]]
    save(root / "gtFine" / "train" / "a" / "a_1_gtFine_labelIds.png", np.full((16, 16), label_id, np.uint8))
    return reader(root, "train")


def write_cityscapes16(root, spec, label):
    return write_cityscapes(root, spec, label, open_cityscapes16)


LAYOUTS = [
    (write_plain, None, ("house", "tree")),
    (write_packed, None, ("house", "tree")),
    (write_old_packed, None, ("house", "tree")),
    (write_faces, faces, ("face", "hat")),
    (write_dsmlr, cars, ("hood", "wheel")),
    (write_yolo, cars, ("hood", "wheel")),
    (write_yolo_names, cars, ("hood", "wheel")),
    (write_cityscapes, cityscapes, ("road", "car")),
    (write_cityscapes16, spec16, ("road", "car")),
]
each_layout = pytest.mark.parametrize(("write", "of", "names"), LAYOUTS, ids=[layout[0].__name__ for layout in LAYOUTS])


@each_layout
@pytest.mark.parametrize("place", ["in place", "elsewhere", "kept times"])
def test_statistics_are_those_of_the_data_at_hand(write, of, names, place, spec, tmp_path):
    """Files of the same name, size and time, as other data in the same cache."""
    of = of or spec
    shown = []
    for number, name in enumerate(names):
        root = tmp_path / (f"data{number}" if place == "elsewhere" else "data")
        source = write(root, of, of.index(name))
        statistics = class_statistics(source, len(of.classes), cache=tmp_path / "cache")
        shown.append([of.names[label] for label in np.flatnonzero(statistics.presence)])
    assert [name in found for name, found in zip(names, shown, strict=True)] == [True, True] and shown[0] != shown[1]


@each_layout
def test_unchanged_data_is_not_read_again(write, of, names, spec, tmp_path, monkeypatch):
    of = of or spec
    monkeypatch.setattr("composegan.data.fingerprints.RECENT", 600)
    source = write(tmp_path / "data", of, of.index(names[0]))
    first = class_statistics(source, len(of.classes), cache=tmp_path / "cache")
    monkeypatch.setattr(type(source), "__getitem__", None)
    again = class_statistics(source, len(of.classes), cache=tmp_path / "cache")
    assert (again.presence == first.presence).all()


def test_one_changed_file_among_many_is_noticed(spec, tmp_path):
    """Not only that of items at certain places."""
    for number in range(200):
        save(tmp_path / "images" / f"{number:03}.png", np.zeros((4, 4, 3), np.uint8))
        save(tmp_path / "labels" / f"{number:03}.png", np.zeros((4, 4), np.uint8))
    source = FolderSource(tmp_path, spec)
    known = {fingerprint(source)}
    for number in (1, 57, 198):
        save(tmp_path / "labels" / f"{number:03}.png", np.ones((4, 4), np.uint8))
        known.add(fingerprint(source))
    (tmp_path / "images" / "100.png").unlink()
    assert len(known | {fingerprint(source)}) == 5


@pytest.mark.parametrize("link", ["labels", "labels/0.png"])
def test_link_to_a_file_of_the_same_times_is_noticed(spec, tmp_path, link, monkeypatch):
    write_plain(tmp_path / "data", spec, 1)
    place = tmp_path / "data" / link
    place.rename(tmp_path / "first")
    (shutil.copytree if link == "labels" else shutil.copy2)(tmp_path / "first", tmp_path / "second")
    found, stat = [], os.stat

    def alike(path, **options):
        status = stat(path, **options)
        times = {"st_mtime_ns": 0, "st_ctime_ns": 0, "st_ctime": 0.0}
        return SimpleNamespace(**{name: getattr(status, name) for name in dir(status) if name[:3] == "st_"} | times)

    monkeypatch.setattr("composegan.data.fingerprints.os.stat", alike)  # as of archives that were just unpacked
    for target in ("first", "second"):
        place.symlink_to(tmp_path / target)
        found.append(FolderSource(tmp_path / "data", spec).fingerprint())
        place.unlink()
    assert found[0] != found[1]


def test_class_colors_are_part_of_the_fingerprint(write_folder, spec):
    """They decide the labels of files in colors."""
    root = write_folder(2)
    swapped = (spec.classes[0], *(replace(item, color=item.color[::-1]) for item in spec.classes[1:]))
    assert fingerprint(FolderSource(root, spec)) != fingerprint(FolderSource(root, replace(spec, classes=swapped)))


def test_pictures_have_a_fingerprint(write_folder):
    root = write_folder(2)
    before = fingerprint(PictureSource(root))
    save(root / "images" / "1.png", np.zeros((24, 24, 3), np.uint8))
    assert before and before != fingerprint(PictureSource(root))


def test_source_without_fingerprint_is_measured_each_time(towns, tmp_path):
    assert fingerprint(towns(3)) is None
    class_statistics(towns(3), 4, cache=tmp_path)
    assert not list(tmp_path.rglob("*.npz"))


def test_statistics_that_cannot_be_cached_are_returned_with_a_warning(write_folder, spec, tmp_path, caplog):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "statistics").touch()
    source = FolderSource(write_folder(3), spec)
    assert class_statistics(source, 4, cache=tmp_path / "cache").images == 3
    assert "not cached: " in caplog.text


def test_content_fingerprint_depends_on_items_and_count(towns):
    numbers = range(3)
    known = [towns(3), towns(4), towns(3, 16), towns(3, bad=[1])]
    assert content_fingerprint(towns(3), numbers) == content_fingerprint(towns(3), numbers)
    assert len({content_fingerprint(source, numbers) for source in known}) == 4


def test_fingerprint_of_many_files_is_fast(tmp_path):
    import time

    for number in range(3000):
        (tmp_path / f"{number}").touch()
    start = time.process_time()
    fingerprint_of_files([tmp_path / f"{number}" for number in range(3000)], content=False)
    assert time.process_time() - start < 1


def test_packs_of_the_same_images_have_their_own_ids_and_one_content(towns, tmp_path, spec):
    one, two = (pack(towns(3), tmp_path / name, spec, 16, 16, workers=0) for name in "ab")
    other = pack(towns(3, bad=[1]), tmp_path / "c", spec, 16, 16, workers=0, on_error="skip")
    assert one.index.id != two.index.id and one.index.content == two.index.content != other.index.content
    assert fingerprint(one) != fingerprint(two)
