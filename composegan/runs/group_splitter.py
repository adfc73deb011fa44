"""`grouping=progressive` while a run goes on: when a group is split, and what is written of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer

from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.grouping.conflict import cosines
from composegan.grouping.scheduler import next_split
from composegan.io.atomic import atomic_file, writing
from composegan.io.guarded import JSON, UnreadableError, read_text
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import Split
from composegan.runs.recorder import is_due
from composegan.runtime.console import print_line
from composegan.runtime.distributed import as_in_first_process
from composegan.training.module import CompositionModule

FILE = "grouping.jsonl"


class GroupSplitter(Callback):
    """Splits the group with the most conflict every `training.split_every` images, until there are as many as asked.

    Before `Keeper` among a trainer's callbacks, so that a checkpoint has the split of its last step.
    """

    def __init__(
        self, run: Path, config: Config, spec: DomainSpec, print_line: Callable[[str], None] = print_line
    ) -> None:
        self.path, self.names, self.say = run / FILE, spec.names, print_line
        self.every = config.training.split_every

    def on_train_start(self, trainer: Trainer, module: CompositionModule) -> None:
        if trainer.is_global_zero:
            drop_later_lines(self.path, module.images_seen)

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        if not module.may_split or not is_due(module, self.every):
            return
        if split := self._decide(module):
            module.split(split.plan, trainer.optimizers[0])
            if trainer.is_global_zero:
                self._tell(module.images_seen, split)

    def _decide(self, module: CompositionModule) -> Split | None:
        """By what classes disagree on beyond noise; where nothing is left then, by all that was measured, so that there
        come to be as many groups as were asked for."""
        asked = module.class_gradients  # (2, L, K, C, C)
        for gradients in (asked, asked.sum(dim=0, keepdim=True).expand_as(asked)):
            alike = cosines(gradients).to(module.device, torch.float32)
            as_in_first_process([alike])  # the same numbers, but on the processors of another machine
            if split := next_split(module.plan, alike.double().cpu().numpy()):
                return split
        return None

    def _tell(self, images_seen: int, split: Split) -> None:
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
        self.say(f"{images_seen:,} images: {one} | {other} (conflict {split.conflict:.2f})")


def drop_later_lines(path: Path, images_seen: int) -> None:
    """Keep of grouping.jsonl what was written by then: what comes after a checkpoint will be written again."""
    kept = []
    try:
        lines = read_text(path, JSON).splitlines() if path.exists() else []
    except (OSError, UnreadableError) as error:
        raise UserError(f"{path}: cannot be read ({error}); move it away to continue without it") from error
    for line in lines:
        try:
            seen = json.loads(line)["images_seen"]
        except (ValueError, KeyError, TypeError, RecursionError):  # cut short by a kill
            continue
        if type(seen) is int and seen <= images_seen:
            kept.append(line + "\n")
    with atomic_file(path) as file:
        file.write_text("".join(kept))
