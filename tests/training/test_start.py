"""What a modern model begins with, of the statistics of a data set."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import torch

from composegan.config.schema import Config
from composegan.data.shapes import PLACES
from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.shapes import SHAPES
from composegan.training.start import LEAST_TINT, begin_with_data, class_colors


def statistics():
    """Nine pictures each of views 3 and 5: class 1 is on the left in five of view 3, class 2 there in all pictures."""
    shapes = np.zeros((3, SHAPES, PLACES, PLACES), np.float32)
    shapes[1:, :, :, : PLACES // 2] = 1
    shapes[0] = 1 - shapes[1]
    counts = np.zeros((SHAPES, 3), np.int64)
    counts[[3, 5]] = [[9, 5, 9], [9, 0, 9]]
    color = np.array([[0.5, 0.5, 0.5], [1.0, 0.0, 0.5], [0.2, 0.2, 0.2]])
    tints = np.zeros((3, 3, 3, 3))
    tints[1, 1] = tints[1, 2] = tints[2, 1] = tints[2, 2] = np.diag([0.04, 0.01, 0.0])
    grain, pictures = np.full((3, 3), 0.1), counts[:, 0]
    return SimpleNamespace(
        shapes=shapes, shape_counts=counts, view_counts=pictures, color=color, tints=tints, grain=grain
    )


def test_colors_are_means_and_roots_of_covariances():
    mean, factor, grain, together = class_colors(statistics())
    torch.testing.assert_close(mean[1], torch.tensor([1.0, -1.0, 0.0]))
    torch.testing.assert_close(factor[1], torch.diag(torch.tensor([0.4, 0.2, LEAST_TINT])))
    torch.testing.assert_close(grain, torch.full((3, 3), 0.2))
    torch.testing.assert_close(together[1, 2], torch.diag(torch.tensor([1.0, 1.0, 0.0])))
    assert not together[0].any()
    root = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.1], [0.0, 0.1, 0.4]])
    found = statistics()
    found.tints[1, 1] = root @ root / 4
    _, factor, *_ = class_colors(found)
    torch.testing.assert_close(factor[1] @ factor[1].T, torch.from_numpy(root @ root).float())


def test_start_depends_on_the_new_weights_and_the_data_only():
    """Not on torch's stream of random numbers, which it leaves as it is; and the mean code has the mean colours."""
    torch.manual_seed(0)
    first = ModernGenerator(
        classes=3, height=16, width=16, latent_channels=8, mapping_layers=1, local_layers=2, base_layers=1,
        depth_layers=1, local_channels=4, coarse_channels=4, coarse_size=8, min_feat_size=4, max_channels=4, shapes=2,
    )  # fmt: skip
    second, spec = deepcopy(first), SimpleNamespace(mirrored=(0, 1, 2))
    for seed, generator in ((1, first), (2, second)):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        begin_with_data([generator], Config(), spec, statistics)
        assert torch.equal(torch.get_rng_state(), before)
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    mean_code = first.map(torch.randn(4000, 8)).mean(dim=0)
    colors = first.texture.styles(mean_code.expand(1, 3, 8))[-2][0]  # (K, 3)
    torch.testing.assert_close(colors, class_colors(statistics())[0], atol=0.05, rtol=0)
    odds = first.local.shapes.odds[1, 0]  # (h, w)
    assert odds[:, :3].min() > 0 > odds[:, 5:].max()
