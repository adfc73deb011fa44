"""Which phases a run trains with: those of the loss recipe that `training.loss` names."""

from __future__ import annotations

from composegan.config.extensions import extension
from composegan.config.schema import AdaptConfig, TrainingConfig
from composegan.errors import UserError
from composegan.training.phases import Phase


def objective(training: TrainingConfig, adapt: AdaptConfig | None = None) -> tuple[Phase, ...]:
    """The phases of a step, in order; with `adapt.source` those for images without masks.

    Raises UserError for a recipe that is not installed (offering the nearest), cannot be used, or gives no phases.
    """
    found = extension(training, "loss")
    with found.use() as recipe:
        if not (adapt and adapt.source):
            chosen = tuple(recipe.phases(training))
        elif recipe.image_phases:
            chosen = tuple(recipe.image_phases(training, adapt.keep))
        else:
            missing = f"training.loss={training.loss}: {found.distribution} has no form of it for images without masks"
            raise UserError(f"{missing}; training.loss=paper has")
        if not all(isinstance(phase, Phase) for phase in chosen):
            raise TypeError("its phases are not all composegan.training.phases.Phase")
    due = tuple(phase for phase in chosen if phase.every > 0)
    main = {phase.name: phase.network for phase in due if phase.every == 1}
    for name, network in (("Dmain", "discriminator"), ("Gmain", "generator")):
        if main.get(name) != network:
            where = f"training.loss={training.loss} of {found.distribution}"
            raise UserError(f"{where}: a phase {name!r} is needed that trains the {network} at every step")
    return due
