"""The two published data sets of car parts, as tiny trees in their own layouts."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, prepare
from composegan.plugins.cars import plugin, spec
from composegan.plugins.cars.polygons import Part
from composegan.plugins.cars.ultralytics import read_names
from composegan.plugins.cars.viewpoint import side_of

# The part names of the data sets, which domains/cars.yaml must agree with.
COCO = ["_background_", "back_bumper", "back_glass", "back_left_door", "back_left_light", "back_right_door"]
COCO += ["back_right_light", "front_bumper", "front_glass", "front_left_door", "front_left_light", "front_right_door"]
COCO += ["front_right_light", "hood", "left_mirror", "right_mirror", "tailgate", "trunk", "wheel"]
YOLO = ["back_bumper", "back_door", "back_glass", "back_left_door", "back_left_light", "back_light"]
YOLO += ["back_right_door", "back_right_light", "front_bumper", "front_door", "front_glass", "front_left_door"]
YOLO += ["front_left_light", "front_light", "front_right_door", "front_right_light", "hood", "left_mirror", "object"]
YOLO += ["right_mirror", "tailgate", "trunk", "wheel"]


def box(left, upper, right, lower):
    """The corners of a rectangle, as both data sets write polygons."""
    return [left, upper, right, upper, right, lower, left, lower]


WHOLE, SMALL = [box(0, 0, 60, 40)], [box(0, 0, 9, 9)]


def picture(path, size=(60, 40)):
    """Write a picture whose red channel is 2 * column and whose green channel is 3 * row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = np.zeros((size[1], size[0], 3), np.uint8)
    shade[:, :, 0], shade[:, :, 1] = np.arange(size[0])[None] * 2, np.arange(size[1])[:, None] * 3
    Image.fromarray(shade).save(path)


@pytest.fixture
def dsmlr(tmp_path):
    """Write a split of the first data set: parts of each image as (name, polygons). Returns the root."""

    def write(*images, folder="trainingset"):
        content = {"images": [], "categories": [], "annotations": []}
        content["categories"] = [{"id": number, "name": name} for number, name in enumerate(COCO, start=1)]
        for number, parts in enumerate(images, start=1):
            name = f"car{number}.png"
            picture(tmp_path / folder / "JPEGImages" / name)
            entry = {"id": number, "file_name": name, "path": f"JPEGImages/{name}", "width": 60, "height": 40}
            content["images"].append(entry)
            for part, polygons in parts:
                entry = {"image_id": number, "category_id": COCO.index(part) + 1, "segmentation": polygons}
                content["annotations"].append({"id": len(content["annotations"])} | entry)
        (tmp_path / folder / "annotations.json").write_text(json.dumps(content))
        return tmp_path

    return write


@pytest.fixture(params=["images/{}", "{}/images"])
def yolo(tmp_path, request):
    """Write an image of the second data set and its label lines, in either layout. Returns the root."""

    def write(*lines, split="train", name="a"):
        picture(tmp_path / request.param.format(split) / f"{name}.png")
        labels = tmp_path / request.param.format(split).replace("images", "labels")
        (labels / name).parent.mkdir(parents=True, exist_ok=True)
        (labels / f"{name}.txt").write_text("\n".join(lines))
        return tmp_path

    return write


def line(part, *corners):
    return f"{YOLO.index(part)} " + " ".join(f"{value:.6f}" for value in corners)


def first_labels(root, split="train"):
    return plugin.dataset(root, split)[0].labels


def share(labels, name):
    return (labels == spec.index(name)).mean()


def raises(message, call):
    """Check that `call` raises a UserError of one line that contains `message`."""
    with pytest.raises(UserError) as caught:
        call()
    assert message in str(caught.value) and "\n" not in str(caught.value)


# Mapping of parts to classes


def test_yaml_maps_every_part_of_both_data_sets_once():
    rules = spec.foreign["parts"]
    assert sorted(rule["part"] for rule in rules) == sorted({*COCO, *YOLO})
    assert spec.foreign["ultralytics"] == YOLO
    for rule in rules:
        if rule["part"] in COCO[1:]:
            assert rule["class"] == rule["part"]
        elif rule["part"] in ("object", "_background_"):
            assert rule["class"] is None
        else:
            end, kind = rule["part"].split("_")
            assert rule["class"] == [f"{end}_left_{kind}", f"{end}_right_{kind}"]


