"""Label schemes by YAML: names of folders and files, label values and colors, void pixels, colors that are made up."""

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import FolderSource, open_pictures, open_source
from composegan.data.fingerprints import fingerprint
from composegan.data.labels import labels_of, read_labels
from composegan.data.layout import Place
from composegan.data.void import fill_void, nearest_class
from composegan.errors import UserError
from composegan.plugin.domain import DomainPlugin
from composegan.plugin.domain_file import read_domain_file
from composegan.plugin.label_scheme import VOID
from composegan.plugin.palette import distinct_colors
from tests.helpers import refused

STREETS = """
classes: [sky, road, car]
images: {train: train, validation: val}
labels: {train: trainannot/*_L.png, validation: valannot/*_L.png}
ids: {0: sky, 3: road, 7: car, 8: car, 255: void}
"""


@pytest.fixture
def domain(tmp_path):
    """(YAML) -> the domain."""

    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return read_domain_file(path)

    return write


@pytest.fixture
def save(tmp_path):
    """(path, array) -> the path of a PNG with it."""

    def write(path, array):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array, np.uint8)).save(file)
        return file

    return write


def photo(height, width):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3))


def test_folders_suffixes_ids_and_void(domain, save, tmp_path):
    spec = domain(STREETS)
    save("set/train/night/1.png", photo(2, 4))
    save("set/trainannot/night/1_L.png", [[0, 3, 255, 8], [0, 3, 3, 7]])
    save("set/val/2.png", photo(2, 2))
    save("set/valannot/2_L.png", [[0, 0], [3, 3]])
    source = FolderSource(tmp_path / "set", spec)
    sample = source[0]
    assert len(source) == 1 and sample.labels.tolist() == [[0, 1, 1, 2], [0, 1, 1, 2]]
    assert sample.void == 1 / 8
    held_out = FolderSource(tmp_path / "set", spec, "validation")[0]
    assert held_out.labels.tolist() == [[0, 0], [1, 1]] and held_out.void == 0
    assert fingerprint(source) != fingerprint(
        FolderSource(tmp_path / "set", domain(STREETS.replace("8: car", "8: sky")))
    )
    opened = open_source(DomainPlugin(spec), DataConfig(root=str(tmp_path / "set")))
    assert (opened[0].labels == sample.labels).all()
    assert len(open_pictures(DomainPlugin(spec), DataConfig(root=str(tmp_path / "set")))) == 1


def test_images_and_labels_in_one_folder(domain, save, tmp_path):
    for name in ("a", "b"):
        save(f"set/{name}.png", photo(2, 2))
        save(f"set/{name}_mask.png", [[0, 1], [1, 1]])
    source = FolderSource(tmp_path / "set", domain('classes: [cat, dog]\nimages: "*.png"\nlabels: "*_mask.png"\n'))
    assert [file for pair in source.files for file in pair] == ["a.png", "a_mask.png", "b.png", "b_mask.png"]


def test_splits_below_the_root_and_labels_that_splits_share(domain, save, tmp_path):
    for split in ("train", "validation"):
        save(f"set/{split}/rgb/{split}.png", photo(2, 2))
        save(f"set/{split}/masks/{split}.png", [[0, 1], [1, 1]])
        save(f"flat/all/{split}.png", [[0, 1], [1, 1]])
        save(f"flat/{split}_images/{split}.png", photo(2, 2))
    spec = domain("classes: [cat, dog]\nimages: rgb\nlabels: masks\n")
    assert [len(FolderSource(tmp_path / "set", spec, split)) for split in ("train", "validation")] == [1, 1]
    spec = domain("classes: [cat, dog]\nimages: {train: train_images, validation: validation_images}\nlabels: all\n")
    assert FolderSource(tmp_path / "flat", spec, "validation").files == [
        ("validation_images/validation.png", "all/validation.png")
    ]


@pytest.mark.parametrize(
    ("ids", "values", "expected"),
    [
        ("{255: void}", [[0, 1, 2, 255]], [[0, 1, 2, VOID]]),  # other values are class indices
        ("{9: road}", [[0, 2, 9]], [[0, 2, 1]]),
        ("{1: car, 2: road}", [[0, 1, 2]], [[0, 2, 1]]),
        ("{0: void, 1: sky, 2: road, 3: car}", [[0, 1, 2, 3]], [[VOID, 0, 1, 2]]),
    ],
)
def test_ids(domain, ids, values, expected):
    picture = Image.fromarray(np.array(values, np.uint8))
    assert labels_of(picture, domain(f"classes: [sky, road, car]\nids: {ids}\n"), "x").tolist() == expected


