"""`grouping=progressive` during training: when a group is split, and its line in grouping.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from composegan.grouping.conflict import cosines
from composegan.grouping.propose import splitting_of
from composegan.io.atomic import atomic_file, writing
from composegan.io.guarded import JSON, read_text, reading
from composegan.plugin.grouping_plan import Split
from composegan.runs.module import step_of
from composegan.runs.schedule import is_due
from composegan.runtime.console import print_line
from composegan.runtime.distributed import as_in_first_process
from composegan.training.step import TrainingStep

FILE = "grouping.jsonl"


class GroupSplitter(Callback):
    """Splits the group with the most conflict every `training.split_every` images, up to the groups that were set.

    names: of the classes. Comes before `RunRecorder`, so that a checkpoint has the split of its last step.
    """

    def __init__(self, run: Path, names: tuple[str, ...]) -> None:
        self.path, self.names = run / FILE, names

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Drop the lines of splits that will be made again."""
        if trainer.is_global_zero:
            drop_later_lines(self.path, step_of(module).images_seen)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Split a group if that is due."""
        step = step_of(module)
        training = step.config.training
        if not step.may_split or not is_due(step.images_seen, training.batch, training.split_every):
            return
        if split := decide(step):
            step.split(split.plan)
            if trainer.is_global_zero:
                self._record(step.images_seen, split)

    def _record(self, images_seen: int, split: Split) -> None:
        group, *parts = ([self.names[k] for k in part] for part in (split.members, *split.halves))
        line = {
            "images_seen": images_seen,
            "split": group,
            "into": parts,
            "conflict": round(split.conflict, 4),
            "groups": split.plan.to_names(self.names),
        }
        with writing(self.path), self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        one, other = map(", ".join, parts)
        print_line(f"{images_seen:,} images: {one} | {other} (conflict {split.conflict:.2f})")


def decide(step: TrainingStep) -> Split | None:
    """The next split, the same on all ranks: by the conflict beyond noise or, where there is none, by all of it."""
    gradients, splitting = step.class_gradients, splitting_of(step.config)  # (2, L, K, C, C)
    assert gradients is not None and splitting is not None
    for measured in (gradients, gradients.sum(dim=0, keepdim=True).expand_as(gradients)):
        alike = cosines(measured).to(step.path_mean.device, torch.float32)
        as_in_first_process([alike])  # another machine's processor may round otherwise
        if split := splitting.next_split(step.plan, alike.double().cpu().numpy()):
            return split
    return None


def drop_later_lines(path: Path, images_seen: int) -> None:
    """Keep the lines of grouping.jsonl up to `images_seen`. Raises UserError when the file cannot be read."""
    kept = []
    with reading(path, remedy="move it away to continue without it"):
        lines = read_text(path, JSON).splitlines() if path.exists() else []
    for line in lines:
        try:
            seen = json.loads(line)["images_seen"]
        except (ValueError, KeyError, TypeError, RecursionError):  # cut short by a kill
            continue
        if type(seen) is int and seen <= images_seen:
            kept.append(line + "\n")
    with atomic_file(path) as file:
        file.write_text("".join(kept))
