"""Composition by pseudo-depth: transparent classes and the order of the sums."""

import pytest
import torch

from composegan.networks.composition import compose, feature_weights


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_feature_weights_add_transparent_classes():
    """Opaque classes are spread over the whole picture, as if no transparent one were there; those keep their m."""
    m = normal(2, 4, 7).softmax(dim=1)
    weights = feature_weights(m, torch.tensor([1.0, 1.0, 0.0, 1.0], dtype=torch.float64))
    solid = m[:, [0, 1, 3]]
    torch.testing.assert_close(weights[:, [0, 1, 3]], solid / (solid.sum(dim=1, keepdim=True) + 1e-8))
    torch.testing.assert_close(weights[:, 2], m[:, 2])


def test_feature_weights_without_transparent_classes_are_m():
    m = normal(2, 4, 7).softmax(dim=1)
    assert feature_weights(m, None) is m


@pytest.mark.parametrize("plan", [(0, 1, 2, 3), (0, 1, 1, 0), (0, 0, 0, 0)])
def test_compose_equals_projecting_each_class(plan):
    groups, classes, channels, wide = max(plan) + 1, 4, 5, 6
    hidden, weights = normal(2, classes, channels, 7), normal(2, classes, 7)
    weight, gain, bias = normal(groups, wide, channels), normal(classes, channels), normal(classes, wide)
    member = None
    if groups < classes:
        member = torch.zeros(groups, classes, dtype=torch.float64)
        for k, group in enumerate(plan):
            member[group, k] = 1
    expected = 0
    for k, group in enumerate(plan):
        projected = weight[group] @ (gain[k][:, None] * hidden[:, k]) + bias[k][:, None]  # (B, F, P)
        expected = expected + weights[:, k : k + 1] * projected
    found = compose(hidden, weights, weight, gain, bias, member)  # (B, P, F)
    torch.testing.assert_close(found.transpose(1, 2), expected)
