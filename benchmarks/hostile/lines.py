"""Random command lines: any verb, with its settings, misspelled names, odd values, and noise.

None of them begins long work (`child.cut_long_work`) or writes outside its own folder: output paths come from a list of
their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from importlib import import_module
from keyword import iskeyword
from random import Random

from benchmarks.hostile.changes import NUMBERS, WORDS
from benchmarks.hostile.kit import RUN
from composegan.cli import VERBS
from composegan.config.schema import Config
from composegan.config.settings import Setting, settings_of

SIZE = " ".join(RUN.split())
STARTS: Mapping[str, str] = {
    "fit": f"domain=shapes.yaml data.root=data {SIZE}",
    "adapt": "run=run data.root=photos trainer.accelerator=cpu",
    "sample": "model=run/model n=2 out=out",
    "edit": "model=run/model classes=ball n=2 out=out",
    "mix": "model=run/model classes=ball n=2 out=out.png",
    "components": "model=run/model n=1 out=out",
    "interpolate": "model=run/model n=2 frames=3 out=out.gif",
    "directions": "model=run/model classes=ball count=1 measured=2 n=20 out=out",
    "invert": "model=run/model photos=photos out=out",
    "evaluate": "run=run n=4 real_images=4 data.workers=0 out=out",
    "plan": f"domain=shapes.yaml data.root=data {SIZE}",
    "prepare": "domain=shapes.yaml data.root=data data.height=16 data.width=16 out=out",
    "domains": "",
    "check": "domain=shapes.yaml data.root=data data.height=16 data.width=16 data.workers=0",
    "new": "name=things classes=cat,dog out=out",
    "import": "release.pt domain=shapes.yaml out=out",
    "bench": "nothing",
}
"""Arguments with which each verb works."""

WRITTEN = ("out", "output.root", "data.cache")
"""Settings that name an output."""
PLACES = (
    "out", "here", "", " ", "a/b/c", "shapes.yaml", "shapes.yaml/x", "/dev/null/x", "/proc/x/y", "é" * 200,
    "x" * 5000, "a\nb", "\udcff", "~no-such-user/x", "codes.npz", "data", "\x1b[2J", ".", "null", "???", "-",
)  # fmt: skip
FILES = ("shapes.yaml", "data", "run", "run/model", "codes.npz", "delta.safetensors", "directions", "photos", "packed",
         "release.pt", "labels.csv", "run/config.yaml", "run/checkpoints/last.pt", "data/images/0.png", "yolo", "coco",
         "plugin", "photos/1.jpg", "labels.csv/x", "nowhere/at/all", "nothing.yaml", "cars", "faces", "cityscapes",
         "samples", "run/", "./run/../run", "shapes.yml", "data/labels")  # fmt: skip
SMALL = (
    "1", "2", "3", "4", "16", "32", "0.5", "on", "off", "cpu", "auto", "train", "validation", "skip", "tiny", "quick",
    "taxonomy", "single", "affinity:2", "ball", "all", "shape", "texture", "copy", "scale", "interpolate", "boundary",
    "sefa", "area(ball)", "x(ball)", "none", "FSD", "sliced_wasserstein", "24GB", "1kB", "0,1",
)  # fmt: skip


def command_line(random: Random) -> list[str]:
    """The arguments of a command, the verb first."""
    if random.random() < 0.04:
        return [_noise(random) for _ in range(random.randrange(4))]
    verb = random.choice(VERBS)
    if random.random() < 0.03:
        return [
            random.choice((verb.upper(), verb[:-1], verb + "\n", f"--{verb}", f" {verb}")),
            *STARTS.get(verb, "").split(),
        ]
    arguments = STARTS.get(verb, "").split() if random.random() < 0.85 else []
    settings = settings_of_verb(verb)
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
        place = random.randrange(len(arguments) + 1)
        arguments.insert(place, _argument(verb, settings, random))
    if random.random() < 0.3 and arguments:
        arguments.pop(random.randrange(len(arguments)))
    if random.random() < 0.1 and arguments:
        random.shuffle(arguments)
    return [verb, *arguments]


def _argument(verb: str, settings: Mapping[str, Setting], random: Random) -> str:
    key = random.choice(list(settings)) if settings else "plugin_path"
    written = key in WRITTEN or (verb, key) == ("import", "run")
    if written:
        value = random.choice(PLACES)
    elif random.random() < 0.6:
        value = _of_type(str(settings[key].type) if settings else "str", random)
    else:
        value = random.choice(random.choice((NUMBERS, WORDS, FILES, SMALL, SMALL)))
    if written or random.random() < 0.85:
        return f"{key}={value}"
    section = key.rpartition(".")[0]
    return random.choice((
        f"{_misspelled(key, random)}={value}", key, f"--{key}={value}", f"{key}:{value}", f"={value}", f"{key}==",
        f"{key} =", f"{key}.{key}={value}", f"{key}.0={value}", f"{key}[0]={value}",
        f"{key}[{random.choice(NUMBERS)}]={value}", f"{key}=", f"{section}={value}", _noise(random), "=", "-", "--",
        "-x", "--n", "grouping.0=a", "grouping.0.0.0=a", "grouping=[[ground],[ball,glass]]", "grouping=[[ground]]",
        "grouping=" + "[" * 3000, "data=", "data={}", "model.",
    ))  # fmt: skip


def _of_type(kind: str, random: Random) -> str:
    """A value of the setting's type."""
    if "bool" in kind:
        return random.choice(("on", "off", "yes", "0"))
    if "int" in kind or "float" in kind:
        return random.choice((
            "0", "1", "2", "3", "4", "8", "16", "64", "1000", "0.5", "-1", "1e3", "1e6", "99999", "1e15", "1e-300",
            "1e300", "-0.0", "7", "2147483648",
        ))  # fmt: skip
    return random.choice(random.choice((WORDS, FILES, SMALL, SMALL)))


def _misspelled(key: str, random: Random) -> str:
    place = random.randrange(len(key))
    letter = random.choice(("", "x", key[place] * 2, " ", "\n", "é", ".", "\x1b", key[place].upper()))
    return key[:place] + letter + key[place + 1 :] or "x"


def _noise(random: Random) -> str:
    """Any characters except NUL, which no command line can contain."""
    text = "".join(chr(random.choice((random.randrange(1, 128), random.randrange(128, 0x3000)))) for _ in range(9))
    return random.choice((text, text, random.choice(WORDS), random.choice(NUMBERS), random.choice(FILES)))


def settings_of_verb(verb: str) -> Mapping[str, Setting]:
    """A verb's settings by name: of the dataclass in its module, or of a run."""
    module = import_module(f"composegan.verbs.{verb}_" if iskeyword(verb) else f"composegan.verbs.{verb}")
    classes = [item for item in vars(module).values() if isinstance(item, type) and item.__module__ == module.__name__]
    own = [item for item in classes if is_dataclass(item)]
    if own:
        return {key: item for schema in own for key, item in settings_of(schema).items()}
    return {} if verb == "domains" else settings_of(Config)
