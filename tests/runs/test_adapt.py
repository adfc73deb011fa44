"""Adaptation to images without masks: what learns, what stays frozen, and resuming."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from composegan import cli
from composegan.config.compose import load_config
from composegan.config.schema import OF_IMAGES, AdaptConfig, TrainingConfig
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.model_files import save
from composegan.model.saved_model import load
from composegan.runs.adapt import compose_adaptation, start_from_model
from composegan.runs.fit import fit as start
from composegan.runs.fit import resume
from composegan.runs.prepare import new_step
from composegan.training.image_phases import frozen_parts, image_phases, keeps_masks
from composegan.training.phases import Real, State
from tests.helpers import last

SHORT_RUN = [
    "training.images=8", "output.samples=2", "output.score_samples=4", "output.metrics=sliced_wasserstein",
    "trainer.accelerator=cpu",
]  # fmt: skip

SELDOM = ["output.score_every=0", "output.samples_every=1000", "output.checkpoint_every=1000"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Five images without masks, of several sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(5):
        draws = np.random.default_rng(100 + index)
        pixels = draws.integers(0, 256, (17 + index, 30, 3), dtype=np.uint8)
        (folder / str(index % 2)).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / str(index % 2) / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def adapt_in(pictures, as_before):
    """(folder, run or model, settings...) -> the run folder of an adaptation of four steps there."""

    def adapt_in(folder, source, *settings):
        given = [f"data.root={pictures}", *SHORT_RUN, f"output.root={folder}", *settings]
        with as_before():
            return start(compose_adaptation(source, given))

    return adapt_in


@pytest.fixture(scope="module")
def adapted(adapt_in, whole_run, tmp_path_factory):
    """Each way to freeze -> a run that adapts `whole_run` so. Only to be read."""
    home = tmp_path_factory.mktemp("adapted")
    return {freeze: adapt_in(home / freeze, whole_run, f"freeze={freeze}") for freeze in ("local", "none")}


def changed_parts(run, before, network):
    """The parts of a network in a run's checkpoint that are not, bit for bit, what they were in `before`."""
    state = last(run)["networks"]
    return {name.partition(".")[0] for name in before if not torch.equal(state[f"{network}.{name}"], before[name])}


@pytest.mark.parametrize(("how", "learns"), [("local", {"renderer"}), ("none", {"renderer", "local"})])
def test_frozen_parts_stay_bit_for_bit(adapted, whole_run, how, learns):
    before = load(whole_run).generator.state_dict()
    assert changed_parts(adapted[how], before, "generator") == learns
    assert changed_parts(adapted[how], before, "average") == learns
    after = load(adapted[how]).generator.state_dict()
    assert {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])} == learns


def test_only_the_discriminators_image_branch_learns(adapted, whole_run):
    parts = [(name.partition("."), tensor) for name, tensor in last(whole_run)["networks"].items()]
    before = {name: tensor for (network, _, name), tensor in parts if network == "discriminator"}
    learns = {"image_stem", "image_tower", "conv", "linear", "score"}
    assert changed_parts(adapted["local"], before, "discriminator") == learns


@pytest.mark.parametrize("how", ["local", "none"])
def test_codes_keep_their_meaning(adapted, whole_run, tmp_path, how):
    source, model = load(whole_run), load(adapted[how])
    assert model.space == source.space
    assert torch.equal(model.mean_code, source.mean_code)
    codes = source.codes(2, seed=4)
    assert torch.equal(Codes.load(codes.save(tmp_path / "codes.npz"), model).slots, codes.slots)
    one, other = source.synthesize(codes.slots), model.synthesize(codes.slots)
    assert not torch.equal(one.image, other.image)
    assert torch.equal(one.coarse, other.coarse) == (how == "local")  # the layout is the local generators'


