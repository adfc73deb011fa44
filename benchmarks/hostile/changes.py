"""What is done to a valid file: seeded changes of its bytes, of what it holds, of its name, and of what it is at all.

Each change is a function (path, random) -> None. Files that do harm when somebody runs what is in them would make the
folder CANARY.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.hostile.values import LONG, PLAIN, WORDS, changed_data, nested

CANARY = "canary-was-made"
Change = Callable[[Path, Random], None]

# --- bytes ---


def flip_bits(path: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 3, 10, 100))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def flip_early_bits(path: Path, random: Random) -> None:
    """In the first bytes, where headers are."""
    data = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 2, 5))):
        data[random.randrange(min(len(data), 200))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, random: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def make_empty(path: Path, random: Random) -> None:
    path.write_bytes(b"")


def repeat(path: Path, random: Random) -> None:
    data = path.read_bytes()
    start = random.randrange(len(data))
    piece = data[start : start + random.randrange(1, 2000)]
    path.write_bytes(data[:start] + piece * random.choice((2, 3, 50)) + data[start:])


def insert(path: Path, random: Random) -> None:
    """Noise, zeros, a huge number in text or in binary, in the middle or at the end."""
    data, what = (
        path.read_bytes(),
        random.choice((b"\xff" * 8, b"\0" * 64, LONG.encode(), b"\x7f\xff\xff\xff", b"\n\n")),
    )
    place = random.choice((0, random.randrange(len(data)), len(data)))
    path.write_bytes(data[:place] + random.choice((what, random.randbytes(50))) + data[place:])


def cut_out(path: Path, random: Random) -> None:
    data = path.read_bytes()
    start = random.randrange(len(data))
    path.write_bytes(data[:start] + data[start + random.randrange(1, 100) :])


def make_noise(path: Path, random: Random) -> None:
    path.write_bytes(random.randbytes(random.choice((1, 8, 100, 5000))))


def make_words(path: Path, random: Random) -> None:
    path.write_text(random.choice(WORDS), encoding="utf-8", errors="surrogateescape")


def swap(path: Path, random: Random) -> None:
    """Another file of the kit in its place."""
    kit = home_of(path)
    others = sorted(file for file in kit.rglob("*") if file.is_file() and file.suffix != path.suffix)
    path.write_bytes(random.choice(others).read_bytes())


def make_pickle(path: Path, random: Random) -> None:
    """What runs a command when it is unpickled."""
    path.write_bytes(pickle.dumps(Harm(str(home_of(path) / CANARY)), protocol=random.choice((0, 2, 4))))


class Harm:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def home_of(path: Path) -> Path:
    """The case's own folder."""
    return next(folder for folder in path.parents if (folder / "shapes.yaml").exists())


# --- what it is, and its name ---


def remove(path: Path, random: Random) -> None:
    path.unlink()


def make_folder(path: Path, random: Random) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path, random: Random) -> None:
    """Whoever reads it waits for ever."""
    path.unlink()
    os.mkfifo(path)


def make_endless(path: Path, random: Random) -> None:
    """Whoever reads it never comes to an end."""
    path.unlink()
    path.symlink_to("/dev/zero")


