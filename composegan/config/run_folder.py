"""Recognize run folders and find the newest. Standard library only."""

from __future__ import annotations

from pathlib import Path

from composegan.errors import UserError

CONFIG = "config.yaml"
"""The resolved configuration in a run folder. A folder with it is a run."""


def require_run(path: Path) -> Path:
    """Return `path`. Raises UserError if it is not a run folder."""
    if not path.is_dir():
        raise UserError(f"run={path}: there is no such folder")
    if not (path / CONFIG).is_file():
        raise UserError(f"run={path}: is not a run (it has no {CONFIG}); a run is a folder such as runs/faces/TIME")
    return path


def newest_run(root: Path) -> Path:
    """The run under `root` (ROOT/DOMAIN/TIME) that was started last. Raises UserError if no run is there."""
    configs = sorted(root.glob(f"*/*/{CONFIG}"), key=lambda path: (path.stat().st_mtime_ns, path))
    if not configs:
        raise UserError(f"no runs under {root}/; say which with run=PATH, or start one with `composegan fit`")
    return configs[-1].parent
