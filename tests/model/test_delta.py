"""Tuned weights as differences."""

import copy
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from composegan.errors import UserError
from composegan.model.delta import ABOUT, Delta, fingerprint


def changed(generator, amount=1e-2, part="renderer"):
    """A copy with some of its weights moved."""
    copied, draws = copy.deepcopy(generator), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in copied.named_parameters():
            if name.startswith(part):
                weight += amount * torch.randn(weight.shape, generator=draws)
    return copied


@pytest.fixture
def file(model, tmp_path):
    return Delta.between(model.generator, changed(model.generator)).save(str(tmp_path / "delta.safetensors"))


def test_a_saved_file_restores_the_weights_up_to_half_precision(model, file):
    tuned, wanted = model.with_delta(file), changed(model.generator)
    for name, weight in wanted.state_dict().items():
        moved = (weight - model.generator.state_dict()[name]).abs()
        error = (tuned.generator.state_dict()[name] - weight).abs()
        assert (error <= moved / 2048 + 1e-6).all(), name
    codes = model.codes(2)
    picture, exact = (one.synthesize(codes).image for one in (tuned, replace(model, generator=wanted)))
    torch.testing.assert_close(picture, exact, atol=1e-3, rtol=0)
    assert not torch.allclose(picture, model.synthesize(codes).image, atol=1e-2)


def test_only_changed_tensors_are_stored(model, file):
    delta = Delta.load(file)
    assert delta.changes and all(name.startswith("renderer") for name in delta.changes)
    assert all(change.dtype == torch.float16 for change in delta.changes.values())
    assert delta.size <= file.stat().st_size < delta.size + 4000
    assert Delta.between(model.generator, copy.deepcopy(model.generator)).changes == {}


def test_the_model_and_its_latent_space_stay_unchanged(model, file):
    before = fingerprint(model.generator)
    tuned = [model.with_delta(given) for given in (file, file.parent, Delta.load(file))]
    assert fingerprint(model.generator) == before and before not in {fingerprint(one.generator) for one in tuned}
    assert len({fingerprint(one.generator) for one in tuned}) == 1 and tuned[0].space == model.space
    assert not any(weight.requires_grad for weight in tuned[0].generator.parameters())


def test_a_delta_of_another_model_is_refused(model, file):
    other = replace(model, generator=changed(model.generator, part="local"))
    with pytest.raises(UserError, match=f"delta={file}: tuned from another model"):
        other.with_delta(file)
    with pytest.raises(UserError, match="tuned from another model"):
        model.with_delta(file).with_delta(file)


def test_another_file_is_refused(model, tmp_path):
    with pytest.raises(UserError, match="does not exist; `composegan invert` writes"):
        model.with_delta(tmp_path)
    path = tmp_path / "delta.safetensors"
    path.write_bytes(b"junk")
    with pytest.raises(UserError, match="is damaged or not tuned weights"):
        model.with_delta(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="format None"):
        model.with_delta(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("x", torch.zeros(1).half()),
        ("renderer.to_rgb.0.bias", torch.tensor([0, 0, float("inf")]).half()),
        ("renderer.convs.0.bias", torch.complex64),
        ("renderer.convs.0.bias", torch.float64),
    ],
)
def test_tensors_that_do_not_fit_are_refused(model, tmp_path, name, change):
    if isinstance(change, torch.dtype):
        change = torch.zeros_like(model.generator.state_dict()[name]).to(change)
    about = {ABOUT: json.dumps({"format": 1, "base": fingerprint(model.generator)})}
    save_file({name: change}, tmp_path / "delta.safetensors", about)
    with pytest.raises(UserError, match=f"is damaged \\({name} does not fit the model\\)"):
        model.with_delta(tmp_path)
