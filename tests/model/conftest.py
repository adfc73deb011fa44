import pytest

import composegan


@pytest.fixture(scope="session")
def model(whole_run):
    """Classes ground, ball and glass, 16x16, 16 latent channels. Read only."""
    return composegan.load(whole_run)
