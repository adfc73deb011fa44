"""The bank equals a plain loop over classes, however classes share; and costs what it promises."""

import pytest
import torch

from composegan.networks.local_bank import LocalBank, fourier_features
from tests.helpers import Watching

from . import plain
from .small import derivatives, small_bank

PLANS = [(0, 1, 2, 3), (0, 1, 1, 0), (0, 0, 0, 0)]


def draw_codes(bank: LocalBank, batch: int = 3) -> torch.Tensor:
    return torch.randn(batch, bank.classes * bank.layers, bank.style_weight.shape[-1], dtype=torch.float64)


def with_derivatives(bank: LocalBank, codes: torch.Tensor) -> list[torch.Tensor]:
    """The bank's outputs and `derivatives`."""
    codes = codes.clone().requires_grad_()
    outputs = bank(codes)
    return [*outputs, *derivatives(outputs, codes, bank)]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("transparent", [(), (2,), (1, 3)])
def test_bank_equals_loop_over_classes(plan, transparent):
    bank = small_bank(group_of=plan, transparent=transparent)
    codes = draw_codes(bank)
    opaque = tuple(k for k in range(4) if k not in transparent)
    torch.testing.assert_close(bank(codes), plain.local_stage(bank, codes, plan, opaque))


@pytest.mark.parametrize("rank", [0, 8])
@pytest.mark.parametrize("plan", [(0, 1, 1, 0), (0, 0, 0, 0)])
def test_shared_bank_equals_own_weights(plan, rank):
    """A bank of G groups is one of K groups with copied weights plus adapters, at codes shifted by the embeddings."""
    shared, each = small_bank(group_of=plan, adapter_rank=rank), small_bank()
    state, groups = shared.state_dict(), list(plan)
    own = state.pop("adapter_out") @ state.pop("adapter_in") if rank else 0
    state |= {name: state[name][:, groups] for name in ("weight", "style_weight")}
    state["weight"] = state["weight"] + own
    state["feature_weight"] = state["feature_weight"][groups]
    shift = state.pop("embedding").repeat_interleave(shared.layers, dim=0)  # (K * layers, S)
    each.load_state_dict(state)
    codes = draw_codes(shared)
    torch.testing.assert_close(shared(codes), each(codes + shift))


@pytest.mark.parametrize("plan", PLANS)
def test_recomputation_keeps_outputs_and_gradients(plan):
    bank = small_bank(group_of=plan)
    codes = draw_codes(bank)
    stored = with_derivatives(bank, codes)
    bank.recompute = True
    torch.testing.assert_close(with_derivatives(bank, codes), stored)


def test_recomputation_saves_outputs_only():
    """Of the stage autograd holds its codes, and no other number until backward asks for it."""
    saved = []

    def pack(tensor):
        saved.append(tensor.numel())
        return tensor

    def count(recompute):
        bank = small_bank(recompute=recompute)
        codes = draw_codes(bank).requires_grad_()
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            bank(codes)
        return sum(saved)

    layer = 3 * 4 * 8 * 24  # samples, classes, channels, pixels
    assert count(False) > 4 * layer
    assert count(True) == 3 * 4 * 4 * 10  # samples, classes, layers, latent channels


@pytest.mark.parametrize("plan", PLANS)
def test_bank_gradients_reach_every_parameter(plan):
    bank = small_bank(group_of=plan, recompute=True)
    features, m, _ = bank(draw_codes(bank))
    (features.square().sum() + m.square().sum()).backward()
    for name, parameter in bank.named_parameters():
        assert parameter.grad is not None, name
        per_row = parameter.grad.flatten(1) if parameter.dim() > 1 else parameter.grad[:, None]
        assert (per_row.abs().sum(dim=1) > 0).all(), name


def operations(bank: LocalBank, backward: bool) -> int:
    """How many operations PyTorch runs; views, which run nothing, do not count."""
    codes, run = draw_codes(bank).requires_grad_(backward), []
    with Watching(lambda function, results: run.append(not function.is_view)):
        features, m, _ = bank(codes)
        if backward:
            (features.sum() + m.sum()).backward()
    return sum(run)


def test_bank_is_independent_of_tiling(monkeypatch):
    """Pixels go through in parts on CPU; with and without class sets, the answer is that of one part."""
    bank = small_bank(height=24, width=40)
    codes, present = draw_codes(bank), torch.tensor([[True, False, True, True]]).expand(3, -1)
    answers = []
    for size, parts in ((1 << 20, 1), (1 << 12, 5), (1, 7)):  # at the smallest, a part has 128 pixels or more
        monkeypatch.setattr("composegan.networks.local_bank.TILE", size)
        assert bank._tiles(batch=3) == parts
        answers.append([*with_derivatives(bank, codes), *bank(codes, present)])
    torch.testing.assert_close(answers[1], answers[0])
    torch.testing.assert_close(answers[2], answers[0])


@pytest.mark.parametrize("backward", [False, True])
def test_bank_operation_count_is_independent_of_classes(backward):
    few, many = (operations(small_bank(group_of=tuple(range(k))), backward) for k in (3, 30))
    assert few == many > 20
    few, many = (operations(small_bank(group_of=(0,) * (k - 1) + (1,)), backward) for k in (3, 30))
    assert few == many > 20


def test_fourier_features():
    """Columns first, then rows, then sines and cosines, octave by octave, of both."""
    c = fourier_features(3, 5, 2)
    x, y = torch.linspace(-1, 1, 5).repeat(3), torch.linspace(-1, 1, 3).repeat_interleave(5)
    rows = [x, y, x.sin(), y.sin(), x.cos(), y.cos(), (2 * x).sin(), (2 * y).sin(), (2 * x).cos(), (2 * y).cos()]
    torch.testing.assert_close(c, torch.stack(rows))


def test_adapters_have_no_effect_at_initialization():
    """Also for the optimizer: at first only what is multiplied by something learns."""
    bank = small_bank(group_of=(0, 1, 1, 0), adapter_rank=3)
    with torch.no_grad():
        bank.adapter_out.zero_()
    codes = draw_codes(bank)
    plain_bank = small_bank(group_of=(0, 1, 1, 0))
    plain_bank.load_state_dict({k: v for k, v in bank.state_dict().items() if not k.startswith("adapter")})
    for found, expected in zip(bank(codes), plain_bank(codes), strict=True):
        assert torch.equal(found, expected)
    sum(part.square().sum() for part in bank(codes)).backward()
    assert bank.adapter_out.grad.abs().amax(dim=(2, 3)).min() > 0 and not bank.adapter_in.grad.any()
