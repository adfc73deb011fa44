"""What a plan costs, without training it: the real networks and phases run on torch's meta device.

A meta tensor has a shape and a size but no memory, so a step of the largest model takes a few seconds on any machine.
Allocations are counted as tensors are created and freed.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from composegan.config.schema import Config
from composegan.networks.class_sets import ClassSets
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import Real, State, draw_classes, draw_slots
from composegan.training.step import run_phase

STEPS = 1000
"""With class sets, the most expensive of this many steps is estimated."""


@dataclass(frozen=True)
class Cost:
    """What a training step costs on one device, in float32.

    generator, discriminator: trainable parameters; local: those of the local generators alone.
    saved_local: bytes per sample that the local stage saves for the backward pass.
    memory: peak bytes of a step (weights, EMA, Adam's moments, gradients, activations).
    flops: multiplications and additions of an average step, with lazy phases weighted by how often they run.
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
    """The cost of training with `plan` and `batch` pictures per device.

    class_sets: the class sets of generated pictures (see `fullest`); None: every picture has all classes.
    """
    with torch.device("meta"):
        generator, discriminator = build(config, spec, plan)
    return cost_of(config, generator, discriminator, batch, class_sets)


class Fullest(ClassSets):
    """Class sets whose draw is always the fullest of STEPS draws: peak memory is decided by the worst step."""

    def draw(self, number: int, generator: torch.Generator | None = None) -> Tensor:
        draws = torch.Generator().manual_seed(0)
        batches = (super(Fullest, self).draw(number, draws) for _ in range(STEPS))
        return max(batches, key=lambda present: int(present.sum()))


def fullest(class_sets: ClassSets | None) -> Fullest | None:
    """The same class sets, for an estimate of the most expensive of STEPS steps."""
    return None if class_sets is None else Fullest(class_sets.sets, class_sets.counts, class_sets.areas)


def example(
    generator: Generator, discriminator: Discriminator, batch: int, class_sets: ClassSets | None
) -> tuple[State, Real]:
    """The inputs of a training step, with grey pictures, on the networks' device."""
    device = next(generator.parameters()).device
    state = State(generator, discriminator, torch.zeros((), device=device), class_sets=fullest(class_sets))
    shape = (batch, 3, generator.height, generator.width)
    labels = torch.zeros((batch, *shape[2:]), dtype=torch.uint8, device=device)
    return state, Real(torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last), labels)


def cost_of(
    config: Config,
    generator: Generator,
    discriminator: Discriminator,
    batch: int,
    class_sets: ClassSets | None = None,
) -> Cost:
    """The cost of these networks. On a real device every operation is executed as well as counted."""
    state, real = example(generator, discriminator, batch, class_sets)
    parameters = {"generator": parameters_of(generator), "discriminator": parameters_of(discriminator)}
    peak, flops = 0, 0.0
    for phase in objective(config.training):
        with Watched() as watched:
            run_phase(phase, state, [real])
        getattr(state, phase.network).zero_grad(set_to_none=True)
        peak, flops = max(peak, watched.most), flops + watched.flops / phase.every
    # Weights, EMA (of the generator only) and two moments; gradients are counted as they are allocated.
    constant = 4 * (4 * parameters["generator"] + 3 * parameters["discriminator"])
    local, saved = parameters_of(generator.local), saved_local(generator, batch, draw_classes(state, batch))
    return Cost(**parameters, local=local, saved_local=saved, memory=constant + peak, flops=flops)


def saved_local(generator: Generator, batch: int, classes: Tensor | None = None) -> int:
    """Bytes per sample that autograd keeps between the forward and backward pass of the local stage, outputs included.

    classes: (batch, K) bool, the classes present in each picture; None: all.
    """
    codes = generator.expand(draw_slots(generator, batch, 0.0).detach().requires_grad_())
    generator.local.requires_grad_(True)
    known = {_address(tensor) for tensor in (*generator.parameters(), *generator.buffers(), codes)}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _address(tensor) not in known:
            kept[_address(tensor)] = tensor.untyped_storage().nbytes()
            alive.append(tensor)  # so that its address is not reused
        return tensor

    alive: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = generator.local(generator.local_codes(codes), classes)
    kept |= {_address(tensor): tensor.untyped_storage().nbytes() for tensor in outputs}
    return sum(kept.values()) // batch


class Watched(TorchDispatchMode):
    """Counts operations in its block, and the memory of every tensor from its creation until it is freed.

    most: peak bytes; flops: operations of matrix products and convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = self.flops = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given = {_address(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func._overloadpacket):
            self.flops += count(*args, **(kwargs or {}), out_val=result)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and _address(tensor) not in given | self.known:
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        self.known.add(address)
        self.now += size
        self.most = max(self.now, self.most)
        weakref.finalize(storage, self._drop, address, size)

    def _drop(self, address: int, size: int) -> None:
        self.known.discard(address)
        self.now -= size


def parameters_of(network: torch.nn.Module) -> int:
    """The number of parameters of a network."""
    return sum(p.numel() for p in network.parameters())


def _address(tensor: Tensor) -> int:
    """Identifies a tensor's storage, on the meta device too."""
    return tensor.untyped_storage()._cdata
