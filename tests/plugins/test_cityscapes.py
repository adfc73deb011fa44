"""Cityscapes: classes, label ids, and its files as downloaded."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from cityscapesscripts.helpers.labels import labels as original
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, prepare
from composegan.plugins.cityscapes import plugin, plugin16, spec, spec16
from composegan.plugins.cityscapes.label_ids import fill_rows, read_id_table
from composegan.plugins.cityscapes.merged import merging_table

ORIGINAL = {item.name.replace(" ", "_"): item for item in original}
OURS = {item.name.replace(" ", "_"): item for item in original if 4 <= item.id <= 33}


def test_vocabulary_equals_data_sets():
    assert set(spec.names) == set(OURS) and len(spec.names) == 30
    assert {item.name: item.category for item in spec.classes} == {name: OURS[name].category for name in spec.names}
    assert {item.category for item in spec.classes} == {
        "flat", "human", "vehicle", "construction", "object", "nature", "sky", "void",
    }  # fmt: skip
    different = [item.name for item in spec.classes if item.color != OURS[item.name].color]
    assert different == ["polegroup"] and OURS["polegroup"].color == OURS["pole"].color  # where theirs are the same


def test_sky_is_class_0_and_others_follow_ids():
    ids = [OURS[name].id for name in spec.names]
    assert spec.names[0] == "sky" and ids[1:] == sorted(ids[1:])


def test_transparent_and_optional_classes():
    assert spec.transparent == () and spec16.transparent == ()
    assert [item.name for item in spec.classes if not item.optional] == ["road"]


def test_every_official_id_is_mapped():
    table = read_id_table(spec.foreign["label_ids"], spec)
    for name, item in ORIGINAL.items():
        if 4 <= item.id <= 33:
            assert table[item.id] == spec.index(name)
    assert table[ORIGINAL["ego_vehicle"].id] == spec.index("static")
    assert table[ORIGINAL["license_plate"].id % 256] == spec.index("car")
    assert set(spec.foreign["label_ids"]) == {item.id for item in original}
    assert (table[34:255] == -1).all()  # no id


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({7: "rod"}, "domain 'cityscapes' has no class 'rod'.*road"),
        ({-1: "car", 255: "road"}, "label_ids: 255 is 255 in 8 bits, which occurs twice"),
        *(({label_id: "road"}, r"is not an id; use -128\.\.255") for label_id in (256, -200, "seven")),
    ],
)
def test_id_table_rejects_unknown_classes_and_invalid_ids(config, message):
    with pytest.raises(UserError, match=message):
        read_id_table(config, spec)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"road": []}, "lacks road"),
        ({"void": ["static", "dynamic", "ground", "road"]}, "road is in void and in road"),
        ({"pole": ["pole"], "sky": ["sky", "polegroup", "rode"]}, "no class 'rode'"),
        ({"pole": [], "sky": ["sky", "pole", "polegroup"]}, "has no class for pole"),
        ({"rode": ["road"], "road": []}, "no class 'rode'"),
    ],
)
def test_merging_table_rejects_mistakes(change, said):
    wrong = replace(spec16, foreign={"merged": {**spec16.foreign["merged"], **change}})
    with pytest.raises(UserError, match=said):
        merging_table(spec, wrong)


def test_fill_rows_takes_nearest_class_in_row():
    known = np.array([[1, 0, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    values = np.array([[7, 9, 9, 9, 8], [9, 9, 5, 9, 9], [9] * 5, [9] * 5])
    assert fill_rows(values, known).tolist() == [[7, 7, 7, 8, 8], [5] * 5, [5] * 5, [5] * 5]


@pytest.mark.parametrize("seed", range(5))
def test_fill_rows_matches_exhaustive_search(seed):
    random = np.random.default_rng(seed)
    known = random.random((7, 11)) < 0.2
    known[0, 3] = True
    values = random.integers(0, 30, (7, 11))
    filled = fill_rows(values, known)
    rows = np.flatnonzero(known.any(1))
    for row in range(7):
        source = rows[np.argmin(np.abs(rows - row))]
        places = np.flatnonzero(known[source])
        for column in range(11):
            assert filled[row, column] == values[source, places[np.argmin(np.abs(places - column))]]


@pytest.fixture
def add(tmp_path):
    """Write one frame as the data set does: `ids` uint8 (H, W), and an image of one shade."""

    def write(split, city, number, ids, kind="gtFine", shade=90):
        stem = f"{city}_{number:06d}_000019"
        ids = np.asarray(ids, np.uint8)
        for folder, ending, array in (
            ("leftImg8bit", "leftImg8bit", np.full((*ids.shape, 3), shade, np.uint8)),
            (kind, f"{kind}_labelIds", ids),
        ):
            place = tmp_path / folder / split / city
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(place / f"{stem}_{ending}.png")
        color = tmp_path / kind / split / city / f"{stem}_{kind}_color.png"  # there beside it, and not read
        Image.new("RGB", (2, 2)).save(color)

    write.root = tmp_path
    return write


STREET = np.repeat(np.array([23, 11, 7, 1], np.uint8), 4)[:, None].repeat(32, axis=1)
"""Sky, building, road and the bonnet of the car, 4 rows each."""


def names_of(labels):
    return [spec.names[label] for label in labels]


def raises(message, call):
    with pytest.raises(UserError, match=message):
        call()


def test_frames_of_all_cities_are_read_in_order(add):
    for city, number in (("ulm", 3), ("aachen", 12), ("ulm", 1)):
        add("train", city, number, STREET, shade=number)
    add("val", "munster", 0, STREET)
    train, validation = (plugin.dataset(add.root, split) for split in ("train", "validation"))
    assert [train[index].image.max() for index in range(3)] == [12, 1, 3] and validation[0].image.max() == 90
    sample = pickle.loads(pickle.dumps(train))[2]
    assert sample.image.shape == (3, 16, 32) and sample.name.endswith("train/ulm/ulm_000003_000019_leftImg8bit.png")
    assert names_of(sample.labels[::4, 5]) == ["sky", "building", "road", "static"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_id_becomes_its_class(add, name):
    add("train", "ulm", 0, np.full((4, 8), OURS[name].id))
    assert (plugin.dataset(add.root, "train")[0].labels == spec.index(name)).all()


def test_unlabelled_pixels_take_the_nearest_class(add):
    ids = STREET.copy()
    ids[:, :2], ids[:, -1], ids[0], ids[9, 10:20] = 3, 2, 3, 0
    add("train", "ulm", 0, ids)
    expected = read_id_table(spec.foreign["label_ids"], spec)[STREET]
    assert (plugin.dataset(add.root, "train")[0].labels == expected).all()


def test_license_plate_becomes_car(add):
    ids = np.full((4, 8), 26)
    ids[2, 3:5] = 255
    add("train", "ulm", 0, ids)
    assert (plugin.dataset(add.root, "train")[0].labels == spec.index("car")).all()


def test_coarse_labels_are_read(add):
    add("train", "ulm", 0, STREET)
    add("train", "ulm", 0, np.full((16, 32), 7), "gtCoarse")
    add("train_extra", "bamberg", 0, np.full((16, 32), 23), "gtCoarse")
    assert len(plugin.dataset(add.root / "gtFine" / "..", "train")) == 1
    coarse = plugin.dataset(add.root / "gtCoarse", "train")
    assert names_of(coarse[index].labels[0, 0] for index in range(2)) == ["road", "sky"]


def test_invalid_ids_are_counted(add):
    ids = STREET.copy()
    ids[0, :5], ids[1, :2] = 77, 40
    add("train", "ulm", 0, ids)
    message = r"ulm_000000_000019_gtFine_labelIds\.png: .*\(40, 77\) in 7 of 512 pixels"
    raises(message, lambda: plugin.dataset(add.root, "train")[0])


def test_image_without_labelled_pixels_is_rejected(add):
    add("train", "berlin", 0, np.full((4, 8), 3))
    raises("has no labelled pixel; test images come without labels", lambda: plugin.dataset(add.root, "train")[0])


def test_unpaired_files_are_named_and_counted(add):
    for number in range(3):
        add("train", "ulm", number, STREET)
    labels = [add.root / f"gtFine/train/ulm/ulm_{number:06d}_000019_gtFine_labelIds.png" for number in range(2)]
    for file in labels:
        file.unlink()
    message = rf"ulm_000000_000019_leftImg8bit\.png: has no counterpart {labels[0]} \(and 1 more files\)"
    raises(message, lambda: plugin.dataset(add.root, "train"))
    for number in range(2):
        add("train", "ulm", number, STREET)
    (add.root / "leftImg8bit/train/ulm/ulm_000002_000019_leftImg8bit.png").unlink()
    message = r"ulm_000002_000019_gtFine_labelIds\.png: has no counterpart .*leftImg8bit\.png; unpack"
    raises(message, lambda: plugin.dataset(add.root, "train"))


def test_files_with_uppercase_endings_in_deeper_or_linked_folders_are_read(add):
    for number in range(2):
        add("train", "ulm", number, STREET)
    add("train", "bonn", 0, STREET)
    for kind in ("leftImg8bit", "gtFine"):
        for file in sorted((add.root / kind / "train" / "ulm").glob("*_000001_*")):
            file.rename(file.with_suffix(".PNG"))
        (add.root / kind / "elsewhere").mkdir()
        (add.root / kind / "train" / "bonn").rename(add.root / kind / "elsewhere" / "bonn")
        (add.root / kind / "train" / "more").symlink_to(add.root / kind / "elsewhere")
    source = plugin.dataset(add.root, "train")
    assert [source[index].labels.shape for index in range(3)] == [(16, 32)] * 3 == [(16, 32)] * len(source)


def test_other_folders_are_rejected(add):
    raises("folder .*leftImg8bit does not exist; set data.root", lambda: plugin.dataset(add.root, "train"))
    add("val", "ulm", 0, STREET)
    message = r"leftImg8bit/train: contains no CITY/\*_leftImg8bit.png for split 'train'"
    raises(message, lambda: plugin.dataset(add.root, "train"))
    raises("folder .*gtCoarse does not exist", lambda: plugin.dataset(add.root / "gtCoarse", "train"))


def test_damaged_and_mismatched_files_are_named(add):
    add("train", "ulm", 0, STREET)
    file = add.root / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    file.write_bytes(file.read_bytes()[:50])
    raises(r"labelIds\.png: is damaged", lambda: plugin.dataset(add.root, "train")[0])
    Image.new("RGB", (32, 16)).save(file)
    message = r"labelIds\.png: is a RGB image; labels are class indices"
    raises(message, lambda: plugin.dataset(add.root, "train")[0])
    Image.new("L", (16, 16), 7).save(file)
    raises(r"labelIds\.png: is 16 x 16 but its image 16 x 32", lambda: plugin.dataset(add.root, "train")[0])


def test_open_source_and_prepare_read_the_dataset(add):
    for number in range(4):
        add("train", "ulm", number, STREET)
    data = DataConfig(root=str(add.root), height=8, width=16)
    assert len(open_source(plugin, data)) == 4
    packed = prepare(plugin, data, add.root / "packed")
    sample = open_source(plugin, DataConfig(root=str(packed), height=8, width=16))[3]
    assert sample.labels.shape == (8, 16) and spec.names[sample.labels[0, 0]] == "sky"


def test_cityscapes16_merges_the_classes(add):
    table = merging_table(spec, spec16)
    assert table.shape == (30,) and sorted(set(table.tolist())) == list(range(16)) and len(spec16.names) == 16
    for fine in ("truck", "bus", "caravan", "trailer", "train"):
        assert spec16.names[table[spec.index(fine)]] == "large_vehicle"
    add("train", "ulm", 0, np.full((4, 8), OURS["polegroup"].id))
    assert (plugin16.dataset(add.root, "train")[0].labels == spec16.index("pole")).all()
    fine, merged = plugin.demo(2, 32, 64, 5)[1], plugin16.demo(2, 32, 64, 5)[1]
    assert (merged.image == fine.image).all() and (merged.labels == table[fine.labels]).all()


def test_damaged_color_profile_is_named_in_a_warning(add):
    add("train", "ulm", 0, [[7, 8]])
    for opened in (plugin, plugin16):
        assert opened.dataset(add.root, "train").warnings() == []
    (file,) = (add.root / "leftImg8bit" / "train" / "ulm").iterdir()
    Image.new("RGB", (2, 1)).save(file, icc_profile=bytes(300))
    for opened in (plugin, plugin16):
        (line,) = opened.dataset(add.root, "train").warnings()
        assert line.startswith(f"{file} (1 of 1 examined): the color profile is damaged")
