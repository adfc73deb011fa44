"""The arms of the quality study: `composegan fit` settings of each, and those that all share."""

from __future__ import annotations

from dataclasses import dataclass

FINE, MERGED = "cityscapes", "cityscapes16"

ARMS = {
    "per_class": (f"domain={FINE}", "grouping=per_class"),
    "merged16": (f"domain={MERGED}", "grouping=per_class"),
    "single": (f"domain={FINE}", "grouping=single"),
    "taxonomy8": (f"domain={FINE}", "grouping=taxonomy"),
    "affinity8": (f"domain={FINE}", "grouping=affinity:8"),
    "progressive8": (f"domain={FINE}", "grouping=progressive:8"),
}
GROUPED = ("single", "taxonomy8", "affinity8", "progressive8")
"""The arms in which classes share weights."""


@dataclass(frozen=True)
class Scale:
    """settings: of `composegan fit`, for every arm; images: to train each run on; pictures: to evaluate each run
    with."""

    settings: str
    images: int
    pictures: int


SCALES = {
    # Hours on two cores: the quick recipe at a quarter of its pixels, with each layer as wide as at full size. No
    # scores and few sample grids while training: they cost time.
    "small": Scale(
        "recipe=quick data.height=32 data.width=64 data.demo_count=2000 model.coarse_size=16 model.min_feat_size=8 "
        "model.channel_multiplier=0.046875 model.discriminator_multiplier=0.03125 "
        "training.class_sets=data training.presence=1 trainer.accelerator=cpu trainer.threads=1 "
        "output.samples=16 output.score_every=0 output.samples_every=6000 output.checkpoint_every=2000 "
        "output.log_every=800",
        images=8_000,
        pictures=1000,
    ),
    # Days on one GPU: the paper's widths at 128x256 and the batch of Urban-StyleGAN (arXiv 2305.09602).
    # data.root=CITYSCAPES trains on photos instead of drawings.
    "large": Scale(
        "recipe=streets128 data.demo_count=20000 data.workers=8 training.batch=16 "
        "training.class_sets=data training.presence=1 output.score_every=0 output.samples_every=50000 "
        "output.checkpoint_every=20000 output.log_every=2000",
        images=800_000,
        pictures=10_000,
    ),
}


def settings_of(arm: str, seed: int, scale: str, images: int, more: list[str]) -> list[str]:
    """The `composegan fit` arguments of one run. more: settings for all arms, which override the others."""
    return [*ARMS[arm], *SCALES[scale].settings.split(), f"training.images={images}", f"seed={seed}", *more]
