"""docs/data.md, "What is read, how, and what is refused": some files for each row, and what comes out."""

from __future__ import annotations

import re
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from composegan.config.schema import DataConfig
from composegan.data import FolderSource, UserError, check_sample, photo_warnings, prepare, read_image, read_labels
from composegan.data.color import PRIMARIES, matrix_profile, power_curve, srgb_curve
from composegan.data.pictures import PictureSource
from composegan.plugin.domain import DomainPlugin
from tests.data.conftest import COLORS
from tests.data.picture_files import cmyk_profile, gray_profile, oriented, png, saved, tiff, with_chunks

DOCS = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def rows(heading):
    """The rows of a table of the page: what is stated, by file."""
    table = DOCS.split(f"| {heading} | |\n| --- | --- |\n")[1].split("\n\n")[0]
    return dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE))


IMAGE_ROWS, LABEL_ROWS = rows("images"), rows("labels")

COLOR = (200, 100, 50)
P3 = matrix_profile(PRIMARIES[12], srgb_curve)
ADOBE = matrix_profile((0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), power_curve(563 / 256))
P3_RED, ADOBE_RED = (234, 51, 35), (219, 0, 0)  # the red of sRGB, (255, 0, 0)
INKS = cmyk_profile({0: (100, 0, 0), 8: (60, -30, -40), 4: (50, 70, 0)})
CYAN, MAGENTA = (0, 161, 214), (218, 41, 122)  # these two inks
DAMAGED = bytes(1_500_000)


def rgb(color=COLOR, **options):
    return Image.new("RGB", (4, 4), color, **options)


def one(form, color=COLOR, mode="RGB", **options):
    """A file of one color."""
    return saved(Image.new(mode, (4, 4), color), form, **options)


def text(kind, length):
    """A chunk of PNG with compressed text."""
    import zlib

    return kind, b"Comment\0\0" + (b"\0\0\0" if kind == b"iTXt" else b"") + zlib.compress(bytes(length))


def gamma(value):
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chromaticities(number):
    return b"cHRM", np.array(np.array(PRIMARIES[number]) * 100_000).round().astype(">u4").tobytes()


def ramp16(top):
    return Image.fromarray(np.linspace(0, top, 16).astype(np.uint16).reshape(4, 4))


def bmp5(profile, color):
    """A BMP of one pixel, version 5, with a profile."""
    head = struct.pack("<IiiHHIIiiII", 124, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(16) + b"DEBM" + bytes(48)
    head += struct.pack("<IIII", 0, 124 + 4, len(profile), 0)
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + 124 + 4 + len(profile), 0, 0, 14 + 124)
        + head
        + bytes((*color[::-1], 0))
        + profile
    )


def bmp(rows, levels, bits=8):
    """A BMP with a palette of grays. rows: the bytes of each row, from below."""
    palette = b"".join(bytes((level, level, level, 0)) for level in levels)
    head = struct.pack("<IiiHHIIiiII", 40, 3, 2, 1, bits, 0, 8, 0, 0, len(levels), 0)
    data = b"".join(row.ljust(4, b"\0") for row in rows)
    return b"BM" + struct.pack("<IHHI", 62 + len(palette), 0, 0, 54 + len(palette)) + head + palette + data


def lab_tiff(light, a, b):
    return saved(Image.new("LAB", (4, 4), (light, a, b)), "TIFF")


def wide(top, depth):
    """RGB with 16 bits per channel, of which the lower are used."""
    values = np.zeros((4, 4, 3), int)
    values[..., 0] = top
    return png(values, depth, color_type=2)


