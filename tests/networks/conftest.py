"""Every test of the models draws the same numbers each time."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
