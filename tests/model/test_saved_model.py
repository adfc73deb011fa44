"""A model as a folder of two files."""

import json
import os
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import composegan
from composegan.data.labels import labels_of
from composegan.errors import UserError
from composegan.model import model_files, saved_model
from composegan.networks import paper_family
from composegan.networks.generator import Generator
from composegan.plugin.label_scheme import VOID
from tests.helpers import refused

SETTINGS = {
    "classes": 3, "height": 16, "width": 32, "group_of": [0, 1, 1], "transparent": [2], "latent_channels": 8,
    "mapping_layers": 2, "local_layers": 3, "base_layers": 1, "depth_layers": 2, "local_channels": 8,
    "coarse_channels": 8, "coarse_size": 8, "min_feat_size": 4, "max_channels": 8,
}  # fmt: skip


@pytest.fixture
def model():
    """Random weights; classes that share a generator; wider than high."""
    torch.manual_seed(0)
    generator = Generator(**SETTINGS).eval()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    names, colors = ("ground", "ball", "glass"), ((0, 0, 0), (9, 8, 7), (255, 0, 1))
    return saved_model.Model(generator, SETTINGS, "shapes", names, colors, saved_model.mean_code(generator, 100))


@pytest.fixture
def folder(model, tmp_path):
    return model_files.save(tmp_path / "model", model, {"images_seen": 8, "recipe": "quick"})


def test_a_saved_model_loads_unchanged(model, folder):
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


def test_a_saved_model_keeps_what_label_values_mean(model, folder, tmp_path):
    assert "ids" not in json.loads((folder / "config.json").read_text())
    ids = {5: 1, 7: 1, (1, 2, 3): 2, 255: VOID}
    loaded = composegan.load(model_files.save(tmp_path / "ids", replace(model, ids=ids)))
    assert loaded.ids == loaded.spec.scheme.ids == ids
    mask = Image.fromarray(np.array([[7, 0, 255]], np.uint8))
    assert labels_of(mask, loaded.spec, "mask").tolist() == [[1, 0, VOID]]
    content = json.loads((tmp_path / "ids" / "config.json").read_text())
    for wrong in ({"5": "bal"}, [5], {"5": 3}, {"-5": "ball"}):
        (tmp_path / "ids" / "config.json").write_text(json.dumps({**content, "ids": wrong}))
        assert "is damaged or not a model's configuration (ids: " in refused(composegan.load, tmp_path / "ids")


def test_two_loads_draw_the_same_pictures(folder):
    one, other = (composegan.load(folder).sample(4) for _ in range(2))
    assert (one.images == other.images).all() and (one.labels == other.labels).all()


