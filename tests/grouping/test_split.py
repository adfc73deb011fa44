"""A split leaves everything as it was but that the children go on apart."""

import copy

import pytest
import torch

from composegan.grouping.split import regroup, sources
from composegan.networks.local_bank import LocalBank
from composegan.training.class_gradients import add_class_gradients
from tests.networks.small import small_bank, small_generator

SHARED = LocalBank.SHARED
BEFORE, AFTER, LAST = (0, 1, 0, 1, 0), (0, 1, 2, 1, 0), (0, 1, 2, 3, 4)


def stirred_bank(group_of=BEFORE, dtype=torch.float64, channels_last=True, **changes):
    torch.manual_seed(0)
    bank = small_bank(group_of=group_of, embedding=True, **changes)
    return bank.to(dtype, memory_format=torch.channels_last if channels_last else torch.preserve_format)


def codes_of(bank, batch=3):
    draws = torch.Generator().manual_seed(1)
    return torch.randn(batch, bank.classes * bank.layers, 10, generator=draws).to(bank.weight.dtype)


def loss_of(bank, present=None):
    features, m, depth = bank(codes_of(bank), present)
    draws = torch.Generator().manual_seed(2)
    noise = torch.randn(features.shape, generator=draws).to(features.dtype)
    return (features * noise).sum() + m.square().sum() + depth[depth.isfinite()].sum()


def adam_of(network):
    return torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.5, 0.9), fused=True)


def trained(bank, steps=3):
    adam = adam_of(bank)
    for _ in range(steps):
        adam.zero_grad()
        loss_of(bank).backward()
        adam.step()
    return bank, adam


def named_state(network, adam):
    names = {parameter: name for name, parameter in network.named_parameters()}
    return {names[parameter]: state for parameter, state in adam.state.items()}


def test_sources_of_new_groups():
    assert sources(BEFORE, AFTER) == [0, 1, 0]
    assert sources((0, 0, 0, 0), (0, 1, 1, 0)) == [0, 0]
    assert sources((0, 1, 0, 1), (0, 1, 2, 1)) == [0, 1, 0]
    assert sources((0, 1, 1), (0, 1, 2)) == [0, 1, 1]
    with pytest.raises(ValueError, match="cannot be joined"):
        sources(AFTER, BEFORE)
    with pytest.raises(ValueError, match="argument"):
        sources((0, 0), (0, 1, 1))


def test_shared_parameters_are_those_that_grow_with_groups():
    few, many = (dict(stirred_bank(g).named_parameters()) for g in (BEFORE, LAST))
    for name, parameter in few.items():
        grown = [dim for dim in range(parameter.dim()) if parameter.shape[dim] != many[name].shape[dim]]
        assert grown == ([SHARED[name]] if name in SHARED else [])


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
@pytest.mark.parametrize("present", [None, "some"])
def test_regroup_keeps_the_output(dtype, near, present, channels_last):
    """Bit for bit before anything is added up over a group: masks and depths, where all classes are there."""
    bank = stirred_bank(dtype=dtype, channels_last=channels_last)
    if present:
        present = torch.tensor([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 1, 0, 0, 1]], dtype=torch.bool)
    codes = codes_of(bank)
    before = bank(codes, present)
    for plan in (AFTER, LAST):
        regroup(bank, plan)
        after = bank(codes, present)
        torch.testing.assert_close(before, after, rtol=near, atol=near)
        assert present is not None or (torch.equal(before[1], after[1]) and torch.equal(before[2], after[2]))
        assert bank.group_of == plan and bank.weight.shape[1] == max(plan) + 1


def test_regrouped_bank_equals_a_new_one():
    """Same parameters in the same order, same buffers, same memory order; so checkpoints and models fit."""
    bank, fresh = stirred_bank((0, 0, 0, 0, 0)), stirred_bank(AFTER)
    regroup(bank, (0, 1, 0, 1, 0))
    regroup(bank, AFTER)
    for (name, one), (other_name, other) in zip(bank.named_parameters(), fresh.named_parameters(), strict=True):
        assert (name, one.shape, one.stride(), one.dtype) == (other_name, other.shape, other.stride(), other.dtype)
    assert torch.equal(bank.member, fresh.member)
    fresh.load_state_dict(bank.state_dict())
    assert torch.equal(fresh(codes_of(bank))[0], bank(codes_of(bank))[0])


