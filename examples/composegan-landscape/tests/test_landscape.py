"""What every domain must hold, and what a landscape is."""

import numpy as np

from composegan.devkit import DomainConformance
from composegan_landscape import draw_landscapes, spec


class TestLandscape(DomainConformance):
    domain = "landscape"


def test_the_sky_is_above_and_the_meadow_below():
    landscapes = draw_landscapes(20, 64, 64, 0)
    labels = np.stack([landscapes[index].labels for index in range(20)])
    assert (labels[:, 0] == spec.index("sky")).mean() > 0.8
    assert (labels[:, -1] == spec.index("meadow")).mean() > 0.9


def test_the_orb_is_there_as_often_as_the_style_has_it():
    landscapes = draw_landscapes(100, 32, 32, 0)
    shown = sum((landscapes[index].labels == spec.index("orb")).any() for index in range(100))
    assert 60 < shown < 95


def test_a_wide_picture_has_hills_from_edge_to_edge():
    landscapes = draw_landscapes(50, 32, 64, 0)
    for index in range(50):
        assert (landscapes[index].labels[-1] >= spec.index("mountains")).all()
