"""The encoder on the tiny model: its network, its training, its file, and inversion from its codes."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.config.encoder import EncoderConfig
from composegan.config.inversion import REFINE_STEPS, InversionConfig
from composegan.config.schema import DataConfig
from composegan.data.sample import Sample
from composegan.editing.encoder import train
from composegan.editing.encoder.encoder_file import ENCODER, TrainedEncoder, find_encoder, new_network, read_encoder
from composegan.editing.encoder.train import STATE, Teacher, rate, train_encoder
from composegan.editing.encoder.unlike import likeness
from composegan.editing.invert import invert
from composegan.model.model_files import save
from composegan.networks.class_sets import classes_in
from composegan.networks.encoder import Encoder
from composegan.networks.semantic_map import UNKNOWN
from tests.helpers import refused

DATA = DataConfig(height=16, width=16)
SETTINGS = EncoderConfig(images=16, batch=4, backbone="lcnet_035")


@pytest.fixture(scope="module")
def samples(model):
    return model.sample(24, seed=5, truncation=1.0)


@pytest.fixture(scope="module")
def source(samples):
    """The model's own pictures in the place of real ones."""
    pairs = zip(samples.images.transpose(0, 3, 1, 2).copy(), samples.labels, strict=True)
    return [Sample(*pair, str(number)) for number, pair in enumerate(pairs)]


@pytest.fixture(scope="module")
def home(model, source, tmp_path_factory):
    """A saved model with an encoder. Read only."""
    home = tmp_path_factory.mktemp("encoder") / "model"
    save(home, model)
    train_encoder(model, source, DATA, SETTINGS, home, progress="")
    return home


@pytest.mark.parametrize(("class_codes", "slots"), [(True, 2 + 2 * 3), (False, 2)])
def test_slots_fit_the_layout_and_an_unknown_mask_is_no_mask(class_codes, slots):
    network = Encoder(classes=3, base=2, latent_channels=8, class_codes=class_codes, backbone="lcnet_035").eval()
    images, labels = torch.randn(2, 3, 32, 48), torch.randint(0, 3, (2, 32, 48))
    with torch.no_grad():
        torch.nn.init.normal_(network.to_base.weight)
        alone, given = network(images), network(images, labels)
        labels[1] = UNKNOWN
        mixed = network(images, labels)
    assert given.slots.shape == (2, slots, 8) and given.mask.shape == (2, 3, 32, 48) and given.presence.shape == (2, 3)
    torch.testing.assert_close(mixed.slots[0], given.slots[0])
    torch.testing.assert_close(mixed.slots[1], alone.slots[1])
    assert not torch.equal(given.slots[1], alone.slots[1]) and torch.equal(given.mask, alone.mask)


def test_training_lowers_the_loss_with_real_pictures_and_without(model, samples):
    labels = torch.from_numpy(samples.labels[:4].copy())
    batch = {"image": torch.from_numpy(samples.images[:4].transpose(0, 3, 1, 2).copy()), "labels": labels}
    for real, generated in ((None, 4), (batch, 2)):
        network, teacher, losses = new_network(model, "lcnet_035").train(), Teacher.of(model), []
        optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
        for _ in range(8):
            torch.manual_seed(0)  # the same pictures
            loss = teacher.loss(network, real, generated)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.95 * losses[0]


