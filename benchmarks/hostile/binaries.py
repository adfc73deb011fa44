"""Seeded changes of binary formats: images, zipped arrays, checkpoints, safetensors. See changes.py."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from argparse import Namespace
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks.hostile.changes import CANARY, PLAIN, Change, Harm, changed_data, home_of, nested, places

# --- images ---


def claim_a_size(path: Path, random: Random) -> None:
    """A PNG whose header claims many pixels that it does not have."""
    sides = (0, 1, 8192, 8193, 60_000, 2**20, 2**31 - 1, 2**32 - 1)
    header = (random.choice(sides), random.choice(sides), random.choice((1, 8, 16)), random.choice((0, 2, 3, 6)))
    path.write_bytes(_png(*header, zlib.compress(b"\0" * 1000), interlace=random.choice((0, 1))))


def explode(path: Path, random: Random) -> None:
    """A small file of many pixels, below and above the limit."""
    width, height = random.choice(
        ((8192, 8192), (8193, 8192), (20_000, 20_000), (1, 2**26), (2**26, 1), (2**16, 2**10))
    )
    channels, color_type = random.choice(((1, 0), (3, 2), (4, 6))) if width * height <= 2**26 else (1, 0)
    path.write_bytes(_png(width, height, 8, color_type, _zeros(1 + width * channels, height)))


def add_a_long_text(path: Path, random: Random) -> None:
    """A PNG with a compressed comment of a gigabyte."""
    path.write_bytes(_png(16, 16, 8, 2, zlib.compress(b"\0" * (16 * 49)), ("zTXt", b"note\0\0" + _zeros(2**24, 2**6))))


def _png(width: int, height: int, bits: int, color_type: int, pixels: bytes, *more: tuple[str, bytes],
         interlace: int = 0) -> bytes:  # fmt: skip
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, interlace)
    chunks = [("IHDR", header), *more, ("IDAT", pixels), ("IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name.encode()
        + content
        + struct.pack(">I", zlib.crc32(name.encode() + content))
        for name, content in chunks
    )


@cache
def _zeros(size: int, count: int) -> bytes:
    """`size * count` zeros, compressed."""
    packer, piece = zlib.compressobj(1), bytes(size)
    return b"".join(packer.compress(piece) for _ in range(count)) + packer.flush()


def make_odd(path: Path, random: Random) -> None:
    """A valid image of another size, mode or format than the others, whatever its extension."""
    size = random.choice(((16, 16), (1, 1), (1, 4000), (16, 15), (300, 200)))
    mode, kind = random.choice((
        ("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("I", "TIFF"),
        ("F", "TIFF"), ("CMYK", "TIFF"), ("LAB", "TIFF"), ("YCbCr", "JPEG"), ("CMYK", "JPEG"), ("RGB", "GIF"),
        ("RGB", "PPM"), ("RGB", "ICO"), ("RGB", "PCX"), ("RGB", "TGA"), ("RGB", "EPS"), ("RGB", "PDF"),
    ))  # fmt: skip
    Image.new(mode, size).save(path, kind)


def make_postscript(path: Path, random: Random) -> None:
    """PostScript, which an image library may pass to an interpreter."""
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n"
        b"(" + str(home_of(path) / CANARY).encode() + b") (w) file closefile\nshowpage\n%%EOF\n"
    )


# --- zip files: npz, and what torch saves ---


def change_member(path: Path, random: Random) -> None:
    """Flip bits of a member, cut, empty, double or remove it, or fill it with noise. Its checksum is valid."""

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(random.choice((1, 1, 3, 20))):
            changed[random.randrange(min(len(data), random.choice((120, 10**9))))] ^= 1 << random.randrange(8)
        return bytes(changed)

    _rewrite(path, random, random.choice((
        flip, flip, lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data + data,
        lambda data: random.randbytes(len(data)), lambda data: None,
    )))  # fmt: skip


def expand_member(path: Path, random: Random) -> None:
    """Make a member half a gigabyte of zeros, which are a few megabytes in the file."""
    head = _array_head("'<f4'", f"({2**27},)") if path.suffix == ".npz" else b""
    _rewrite(path, random, lambda data: (head or data) + bytes(2**29), zipfile.ZIP_DEFLATED)


def _array_head(kind: str, shape: str) -> bytes:
    """The beginning of a .npy file."""
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", min(len(text), 65535)) + text.encode()


def _rewrite(path: Path, random: Random, change: Callable[[bytes], bytes | None], how: int = 0) -> None:
    """Rewrite a zip file with one member changed; None: removed."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    chosen = random.choice([name for name, data in members.items() if data])
    with zipfile.ZipFile(path, "w", how or zipfile.ZIP_STORED, compresslevel=1) as new:
        for name, data in members.items():
            content = change(data) if name == chosen else data
            if content is not None:
                new.writestr(name, content)


