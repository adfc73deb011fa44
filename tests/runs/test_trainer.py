import logging
import warnings

import pytest
import torch

from composegan.config.schema import Config, TrainerConfig, TrainingConfig
from composegan.errors import UserError
from composegan.runs.devices import device_count
from composegan.runs.trainer import make_trainer, precision


def config(batch=32, precision="auto", **trainer):
    return Config(training=TrainingConfig(batch=batch, precision=precision), trainer=TrainerConfig(**trainer))


def test_devices(monkeypatch):
    assert device_count(TrainerConfig(accelerator="cpu")) == 1
    assert device_count(TrainerConfig(accelerator="cpu", devices="3")) == 3
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert device_count(TrainerConfig()) == 4
    assert device_count(TrainerConfig(accelerator="mps")) == 1
    assert device_count(TrainerConfig(devices="2")) == 2
    for wrong in ("0", "-1", "two", "0,1"):
        with pytest.raises(UserError, match=f"^trainer.devices={wrong}: a number from 1, or auto"):
            device_count(TrainerConfig(devices=wrong))


def test_a_batch_that_cannot_be_shared_out_is_told_and_leaves_no_folder(fit, tmp_path):
    with pytest.raises(UserError, match="^training.batch=2 is not a multiple of the 3 devices$"):
        fit("trainer.devices=3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_told_and_leaves_no_folder(fit, tmp_path):
    with pytest.raises(UserError, match="^trainer.accelerator=gpu trainer.devices=1: No supported gpu backend found!$"):
        fit("trainer.accelerator=gpu", "trainer.devices=1")
    assert list(tmp_path.iterdir()) == []


def test_precision(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert precision(config()) == "32-true"
    assert precision(config(precision="bf16")) == "bf16-mixed"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
    assert precision(config()) == "bf16-mixed"
    assert precision(config(precision="32")) == "32-true"
    assert precision(config(accelerator="cpu")) == "32-true"


def test_what_is_said_on_screen(fit, capfd, caplog):
    """What was asked for and where it is; nothing of what Lightning says of itself, and no warning of torch's."""
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.INFO):
        warnings.simplefilter("default")
        run = fit("training.images=2", "output.score_every=0", "trainer.threads=0")
    out, err = capfd.readouterr()
    said, place, progress, done = out.splitlines()
    assert said == (
        "shapes: 7 images at 16x16, 3 classes; generator 0.01 M, discriminator 0.01 M parameters; 1 x cpu, 32-true"
    )
    assert place == f"run: {run}"
    assert progress.startswith("2/2 images  ") and "discriminator" in progress
    assert done == f"done: 2 images. Pictures in {run}/samples; next: composegan sample run={run}"
    assert err == ""
    assert [str(warning.message) for warning in caught] == []
    assert [record.getMessage() for record in caplog.records if record.name.startswith("lightning")] == []


def test_other_warnings_are_still_heard(as_before, caplog, monkeypatch):
    from lightning.pytorch.utilities.rank_zero import rank_zero_warn

    logger = logging.getLogger("lightning.pytorch")
    monkeypatch.setattr(logger, "propagate", True)
    with as_before(), warnings.catch_warnings(record=True) as caught:
        make_trainer(config(accelerator="cpu"))
        rank_zero_warn("Found 3 module(s) in eval mode at the start of training.")
        rank_zero_warn("the learning rate is odd")
        logger.warning("the disk is hot")
        logger.info("tips")
    assert [str(warning.message) for warning in caught] == ["the learning rate is odd"]
    assert [record.getMessage() for record in caplog.records] == ["the disk is hot"]
