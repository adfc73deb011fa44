"""Training on the class sets of the data, and drawing from a model that was."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.config.compose import compose, load_config
from composegan.data import FolderSource
from composegan.editing.edit import edit_codes
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.random_codes import mean_codes
from composegan.training.class_sets import settle_class_sets

SETS = {(True, True, False): 3, (True, False, True): 2, (False, True, True): 1}


def write_pictures(root, wanted):
    """A folder of pictures in vertical stripes, one for each class."""
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    for number, classes in enumerate(wanted):
        labels = classes[(np.arange(16) * len(classes) // 16)].astype(np.uint8)[None].repeat(16, 0)
        Image.fromarray(labels).save(root / "labels" / f"{number}.png")
        Image.fromarray(labels[..., None] * np.array([90, 40, 10], np.uint8)).save(root / "images" / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six pictures of which none has all three classes."""
    wanted = [np.flatnonzero(there) for there, count in SETS.items() for _ in range(count)]
    return f"data.root={write_pictures(tmp_path_factory.mktemp('sets'), wanted)}"


@pytest.fixture(scope="module")
def run(fit_in, data, tmp_path_factory):
    return fit_in(tmp_path_factory.mktemp("runs"), data, "training.class_sets=data")


@pytest.fixture(scope="module")
def model(run):
    return composegan.load(run)


def sets_of(class_sets):
    return {tuple(row): count for row, count in zip(class_sets.sets.tolist(), class_sets.counts.tolist(), strict=True)}


def test_model_has_the_class_sets_of_its_data(model):
    assert sets_of(model.class_sets) == SETS


def test_resumed_run_is_the_same(run, fit, data, resume, assert_same_run):
    begun = fit(data, "training.class_sets=data", "training.images=10")
    assert_same_run(resume(begun, "training.images=24"), run, extended=True)


def test_resumed_run_keeps_its_class_sets_when_the_data_change(fit, data, resume, tmp_path):
    begun = fit(data, "training.class_sets=data", "training.images=4")
    other = write_pictures(tmp_path / "other", [np.array([0])])
    resume(begun, f"data.root={other}", "training.images=8")
    assert sets_of(composegan.load(begun).class_sets) == SETS


