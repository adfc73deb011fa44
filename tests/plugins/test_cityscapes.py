import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from cityscapesscripts.helpers.labels import labels as original
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, prepare
from composegan.plugins.cityscapes import plugin, plugin16, spec, spec16
from composegan.plugins.cityscapes.label_ids import LabelIds, fill_rows
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
    table = LabelIds.load(spec.foreign["label_ids"], spec).table
    for name, item in ORIGINAL.items():
        if 4 <= item.id <= 33:
            assert table[item.id] == spec.index(name)
    assert table[ORIGINAL["ego_vehicle"].id] == spec.index("static")
    assert table[ORIGINAL["license_plate"].id % 256] == spec.index("car")
    assert set(spec.foreign["label_ids"]) == {item.id for item in original}
    assert (table[34:255] == -1).all()  # no id


def test_label_ids_reject_unknown_class():
    with pytest.raises(UserError, match="domain 'cityscapes' has no class 'rod'.*road"):
        LabelIds.load({7: "rod"}, spec)


def test_label_ids_reject_invalid_ids():
    with pytest.raises(UserError, match="label_ids: 255 is 255 in 8 bits, given twice"):
        LabelIds.load({-1: "car", 255: "road"}, spec)
    for label_id in (256, -200, "seven"):
        with pytest.raises(UserError, match=r"is not an id; use -128\.\.255"):
            LabelIds.load({label_id: "road"}, spec)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"road": []}, "is missing road"),
        ({"void": ["static", "dynamic", "ground", "road"]}, "road is in void and in road"),
        ({"pole": ["pole"], "sky": ["sky", "polegroup", "rode"]}, "no class 'rode'"),
        ({"pole": [], "sky": ["sky", "pole", "polegroup"]}, "no class is in pole"),
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


STREET = np.repeat(np.array([23, 11, 7, 1], np.uint8), 4)[:, None].repeat(32, axis=1)  # sky, building, road, our bonnet


def test_cityscapes_tree_is_read(add):
    for city, number in (("ulm", 3), ("aachen", 12), ("ulm", 1)):
        add("train", city, number, STREET, shade=number)
    add("val", "munster", 0, STREET)
    train, validation = (plugin.dataset(add.root, split) for split in ("train", "validation"))
    assert [source[0].image.max() for source in (train, validation)] == [12, 90]
    assert [sample.image.max() for sample in (train[index] for index in range(3))] == [12, 1, 3]
    sample = train[2]
    assert sample.image.shape == (3, 16, 32) and sample.name.endswith("train/ulm/ulm_000003_000019_leftImg8bit.png")
    named = [spec.names[label] for label in sample.labels[:, 5]]
    assert named == ["sky"] * 4 + ["building"] * 4 + ["road"] * 4 + ["static"] * 4


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_id_becomes_its_class(add, name):
    add("train", "ulm", 0, np.full((4, 8), OURS[name].id))
    assert (plugin.dataset(add.root, "train")[0].labels == spec.index(name)).all()


def test_unlabelled_pixels_take_neighbouring_class(add):
    ids = STREET.copy()
    ids[:, :2], ids[:, -1], ids[0], ids[9, 10:20] = 3, 2, 3, 0
    add("train", "ulm", 0, ids)
    assert (plugin.dataset(add.root, "train")[0].labels == LabelIds.load(
        spec.foreign["label_ids"], spec).table[STREET]).all()  # fmt: skip


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
    assert [spec.names[coarse[index].labels[0, 0]] for index in range(2)] == ["road", "sky"]


def test_invalid_ids_are_counted(add):
    ids = STREET.copy()
    ids[0, :5], ids[1, :2] = 77, 40
    add("train", "ulm", 0, ids)
    with pytest.raises(UserError, match=r"ulm_000000_000019_gtFine_labelIds\.png: .*\(40, 77\) in 7 of 512 pixels"):
        plugin.dataset(add.root, "train")[0]


