"""Back to the last checkpoint when training has gone wrong, and on with other images and draws."""

from __future__ import annotations

from pathlib import Path

from lightning import Trainer

from composegan.runs import checkpoint
from composegan.training.divergence import DivergedError
from composegan.training.module import CompositionModule

TRIES = 3
"""So often a run goes back to one checkpoint before it gives up."""


def rollback(trainer: Trainer, module: CompositionModule, run: Path, trouble: str, early: bool) -> str:
    """All processes take up the last checkpoint that the run would have, had nobody ever asked it to stop. What came
    since is as if it had not been, but for the stream of images and random numbers, which goes on. Returns what to say.

    The checkpoint is written anew first, so that a run that is stopped now goes on the same way, and counts the tries.
    early: whether last.pt was saved because somebody asked. Raises DivergedError when there is no checkpoint, or it has
    been tried often enough.
    """
    what, settings = f"at {module.images_seen:,} images {trouble}", module.config.training
    advice = f"begin anew with a lower training.learning_rate (now {settings.learning_rate:g})"
    if settings.precision != "32":
        advice += " or training.precision=32"
    if (regular := checkpoint.read_regular(run / "checkpoints")) is None:
        raise DivergedError(f"{what}, before there was a checkpoint to go back to; {advice}")
    state, path = regular
    tries = state.get("tries", 0) + 1
    trainer.strategy.barrier()  # all have read it
    if trainer.is_global_zero:  # whoever asks for more after the last try gets as many again
        counted = {"skipped": module.position - state["images_seen"], "tries": tries if tries <= TRIES else 0}
        checkpoint.save(path.parent, {**state, **counted}, instead=early)
    trainer.strategy.barrier()  # it is saved, should another end here
    since, other = (
        f"{path.name}, of {state['images_seen']:,} images",
        f"other images and draws: composegan fit run={run}",
    )
    if tries > TRIES:
        raise DivergedError(f"{what}, for the {tries}th time since {since}; {advice}; to try {other}")
    if state.get("grouping", module.plan.to_json()) != module.plan.to_json():
        raise DivergedError(f"{what}; a group was split since {since}; to go on from there with {other}")
    module.rollback(state)
    return f"{what}: back to {since}, and on with other images and draws ({tries} of {TRIES} tries)"