def make_loop(path: Path, random: Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def make_sparse(path: Path, random: Random) -> None:
    """Half a terabyte of zeros that takes no space."""
    os.truncate(path, 2**39)


def rename(path: Path, random: Random) -> None:
    """Of pictures and their labels only: other files are named by the command."""
    stem = random.choice(("a\nb", "\x1b[31m", "é" * 100, "\udcff\udcfe", "~x", "-x", "\U0001f600", " ", "a=b", "x.y.z"))
    path.rename(path.with_name(stem + path.suffix))


WHOLE = (remove, make_folder, make_pipe, make_endless, make_loop, make_sparse)
BYTES = (flip_bits, flip_early_bits, truncate, make_empty, repeat, insert, cut_out, make_noise, make_words, swap,
         make_pickle)  # fmt: skip

# --- text: YAML, JSON, and the lines of others ---


def change_json(path: Path, random: Random) -> None:
    path.write_text(json.dumps(changed_data(json.loads(path.read_text()), random)), errors="surrogatepass")


def change_yaml(path: Path, random: Random) -> None:
    """Read as YAML, changed, and written as JSON, which YAML reads, too."""
    import yaml

    text = json.dumps(changed_data(yaml.safe_load(path.read_text()), random))
    path.write_text(text, errors="surrogatepass")


def change_word(path: Path, random: Random) -> None:
    """A number or word of the text becomes something else."""
    words = path.read_text().split(" ")
    value = random.choice((*WORDS, *map(str, PLAIN), LONG))
    words[random.randrange(len(words))] = value
    path.write_text(" ".join(words), encoding="utf-8", errors="surrogateescape")


def nest(path: Path, random: Random) -> None:
    deep = nested(random.choice((100, 1000, 20_000, 200_000)), random.choice(("[]", "{}")))
    path.write_text(random.choice((deep, f'{{"classes": {deep}}}', f'{{"data": {deep}}}', f'{{"names": {deep}}}')))


def laugh(path: Path, random: Random) -> None:
    """A billion laughs: nine lists, each nine times the one before; in a place that YAML takes or anywhere."""
    kind = random.choice(("list", "mapping"))
    lines = ["a0: &a0 [lol]" if kind == "list" else "a0: &a0 {x: lol}"]
    for k in range(1, 10):
        if kind == "list":
            lines.append(f"a{k}: &a{k} [" + ", ".join([f"*a{k - 1}"] * 9) + "]")
        else:
            lines.append(f"a{k}: &a{k} {{" + ", ".join(f"k{j}: *a{k - 1}" for j in range(9)) + "}")
    laughs = "\n".join(f"  {line}" for line in lines)
    place = random.choice(("recipes", "foreign", "data", "model", "names", "x"))
    path.write_text(f"{path.read_text() if random.random() < 0.5 else ''}\n{place}:\n{laughs}\n")


def refer_to_itself(path: Path, random: Random) -> None:
    path.write_text(random.choice(("classes: &a [*a]\n", "data: &a {height: *a}\n", "names: &a [*a]\n", "&a [*a]\n")))


def make_tag(path: Path, random: Random) -> None:
    """YAML that asks for Python objects, or for what no value is."""
    canary = home_of(path) / CANARY
    path.write_text(random.choice((
        f"classes: !!python/object/apply:os.mkdir ['{canary}']\n", f"!!python/object/apply:os.mkdir ['{canary}']\n",
        "classes: 2001-99-99\n", "classes: !!int ''\n", "classes: !!float x\n", "classes: !!binary '%'\n",
        f"classes: {LONG}\n", "? [a]\n: b\n", "? {a: b}\n: c\n", "classes: !!set {a, b}\n", "<<: 3\n", "<<: [1]\n",
        "classes: 190:20:30:99999\n", "classes: .inf\n", "--- a\n--- b\n", "%YAML 9.9\n--- a\n", "classes: 0b\n",
        "classes: !!timestamp x\n", "classes: !!omap [a]\n", "classes: !!pairs [a]\n", "!!null x\n",
        "classes: !!bool x\n",
    )))  # fmt: skip


def make_many_lines(path: Path, random: Random) -> None:
    """Forty megabytes of it."""
    line = random.choice(("- a\n", "a: b\n", "0 0.1 0.1 0.2 0.2 0.3 0.3\n", "[1],\n", "# \n"))
    path.write_text(line * (40_000_000 // len(line)))


TEXT = (change_word, change_word, nest, make_many_lines)
FORMATS: dict[str, tuple[Change, ...]] = {
    ".yaml": (*TEXT, *[change_yaml] * 12, laugh, laugh, refer_to_itself, make_tag, make_tag, make_tag),
    ".json": (*TEXT, *[change_json] * 12),
    ".toml": (*TEXT, change_word, change_word),
    ".txt": (*TEXT, *[change_word] * 8),
    ".csv": (*TEXT, *[change_word] * 8),
}
"""By the file's ending, and `binaries` adds its own."""
