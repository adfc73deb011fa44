"""Pitfalls of Lightning in random draws and in data; see tests/training/test_drift.py."""

from __future__ import annotations

import lightning
import pytest
import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

from composegan.config.compose import compose
from composegan.runs.prepare import new_step
from composegan.training.phases import Phase
from composegan.training.step import TrainingStep
from tests.training.plain_gan import CountedNumbers, Numbers, PlainGan, plain_trainer


def draws_of_lightning(monkeypatch, rank):
    """Latent codes that process `rank` draws after the seed that all share, as Lightning sets it."""
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    monkeypatch.setattr(rank_zero_only, "rank", rank)
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):  # which it sets, to be put back
        monkeypatch.setenv(name, "0")
    before = torch.get_rng_state()
    try:
        lightning.seed_everything(5, workers=True)
        return torch.randn(4)
    finally:
        torch.set_rng_state(before)


def test_lightnings_shared_seed_gives_all_ranks_the_same_codes(monkeypatch):
    """DESIGN 6: after `seed_everything` all ranks draw alike, so that N devices show one device's pictures N times."""
    assert torch.equal(*(draws_of_lightning(monkeypatch, rank) for rank in (0, 1))), (
        "Lightning's seed now depends on the rank: reconsider derive_seed in training/parts.py"
    )


class Drawn(BaseException):
    """The first that a phase draws, in place of its loss."""


def test_our_draws_differ_by_rank_and_step_only(shapes, tiny, monkeypatch):
    step = new_step(compose([*shapes, "recipe=quick", *tiny]), torch.device("cpu"))
    batch = {"image": torch.zeros(2, 3, 16, 16, dtype=torch.uint8), "labels": torch.zeros(2, 16, 16, dtype=torch.uint8)}

    def draw(state, real):
        raise Drawn(torch.randn(4).tolist())

    step.phases = (Phase("draw", "generator", 1, draw),)

    def drawn(rank, number):
        step.images_seen = 2 * number
        with pytest.raises(Drawn) as codes:
            step.run(batch, rank)
        return tuple(codes.value.args[0])

    codes = {place: drawn(*place) for place in ((0, 0), (0, 1), (1, 0), (1, 1))}
    assert len(set(codes.values())) == 4
    torch.manual_seed(99)  # whatever was drawn before
    assert drawn(1, 1) == codes[1, 1]


class SaveAfterThree(lightning.Callback):
    def __init__(self, path):
        self.path = path

    def on_train_batch_end(self, trainer, module, *_):
        if len(module.seen) == 3:
            trainer.save_checkpoint(self.path)


@pytest.mark.parametrize(("loader", "follows"), [(Numbers, 4), (CountedNumbers, 3)])
def test_lightning_skips_a_batch_when_resuming_a_loader_without_length(tmp_path, loader, follows):
    """DESIGN 6: without `__len__` it reads one batch ahead to know when the end is near. A checkpoint says that this
    one was read, and nobody is trained on it.
    """
    path = tmp_path / "third.ckpt"
    plain_trainer(max_steps=10, callbacks=[SaveAfterThree(path)]).fit(PlainGan(), loader())
    module = PlainGan()
    plain_trainer(max_steps=10).fit(module, loader(), ckpt_path=path)
    assert module.seen == [follows, follows + 1], (
        "what Lightning reads after a checkpoint of three batches (0, 1, 2) has changed: reconsider the `start` of "
        "data/loader.py, by which a run goes on without Lightning's own resume"
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_our_loader_continues_where_training_was(fit, resume, monkeypatch, workers):
    """An endless loader, too; that the weights are then the same bit for bit is test_resume.py's."""
    positions, run_step = [], TrainingStep.run

    def run(step, batch, *rest):
        positions.extend(batch["position"].tolist())
        run_step(step, batch, *rest)

    monkeypatch.setattr(TrainingStep, "run", run)
    quick = ["output.score_every=0", f"data.workers={workers}"]
    resume(fit("training.images=6", *quick), "training.images=12")
    assert positions == list(range(12))
