"""`composegan import`: a file of the release becomes a saved model, or a run whose training resumes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import composegan
from composegan.cli import main
from composegan.config.compose import load_config
from composegan.model import saved_model
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

from . import release_names as release

MODEL = {
    "latent_channels": 16, "mapping_layers": 2, "local_layers": 3, "base_layers": 1, "depth_layers": 2,
    "local_channels": 8, "coarse_channels": 8, "coarse_size": 8, "min_feat_size": 4, "channel_multiplier": 0.01,
}  # fmt: skip
SIZE = {"classes": 3, "height": 16, "width": 16}
SETTINGS = {**SIZE, **MODEL, "transparent": [2], "residual_refine": True}
TRAINING = [
    "training.batch=2", "training.images=16", "training.r1_every=2", "training.path_every=2", "training.r1_image=10",
    "training.r1_mask=1000", "training.learning_rate=0.002", "training.discriminator_learning_rate=0.003",
    "training.ema_half_life=10000", "training.ema_rampup=0",
]  # fmt: skip


QUIETLY = ["trainer.accelerator=cpu", "trainer.threads=1", "data.workers=0", "output.samples=2", "output.score_every=0"]


@pytest.fixture
def domain(shapes):
    """`domain=` of the three classes ground, ball and glass, the last one transparent."""
    return shapes[0]


@pytest.fixture
def checkpoint(tmp_path):
    """Write a file in the release's format with untrained networks: (changes...) -> its path."""
    torch.manual_seed(0)
    networks = (Generator(**SETTINGS), Generator(**SETTINGS), Discriminator(**SIZE, multiplier=0.01))

    def checkpoint(**changes):
        path = tmp_path / "release.pt"
        torch.save({**release.checkpoint(SETTINGS, *networks), **changes}, path)
        return path

    return checkpoint


@pytest.mark.parametrize("how", ["{}", "from={}", "file={}"])
def test_import_writes_a_saved_model(checkpoint, domain, tmp_path, capsys, how):
    path = checkpoint()
    assert main(["import", how.format(path), f"out={tmp_path / 'model'}", domain]) == 0
    out = capsys.readouterr().out
    assert out == (
        f"{path}: 16x16, 3 classes of domain 'shapes'\n"
        f"wrote {tmp_path / 'model'}; next: composegan sample model={tmp_path / 'model'}\n"
    )
    model = composegan.load(tmp_path / "model")
    assert (model.classes, model.domain) == (("ground", "ball", "glass"), "shapes")
    theirs = torch.load(path, weights_only=False)["g_ema"]
    assert torch.equal(model.generator.local.weight[1, 2], theirs["local_nets.2.linears.1.conv.weight"][0, :, :, 0, 0])
    assert torch.equal(model.mean_code, saved_model.mean_code(model.generator))
    assert json.loads((tmp_path / "model" / "config.json").read_text())["about"] == {"imported_from": "release.pt"}
    assert main(["sample", f"model={tmp_path / 'model'}", "n=2", f"out={tmp_path / 'pictures'}"]) == 0


def test_import_of_thirteen_classes_defaults_to_faces(tmp_path):
    settings = {**SETTINGS, "classes": 13, "transparent": [10, 12]}
    networks = (Generator(**settings), Generator(**settings), Discriminator(**{**SIZE, "classes": 13}, multiplier=0.01))
    torch.save(release.checkpoint(settings, *networks), tmp_path / "faces.pt")
    assert main(["import", str(tmp_path / "faces.pt"), f"out={tmp_path / 'm'}", f"run={tmp_path / 'run'}"]) == 0
    model = composegan.load(tmp_path / "m")
    assert model.domain == "faces" and model.classes[7] == "hair"
    assert load_config(tmp_path / "run" / "config.yaml").domain == "faces"
    assert composegan.load(tmp_path / "run").classes == model.classes


def test_import_reports_unsupported_training_options(checkpoint, domain, tmp_path, capsys):
    args = release.arguments(SETTINGS)
    args.detach_texture = True
    assert main(["import", str(checkpoint(args=args)), f"out={tmp_path / 'model'}", domain]) == 0
    assert "\nit was trained with detach_texture, which training does not support" in capsys.readouterr().out


def test_import_reports_bad_arguments_in_one_line(checkpoint, domain, tmp_path, error_line):
    path, out = checkpoint(), f"out={tmp_path / 'out'}"
    assert error_line("import", out) == "name one file, as in composegan import FILE.pt out=PATH"
    assert error_line("import", path, path, out).endswith("out=PATH; found 2 files")
    assert error_line("import", path).startswith("write out=PATH for a model to use, or run=PATH")
    assert error_line("import", path, out, "training.batch=2").startswith("training.* is for a run")
    assert error_line("import", path, out, "domian=faces").startswith("unknown key 'domian'; did you mean 'domain'?")
    assert "did you mean 'faces'" in error_line("import", path, out, "domain=face")
    assert error_line("import", tmp_path / "none.pt", out, domain) == f"{tmp_path / 'none.pt'}: does not exist"
    line = error_line("import", path, out)
    assert line == f"{path}: has 3 classes; say which, with domain=NAME or domain=FILE.yaml"
    assert error_line("import", path, out, "domain=faces") == f"{path}: has 3 classes, domain 'faces' has 13"
    assert error_line("import", path, f"run={tmp_path}", domain).startswith(
        f"run={tmp_path}: exists; give another folder"
    )
    assert not (tmp_path / "out").exists()


