"""Changes that know images. See changes.py."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path
from random import Random

from PIL import Image

from benchmarks.hostile.changes import CANARY, FORMATS, home_of

COLOR_TYPES = {0: 1, 2: 3, 6: 4}
"""Of a PNG: grey, colours and colours with transparency, and their bytes a pixel."""


def claim_a_size(path: Path, random: Random) -> None:
    """A PNG whose header claims many pixels, with a right checksum."""
    sides = (0, 1, 8192, 8193, 60_000, 2**20, 2**31 - 1, 2**32 - 1)
    header = struct.pack(">IIBBBBB", random.choice(sides), random.choice(sides), random.choice((1, 8, 16)),
                         random.choice((0, 2, 3, 6)), 0, 0, random.choice((0, 1)))  # fmt: skip
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 1000)))


def explode(path: Path, random: Random) -> None:
    """A small file of many pixels: below and above the limit."""
    sides = random.choice(((8192, 8192), (8193, 8192), (20_000, 20_000), (1, 2**26), (2**26, 1), (2**16, 2**10)))
    color_type = random.choice(list(COLOR_TYPES))
    path.write_bytes(_bomb(*sides, color_type if sides[0] * sides[1] <= 2**26 else 0))


@cache
def _bomb(width: int, height: int, color_type: int) -> bytes:
    rows, packer = bytes(1 + width * COLOR_TYPES[color_type]), zlib.compressobj(1)
    content = b"".join(packer.compress(rows) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")


def add_a_long_text(path: Path, random: Random) -> None:
    """A PNG with a compressed comment of a gigabyte."""
    text = b"note\0\0" + _zeros(2**30)
    pixels = zlib.compress(b"\0" * (16 * 49))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header), _chunk(b"zTXt", text), _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


@cache
def _zeros(count: int) -> bytes:
    packer, piece = zlib.compressobj(9), bytes(2**24)
    return b"".join(packer.compress(piece) for _ in range(count // len(piece))) + packer.flush()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def make_odd(path: Path, random: Random) -> None:
    """A valid image of another size, form or kind than its neighbours, whatever its name says."""
    size = random.choice(((16, 16), (1, 1), (1, 4000), (16, 15), (300, 200)))
    mode, kind = random.choice((
        ("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("I", "TIFF"),
        ("F", "TIFF"), ("CMYK", "TIFF"), ("LAB", "TIFF"), ("YCbCr", "JPEG"), ("CMYK", "JPEG"), ("RGB", "GIF"),
        ("RGB", "PPM"), ("RGB", "ICO"), ("RGB", "PCX"), ("RGB", "TGA"), ("RGB", "EPS"), ("RGB", "PDF"),
    ))  # fmt: skip
    Image.new(mode, size).save(path, kind)


def make_postscript(path: Path, random: Random) -> None:
    """What an image library may hand to an interpreter."""
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n"
        b"(" + str(home_of(path) / CANARY).encode() + b") (w) file closefile\nshowpage\n%%EOF\n"
    )


IMAGES = (claim_a_size, claim_a_size, explode, explode, add_a_long_text, make_odd, make_odd, make_odd, make_postscript)
FORMATS.update(dict.fromkeys((".png", ".jpg", ".webp", ".bmp", ".tif"), IMAGES))
