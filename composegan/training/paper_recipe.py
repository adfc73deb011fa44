"""`training.loss=paper`: the objective of SemanticStyleGAN (arXiv 2112.02236), with and without masks."""

from __future__ import annotations

from composegan.plugin.contracts import LossRecipe
from composegan.training.image_phases import image_phases
from composegan.training.phases import phases

recipe = LossRecipe(phases=phases, image_phases=image_phases)
