"""Label ids that are no class: counted over the data, with their values and the first file."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.data import Sample, check_sample, pack
from composegan.data import label_errors as errors
from composegan.data.label_errors import LabelError, counted, label_error
from composegan.data.statistics import class_statistics
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec, SemanticClass

SPEC = DomainSpec("two", tuple(SemanticClass(name, (i, i, i)) for i, name in enumerate(("a", "b"))))


class Pictures:
    """Pictures of which some have two pixels of an id that is no class; wrong: index -> id."""

    def __init__(self, wrong, count=250):
        self.wrong, self.count = wrong, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        labels = np.zeros((8, 8), np.uint8)
        if index in self.wrong:
            labels[0, :2] = self.wrong[index]
        return check_sample(Sample(np.zeros((3, 8, 8), np.uint8), labels, f"{index}.png"), 2)


def statistics(source, folder):
    class_statistics(source, 2)


def packed(source, folder):
    pack(source, folder / "packed", SPEC, 8, 8, workers=1)


@pytest.mark.parametrize("read", [statistics, packed])
def test_wrong_labels_are_counted_over_all_images(read, tmp_path):
    with pytest.raises(LabelError) as caught:
        read(Pictures({3: 34, 7: 35, 249: 34}), tmp_path)
    assert str(caught.value) == (
        "3.png: label values outside the vocabulary (34) in 2 of 64 pixels; the 2 classes are 0..1; "
        "correct them, or name more classes; "
        "the first of 3 such among 250 images, with 34, 35 in 6 pixels"
    )
    assert not (tmp_path / "packed").exists()


@pytest.mark.parametrize("read", [statistics, packed])
def test_single_wrong_image_is_reported_alone(read, tmp_path):
    with pytest.raises(LabelError, match=r"^3.png: .* the 2 classes are 0..1; correct them, or name more classes$"):
        read(Pictures({3: 34}), tmp_path)


@pytest.mark.parametrize("read", [statistics, packed])
def test_counting_stops_after_enough_wrong_images(read, tmp_path, monkeypatch):
    source = Pictures({index: 9 for index in range(250)})
    looked = []
    monkeypatch.setattr(
        Pictures, "__getitem__", (lambda own: lambda s, i: looked.append(i) or own(s, i))(Pictures.__getitem__)
    )
    with pytest.raises(LabelError, match=f"the first of {errors.ENOUGH} such among 100 images, with 9 in 200 pixels"):
        read(source, tmp_path)
    assert len(looked) == 100


def test_other_errors_stop_at_once(tmp_path):
    class Broken(Pictures):
        def __getitem__(self, index):
            if index == 5:
                raise UserError("5.png: is damaged")
            return super().__getitem__(index)

    for read in (statistics, packed):
        with pytest.raises(UserError, match=r"^5.png: is damaged$"):
            read(Broken({3: 34}), tmp_path)


def test_long_list_of_ids_is_cut():
    error = label_error("x", "ids", np.arange(20).repeat(3), 100, "fix them")
    assert str(error) == "x: ids (0, 1, 2, 3, 4, 5, 6, 7, ...) in 60 of 100 pixels; fix them"
    assert error.ids == frozenset(range(20)) and error.pixels == 60
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.ids, copy.pixels) == (str(error), error.ids, error.pixels)
    assert counted([error], 5) is error


def test_command_line_reports_wrong_labels_in_one_line(shapes, tiny, tmp_path, capsys):
    root = tmp_path / "data"
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (16, 16)).save(root / "images" / f"{number}.png")
        labels = np.zeros((16, 16), np.uint8)
        labels[0, : number * 3] = 40 + number
        Image.fromarray(labels).save(root / "labels" / f"{number}.png")
    assert main(["plan", "recipe=quick", *shapes, *tiny, f"data.root={root}", f"data.cache={tmp_path / 'cache'}"]) == 2
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("composegan: "))
    assert re.search(r"1\.png: label values outside the vocabulary \(41\) in 3 of 256 pixels; .* among 3 images", line)
    assert line.endswith("the first of 2 such among 3 images, with 41, 42 in 9 pixels")