def test_adaptation_is_a_run_like_any_other(adapted, whole_run, figures_of):
    run = adapted["none"]
    config = load_config(run / "config.yaml")
    assert config.adapt == AdaptConfig(source=str(whole_run), freeze="none")
    assert config.model == load_config(whole_run / "config.yaml").model
    assert config.recipe == "quick" and config.data.flip
    assert (config.training.batch, config.training.images) == (2, 8)
    assert (run / "overrides.txt").read_text().splitlines()[-1] == "freeze=none"
    about = json.loads((run / "model" / "config.json").read_text())["about"]
    assert about == {"images_seen": 8, "recipe": "quick", "adapted_from": str(whole_run)}
    assert sorted(path.stem for path in (run / "samples").iterdir()) == [f"{n:06d}" for n in (0, 2, 4, 6, 8)]
    row = figures_of(run)[-1]
    assert row["score/sliced_wasserstein"] and row["loss/keep"] and row["r1/image"] and "r1/mask" not in row


def test_first_pictures_are_the_sources(adapted, whole_run):
    before, after = (
        Image.open(run / "samples" / f"{seen:06d}.png") for run, seen in ((whole_run, 24), (adapted["none"], 0))
    )
    assert np.array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("freeze", [pytest.param("local", marks=pytest.mark.slow), "none"])
def test_adaptation_resumes_without_its_source(
    adapted, adapt_in, as_before, whole_run, tmp_path, assert_same_run, freeze
):
    source = tmp_path / "source"
    shutil.copytree(whole_run, source)
    run = adapt_in(tmp_path, source, f"freeze={freeze}", "training.images=4", "training.augment=0.5")
    shutil.rmtree(source)
    with as_before():
        assert_same_run(resume(run, ["training.images=8"]), adapted[freeze], extended=True)


def test_kill_before_the_first_checkpoint_starts_from_the_source_again(
    adapted, adapt_in, as_before, whole_run, tmp_path, assert_same_run, capsys
):
    run = adapt_in(tmp_path, whole_run, "training.images=2")
    shutil.rmtree(run / "checkpoints")
    capsys.readouterr()
    with as_before():
        assert_same_run(resume(run, ["training.images=8"]), adapted["local"], extended=True)
    assert (
        f"adapting {whole_run}: the discriminator starts from the run's; frozen: mapping and local generators\n"
        in capsys.readouterr().out
    )


def test_adaptation_of_a_saved_model(adapt_in, whole_run, tmp_path, shapes, capsys):
    """It has neither settings of training nor a discriminator: the recipe's, if it names one, and a new one."""
    save(tmp_path / "model", load(whole_run), {"recipe": ""})
    with pytest.raises(UserError, match="no domain 'shapes' is installed"):
        compose_adaptation(tmp_path / "model", [])
    batch = "training.batch=4"
    run = adapt_in(tmp_path, tmp_path / "model", shapes[0], batch, "data.workers=0")
    assert f"adapting {tmp_path / 'model'}: the discriminator starts untrained; " in capsys.readouterr().out
    config = load_config(run / "config.yaml")
    assert (config.recipe, config.training.learning_rate) == ("", TrainingConfig.learning_rate)
    assert config.model.discriminator_max_channels == config.model.max_channels == 8
    assert load(run).space == load(whole_run).space
    save(tmp_path / "model", load(whole_run), {"recipe": "quick"})
    composed = compose_adaptation(tmp_path / "model", [shapes[0], "data.root=."])
    assert composed.config.training.learning_rate == 0.004
    assert composed.config.training.images == 2_000 * composed.config.training.batch
    assert composed.config.model.discriminator_max_channels == 96


def test_adaptation_of_an_adaptation(adapted, adapt_in, tmp_path, whole_run):
    run = adapt_in(tmp_path, adapted["none"], "freeze=local")
    assert load_config(run / "config.yaml").adapt.source == str(adapted["none"])
    assert changed_parts(run, load(adapted["none"]).generator.state_dict(), "average") == {"renderer"}