def test_image_without_labelled_pixels_is_rejected(add):
    add("train", "berlin", 0, np.full((4, 8), 3))
    with pytest.raises(UserError, match="has no labelled pixel; test images come without labels"):
        plugin.dataset(add.root, "train")[0]


def test_unpaired_files_are_named(add):
    for number in range(3):
        add("train", "ulm", number, STREET)
    first = add.root / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    for number in (0, 1):
        (first.parent / first.name.replace("000000", f"{number:06d}", 1)).unlink()
    with pytest.raises(
        UserError, match=rf"ulm_000000_000019_leftImg8bit\.png: is alone, and 1 more; {first} is missing"
    ):
        plugin.dataset(add.root, "train")
    add("train", "ulm", 0, STREET)
    add("train", "ulm", 1, STREET)
    (add.root / "leftImg8bit/train/ulm/ulm_000002_000019_leftImg8bit.png").unlink()
    with pytest.raises(
        UserError, match=r"ulm_000002_000019_gtFine_labelIds\.png: is alone; .*leftImg8bit\.png is missing"
    ):
        plugin.dataset(add.root, "train")


def test_other_folders_are_rejected(add):
    with pytest.raises(UserError, match="there is no folder .*leftImg8bit; data.root of Cityscapes is"):
        plugin.dataset(add.root, "train")
    add("val", "ulm", 0, STREET)
    with pytest.raises(UserError, match=r"leftImg8bit/train: has no CITY/\*_leftImg8bit.png; the split 'train'"):
        plugin.dataset(add.root, "train")
    with pytest.raises(UserError, match="there is no folder .*gtCoarse"):
        plugin.dataset(add.root / "gtCoarse", "train")


def test_damaged_and_mismatched_files_are_named(add):
    add("train", "ulm", 0, STREET)
    file = add.root / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    whole = file.read_bytes()
    file.write_bytes(whole[:50])
    with pytest.raises(UserError, match=r"labelIds\.png: is truncated or damaged"):
        plugin.dataset(add.root, "train")[0]
    Image.new("RGB", (32, 16)).save(file)
    with pytest.raises(UserError, match=r"labelIds\.png: is a RGB image; a \*_labelIds\.png holds one 8-bit id"):
        plugin.dataset(add.root, "train")[0]
    Image.new("L", (16, 16), 7).save(file)
    with pytest.raises(UserError, match=r"labelIds\.png: is 16 x 16 and its image 16 x 32"):
        plugin.dataset(add.root, "train")[0]


def test_fit_and_prepare_read_it(add):
    for number in range(4):
        add("train", "ulm", number, STREET)
    data = DataConfig(root=str(add.root), height=8, width=16)
    assert len(open_source(plugin, data)) == 4
    packed = prepare(plugin, data, add.root / "packed")
    sample = open_source(plugin, DataConfig(root=str(packed), height=8, width=16))[3]
    assert sample.labels.shape == (8, 16) and spec.names[sample.labels[0, 0]] == "sky"
    pickle.loads(pickle.dumps(plugin.dataset(add.root, "train")))[0]


def test_cityscapes16_merges_cityscapes(add):
    table = merging_table(spec, spec16)
    assert table.shape == (30,) and sorted(set(table.tolist())) == list(range(16)) and len(spec16.names) == 16
    for fine in ("truck", "bus", "caravan", "trailer", "train"):
        assert spec16.names[table[spec.index(fine)]] == "large_vehicle"
    add("train", "ulm", 0, np.full((4, 8), OURS["polegroup"].id))
    assert (plugin16.dataset(add.root, "train")[0].labels == spec16.index("pole")).all()
    fine, merged = plugin.demo(2, 32, 64, 5)[1], plugin16.demo(2, 32, 64, 5)[1]
    assert (merged.image == fine.image).all() and (merged.labels == table[fine.labels]).all()


def test_plugin_imports_without_torch():
    code = "import sys, composegan.plugins.cityscapes; print(sorted({'torch', 'resvg_py'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