@pytest.mark.parametrize(
    ("ids", "values", "wrong"),
    [
        ("{255: void}", [[0, 3]], "3"),
        ("{9: road}", [[0, 1]], "1"),  # class 1 has another value
        ("{0: sky, 5: road, 6: car}", [[0, 1, 2, 5]], "1, 2"),
    ],
)
def test_value_that_is_neither_class_nor_void_names_file_value_and_remedy(domain, save, ids, values, wrong):
    file, spec = save("x.png", values), domain(f"classes: [sky, road, car]\nids: {ids}\n")
    message = refused(read_labels, file, spec)
    assert message.startswith(f"{file}: label values that are neither a class nor void ({wrong}) in ")
    assert message.endswith("; correct them, or add each to `ids` of domain 'mine', as VALUE: CLASS or VALUE: void")


def test_values_above_255_can_be_mapped(domain, tmp_path):
    Image.fromarray(np.array([[0, 1000], [60000, 0]], np.uint16)).save(tmp_path / "x.png")
    spec = domain("classes: [sky, road]\nids: {1000: road, 60000: void}\n")
    assert labels_of(Image.open(tmp_path / "x.png"), spec, "x").tolist() == [[0, 1], [VOID, 0]]


def test_colors_in_ids_join_those_of_the_classes(domain, save):
    text = "classes: [{name: sky, color: [1, 2, 3]}, {name: road, color: [4, 5, 6]}]\n"
    spec = domain(text + 'ids: {"#0A0b0C": road, "#000000": void}\n')
    file = save("x.png", [[[1, 2, 3], [10, 11, 12], [4, 5, 6], [0, 0, 0]]])
    assert read_labels(file, spec).tolist() == [[0, 1, 1, 1]]
    palette = Image.open(file).quantize(4)
    assert labels_of(palette, spec, "x").tolist() == [[0, 1, 1, VOID]]
    assert "(9, 9, 9), in 1 of 1 pixels" in refused(read_labels, save("y.png", [[[9, 9, 9]]]), spec)


def test_values_of_gray_rgb_and_palette_files_count_where_ids_has_values(domain, save):
    spec = domain("classes: [sky, road]\nids: {0: sky, 7: road}\n")
    assert read_labels(save("x.png", [[[0, 0, 0], [7, 7, 7]]]), spec).tolist() == [[0, 1]]
    palette = Image.fromarray(np.array([[0, 7]], np.uint8), "P")
    palette.putpalette([7, 9, 200] * 8)
    assert labels_of(palette, spec, "x").tolist() == [[0, 1]]


def test_made_up_colors_do_not_decide_palette_files(domain):
    spec = domain("classes: [sky, road]\n")
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([*spec.colors[1], *spec.colors[0]])
    assert labels_of(palette, spec, "x").tolist() == [[0, 1]]
    assert "give every class in the YAML of domain 'mine' its `color`" in refused(
        labels_of, Image.new("RGB", (1, 1), (9, 9, 9)), spec, "x"
    )


def test_made_up_colors_are_apart_and_stay_when_a_class_is_added(domain):
    given = "{name: car, color: [0, 0, 142]}"
    few, more = domain(f"classes: [sky, {given}, road]\n"), domain(f"classes: [sky, {given}, road, tree, pole]\n")
    assert more.colors[:3] == few.colors and few.colors[1] == (0, 0, 142)
    assert len(set(more.colors)) == 5
    colors = np.array([*distinct_colors(60, [(0, 0, 142)]), (0, 0, 142)], float)
    apart = np.linalg.norm(colors[:, None] - colors, axis=2) + 999 * np.eye(len(colors))
    assert apart.min() >= 32


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ids: [1]\n", "mine.yaml: ids: lines such as `5: sky` or `255: void` needed"),
        ("ids: {5: rode}\n", "mine.yaml: ids: 5: no class 'rode'; did you mean 'road'?"),
        ("ids: {road: 5}\n", "mine.yaml: ids: 'road' is no label value; use a whole number from 0, or \"#rrggbb\""),
        ("ids: {-1: road}\n", "mine.yaml: ids: '-1' is no label value"),
        ("ids: {true: road}\n", "mine.yaml: ids: 'True' is no label value"),
        ('ids: {"#00000A": road, "#00000a": sky}\n', "mine.yaml: ids: #00000a is given twice"),
        ("images: {test: a}\n", "mine.yaml: images: unknown split 'test'"),
        ("labels: /a/b\n", "mine.yaml: labels: is '/a/b'; a folder below data.root is needed"),
        ("labels: a/../b\n", "mine.yaml: labels: is 'a/../b'; a folder below"),
        ("labels: '*/x/*.png'\n", "mine.yaml: labels: is '*/x/*.png'; a folder below"),
        ("labels: {train: 3}\n", "mine.yaml: labels: train: is '3'; a folder or a pattern"),
    ],
)
def test_mistakes_in_a_scheme(domain, text, said):
    assert said in refused(domain, f"classes: [sky, road]\n{text}")