def test_adaptation_keeps_the_groups_of_a_saved_model(fit, tmp_path, shapes):
    with_groups = fit("grouping=[[ground],[ball,glass]]", "training.images=2", "output.score_every=0")
    save(tmp_path / "model", load(with_groups))
    composed = compose_adaptation(tmp_path / "model", [shapes[0], "data.root=."])
    assert composed.config.grouping == [["ground"], ["ball", "glass"]]
    assert composed.config.output.metrics == OF_IMAGES  # the images have no masks to compare with


def make_step(run, **adapt):
    """An adaptation of a run's model, ready to train, and the state of its phases."""
    composed = compose_adaptation(run, ["data.root=."])
    composed.config.adapt = replace(composed.config.adapt, **adapt)
    step = new_step(composed, torch.device("cpu"))
    start_from_model(step, run)
    for part in step.frozen:
        getattr(step.generator, part).requires_grad_(False)
    return step, State(step.generator, step.discriminator, step.path_mean, source=step.source)


@pytest.mark.parametrize("freeze", ["local", "none"])
def test_phases_do_not_use_labels(whole_run, freeze):
    step, state = make_step(whole_run, freeze=freeze)
    real = Real(torch.rand(4, 3, 16, 16) * 2 - 1, None)
    names = []
    for phase in image_phases(replace(step.config.training, path_every=4), keep=1.0):
        loss, _ = phase.loss(state, real)
        loss.backward()
        assert loss.isfinite() and loss.item() != 0
        names.append(phase.name)
    assert names == ["Dmain", "Dreg", "Gmain", "Greg"]
    assert all(weight.grad is None for weight in step.discriminator.mask_tower.parameters())


def test_frozen_parts_cost_no_gradient(whole_run):
    """What is frozen is not even differentiated, so that an adaptation of the render net alone is cheaper."""
    generator = make_step(whole_run)[0].generator
    codes = generator.map(torch.randn(2, 16))
    assert not generator.local(generator.expand(codes))[0].requires_grad
    assert generator(codes).image.requires_grad


def test_keep_loss_holds_masks_to_the_sources(whole_run):
    step, state = make_step(whole_run, freeze="none")
    training = replace(step.config.training, augment=0.0)
    (generator_main,) = (phase for phase in image_phases(training, 7.0) if phase.name == "Gmain")

    def loss():
        torch.manual_seed(0)
        return generator_main.loss(state, Real(torch.zeros(4, 3, 16, 16), None))

    assert loss()[1]["loss/keep"] == 0
    with torch.no_grad():
        step.generator.local.depth_bias += 1.0
    total, logs = loss()
    assert logs["loss/keep"] > 0
    rest = logs["loss/generator"] + training.mask * logs["loss/mask"]
    torch.testing.assert_close(total, rest + 7 * logs["loss/keep"])
    total.backward()
    assert step.generator.local.depth_bias.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in step.source.parameters())


def test_discriminator_of_another_width_is_refused(whole_run):
    step, _ = make_step(whole_run)
    step.discriminator = torch.nn.Linear(1, 1)
    with pytest.raises(UserError, match=f"{whole_run}: belongs to another model"):
        start_from_model(step, whole_run)


def test_frozen_parts_and_keep_loss_by_settings():
    source = AdaptConfig(source="somewhere")
    assert frozen_parts(AdaptConfig()) == () and not keeps_masks(replace(AdaptConfig(), freeze="none"))
    assert frozen_parts(source) == ("mapping", "local") and not keeps_masks(source)
    assert frozen_parts(replace(source, freeze="none")) == ("mapping",) and keeps_masks(replace(source, freeze="none"))
    assert not keeps_masks(replace(source, freeze="none", keep=0.0))


