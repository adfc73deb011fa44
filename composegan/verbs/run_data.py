"""The domain and data of a run, as defaults of a verb that measures or trains on them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from composegan.config.run_folder import CONFIG

S = TypeVar("S", bound=Any)


def with_run_data(base: S, folder: Path, plugin_path: str | None, arguments: Sequence[str]) -> S:
    """The settings `base`, with domain, plugin_path and data as in the config.yaml of `folder`, if it has one.

    Plug-ins in plugin_path, or else in that of the run, are found from now on.
    """
    from composegan.config.compose import announce_plugin_path, load_config
    from composegan.plugin import registry

    if (folder / CONFIG).is_file():
        own = load_config(folder / CONFIG)
        announce_plugin_path(folder, own, arguments)
        base = replace(base, domain=own.domain, plugin_path=own.plugin_path, data=own.data)
    if path := plugin_path or base.plugin_path:
        registry.add_plugin_path(os.path.expanduser(path))
    return base
