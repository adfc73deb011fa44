"""The two published data sets of car parts, as tiny trees in their own layouts, and their polygons."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, prepare
from composegan.plugins.cars import plugin, spec
from composegan.plugins.cars.polygons import Part, crop, crop_around, inside
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


def picture(path, size=(60, 40)):
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = np.zeros((size[1], size[0], 3), np.uint8)
    shade[:, :, 0], shade[:, :, 1] = np.arange(size[0])[None] * 2, np.arange(size[1])[:, None] * 3
    Image.fromarray(shade).save(path)


@pytest.fixture
def dsmlr(tmp_path):
    """Write a split of the first data set: parts of each image as (name, polygons). Returns the root."""

    def write(*images, folder="trainingset", size=(60, 40)):
        content = {"images": [], "categories": [], "annotations": []}
        content["categories"] = [{"id": number, "name": name} for number, name in enumerate(COCO, start=1)]
        for number, parts in enumerate(images, start=1):
            name = f"car{number}.png"
            picture(tmp_path / folder / "JPEGImages" / name, size)
            entry = {"id": number, "file_name": name, "path": f"JPEGImages/{name}"}
            content["images"].append(entry | {"width": size[0], "height": size[1]})
            for part, polygons in parts:
                entry = {"image_id": number, "category_id": COCO.index(part) + 1, "segmentation": polygons}
                content["annotations"].append({"id": len(content["annotations"])} | entry)
        (tmp_path / folder / "annotations.json").write_text(json.dumps(content))
        return tmp_path

    return write


@pytest.fixture(params=["images/{}", "{}/images"])
def yolo(tmp_path, request):
    """Write an image of the second data set and its label lines, in either layout. Returns the root."""

    def write(*lines, split="train", name="a", size=(60, 40)):
        file = tmp_path / request.param.format(split) / f"{name}.png"
        picture(file, size)
        labels = tmp_path / request.param.format(split).replace("images", "labels")
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{name}.txt").write_text("\n".join(lines))
        return tmp_path

    return write


def line(part, *corners):
    return f"{YOLO.index(part)} " + " ".join(f"{value:.6f}" for value in corners)


def share(sample, name):
    return (sample.labels == spec.index(name)).mean()


# Both sets


def test_cars_yaml_maps_every_part_of_both_data_sets_once():
    rules = spec.foreign["parts"]
    assert sorted(rule["part"] for rule in rules) == sorted({*COCO, *YOLO})
    assert spec.foreign["ultralytics"] == YOLO
    for rule in rules:
        classes = rule["class"]
        if rule["part"] in COCO[1:]:
            assert classes == rule["part"]
        elif rule["part"] in ("object", "_background_"):
            assert classes is None
        else:
            end, kind = rule["part"].split("_")
            assert classes == [f"{end}_left_{kind}", f"{end}_right_{kind}"]


@pytest.mark.parametrize("part", COCO[1:])
def test_part_becomes_its_class(dsmlr, part):
    labels = plugin.dataset(dsmlr([(part, [box(0, 0, 60, 40)])]), "train")[0].labels
    assert set(np.unique(labels)) == {0, spec.index(part)}  # and the margin, which is background


def test_lights_and_glass_are_painted_over_panels(dsmlr):
    whole, some = [box(0, 0, 60, 40)], [box(20, 10, 40, 30)]
    for below, above in (("front_bumper", "front_left_light"), ("tailgate", "back_glass"), ("hood", "left_mirror")):
        for parts in ([(below, whole), (above, some)], [(above, some), (below, whole)]):
            labels = plugin.dataset(dsmlr(parts), "train")[0].labels
            assert (labels == spec.index(above)).sum() == 20 * 20


def test_part_may_have_several_polygons(dsmlr):
    parts = [("hood", [box(0, 0, 60, 40)]), ("wheel", [box(0, 0, 10, 10), box(40, 0, 50, 10), []])]
    labels = plugin.dataset(dsmlr(parts), "train")[0].labels
    assert (labels == spec.index("wheel")).sum() == 200


def test_dsmlr_folders_are_splits(dsmlr):
    dsmlr(*[[("hood", [box(0, 0, 30, 30)])]] * 3)
    root = dsmlr(*[[("wheel", [box(0, 0, 30, 30)])]] * 2, folder="testset")
    train, validation = plugin.dataset(root, "train"), plugin.dataset(root, "validation")
    assert len(train) == 3 and len(validation) == 2
    assert share(train[2], "hood") > 0.2 and share(validation[1], "wheel") > 0.2
    assert validation[1].name == str(root / "testset" / "JPEGImages" / "car2.png")
    copy = pickle.loads(pickle.dumps(train))
    assert (copy[1].labels == train[1].labels).all()


def test_image_and_labels_are_cropped_alike(dsmlr):
    sample = plugin.dataset(dsmlr([("hood", [box(30, 20, 36, 24)])]), "train")[0]
    rows, columns = np.nonzero(sample.labels)
    assert np.unique(sample.image[0][rows, columns]).tolist() == [60, 62, 64, 66, 68, 70]  # columns 30 to 35, twice
    assert np.unique(sample.image[1][rows, columns]).tolist() == [60, 63, 66, 69]
    height, width = sample.labels.shape
    assert width / height == pytest.approx(1.5, rel=0.25) and width < 12


# The second set


def test_yolo_lines_become_classes(yolo):
    root = yolo(line("hood", *box(0, 0, 1, 0.5)), "", line("front_left_light", *box(0.5, 0, 1, 0.5)))
    sample = plugin.dataset(root, "train")[0]
    assert (sample.labels == spec.index("hood")).sum() == 30 * 20
    assert (sample.labels == spec.index("front_left_light")).sum() == 30 * 20


def test_yolo_layouts_have_both_splits(yolo, request):
    for name in ("b", "a"):
        yolo(line("wheel", *box(0, 0, 1, 1)), name=name)
    root = yolo(line("hood", *box(0, 0, 1, 1)), split="val" if "yolo0" in request.node.name else "valid")
    train, validation = plugin.dataset(root, "train"), plugin.dataset(root, "validation")
    assert [sample.name[-5:] for sample in (train[0], train[1])] == ["a.png", "b.png"]
    assert share(train[0], "wheel") > 0.4 and share(validation[0], "hood") > 0.4


def test_yolo_names_come_from_data_yaml(yolo):
    root = yolo("0 " + " ".join(map(str, box(0, 0, 1, 1))))
    assert share(plugin.dataset(root, "train")[0], "back_bumper") > 0.4
    (root / "data.yaml").write_text("names:\n  1: 'back_door,'\n  0: trunk\n")
    assert read_names(root, spec) == ["trunk", "back_door"]
    assert share(plugin.dataset(root, "train")[0], "trunk") > 0.4
    (root / "data.yaml").write_text("names: [hood\n")
    with pytest.raises(UserError, match=r"data\.yaml"):
        plugin.dataset(root, "train")
    (root / "data.yaml").write_text("names: 3\n")
    with pytest.raises(UserError, match=r"data\.yaml: has no list `names`"):
        plugin.dataset(root, "train")
    (root / "data.yaml").write_text("names: [hoood]\n")
    with pytest.raises(UserError, match=r"data\.yaml: names\[0\]: unknown part 'hoood'; .*'hood'"):
        plugin.dataset(root, "train")


def test_part_without_side_gets_visible_side(yolo):
    parts = [("hood", 0.0), ("front_door", 0.3), ("back_door", 0.5), ("trunk", 0.8)]
    for mirrored, side in ((False, "left"), (True, "right")):
        lines = [line(part, *box(x, 0, x + 0.2, 1)) for part, x in parts]
        if mirrored:
            lines = [line(part, *box(0.8 - x, 0, 1 - x, 1)) for part, x in parts]
        sample = plugin.dataset(yolo(*lines), "train")[0]
        other = "right" if side == "left" else "left"
        assert share(sample, f"front_{side}_door") > 0.1 and share(sample, f"back_{side}_door") > 0.1
        assert share(sample, f"front_{other}_door") == share(sample, f"back_{other}_door") == 0


def test_part_without_inferable_side_is_dropped(yolo):
    root = yolo(line("front_door", *box(0, 0, 1, 1)), line("wheel", *box(0, 0.5, 1, 1)))
    assert set(np.unique(plugin.dataset(root, "train")[0].labels)) == {0, spec.index("wheel")}


def part(name, x):
    return Part(name, [np.array(box(x, 0, x + 2, 2), float).reshape(-1, 2)])


@pytest.mark.parametrize(
    ("others", "light", "side"),
    [
        ([("front_light", 0)], "front_light", "left"),  # from the front: the right one of two is the left one
        ([("front_light", 20)], "front_light", "right"),
        ([("back_right_light", 20)], "back_light", "left"),  # from the back
        ([("front_bumper", 0)], "front_light", "left"),
        ([("hood", 20), ("front_door", 30), ("back_door", 40)], "front_light", "left"),  # goes to the left
        ([("tailgate", 20), ("back_door", 30), ("front_door", 40)], "back_light", "right"),
        ([("wheel", 20)], "front_light", ""),
    ],
)
def test_side_of_light(others, light, side):
    one = part(light, 10)
    assert side_of(one, [one, *(part(name, x) for name, x in others)]) == side


# Wrong input: one line that names file and place


def test_open_cars_rejects_other_folders(tmp_path):
    with pytest.raises(UserError, match="is not a data set of car parts; data.root of domain 'cars' is the unpacked"):
        plugin.dataset(tmp_path, "train")


@pytest.mark.parametrize(
    ("polygons", "said"),
    [
        ([[1, 2, 3, 4]], "4 numbers; a polygon is x y x y ..., of three corners or more"),
        ([[1, 2, 3, 4, 5, 6, 7]], "7 numbers"),
        ([[1, 2, 3, "x", 5, 6]], "'x' is not a number"),
        ([[1, 2, 3, None, 5, 6]], "None is not a number"),
        ([[1, 2, 3, float("nan"), 5, 6]], "a coordinate is not finite"),
        ({"counts": [1], "size": [4, 4]}, "its segmentation is not a list of polygons"),
        ([5, 6], "its segmentation is not a list of polygons"),
    ],
)
def test_dsmlr_rejects_malformed_polygons(dsmlr, polygons, said):
    source = plugin.dataset(dsmlr([("wheel", [box(0, 0, 9, 9)]), ("hood", polygons)]), "train")
    with pytest.raises(UserError) as error:
        source[0]
    message = str(error.value)
    assert "trainingset/annotations.json: annotations[1] (hood in car1.png): " in message and said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["categories"].append({"id": 30, "name": "bonet"}), "categories[19]: unknown part 'bonet'"),
        (lambda c: c["annotations"][0].update(category_id=99), "annotations[0]: category_id 99 is not in the file"),
        (lambda c: c["annotations"][0].update(image_id=7), "annotations[0]: image_id 7 is not in the file"),
        (lambda c: c["annotations"][0].update(image_id=[7]), "annotations[0]: image_id is [7]; a number is needed"),
        (lambda c: c["annotations"][0].pop("segmentation"), "annotations[0] has no segmentation"),
        (lambda c: c.pop("images"), "has no list 'images'"),
        (lambda c: c["images"].clear() or c["annotations"].clear(), "has no images"),
        (lambda c: c["images"].append("car"), "images[1] has no id"),
    ],
)
def test_dsmlr_rejects_malformed_annotations(dsmlr, change, said):
    file = dsmlr([("hood", [box(0, 0, 9, 9)])]) / "trainingset" / "annotations.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        plugin.dataset(file.parents[1], "train")
    assert f"{file}: {said}" in str(error.value)


def test_dsmlr_names_missing_and_damaged_files(dsmlr):
    root = dsmlr([("hood", [box(0, 0, 9, 9)])], [], [("hood", [box(0, 0, 9, 9)])])
    source = plugin.dataset(root, "train")
    with pytest.raises(UserError, match=r"car2\.png: has no car part"):
        source[1]
    picture(root / "trainingset" / "JPEGImages" / "car3.png", (30, 40))
    with pytest.raises(UserError, match=r"car3\.png: is 40 x 30 but .*annotations\.json gives 40 x 60"):
        source[2]
    (root / "trainingset" / "JPEGImages" / "car1.png").unlink()
    with pytest.raises(UserError, match=r"car1\.png: does not exist"):
        source[0]
    with pytest.raises(UserError, match=r"testset/annotations\.json: does not exist"):
        plugin.dataset(root, "validation")
    (root / "trainingset" / "annotations.json").write_text("{")
    with pytest.raises(UserError, match=r"annotations\.json: cannot be read .it is not JSON"):
        plugin.dataset(root, "train")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("23 0 0 1 0 1 1", "part '23' is unknown; the 23 parts are 0 to 22"),
        ("hood 0 0 1 0 1 1", "part 'hood' is unknown"),
        ("16 0.5 0.5 1 1", "4 numbers; a polygon is"),  # a box, as for detection
        ("16 0 0 1 0 1", "5 numbers"),
        ("16 0 0 1 0 1 b", "'b' is not a number"),
        ("16 0 0 50 0 50 40", "a corner lies outside the picture"),
    ],
)
def test_yolo_rejects_malformed_lines(yolo, wrong, said):
    source = plugin.dataset(yolo(line("wheel", *box(0, 0, 1, 1)), wrong), "train")
    with pytest.raises(UserError) as error:
        source[0]
    assert "a.txt, line 2: " in str(error.value) and said in str(error.value)


def test_yolo_names_missing_labels_splits_and_images(yolo):
    root = yolo(line("wheel", *box(0, 0, 1, 1)))
    next(root.rglob("a.txt")).unlink()
    with pytest.raises(UserError, match=r"a\.txt: does not exist; it has the labels of .*a\.png"):
        plugin.dataset(root, "train")[0]
    with pytest.raises(UserError, match=r"has no split 'validation' \(val or valid\); it has train"):
        plugin.dataset(root, "validation")
    next(root.rglob("a.png")).unlink()
    with pytest.raises(UserError, match="there are no images in it"):
        plugin.dataset(root, "train")


def test_fit_and_prepare_read_both_data_sets(dsmlr, yolo, tmp_path):
    """The second set has folders `images` and `labels`, which must not be taken for the plain layout."""
    dsmlr([("hood", [box(0, 0, 60, 40)])], [])
    first = DataConfig(root=str(tmp_path), height=16, width=24)
    assert len(open_source(plugin, first)) == 2
    first.on_error = "skip"
    packed = DataConfig(root=str(prepare(plugin, first, tmp_path / "packed")), height=16, width=24)
    source = open_source(plugin, packed)
    assert len(source) == 1 and share(source[0], "hood") > 0.5
    for name in ("trainingset", "packed"):
        (tmp_path / name).rename(tmp_path.parent / f"{tmp_path.name}-{name}")
    second = DataConfig(root=str(yolo(line("wheel", *box(0, 0, 1, 1)))), height=16, width=24)
    assert share(open_source(plugin, second)[0], "wheel") > 0.5


# Polygons


def test_inside_matches_ray_casting():
    """Against the definition: a ray from the center crosses the outline an odd number of times."""
    random = np.random.default_rng(0)
    for count in (3, 4, 7, 12):
        polygon = random.uniform(-4, 24, (count, 2))
        expected = np.zeros((16, 20), bool)
        for row in range(16):
            for column in range(20):
                x, y = column + 0.5, row + 0.5
                for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
                    if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                        expected[row, column] ^= True
        assert (inside(polygon, 16, 20) == expected).all()


def test_inside_leaves_no_gap_or_overlap():
    for middle in (4.5, 4.0, 4.25):  # through the centers, between them, neither
        left = np.array(box(1, 1, middle, 7), float).reshape(-1, 2)
        right = np.array(box(middle, 1, 9, 7), float).reshape(-1, 2)
        both = inside(left, 8, 10).astype(int) + inside(right, 8, 10)
        assert both[1:7, 1:9].min() == both.max() == 1 and both.sum() == 6 * 8


def test_inside_clips_to_picture():
    for x in (-30, 50):
        assert not inside(np.array(box(x, 2, x + 10, 8), float).reshape(-1, 2), 10, 20).any()
    assert inside(np.array(box(-5, -5, 50, 50), float).reshape(-1, 2), 10, 20).all()


def test_crop_around_contains_parts_with_given_shape():
    random = np.random.default_rng(2)
    for _ in range(50):
        corners = random.uniform(0, 300, (5, 2))
        left, upper, right, lower = crop_around([Part("hood", [corners])], (3, 2), 0.1)
        assert left <= corners[:, 0].min() and right >= corners[:, 0].max()
        assert upper <= corners[:, 1].min() and lower >= corners[:, 1].max()
        assert abs((right - left) * 2 - (lower - upper) * 3) <= 10  # whole pixels


def test_crop_moves_into_picture_and_pads():
    array = np.arange(24).reshape(4, 6)
    assert (crop(array, (-2, 1, 2, 3), "edge") == array[1:3, 0:4]).all()
    assert (crop(array, (4, 3, 8, 5), "edge") == array[2:4, 2:6]).all()
    wide = crop(array, (-1, 0, 7, 4), "constant")
    assert wide.shape == (4, 8) and (wide[:, 1:7] == array).all() and (wide[:, [0, 7]] == 0).all()
    moved = crop(array, (2, 0, 10, 4), "edge")  # all of the picture is kept
    assert moved.shape == (4, 8) and (moved[:, :6] == array).all() and (moved[:, 6] == array[:, 5]).all()


def test_absurd_polygons_are_rejected(dsmlr, yolo):
    far = dsmlr([("hood", [box(0, 0, 1e9, 20)])])
    with pytest.raises(UserError, match="hood in car1.png.: a corner lies far outside the picture, which is 40 x 60"):
        open_source(plugin, DataConfig(root=str(far)))[0]
    many = dsmlr([("hood", [box(0, 0, 30, 20) * 3000])])
    with pytest.raises(UserError, match="24000 numbers; a polygon is .*, of three corners or more, to 10,000"):
        open_source(plugin, DataConfig(root=str(many)))[0]
    parts = dsmlr([("hood", [box(0, 0, 30, 20)])] * 1001)
    with pytest.raises(UserError, match="car1.png has 1,001 annotations; the limit is 1,000"):
        open_source(plugin, DataConfig(root=str(parts)))[0]