def test_saving_a_loaded_model_writes_the_same_files(folder, tmp_path):
    """Wherever its folder has been moved."""
    folder = folder.rename(tmp_path / "elsewhere")
    again = composegan.load(folder).save(tmp_path / "again")
    for name in ("model.safetensors", "config.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_loaded_model_is_frozen_and_in_eval_mode(folder):
    loaded = composegan.load(str(folder), device="cpu")
    assert not loaded.generator.training
    assert not any(parameter.requires_grad for parameter in loaded.generator.parameters())
    assert loaded.to("cpu").device == torch.device("cpu")


def test_a_model_is_two_files_without_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    facts = json.loads((folder / "config.json").read_text())
    assert facts["about"] == {"images_seen": 8, "recipe": "quick"}
    assert facts["classes"][1] == {"name": "ball", "color": [9, 8, 7]}
    assert facts["generator"] == SETTINGS
    weights = load_file(folder / "model.safetensors")
    assert weights.keys() == {"mean_code", *(f"generator.{name}" for name in Generator(**SETTINGS).state_dict())}


def test_a_run_loads_its_averaged_generator(whole_run):
    loaded = composegan.load(whole_run)
    networks = torch.load(whole_run / "checkpoints" / "last.pt", weights_only=True)["networks"]
    for name, tensor in loaded.generator.state_dict().items():
        assert torch.equal(tensor, networks[f"average.{name}"]), name
    assert loaded.classes == ("ground", "ball", "glass") and loaded.domain == "shapes"
    facts = json.loads((whole_run / "model" / "config.json").read_text())
    assert facts["about"] == {"images_seen": 24, "recipe": "quick"}


def test_mean_code_is_the_mean_of_w(model):
    many = saved_model.mean_code(model.generator, 20_000)
    z = torch.randn(20_000, 8, generator=torch.Generator().manual_seed(7))
    deviation = model.generator.map(z).std(dim=0)
    assert ((many - model.generator.map(z).mean(dim=0)).abs() < 5 * deviation * (2 / 20_000) ** 0.5).all()
    assert torch.equal(many, saved_model.mean_code(model.generator, 20_000))


def test_another_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    reason, remedy = "(it has no config.json and no model/config.json)", "`composegan fit` and `Model.save` write one"
    for path, why in (("none", "(no such folder)"), (".", reason)):
        assert refused(composegan.load, tmp_path / path) == f"{tmp_path / path}: is not a saved model {why}; {remedy}"
    for time in ("1", "2"):
        (tmp_path / "moths" / time / "model").mkdir(parents=True)
        (tmp_path / "moths" / time / "model" / "config.json").touch()
    said = f"{tmp_path / 'moths'}: is not a saved model {reason}; give a run in it, such as {tmp_path / 'moths' / '2'}"
    assert refused(composegan.load, tmp_path / "moths") == said
    line = refused(composegan.load, tmp_path / "file")
    assert line == f"{tmp_path / 'file'}: is a file; give the folder of its model or run"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read (it is not JSON ("),
        (b"{", "cannot be read (it is not JSON ("),
        (b"\xff\xfe\x00", "cannot be read (it is not UTF-8 text ("),
        (b"[]", "is damaged or not a model's configuration (list indices must be integers"),
        (b"{}", "is damaged or not a model's configuration (no 'format')"),
        (b"null", "is damaged or not a model's configuration ("),
        (b'{"format": 2}', "format 2; this version of composegan reads 1"),
        (b'{"model_type": "bert", "format": 1}', "is damaged or not a model's configuration (no 'classes')"),
        (b'{"format": 1, "classes": [1], "generator": {}, "domain": "x"}', "is damaged or not a model's "),
        (b'{"format": 1, "classes": [], "generator": {"classes": 3}, "domain": "x"}',
         "is damaged or not a model's configuration ("),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_configuration_is_refused(folder, content, reason):
    (folder / "config.json").write_bytes(content)
    assert refused(composegan.load, folder).startswith(f"{folder / 'config.json'}: {reason}")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("name", ("", " ", "a\nb", "\x1b[31mred", "\u202egnp", "x" * 101, None, 3, ["a"], "\udcff")),
        ("color", ([0, 0], [0, 0, 256], [0, 0, -1], [0, 0, True], [0, 0, 1.5], "red", None)),
        ("domain", ("", "a\nb", "\x1b[2J", None, 3, ["a"])),
    ],
)
def test_names_and_colors_are_checked_as_in_a_domain_file(folder, key, values):
    whole = (folder / "config.json").read_text()
    for value in values:
        facts = json.loads(whole)
        (facts if key == "domain" else facts["classes"][1])[key] = value
        (folder / "config.json").write_text(json.dumps(facts))
        line = refused(composegan.load, folder)
        assert line.startswith(f"{folder / 'config.json'}: is damaged or not a model's configuration (")
        assert line.isprintable()


@pytest.mark.skipif(os.name != "posix", reason="Windows: every path is Unicode")
@pytest.mark.parametrize("name", [b"mod\xe8le", b"\xff", b"gr\xfcn/na\xefve"])
def test_the_path_of_a_model_need_not_be_unicode(folder, tmp_path, name):
    target = tmp_path / os.fsdecode(name)
    target.parent.mkdir(exist_ok=True)
    shutil.copytree(folder, target)
    before, after = composegan.load(folder), composegan.load(target)
    assert torch.equal(before.sample(1).codes.slots, after.sample(1).codes.slots)
    assert torch.equal(composegan.load(after.save(target / "again")).mean_code, before.mean_code)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("height", 0), ("height", -16), ("classes", -3), ("local_layers", "many"), ("group_of", [0, 7, 99]),
        ("group_of", [0] * 10**5), ("width", True), ("min_feat_size", 0), ("mapping_layers", 10**9),
        ("local_channels", 2**40), ("channel_multiplier", float("nan")), ("transparent", [-1]), ("coarse_size", "8"),
        ("unknown", 3),
    ],
)  # fmt: skip
def test_settings_of_no_generator_are_refused_before_it_is_built(folder, key, value):
    facts = json.loads((folder / "config.json").read_text())
    facts["generator"][key] = value
    (folder / "config.json").write_text(json.dumps(facts))
    line = refused(composegan.load, folder)
    assert line.startswith(f"{folder / 'config.json'}: is damaged or not a model's configuration (") and key in line


