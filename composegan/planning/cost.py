"""What a plan costs, without training it: the real networks and phases are run on tensors that have no memory.

On torch's meta device a tensor knows its shape and size and holds nothing, so that a step of the largest model takes a
few seconds anywhere; what it would keep is counted as it comes and goes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from composegan.config.schema import Config
from composegan.networks.class_sets import ClassSets
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import Real, State, draw_classes, draw_slots
from composegan.training.step import run_phase

STEPS = 1000
"""With class sets, an estimate is of the step that computes most of this many."""


@dataclass(frozen=True)
class Cost:
    """generator, discriminator: numbers they learn; local: those of the local generators alone.

    saved_local: bytes that the local stage keeps for the backward pass, a sample; memory: bytes at the height of a
    training step (weights, averages, Adam's moments, gradients, activations), float32, one device's batch;
    flops: multiplications and additions of an average step, regularizers counted at their rate.
    """

    generator: int
    discriminator: int
    local: int
    saved_local: int
    memory: int
    flops: float


def estimate(
    config: Config, spec: DomainSpec, plan: GroupingPlan, batch: int, class_sets: ClassSets | None = None
) -> Cost:
    """The cost of training with `plan` and `batch` pictures on a device.

    class_sets: those that generated pictures get (see `fullest`); None: all classes in each.
    """
    with torch.device("meta"):
        generator, discriminator = build(config, spec, plan)
    return cost_of(config, generator, discriminator, batch, class_sets)


class Fullest(ClassSets):
    """Class sets of which a draw of n always gives the n that have most classes together, of many draws.

    What a device has to hold is decided by the worst step, not by the mean one.
    """

    def draw(self, number: int, generator: torch.Generator | None = None) -> Tensor:
        draws = torch.Generator().manual_seed(0)
        batches = (super(Fullest, self).draw(number, draws) for _ in range(STEPS))
        return max(batches, key=lambda present: int(present.sum()))


def fullest(class_sets: ClassSets | None) -> Fullest | None:
    """The same class sets, for an estimate of the worst of STEPS steps."""
    return None if class_sets is None else Fullest(class_sets.sets, class_sets.counts, class_sets.areas)


def example(
    generator: Generator, discriminator: torch.nn.Module, batch: int, class_sets: ClassSets | None
) -> tuple[State, Real]:
    """What a step of training works on, the pictures grey; on the networks' device."""
    device = next(generator.parameters()).device
    state = State(generator, discriminator, torch.zeros((), device=device), class_sets=fullest(class_sets))
    shape = (batch, 3, generator.height, generator.width)
    labels = torch.zeros((batch, *shape[2:]), dtype=torch.uint8, device=device)
    return state, Real(torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last), labels)


def cost_of(
    config: Config,
    generator: Generator,
    discriminator: torch.nn.Module,
    batch: int,
    class_sets: ClassSets | None = None,
) -> Cost:
    """The same of networks on any device; of real ones every operation is done and counted."""
    state, real = example(generator, discriminator, batch, class_sets)
    numbers = {"generator": numbers_of(generator), "discriminator": numbers_of(discriminator)}
    peak, flops = 0, 0.0
    for phase in objective(config.training):
        watched = watch(partial(run_phase, phase, state, [real]))
        getattr(state, phase.network).zero_grad(set_to_none=True)
        peak, flops = max(peak, watched.most), flops + watched.flops / phase.every
    # Weights, their average (the generator's only) and two moments; the gradients are counted as they come.
    still = 4 * (4 * numbers["generator"] + 3 * numbers["discriminator"])
    local, saved = numbers_of(generator.local), saved_local(generator, batch, draw_classes(state, batch))
    return Cost(**numbers, local=local, saved_local=saved, memory=still + peak, flops=flops)


def saved_local(generator: Generator, batch: int, classes: Tensor | None = None) -> int:
    """Bytes that autograd keeps of the local stage between forward and backward, a sample, its outputs included.

    classes: (batch, K) bool, those that are in each picture; None: all.
    """
    codes = generator.expand(draw_slots(generator, batch, 0.0).detach().requires_grad_())
    generator.local.requires_grad_(True)
    known = {_piece(tensor) for tensor in (*generator.parameters(), *generator.buffers(), codes)}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _piece(tensor) not in known:
            kept[_piece(tensor)] = tensor.untyped_storage().nbytes()
            pieces.append(tensor)  # alive, so that no other piece is taken for it
        return tensor

    pieces: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = generator.local(codes, classes)
    kept |= {_piece(tensor): tensor.untyped_storage().nbytes() for tensor in outputs}
    return sum(kept.values()) // batch


def watch(run: Callable[[], Any]) -> Watched:
    """Run it, and say what it held and computed."""
    with Watched() as watched:
        run()
    return watched


class Watched(TorchDispatchMode):
    """Counts the memory of every tensor from when an operation makes it until nobody has it any more.

    most: the most bytes held at one time; flops: of matrix products and convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = self.flops = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given = {_piece(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func._overloadpacket):
            self.flops += count(*args, **(kwargs or {}), out_val=result)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and _piece(tensor) not in given | self.known:
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        piece, size = storage._cdata, storage.nbytes()
        self.known.add(piece)
        self.now += size
        self.most = max(self.now, self.most)
        weakref.finalize(storage, self._drop, piece, size)

    def _drop(self, piece: int, size: int) -> None:
        self.known.discard(piece)
        self.now -= size


def numbers_of(network: torch.nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())


def _piece(tensor: Tensor) -> int:
    """What tells one piece of memory from another, also where there is none."""
    return tensor.untyped_storage()._cdata
