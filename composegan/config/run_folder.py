"""Recognize run folders and find the newest. Standard library only."""

from __future__ import annotations

from pathlib import Path

from composegan.errors import UserError
from composegan.shipped import names

CONFIG = "config.yaml"
"""The resolved configuration in a run folder. A folder with it is a run."""


def require_run(path: Path) -> Path:
    """Return `path`. Raises UserError if it is not a run folder."""
    if not path.is_dir():
        shipped = f"; model={path} is a model that comes with composegan" if str(path) in names() else ""
        raise UserError(f"run={path}: there is no such folder{shipped}")
    if not (path / CONFIG).is_file():
        raise UserError(f"run={path}: is not a run (it has no {CONFIG}); a run is a folder such as runs/faces/TIME")
    return path


def newest_run(root: Path) -> Path:
    """The run under `root` (ROOT/DOMAIN/TIME) that was started last. Raises UserError if no run is there."""
    configs = sorted(root.glob(f"*/*/{CONFIG}"), key=lambda path: (path.stat().st_mtime_ns, path))
    if not configs:
        shipped = f"use a model that comes with composegan (model={names()[0]}), " if names() else ""
        raise UserError(f"no runs under {root}/; {shipped}say which with run=PATH, or start one with `composegan fit`")
    return configs[-1].parent
