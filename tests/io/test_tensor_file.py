"""Files of tensors from anywhere: no code runs, and 2 KB never become gigabytes."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import time
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict
from fractions import Fraction

import pytest
import torch
from safetensors.torch import save_file

from composegan.errors import UserError
from composegan.io import pickles
from composegan.io.guarded import UnreadableError, reading
from composegan.io.tensor_file import read_safetensors, read_safetensors_about, read_saved, read_weights

both_formats = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(path, content, zipped=True):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def refused(path):
    with pytest.raises(UserError) as caught, reading(path, "a file"):
        read_saved(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return str(caught.value)


@both_formats
def test_read_saved_returns_plain_values(tmp_path, zipped):
    weight = torch.arange(6.0).reshape(2, 3).t()
    odd = OrderedDict(a=torch.nn.Parameter(weight), b=(1, [None, "x"], 2.5), c=torch.Size([2]), d=Counter("aab"))
    vars(odd)["get"] = 3  # would hide the method
    content = {"odd": odd, "half": weight.half(), "type": torch.float32, "many": {1, 2}, 3: True}
    found = read_saved(saved(tmp_path / "a.pt", content, zipped))
    assert torch.equal(found["odd"]["a"], weight) and found["odd"]["a"].stride() == weight.stride()
    assert type(found["odd"]) is dict and not found["odd"]["a"].requires_grad and found["half"].dtype == torch.float16
    assert found["odd"]["b"] == (1, [None, "x"], 2.5) and found["odd"]["d"] == {"a": 2, "b": 1}
    assert (found["many"], found[3], found["type"]) == ({1, 2}, True, torch.float32)


def test_read_saved_reads_a_namespace_only_where_it_is_expected(tmp_path):
    args = Namespace(update=3)
    vars(args)["__class__"] = vars(args)["__setstate__"] = "x"
    path = saved(tmp_path / "a.pt", {"args": args})
    assert read_saved(path, namespace=True) == {"args": vars(args)}
    assert Namespace not in torch.serialization.get_safe_globals()
    assert "it holds 'argparse.Namespace', and only tensors and plain values are read" in refused(path)


def laughs(make, depth=40):
    value = make(["ha"] * 9) if make is not dict else {"ha": "ha"}
    for _ in range(depth):
        value = {str(k): value for k in range(9)} if make is dict else make([value] * 9)
    return value


def topped_up():
    """Lists that get their content after they were put into others."""
    lists = [[] for _ in range(40)]
    for outer, inner in itertools.pairwise(lists):
        outer += [inner] * 9
    lists[-1].append("ha")
    return lists[0]


SHARED = {
    "lists": lambda: laughs(list),
    "tuples": lambda: laughs(tuple),
    "dicts": lambda: laughs(dict),
    "late": topped_up,
    "in a table": lambda: {"weight": torch.zeros(2), "more": laughs(list)},
    "table of attributes": lambda: Namespace(size=laughs(list)),
    "parts of a size": lambda: {"args": Namespace(size=(laughs(tuple), 3))},
    "wide": lambda: [[["x"] * 5000] * 5000] * 5000,
}


@both_formats
@pytest.mark.parametrize("content", SHARED.values(), ids=SHARED)
def test_shared_values_are_counted_before_they_are_read(tmp_path, zipped, content):
    path, started = saved(tmp_path / "a.pt", content(), zipped), time.monotonic()
    with pytest.raises(UnreadableError, match="more than 10,000,000 values, with shared ones written out"):
        read_saved(path, namespace=True)
    assert time.monotonic() - started < 1


def with_pickle(path, data):
    """A file whose content is this pickle."""
    saved(path, {})
    with zipfile.ZipFile(path) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    with zipfile.ZipFile(path, "w") as parts:
        for name, old in members.items():
            parts.writestr(name, data if name.endswith("data.pkl") else old)
    return path


DOUBLED = b"\x80\x02K\x01\x85" + b"".join(b"q%ch%ch%c\x86" % (n, n, n) for n in range(60))
"""A tuple of 2^60 values: 1, then 60 times a pair of the value before."""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x80\x02}" + DOUBLED[2:] + b"K\x01s.", "more than 10,000,000 values"),  # hashed as a key
        (DOUBLED + b")R.", "more than 10,000,000 values"),  # printed by torch, as it is not a function
        (b"\x80\x02ccollections\nCounter\n" + DOUBLED[2:] + b"\x85R.", "more than 10,000,000 values"),
        (b"\x80\x02]q\x01h\x01a.", "contains itself"),
        (b"\x80\x02}q\x01(K\x01h\x01u.", "contains itself"),
        (b"\x80\x02" + b"]" * 3000 + b"a" * 2999 + b".", "nested too deeply"),
        (b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", "more than 10,000,000 values"),
        (b"\x80\x02" + b"K\x01" + b"\x85" * 100_000 + b".", "more than 10,000,000 values"),
        (b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "holds '__builtin__.bytearray'"),
        (b"\x80\x02ctorch\nFloatTensor\nJ\xff\xff\xff\x7f\x85R.", "holds 'torch.FloatTensor'"),
        (
            b"\x80\x02" + b"c_codecs\nencode\n" * 40 + b"X\x01\0\0\0a" + b"X\x03\0\0\0hex\x86R" * 40,
            "holds '_codecs.encode'",
        ),
        (b"\x80\x02(" + b"N" * 2_000_000 + b"t.", "more than 1,000,000 instructions"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "damaged"),
        (b"\x80\x02(((.", "damaged"),
        (b"\x80\x02h\x01.", "damaged"),
        (b"\x80\x02", "damaged"),
        (b"", "damaged"),
    ],
    ids=range(17),
)
def test_pickles_that_torch_does_not_write_are_refused(tmp_path, data, said):
    started = time.monotonic()
    line = refused(with_pickle(tmp_path / "a.pt", data))
    assert said in line
    assert time.monotonic() - started < 20


@both_formats
@pytest.mark.parametrize(
    "value", [Fraction(1, 2), os.getcwd, torch.ones(3, 3).to_sparse(), torch.empty(3, device="meta")], ids=type
)
def test_other_classes_are_named_even_if_a_library_declares_them_safe(tmp_path, zipped, value):
    path = saved(tmp_path / "a.pt", {"value": [value]}, zipped)
    with torch.serialization.safe_globals([Fraction]):
        line = refused(path)
    assert "it holds '" in line and "and only tensors and plain values are read" in line


one = torch.ones(1)
CLAIMS = {
    "expanded": lambda: one.expand(10**12),
    "strided": lambda: one.as_strided((10**6, 10**6), (0, 0)),
    "overlapping": lambda: torch.ones(10**4).as_strided((5000, 5000), (1, 1)),
    "in a list": lambda: [one.expand(10**5, 10**5)],
    "just over the limit": lambda: one.expand(2**22 + 2**13),
    "many": lambda: {str(k): one.expand(1000, 1000) for k in range(9)},
    "one for many names": lambda: dict.fromkeys(map(str, range(5000)), torch.ones(1000)),
}


@both_formats
@pytest.mark.parametrize("content", CLAIMS.values(), ids=CLAIMS)
def test_tensors_that_claim_more_numbers_than_the_file_has_are_refused(tmp_path, zipped, content):
    assert "its tensors claim " in refused(saved(tmp_path / "a.pt", {"a": content()}, zipped))


def test_small_views_and_shared_tensors_are_read(tmp_path):
    weight = torch.arange(4.0)
    found = read_saved(saved(tmp_path / "a.pt", {"a": weight, "b": weight, "c": weight[:1].expand(100)}))
    assert torch.equal(found["a"], found["b"]) and found["c"].shape == (100,)


@pytest.mark.parametrize("read", [read_saved, read_safetensors, read_weights])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: None, FileNotFoundError),
        (os.mkdir, IsADirectoryError),
        (os.mkfifo, UnreadableError),
        (lambda path: path.symlink_to("/dev/zero"), UnreadableError),
        (lambda path: (path.touch(), os.truncate(path, 2**40)), UnreadableError),
        (lambda path: path.write_bytes(b"garbage" * 99), Exception),
    ],
    ids=["missing", "folder", "pipe", "device", "huge", "garbage"],
)
def test_special_files_are_refused(tmp_path, read, make, error):
    make(tmp_path / "a.pt")
    with pytest.raises(error):
        read(tmp_path / "a.pt")


def test_scan_leaves_the_next_pickle_to_be_read():
    file = io.BytesIO(pickle.dumps([1, {"a": (2,)}], protocol=2) + b"rest")
    pickles.check_pickle(file)
    assert file.read() == b"rest"


@pytest.mark.skipif(os.name != "posix", reason="Windows: every path is Unicode")
def test_names_need_not_be_unicode(tmp_path):
    folder = tmp_path / os.fsdecode(b"mod\xe8le")
    folder.mkdir()
    for path in (saved(folder / "new.pt", {"a": one}), saved(folder / "old.pt", {"a": one}, zipped=False)):
        assert torch.equal(read_weights(path)["a"], one)
    save_file({"a": one}, tmp_path / "a", {"about": "x"})
    (tmp_path / "a").rename(folder / "a.safetensors")
    found, about = read_safetensors_about(folder / "a.safetensors")
    assert torch.equal(found["a"], one) and torch.equal(read_weights(folder / "a.safetensors")["a"], one)
    assert about == {"about": "x"}
