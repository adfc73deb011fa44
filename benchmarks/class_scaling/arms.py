"""What is compared: the arms of the study, each a list of `composegan fit` settings, and the settings all share."""

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
    """settings: of `composegan fit`, for every arm; images: to train on, each run; pictures: a run is measured by."""

    settings: str
    images: int
    pictures: int


SCALES = {
    # Two cores, hours: the quick recipe on a quarter of its pixels, each layer as wide as at the full ones. No scores
    # and few grids on the way: they cost time.
    "small": Scale(
        "recipe=quick data.height=32 data.width=64 data.demo_count=2000 model.coarse_size=16 model.min_feat_size=8 "
        "model.channel_multiplier=0.046875 model.discriminator_multiplier=0.03125 "
        "training.class_sets=data training.presence=1 trainer.accelerator=cpu trainer.threads=1 "
        "output.samples=16 output.score_every=0 output.samples_every=6000 output.checkpoint_every=2000 "
        "output.log_every=800",
        images=8_000,
        pictures=1000,
    ),
    # One GPU, days: the paper's widths at 128x256 and the batch of the known attempt (arXiv 2305.09602).
    # With data.root=CITYSCAPES on photos instead of drawings.
    "large": Scale(
        "recipe=streets128 data.demo_count=20000 data.workers=8 training.batch=16 "
        "training.class_sets=data training.presence=1 output.score_every=0 output.samples_every=50000 "
        "output.checkpoint_every=20000 output.log_every=2000",
        images=800_000,
        pictures=10_000,
    ),
}


def settings_of(arm: str, seed: int, scale: str, images: int, more: list[str]) -> list[str]:
    """The `composegan fit` arguments of one run. more: settings given for all arms, which come last and win."""
    return [*ARMS[arm], *SCALES[scale].settings.split(), f"training.images={images}", f"seed={seed}", *more]
