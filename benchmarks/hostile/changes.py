"""Seeded changes of a valid file: of its bytes, its text, its name, and of what kind of file it is.

A change is a function (path, random) -> None. Files that would execute code when unpickled create the folder CANARY.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

CANARY = "canary-was-made"
Change = Callable[[Path, Random], None]

LONG = "9" * 5000
NUMBERS = (
    "0", "-1", "1e400", "1e300", "-1e18", "9" * 25, LONG, "nan", "inf", "-inf", "0x10", "1_000", "\uff11\uff12",
    "1e-300", "3.5", "18446744073709551616", "9223372036854775807", "2147483648", "+1", "1e3", "--1", "1,2", "½",
)  # fmt: skip
WORDS = (
    "", " ", "null", "none", "true", "off", "???", "${oc.env:HOME}", "${", "~", "~no-such-user", "~/x", "-",
    "[1,2", "[[a,b],[c]]", "{a: b}", "&a [*a]", "*a", "!!python/object/apply:os.getcwd []", "a: b: c", "%", "'", '"',
    "\n", "a\nb", "\t", "\r\n", "\x1b[31mred\x1b[0m", "\x07", "\u202egnp", "é" * 40, "\U0001f600", "\ufeff", "\x7f",
    "\udcff", "a" * 300, "x" * 5000, "[" * 3000, "all,all", ",", "0-", "5-1", "0-99999", "3,3,3", "999999999",
    "0-999999999", "area(ball)", "ball.texture.pca0:1e400", "..", "../..", "/", "//", ".", "a/" * 2000, "nowhere",
    "/nowhere/at/all", "/dev/null/x", "/proc/self/mem", "ball", "ground,glass", "bal", "GROUND",
)  # fmt: skip
PLAIN: tuple[Any, ...] = (
    None, True, False, 0, -1, 3, 255, 256, 2**31, 2**63, 10**30, -(10**18), 1.5, float("nan"), float("inf"), 1e300,
    "", "a", "a\nb", "\u202e", "\0", "x" * 5000, "${a}", "~no-such-user", [], {}, [[]], [None], [1, "a"],
    {"a": 1}, {"": None}, [0] * 1000, [[[[[[[["deep"]]]]]]]], "\x1b[2J", "/dev/zero", "../../x",
)  # fmt: skip


class Harm:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(home_of(path) / CANARY)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def home_of(path: Path) -> Path:
    """The folder of a case, which holds a copy of the kit."""
    return next(folder for folder in path.parents if (folder / "shapes.yaml").exists())


def nested(depth: int, of: str = "[]") -> str:
    """Nested lists or mappings that are valid both as JSON and as YAML."""
    return "[" * depth + "]" * depth if of == "[]" else '{"a":' * depth + "1" + "}" * depth


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in nested dicts and lists."""
    found = []
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        found.append((data, key))
        if isinstance(data[key], (dict, list)):
            found += places(data[key])
    return found


def changed_data(data: Any, random: Random) -> Any:
    """A copy of nested dicts and lists with one to three values replaced, removed, renamed, repeated, scaled or
    moved."""
    data = {"": copy.deepcopy(data)}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        holder, key = random.choice(places(data))
        how = random.choice(("replace", "replace", "replace", "remove", "rename", "repeat", "scale", "move"))
        if how == "remove":
            del holder[key]
        elif how == "rename" and isinstance(holder, dict):
            holder[random.choice(("", "x", f"{key} ", "\n", "__class__", "self"))] = holder.pop(key)
        elif how == "repeat" and isinstance(holder, list):
            holder[key:key] = [copy.deepcopy(holder[key])] * random.choice((1, 2, 300))
        elif how == "scale" and type(holder[key]) in (int, float):
            holder[key] *= random.choice((-1, 0, 2, 1000, 10**6, 10**12, 0.5))
        elif how == "move":
            other, place = random.choice(places(data))
            holder[key] = copy.deepcopy(other[place])
        else:
            holder[key] = copy.deepcopy(random.choice(PLAIN))
        if "" not in data:
            return None
    return data[""]


# --- bytes ---


def flip_bits(path: Path, random: Random) -> None:
    """A few bits, anywhere or in the first bytes, where headers are."""
    data = bytearray(path.read_bytes())
    end = random.choice((len(data), min(len(data), 200)))
    for _ in range(random.choice((1, 2, 5, 10, 100))):
        data[random.randrange(end)] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def splice(path: Path, random: Random) -> None:
    """Cut the end or a piece off, repeat a piece, or insert bytes."""
    data = path.read_bytes()
    start = random.choice((0, random.randrange(len(data)), random.randrange(len(data)), len(data)))
    head, tail, piece = data[:start], data[start:], data[start : start + random.randrange(1, 2000)]
    inserted = random.choice((
        b"\xff" * 8, b"\0" * 64, LONG.encode(), b"\x7f\xff\xff\xff", b"\n\n", random.randbytes(50),
        piece * random.choice((1, 2, 49)),
    ))  # fmt: skip
    path.write_bytes(random.choice((head, head, head + tail[random.randrange(1, 100) :], head + inserted + tail)))


