"""Evaluations of a tiny run: caches and torch hub in a temporary folder, a segmenter trained for two steps."""

import pytest
import torch

from composegan.evaluation import segmenter


@pytest.fixture(autouse=True)
def temporary_caches(monkeypatch, tmp_path):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
