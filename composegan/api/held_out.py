"""Held-out pictures of a model's data, if it is at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from composegan.api.evaluation import open_domain_of
from composegan.config.compose import load_config
from composegan.config.run_folder import CONFIG
from composegan.config.schema import DataConfig
from composegan.data.items import Items
from composegan.data.open import open_source
from composegan.data.resize import fit_image
from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.shipped import names

MOST = 64
"""Pictures that are read, spread over the data."""


def held_out_images(model: Model) -> np.ndarray | None:
    """Up to 64 pictures of the validation split, or of all data where there is none, at the model's size: uint8
    (N, 3, H, W).

    The data is that of the model's run, or the demo for a model that comes with composegan; None if it is not at hand.
    """
    if model.folder is None:
        return None
    home = model.folder.absolute()
    config = load_config(home.parent / CONFIG) if home.name == "model" and (home.parent / CONFIG).is_file() else None
    if config is None and home.name not in names():
        return None
    data = replace(config.data if config else DataConfig(), height=model.generator.height, width=model.generator.width)
    try:
        plugin = open_domain_of(model)
        if not data.root and plugin.demo is None:
            return None
        try:
            source = open_source(plugin, replace(data, split="validation", demo_count=MOST))
        except UserError:
            source = open_source(plugin, data)
        items = Items(source, len(model.classes), "skip", len(source))
        chosen = sorted({len(source) * step // MOST for step in range(MOST)})
        found = [sample for number in chosen if (sample := items.read(number)) is not None]
    except UserError:
        return None
    return np.stack([fit_image(sample.image, data.height, data.width) for sample in found]) if found else None
