"""Writers of picture files that Pillow does not write: profiles, chunks of PNG, bit depths."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def saved(picture, form="PNG", **options):
    """The bytes of a picture in a format."""
    file = BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def oriented(orientation):
    """EXIF data with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def chunk(kind, data):
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png, *chunks, at_end=False):
    """A PNG with further chunks, before the pixels or after them."""
    place = len(png) - 12 if at_end else 33
    return png[:place] + b"".join(chunk(*each) for each in chunks) + png[place:]


def png(values, depth, color_type=0, palette=b""):
    """A PNG of integers (H, W) or (H, W, channels) with 1 to 16 bits per channel."""
    values = np.asarray(values)
    height, width = values.shape[:2]
    bits = np.unpackbits(values.reshape(height, -1).astype(">u2")[..., None].view(np.uint8), axis=-1)[..., -depth:]
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits.reshape(height, -1))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))]
    chunks += [(b"PLTE", palette)] if palette else []
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def tiff(data, height, width, bits, photometric=1, sample_format=1, channels=1):
    """An uncompressed little-endian TIFF of the bytes of its pixels."""
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, photometric)]
    tags += [
        (273, 4, 1, 0),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
        (339, 3, 1, sample_format),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    tags = [(*tag[:3], start if tag[0] == 273 else tag[3]) for tag in tags]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + data


def icc(space, pcs, tags):
    """An ICC profile. space, pcs: four letters; tags: content by name."""
    places, body, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        places += struct.pack(">4sII", name, start + len(body), len(content))
        body += content
    white = (np.array([0.9642, 1, 0.8249]) * 65536).astype(">i4").tobytes()
    head = struct.pack(">II4s4s4s12x4s28x12s48x", 0, 0x02400000, b"prtr", space, pcs, b"acsp", white)
    return struct.pack(">I", start + len(body)) + head + struct.pack(">I", len(tags)) + places + body


def gray_profile(gamma):
    """A profile of gray pixels."""
    white = b"XYZ \0\0\0\0" + (np.array([0.9642, 1, 0.8249]) * 65536).astype(">i4").tobytes()
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    return icc(b"GRAY", b"XYZ ", {b"wtpt": white, b"kTRC": curve})


def cmyk_profile(inks):
    """A profile of CMYK pixels. inks: the Lab color of full ink, by its bits cmyk; all others are black."""
    corners = [inks.get(number, (0, 0, 0)) for number in range(16)]
    lab = b"".join(bytes((round(light * 2.55), a + 128, b + 128)) for light, a, b in corners)
    identity, ramp = (np.eye(3).ravel() * 65536).astype(">i4").tobytes(), bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + lab + ramp * 3
    white = b"XYZ \0\0\0\0" + (np.array([0.9642, 1, 0.8249]) * 65536).astype(">i4").tobytes()
    return icc(b"CMYK", b"Lab ", {b"wtpt": white, b"A2B0": table})
