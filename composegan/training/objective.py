"""The phases a run trains with: those of the loss recipe that `training.loss` names."""

from __future__ import annotations

from composegan.config.schema import AdaptConfig, TrainingConfig
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import LOSS, LossRecipe
from composegan.plugin.registry import Found
from composegan.training.image_phases import image_phases
from composegan.training.phases import Phase, phases
from composegan.version import __version__

PAPER = Found("paper", "composegan", __version__, LossRecipe(phases=phases, image_phases=image_phases), kind=LOSS)


def objective(training: TrainingConfig, adapt: AdaptConfig | None = None) -> tuple[Phase, ...]:
    """The phases of a step, in order; with `adapt.source` those for images without masks.

    Raises UserError for a recipe that is not installed (offering the nearest), cannot be used, or gives no phases.
    """
    found = PAPER if training.loss in LOSS.own else registry.require(training.loss, LOSS)
    with found.answering() as recipe:
        if not (adapt and adapt.source):
            chosen = tuple(recipe.phases(training))
        elif recipe.image_phases:
            chosen = tuple(recipe.image_phases(training, adapt.keep))
        else:
            have = f"training.loss={training.loss}: {found.distribution} has no form of it for images without masks"
            raise UserError(f"{have}; training.loss=paper has")
        if not all(isinstance(phase, Phase) for phase in chosen):
            raise TypeError("its phases are not all composegan.training.phases.Phase")
    due = tuple(phase for phase in chosen if phase.every > 0)
    main = {phase.name: phase.network for phase in due if phase.every == 1}
    for name, network in (("Dmain", "discriminator"), ("Gmain", "generator")):
        if main.get(name) != network:
            where = f"training.loss={training.loss} of {found.distribution}"
            raise UserError(f"{where}: a phase {name!r} is needed that trains the {network} at every step")
    return due
