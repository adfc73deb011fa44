"""The measures there are, by the names that `metrics=` takes. Standard library only."""

from __future__ import annotations

BACKBONE = "EffNetLite0"

INCEPTION = ("FID", "KID", "IS", "precision", "recall")
"""On Inception features, whose weights have to be downloaded."""

BUNDLED = tuple(f"{name}-{BACKBONE}" for name in ("FD", "KD", "IS", "precision", "recall"))
"""The same measures on bundled features, under names that cannot be taken for those above."""

WITH_SEGMENTER = ("mask_consistency", "rare_class_recall_segmenter", "presence_accuracy_segmenter")
PRESENCE = ("presence", "rare_class_recall", "presence_accuracy")
OTHERS = ("sliced_wasserstein", "FSD", *PRESENCE, *WITH_SEGMENTER, "edit_leakage", f"PPL-{BACKBONE}")
MEASURES = (*INCEPTION, *BUNDLED, *OTHERS)
