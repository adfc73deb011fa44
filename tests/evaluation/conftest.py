"""Evaluations of a tiny run: caches and torch hub in a temporary folder, a segmenter trained for two steps."""

from __future__ import annotations

import pytest
import torch

import composegan
from composegan.evaluation import segmenter


@pytest.fixture(autouse=True)
def temporary_caches(monkeypatch, tmp_path):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def model(whole_run):
    return composegan.load(whole_run)