@pytest.mark.parametrize("present", [None, "some"])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("adapter_rank", [0, 2])
def test_gradients_of_children_sum_to_the_parents(recompute, adapter_rank, present):
    """And those that are watched of classes are the gradients of a bank in which no classes share."""
    present = present and torch.tensor([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 1, 0, 0, 1]], dtype=torch.bool)
    bank = stirred_bank(recompute=recompute, adapter_rank=adapter_rank)
    asked = torch.zeros(4, 5, 8, 8, dtype=torch.float64)
    for _ in range(2):  # added up
        bank.zero_grad()
        with add_class_gradients(bank, asked):
            loss_of(bank, present).backward()
    assert bank.probe is None
    parents = {name: parameter.grad for name, parameter in bank.named_parameters()}
    for plan in (AFTER, LAST):
        bank.zero_grad()
        regroup(bank, plan)
        loss_of(bank, present).backward()
        for name, parameter in bank.named_parameters():
            gradient = parameter.grad
            if name in SHARED:
                index = torch.tensor(sources(BEFORE, plan))
                gradient = torch.zeros_like(parents[name]).index_add(SHARED[name], index, gradient)
            torch.testing.assert_close(gradient, parents[name], rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(asked, 2 * bank.weight.grad, rtol=1e-9, atol=1e-11)


def test_class_gradients_leave_gradients_unchanged():
    plain, other = stirred_bank(dtype=torch.float32), stirred_bank(dtype=torch.float32)
    loss_of(plain).backward()
    with add_class_gradients(other, torch.zeros(4, 5, 8, 8)):
        loss_of(other).backward()
    for one, two in zip(plain.parameters(), other.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_failed_step_removes_the_probe():
    bank = stirred_bank()
    with pytest.raises(RuntimeError, match="stop"), add_class_gradients(bank, torch.zeros(4, 5, 8, 8)):
        raise RuntimeError("stop")
    assert bank.probe is None


@pytest.mark.parametrize("channels_last", [True, False])
def test_moments_keep_the_memory_order_of_their_parameter(channels_last):
    bank, adam = trained(stirred_bank(channels_last=channels_last))
    before = copy.deepcopy(named_state(bank, adam))
    numbers = [len(group["params"]) for group in adam.param_groups]
    regroup(bank, AFTER, adam)
    after = named_state(bank, adam)
    assert list(before) == list(after) and numbers == [len(group["params"]) for group in adam.param_groups]
    assert [*adam.param_groups[0]["params"]] == [*bank.parameters()]
    for name, parameter in bank.named_parameters():
        for key, value in after[name].items():
            old = before[name][key]
            if name in SHARED and key != "step":
                assert value.stride() == parameter.stride()
                old = old.index_select(SHARED[name], torch.tensor(sources(BEFORE, AFTER)))
            assert torch.equal(value, old)


@pytest.mark.parametrize("channels_last", [True, False])
def test_next_step_differs_by_sharing_only(channels_last):
    """Handed the parent's gradient, every child moves as the parent would have."""
    parent, of_parent = trained(stirred_bank(channels_last=channels_last))
    child, of_child = trained(stirred_bank(channels_last=channels_last))
    regroup(child, AFTER, of_child)
    for bank in (parent, child):
        bank.zero_grad()
        loss_of(bank).backward()
    source = torch.tensor(sources(BEFORE, AFTER))
    with torch.no_grad():
        for name, parameter in child.named_parameters():
            gradient = dict(parent.named_parameters())[name].grad
            parameter.grad.copy_(gradient.index_select(SHARED[name], source) if name in SHARED else gradient)
    of_parent.step()
    of_child.step()
    for name, parameter in child.named_parameters():
        expected = dict(parent.named_parameters())[name]
        assert torch.equal(parameter, expected.index_select(SHARED[name], source) if name in SHARED else expected), name


def test_refused_regroup_leaves_groups_unchanged():
    bank = stirred_bank(AFTER)
    with pytest.raises(ValueError, match="cannot be joined"):
        regroup(bank, BEFORE)
    assert bank.group_of == AFTER and bank.weight.shape[1] == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_regrouped_generator_draws_the_same_pictures(dtype):
    torch.manual_seed(0)
    generator = small_generator(group_of=(0, 0, 0, 0), embedding=True).to(dtype, memory_format=torch.channels_last)
    w = generator.map(torch.randn(3, 12, dtype=dtype))
    before = generator(w)
    regroup(generator.local, (0, 1, 1, 2))
    after = generator(w)
    near = 1e-11 if dtype == torch.float64 else 1e-4
    assert torch.equal(before.coarse, after.coarse)
    torch.testing.assert_close(before.image, after.image, rtol=near, atol=near)