def change_arrays(path: Path, random: Random) -> None:
    """Arrays of other types, shapes and values, and objects, which need a pickle."""
    with np.load(path) as content:
        arrays = dict(content)
    key = random.choice((*["slots"] * 2 * ("slots" in arrays), *arrays))
    slots = arrays.get("slots", arrays[key])
    arrays[key] = random.choice((
        np.full(slots.shape, np.nan, "f4"), np.full(slots.shape, np.inf, "f4"), slots[:0], slots[None], slots[..., :3],
        slots * 1e30, slots.astype(np.complex64), slots.astype(object), np.array(Harm(path), dtype=object),
        np.array("x" * 5000), np.array(["a\nb"] * 3), np.array(10**18), np.array([]), np.array(1e300),
        np.float16(slots), np.array(b"\xff\xfe"), np.array(np.datetime64("NaT")),
        np.array((1, 2), dtype=[("a", "i4"), ("b", "f4")]), np.array([["ground", "ball", "glass"]]), np.array(True),
        np.array("\x1b[31m"), slots.astype(str),
    ))  # fmt: skip
    np.savez(path, **arrays)


def claim_a_shape(path: Path, random: Random) -> None:
    """An array, in an npz or a .npy file, whose header does not match its data."""
    shape = random.choice(("(1000000000000,)", "(4, 100000, 100000)", "(-1, 7, 16)", "(0, 7, 16)", "(10, 7, 16)", "()",
                           "((((((((((", "(9" + "9" * 4400 + ",)", "[1, 2]", "(1.5,)", "(True, 7, 16)"))  # fmt: skip
    kind = random.choice(("<f4", "|u1", "|O", "<U1000000", "<f3", "x" * 3000, "<M8[us]", "|V2000000000"))
    head = _array_head(repr(kind), shape)
    if path.suffix == ".npy":
        path.write_bytes(head + path.read_bytes()[128:])
    else:
        _rewrite(path, random, lambda data: head + data[128:])


# --- checkpoints ---


def change_checkpoint(path: Path, random: Random) -> None:
    """Replace tensors and plain values of a checkpoint."""
    content = torch.load(path, weights_only=False)
    spots = places(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        holder, key = random.choice(spots)
        value = holder[key] if not isinstance(holder, dict) or key in holder else None
        if isinstance(value, torch.Tensor) or random.random() < 0.4:
            holder[key] = _odd_tensor(random, value if isinstance(value, torch.Tensor) else torch.ones(3), path)
        elif random.random() < 0.3 and isinstance(holder, dict):
            holder.pop(key, None)
        else:
            holder[key] = random.choice(PLAIN)
    torch.save(content, path)


def _odd_tensor(random: Random, like: torch.Tensor, path: Path) -> Any:
    """Tensors of other types, shapes, layouts and values, some with a thousand times more elements than the file."""
    one = torch.ones(1)
    return random.choice((
        lambda: one.expand(10**12), lambda: one.as_strided((10**6, 10**6), (0, 0)),
        lambda: like.flatten()[:1].expand(2**40),
        lambda: torch.full_like(like, float("nan")) if like.is_floating_point() else like * 0 - 1,
        lambda: torch.full_like(like, float("inf")) if like.is_floating_point() else like + 2**30, lambda: like[None],
        lambda: like.flatten(), lambda: like.double(), lambda: like.to(torch.complex64), lambda: like.bool(),
        lambda: like[:0] if like.dim() else like.new_empty(0), lambda: like.to(torch.bfloat16),
        lambda: torch.empty(like.shape, device="meta"), lambda: torch.ones(3, 3).to_sparse(), lambda: like.int(),
        lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        lambda: torch.nn.Parameter(torch.ones(2)), lambda: torch.zeros(0, 10**9),
        lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), lambda: torch.ones(2**20),
        lambda: Harm(path),
    ))()  # fmt: skip


def change_settings(path: Path, random: Random) -> None:
    """Change the training arguments of a release, or the plain values of a checkpoint."""
    content = torch.load(path, weights_only=False)
    if "args" in content:
        changed = changed_data(dict(vars(content["args"])), random)
        content["args"] = Namespace(**changed) if isinstance(changed, dict) else changed
    else:
        plain = {key: content.pop(key) for key in ("images_seen", "domain", "classes", "best")}
        changed = changed_data(plain, random)
        content |= changed if isinstance(changed, dict) else {}
    torch.save(content, path)


def save_harm(path: Path, random: Random) -> None:
    """A checkpoint that would execute code, in torch's current or legacy format."""
    content = torch.load(path, weights_only=False)
    content[random.choice((*content, "extra"))] = Harm(path)
    torch.save(content, path, _use_new_zipfile_serialization=random.random() < 0.7)


def save_deep(path: Path, random: Random) -> None:
    """A checkpoint whose pickle nests 100,000 lists, or has absurd lengths."""
    pickled = random.choice((
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", b"\x80\x02\x8b\xff\xff\xff\x7f" + b"\xff" * 100 + b".",
        b"\x80\x02}" * 50_000 + b".", b"\x80\x02(" * 50_000 + b"t.", b"\x80\x02X\xff\xff\xff\x7fabc.", b"\x80\x02.",
        b"", b"\x80\x02K\x01" + b"\x85" * 200_000 + b".", b"\x80\x02N2" + b"2" * 1000 + b".",
        b"\x80\x02]" + b"q\x01h\x01a" * 10 + b".",
    ))  # fmt: skip
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, pickled if name.endswith("data.pkl") else data)