@pytest.fixture(scope="module")
def settled(shapes):
    """Class sets and presence that a run on a folder settles on, with arguments, and the lines that say so.

    optional: whether all classes are. Neither the domain nor its recipe says anything about class sets.
    """

    def settle(data, *arguments, optional=False):
        composed = compose([shapes[0], *arguments])
        classes = tuple(replace(item, optional=optional) for item in composed.plugin.spec.classes)
        spec = replace(composed.plugin.spec, classes=classes)
        config, lines = settle_class_sets(composed.config, spec, FolderSource(data, spec))
        return (config.training.class_sets, config.training.presence), lines

    return settle


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Two pictures with all three classes."""
    return write_pictures(tmp_path_factory.mktemp("complete"), [np.arange(3)] * 2)


def test_class_sets_are_switched_on_where_classes_are_absent(settled, data):
    found, (line,) = settled(data.removeprefix("data.root="))
    assert found == ("data", 1)
    assert line.startswith("training.class_sets=data training.presence=1: chosen for classes that are absent from pict")
    assert "ground from 17%, ball from 33%, glass from 50% of 6" in line and "training.class_sets=all" in line


def test_class_sets_are_switched_on_where_classes_are_optional(settled, complete):
    assert settled(complete) == (("all", 0), [])
    found, (line,) = settled(complete, optional=True)
    assert found == ("data", 1) and "optional classes (ground, ball, glass)" in line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["training.class_sets=all"], ("all", 0)),
        (["training.class_sets=data"], ("data", 0)),
        (["training.class_sets=data", "training.presence=0.3"], ("data", 0.3)),
        (["training.presence=0"], ("all", 0)),
        (["model.family=stylegan2"], ("all", 0)),
    ],
)
def test_class_sets_that_were_chosen_or_are_impossible_stay(settled, data, given, kept):
    assert settled(data.removeprefix("data.root="), *given, optional=True) == (kept, [])


@pytest.mark.parametrize(
    ("domain", "recipe"),
    [("faces", "paper256"), ("faces", "paper512"), ("cityscapes", "quick_paper")],
)
def test_recipes_without_class_sets_keep_all_classes(domain, recipe):
    training = compose([f"domain={domain}", f"recipe={recipe}"]).config.training
    assert (training.class_sets, training.presence) == ("all", 0)


def test_run_remembers_its_class_sets(fit, data):
    config = load_config(fit(data, "training.images=2") / "config.yaml")
    assert (config.training.class_sets, config.training.presence) == ("data", 1)


def test_class_sets_change_training(run, fit, data, state_of):
    weight = "generator.local.weight"
    without = fit(data, "training.class_sets=all")
    assert not torch.equal(state_of(without)["networks"][weight], state_of(run)["networks"][weight])


def test_random_codes_have_class_sets_of_the_data(model):
    codes = model.codes(60, seed=3)
    found = [tuple(row) for row in codes.present.tolist()]
    assert set(found) == set(SETS) and found.count((True, True, False)) > found.count((False, True, True))
    assert torch.equal(model.codes(1, seed=3, pictures=[7]).present, codes[7].present)


def test_absent_classes_are_not_in_masks(model):
    codes = model.codes(20)
    assert torch.equal((model.synthesize(codes).coarse > -1).any(dim=(2, 3)), codes.present)


def test_classes_can_be_added_and_removed(model):
    codes = model.codes(8)
    assert codes.having(add=["glass"]).present[:, 2].all() and not codes.present[:, 2].all()
    assert not codes.having(add=["ball", "ground"], remove=["glass"]).present[:, 2].any()
    with pytest.raises(UserError, match="would have no classes left"):
        codes.having(remove=["ground", "ball"])
    with pytest.raises(UserError, match="glass"):
        codes.having(add=["glas"])


def test_copied_class_is_present_if_its_shape_is_copied(model):
    two = Codes.of(model, torch.randn(1, 16), torch.tensor([[1, 1, 0]]))
    other = Codes.of(model, torch.randn(1, 16), torch.tensor([[0, 0, 1]]))
    both = two.blend(other, 1.0, two.slots_of(["glass"]))
    assert both.present.tolist() == [[True, True, True]]
    assert two.blend(other, 1.0, two.slots_of(["glass"], ["texture"])).present.tolist() == two.present.tolist()
    assert two.blend(other, 0.4, two.slots_of(["glass"])).present.tolist() == two.present.tolist()
    changed = two.clone()
    changed["glass"] = other["glass"]
    assert changed["glass"].present.all() and not two["glass"].present.any()
    assert torch.equal(edit_codes(model, two, Target(("glass",))).present, two.present)


def test_codes_keep_their_classes_in_a_file(model, tmp_path):
    codes = model.codes(5)
    codes.save(tmp_path / "codes.npz")
    assert torch.equal(Codes.load(tmp_path / "codes.npz", model).present, codes.present)
    with np.load(tmp_path / "codes.npz") as content:
        old = {name: content[name] for name in content.files if name != "present"}
        wrong = dict(content) | {"present": np.zeros((5, 3), bool)}
    np.savez(tmp_path / "old.npz", **old)  # of a version without class sets
    assert Codes.load(tmp_path / "old.npz", model).present.all()
    np.savez(tmp_path / "wrong.npz", **wrong)
    with pytest.raises(UserError, match="a picture has no classes"):
        Codes.load(tmp_path / "wrong.npz", model)


def test_mean_codes_have_the_classes_of_most_pictures(model):
    assert mean_codes(model).present.tolist() == [[True, True, True]]  # in 5, 4 and 3 of the 6 pictures


def test_sample_with_other_classes(run, tmp_path, error_line):
    assert main(["sample", f"run={run}", "n=6", "classes=+glass,-ball", f"out={tmp_path / 'a'}"]) == 0
    with np.load(tmp_path / "a" / "codes.npz") as content:
        assert content["present"][:, 2].all() and not content["present"][:, 1].any()
    assert "+hat,-eyeglass" in error_line("sample", f"run={run}", "classes=+glass,ball")


def test_edit_adds_and_removes(run, tmp_path, capsys):
    assert main(["edit", f"run={run}", "classes=glass", "method=add", f"out={tmp_path}", "n=3"]) == 0
    assert "outside glass" in capsys.readouterr().out
    with np.load(tmp_path / "after" / "codes.npz") as content:
        assert content["present"][:, 2].all()


def test_presence_loss(run, fit, data, figures_of):
    other = fit(data, "training.class_sets=data", "training.presence=1", "training.images=4")
    assert all(row["loss/presence"] for row in figures_of(other))
    assert "loss/presence" not in figures_of(run)[0]
    areas = composegan.load(other).class_sets.areas
    assert torch.allclose(areas, torch.tensor([0.5, 0.5, 0.5]))  # where it is, a class has half of the picture


def test_presence_loss_needs_class_sets(fit):
    with pytest.raises(UserError, match="needs training.class_sets=data"):
        fit("training.presence=1")