def test_class_named_void_is_a_class(domain):
    assert domain("classes: [void, road]\nids: {5: void}\n").scheme.ids == {5: 0}


def test_missing_splits_folders_and_partners(domain, save, tmp_path):
    save("set/rgb/a.png", photo(2, 2))
    save("set/rgb/b.png", photo(2, 2))
    save("set/ann/a_L.png", [[0, 0], [1, 1]])
    text = "classes: [sky, road]\nimages: rgb\nlabels: ann/*_L.png\n"
    root = tmp_path / "set"
    assert "set/rgb/b.png: has no labels; add ann/b_L.png or remove the image" in refused(
        FolderSource, root, domain(text)
    )
    assert len(FolderSource(root, domain(text), on_error="skip")) == 1
    assert "set: has no split 'validation'; add validation/rgb, write `images: {train: rgb" in refused(
        FolderSource, root, domain(text), "validation"
    )
    only = domain(text.replace("images: rgb", "images: {train: rgb}"))
    assert "`images` of the YAML has only 'train'; add it there" in refused(FolderSource, root, only, "validation")
    elsewhere = domain(text.replace("rgb", "photos"))
    assert "set/photos: does not exist; a data root has photos/ in it" in refused(FolderSource, root, elsewhere)


def test_file_that_is_all_void_is_refused(domain, save):
    file, spec = save("x.png", [[255, 255]]), domain("classes: [sky, road]\nids: {255: void}\n")
    assert refused(read_labels, file, spec) == (
        f"{file}: every pixel is void; remove it, or give one of its values a class in `ids`"
    )


@pytest.mark.parametrize("share", [0.005, 0.1, 0.9])
def test_void_takes_the_nearest_class(share):
    random = np.random.default_rng(1)
    known = random.random((24, 31)) < share
    known[5, 7] = True
    rows, columns = np.nonzero(known)
    place = np.arange(known.size).reshape(known.shape)
    found = np.stack(np.divmod(nearest_class(place, known), known.shape[1]))
    y, x = np.mgrid[:24, :31]
    distance = (found[0] - y) ** 2 + (found[1] - x) ** 2
    expected = ((y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2).min(axis=2)
    assert (distance == expected).all()


def test_void_share():
    labels = np.array([[0, VOID, VOID, 1]], np.uint8)
    filled, share = fill_void(labels, "x")
    assert filled.tolist() == [[0, 0, 1, 1]] and share == 0.5
    assert labels[0, 1] == VOID  # the argument is unchanged
    assert fill_void(filled, "x")[1] == 0


@pytest.mark.parametrize(
    ("text", "folder", "endings", "before", "after"),
    [
        ("labels", "labels", {".png"}, "", ""),
        ("a/b", "a/b", {".png"}, "", ""),
        ("a/*_L.png", "a", {".png"}, "", "_L"),
        ("a/*.bmp", "a", {".bmp"}, "", ""),
        ("*_mask.tif", "", {".tif"}, "", "_mask"),
        ("a/gt_*", "a", {".png"}, "gt_", ""),
        ("a/gt_*_id", "a", {".png"}, "gt_", "_id"),
    ],
)
def test_patterns(text, folder, endings, before, after):
    place = Place.of(text, {".png"})
    assert (place.folder, place.endings, place.before, place.after) == (folder, endings, before, after)


def test_two_files_of_one_stem_are_refused(domain, save, tmp_path):
    save("set/images/a.png", photo(1, 1))
    Image.new("RGB", (1, 1)).save(tmp_path / "set/images/a.jpg")
    save("set/labels/a.png", [[0]])
    with pytest.raises(UserError, match=r"images/a.png: a.jpg has the same name without its ending"):
        FolderSource(tmp_path / "set", domain("classes: [sky, road]\n"))
