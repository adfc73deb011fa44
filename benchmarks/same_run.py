"""Check that two versions of composegan train bit for bit the same.

    python -m benchmarks.same_run before=PYTHON after=PYTHON [out=DIR] [kinds=plain,ranks]
    python -m benchmarks.same_run before=PYTHON out=DIR           # record one side in DIR/before
    python -m benchmarks.same_run before=DIR/before after=PYTHON  # compare with the recorded runs

PYTHON is the python of an environment with composegan installed; the `composegan` script beside it is run. Each side
draws its demos and trains its runs in its own folder. Metrics, samples, groups, models and checkpoints are compared.
Prints one row per kind of run; the exit status is 1 if anything differs or a run fails. Record and compare on the same
machine: other processors and other versions of torch round differently.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.script import read_settings, run_study
from composegan.config.lists import names_in
from composegan.errors import UserError

CPU = "trainer.accelerator=cpu trainer.threads=1 data.workers=0"
TINY = """
model.latent_channels=16 model.mapping_layers=2 model.local_layers=4 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=16 model.coarse_size=16 model.min_feat_size=8 model.max_channels=16
model.discriminator_max_channels=16 training.batch=4
"""
OFTEN = """
output.samples=8 output.log_every=16 output.samples_every=80 output.checkpoint_every=80 output.score_every=80
output.score_samples=32 output.metrics=sliced_wasserstein
"""
EVERY_PHASE = f"""
{CPU} {TINY} {OFTEN} data.demo_count=200 data.flip=on model.noise=on training.r1_every=4 training.path_every=4
training.mixing=0.5 training.augment=0.3
"""
# Settings of the quick recipe of faces before it became modern, so that older versions train the same.
PAPER_QUICK = """
model.family=paper training.loss=paper training.learning_rate=0.004 training.r1_image=5 training.r1_mask=50
"""
FACES = f"domain=faces recipe=quick {PAPER_QUICK} {EVERY_PHASE} data.height=32 data.width=32 training.images=240"
PLAIN = f"{FACES} output.metrics=sliced_wasserstein,FSD"
STREETS = f"domain=cityscapes recipe=quick {EVERY_PHASE} data.height=32 data.width=64 training.images=160"
PROGRESSIVE = f"{STREETS} grouping=progressive:6 training.split_every=24"
PAPER = f"domain=faces recipe=paper256 grouping=per_class {CPU} {TINY} {OFTEN} data.height=32 data.width=32"
ADAPT = f"{CPU} {OFTEN} data.demo=avataaars data.demo_count=100 training.images=80"

GUARD = "pt guard: "
"""After an interrupt of two ranks these may round differently: stopping averages the sums of an unfinished interval."""

STOP_AT = 112
"""Images after which a run is stopped: past its first checkpoint, with seconds left to train."""

TIMEOUT = 300  # seconds
STATUS = {None: 0, signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}  # expected, by the signal sent
REQUIRED = ("images_seen", "skipped", "networks", "optimizers", "guard", "best", "class_sets")
"""Keys of a checkpoint that both sides must have. Other keys are compared if both have them."""

ABOUT = "import composegan as c, torch as t; print(c.__path__[0], t.__version__, t.backends.cpu.get_cpu_capability())"


@dataclass(frozen=True)
class Kind:
    """One kind of run. stop: signal sent after STOP_AT images; the run is then resumed. source: kind whose run is
    adapted or, with `fit`, copied and trained longer. equals: kind with the same result on the same side. loose:
    regular expression of values that need only be close, as they depend on when the run was stopped."""

    settings: str
    verb: str = "fit"
    stop: signal.Signals | None = None
    source: str = ""
    equals: str = ""
    loose: str = ""


KINDS = {
    "plain": Kind(PLAIN),
    "paper": Kind(f"{PAPER} data.demo_count=200 training.images=160"),
    "workers": Kind(f"{PLAIN} data.workers=2", equals="plain"),
    "ranks": Kind(f"{FACES} trainer.devices=2"),
    "accumulate": Kind(f"{FACES} trainer.accumulate=2"),
    "bf16": Kind(f"{FACES} training.precision=bf16 training.images=160"),
    "rollback": Kind(f"{FACES} trainer.spike=1.9 output.log_every=8 output.checkpoint_every=40 output.score_every=0"),
    "stopped": Kind(PLAIN, stop=signal.SIGINT, equals="plain"),
    "killed": Kind(PLAIN, stop=signal.SIGKILL, equals="plain"),
    "ranks_stopped": Kind(f"{FACES} trainer.devices=2", stop=signal.SIGINT, equals="ranks", loose=GUARD),
    "progressive": Kind(PROGRESSIVE),
    "progressive_killed": Kind(PROGRESSIVE, stop=signal.SIGKILL, equals="progressive"),
    "affinity": Kind(
        f"{STREETS} grouping=affinity:8 model.texture_threshold=0.05 model.texture_capacity=0.6 model.mask_rank=4 "
        "model.adapter_rank=2 model.recompute=on output.metrics=FD-EffNetLite0"
    ),
    "adapt": Kind(ADAPT, verb="adapt", source="plain"),
    "adapt_all": Kind(f"{ADAPT} freeze=none", verb="adapt", source="plain"),
    "longer": Kind("training.images=320", source="plain"),
}


@dataclass
class SameRunConfig:
    before: str = ""  # python of an environment, or folder of recorded runs
    after: str = ""  # the same of the version to compare; empty: only record `before`
    out: str = ""  # folder for the runs; empty: a temporary one
    kinds: str = "all"  # kinds of runs, such as plain,ranks


class RunError(Exception):
    """A run failed or is missing."""


@dataclass(frozen=True)
class Side:
    """One version of composegan. python: None for recorded runs. folder: holds KIND/DOMAIN/TIME for each run."""

    name: str
    python: Path | None
    folder: Path

    def run_of(self, kind: str) -> Path:
        """The only run of a kind."""
        runs = [config.parent for config in (self.folder / kind).glob("*/*/config.yaml")]
        if len(runs) != 1:
            raise RunError(f"{self.name}: {len(runs)} runs in {self.folder / kind}; one is needed")
        return runs[0]

    def train(self, name: str) -> float:
        """Train a run, unless it is recorded. Returns the seconds it took."""
        if self.python is None:
            return 0.0
        began, kind, folder = time.monotonic(), KINDS[name], self.folder / name
        folder.mkdir()
        source = self.run_of(kind.source) if kind.source else None
        if source and kind.verb == "fit":
            source = shutil.copytree(source, folder / source.relative_to(self.folder / kind.source))
        start = f"run={source} " if source else ""
        self.composegan(folder, f"{kind.verb} {start}{kind.settings} output.root={folder}", kind.stop)
        if kind.stop:
            self.composegan(folder, f"fit run={self.run_of(name)}")
        return time.monotonic() - began

    def composegan(self, folder: Path, arguments: str, stop: signal.Signals | None = None) -> None:
        """Run a command and write what it prints to output.txt. Raises RunError for an unexpected exit status."""
        command = [self.python, self.python.with_name("composegan"), *arguments.split()]
        with (folder / "output.txt").open("a") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=self.environment(), stdout=output, stderr=output, start_new_session=True
            )
        late = time.monotonic() + TIMEOUT
        try:
            while process.poll() is None and time.monotonic() < late:
                if stop and images_logged(folder) >= STOP_AT:
                    process.send_signal(stop)
                    break
                time.sleep(0.01)
            status = process.wait(max(1.0, late - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with suppress(ProcessLookupError):  # a hanging run, its second rank, data workers
                os.killpg(process.pid, signal.SIGKILL)
        if status != STATUS[stop]:
            raise RunError(f"{self.name}: exit status {status}, expected {STATUS[stop]}; see {folder}/output.txt")

    def environment(self) -> dict[str, str]:
        own = {"COMPOSEGAN_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | own

    def about(self) -> str:
        """The package's folder, torch's version, the processor's instruction set, and the commit. Recorded as well."""
        file = self.folder / "about.txt"
        if self.python:
            how = {"cwd": self.folder, "env": self.environment(), "stdout": subprocess.PIPE, "text": True}
            text = subprocess.run([self.python, "-c", ABOUT], check=True, **how).stdout.strip()
            git = ["git", "-C", text.split()[0], "describe", "--always", "--dirty"]
            file.write_text(f"{text} {subprocess.run(git, check=False, **how).stdout}".strip())
        return file.read_text() if file.exists() else "recorded"


