"""Changes that know a format: zipped arrays, checkpoints, safetensors. See changes.py."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from argparse import Namespace
from pathlib import Path
from random import Random

import numpy as np
import torch

from benchmarks.hostile.changes import CANARY, FORMATS, Harm, home_of
from benchmarks.hostile.values import PLAIN, changed_data, nested, places

# --- zip files: npz, and what torch saves ---


def rezip(path: Path, random: Random) -> None:
    """A member's bytes are changed and its checksum is right again."""

    def change(name: str, data: bytes) -> bytes:
        data = bytearray(data)
        for _ in range(random.choice((1, 1, 3, 20))):
            data[random.randrange(min(len(data), random.choice((120, 10**9))))] ^= 1 << random.randrange(8)
        return bytes(data)

    _each_member(path, random, change)


def rezip_cut(path: Path, random: Random) -> None:
    """A member is cut, emptied, doubled or filled with noise."""
    how = random.choice(
        (lambda d: d[: len(d) // 2], lambda d: b"", lambda d: d + d, lambda d: random.randbytes(len(d)))
    )
    _each_member(path, random, lambda name, data: how(data))


def rezip_without(path: Path, random: Random) -> None:
    _each_member(path, random, lambda name, data: None)


def rezip_bomb(path: Path, random: Random) -> None:
    """A member becomes half a gigabyte of zeros, of which the file holds a few megabytes."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    victim = random.choice(list(members))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, data in members.items():
            with new.open(name, "w", force_zip64=True) as file:
                if name != victim:
                    file.write(data)
                    continue
                file.write(_array_header(2**27) if path.suffix == ".npz" else data)
                for _ in range(2**29 // 2**24):
                    file.write(bytes(2**24))


def _array_header(count: int) -> bytes:
    """The beginning of a .npy file of so many numbers, float32."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (count,)})
    return file.getvalue()


def _each_member(path: Path, random: Random, change) -> None:
    """Rewrite a zip file with one member changed; None: left out."""
    with zipfile.ZipFile(path) as old:
        members = [(info, old.read(info)) for info in old.infolist()]
    victim = random.randrange(len(members))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for place, (info, data) in enumerate(members):
            data = change(info.filename, data) if place == victim and data else data
            if data is not None:
                new.writestr(info.filename, data)


def change_arrays(path: Path, random: Random) -> None:
    """Codes of other types, shapes and numbers; also objects, which only a pickle holds."""
    with np.load(path) as content:
        arrays = dict(content)
    slots = arrays["slots"]
    key = random.choice(("slots", "slots", *arrays))
    arrays[key] = random.choice((
        np.full_like(slots, np.nan), np.full_like(slots, np.inf), slots[:0], slots[None], slots[..., :3],
        slots * 1e30, slots.astype(np.complex64), slots.astype(object),
        np.array(Harm(str(home_of(path) / CANARY)), dtype=object), np.array("x" * 5000), np.array(["a\nb"] * 3),
        np.array(10**18), np.array([]), np.array(1e300), np.float16(slots), np.array(b"\xff\xfe"),
        np.array(np.datetime64("NaT")), np.array((1, 2), dtype=[("a", "i4"), ("b", "f4")]),
        np.array([["ground", "ball", "glass"]]), np.array(True), np.array("\x1b[31m"), slots.astype(str),
    ))  # fmt: skip
    np.savez(path, **arrays)


def claim_a_shape(path: Path, random: Random) -> None:
    """An array whose header claims more than there is: in an npz, or a .npy file."""
    shape = random.choice(("(1000000000000,)", "(4, 100000, 100000)", "(-1, 7, 16)", "(0, 7, 16)", "(10, 7, 16)", "()",
                           "((((((((((", "(9" + "9" * 4400 + ",)", "[1, 2]", "(1.5,)", "(True, 7, 16)"))  # fmt: skip
    kind = random.choice(("<f4", "|u1", "|O", "<U1000000", "<f3", "x" * 3000, "<M8[us]", "|V2000000000"))
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", min(len(text), 65535)) + text.encode()
    if path.suffix == ".npy":
        path.write_bytes(head + path.read_bytes()[128:])
        return
    _each_member(path, random, lambda name, data: head + data[128:])


# --- checkpoints ---


def change_checkpoint(path: Path, random: Random) -> None:
    """Tensors and plain values of a checkpoint replaced by others."""
    content = torch.load(path, weights_only=False)
    spots = places(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        holder, key = random.choice(spots)
        value = holder[key] if not isinstance(holder, dict) or key in holder else None
        if isinstance(value, torch.Tensor) or random.random() < 0.4:
            holder[key] = _hostile_tensor(random, value if isinstance(value, torch.Tensor) else torch.ones(3))
        elif random.random() < 0.3 and isinstance(holder, dict):
            holder.pop(key, None)
        else:
            holder[key] = random.choice(PLAIN)
    torch.save(content, path)


def change_settings(path: Path, random: Random) -> None:
    """Of a release's training arguments, or of a checkpoint's plain values."""
    content = torch.load(path, weights_only=False)
    if "args" in content:
        changed = changed_data(dict(vars(content["args"])), random)
        content["args"] = Namespace(**changed) if isinstance(changed, dict) else changed
    else:
        plain = {key: content[key] for key in ("images_seen", "domain", "classes", "best")}
        changed = changed_data(plain, random)
        content = {key: value for key, value in content.items() if key not in plain}
        content |= changed if isinstance(changed, dict) else {}
    torch.save(content, path)


def _hostile_tensor(random: Random, like: torch.Tensor):
    """Also some that claim a thousand times more memory than the file has."""
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
        lambda: Harm("canary"),
    ))()  # fmt: skip


def save_harm(path: Path, random: Random) -> None:
    """A checkpoint that would run code, in torch's newer and older form."""
    content = torch.load(path, weights_only=False)
    harm = Harm(str(home_of(path) / CANARY))
    content[random.choice((*content, "extra"))] = harm
    torch.save(content, path, _use_new_zipfile_serialization=random.random() < 0.7)


def save_deep(path: Path, random: Random) -> None:
    """A checkpoint whose pickle opens 100,000 lists, or asks for absurd numbers."""
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


# --- safetensors ---


def change_header(path: Path, random: Random) -> None:
    header, body = _split(path)
    changed = changed_data(header, random)
    _join(path, json.dumps(changed).encode(), body)


def claim_a_header(path: Path, random: Random) -> None:
    """A header whose length is absurd, or which is no JSON or very deep."""
    header, body = _split(path)
    text = json.dumps(header).encode()
    length = random.choice((0, 1, 2**31, 2**62, 2**64 - 1, len(text) - 3, len(text) + 9, 10**8, None))
    if length is None:
        deep = random.choice((nested(100_000), nested(100_000, "{}"), '{"__metadata__": ' + nested(50_000) + "}", "[]"))
        _join(path, deep.encode(), body)
        return
    path.write_bytes(struct.pack("<Q", length) + text + body)


def claim_tensors(path: Path, random: Random) -> None:
    """Tensors whose shape, type or place in the file cannot be."""
    header, body = _split(path)
    name = random.choice([key for key in header if key != "__metadata__"])
    header[name] |= random.choice((
        {"shape": [10**12]}, {"shape": [2**62, 4]}, {"shape": [-1]}, {"shape": []}, {"data_offsets": [0, 2**62]},
        {"data_offsets": [5, 1]}, {"dtype": "F64"}, {"dtype": "BOOL"}, {"dtype": "X9"}, {"dtype": "F8_E4M3"},
        {"shape": [0, 2**60]}, {"data_offsets": [-1, 4]}, {"data_offsets": [0, len(body)]},
    ))  # fmt: skip
    _join(path, json.dumps(header).encode(), body)


def change_numbers(path: Path, random: Random) -> None:
    """NaN, infinity, other shapes, names and types in a file that is whole."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

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
        about = {
            key: random.choice(("", "[]", "{}", nested(20_000), "x", '{"format": 1}', "3", "null")) for key in about
        }
    save_file(tensors, path, about)


def _split(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _join(path: Path, header: bytes, body: bytes) -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header + body)


FORMATS.update({
    ".npz": (*[change_arrays] * 6, *[claim_a_shape] * 3, rezip, rezip, rezip_cut, rezip_without, rezip_bomb),
    ".npy": (*[claim_a_shape] * 4,),
    ".pt": (*[change_checkpoint] * 6, *[change_settings] * 4, save_harm, save_harm, save_deep, save_deep, rezip, rezip,
            rezip_cut, rezip_without, rezip_bomb),
    ".safetensors": (change_header, change_header, claim_a_header, claim_tensors, claim_tensors, *[change_numbers] * 3),
})  # fmt: skip
