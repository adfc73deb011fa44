"""How the mean colours of classes vary together."""

import numpy as np

from composegan.data.tints import PRIOR, Tints


def test_covariances_are_those_of_the_pictures_with_both_classes():
    rng = np.random.default_rng(0)
    colors, there = rng.random((50, 3, 3)), rng.random((50, 3)) < 0.7  # (N, K, 3), (N, K)
    colors[:, 1] += colors[:, 0]
    tints = Tints(3)
    for mean, present in zip(colors, there, strict=True):
        tints.add(np.where(present[:, None], mean, 0), present)
    found = tints.covariances()
    for one in range(3):
        for other in range(3):
            both = there[:, one] & there[:, other]
            joint = np.cov(colors[both, one].T, colors[both, other].T, bias=True)[:3, 3:]
            trust = 1 if one == other else both.sum() / (both.sum() + PRIOR)
            np.testing.assert_allclose(found[one, other], joint * trust, atol=1e-12)


def test_classes_that_never_meet_have_no_covariance():
    tints = Tints(2)
    tints.add(np.array([[0.5, 0.5, 0.5], [0, 0, 0]]), np.array([True, False]))
    tints.add(np.array([[0, 0, 0], [0.1, 0.2, 0.3]]), np.array([False, True]))
    assert not tints.covariances().any()
