"""The fixed filter: what it computes, and that its hand-written derivatives are its derivatives."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from composegan.networks.resample import low_pass, upsample, upsample_times, upsampled_mean_matrix

from . import plain

# Every use in the networks, on sides of both parities: what a stride of 2 leaves out at the far edge differs.
USES = [(1, 1, 4.0), (2, 1, 1.0), (1, 2, 1.0)]
SIZES = [(4, 6), (5, 7)]


@pytest.mark.parametrize(("pad", "stride", "gain"), USES)
@pytest.mark.parametrize("size", SIZES)
def test_low_pass_equals_sum_of_shifted_copies(pad, stride, gain, size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = plain.fir(x, pad, pad, gain)[..., ::stride, ::stride]
    torch.testing.assert_close(low_pass(x, pad, stride, gain), expected)


@pytest.mark.parametrize(("pad", "stride", "gain"), USES)
@pytest.mark.parametrize("size", SIZES)
def test_low_pass_is_differentiable_twice(pad, stride, gain, size):
    x = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)

    def filtered(x):
        return low_pass(x, pad, stride, gain)

    assert gradcheck(filtered, x)
    assert gradgradcheck(filtered, x)
    # The filter is linear: only behind something that bends does its second derivative show.
    assert gradgradcheck(lambda x: filtered(x).square(), x)


def test_low_pass_trains_after_inference_mode():
    """Its taps are kept from one call to the next; those first made for a sample serve training as well."""
    with torch.inference_mode():
        low_pass(torch.randn(1, 1, 8, 8), pad=2, gain=1.25)
    x = torch.randn(1, 1, 8, 8, requires_grad=True)
    low_pass(x, pad=2, gain=1.25).sum().backward()
    assert x.grad[0, 0, 4, 4].item() == pytest.approx(1.25)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 8)])
def test_upsample_equals_zero_insertion_and_filter(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(upsample(x), plain.upsample(x))


def test_upsample_is_differentiable_twice():
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(upsample, x)
    assert gradgradcheck(lambda x: upsample(x).square(), x)


def test_upsample_times_repeats_upsample():
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(upsample_times(x, 3), plain.upsample(plain.upsample(plain.upsample(x))))
    assert torch.equal(upsample_times(x, 0), x)


@pytest.mark.parametrize("doublings", [0, 1, 3])
def test_upsampled_mean_matrix_equals_upsample_and_pool(doublings):
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    rows = upsampled_mean_matrix(4, doublings, like=x)  # (4, 4)
    columns = upsampled_mean_matrix(6, doublings, like=x)  # (6, 6)
    expected = F.adaptive_avg_pool2d(upsample_times(x, doublings), (4, 6))
    torch.testing.assert_close(rows @ x @ columns.T, expected)
