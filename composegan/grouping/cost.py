"""What a plan costs, without training it: the real networks and phases are run on tensors that have no memory.

On torch's meta device a tensor knows its shape and size and holds nothing, so that a step of the largest model takes a
few seconds anywhere; what it would keep is counted as it comes and goes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from composegan.config.schema import Config
from composegan.domain import DomainSpec
from composegan.grouping.plan import GroupingPlan
from composegan.models.generator import Generator
from composegan.training.build import build
from composegan.training.phases import Real, State, draw_slots, phases


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


def estimate(config: Config, spec: DomainSpec, plan: GroupingPlan, batch: int) -> Cost:
    """The cost of training with `plan` and `batch` pictures on a device."""
    with torch.device("meta"):
        generator, discriminator = build(config, spec, plan)
    return cost_of(config, generator, discriminator, batch)


def cost_of(config: Config, generator: Generator, discriminator: torch.nn.Module, batch: int) -> Cost:
    """The same of networks on any device: with real ones it is measured by running."""
    device = next(generator.parameters()).device
    state = State(generator, discriminator, torch.zeros((), device=device))
    shape = (batch, 3, generator.height, generator.width)
    labels = torch.zeros((batch, *shape[2:]), dtype=torch.uint8, device=device)
    real = Real(torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last), labels)
    numbers = {"generator": _numbers(generator), "discriminator": _numbers(discriminator)}
    peak, flops = 0, 0.0
    for phase in phases(config.training):
        moving = getattr(state, phase.network)
        for network in (generator, discriminator):
            network.requires_grad_(network is moving)

        def run(phase=phase) -> None:
            loss, _ = phase.loss(state, real)
            loss.backward()

        watched = watch(run)
        moving.zero_grad(set_to_none=True)
        peak, flops = max(peak, watched.most), flops + watched.flops / phase.every
    # Weights, their average (the generator's only) and two moments; the gradients are counted as they come.
    still = 4 * (4 * numbers["generator"] + 3 * numbers["discriminator"])
    local = _numbers(generator.local)
    return Cost(**numbers, local=local, saved_local=saved_local(generator, batch), memory=still + peak, flops=flops)


def saved_local(generator: Generator, batch: int) -> int:
    """Bytes that autograd keeps of the local stage between forward and backward, a sample, its outputs included."""
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
        outputs = generator.local(codes)
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


def _numbers(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _piece(tensor: Tensor) -> int:
    """What tells one piece of memory from another, also where there is none."""
    return tensor.untyped_storage()._cdata