def share_lists(path: Path, random: Random) -> None:
    """A billion laughs in a checkpoint: lists, tuples or dicts of nine times the one before."""
    content = torch.load(path, weights_only=False)
    make = random.choice((list, tuple, lambda items: dict(enumerate(items)), lambda items: [tuple(items)]))
    value: Any = "ha"
    depth = random.choice((6, 8, 20, 40))
    for _ in range(depth):
        value = make([value] * 9)
    holder, key = random.choice(places(content))
    if random.random() < 0.2 and isinstance(holder, dict) and isinstance(value, tuple) and depth == 6:
        holder[value[0]] = 1  # a hash takes a tuple's values one by one, however often they are shared
    else:
        holder[key] = value
    torch.save(content, path, _use_new_zipfile_serialization=random.random() < 0.7)


def expand_tensors(path: Path, random: Random) -> None:
    """Make tensors of a checkpoint views of one number, in their own shape or a large one."""
    content = torch.load(path, weights_only=False)
    held = [(holder, key) for holder, key in places(content) if isinstance(holder[key], torch.Tensor)]
    for holder, key in random.choices(held, k=random.choice((1, 3, len(held)))):
        shape = random.choice((holder[key].shape, (10**6, 10**6), (5000, 5000), (512, *holder[key].shape)))
        one = holder[key].flatten()[0].clone() if holder[key].numel() else torch.ones(())
        holder[key] = random.choice((one.expand(shape), one.as_strided(shape, (0,) * len(shape))))
    torch.save(content, path, _use_new_zipfile_serialization=random.random() < 0.7)


# --- safetensors ---


def change_header(path: Path, random: Random) -> None:
    """Values of the header, the shape, type or place of a tensor, the header's length, or its nesting."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    tensor = random.choice([key for key in header if key != "__metadata__"])
    claims: tuple[dict[str, Any], ...] = (
        {"shape": [10**12]}, {"shape": [2**62, 4]}, {"shape": [-1]}, {"shape": []}, {"data_offsets": [0, 2**62]},
        {"data_offsets": [5, 1]}, {"dtype": "F64"}, {"dtype": "BOOL"}, {"dtype": "X9"}, {"dtype": "F8_E4M3"},
        {"shape": [0, 2**60]}, {"data_offsets": [-1, 4]}, {"data_offsets": [0, len(body)]},
    )  # fmt: skip
    claimed = header | {tensor: header[tensor] | random.choice(claims)}
    deep = (nested(100_000), nested(100_000, "{}"), '{"__metadata__": ' + nested(50_000) + "}", "[]")
    content = (json.dumps(changed_data(header, random)), json.dumps(claimed), random.choice(deep))
    text = random.choice(content).encode()
    if random.random() < 0.2:
        length = random.choice((0, 1, 2**31, 2**62, 2**64 - 1, max(len(text) - 3, 0), len(text) + 9, 10**8))
    else:
        length = len(text)
    path.write_bytes(struct.pack("<Q", length) + text + body)


def change_numbers(path: Path, random: Random) -> None:
    """Other values, shapes, types, names and metadata in a file that is intact."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    name = random.choice(list(tensors))
    like = tensors[name]
    tensors[name] = random.choice((
        lambda: torch.full_like(like, float("nan")), lambda: torch.full_like(like, float("inf")),
        lambda: like[None].clone(), lambda: like.double(), lambda: like.to(torch.int64), lambda: like.bool(),
        lambda: like.new_zeros(0), lambda: like.to(torch.complex64), lambda: torch.full_like(like, 1e38),
        lambda: like.to(torch.bfloat16),
    ))()  # fmt: skip
    if random.random() < 0.2:
        tensors[random.choice(("", "x" * 3000, "a\nb", "generator", "mean_code"))] = tensors.pop(name)
    if about is not None and random.random() < 0.3:
        values = ("", "[]", "{}", nested(20_000), "x", '{"format": 1}', "3", "null")
        about = {key: random.choice(values) for key in about}
    save_file(tensors, path, about)


IMAGE = (*[claim_a_size] * 2, *[explode] * 2, add_a_long_text, *[make_odd] * 3, make_postscript)
FORMATS: dict[str, tuple[Change, ...]] = {
    **dict.fromkeys((".png", ".jpg", ".webp", ".bmp", ".tif"), IMAGE),
    ".npz": (*[change_arrays] * 6, *[claim_a_shape] * 3, *[change_member] * 4, expand_member),
    ".npy": (claim_a_shape,),
    ".pt": (*[change_checkpoint] * 6, *[change_settings] * 4, *[save_harm] * 2, *[save_deep] * 2,
            *[change_member] * 4, *[share_lists] * 3, *[expand_tensors] * 3, expand_member),
    ".safetensors": (*[change_header] * 4, *[change_numbers] * 3),
}  # fmt: skip