@pytest.mark.parametrize("part", COCO[1:])
def test_part_becomes_its_class(dsmlr, part):
    assert set(np.unique(first_labels(dsmlr([(part, [box(20, 10, 40, 30)])])))) == {0, spec.index(part)}


def test_crop_stays_inside_the_photo(dsmlr):
    sample = plugin.dataset(dsmlr([("hood", WHOLE)]), "train")[0]
    assert sample.labels.shape == (40, 60) and (sample.labels == spec.index("hood")).all()


@pytest.mark.parametrize(
    ("below", "above"), [("front_bumper", "front_left_light"), ("tailgate", "back_glass"), ("hood", "left_mirror")]
)
def test_lights_glass_and_mirrors_are_painted_over_panels(dsmlr, below, above):
    parts = [(below, WHOLE), (above, [box(20, 10, 40, 30)])]
    for order in (parts, parts[::-1]):
        assert (first_labels(dsmlr(order)) == spec.index(above)).sum() == 20 * 20


def test_part_may_have_several_polygons(dsmlr):
    parts = [("hood", WHOLE), ("wheel", [box(0, 0, 10, 10), box(40, 0, 50, 10), []])]
    assert (first_labels(dsmlr(parts)) == spec.index("wheel")).sum() == 200


# The files of the first data set


def test_dsmlr_folders_are_splits(dsmlr):
    dsmlr(*[[("hood", [box(0, 0, 30, 30)])]] * 3)
    root = dsmlr(*[[("wheel", [box(0, 0, 30, 30)])]] * 2, folder="testset")
    train, validation = plugin.dataset(root, "train"), plugin.dataset(root, "validation")
    assert len(train) == 3 and len(validation) == 2
    assert share(train[2].labels, "hood") > 0.2 and share(validation[1].labels, "wheel") > 0.2
    assert validation[1].name == str(root / "testset" / "JPEGImages" / "car2.png")
    assert (pickle.loads(pickle.dumps(train))[1].labels == train[1].labels).all()


def test_image_and_labels_are_cropped_alike(dsmlr):
    sample = plugin.dataset(dsmlr([("hood", [box(30, 20, 36, 24)])]), "train")[0]
    rows, columns = np.nonzero(sample.labels)
    assert np.unique(sample.image[0][rows, columns]).tolist() == [60, 62, 64, 66, 68, 70]  # columns 30 to 35
    assert np.unique(sample.image[1][rows, columns]).tolist() == [60, 63, 66, 69]  # rows 20 to 23
    height, width = sample.labels.shape
    assert width / height == pytest.approx(1.5, rel=0.25) and width < 12


@pytest.mark.parametrize(
    ("polygons", "message"),
    [
        ([[1, 2, 3, 4]], "has 4 numbers; a polygon is x y x y ..., with 3 to 10,000 corners"),
        ([[1, 2, 3, 4, 5, 6, 7]], "has 7 numbers"),
        ([box(0, 0, 30, 20) * 3000], "has 24000 numbers"),
        ([[1, 2, 3, "x", 5, 6]], "'x' is not a number"),
        ([[1, 2, 3, None, 5, 6]], "None is not a number"),
        ([[1, 2, 3, float("nan"), 5, 6]], "a coordinate is not finite"),
        ([box(0, 0, 1e9, 20)], "a corner lies far outside the picture, which is 40 x 60"),
        ({"counts": [1], "size": [4, 4]}, "segmentation must be a list of polygons"),
        ([5, 6], "segmentation must be a list of polygons"),
    ],
)
def test_dsmlr_rejects_malformed_polygons(dsmlr, polygons, message):
    source = plugin.dataset(dsmlr([("wheel", SMALL), ("hood", polygons)]), "train")
    raises(f"trainingset/annotations.json: annotations[1] (hood in car1.png): {message}", lambda: source[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["categories"].append({"id": 30, "name": "bonet"}), "categories[19]: unknown part 'bonet'"),
        (lambda c: c["annotations"][0].update(category_id=99), "annotations[0]: category_id 99 is not defined"),
        (lambda c: c["annotations"][0].update(image_id=7), "annotations[0]: image_id 7 is not defined in the file"),
        (lambda c: c["annotations"][0].update(image_id=[7]), "annotations[0]: image_id is [7]; it must be a number"),
        (lambda c: c["annotations"][0].update(image_id=True), "annotations[0]: image_id is True; it must be a number"),
        (lambda c: c["images"][0].update(height="40"), "images[0]: height is '40'; it must be a number"),
        (lambda c: c["annotations"][0].pop("segmentation"), "annotations[0] has no segmentation"),
        (lambda c: c.pop("images"), "has no list 'images'"),
        (lambda c: c["images"].clear() or c["annotations"].clear(), "lists no images"),
        (lambda c: c["images"].append("car"), "images[1] has no id"),
    ],
)
def test_dsmlr_rejects_malformed_annotations(dsmlr, change, message):
    file = dsmlr([("hood", SMALL)]) / "trainingset" / "annotations.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    raises(f"{file}: {message}", lambda: plugin.dataset(file.parents[1], "train"))


