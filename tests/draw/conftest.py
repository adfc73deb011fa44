"""A vocabulary of four classes."""

import pytest

from composegan.plugin import DomainSpec, SemanticClass


@pytest.fixture
def spec():
    """ground, house, tree, sun."""
    colors = {"ground": (0, 0, 0), "house": (200, 30, 40), "tree": (20, 180, 60), "sun": (240, 230, 90)}
    return DomainSpec("town", tuple(SemanticClass(name, color) for name, color in colors.items()))
