"""Devices, precision and output of a run."""

import logging
import warnings

import pytest
import torch

from composegan.config.schema import Config, TrainerConfig, TrainingConfig
from composegan.runs.trainer import devices_of, make_trainer, needs_launch, precision
from tests.helpers import refused


def config(batch=32, precision="auto", **trainer):
    return Config(training=TrainingConfig(batch=batch, precision=precision), trainer=TrainerConfig(**trainer))


@pytest.mark.parametrize(
    ("gpus", "settings", "devices"),
    [
        (0, {}, 1),
        (4, {}, 4),
        (4, {"accelerator": "mps"}, 1),
        (4, {"accelerator": "cpu"}, 1),
        (0, {"accelerator": "cpu", "devices": "3"}, 3),
        (4, {"devices": "2"}, 2),
        (4, {"devices": "-1"}, [0, 1, 2, 3]),
        (4, {"devices": "0,2"}, [0, 2]),
        (1, {"devices": "-1", "accelerator": "gpu"}, [0]),
    ],
)
def test_devices_are_a_count_or_a_list_of_gpus(monkeypatch, gpus, settings, devices):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert devices_of(TrainerConfig(**settings)) == devices


@pytest.mark.parametrize(
    ("gpus", "devices", "accelerator", "message"),
    [
        (4, "0", "auto", "auto, a number from 1, -1 for all GPUs, or GPUs such as 0,2"),
        (4, "two", "auto", "auto, a number from 1, -1 for all GPUs, or GPUs such as 0,2"),
        (2, "0,2", "auto", "names GPUs, each once, and there are 0 to 1"),
        (2, "1,1", "gpu", "names GPUs, each once, and there are 0 to 1"),
        (4, "0,2", "cpu", "names GPUs, each once, and there are no GPUs that may be used; give a number or auto"),
        (0, "-1", "auto", "names GPUs, each once, and there are no GPUs that may be used; give a number or auto"),
    ],
)
def test_devices_that_are_not_there_are_refused(monkeypatch, gpus, devices, accelerator, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    line = refused(devices_of, TrainerConfig(devices=devices, accelerator=accelerator))
    assert line == f"trainer.devices={devices}: {message}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trainer.devices=3"], "training.batch=2 is not a multiple of the 3 devices"),
        (["trainer.accumulate=4"], "trainer.accumulate=4: does not divide the 2 images that a device has of a batch"),
        (["trainer.devices=-1"], "trainer.devices=-1: names GPUs, each once, and there are no GPUs that may be used; "
         "give a number or auto"),
        (["trainer.accelerator=gpu", "trainer.devices=1"],
         "trainer.accelerator=gpu trainer.devices=1: No supported gpu backend found!"),
    ],
)  # fmt: skip
def test_impossible_devices_leave_no_folder(fit, tmp_path, monkeypatch, settings, message):
    if torch.cuda.is_available() and "trainer.accelerator=gpu" in settings:
        pytest.skip("there is a GPU")
    assert refused(fit, *settings) == message
    assert list(tmp_path.iterdir()) == []


def test_only_ranks_that_no_launcher_started_are_launched(monkeypatch):
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "LOCAL_RANK", "LSB_JOBID", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert needs_launch(2) and not needs_launch(1)
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    assert not needs_launch(2)


@pytest.mark.parametrize(
    "name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"]
)
def test_a_rank_left_over_from_another_job_leaves_no_folder(fit, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    line = f"{name}=1: is set, but this process runs alone; unset {name}, or use torchrun or srun"
    assert refused(fit, "trainer.devices=1") == line
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


def test_output_of_a_run(fit, capfd, caplog):
    """Its settings, folder, progress and end; no messages or warnings of Lightning and torch."""
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.INFO):
        warnings.simplefilter("default")
        run = fit("training.images=2", "output.score_every=0", "trainer.threads=0")
    out, err = capfd.readouterr()
    summary, place, progress, done = out.splitlines()
    assert summary == (
        "shapes: 7 images at 16x16, 3 classes; generator 0.01 M, discriminator 0.01 M parameters; 1 x cpu, 32-true"
    )
    assert place == f"run: {run}"
    assert progress.startswith("2/2 images  ") and "discriminator" in progress
    assert "left" not in progress  # the run is done
    assert done == f"done: 2 images. Pictures are in {run}/samples; next: composegan sample run={run}"
    assert err == ""
    assert [str(warning.message) for warning in caught] == []
    assert [record.getMessage() for record in caplog.records if record.name.startswith("lightning")] == []


def test_warnings_with_news_are_shown(as_before, caplog, monkeypatch):
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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["training.batch=5"], "training.batch=5: the discriminator sees 5 images at a time, which 4, 3 and 2 do not "
         "divide; it compares them in groups of 5 (minibatch deviation)"),
        (["training.batch=14", "trainer.accumulate=2"], "training.batch=14: the discriminator sees 7 images at a time, "
         "which 4, 3 and 2 do not divide; it compares them in groups of 7 (minibatch deviation)"),
        (["training.batch=1"], "training.batch=1: the discriminator sees 1 images at a time and cannot compare them "
         "(minibatch deviation); it can with a larger batch"),
        (["training.batch=6"], None),
    ],
)  # fmt: skip
def test_unusual_groups_of_the_minibatch_deviation_are_said(fit, capsys, settings, said):
    fit("training.images=2", "output.score_every=0", *settings)
    lines = [line for line in capsys.readouterr().out.splitlines() if "minibatch deviation" in line]
    assert lines == ([said] if said else [])
