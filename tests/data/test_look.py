"""What `look` finds in labelled pictures: counts, warnings that are true, and none where nothing is wrong."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import Sample, UserError, open_source, pack
from composegan.data.findings import survey_warnings
from composegan.data.look import look, look_at_pack, warnings_at_hand
from composegan.data.open import prepare
from composegan.data.repeats import repeated_edges
from composegan.data.resize import fit_sample, resize_image
from composegan.data.sheet import sheet, table, write_look
from composegan.data.survey import survey, survey_at_hand
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass

NOISE = np.random.default_rng(0)


def pictures(labels, void=0.0):
    """A source of noise with the given label maps, each (H, W)."""
    samples = [
        Sample(
            NOISE.integers(0, 256, (3, *one.shape), dtype=np.uint8), one.astype(np.uint8), f"folder/{number}.png", void
        )
        for number, one in enumerate(map(np.asarray, labels))
    ]
    return samples


def spec_of(*names):
    return DomainSpec(
        "drawn", tuple(SemanticClass(name, (number, 9 * number, 90)) for number, name in enumerate(names))
    )


def blocks(*classes, size=8):
    """A label map of one class for each block, side by side."""
    return np.repeat(np.array(classes), size)[None].repeat(size * len(classes), 0)


def warned(source, spec, height=16, width=16):
    found = survey(source, len(spec.classes), height, width)
    return survey_warnings(found, spec, len(source), height, width)


def test_survey_counts_pixels_of_pictures_as_training_sees_them(towns):
    source = towns(7, 24, 40)
    found = survey(source, 4, 16, 16)
    for row, sample in enumerate(fit_sample(source[number], 16, 16) for number in range(7)):
        assert found.area[row].tolist() == np.bincount(sample.labels.ravel(), minlength=4).tolist()
        inner = np.bincount(sample.labels[1:-1, 1:-1].ravel(), minlength=4)
        assert (found.area[row] - found.border[row] == inner).all()
    assert found.sizes.tolist() == [[24, 40]] * 7 and len(set(found.prints.tolist())) == 7


def test_survey_is_the_same_packed_cached_and_in_processes(towns, spec, tmp_path, monkeypatch):
    source = towns(130, 16, 16)
    plain = survey(source, 4, 16, 16)
    packed = pack(source, tmp_path / "pack", spec, 16, 16, workers=0)
    first = survey(packed, 4, 16, 16, cache=tmp_path / "cache")
    monkeypatch.setattr("composegan.data.survey._measure", lambda *settings: pytest.fail("it is cached"))
    cached, hand = survey(packed, 4, 16, 16, cache=tmp_path / "cache"), survey_at_hand(packed, 4, 16, 16, None)
    for name in ("area", "border", "prints", "numbers"):
        assert (getattr(plain, name) == getattr(first, name)).all()
        assert (getattr(first, name) == getattr(cached, name)).all() and (
            getattr(hand, name) == getattr(first, name)
        ).all()


def test_survey_skips_or_raises_bad_pictures(towns):
    assert survey(towns(9, bad=[2]), 4, 16, 16, on_error="skip").numbers.tolist() == [0, 1, 3, 4, 5, 6, 7, 8]
    with pytest.raises(UserError, match="town 2: is damaged"):
        survey(towns(9, bad=[2]), 4, 16, 16)
    wrong = [np.full((8, 8), 7 * (number in (1, 3))) for number in range(5)]
    with pytest.raises(UserError, match="the first of 2 such among 5 images"):
        survey(pictures(wrong), 4, 8, 8)


@pytest.mark.parametrize(("top", "left"), [(4, 0), (0, 6), (3, 5)])
def test_padding_by_the_edge_is_measured(top, left):
    image = NOISE.integers(0, 256, (3, 30, 40), dtype=np.uint8)
    padded = np.pad(image, [(0, 0), (top, 0), (0, left)], "edge")
    share = 1 - (1 - top / (30 + top)) * (1 - left / (40 + left))
    assert repeated_edges(image) == 0 and repeated_edges(padded) == pytest.approx(share)


def test_padding_is_found_after_resizing():
    image = np.pad(NOISE.integers(0, 256, (3, 200, 300), dtype=np.uint8), [(0, 0), (40, 40), (0, 0)], "edge")
    assert 0.15 < repeated_edges(resize_image(image, 64, 64)) <= 80 / 280


@pytest.mark.parametrize("kind", ["flat", "shaded", "stripes"])
def test_drawings_repeat_no_edges(kind):
    ramp = np.linspace(0, 255, 48).astype(np.uint8)
    row = {"flat": ramp * 0 + 90, "shaded": ramp, "stripes": np.arange(48, dtype=np.uint8) % 2 * 200}[kind]
    assert repeated_edges(np.broadcast_to(row, (3, 48, 48))) == 0


def test_good_labels_have_no_warnings(towns):
    assert warned(towns(12), spec_of("ground", "house", "tree", "sun")) == []


@pytest.mark.parametrize(
    ("names", "classes", "said"),
    [
        (("background", "cat", "dog", "fox"), [(0, 1, 0), (0, 2, 0)], "class fox: is in none of the 2 pictures"),
        (("background", "cat", "dog", "fox"), [(1, 0, 1), (1, 2, 1)], "may be one too low: fox, the last class, is in"),
        (("cat", "dog", "fox", "grass"), [(1, 2, 3), (3, 2, 1)], "may be one too high: class 0, cat, is in no picture"),
        (("background", "cat", "dog"), [(1, 2, 1)], "class background: is in none of the 1 pictures"),
        (("cat", "dog", "fox", "grass"), [(1, 0, 1), (1, 2, 1)], "class grass: is in none of the 2 pictures"),
        (("cat", "dog", "fox", "grass"), [(0, 0, 1)], "classes fox, grass: are in none of the 1 pictures"),
    ],
)  # fmt: skip
def test_absent_classes_and_shifted_labels_are_told_apart(names, classes, said):
    (line,) = warned(pictures([blocks(*each) for each in classes]), spec_of(*names), 24, 24)
    assert said in line and "; " in line


def test_part_of_a_set_shows_no_absent_classes():
    found = survey(pictures([blocks(0, 1)]), 3, 16, 16)
    assert survey_warnings(found, spec_of("a", "b", "c"), 1, 16, 16)
    assert survey_warnings(found, spec_of("a", "b", "c"), 2, 16, 16) == []


def test_crop_and_void_are_warned_about():
    source = pictures([np.zeros((16, 40))] * 2, void=0.12)
    crop, void = warned(source, spec_of("ground"))
    assert "data.height=16 data.width=16: the crop to this aspect ratio removes 60%" in crop and "2.50 times" in crop
    assert void.startswith("labels: 12% of the pixels are void")
    assert warned(pictures([np.zeros((16, 20))] * 2, void=0.01), spec_of("ground")) == []


def test_table_gives_pictures_shares_and_sizes():
    source = pictures([blocks(0, 1), np.zeros((16, 16)), np.pad(np.ones((2, 3)), ((0, 14), (0, 13)))])
    found = survey(source, 3, 16, 16)
    assert [row[1:] for row in table(found, spec_of("a", "b", "c"))] == [
        ["a", "3", "100.00%", "82.552%", "128", "250"],
        ["b", "2", "66.67%", "17.448%", "6", "67"],
        ["c", "0", "0.00%", "0.000%", "", ""],
    ]


def test_sheet_shows_every_class_that_occurs(tmp_path):
    """A class in one of 500 pictures, which no evenly spread choice has."""
    maps = [np.full((16, 16), 3 * (number == 137)) for number in range(500)]
    source, spec = pictures(maps), spec_of("ground", "never", "nor", "rare")
    found = survey(source, 4, 16, 16)
    picture = np.asarray(sheet(found, source, spec, 16, 16))
    assert (picture == spec.colors[3]).all(axis=2).sum() > 112 * 112  # more than the patch of the legend
    assert max(picture.shape) < 3000
    write_look(tmp_path, found, source, spec, 16, 16)
    with (tmp_path / "look.csv").open() as file:
        assert [row["pictures"] for row in csv.DictReader(file)] == ["499", "0", "0", "1"]
    assert Image.open(tmp_path / "look.png").size == picture.shape[1::-1]


@pytest.fixture
def split(write_folder):
    """Two splits with 2 pictures in common, of 9 and 4."""
    for name, numbers in {"train": range(9), "validation": range(7, 11)}.items():
        root = write_folder(0, f"both/{name}")
        for number in numbers:
            labels = np.arange(16, dtype=np.uint8).repeat(16).reshape(16, 16) // 4
            noise = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(labels).save(root / "labels" / f"{number}.png")
            Image.fromarray(noise).save(root / "images" / f"{number}.png")
    return root.parent


def test_pictures_in_both_splits_are_found(split, spec, tmp_path):
    plugin, data = DomainPlugin(spec), DataConfig(root=str(split), height=16, width=16, cache=str(tmp_path / "cache"))
    said = f"2 of 4 pictures of validation are also in train, such as {split}/validation/images/7.png = {split}/train"
    source = open_source(plugin, data)
    assert [said in line for line in warnings_at_hand(plugin, data, source, 0.5)] == [True]
    found = look(plugin, data, 0.5)
    assert [said in line for line in found.warnings] == [True]
    few = look(plugin, replace(data, split="validation"), 0)
    assert ["2 of 9 pictures of train are also in validation" in line for line in few.warnings] == [True, False]
    assert few.warnings[1].startswith("data.root: 4 pictures are few")


def test_packs_beside_each_other_are_compared(split, spec, tmp_path):
    plugin, out = DomainPlugin(spec), tmp_path / "packs"
    data = DataConfig(root=str(split), height=16, width=16, cache=str(tmp_path / "cache"))
    for name in ("train", "validation"):
        pack_of = prepare(plugin, replace(data, split=name), out / name)
        found = look_at_pack(plugin, replace(data, split=name), pack_of)
    assert ["2 of 9 pictures of train are also in validation" in line for line in found.warnings] == [True]
    packed = replace(data, root=str(out))
    assert ["2 of 4" in line for line in warnings_at_hand(plugin, packed, open_source(plugin, packed), 1)] == [True]


def test_nothing_but_a_few_pictures_is_read_at_the_start_of_fit(towns):
    class Slow(type(towns(1))):
        read = 0

        def __getitem__(self, index):
            Slow.read += 1
            return super().__getitem__(index)

    found = survey_at_hand(Slow(10_000), 4, 16, 16, None)
    assert Slow.read == len(found) == 64 and np.diff(found.numbers).max() < 400