IMAGES = {
    "8-bit RGB or gray": {
        "PNG": (one("PNG"), COLOR),
        "JPEG": (one("JPEG", quality=100, subsampling=0), COLOR),
        "lossless WebP": (one("WEBP", lossless=True), COLOR),
        "BMP": (one("BMP"), COLOR),
        "TIFF": (one("TIFF"), COLOR),
        "gray": (one("PNG", 77, "L"), (77, 77, 77)),
    },
    "an ICC profile": {
        "PNG": (one("PNG", P3_RED, icc_profile=P3), (255, 0, 0)),
        "JPEG": (one("JPEG", ADOBE_RED, quality=100, subsampling=0, icc_profile=ADOBE), (255, 0, 0)),
        "WebP": (one("WEBP", P3_RED, lossless=True, icc_profile=P3), (255, 0, 0)),
        "TIFF": (one("TIFF", ADOBE_RED, icc_profile=ADOBE), (255, 0, 0)),
        "BMP": (bmp5(P3, P3_RED), (255, 0, 0)),
        "sRGB": (one("PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()), COLOR),
        "gray": (one("PNG", 55, "L", icc_profile=gray_profile(1)), (128, 128, 128)),
        "gray of an RGB profile": (
            one("PNG", 55, "L", icc_profile=matrix_profile(PRIMARIES[9], power_curve(1))),
            (128,) * 3,
        ),
        "gray, 16 bits": (one("PNG", 55 * 257, "I;16", icc_profile=gray_profile(1)), (128, 128, 128)),
        "gray and alpha": (one("PNG", (55, 255), "LA", icc_profile=gray_profile(1)), (128, 128, 128)),
        "palette": (saved(rgb(P3_RED).quantize(4), icc_profile=P3), (255, 0, 0)),
        "RGB and alpha": (one("PNG", (*P3_RED, 255), "RGBA", icc_profile=P3), (255, 0, 0)),
        "CMYK JPEG": (one("JPEG", (255, 0, 0, 0), "CMYK", quality=100, icc_profile=INKS), CYAN),
        "CMYK TIFF": (one("TIFF", (0, 255, 0, 0), "CMYK", icc_profile=INKS), MAGENTA),
    },
    "PNG with `gAMA`, `cHRM`, `sRGB` or `cICP`": {
        "linear": (with_chunks(one("PNG", (55, 13, 127)), gamma(1)), (128, 63, 187)),
        "gamma 1.8": (with_chunks(one("PNG", (110, 60, 190)), gamma(1 / 1.8)), (128, 78, 200)),
        "linear, 16 bits": (with_chunks(png([[65535, 131]], 16), gamma(1)), (6, 6, 6)),
        "gamma and primaries": (with_chunks(one("PNG", P3_RED), gamma(0.45455), chromaticities(12)), (255, 0, 0)),
        "primaries": (with_chunks(one("PNG", P3_RED), chromaticities(12)), (255, 0, 0)),
        "as written for sRGB": (with_chunks(one("PNG"), gamma(0.45455), chromaticities(1)), COLOR),
        "sRGB wins": (with_chunks(one("PNG"), gamma(1), (b"sRGB", b"\0")), COLOR),
        "codes of P3": (with_chunks(one("PNG", P3_RED), (b"cICP", bytes((12, 13, 0, 1)))), (255, 0, 0)),
        "codes win": (
            with_chunks(one("PNG", (55, 55, 55), icc_profile=P3), (b"cICP", bytes((1, 8, 0, 1)))),
            (128,) * 3,
        ),
        "text named gamma": (with_chunks(one("PNG"), (b"tEXt", b"gamma\0" + b"1.0")), COLOR),
    },
    "a damaged profile, or one for other pixels": {
        "zeros": (one("PNG", icc_profile=bytes(300)), "profile"),
        "cut": (one("JPEG", quality=100, subsampling=0, icc_profile=P3[:200]), "profile"),
        "gray for RGB": (one("PNG", icc_profile=gray_profile(1)), "profile"),
        "CMYK for RGB": (one("WEBP", lossless=True, icc_profile=INKS), "profile"),
        "primaries of no color": (with_chunks(one("PNG"), (b"cHRM", bytes(32))), "profile"),
    },
    "PNG with high dynamic range (PQ, HLG)": {
        name: (with_chunks(one("PNG"), (b"cICP", bytes((9, code, 0, 1)))), r"codes \(9, 1.*save it as sRGB")
        for name, code in (("PQ", 16), ("HLG", 18))
    },
    "CMYK, Lab": {
        "CMYK": (one("TIFF", (0, 255, 255, 0), "CMYK"), (255, 0, 0)),
        "CMYK JPEG": (one("JPEG", (0, 255, 255, 0), "CMYK", quality=100), (255, 0, 0)),
        "Lab": (lab_tiff(179, 138, 148), (199, 165, 136)),
        "white of Lab": (lab_tiff(255, 128, 128), (255, 255, 255)),
    },
    "1, 2 or 4-bit gray; palette": {
        "1": (png([[1]], 1), (255, 255, 255)),
        "2": (png([[2]], 2), (170, 170, 170)),
        "4": (png([[5]], 4), (85, 85, 85)),
        "palette": (png([[3]], 2, 3, bytes(9) + bytes(COLOR)), COLOR),
        "BMP, black and white, 8 bits": (bmp([b"\0\0\0", b"\0\0\1"], [0, 255]), (255, 255, 255)),
        "BMP, dark grays, 4 bits": (bmp([b"\0\0", b"\x56\x70"], range(16), 4), (7, 7, 7)),
    },
    "12-bit TIFF, 16 bits per channel": {
        "gray PNG": (one("PNG", 200 * 257, "I;16"), (200, 200, 200)),
        "gray TIFF": (one("TIFF", 200 * 257, "I;16"), (200, 200, 200)),
        "gray TIFF where zero is white": (tiff(struct.pack("<H", 55 * 257), 1, 1, 16, photometric=0), (200, 200, 200)),
        "RGB": (png(np.full((4, 4, 3), COLOR) * 257, 16, color_type=2), COLOR),
        "12-bit TIFF": (tiff(bytes((0xC8, 0xCC, 0x8C)), 1, 2, 12), (200, 200, 200)),
    },
    "10, 12 or 14-bit values in 16 bits, not scaled": {
        "10": (saved(ramp16(1023)), "holds 10-bit values in 16 bits"),
        "12": (saved(ramp16(4095), "TIFF"), "holds 12-bit values in 16 bits"),
        "14": (saved(ramp16(16383)), "holds 14-bit values in 16 bits"),
        "12, RGB": (wide(4095, 16), "holds 12-bit values in 16 bits"),
        "8, RGB": (wide(200, 16), "holds 8-bit values in 16 bits"),
    },
    "signed, 32-bit or floating-point numbers": {
        "int16": (tiff(struct.pack("<h", 9000), 1, 1, 16, sample_format=2), "holds signed 16-bit integers"),
        "int8": (tiff(b"\x09", 1, 1, 8, sample_format=2), "holds signed 8-bit integers"),
        "int32": (one("TIFF", 70_000, "I"), "holds signed 32-bit integers"),
        "uint32": (tiff(struct.pack("<I", 2**32 - 1), 1, 1, 32), "holds 32-bit integers"),
        "uint64": (tiff(bytes(8), 1, 1, 64), "holds 64-bit integers in 1 channel"),
        "float16": (tiff(bytes(2), 1, 1, 16, sample_format=3), "holds 16-bit floating-point numbers in 1 channel"),
        "float": (one("TIFF", 0.5, "F"), "holds floating-point numbers"),
    },
    "transparency": {
        "RGBA": (one("PNG", (255, 0, 0, 0), "RGBA"), (255, 255, 255)),
        "half": (one("PNG", (255, 0, 0, 128), "RGBA"), (255, 127, 127)),
        "LA": (one("PNG", (0, 0), "LA"), (255, 255, 255)),
        "palette": (one("PNG", 0, "P", transparency=0), (255, 255, 255)),
        "color key": (one("PNG", COLOR, transparency=COLOR), (255, 255, 255)),
        "gray key, 16 bits": (
            with_chunks(one("PNG", 51_400, "I;16"), (b"tRNS", struct.pack(">H", 51_400))),
            (255,) * 3,
        ),
        "gray key, 2 bits": (with_chunks(png([[1]], 2), (b"tRNS", b"\0\1")), (255, 255, 255)),
        "gray key, 4 bits": (with_chunks(png([[7]], 4), (b"tRNS", b"\0\7")), (255, 255, 255)),
        "another gray key": (with_chunks(png([[7]], 4), (b"tRNS", b"\0\5")), (119, 119, 119)),
        "WebP": (one("WEBP", (255, 0, 0, 0), "RGBA"), (255, 255, 255)),
    },
    "EXIF orientation": {
        "PNG": (saved(Image.new("RGB", (6, 4), COLOR), exif=oriented(6)), (6, 4)),
        "JPEG": (saved(Image.new("RGB", (6, 4)), "JPEG", exif=oriented(8)), (6, 4)),
        "TIFF": (saved(Image.new("RGB", (6, 4)), "TIFF", exif=oriented(5)), (6, 4)),
        "WebP": (saved(Image.new("RGB", (6, 4)), "WEBP", exif=oriented(7)), (6, 4)),
    },
    "PNG with text or a profile over 1 MB": {
        "zTXt": (with_chunks(one("PNG"), text(b"zTXt", 2_000_000)), COLOR),
        "iTXt": (with_chunks(one("PNG"), (b"iTXt", b"Comment\0\1\0\0\0" + text(b"zTXt", 2_000_000)[1][9:])), COLOR),
        "tEXt": (with_chunks(one("PNG"), *[(b"tEXt", b"Comment\0" + b"x" * 9_000_000)] * 8), COLOR),
        "after the pixels": (with_chunks(one("PNG"), text(b"zTXt", 2_000_000), at_end=True), COLOR),
        "profile": (one("PNG", P3_RED, icc_profile=P3 + bytes(1_500_000)), (255, 0, 0)),
        "damaged profile": (one("PNG", icc_profile=DAMAGED), "profile"),
    },
    "several pages or frames": {
        form: (one(form, save_all=True, append_images=[rgb((0, 0, 0))], **options), COLOR)
        for form, options in (("TIFF", {}), ("PNG", {}), ("WEBP", {"lossless": True}))
    },
    "over 67 million pixels or 65,536 in a row or column": {
        "pixels": (saved(Image.new("1", (9000, 8000))), "over the limit of 67,108,864; scale it down"),
        "row": (saved(Image.new("1", (70_000, 1))), "a side has 65,536 at most"),
    },
    "damaged, truncated, empty, or another format": {
        "empty": (b"", "is not an image that can be read"),
        "text": (b"hello", "is not an image that can be read"),
        "GIF": (one("GIF"), "is not an image that can be read"),
        "truncated": (saved(Image.effect_noise((64, 64), 9))[:2000], "damaged or not an image"),
    },
}

NUMBERS = np.array([[0, 1, 2], [3, 3, 0]], np.uint8)
GRAY = Image.fromarray(NUMBERS)
ORDER = [2, 0, 3, 1]  # stored number of each class


@pytest.fixture
def put(tmp_path):
    """(image, labels) -> a folder of one pair in the plain layout."""

    def put(image, labels=None):
        for part, data in (("images", image), ("labels", labels)):
            if data is not None:
                (tmp_path / part).mkdir(exist_ok=True)
                (tmp_path / part / "x.png").write_bytes(data)
        return tmp_path

    return put


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, files in IMAGES.items() for name in files])
def test_image_files(row, name, put):
    data, expected = IMAGES[row][name]
    root, stated = put(data), IMAGE_ROWS[row]
    file = root / "images" / "x.png"
    warnings = PictureSource(root).warnings()
    if stated.startswith("refused"):
        with pytest.raises(UserError, match=expected) as caught:
            read_image(file)
        assert str(caught.value).startswith(f"{file}: ") and "; " in str(caught.value) and "\n" not in str(caught.value)
        return
    pixels = read_image(file)
    if expected == "profile":
        assert len(warnings) == 1 and warnings[0].startswith(f"{file} (1 of 1 examined): the color profile is damaged")
        assert "with a warning" in stated or name == "damaged profile"
        expected = COLOR
    else:
        assert not warnings
    if len(expected) == 2:
        assert pixels.shape == (3, *expected)
    else:
        assert np.abs(pixels[:, 0, -1].astype(int) - expected).max() <= 2, pixels[:, 0, 0]