def two_images(*names, ids=(1, 2)):
    """(root of a data set of two images, names, ids) -> its annotations with these file names and ids."""

    def change(content):
        for entry, name, number in zip(content["images"], names, ids, strict=True):
            entry.update(file_name=name, id=number)
        for annotation, number in zip(content["annotations"], ids, strict=True):
            annotation["image_id"] = number

    return change


@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        (("car1.png", "car2.png"), (1, 1), "images[1]: id 1 occurs twice; ids must be unique"),
        (("car1.png", "car1.png"), (1, 1), "images[1]: id 1 occurs twice"),
        (("car1.png", "car1.png"), (1, 2), "images[1]: car1.png is the file of an earlier entry; keep one"),
        (("car1.png", "JPEGImages/car1.png"), (1, 2), "images[1]: JPEGImages/car1.png is the file of an earlier"),
        (("old/car1.png", "new/car1.png"), (1, 2), "images[1]: new/car1.png is the file of an earlier entry"),
        (("car1.png", "car3.png"), (1, 2), "images[1]: file_name car3.png may be "),
    ],
)
def test_dsmlr_rejects_ambiguous_images(dsmlr, names, ids, message):
    root = dsmlr([("hood", SMALL)], [("wheel", SMALL)])
    for folder in ("a", "b"):
        picture(root / "trainingset" / "JPEGImages" / folder / "car3.png")
    file = root / "trainingset" / "annotations.json"
    content = json.loads(file.read_text())
    two_images(*names, ids=ids)(content)
    file.write_text(json.dumps(content))
    raises(f"{file}: {message}", lambda: plugin.dataset(root, "train"))


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("a/car.png", "b/car.png"), (1, 2)),
        (("JPEGImages/a/car.png", "JPEGImages\\b\\car.png"), (0, -7)),
        (("a/car.png", "b/car.png"), (10**12, 3)),
    ],
)
def test_dsmlr_reads_one_name_in_two_folders(dsmlr, names, ids):
    root = dsmlr([("hood", WHOLE)], [("wheel", WHOLE)])
    for number, folder in enumerate("ab", start=1):
        (root / "trainingset" / "JPEGImages" / folder).mkdir()
        file = root / "trainingset" / "JPEGImages" / f"car{number}.png"
        file.rename(file.parent / folder / "car.png")
    file = root / "trainingset" / "annotations.json"
    content = json.loads(file.read_text())
    two_images(*names, ids=ids)(content)
    file.write_text(json.dumps(content))
    source = plugin.dataset(root, "train")
    assert [sample.name[-9:] for sample in (source[0], source[1])] == ["a/car.png", "b/car.png"]
    assert share(source[0].labels, "hood") > 0.4 and share(source[1].labels, "wheel") > 0.4


