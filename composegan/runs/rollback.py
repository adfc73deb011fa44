"""Roll back to the last checkpoint when training diverges, and continue with other images and random draws."""

from __future__ import annotations

from pathlib import Path

from lightning import Trainer

from composegan.runs import checkpoint
from composegan.training.divergence import DivergedError
from composegan.training.step import TrainingStep

ATTEMPTS = 3
"""How often a run rolls back to one checkpoint before it gives up."""


def rollback(trainer: Trainer, step: TrainingStep, run: Path, problem: str, early: bool) -> str:
    """Restore on all ranks the last checkpoint that an uninterrupted run would have. Later steps are discarded, but the
    stream of images and random numbers is not rewound. Returns a line that says so.

    The checkpoint is first written again, with the attempts so far, so that a run that is killed now resumes the same
    way. early: whether last.pt was only saved because of a signal.
    Raises DivergedError when there is no checkpoint, or it has had its attempts.
    """
    what, settings = f"at {step.images_seen:,} images {problem}", step.config.training
    advice = f"start a new run with a lower training.learning_rate (now {settings.learning_rate:g})"
    if settings.precision != "32":
        advice += " or training.precision=32"
    if (regular := checkpoint.read_regular(run / "checkpoints")) is None:
        raise DivergedError(f"{what}, before the first checkpoint; {advice}")
    state, path = regular
    attempt = state.get("tries", 0) + 1
    trainer.strategy.barrier()  # all ranks have read it
    if trainer.is_global_zero:  # after the last attempt the count starts again, for a run that is resumed all the same
        counted = {
            "skipped": step.position - state["images_seen"],
            "tries": attempt if attempt <= ATTEMPTS else 0,
            "figures": {},  # as in a run that is not killed
        }
        checkpoint.save(path.parent, {**state, **counted}, instead=early)
    trainer.strategy.barrier()  # it is saved, should a rank fail here
    since = f"{path.name} of {state['images_seen']:,} images"
    resume = f"to try other images and draws, resume with: composegan fit run={run}"
    if attempt > ATTEMPTS:
        raise DivergedError(f"{what}, for the {attempt}th time since {since}; {advice}; {resume}")
    if state.get("grouping", step.plan.to_json()) != step.plan.to_json():
        raise DivergedError(f"{what}; a group was split since {since}; {resume}")
    with checkpoint.restoring(path):
        step.roll_back(state)
    return f"{what}: rolled back to {since}; continuing with other images and draws (attempt {attempt} of {ATTEMPTS})"