@pytest.mark.parametrize(
    "content", [0, 4, 0.1, 0.5, 0.99, b"garbage" * 9, pickle.dumps({"a": 1}), b"\xff" * 64], ids=str
)
def test_weights_that_are_cut_off_or_of_another_format_are_refused(folder, content):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    if not isinstance(content, bytes):
        content = whole[: content if isinstance(content, int) else int(content * len(whole))]
    path.write_bytes(content)
    assert refused(composegan.load, folder).startswith(f"{path}: is damaged or not weights of this model (")
    path.unlink()
    assert refused(composegan.load, folder) == f"{path}: does not exist"


BIAS = "generator.local.bias"


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("mean_code", None, "mean_code is missing"),
        ("generator.local.weight", None, "generator.local.weight is missing"),
        ("generator.more", torch.zeros(1), "generator.more is not part of the model"),
        (BIAS, torch.zeros(1), "generator.local.bias has shape (1,)"),
        ("mean_code", torch.zeros(3), "mean_code has shape (3,); (8,) is needed"),
        (BIAS, lambda x: x.fill_(float("nan")), "generator.local.bias has values that are not finite"),
        (BIAS, lambda x: x.to(torch.complex64), "generator.local.bias has values that are not finite, or"),
    ],
)
def test_weights_of_another_model_are_refused(folder, name, change, reason):
    path = folder / "model.safetensors"
    weights = load_file(path)
    if change is None:
        del weights[name]
    else:
        weights[name] = change(weights[name]) if callable(change) else change
    save_file(weights, path)
    assert refused(composegan.load, folder).startswith(f"{path}: is damaged or not weights of this model ({reason}")


def test_loading_executes_nothing(folder):
    """Not even a pickle under one of the names."""

    class Bomb:
        def __reduce__(self):
            return (folder / "exploded").mkdir, ()

    for name in ("model.safetensors", "config.json"):
        (folder / name).write_bytes(pickle.dumps(Bomb(), protocol=0))
        refused(composegan.load, folder)
    assert not (folder / "exploded").exists()


def test_save_keeps_the_old_model_when_the_disk_is_full(model, folder, full_disk):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    said = "model.safetensors: cannot be written .no space left on the disk."
    with full_disk(1000), pytest.raises(UserError, match=said):
        model_files.save(folder, model)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_generator_larger_than_its_weights_is_not_built(folder, monkeypatch):
    facts = json.loads((folder / "config.json").read_text())
    facts["generator"] |= {"local_channels": 4096, "coarse_channels": 4096}
    (folder / "config.json").write_text(json.dumps(facts))
    built = []

    def build(**settings):
        built.append(torch.empty(1).device.type)
        return Generator(**settings)

    monkeypatch.setattr(paper_family, "Generator", build)
    with pytest.raises(UserError, match=r"model.safetensors: .* is needed"):
        composegan.load(folder)
    assert built == ["meta"]


def test_a_sparse_weight_file_is_not_mapped(folder):
    os.truncate(folder / "model.safetensors", 2**40)
    with pytest.raises(UserError, match="model.safetensors: .*it has 1,099,512 MB, more than the limit of 17,180 MB"):
        composegan.load(folder)
