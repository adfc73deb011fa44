"""Pitfalls of Lightning in random draws and in data; see tests/training/test_drift.py."""

import lightning
import pytest
import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

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
    """DESIGN 6: after `seed_everything` all ranks draw alike, so that N devices show one device's pictures N times.

    Ours draw by rank and step: test_ranks.py."""
    assert torch.equal(*(draws_of_lightning(monkeypatch, rank) for rank in (0, 1))), (
        "Lightning's seed now depends on the rank: reconsider derive_seed in training/parts.py"
    )


class SaveAfterThree(lightning.Callback):
    def __init__(self, path):
        self.path = path

    def on_train_batch_end(self, trainer, module, *_):
        if len(module.seen) == 3:
            trainer.save_checkpoint(self.path)


@pytest.mark.parametrize(("loader", "follows"), [(Numbers, 4), (CountedNumbers, 3)])
def test_lightning_skips_a_batch_when_resuming_a_loader_without_length(tmp_path, loader, follows):
    """DESIGN 6: without `__len__` it reads one batch ahead to know when the end is near. A checkpoint says that this
    one was read, and it is skipped. Ours continues where training was: test_launchers.py, and test_resume.py.
    """
    path = tmp_path / "third.ckpt"
    plain_trainer(max_steps=10, callbacks=[SaveAfterThree(path)]).fit(PlainGan(), loader())
    module = PlainGan()
    plain_trainer(max_steps=10).fit(module, loader(), ckpt_path=path)
    assert module.seen == [follows, follows + 1], (
        "what Lightning reads after a checkpoint of three batches (0, 1, 2) has changed: reconsider the `start` of "
        "data/loader.py, by which a run goes on without Lightning's own resume"
    )
