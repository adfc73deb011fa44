"""Read CelebAMask-HQ as downloaded."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, prepare
from composegan.plugins.faces import plugin, spec

# The part masks of the dataset, which domains/faces.yaml must agree with: (part, class index) in painting order.
ORDER = ["skin", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "l_lip", "u_lip", "nose", "hair"]
ORDER += ["l_ear", "r_ear", "neck", "neck_l", "cloth", "hat", "ear_r"]
CLASS_OF = dict(zip(ORDER, (1, 10, 2, 2, 3, 3, 4, 4, 4, 5, 7, 6, 6, 8, 8, 9, 11, 12), strict=True))
ALL, TOP, LEFT = slice(None), slice(0, 16), slice(0, 8)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "CelebA-HQ-img").mkdir()
    (tmp_path / "CelebAMask-HQ-mask-anno").mkdir()
    return tmp_path


@pytest.fixture
def add(root):
    """Write image `number` (64 x 64) and its part masks (32 x 32), given as part -> (rows, columns) slices."""

    def write(number, **parts):
        shade = np.full((64, 64, 3), number % 200, np.uint8)
        shade[:, 32:] = 250
        Image.fromarray(shade).save(root / "CelebA-HQ-img" / f"{number}.jpg", quality=95)
        folder = root / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        folder.mkdir(exist_ok=True)
        for part, (rows, columns) in parts.items():
            mask = np.zeros((32, 32), np.uint8)
            mask[rows, columns] = 255
            Image.fromarray(mask).save(folder / f"{number:05d}_{part}.png")

    return write


def test_yaml_lists_parts_in_painting_order():
    assert [item["part"] for item in spec.foreign["celebamask_hq"]] == ORDER


def test_masks_become_classes_and_image_is_resized_to_them(root, add):
    add(0, skin=(ALL, LEFT), hair=(TOP, slice(8, 32)))
    sample = plugin.dataset(root, "train")[0]
    expected = np.zeros((32, 32))
    expected[:, :8], expected[:16, 8:] = 1, 7
    assert sample.image.shape == (3, 32, 32) and (sample.labels == expected).all()
    assert sample.image[0, 5, 5] < 10 and sample.image[0, 5, 25] > 240
    assert sample.name == str(root / "CelebA-HQ-img" / "0.jpg")


@pytest.mark.parametrize(("below", "above"), [(None, ORDER[0]), *pairwise(ORDER)])
def test_later_part_is_painted_over_earlier(root, add, below, above):
    add(1, **({below: (ALL, ALL)} if below else {}), **{above: (TOP, TOP)})
    labels = plugin.dataset(root, "train")[0].labels
    assert (labels[:16, :16] == CLASS_OF[above]).all()
    assert (labels[16:, 16:] == (CLASS_OF[below] if below else 0)).all()


def test_splits_and_order_follow_the_numbers(root, add):
    for number in (10, 9, 100, 1999, 2000, 27999, 28000, 29999):
        add(number, skin=(ALL, ALL))
    train, validation = plugin.dataset(root, "train"), plugin.dataset(root, "validation")
    assert train.numbers == [9, 10, 100, 1999, 2000, 27999] and validation.numbers == [28000, 29999]
    assert all((source[index].labels == 1).all() for source in (train, validation) for index in range(len(source)))


def test_missing_masks_are_reported_when_read(root, add):
    add(0, skin=(ALL, ALL))
    add(1)
    source = plugin.dataset(root, "train")
    assert len(source) == 2 and (source[0].labels == 1).all()
    with pytest.raises(UserError, match=r"CelebA-HQ-img/1\.jpg: has no mask .*0/00001_\*\.png; unpack"):
        source[1]


def test_empty_mask_is_accepted_beside_others(root, add):
    add(0, skin=(ALL, LEFT), hat=(slice(0, 0), ALL))
    assert set(np.unique(plugin.dataset(root, "train")[0].labels)) == {0, 1}


@pytest.mark.parametrize("parts", [["hat"], ["skin", "hair"]])
def test_picture_whose_masks_are_all_empty_raises(root, add, parts):
    add(0, **dict.fromkeys(parts, (slice(0, 0), ALL)))
    with pytest.raises(UserError, match=r"CelebA-HQ-img/0\.jpg: all its masks, .*0/00000_\*\.png, are empty; unpack"):
        plugin.dataset(root, "train")[0]


def palette(*colors):
    """(part, bool) -> a palette picture with index 1 in the part, and these colors."""

    def save(part):
        picture = Image.fromarray(part.astype(np.uint8), "P")
        picture.putpalette([value for color in colors for value in color])
        return picture

    return save


def with_alpha(color, outside):
    """(part, bool) -> a picture of one color whose opaque pixels are the part; the others have color `outside`."""

    def save(part):
        pixels = np.where(part[..., None], (*color, 255), (*outside, 0)).astype(np.uint8)
        return Image.fromarray(pixels, "RGBA")

    return save


def cut_out(outside, opaque=255):
    """(part, bool) -> a photo whose opaque pixels are the part; the others have color `outside`, None as before."""

    def save(part):
        photo = np.random.default_rng(0).integers(0, 256, (*part.shape, 3))
        photo = photo if outside is None else np.where(part[..., None], photo, outside)
        return Image.fromarray(np.dstack([photo, part * opaque]).astype(np.uint8), "RGBA")

    return save


def gray_palette(part):
    picture = palette((0, 0, 0), (1, 1, 1))(part)
    picture.info["transparency"] = 0
    return picture


MASKS = {
    "0 and 255": lambda part: Image.fromarray(part.astype(np.uint8) * 255),
    "0 and 1": lambda part: Image.fromarray(part.astype(np.uint8)),
    "0 and 38": lambda part: Image.fromarray(part.astype(np.uint8) * 38),
    "1 bit": Image.fromarray,
    "16 bits": lambda part: Image.fromarray(part.astype(np.uint16) * 65535),
    "16 bits, 0 and 1": lambda part: Image.fromarray(part.astype(np.uint16)),
    "RGB": lambda part: Image.fromarray(part.astype(np.uint8) * 255).convert("RGB"),
    "gray and alpha": lambda part: Image.fromarray(part.astype(np.uint8)).convert("LA"),
    "white palette": palette((0, 0, 0), (255, 255, 255)),
    "dark red palette": palette((0, 0, 0), (128, 0, 0)),
    "palette of one color": palette((0, 0, 0), (0, 0, 0)),
    "transparent palette": gray_palette,
    "white over transparent black": with_alpha((255, 255, 255), (0, 0, 0)),
    "white over transparent white": with_alpha((255, 255, 255), (255, 255, 255)),
    "black over transparent black": with_alpha((0, 0, 0), (0, 0, 0)),
    "red over transparent white": with_alpha((200, 0, 0), (255, 255, 255)),
    "blue, 0 and 1": lambda part: Image.fromarray(np.dstack([part * 0, part * 0, part]).astype(np.uint8)),
    "photo over transparent black": cut_out((0, 0, 0)),
    "photo over transparent white": cut_out((255, 255, 255)),
    "photo with alpha": cut_out(None),
}


@pytest.mark.parametrize("form", MASKS)
def test_masks_are_read_in_whatever_values_they_have(root, add, form):
    add(0, skin=(ALL, ALL), hat=(TOP, LEFT), hair=(TOP, TOP))
    expected = plugin.dataset(root, "train")[0].labels
    for part, rows, columns in (("hat", TOP, LEFT), ("hair", TOP, TOP)):
        mask = np.zeros((32, 32), bool)
        mask[rows, columns] = True
        MASKS[form](mask).save(root / "CelebAMask-HQ-mask-anno" / "0" / f"00000_{part}.png")
    assert set(np.unique(expected)) == {1, 7, 11}
    assert (plugin.dataset(root, "train")[0].labels == expected).all()


@pytest.mark.parametrize("form", MASKS)
def test_empty_mask_of_any_kind_has_no_part(root, add, form):
    add(0, skin=(ALL, ALL))
    MASKS[form](np.zeros((32, 32), bool)).save(root / "CelebAMask-HQ-mask-anno" / "0" / "00000_hat.png")
    assert (plugin.dataset(root, "train")[0].labels == 1).all()


@pytest.mark.parametrize(
    ("name", "kind"), [("00000.jpg", "JPEG"), ("0.png", "PNG"), ("0.JPG", "JPEG"), ("00.jpeg", "JPEG")]
)
def test_images_are_found_by_number(root, add, name, kind):
    add(0, skin=(ALL, ALL))
    Image.open(root / "CelebA-HQ-img" / "0.jpg").save(root / "renamed", kind)
    (root / "CelebA-HQ-img" / "0.jpg").unlink()
    (root / "renamed").rename(root / "CelebA-HQ-img" / name)
    sample = plugin.dataset(root, "train")[0]
    assert sample.name.endswith(name) and (sample.labels == 1).all()


def test_two_images_of_one_number_raise(root, add):
    add(7, skin=(ALL, ALL))
    Image.new("RGB", (64, 64)).save(root / "CelebA-HQ-img" / "00007.png")
    with pytest.raises(UserError, match=r"7\.jpg: 00007\.png has the same number; remove one of them"):
        plugin.dataset(root, "train")


def test_masks_with_uppercase_ending_are_read(root, add):
    add(0, skin=(ALL, ALL), hair=(TOP, TOP))
    for file in (root / "CelebAMask-HQ-mask-anno" / "0").iterdir():
        file.rename(file.with_suffix(".PNG"))
    assert (plugin.dataset(root, "train")[0].labels == 7).sum() == 256


@pytest.mark.parametrize(
    "name", ["0/00000_hair.jpg", "0/00000_hair.Png", "0/0_hair.png", "0/00000_Hair.png", "0/00000_hairs.png",
             "00000_hair.png", "1/00000_hair.png"]
)  # fmt: skip
def test_mask_that_would_be_passed_over_raises(root, add, name):
    add(0, skin=(ALL, ALL), hair=(TOP, TOP))
    masks = root / "CelebAMask-HQ-mask-anno"
    (masks / "1").mkdir()
    (masks / "0" / "00000_hair.png").rename(masks / name)
    with pytest.raises(UserError, match=rf"{name}: is no mask of image 0 .*; rename it to 0/00000_PART\.png, where"):
        plugin.dataset(root, "train")


@pytest.mark.parametrize("name", ["img_1.jpg", "1 (1).jpg", "1_face.png"])
def test_image_whose_name_is_not_a_number_raises(root, add, name):
    add(0, skin=(ALL, ALL))
    Image.new("RGB", (64, 64)).save(root / "CelebA-HQ-img" / name)
    with pytest.raises(UserError, match="its name is not a number, such as 0.jpg; rename or remove it"):
        plugin.dataset(root, "train")


def test_images_in_subfolders_are_read(root, add):
    add(0, skin=(ALL, ALL))
    (root / "CelebA-HQ-img" / "0").mkdir()
    (root / "CelebA-HQ-img" / "0.jpg").rename(root / "CelebA-HQ-img" / "0" / "0.jpg")
    assert (plugin.dataset(root, "train")[0].labels == 1).all()


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 60), (178, 218), (100, 64)])
def test_image_of_another_shape_than_its_masks_raises(root, add, height, width):
    add(0, skin=(ALL, ALL))
    Image.new("RGB", (width, height)).save(root / "CelebA-HQ-img" / "0.jpg")
    with pytest.raises(UserError, match=rf"00000_skin\.png: is 32 x 32 but its image is {height} x {width} \(height"):
        plugin.dataset(root, "train")[0]


def test_masks_of_different_sizes_raise(root, add):
    add(0, skin=(ALL, ALL), hair=(ALL, ALL))
    Image.new("L", (16, 16)).save(root / "CelebAMask-HQ-mask-anno" / "0" / "00000_hair.png")
    with pytest.raises(UserError, match=r"00000_hair\.png: is 16 x 16 but the image's other masks are 32 x 32"):
        plugin.dataset(root, "train")[0]


@pytest.mark.parametrize("name", ["CelebAMask-HQ-mask-anno/0/00000_skin.png", "CelebA-HQ-img/0.jpg"])
def test_damaged_file_is_named(root, add, name):
    add(0, skin=(ALL, ALL))
    (root / name).write_bytes((root / name).read_bytes()[:40])
    with pytest.raises(UserError, match=f"{name}: "):
        plugin.dataset(root, "train")[0]


def test_folder_that_is_not_the_dataset_raises(root, add):
    with pytest.raises(UserError, match="has no image of split 'train'"):
        plugin.dataset(root, "train")
    add(0, skin=(ALL, ALL))
    with pytest.raises(UserError, match="has no image of split 'validation'"):
        plugin.dataset(root, "validation")
    (root / "other").mkdir()
    with pytest.raises(UserError, match="other: has no folder CelebA-HQ-img; set data.root to the unpacked"):
        plugin.dataset(root / "other", "train")


def test_open_source_and_prepare_read_the_dataset(root, add, tmp_path):
    for number in range(4):
        add(number, skin=(ALL, LEFT))
    add(4)
    data = DataConfig(root=str(root), height=16, width=16)
    assert len(open_source(plugin, data)) == 5
    with pytest.raises(UserError, match=r"4\.jpg: has no mask"):
        prepare(plugin, data, tmp_path / "packed")
    data.on_error = "skip"
    packed = open_source(plugin, DataConfig(root=str(prepare(plugin, data, tmp_path / "packed")), height=16, width=16))
    assert len(packed) == 4 and (packed[2].labels[:, :4] == 1).all() and not packed[2].labels[:, 4:].any()