def test_interrupted_training_resumes_to_the_same_weights(model, source, home, tmp_path, monkeypatch):
    steps, loss = [], train.Teacher.loss

    def stop(*arguments):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return loss(*arguments)

    monkeypatch.setattr(train.Teacher, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(model, source, DATA, SETTINGS, tmp_path, progress="")
    other = replace(SETTINGS, seed=1)
    assert "other settings" in refused(train_encoder, model, source, DATA, other, tmp_path, progress="")
    assert (tmp_path / STATE).exists() and not (tmp_path / ENCODER).exists()
    train_encoder(model, source, DATA, SETTINGS, tmp_path, progress="")
    assert len(steps) == 5 and not (tmp_path / STATE).exists()
    assert (tmp_path / ENCODER).read_bytes() == (home / ENCODER).read_bytes()


def test_finished_training_is_not_repeated(model, source, home, monkeypatch):
    monkeypatch.setattr(train.Teacher, "loss", None)
    found = train_encoder(model, source, DATA, SETTINGS, home, progress="")
    assert found.figures["real"] == 1 and len(found.usual) == found.figures["pictures"] == 2
    other = replace(SETTINGS, seed=1)
    assert "other settings" in refused(train_encoder, model, source, DATA, other, home, progress="")


def test_learning_rate_rises_and_falls_to_zero():
    rates = [rate(step, 1000) for step in range(1001)]
    assert rates[0] == 1 / 50 and max(rates) == 1 and rates[300] == 1 and rates[1000] == pytest.approx(0, abs=1e-9)


def test_classes_in_ignores_unknown_pixels():
    labels = torch.tensor([[[0, 2], [2, 0]], [[UNKNOWN, 1], [1, 1]]])
    assert classes_in(labels, 3).tolist() == [[True, False, True], [False, True, False]]


def test_inversion_begins_with_the_encoder_in_the_model_folder(home, samples):
    loaded = composegan.load(home)
    codes = loaded.encode(samples.images[0], samples.labels[0])
    found = loaded.invert(samples.images[0], samples.labels[0], steps=0)
    assert torch.equal(found.codes.slots, codes.slots) and not found.deltas
    short = InversionConfig().resolve(16, encoded=True)
    assert (short.steps, short.tune_steps) == (REFINE_STEPS, 0)
    refined = loaded.invert(samples.images[0], samples.labels[0], lpips="off", rate=0.01, prior=0.0)
    assert refined.figures[0]["w+"]["mse"] < found.figures[0]["w+"]["mse"]


def test_encoder_off_searches_from_the_mean_code(model, home, samples):
    settings = {"steps": 1, "tune_steps": 0, "size": 32, "lpips": "off"}
    off = composegan.load(home).invert(samples.images[0], encoder="off", **settings)
    without = invert(model, samples.images[:1], None, InversionConfig(**settings), progress="")
    assert torch.equal(off.codes.slots, without.codes.slots)
    assert "needs an encoder" in refused(composegan.load(home).invert, samples.images[0], encoder="off", steps=0)


def test_noise_is_unlike_the_data(model, home, samples):
    encoder = find_encoder(composegan.load(home))
    noise = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16)).astype(np.uint8)
    own = samples.images[:2].transpose(0, 3, 1, 2)
    usual = tuple(one.distance for one in likeness(model, encoder, own))
    known = TrainedEncoder(encoder.network, encoder.model, encoder.backbone, {}, tuple(sorted(usual)))
    assert all(one.unlike for one in likeness(model, known, noise))
    assert "where 99% of held-out pictures are below" in str(likeness(model, known, noise)[0])


def test_encoder_of_another_model_is_refused(home, adapted, model, error_line, tmp_path):
    assert "was trained for another model" in refused(read_encoder, home / ENCODER, adapted)
    shutil.copytree(home, tmp_path / "other")
    save(tmp_path / "other", adapted)
    Image.new("RGB", (16, 16)).save(tmp_path / "photo.png")
    line = error_line("invert", f"model={tmp_path / 'other'}", f"photos={tmp_path / 'photo.png'}")
    assert line.startswith(f"encoder={tmp_path / 'other' / ENCODER}: was trained for another model (weights ")


def test_mistakes_are_one_line(home, error_line, tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "photo.png")
    (tmp_path / "text.safetensors").write_text("no encoder")
    photo = f"photos={tmp_path / 'photo.png'}"
    assert error_line("encoder", "model=faces").startswith("out=: missing; model=faces comes with composegan")
    assert error_line("invert", f"model={home}", photo, "encoder=none").startswith("encoder=none: does not exist")
    assert "is damaged or not an encoder" in error_line(
        "invert", f"model={home}", photo, f"encoder={tmp_path / 'text.safetensors'}"
    )
    Image.new("L", (8, 12)).save(tmp_path / "mask.png")
    assert error_line("invert", f"model={home}", photo, f"masks={tmp_path / 'mask.png'}").startswith(f"{tmp_path}")


def test_unknown_backbone_is_refused(model):
    assert refused(new_network, model, "lcnet").startswith("backbone=lcnet: cannot be used")