def images_logged(folder: Path) -> int:
    """The images seen by the last complete line of a run's metrics.csv; 0 if there is none."""
    text = "".join(file.read_text() for file in folder.glob("*/*/metrics.csv"))
    return int(["0", *re.findall(r"(?m)^(\d+),.*\n", text)][-1])


def contents(run: Path) -> dict[str, dict[str, Any]]:
    """What must be the same of a run: the values of each file, or of each key of a checkpoint, by name."""
    with (run / "metrics.csv").open(newline="") as file:
        rows = [{key: text for key, text in row.items() if key != "images_per_second"} for row in csv.DictReader(file)]
    found: dict[str, Any] = {
        "metrics.csv": {f"row {number}, {row['images_seen']} images": row for number, row in enumerate(rows)},
        "grouping.jsonl": [json.loads(line) for line in (run / "grouping.jsonl").read_text().splitlines()],
        "model.safetensors": load_file(run / "model" / "model.safetensors"),
        "config.json": json.loads(re.sub(r'"/[^"]*"', '"PATH"', (run / "model" / "config.json").read_text())),
    }
    for path in sorted((run / "samples").iterdir()):
        found[path.name] = torch.from_numpy(np.array(Image.open(path)))
    for name in ("last.pt", "best.pt"):  # previous.pt depends on when a run was stopped
        if name == "last.pt" or (run / "checkpoints" / name).exists():
            state = torch.load(run / "checkpoints" / name, weights_only=True)
            found |= {f"{name} {key}": value for key, value in state.items()}
    return {name: dict(leaves(value)) for name, value in found.items()}


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested dicts and lists with its path, such as `state/0/exp_avg`."""
    if isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, f"{name}/{key}" if name else str(key))
    else:
        yield name, value


def difference(one: Path, other: Path, loose: str = "") -> str | None:
    """The first difference of two runs; None if there is none. Renamed values of a checkpoint are compared in order."""
    mine, theirs = contents(one), contents(other)
    for file in sorted(mine.keys() ^ theirs.keys()):
        if ".pt " not in file or file.split()[1] in REQUIRED:
            return f"{file} is only in {one if file in mine else other}"
    for file in [file for file in mine if file in theirs]:
        first, second = mine[file], theirs[file]
        if file == "config.json":  # a newer version may record more
            first, second = ({name: side[name] for name in first if name in second} for side in (first, second))
        if first.keys() == second.keys():
            second = {name: second[name] for name in first}
        elif ".pt " not in file or len(first) != len(second):
            return f"{file}: {min(first.keys() ^ second.keys())} is only in one of them"
        for name, value, other_value in zip(first, first.values(), second.values(), strict=True):
            place = f"{file}: {name}" if name else file
            if loose and re.search(loose, place) and close(value, other_value):
                continue
            if text := apart(value, other_value):
                return f"{place}: {text}"
    return None


def apart(one: Any, other: Any) -> str | None:
    """How two values differ; None if they are bit for bit the same."""
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)):
        return None if repr(one) == repr(other) else f"{one!r} | {other!r}"  # NaN is the same as NaN
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return f"{one.dtype} {tuple(one.shape)} | {other.dtype} {tuple(other.shape)}"
    if torch.equal(*(tensor.contiguous().flatten().view(torch.uint8) for tensor in (one, other))):
        return None
    gap = (one.double() - other.double()).abs()
    return f"{int((gap != 0).sum())} of {gap.numel()} numbers, up to {gap.max().item():.3g} apart"


def close(one: Any, other: Any) -> bool:
    """Whether two numbers or tensors are nearly equal."""
    return torch.allclose(torch.as_tensor(one), torch.as_tensor(other), rtol=1e-5)


def check(name: str, sides: list[Side]) -> tuple[str, list[float]]:
    """Train a kind on each side and compare. Returns "same" or the first difference, and the seconds of each side."""
    kind, seconds = KINDS[name], []
    try:
        for side in sides:
            seconds.append(side.train(name))
        for side in sides:
            if kind.equals and (text := difference(side.run_of(kind.equals), side.run_of(name), kind.loose)):
                return f"{side.name}, {kind.equals} and {name}: {text}", seconds
        return difference(sides[0].run_of(name), sides[-1].run_of(name), kind.loose) or "same", seconds
    except Exception as error:  # a damaged or missing file, say; the other kinds are still worth a row
        return f"{type(error).__name__}: {error}", seconds


def sides_of(config: SameRunConfig) -> list[Side]:
    """One side or two. Raises UserError for a path that does not exist, or a folder that does."""
    out, sides = Path(config.out or mkdtemp(prefix="same_run-")).absolute(), []
    for name, given in (("before", config.before), ("after", config.after)):
        path = Path(given).expanduser().absolute()  # not resolved: the python of a venv is a link
        if not given and name == "after":
            continue
        if not given or not path.exists():
            raise UserError(f"{name}={given}: does not exist; give a python or a folder of recorded runs")
        sides.append(side := Side(name, None, path) if path.is_dir() else Side(name, path, out / name))
        if side.python and side.folder.exists():
            raise UserError(f"out={config.out}: {side.folder} exists; give another folder")
    return sides


def main(arguments: Sequence[str]) -> int:
    config = read_settings(SameRunConfig, arguments, "same_run")
    wanted, sides = names_in(config.kinds, list(KINDS), "kinds"), sides_of(config)
    for side in sides:
        side.folder.mkdir(parents=True, exist_ok=True)
        print(f"{side.name}: {side.folder}: {side.about()}", flush=True)
    print(f"\n{'kind':18}{''.join(f'{side.name:>8} s' for side in sides)}  result", flush=True)
    needed = {*wanted, *(KINDS[name].source for name in wanted), *(KINDS[name].equals for name in wanted)}
    verdicts = {}
    for name in [name for name in KINDS if name in needed]:
        verdicts[name], seconds = check(name, sides)
        print(f"{name:18}{''.join(f'{number:10.0f}' for number in seconds)}  {verdicts[name]}", flush=True)
    differ = [name for name, verdict in verdicts.items() if verdict != "same"]
    print(f"\n{len(differ)} of {len(verdicts)} kinds differ: {', '.join(differ)}" if differ else "\nall the same")
    return int(bool(differ))


if __name__ == "__main__":
    run_study(main)