def test_adaptation_moves_colours_towards_the_images(adapt_in, whole_run, tmp_path):
    """Blue ones: after eighty steps what was drawn in all colours is bluer, on the same masks."""
    (tmp_path / "blue").mkdir()
    for index in range(8):
        noise = np.random.default_rng(index).integers(0, 60, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise + np.array([0, 0, 190], np.uint8)).save(tmp_path / "blue" / f"{index}.png")
    given = [f"data.root={tmp_path / 'blue'}", "training.images=320", "training.augment=0", *SELDOM]
    before, after = load(whole_run), load(adapt_in(tmp_path, whole_run, *given, "training.batch=4"))
    codes = before.codes(16)
    first, last = (model.draw(codes).images.astype(float).mean((0, 1, 2)) for model in (before, after))
    assert last[2] - last[:2].max() > first[2] - first[:2].min() + 40
    kept = before.synthesize(codes.slots).coarse, after.synthesize(codes.slots).coarse
    assert torch.equal(*kept)


def test_adapt_verb(whole_run, pictures, tmp_path, capsys, as_before):
    given = ["adapt", f"run={whole_run}", f"data.root={pictures}", f"output.root={tmp_path}", *SHORT_RUN]
    with as_before():
        assert cli.main([*given, "freeze=none"]) == 0
    assert (
        f"adapting {whole_run}: the discriminator starts from the run's; frozen: mapping\n" in capsys.readouterr().out
    )
    (run,) = (tmp_path / "shapes").iterdir()
    with as_before():
        assert cli.main(["fit", f"run={run}", "training.images=10"]) == 0
    assert last(run)["images_seen"] == 10


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("{run}", "adapt to which images? write data.root=FOLDER"),
        ("{run} data.root=empty", "{here}/empty: is empty; data.root is a folder of images"),
        ("{run} data.root=nowhere", "{here}/nowhere: does not exist"),
        ("{run} data.demo=x", "domain 'shapes' has no demo data"),
        ("{run} {root} data.demo=x", "give {root} or data.demo=x, not both"),
        ("{run} {root} freeze=locals", "freeze=locals: did you mean 'local'?"),
        ("{run} {root} keep=-1", "keep=-1.0: must be 0 "),
        ("{run} {root} froze=local", "unknown key 'froze'; did you mean 'freeze'?"),
        ("{run} {root} model.noise=off", "model has no 'model.noise'; it is a value"),
        ("{run} {root} model=b", "give run= or model=, not both"),
        ("{root} run=empty", "run=empty: is not a run (it has no config.yaml); a run is a folder such as runs/faces/"),
        ("{root} model=empty", "empty: is not a saved model"),
        ("{run} {root} domain=faces", "{source}: the model's classes (ground, ball, glass"),
        ("{run} {root} data.height=32", "{source}: the model has height=16, which cannot be changed to 32"),
        ("{run} {root} delta=tuned", "delta=tuned: "),
    ],
)
def test_mistakes(whole_run, pictures, tmp_path, error_line, monkeypatch, arguments, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    names = {"source": whole_run, "run": f"run={whole_run}", "root": f"data.root={pictures}", "here": tmp_path}
    assert error_line("adapt", *arguments.format(**names).split()).startswith(line.format(**names))
    assert not (tmp_path / "runs").exists()


def test_a_picture_that_cannot_be_read(whole_run, pictures, tmp_path, capsys, error_line, as_before):
    folder = shutil.copytree(pictures, tmp_path / "pictures")
    (folder / "broken.png").write_bytes(b"no image")
    given = ["adapt", f"run={whole_run}", f"data.root={folder}", f"output.root={tmp_path}", *SHORT_RUN]
    with as_before():
        line = error_line(*given, "training.images=12")
        assert line.startswith(f"{folder / 'broken.png'}: is not an image that can be read; ")
        assert cli.main([*given, "training.images=12", "data.on_error=skip"]) == 0
    assert "skipped 1 images that could not be read" in capsys.readouterr().out


def test_the_help_lists_every_setting(capsys):
    assert cli.main(["adapt", "--help"]) == 0
    out = capsys.readouterr().out
    for key in ("run=", "model=", "freeze=local", "keep=", "data.demo=", "data.on_error=stop", "training.augment="):
        assert f"\n  {key}" in out
