"""The check that a model of the domain's classes can be trained on its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from time import perf_counter
from typing import Any, cast

from composegan.config.compose import compose
from composegan.devkit.subject import Reading, Subject
from composegan.devkit.verdict import Verdict, for_each_source
from composegan.plugin.domain import Source

TINY = """
data.height=32 data.width=32 data.demo= data.root= trainer.accelerator=cpu grouping=per_class
model.latent_channels=16 model.mapping_layers=1 model.local_layers=3 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 model.mask_rank=0 training.batch=2 training.images=2 training.r1_every=1
training.path_every=1
"""
"""A model so small that a step of every phase takes a second or two."""


@for_each_source
def step(subject: Subject, name: str, reading: Reading) -> Iterator[Verdict]:
    """A tiny model of the domain's classes takes one training step, with every phase, on the CPU."""
    if name != next(iter(subject.sources)):
        return  # the model is the same for the other sources
    losses, seconds = train_once(subject, subject.sources[name], [item.index for item in reading.seen])
    wrong = [phase for phase, loss in losses.items() if not isfinite(loss)]
    remedy = f"{', '.join(wrong)}: the loss is not finite; inspect its images" if wrong else ""
    yield Verdict(not wrong, f"{name}: {', '.join(losses)} in {seconds:.1f} s", remedy)


def train_once(subject: Subject, source: Source, indices: Sequence[int]) -> tuple[dict[str, float], float]:
    """The loss of each phase in a first step on two of these images of the source, and its duration in seconds."""
    import torch
    from torch.utils.data import Subset

    from composegan.data import training_loader
    from composegan.plugin.grouping_plan import GroupingPlan
    from composegan.training.build import build
    from composegan.training.objective import objective
    from composegan.training.phases import Real, State
    from composegan.training.step import run_phase

    extra = [f"plugin_path={subject.plugin_path}"] if subject.plugin_path else []
    config = compose([f"domain={subject.domain}", *TINY.split(), *extra]).config
    height, width, batch = config.data.height, config.data.width, config.training.batch
    classes = len(subject.spec.classes)
    some = Subset(cast(Any, source), indices)  # a Source is not declared to be a Dataset
    loader = training_loader(some, classes=classes, batch=batch, height=height, width=width, seed=0)
    data = next(iter(loader))
    real = Real(data["image"].to(torch.float32).div_(127.5).sub_(1), data["labels"])
    losses, start, threads = {}, perf_counter(), torch.get_num_threads()
    torch.set_num_threads(1)  # more threads only wait for each other in so small a model
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            generator, discriminator = build(config, subject.spec, GroupingPlan.per_class(len(subject.spec.classes)))
            state = State(generator, discriminator, torch.zeros(()))
            for phase in objective(config.training):

                def backward(loss: torch.Tensor, name: str = phase.name) -> None:
                    losses[name] = float(loss.detach())
                    loss.backward()

                adam = torch.optim.Adam(getattr(state, phase.network).parameters(), lr=1e-3)
                run_phase(phase, state, [real], adam, backward=backward)
    finally:
        torch.set_num_threads(threads)
    return losses, perf_counter() - start