def replace_content(path: Path, random: Random) -> None:
    """Nothing, noise, a word, a pickle that executes code, or the content of a file of another kind."""
    others = sorted(file for file in home_of(path).rglob("*") if file.is_file() and file.suffix != path.suffix)
    path.write_bytes(random.choice((
        b"", random.randbytes(random.choice((1, 8, 100, 5000))),
        random.choice(WORDS).encode(errors="surrogateescape"), random.choice(others).read_bytes(),
        pickle.dumps(Harm(path), protocol=random.choice((0, 2, 4))),
    )))  # fmt: skip


# --- kind of file, and name ---


def replace_file(path: Path, random: Random) -> None:
    """Nothing, a folder, a pipe that blocks, an endless device, a link to itself, or half a terabyte of zeros."""

    def make_huge() -> None:
        path.touch()
        os.truncate(path, 2**39)

    path.unlink()
    random.choice((
        lambda: None, path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path.name), make_huge,
    ))()  # fmt: skip


def link(path: Path, random: Random) -> None:
    """A link to a file that matters, to one that does not exist, or to a device."""
    path.unlink()
    path.symlink_to(random.choice((home_of(path) / "shapes.yaml", path.parent / "nowhere", Path("/dev/null"))))


def rename(path: Path, random: Random) -> None:
    """For images and labels only: other files are named by the command."""
    stem = random.choice(("a\nb", "\x1b[31m", "é" * 100, "\udcff\udcfe", "~x", "-x", "\U0001f600", " ", "a=b", "x.y.z"))
    path.rename(path.with_name(stem + path.suffix))


# --- text: YAML, JSON and others ---


def change_data(path: Path, random: Random) -> None:
    """Change values of a JSON or YAML file. Written as JSON, which is valid YAML too."""
    data = yaml.safe_load(path.read_text())
    path.write_text(json.dumps(changed_data(data, random)), errors="surrogatepass")


def change_word(path: Path, random: Random) -> None:
    """Replace a number or word of the text."""
    words = path.read_text().split(" ")
    words[random.randrange(len(words))] = random.choice((*WORDS, *map(str, PLAIN), LONG))
    path.write_text(" ".join(words), encoding="utf-8", errors="surrogateescape")


def nest(path: Path, random: Random) -> None:
    deep = nested(random.choice((100, 1000, 20_000, 200_000)), random.choice(("[]", "{}")))
    path.write_text(random.choice((deep, f'{{"classes": {deep}}}', f'{{"data": {deep}}}', f'{{"names": {deep}}}')))


def make_many_lines(path: Path, random: Random) -> None:
    """Forty megabytes of lines."""
    line = random.choice(("- a\n", "a: b\n", "0 0.1 0.1 0.2 0.2 0.3 0.3\n", "[1],\n", "# \n"))
    path.write_text(line * (40_000_000 // len(line)))


def laugh(path: Path, random: Random) -> None:
    """A billion laughs: nine YAML aliases, each nine times the one before."""
    lists = random.random() < 0.5
    lines = ["a0: &a0 [lol]" if lists else "a0: &a0 {x: lol}"]
    for k in range(1, 10):
        items = ", ".join(f"*a{k - 1}" if lists else f"k{j}: *a{k - 1}" for j in range(9))
        lines.append(f"a{k}: &a{k} " + (f"[{items}]" if lists else f"{{{items}}}"))
    laughs = "\n".join(f"  {line}" for line in lines)
    place = random.choice(("recipes", "foreign", "data", "model", "names", "x"))
    path.write_text(f"{path.read_text() if random.random() < 0.5 else ''}\n{place}:\n{laughs}\n")


def make_odd_yaml(path: Path, random: Random) -> None:
    """Python objects, values of no type, aliases of themselves, and unusual syntax."""
    canary = home_of(path) / CANARY
    path.write_text(random.choice((
        f"classes: !!python/object/apply:os.mkdir ['{canary}']\n", f"!!python/object/apply:os.mkdir ['{canary}']\n",
        "classes: 2001-99-99\n", "classes: !!int ''\n", "classes: !!float x\n", "classes: !!binary '%'\n",
        f"classes: {LONG}\n", "? [a]\n: b\n", "? {a: b}\n: c\n", "classes: !!set {a, b}\n", "<<: 3\n", "<<: [1]\n",
        "classes: 190:20:30:99999\n", "classes: .inf\n", "--- a\n--- b\n", "%YAML 9.9\n--- a\n", "classes: 0b\n",
        "classes: !!timestamp x\n", "classes: !!omap [a]\n", "classes: !!pairs [a]\n", "!!null x\n",
        "classes: !!bool x\n", "classes: &a [*a]\n", "data: &a {height: *a}\n", "names: &a [*a]\n", "&a [*a]\n",
    )))  # fmt: skip


BYTES = (flip_bits, flip_bits, splice, splice, splice, replace_content, replace_content)
TEXT = (change_word, change_word, nest, make_many_lines)
FORMATS: dict[str, tuple[Change, ...]] = {
    ".yaml": (*TEXT, *[change_data] * 12, laugh, laugh, *[make_odd_yaml] * 4),
    ".json": (*TEXT, *[change_data] * 12),
    ".toml": (*TEXT, change_word, change_word),
    ".txt": (*TEXT, *[change_word] * 8),
    ".csv": (*TEXT, *[change_word] * 8),
}
"""Changes by file extension, repeated by weight; `binaries` has those of binary formats."""