def test_import_refuses_a_run_it_cannot_train(checkpoint, domain, tmp_path, error_line):
    run = f"run={tmp_path / 'run'}"
    assert "has no 'd', a discriminator, so it cannot be" in error_line("import", checkpoint(d=None), run, domain)
    assert "training.batch=0: must be 1 to" in error_line("import", checkpoint(), run, domain, "training.batch=0")
    opaque = Path(domain.removeprefix("domain=")).read_text().replace(", transparent: true", "")
    (tmp_path / "opaque.yaml").write_text(opaque)
    line = error_line("import", checkpoint(), run, f"domain={tmp_path / 'opaque.yaml'}")
    assert "its transparent classes are glass; in domain 'opaque' they are none" in line
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def ours(fit_in, tmp_path_factory):
    """A run of ours after 16 images, of a model that the release can express. Read-only."""
    model = [f"model.{key}={value}" for key, value in MODEL.items()]
    model += ["model.max_channels=512", "model.discriminator_multiplier=0.01", "model.discriminator_max_channels=512"]
    others = ["data.flip=false", "training.augment=0", "training.mixing=0.3"]  # the defaults
    return fit_in(tmp_path_factory.mktemp("ours"), *model, *others, *TRAINING)


def exported(run, path):
    """Write a run of ours as a file of the release; returns our checkpoint."""
    state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    networks = (Generator(**SETTINGS), Generator(**SETTINGS), Discriminator(**SIZE, multiplier=0.01))
    for network, prefix in zip(networks, ("average", "generator", "discriminator"), strict=True):
        found = {k.removeprefix(f"{prefix}."): v for k, v in state["networks"].items() if k.startswith(f"{prefix}.")}
        network.load_state_dict(found)
    torch.save(release.checkpoint(SETTINGS, *networks, optimizers=state["optimizers"]), path)
    return state


def test_imported_run_takes_the_same_next_steps_bit_for_bit(ours, resume, shapes, domain, tmp_path, capsys):
    """The run is ours, written as a file of the release and imported again."""
    before = exported(ours, tmp_path / "release.pt")
    run = tmp_path / "taken" / "in"
    assert main(["import", str(tmp_path / "release.pt"), f"run={run}", domain, *TRAINING]) == 0
    assert "with Adam's moments of generator and discriminator; next: composegan fit run=" in capsys.readouterr().out
    found = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    for name, tensor in before["networks"].items():
        assert torch.equal(found["networks"][name], tensor) or name == "path_mean", name
    for taken, saved in zip(found["optimizers"], before["optimizers"], strict=True):
        assert taken["param_groups"] == saved["param_groups"]
        assert taken["state"].keys() == saved["state"].keys()
        for number, state in saved["state"].items():
            for part, value in state.items():
                assert torch.equal(taken["state"][number][part], value), (number, part)
    # Ours is a running mean after 4 steps from 0; the release stores none, so `import` measures it.
    mean, running = found["networks"]["path_mean"].item(), before["networks"]["path_mean"].item()
    assert mean == pytest.approx(running / (1 - 0.99**4), rel=0.3)

    # A file of the release does not say how many images were seen, which determines the draws.
    found["images_seen"], found["networks"]["path_mean"] = 16, before["networks"]["path_mean"]
    torch.save(found, run / "checkpoints" / "last.pt")
    ended = []
    for folder in (shutil.copytree(ours, tmp_path / "ours"), run):
        resume(folder, shapes[1], "training.images=24", *QUIETLY)
        ended.append(torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["networks"])
    for name, tensor in ended[0].items():
        assert torch.equal(ended[1][name], tensor), name
    assert not torch.equal(ended[0]["generator.local.weight"], before["networks"]["generator.local.weight"])


def test_import_without_moments_starts_adam_anew(checkpoint, domain, resume, shapes, tmp_path, capsys):
    path = checkpoint(g=None, g_optim=None)
    run = tmp_path / "run"
    assert main(["import", str(path), f"run={run}", domain, *TRAINING, "training.images=4"]) == 0
    assert "with Adam's moments of neither network" in capsys.readouterr().out
    found = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    assert torch.equal(found["networks"]["generator.local.weight"], found["networks"]["average.local.weight"])
    assert found["images_seen"] == 0 and [state["state"] for state in found["optimizers"]] == [{}, {}]
    resume(run, shapes[1], *QUIETLY)
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["000000.png", "000004.png"]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda adam: adam["state"].pop(3), "it has nothing for style.2.bias"),
        (lambda adam: adam["param_groups"][0]["params"].pop(), "it has 83 tensors, the weights are 84"),
        (
            lambda adam: adam["state"][0].update(exp_avg=torch.zeros(3)),
            "exp_avg of style.1.weight has another shape",
        ),
        (lambda adam: adam["state"][0].update(exp_avg_sq=[1]), "it is not Adam's (state[0].exp_avg_sq is [1];"),
        (lambda adam: adam.pop("param_groups"), "it is not Adam's (the content has no 'param_groups')"),
    ],
)
def test_adam_state_that_does_not_fit_is_left_out(ours, spoil, why, domain, tmp_path, capsys):
    path, run = tmp_path / "release.pt", tmp_path / "run"
    exported(ours, path)
    content = torch.load(path, weights_only=False)
    spoil(content["g_optim"])
    torch.save(content, path)
    assert main(["import", str(path), f"run={run}", domain, *TRAINING]) == 0
    out = capsys.readouterr().out
    assert f"g_optim is left out: {why}" in out and "with Adam's moments of discriminator; next" in out
    first, second = torch.load(run / "checkpoints" / "last.pt", weights_only=True)["optimizers"]
    assert first["state"] == {} and second["state"]
    shutil.rmtree(run)
