"""Tuned weights as differences."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

import composegan
from composegan.errors import UserError
from composegan.model.delta import ABOUT, Delta, fingerprint


@pytest.fixture(scope="module")
def model(whole_run):
    return composegan.load(whole_run)


def changed(generator, amount=1e-2, part="renderer"):
    """A copy with part of its weights moved."""
    copied, draws = copy.deepcopy(generator), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in copied.named_parameters():
            if name.startswith(part):
                weight += amount * torch.randn(weight.shape, generator=draws)
    return copied


@pytest.fixture
def file(model, tmp_path):
    return Delta.between(model.generator, changed(model.generator)).save(str(tmp_path / "delta.safetensors"))


def test_a_file_gives_back_the_weights_but_for_half_precision(model, file):
    tuned, wanted = model.with_delta(file), changed(model.generator)
    for name, weight in wanted.state_dict().items():
        moved = (weight - model.generator.state_dict()[name]).abs()
        error = (tuned.generator.state_dict()[name] - weight).abs()
        assert (error <= moved / 2048 + 1e-6).all(), name
    codes = model.codes(2)
    picture = tuned.synthesize(codes.slots).image
    torch.testing.assert_close(
        picture, replace(model, generator=wanted).synthesize(codes.slots).image, atol=1e-3, rtol=0
    )
    assert not torch.allclose(picture, model.synthesize(codes.slots).image, atol=1e-2)


def test_it_holds_what_changed_and_nothing_else(model, file):
    delta = Delta.load(file)
    assert delta.changes and all(name.startswith("renderer") for name in delta.changes)
    assert all(change.dtype == torch.float16 for change in delta.changes.values())
    assert delta.size <= file.stat().st_size < delta.size + 4000
    same = Delta.between(model.generator, copy.deepcopy(model.generator))
    assert same.changes == {}


def test_the_model_itself_and_its_latent_space_stay(model, file):
    before = fingerprint(model.generator)
    tuned = model.with_delta(file)
    assert fingerprint(model.generator) == before != fingerprint(tuned.generator)
    assert tuned.space == model.space
    assert not any(weight.requires_grad for weight in tuned.generator.parameters())


def test_a_folder_and_a_delta_will_do(model, file):
    one, two, three = (model.with_delta(given) for given in (file, file.parent, Delta.load(file)))
    assert fingerprint(one.generator) == fingerprint(two.generator) == fingerprint(three.generator)


def test_another_models_is_refused(model, file):
    other = replace(model, generator=changed(model.generator, part="local"))
    with pytest.raises(UserError, match=f"delta={file}: is of another model"):
        other.with_delta(file)
    with pytest.raises(UserError, match="is of another model"):
        model.with_delta(file).with_delta(file)


def test_what_is_no_delta_is_told(model, tmp_path):
    with pytest.raises(UserError, match="there is no such file; `composegan invert` writes"):
        model.with_delta(tmp_path)
    path = tmp_path / "delta.safetensors"
    path.write_bytes(b"junk")
    with pytest.raises(UserError, match="is damaged or not tuned weights"):
        model.with_delta(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="format None"):
        model.with_delta(path)
    good = {ABOUT: json.dumps({"format": 1, "base": fingerprint(model.generator)})}
    for name, tensor in {"x": torch.zeros(1), "renderer.to_rgb.0.bias": torch.tensor([0, 0, float("inf")])}.items():
        save_file({name: tensor.half()}, path, good)
        with pytest.raises(UserError, match=f"is damaged \\({name} does not fit"):
            model.with_delta(path)


def test_changes_that_are_no_half_precision_numbers_are_refused(model, file):
    for kind in (torch.complex64, torch.float64):
        name = "renderer.convs.0.bias"
        about = json.dumps({"format": 1, "base": fingerprint(model.generator)})
        save_file({name: torch.zeros_like(model.generator.state_dict()[name]).to(kind)}, file, {ABOUT: about})
        with pytest.raises(UserError, match=f"is damaged .{name} does not fit the model"):
            model.with_delta(file)