@pytest.mark.parametrize(
    ("name", "there", "found"),
    [
        ("x/car1.png", "y/car1.png", False),
        ("x/car1.png", "x/car1.png", True),
        ("data/x/car1.png", "x/car1.png", True),
        ("./x/car1.png", "car1.png", True),
        ("car1.png", "y/car1.png", True),
    ],
)
def test_dsmlr_does_not_take_a_file_of_another_folder(dsmlr, name, there, found):
    root = dsmlr([("hood", WHOLE)])
    images, file = root / "trainingset" / "JPEGImages", root / "trainingset" / "annotations.json"
    (images / "y").mkdir()
    (images / "x").mkdir()
    (images / "car1.png").rename(images / there)
    file.write_text(file.read_text().replace('"file_name": "car1.png"', f'"file_name": "{name}"'))
    source = plugin.dataset(root, "train")
    if found:
        assert share(source[0].labels, "hood") > 0.4
    else:
        raises("car1.png: does not exist", lambda: source[0])


@pytest.mark.parametrize("numbers", [(1, 2), (0, 5), (-3, 7), (90, 10)])
def test_dsmlr_categories_may_have_any_numbers(dsmlr, numbers):
    root = dsmlr([("hood", [box(0, 0, 30, 40)]), ("wheel", [box(30, 0, 60, 40)])])
    file = root / "trainingset" / "annotations.json"
    content = json.loads(file.read_text())
    content["categories"] = [{"id": k, "name": name} for k, name in zip(numbers, ("hood", "wheel"), strict=True)]
    for annotation, number in zip(content["annotations"], numbers, strict=True):
        annotation["category_id"] = number
    file.write_text(json.dumps(content))
    labels = first_labels(root)
    columns = labels.shape[1]
    assert (labels[:, : columns // 4] != spec.index("wheel")).all() and share(labels, "hood") > 0.3
    assert (labels[:, -columns // 4 :] != spec.index("hood")).all() and share(labels, "wheel") > 0.3


def test_dsmlr_limits_annotations_per_picture(dsmlr):
    source = plugin.dataset(dsmlr([("hood", SMALL)] * 1001), "train")
    raises("car1.png has 1,001 annotations; the limit is 1,000", lambda: source[0])


def test_dsmlr_names_missing_and_damaged_files(dsmlr):
    root = dsmlr([("hood", SMALL)], [], [("hood", SMALL)])
    source = plugin.dataset(root, "train")
    raises("car2.png: has no car part", lambda: source[1])
    picture(root / "trainingset" / "JPEGImages" / "car3.png", (30, 40))
    raises(f"is 40 x 30 but {root}/trainingset/annotations.json gives 40 x 60", lambda: source[2])
    (root / "trainingset" / "JPEGImages" / "car1.png").unlink()
    raises("car1.png: does not exist", lambda: source[0])
    raises("testset/annotations.json: does not exist", lambda: plugin.dataset(root, "validation"))
    (root / "trainingset" / "annotations.json").write_text("{")
    raises("annotations.json: cannot be read (it is not JSON", lambda: plugin.dataset(root, "train"))


# The files of the second data set


def test_yolo_lines_become_classes(yolo):
    labels = first_labels(yolo(line("hood", *box(0, 0, 1, 0.5)), "", line("front_left_light", *box(0.5, 0, 1, 0.5))))
    assert (labels == spec.index("hood")).sum() == (labels == spec.index("front_left_light")).sum() == 30 * 20


@pytest.mark.parametrize("name", ["val", "valid"])
def test_yolo_folders_are_splits(yolo, name):
    for file in ("b", "a"):
        yolo(line("wheel", *box(0, 0, 1, 1)), name=file)
    root = yolo(line("hood", *box(0, 0, 1, 1)), split=name)
    train = plugin.dataset(root, "train")
    assert [sample.name[-5:] for sample in (train[0], train[1])] == ["a.png", "b.png"]
    assert share(first_labels(root), "wheel") > 0.4 and share(first_labels(root, "validation"), "hood") > 0.4


def test_yolo_names_come_from_data_yaml(yolo):
    root = yolo("0 " + " ".join(map(str, box(0, 0, 1, 1))))
    assert share(first_labels(root), "back_bumper") > 0.4
    (root / "data.yaml").write_text("names:\n  1: 'back_door,'\n  0: trunk\n")
    assert read_names([root / "data.yaml"], spec) == {0: "trunk", 1: "back_door"}
    assert share(first_labels(root), "trunk") > 0.4


@pytest.mark.parametrize(
    ("names", "number", "part"),
    [
        ("{1: hood, 2: wheel}", 1, "hood"),
        ("{1: hood, 2: wheel}", 2, "wheel"),
        ("{0: trunk, 7: hood, 3: wheel}", 7, "hood"),
        ("{5: hood}", 5, "hood"),
        ("[trunk, hood]", 1, "hood"),
    ],
)
def test_yolo_numbers_are_those_of_data_yaml(yolo, names, number, part):
    root = yolo(f"{number} 0 0 1 0 1 1 0 1")
    (root / "data.yaml").write_text(f"names: {names}")
    assert share(first_labels(root), part) > 0.4


@pytest.mark.parametrize(
    "name",
    ["data.yml", "dataset.yaml", "carparts-seg.yaml", "Data.YAML", "classes.txt", "labels/classes.txt", "obj.names"],
)
def test_yolo_names_are_found_in_any_file(yolo, name):
    root = yolo("1 0 0 1 0 1 1 0 1")
    (root / "other.yaml").write_text("path: .\n")
    (root / "._data.yaml").write_bytes(b"\0\5\x16\7\xff")  # as macOS leaves them on other disks
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("names: [trunk, hood]\n" if "y" in name[-4:].lower() else "trunk\nhood\n")
    assert share(first_labels(root), "hood") > 0.4
    (root / "z.yml").write_text("names: {0: trunk, 1: hood}\n")
    assert share(first_labels(root), "hood") > 0.4
    (root / "z.yml").write_text("names: {0: hood, 1: trunk}\n")
    raises("names differ from those in ", lambda: plugin.dataset(root, "train"))


def test_yolo_rejects_numbers_without_a_name(yolo):
    root = yolo("0 0 0 1 0 1 1 0 1")
    for names, known in (("{1: hood, 2: wheel}", "1 to 2"), ("{1: hood, 5: wheel}", "1, 5")):
        (root / "data.yaml").write_text(f"names: {names}")
        raises(f"a.txt, line 1: unknown part '0'; parts are {known}", lambda: first_labels(root))


def test_yolo_subfolders_are_read(yolo):
    root = yolo(line("hood", *box(0, 0, 1, 1)))
    yolo(line("wheel", *box(0, 0, 1, 1)), name="night/a")
    source = plugin.dataset(root, "train")
    assert len(source) == 2 and share(source[0].labels, "hood") > 0.4 and share(source[1].labels, "wheel") > 0.4


def test_yolo_rejects_two_images_of_one_name_and_two_folders_of_a_split(yolo):
    root = yolo(line("hood", *box(0, 0, 1, 1)))
    image = next(root.rglob("a.png"))
    picture(image.with_suffix(".jpg"))
    raises("a.png: a.jpg has the same name without its ending", lambda: plugin.dataset(root, "train"))
    for name in ("val", "valid"):
        yolo(line("hood", *box(0, 0, 1, 1)), split=name)
    raises("split 'validation' is also in ", lambda: plugin.dataset(root, "validation"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("names: [hood\n", "data.yaml"),
        ("names: 3\n", "data.yaml: has no list `names`"),
        ("names: {-1: hood, 0: wheel}\n", "data.yaml: names[-1]: part numbers are whole numbers from 0"),
        ("names: {one: hood}\n", "data.yaml: names[one]: part numbers are whole numbers from 0"),
        ("names: {true: hood}\n", "data.yaml: names[True]: part numbers are whole numbers from 0"),
        ("names: {1: hood, 1: wheel}\n", "data.yaml, line 1: '1' is given twice"),
        ("names: [hoood]\n", "data.yaml: names[0]: unknown part 'hoood'; did you mean 'hood'"),
    ],
)
def test_yolo_rejects_malformed_data_yaml(yolo, content, message):
    root = yolo()
    (root / "data.yaml").write_text(content)
    raises(message, lambda: plugin.dataset(root, "train"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("23 0 0 1 0 1 1", "unknown part '23'; parts are 0 to 22"),
        ("hood 0 0 1 0 1 1", "unknown part 'hood'"),
        ("-1 0 0 1 0 1 1", "unknown part '-1'"),
        ("16 0.5 0.5 1 1", "has 4 numbers"),  # a bounding box, as for detection
        ("16 0 0 1 0 1", "has 5 numbers"),
        ("16 0 0 1 0 1 b", "'b' is not a number"),
        ("16 0 0 50 0 50 40", "a corner lies outside the picture"),
    ],
)
def test_yolo_rejects_malformed_lines(yolo, wrong, message):
    source = plugin.dataset(yolo(line("wheel", *box(0, 0, 1, 1)), wrong), "train")
    raises(f"a.txt, line 2: {message}", lambda: source[0])


def test_yolo_names_missing_labels_splits_and_images(yolo):
    root = yolo(line("wheel", *box(0, 0, 1, 1)))
    next(root.rglob("a.txt")).unlink()
    raises("a.txt: does not exist; it has the labels of ", lambda: first_labels(root))
    raises("has no split 'validation' (val or valid); it has train", lambda: plugin.dataset(root, "validation"))
    next(root.rglob("a.png")).unlink()
    raises("contains no images", lambda: plugin.dataset(root, "train"))


# Sides that the second data set does not give


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_part_without_side_gets_the_visible_side(yolo, side, other):
    positions = {"hood": 0.0, "front_door": 0.3, "back_door": 0.5, "trunk": 0.8}  # a car that points left
    lines = [line(name, *box(x, 0, x + 0.2, 1)) for name, x in positions.items()]
    if side == "right":
        lines = [line(name, *box(0.8 - x, 0, 1 - x, 1)) for name, x in positions.items()]
    labels = first_labels(yolo(*lines))
    assert share(labels, f"front_{side}_door") > 0.1 and share(labels, f"back_{side}_door") > 0.1
    assert share(labels, f"front_{other}_door") == share(labels, f"back_{other}_door") == 0


def test_part_without_inferable_side_is_dropped(yolo):
    labels = first_labels(yolo(line("front_door", *box(0, 0, 1, 1)), line("wheel", *box(0, 0.5, 1, 1))))
    assert set(np.unique(labels)) == {0, spec.index("wheel")}


@pytest.mark.parametrize(
    ("others", "light", "side"),
    [
        ([("front_light", 0)], "front_light", "left"),  # from the front, the one on the right is the left light
        ([("front_light", 20)], "front_light", "right"),
        ([("back_right_light", 20)], "back_light", "left"),  # from the back
        ([("front_bumper", 0)], "front_light", "left"),
        ([("hood", 20), ("front_door", 30), ("back_door", 40)], "front_light", "left"),  # points left
        ([("tailgate", 20), ("back_door", 30), ("front_door", 40)], "back_light", "right"),
        ([("wheel", 20)], "front_light", ""),
    ],
)
def test_side_of_light(others, light, side):
    first, *rest = (
        Part(name, [np.array(box(x, 0, x + 2, 2), float).reshape(-1, 2)]) for name, x in [(light, 10), *others]
    )
    assert side_of(first, [first, *rest]) == side


# Both data sets


def test_open_cars_rejects_other_folders(tmp_path):
    raises("is not a data set of car parts; set data.root to the unpacked", lambda: plugin.dataset(tmp_path, "train"))


def test_open_source_and_prepare_read_the_first_data_set(dsmlr, tmp_path):
    data = DataConfig(root=str(dsmlr([("hood", WHOLE)], [])), height=16, width=24)
    assert len(open_source(plugin, data)) == 2
    data.on_error = "skip"
    packed = DataConfig(root=str(prepare(plugin, data, tmp_path / "packed")), height=16, width=24)
    source = open_source(plugin, packed)
    assert len(source) == 1 and share(source[0].labels, "hood") > 0.5


def test_open_source_does_not_take_the_second_data_set_for_the_plain_layout(yolo):
    """It has folders `images` and `labels`, too."""
    data = DataConfig(root=str(yolo(line("wheel", *box(0, 0, 1, 1)))), height=16, width=24)
    assert share(open_source(plugin, data)[0].labels, "wheel") > 0.5
