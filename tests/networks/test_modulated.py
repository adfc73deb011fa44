"""Modulated convolutions against a convolution with a weight for each sample, as the paper writes it."""

import math

import pytest
import torch
from torch.nn import functional as F

from composegan.networks.layers import SLOPE
from composegan.networks.modulated import ModulatedConv, ModulatedHead
from composegan.networks.resample import low_pass

from .small import stirred


@pytest.mark.parametrize("up", [False, True])
def test_modulated_conv_matches_a_weight_for_each_sample(up):
    conv = stirred(ModulatedConv(3, 5, 7, up=up)).double()
    x, code, noise = torch.randn(2, 3, 4, 6).double(), torch.randn(2, 7).double(), torch.randn(2, 1, 8, 12).double()
    noise = noise if up else noise[..., :4, :6]
    expected = []
    for sample in range(2):
        style = code[sample] @ conv.style.affine.weight.T / math.sqrt(7) + conv.style.affine.bias  # (in)
        weight = conv.weight * conv.scale * style[:, None, None]  # (out, in, 3, 3)
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:
            y = F.conv_transpose2d(x[sample, None], weight.transpose(0, 1), stride=2)
            y = low_pass(y, pad=1, gain=4.0)
        else:
            y = F.conv2d(x[sample, None], weight, padding=1)
        y = y + conv.noise_strength * noise[sample] + conv.bias[:, None, None]
        expected.append(F.leaky_relu(y, SLOPE) * math.sqrt(2))
    torch.testing.assert_close(conv(x, code, noise), torch.cat(expected))


def test_modulated_head_is_not_demodulated():
    head = stirred(ModulatedHead(3, 2, 7))
    x, code = torch.randn(2, 3, 4, 4), torch.randn(2, 7)
    style = head.style(code)  # (B, in)
    expected = torch.einsum("oi,bi,bihw->bohw", head.weight * head.scale, style, x) + head.bias[:, None, None]
    torch.testing.assert_close(head(x, code), expected)
