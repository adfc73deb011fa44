"""Which licence a distribution states."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

MANY = 80
"""A License field with more characters is the licence's whole text."""


def licence_of(distribution: str, plugin_path: str | None = None) -> str:
    """The licence in a package's metadata or, of one that is not installed, in its pyproject.toml; "" if in neither."""
    if plugin_path:
        project = Path(plugin_path).expanduser() / "pyproject.toml"
        content = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
        return str(content.get("project", {}).get("license", ""))
    try:
        about = metadata(distribution)
    except PackageNotFoundError:
        return ""
    classifiers = [line for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    stated = [about.get("License-Expression"), about.get("License"), *classifiers]
    return next((line.splitlines()[0][:MANY] for line in stated if line and line != "UNKNOWN"), "")
