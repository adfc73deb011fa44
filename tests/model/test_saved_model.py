"""A model as a folder of two files: what is saved is loaded, and nothing else gets in."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import composegan
from composegan.errors import UserError
from composegan.model import saved_model
from composegan.networks import paper_family
from composegan.networks.generator import Generator

SETTINGS = {
    "classes": 3, "height": 16, "width": 32, "group_of": [0, 1, 1], "transparent": [2], "latent_channels": 8,
    "mapping_layers": 2, "local_layers": 3, "base_layers": 1, "depth_layers": 2, "local_channels": 8,
    "coarse_channels": 8, "coarse_size": 8, "min_feat_size": 4, "max_channels": 8,
}  # fmt: skip


@pytest.fixture
def model():
    """Of weights drawn on the spot, with classes that share a generator, and wider than high."""
    torch.manual_seed(0)
    generator = Generator(**SETTINGS).eval()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    names, colors = ("ground", "ball", "glass"), ((0, 0, 0), (9, 8, 7), (255, 0, 1))
    return saved_model.Model(generator, SETTINGS, "shapes", names, colors, saved_model.mean_code(generator, 100))


@pytest.fixture
def folder(model, tmp_path):
    return saved_model.save(tmp_path / "model", model, {"images_seen": 8, "recipe": "quick"})


def test_what_is_saved_is_loaded(model, folder):
    loaded = composegan.load(folder)
    assert (loaded.domain, loaded.classes, loaded.colors) == (model.domain, model.classes, model.colors)
    assert torch.equal(loaded.mean_code, model.mean_code)
    for name, tensor in model.generator.state_dict().items():
        assert torch.equal(loaded.generator.state_dict()[name], tensor), name
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    for truncation in (1.0, 0.5):
        one, other = (m.synthesize(m.generator.map(z), truncation) for m in (model, loaded))
        torch.testing.assert_close(one.image, other.image, rtol=1e-5, atol=1e-5)
        assert (one.mask.labels() == other.mask.labels()).float().mean() > 0.999


def test_loaded_twice_it_gives_the_same_pictures(folder):
    one, other = (composegan.load(folder).sample(4) for _ in range(2))
    assert (one.images == other.images).all() and (one.labels == other.labels).all()


def test_saving_what_was_loaded_changes_nothing(folder, tmp_path):
    again = saved_model.save(tmp_path / "again", composegan.load(folder), {"images_seen": 8, "recipe": "quick"})
    for name in ("model.safetensors", "config.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_it_is_ready_for_use(folder):
    loaded = composegan.load(str(folder), device="cpu")
    assert not loaded.generator.training
    assert not any(parameter.requires_grad for parameter in loaded.generator.parameters())
    assert loaded.to("cpu").device == torch.device("cpu")


def test_its_files_are_two_and_hold_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    facts = json.loads((folder / "config.json").read_text())
    assert facts["about"] == {"images_seen": 8, "recipe": "quick"}
    assert facts["classes"][1] == {"name": "ball", "color": [9, 8, 7]}
    assert facts["generator"] == SETTINGS
    weights = load_file(folder / "model.safetensors")
    assert weights.keys() == {"mean_code", *(f"generator.{name}" for name in Generator(**SETTINGS).state_dict())}


def test_a_run_has_the_average_that_was_drawn(whole_run):
    loaded = composegan.load(whole_run)
    networks = torch.load(whole_run / "checkpoints" / "last.pt", weights_only=True)["networks"]
    for name, tensor in loaded.generator.state_dict().items():
        assert torch.equal(tensor, networks[f"average.{name}"]), name
    assert loaded.classes == ("ground", "ball", "glass") and loaded.domain == "shapes"
    facts = json.loads((whole_run / "model" / "config.json").read_text())
    assert facts["about"] == {"images_seen": 24, "recipe": "quick"}


def test_the_mean_code_is_the_mean_of_many(model):
    many = saved_model.mean_code(model.generator, 20_000)
    z = torch.randn(20_000, 8, generator=torch.Generator().manual_seed(7))
    deviation = model.generator.map(z).std(dim=0)
    assert ((many - model.generator.map(z).mean(dim=0)).abs() < 5 * deviation * (2 / 20_000) ** 0.5).all()
    assert torch.equal(many, saved_model.mean_code(model.generator, 20_000))


def refused(path):
    with pytest.raises(UserError) as caught:
        composegan.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    reason, remedy = "(it has no config.json and no model/config.json)", "`composegan fit` and `Model.save` write one"
    for path, why in (("none", "(no such folder)"), (".", reason), ("file", reason)):
        assert refused(tmp_path / path) == f"{tmp_path / path}: is not a saved model {why}; {remedy}"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe\x00", b'{"format": 1}', b'{"model_type": "bert", "format": 1}',
        b'{"format": 1, "classes": [1], "generator": {}, "domain": "x"}',
        b'{"format": 1, "classes": [], "generator": {"classes": 3}, "domain": "x"}',
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_configuration(folder, content):
    (folder / "config.json").write_bytes(content)
    assert refused(folder).startswith(f"{folder / 'config.json'}: is damaged or not a model's (")


@pytest.mark.parametrize(
    "changed",
    [{"height": 0}, {"classes": -3}, {"local_layers": "many"}, {"group_of": [0, 7, 99]}, {"depth": 3}, {"width": 33}],
)
def test_settings_that_make_no_generator(folder, changed):
    facts = json.loads((folder / "config.json").read_text())
    facts["generator"] |= changed
    (folder / "config.json").write_text(json.dumps(facts))
    assert refused(folder).startswith(f"{folder}/")


def test_another_format(folder):
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(facts | {"format": 2}))
    assert refused(folder) == f"{folder / 'config.json'}: format 2; this version of composegan reads 1"


def test_weights_that_are_missing(folder):
    (folder / "model.safetensors").unlink()
    assert refused(folder).startswith(f"{folder / 'model.safetensors'}: is missing, damaged or of another model (")


@pytest.mark.parametrize("part", [0, 4, 0.1, 0.5, 0.99])
def test_weights_that_are_truncated(folder, part):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: part if isinstance(part, int) else int(part * len(whole))])
    assert refused(folder).startswith(f"{path}: is missing, damaged or of another model (")


@pytest.mark.parametrize("content", [b"garbage" * 100, pickle.dumps({"a": 1}), b"\xff" * 64])
def test_weights_that_are_none(folder, content):
    path = folder / "model.safetensors"
    path.write_bytes(content)
    assert refused(folder).startswith(f"{path}: is missing, damaged or of another model (")


def without(weights, name):
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: without(weights, "mean_code"),
        lambda weights: without(weights, "generator.local.weight"),
        lambda weights: weights | {"generator.more": torch.zeros(1)},
        lambda weights: weights | {"generator.local.bias": torch.zeros(1)},
        lambda weights: weights | {"mean_code": torch.zeros(3)},
    ],
)
def test_weights_of_another_model(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)
    line = refused(folder)
    assert line.startswith(f"{path}: is missing, damaged or of another model (")
    assert any(name in line for name in ("mean_code", "generator.", "local", "more"))


def test_nothing_is_executed(folder):
    """Even where a pickle lies under one of the names."""

    class Bomb:
        def __reduce__(self):
            return (folder / "exploded").mkdir, ()

    for name in ("model.safetensors", "config.json"):
        (folder / name).write_bytes(pickle.dumps(Bomb(), protocol=0))
        refused(folder)
    assert not (folder / "exploded").exists()


def test_a_full_disk_leaves_the_model_that_was_there(model, folder, full_disk):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with (
        full_disk(1000),
        pytest.raises(UserError, match="model.safetensors: cannot be written .no space left on the disk."),
    ):
        saved_model.save(folder, model)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_model_can_be_moved(folder, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    shutil.rmtree(folder)
    assert composegan.load(moved).classes == ("ground", "ball", "glass")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_feat_size", 0), ("mapping_layers", 10**9), ("local_channels", 2**40), ("height", -16), ("width", True),
        ("channel_multiplier", float("nan")), ("group_of", [0] * 10**5), ("transparent", [-1]), ("coarse_size", "8"),
    ],
)  # fmt: skip
def test_settings_that_would_build_for_ever(folder, key, value):
    facts = json.loads((folder / "config.json").read_text())
    facts["generator"][key] = value
    (folder / "config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=f"config.json: is damaged or not a model's .*{key} "):
        composegan.load(folder)


def test_a_large_generator_is_not_built_for_small_weights(folder, monkeypatch):
    facts = json.loads((folder / "config.json").read_text())
    facts["generator"] |= {"local_channels": 4096, "coarse_channels": 4096}
    (folder / "config.json").write_text(json.dumps(facts))
    built = []
    monkeypatch.setattr(
        paper_family, "Generator", lambda **k: built.append(torch.empty(1).device.type) or Generator(**k)
    )
    with pytest.raises(UserError, match=r"model.safetensors: .* is needed"):
        composegan.load(folder)
    assert built == ["meta"]


@pytest.mark.parametrize("spoil", [lambda x: x.fill_(float("nan")), lambda x: x.to(torch.complex64)])
def test_weights_that_are_no_numbers(folder, spoil):
    weights = load_file(folder / "model.safetensors")
    weights["generator.local.bias"] = spoil(weights["generator.local.bias"])
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match="local.bias has values that are not finite"):
        composegan.load(folder)


def test_weights_of_terabytes_that_take_no_space_are_not_mapped(folder, monkeypatch):
    os.truncate(folder / "model.safetensors", 2**40)
    monkeypatch.setattr(saved_model, "load_file", lambda path: pytest.fail("it was mapped"))
    with pytest.raises(UserError, match="model.safetensors: .*it has 1,099,512 MB, more than the limit of 17,180 MB"):
        composegan.load(folder)