CLASS_COLORS = np.array(COLORS, np.uint8)
COLORS_BYTES = CLASS_COLORS.tobytes()
IN_COLOR = Image.fromarray(CLASS_COLORS[NUMBERS])


def tiff8():
    """A palette TIFF, colors reversed, that has 8 bits of each color where there should be 16."""
    picture = palette([3, 2, 1, 0])
    file = saved(Image.open(BytesIO(picture)), "TIFF")
    with Image.open(BytesIO(file)) as opened:
        colors = opened.tag_v2[320]
    pack = struct.Struct(f"<{len(colors)}H").pack
    return file.replace(pack(*colors), pack(*(color >> 8 for color in colors)))


def palette(order=range(4), colors=None, **options):
    """A palette PNG of NUMBERS. order: the class of each index; colors: of the indices, instead of these classes'."""
    order = list(order)
    indices = np.argsort(order).astype(np.uint8)[NUMBERS] if colors is None else NUMBERS
    entries = CLASS_COLORS[order] if colors is None else np.array(colors, np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette(entries.tobytes())
    return saved(picture, **options)


def gray(dtype, photometric=1, sample_format=1):
    bits = 8 * np.dtype(dtype).itemsize
    return tiff(NUMBERS.astype(dtype).tobytes(), 2, 3, bits, photometric, sample_format)


OTHERS = [(9, 9, 0), (30, 60, 90), (128, 0, 0), (0, 0, 128)]
LABELS = {
    "gray with 1 to 32 bits, signed or not": {
        "1": (png(NUMBERS // 2, 1), NUMBERS // 2),
        "2": (png(NUMBERS, 2), NUMBERS),
        "4": (png(NUMBERS, 4), NUMBERS),
        "8": (saved(GRAY), NUMBERS),
        "16": (saved(GRAY.convert("I;16")), NUMBERS),
        "4-bit TIFF": (tiff(bytes((0x01, 0x20, 0x33, 0x00)), 2, 3, 4), NUMBERS),
        "int8": (gray("<i1", sample_format=2), NUMBERS),
        "int16": (gray("<i2", sample_format=2), NUMBERS),
        "uint16": (gray("<u2"), NUMBERS),
        "int32": (gray("<i4", sample_format=2), NUMBERS),
        "uint32": (gray("<u4"), NUMBERS),
        "with a color profile": (saved(GRAY, icc_profile=gray_profile(1)), NUMBERS),
    },
    "RGB": {
        "PNG": (saved(IN_COLOR), NUMBERS),
        "lossless WebP": (saved(IN_COLOR, "WEBP", lossless=True), NUMBERS),
        "TIFF": (saved(IN_COLOR, "TIFF", compression="tiff_lzw"), NUMBERS),
        "with a color profile": (with_chunks(saved(IN_COLOR, icc_profile=P3), gamma(1)), NUMBERS),
    },
    "palette with the classes' colors in any order": {
        "in order": (palette(), NUMBERS),
        "reversed": (palette([3, 2, 1, 0]), NUMBERS, "the palette holds the classes' colors in another order"),
        "rotated": (palette([1, 2, 3, 0]), NUMBERS, "another order"),
        "beyond the class count": (
            png(NUMBERS + 9, 8, 3, bytes(27) + CLASS_COLORS[::-1].tobytes()),
            3 - NUMBERS,
            "another order",
        ),
        "Pillow": (saved(IN_COLOR.quantize(4)), NUMBERS, None),
        "2 bits": (palette([3, 2, 1, 0], bits=2), NUMBERS, "another order"),
        "padded": (png(3 - NUMBERS, 8, 3, CLASS_COLORS[::-1].tobytes() + bytes(3 * 252)), NUMBERS, "another order"),
        "TIFF with 8-bit colors": (tiff8(), NUMBERS, "another order"),
        "unused colors": (png(3 - NUMBERS, 8, 3, CLASS_COLORS[[3, 2, 1, 0] * 9].tobytes()), NUMBERS, "another order"),
        "only some classes": (png([[1, 0]], 8, 3, CLASS_COLORS[[3, 1]].tobytes()), [[1, 3]], "another order"),
        "one color twice, one index no class": (
            png([[0, 1, 4], [2, 3, 1]], 8, 3, CLASS_COLORS[[0, 1, 2, 3, 1]].tobytes()),
            [[0, 1, 1], [2, 3, 1]],
            "another order",
        ),
    },
    "palette with other colors": {
        "others": (palette(colors=OTHERS), NUMBERS, "the indices decide"),
        "gray ramp": (saved(GRAY.convert("P")), NUMBERS, "the indices decide"),
        "all black": (palette(colors=[(0, 0, 0)] * 4), NUMBERS, "the indices decide"),
        "background in its color": (palette(colors=[COLORS[0], *OTHERS[1:]]), NUMBERS, "the indices decide"),
        "BMP, black and white, 8 bits": (
            bmp([b"\0\1\0", b"\1\0\0"], [0, 255]),
            [[1, 0, 0], [0, 1, 0]],
            "the indices decide",
        ),
        "BMP, dark grays, 4 bits": (bmp([b"\x33\0", b"\x01\x20"], range(16), 4), NUMBERS, "the indices decide"),
        "red ramp": (palette(colors=[(level, 0, 0) for level in range(4)]), NUMBERS, "the indices decide"),
        "one color close to another class's": (
            palette(colors=[COLORS[0], (23, 180, 60), *OTHERS[2:]]),
            NUMBERS,
            "the indices decide",
        ),
    },
    "palette where colors and indices disagree in part, or with colors close to the classes'": {
        "one class elsewhere": (
            palette(colors=[COLORS[1], *OTHERS[1:]]),
            "by color, 0 = house, .*; by index, 0 = ground,",
        ),
        "an index in the padding": (
            png([[3, 2, 1], [0, 0, 77]], 8, 3, CLASS_COLORS[::-1].tobytes() + bytes(3 * 252)),
            "disagree",
        ),
        "one color of no class": (
            palette(colors=[COLORS[2], COLORS[1], COLORS[0], (9, 9, 9)]),
            r"3 = no class, \(9, 9, 9\)",
        ),
        "nearly the classes' colors": (palette(colors=CLASS_COLORS[::-1] // 2 * 2 + 1), "disagree"),
        "nearly, but for one": (palette(colors=[*CLASS_COLORS[:0:-1] // 2 * 2 + 1, (90, 90, 90)]), "disagree"),
        "nearly, two merged": (palette(colors=CLASS_COLORS[[3, 2, 0, 0]] // 2 * 2 + 1), "disagree"),
        "one color twice": (palette(colors=[COLORS[0], COLORS[1], COLORS[1], COLORS[2]]), "disagree"),
    },
    "transparency": {
        "RGBA": (
            saved(Image.merge("RGBA", [*IN_COLOR.split(), Image.new("L", (3, 2), 0)])),
            NUMBERS,
            "are transparent",
        ),
        "gray and alpha": (saved(Image.merge("LA", [GRAY, GRAY])), NUMBERS, "are transparent"),
        "gray key, 2 bits": (with_chunks(png(NUMBERS, 2), (b"tRNS", b"\0\1")), NUMBERS, "are transparent"),
        "palette": (palette(transparency=1), NUMBERS, "are transparent"),
        "opaque": (saved(IN_COLOR.convert("RGBA")), NUMBERS),
    },
    "JPEG, lossy WebP, TIFF with JPEG compression, under any name": {
        "JPEG": (saved(GRAY, "JPEG", quality=100), "is compressed as JPEG"),
        "MPO": (saved(IN_COLOR, "MPO", save_all=True, append_images=[IN_COLOR]), "is compressed as JPEG"),
        "WebP": (saved(IN_COLOR, "WEBP"), "is compressed as lossy WebP"),
        "WebP and alpha": (saved(IN_COLOR.convert("RGBA").rotate(1), "WEBP"), "is compressed as lossy WebP"),
        "TIFF, JPEG": (saved(GRAY, "TIFF", compression="jpeg"), "is compressed as TIFF with JPEG"),
        "TIFF, JPEG, RGB": (saved(IN_COLOR, "TIFF", compression="jpeg"), "is compressed as TIFF with JPEG"),
    },
    "TIFF where zero is white; 16 bits per channel of RGB; floating-point numbers; CMYK": {
        "float64": (tiff(bytes(48), 2, 3, 64, sample_format=3), "holds 64-bit floating-point numbers in 1 channel"),
        "zero is white": (gray("<u1", photometric=0), "is a TIFF where zero is white"),
        "1 bit, zero is white": (tiff(b"\0\0", 2, 3, 1, photometric=0), "is a TIFF where zero is white"),
        "16-bit RGB": (png(CLASS_COLORS[NUMBERS], 16, 2), "has 16 bits per channel"),
        "float": (saved(GRAY.convert("F"), "TIFF"), "holds floating-point numbers"),
        "CMYK": (saved(Image.new("CMYK", (3, 2)), "TIFF"), "is a CMYK image"),
    },
    "an index or a color that is no class": {
        "8 bits": (saved(Image.new("L", (3, 2), 4)), r"label values outside the vocabulary \(4\) in 6 of 6 pixels"),
        "4 bits": (png([[5, 0]], 4), r"outside the vocabulary \(5\)"),
        "16 bits": (saved(Image.new("I;16", (3, 2), 900)), r"outside the vocabulary \(900\) in 6 of 6 pixels"),
        "negative": (saved(Image.new("I", (3, 2), -3), "TIFF"), r"outside the vocabulary \(-3\) in 6 of 6 pixels"),
        "uint32": (tiff(struct.pack("<I", 2**32 - 1), 1, 1, 32), r"outside the vocabulary \(4294967295\)"),
        "palette, in its padding": (
            png([[1, 2, 255]], 8, 3, CLASS_COLORS.tobytes() + bytes(3 * 252)),
            r"outside the vocabulary \(255\)",
        ),
        "palette": (png([[7]], 8, 3, bytes(range(30))), r"outside the vocabulary \(7\)"),
        "RGB": (
            saved(Image.new("RGB", (3, 2), (1, 2, 3))),
            r"no class of domain 'town', \(1, 2, 3\), in 6 of 6 pixels",
        ),
    },
    "another size than the image": {
        "smaller": (saved(Image.new("L", (6, 4))), r"is 4 x 6 but its image is 2 x 3 \(height x width\)"),
        "turned": (saved(Image.new("L", (2, 3))), "is 3 x 2 but its image is 2 x 3"),
    },
}


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, files in LABELS.items() for name in files])
def test_label_files(row, name, put, spec):
    data, expected, *warning = LABELS[row][name]
    shape = np.shape(expected) if not isinstance(expected, str) else (2, 3)
    root = put(saved(Image.new("RGB", shape[::-1])), data)
    source, file = FolderSource(root, spec), root / "labels" / "x.png"
    if isinstance(expected, str):
        with pytest.raises(UserError, match=expected) as caught:
            source[0]
        assert LABEL_ROWS[row] == "refused"
        assert str(caught.value).startswith(f"{file}: ") and "; " in str(caught.value) and "\n" not in str(caught.value)
        return
    np.testing.assert_array_equal(check_sample(source[0], 4).labels, expected)
    np.testing.assert_array_equal(read_labels(file, spec), expected)
    if warning != [None]:
        (warned,) = source.warnings() or [""]
        assert warning[0] in warned if warning else not warned
        assert not warning or warned.startswith(f"{file} (1 of 1 examined): ")


TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # EXIF orientation -> what undoes it, as Image.Transpose
SCENE = np.arange(24, dtype=np.uint8).reshape(4, 6) % 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("labelled", ["upright", "like the photo", "with an orientation"])
@pytest.mark.parametrize("size", [(4, 6), (4, 4)])
def test_labels_of_a_turned_photo(orientation, labelled, size, put, spec):
    scene = SCENE[: size[0], : size[1]]
    turned = Image.fromarray(scene)
    if orientation > 1:
        turned = turned.transpose(Image.Transpose(TURNS[orientation]))
    photo = saved(Image.fromarray(np.asarray(turned) * 60).convert("RGB"), exif=oriented(orientation))
    labels = {"upright": saved(Image.fromarray(scene)), "like the photo": saved(turned)}.get(labelled)
    source = FolderSource(put(photo, labels or saved(turned, exif=oriented(orientation))), spec)
    quarter, certain = orientation > 4, labelled == "with an orientation" or orientation == 1
    read, warnings = source[0], source.warnings()
    np.testing.assert_array_equal(read.image[0], scene * 60)
    if certain or labelled == "upright" or (quarter and size == (4, 6)):
        np.testing.assert_array_equal(read.labels, scene)
    told = not certain and not (quarter and size == (4, 6))
    assert [line.split(";")[0].split(": ")[1][:16] for line in warnings] == ["EXIF turns this "] * told


@pytest.mark.parametrize("place", ["before the pixels", "after the pixels", "XMP", "raw profile"])
def test_orientation_of_a_square_png_is_found_anywhere(place, put, spec):
    exif = oriented(6).tobytes().removeprefix(b"Exif\0\0")
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<rdf:Description tiff:Orientation="6"/>'
    raw = b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(exif) + 6, (b"Exif\0\0" + exif).hex().encode())
    part = {"XMP": (b"iTXt", xmp), "raw profile": (b"tEXt", raw)}.get(place, (b"eXIf", exif))
    photo = with_chunks(
        saved(Image.fromarray(SCENE[:, :4] * 60).convert("RGB")), part, at_end=place.startswith("after")
    )
    source = FolderSource(put(photo, saved(Image.fromarray(SCENE[:, :4]))), spec)
    np.testing.assert_array_equal(source[0].image[0], np.rot90(SCENE[:, :4], -1) * 60)
    (line,) = source.warnings()
    assert "EXIF turns this photo" in line
    assert line.endswith("if the two do not match, remove the photo's EXIF orientation or turn the labels")


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_photo_with_polygons_is_named_if_exif_turns_it(orientation, put):
    file = put(saved(Image.new("RGB", (6, 4)), "JPEG", exif=oriented(orientation))) / "images" / "x.png"
    assert [line.split(" turns")[0] for line in photo_warnings([file])] == [f"{file} (1 of 1 examined): EXIF"] * (
        orientation > 1
    )
    assert not photo_warnings([file], labelled=False)


def test_prepare_says_once_how_palettes_are_read(put, spec, tmp_path, caplog):
    root = put(saved(Image.new("RGB", (3, 2))), palette([3, 2, 1, 0]))
    packed = prepare(DomainPlugin(spec), DataConfig(root=str(root), height=2, width=3), tmp_path / "packed")
    np.testing.assert_array_equal(np.load(packed / "labels.npy")[0], NUMBERS)
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith(f"warning: {root}/labels/x.png (1 of 1 examined): the palette holds the classes' colors")


def test_every_row_is_tested():
    assert IMAGE_ROWS.keys() == IMAGES.keys()
    turned = [row for row in LABEL_ROWS if "EXIF orientation, and labels" in row or row.startswith("the same, ")]
    assert len(turned) == 2 and LABEL_ROWS.keys() == {*LABELS, *turned}  # the two are tested above
