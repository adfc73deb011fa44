"""Parts of picture files that Pillow does not read, or refuses to."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, ImagePalette, TiffImagePlugin

from composegan.io.guarded import UnreadableError, check_file

FILE, PROFILE = 2**30, 2**24
"""Largest PNG with long text, and largest color profile, bytes."""

TEXT = (b"tEXt", b"zTXt", b"iTXt")

LOSSLESS = ("raw", "tiff_ccitt", "group3", "group4", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "tiff_raw_16",
            "packbits", "lzma", "zstd")  # fmt: skip
"""Pillow's names for the compressions of a TIFF that keep every value."""


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, length of its data) of each chunk, from the start of a PNG; the caller may move the file."""
    place = 8
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, place + 8, length
        place += 12 + length


def lossy_compression(picture: Image.Image) -> str:
    """The compression of a picture that is opened but not decoded, if it changes values; else ""."""
    if picture.format in ("JPEG", "MPO"):
        return "JPEG"
    if picture.format == "TIFF":
        name = str(picture.info.get("compression", "raw"))
        return "" if name in LOSSLESS else f"TIFF with {name.removeprefix('tiff_').upper()}"
    file = getattr(picture, "fp", None)
    return "lossy WebP" if picture.format == "WEBP" and file and not _is_lossless_webp(file) else ""


def _is_lossless_webp(file: IO[bytes]) -> bool:
    """Whether the first picture of a WebP is in the lossless form, VP8L."""
    place = 12
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[:4] in (b"VP8 ", b"VP8L"):
            return head[:4] == b"VP8L"
        length = int.from_bytes(head[4:], "little")
        place += 8 + (16 if head[:4] == b"ANMF" else length + length % 2)


def scale_of(form: str) -> int:
    """By how much Pillow multiplies gray values of 2 or 4 bits. form: its name for the form of the pixels."""
    return {"2": 85, "4": 17}.get(form.partition(";")[2][:1], 1)


def bmp_profile(picture: ImageFile.ImageFile) -> bytes | None:
    """The color profile embedded in a BMP (version 5) that is not decoded yet; also applies `repair_gray`."""
    with _file_of(picture) as file:
        file.seek(14)
        header = file.read(124)
        repair_gray(picture, header[10 if header[0] == 12 else 14])
        if len(header) < 124 or header[0] < 124 or header[56:60] != b"DEBM":  # "MBED", embedded
            return None
        start, length = struct.unpack("<II", header[112:120])
        file.seek(14 + start)
        return file.read(min(length, PROFILE))


def repair_gray(picture: ImageFile.ImageFile, bits: int) -> None:
    """Make a BMP of 4 or 8 bits with a short palette of grays a palette picture: Pillow takes it for one of 1 or 8."""
    if bits == {"1": 1, "L": 8}.get(picture.mode, bits):
        return
    grays = (0, 255) if picture.mode == "1" else range(2**bits)
    picture._mode = "P"
    picture.palette = ImagePalette.raw("RGB", bytes(level for level in grays for _ in "RGB"))
    form = "P;4" if bits == 4 else "P"
    picture.tile = [tile._replace(args=(form, *(tile.args or ())[1:])) for tile in picture.tile]


def mend_colors(picture: ImageFile.ImageFile, colors: Sequence[int]) -> None:
    """Give a palette TIFF the colors that its tag has with 8 bits, as some programs write them; 16 are right."""
    if picture.mode == "P" and 0 < max(colors, default=0) < 256:
        picture.palette = ImagePalette.raw("RGB;L", bytes(colors))


def color_codes(picture: ImageFile.ImageFile) -> tuple[int, ...] | None:
    """The chunk cICP of a PNG that is not decoded yet: primaries, transfer, matrix, full range (ITU-T H.273)."""
    with _file_of(picture) as file:
        for kind, _, length in chunks(file):
            if kind == b"cICP" and length == 4:
                return tuple(file.read(4))
            if kind == b"IDAT":
                break
    return None


def may_have_exif(picture: ImageFile.ImageFile) -> bool:
    """Whether a PNG that is not decoded yet has a chunk that can hold EXIF data, also after the pixels."""
    with _file_of(picture) as file:
        return any(kind == b"eXIf" or kind in TEXT for kind, _, _ in chunks(file))


def refused_form(file: IO[bytes] | Path) -> str:
    """The numbers of a TIFF that Pillow does not read, such as `holds 64-bit floating-point numbers`; "" if unknown."""
    try:
        with file.open("rb") if isinstance(file, Path) else BytesIO() as opened:
            tags = TiffImagePlugin.ImageFileDirectory_v2(opened.read(8))
            opened.seek(tags.next)
            tags.load(opened)
        kind = {1: "integers", 2: "signed integers", 3: "floating-point numbers"}[tags.get(339, (1,))[0]]
        return f"holds {int(tags[258][0])}-bit {kind} in {len(tags[258])} channel{'s' * (len(tags[258]) > 1)}"
    except Exception:  # damaged, or no TIFF
        return ""


def without_text(path: Path) -> tuple[BytesIO, bytes | None]:
    """A PNG without its text and color profile, and the profile: Pillow limits both to 1 MB.

    Raises UnreadableError for a file over FILE bytes or a profile over PROFILE bytes, and zlib.error.
    """
    check_file(path, FILE)
    profile = None
    with path.open("rb") as file:
        kept = BytesIO()
        kept.write(file.read(8))
        for kind, start, length in chunks(file):
            if kind == b"iCCP":
                profile = _profile(file.read(length))
            elif kind not in TEXT:
                file.seek(start - 8)
                kept.write(file.read(length + 12))
    kept.seek(0)
    return kept, profile


@contextmanager
def _file_of(picture: ImageFile.ImageFile) -> Iterator[IO[bytes]]:
    """The file of a picture that is not decoded yet, whose position is restored at the end."""
    file = picture.fp
    assert file
    before = file.tell()
    try:
        yield file
    finally:
        file.seek(before)


def _profile(data: bytes) -> bytes:
    """The content of the chunk iCCP: a name, a zero, the method, the compressed profile."""
    decoder = zlib.decompressobj()
    profile = decoder.decompress(data[data.index(b"\0") + 2 :], PROFILE)
    if decoder.unconsumed_tail:
        raise UnreadableError(f"its color profile has more than the limit of {PROFILE / 1e6:,.0f} MB")
    return profile
