"""Each layer equals its formula: scale, learning-rate multiplier, gain, filter, demodulation, activation."""

import math

import pytest
import torch
from torch.autograd import gradgradcheck
from torch.nn import functional as F

from composegan.networks.layers import EqualizedConv, EqualizedLinear, FixedConv, OutputHead
from composegan.networks.mapping import Mapping

from . import plain
from .small import stirred


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("rate", [1.0, 0.01])
@pytest.mark.parametrize("activation", [False, True])
def test_equalized_linear(rate, activation):
    layer = stirred(EqualizedLinear(6, 5, rate=rate, activation=activation)).double()
    x = normal(3, 6)
    expected = x @ (layer.weight * rate / math.sqrt(6)).T + layer.bias * rate
    torch.testing.assert_close(layer(x), plain.lrelu(expected) if activation else expected)


def test_learning_rate_multiplier_keeps_initial_output():
    """Stored as N(0, 1) / m and used times m: the multiplier changes the learning, not the start."""
    assert EqualizedLinear(400, 400, rate=0.01).weight.std().item() == pytest.approx(100, rel=0.02)
    x = torch.randn(64, 400)
    assert EqualizedLinear(400, 400, rate=0.01)(x).std().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("kernel", [1, 3])
def test_equalized_conv(kernel):
    layer = stirred(EqualizedConv(4, 5, kernel)).double()
    x = normal(2, 4, 6, 8)
    weight = layer.weight / math.sqrt(4 * kernel**2)
    expected = plain.lrelu(F.conv2d(x, weight, layer.bias, padding=kernel // 2))
    torch.testing.assert_close(layer(x), expected)


def test_equalized_conv_down():
    """3x3: the filter with pads (2, 2), then stride 2."""
    layer = stirred(EqualizedConv(4, 5, 3, down=True)).double()
    x = normal(2, 4, 6, 8)
    expected = F.conv2d(plain.fir(x, 2, 2), layer.weight / 6, layer.bias, stride=2)
    assert expected.shape == (2, 5, 3, 4)
    torch.testing.assert_close(layer(x), plain.lrelu(expected))


def test_skip_conv_down():
    """1x1: the filter with pads (1, 1), then stride 2; no bias, no activation."""
    layer = stirred(EqualizedConv(4, 5, 1, down=True, bias=False, activation=False)).double()
    x = normal(2, 4, 6, 8)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    torch.testing.assert_close(layer(x), F.conv2d(plain.fir(x, 1, 1), layer.weight / 2, stride=2))


@pytest.mark.parametrize("up", [False, True])
def test_fixed_conv(up):
    layer = stirred(FixedConv(4, 5, up=up)).double()
    x = normal(2, 4, 3, 5)
    noise = normal(2, 1, 6, 10) if up else normal(2, 1, 3, 5)
    torch.testing.assert_close(layer(x, noise), plain.fixed_conv(layer, x, noise))


@pytest.mark.parametrize("layer", [EqualizedConv(2, 3, 3), EqualizedConv(2, 3, 3, down=True), FixedConv(2, 3, up=True)])
def test_layers_second_derivatives(layer):
    """By input and by weight together, as R1 and path length need them; the activation works in place."""
    layer = stirred(layer).double()
    x = normal(1, 2, 4, 4).requires_grad_()

    def run(x, weight):
        extra = (normal(1, 1, 8, 8) * 0,) if isinstance(layer, FixedConv) else ()
        return torch.func.functional_call(layer, {"weight": weight}, (x, *extra)).square()

    assert gradgradcheck(run, (x, layer.weight))


def test_output_head():
    layer = stirred(OutputHead(4, 3)).double()
    x = normal(2, 4, 3, 5)
    torch.testing.assert_close(layer(x), plain.output_head(layer, x))


def test_layers_do_not_modify_input():
    x = normal(2, 4, 6, 6)
    kept = x.clone()
    for layer in (EqualizedConv(4, 4, 3), EqualizedConv(4, 4, 1), FixedConv(4, 4), OutputHead(4, 4)):
        layer.double()(*((x, normal(1, 1, 6, 6)) if isinstance(layer, FixedConv) else (x,)))
    EqualizedLinear(6, 6, activation=True).double()(x)
    assert torch.equal(x, kept)


def test_mapping_normalizes_input():
    mapping = stirred(Mapping(8, 3, 0.01)).double()
    z = normal(4, 8)
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for layer in mapping.layers:
        x = plain.lrelu(x @ (layer.weight * 0.01 / math.sqrt(8)).T + layer.bias * 0.01)
    torch.testing.assert_close(mapping(z), x)
    torch.testing.assert_close(mapping(5 * z), mapping(z), rtol=1e-6, atol=1e-6)
