"""Computing only the pairs that are there is computing all of them and leaving the others out."""

import math

import pytest
import torch
from torch import Tensor

from composegan.networks.local_bank import LocalBank
from composegan.networks.routing import Routing

from . import plain
from .small import derivatives, small_bank, small_generator


def random_case(seed: int, classes: int, **changes) -> tuple[LocalBank, Tensor, Tensor]:
    """A bank with a random plan of random size, codes, and a random class set for each of three samples."""
    draws = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    groups = int(torch.randint(1, classes + 1, (), generator=draws))
    group_of = torch.cat((torch.arange(groups), torch.randint(0, groups, (classes - groups,), generator=draws)))
    group_of = group_of[torch.randperm(classes, generator=draws)]
    transparent = [k for k in range(1, classes) if torch.rand((), generator=draws) < 0.2]
    bank = small_bank(group_of=group_of.tolist(), transparent=transparent, **changes)
    codes = torch.randn(3, classes * bank.layers, 10, dtype=torch.float64)
    present = torch.rand(3, classes, generator=draws) < torch.rand((), generator=draws)
    present[torch.arange(3), torch.randint(0, classes, (3,), generator=draws)] = True
    return bank, codes, present


def without(bank: LocalBank, codes: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The dense computation, absent classes left out of its softmax by their depth."""
    opaque = tuple(k for k in range(bank.classes) if bank.opaque is None or bank.opaque[k])
    return plain.local_stage(bank, codes, bank.group_of, opaque, present)


@pytest.mark.parametrize(
    ("seed", "classes", "changes"),
    [
        *((seed, classes, {}) for seed, classes in enumerate((2, 3, 5, 8, 13, 30))),
        (7, 9, {"recompute": True}), (8, 6, {"depth_layers": 1, "height": 16, "width": 24}),
    ],
)  # fmt: skip
def test_routed_bank_equals_dense_bank_without_absent_classes(seed, classes, changes):
    bank, codes, present = random_case(seed, classes, **changes)
    codes.requires_grad_()
    routed, dense = bank(codes, present), without(bank, codes, present)
    torch.testing.assert_close(routed, dense)
    for found, expected in zip(derivatives(routed, codes, bank), derivatives(dense, codes, bank), strict=True):
        assert found.isfinite().all()
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("classes", "rank"), [(2, 0), (13, 0), (13, 2), (66, 0), (150, 0)])
def test_routed_bank_with_all_classes_equals_dense_bank(classes, rank):
    bank, codes, _ = random_case(classes, classes, adapter_rank=rank)
    codes.requires_grad_()
    dense, routed = bank(codes), bank(codes, torch.ones(3, classes, dtype=torch.bool))
    torch.testing.assert_close(routed, dense)
    torch.testing.assert_close(derivatives(routed, codes, bank), derivatives(dense, codes, bank))


def test_routing_indices():
    present = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 0, 1]]).bool()
    routing = Routing.of(present, (0, 1, 1, 0, 2))
    assert routing.pair.tolist() == [1, 2, 4, 5, 9]
    assert routing.of_class.tolist() == [1, 2, 4, 0, 4]
    assert routing.group.tolist() == [1, 1, 2, 0, 2]
    assert routing.buckets == (3, 2)
    assert routing.bucket[routing.place].tolist() == [0, 1, 2, 3, 4]  # each pair is where it is said to be
    assert (routing.place // 2).tolist() == routing.group.tolist()
    assert routing.seats == (2, 3) and routing.seat.tolist() == [0, 1, 2, 3, 4]
    assert routing.slot.tolist() == [0, 0, 1, 2, 3]
    assert routing.slot_group.tolist() == [[1, 2], [0, 2]]


def test_absent_class_has_no_depth_weight_or_gradient():
    bank = small_bank()
    codes = torch.randn(1, 16, 10, dtype=torch.float64, requires_grad=True)
    features, m, depth = bank(codes, torch.tensor([[True, False, True, True]]))
    assert not m[:, 1].any() and (depth[:, 1] == -math.inf).all()
    (features.sum() + m.square().sum()).backward()
    assert not codes.grad.unflatten(1, (4, 4))[:, 1].any()
    assert not bank.weight.grad[:, 1].any() and bank.weight.grad[:, 0].any()


def test_routed_cost_grows_with_present_pairs():
    """Three of thirty classes take about as many operations and bytes as three of four."""
    from composegan.planning.cost import Watched

    def cost(classes: int) -> tuple[int, float]:
        bank = small_bank(group_of=(0,) * classes, transparent=(), height=32, width=32)
        codes = torch.randn(2, classes * 4, 10, dtype=torch.float64)
        present = torch.zeros(2, classes, dtype=torch.bool)
        present[:, :3] = True
        with Watched() as watched:
            bank(codes, present)
        return watched.most, watched.flops

    (few_bytes, few_flops), (many_bytes, many_flops) = cost(4), cost(30)
    assert many_flops == few_flops
    planes = 2 * 26 * 32 * 32 * 8  # one number a pixel of each class more: depth, m and what they are made of
    assert many_bytes < few_bytes + 8 * planes


def test_routing_rejects_empty_set():
    with pytest.raises(ValueError, match="class set is empty"):
        small_generator()(torch.randn(2, 12), classes=torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0]]))


def test_generator_broadcasts_one_class_set():
    generator = small_generator()
    slots, present = torch.randn(2, generator.layout.slots, 12), torch.tensor([True, False, True, True])
    one, each = generator(slots, classes=present), generator(slots, classes=present.expand(2, -1))
    assert torch.equal(one.image, each.image)
