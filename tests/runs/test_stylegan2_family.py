"""A run of a family without parts: trained, resumed, sampled, edited and evaluated; and the settings it refuses."""

import json

import numpy as np
import pytest
import torch

import composegan
from composegan.config.compose import compose
from composegan.errors import UserError
from composegan.evaluation import segmenter
from composegan.evaluation.generated import Generated
from composegan.evaluation.liveness import liveness
from composegan.model.codes import Codes

GLOBAL = "model.family=stylegan2"
PLAIN = ("output.score_every=0", "output.samples=2")


@pytest.fixture(scope="module")
def run(fit_in, tmp_path_factory):
    """A finished run of four steps. Read-only."""
    return fit_in(tmp_path_factory.mktemp("global"), GLOBAL, "training.images=8", *PLAIN)


@pytest.fixture(scope="module")
def model(run):
    return composegan.load(run)


def test_resumed_run_equals_an_uninterrupted_one(run, fit, resume, state_of):
    stopped = fit(GLOBAL, "training.images=4", *PLAIN)
    resume(stopped, "training.images=8")
    one, other = state_of(run)["networks"], state_of(stopped)["networks"]
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_saved_model_draws_the_averaged_generator(run, model):
    facts = json.loads((run / "model" / "config.json").read_text())
    assert facts["family"] == "stylegan2" and "group_of" not in facts["generator"]
    samples = model.sample(3)
    assert samples.images.shape == (3, 16, 16, 3) and samples.labels.max() < 3
    average = torch.load(run / "checkpoints" / "last.pt", weights_only=True)["networks"]
    for name, tensor in model.generator.state_dict().items():
        assert torch.equal(tensor, average[f"average.{name}"]), name


def test_codes_are_one_for_each_layer(model, tmp_path):
    codes = model.codes(2)
    assert codes.slots.shape == codes.base.shape == (2, model.generator.layout.slots, 16)
    codes.base = codes.base + 0.1
    loaded = Codes.load(codes.save(tmp_path / "codes.npz"), model)
    assert torch.equal(loaded.slots, codes.slots) and loaded.base_layers == codes.base_layers
    assert np.array_equal(model.draw(loaded).images, model.draw(codes).images)


def test_codes_of_a_class_do_not_exist(model):
    codes = model.codes(2)
    assert codes["ball"].present.all()
    for change in (
        lambda: codes["ball"].shape,
        lambda: setattr(codes["ball"], "texture", codes.slots[:, 0]),
        lambda: setattr(codes["ball"], "present", False),
        lambda: codes.having(remove=["ball"]),
        lambda: codes.blend(codes, 0.5, "ball"),
        lambda: model.edit(codes, "ball"),
        lambda: model.mix(codes, codes, "all"),
        lambda: model.components(codes[0]),
        lambda: model.draw(codes, classes=["ball"]),
    ):
        with pytest.raises(UserError, match="one code for each layer of the whole picture and none per class"):
            change()


def test_whole_picture_can_be_edited_mixed_and_moved(model):
    codes = model.codes(2)
    edit = model.edit(codes, "all", base=True)
    assert edit.changed.all() and edit.leakage is None
    assert len(model.mix(codes, codes, "all", base=True).mixed) == 4
    for method in ("pca", "sefa"):
        assert len(model.directions("all", base=True, method=method, count=1, measured_on=0)) == 1


def test_edit_of_a_class_is_one_line(run, error_line):
    line = error_line("edit", f"run={run}", "classes=ball")
    assert line == (
        "classes=ball: the model has one code for each layer of the whole picture and none per class; "
        "classes=all base=on changes the whole picture"
    )


def test_evaluation_leaves_edits_out(model, shapes, monkeypatch):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    domain, root = (text.partition("=")[2] for text in shapes)
    found = model.evaluate(root, "sliced_wasserstein,mask_consistency,live_classes,edit_leakage", domain=domain, n=4)
    assert {"sliced_wasserstein", "mask_consistency"} <= set(found)
    assert not any(name.startswith(("edit", "live", "ownership")) for name in found)
    assert [line for line in found.report.skipped if "edit_leakage are left out: the model has one code" in line]
    assert str(found)


def test_no_class_is_live_while_it_trains(model):
    images, labels = torch.zeros(2, 3, 16, 16), torch.zeros(2, 16, 16, dtype=torch.uint8)
    found = liveness(Generated(model.generator, model.codes(2).slots[:, 0], None, images, labels), 3)
    assert [values.tolist() for values in found] == [[0.0] * 3] * 2


def test_adaptation_needs_no_layout_to_keep(run, shapes, tmp_path, as_before):
    from composegan.runs.adapt import compose_adaptation
    from composegan.runs.fit import fit

    images = ["data.root=" + shapes[1].partition("=")[2] + "/images", f"output.root={tmp_path}", "training.images=2"]
    with pytest.raises(UserError, match="set adapt.freeze=none adapt.keep=0$"):
        compose_adaptation(run, images)
    with as_before():
        adapted = fit(compose_adaptation(run, [*images, *PLAIN, "freeze=none", "keep=0"]))
    assert composegan.load(adapted).space == composegan.load(run).space


def test_settings_about_classes_are_refused_together(recipe):
    with pytest.raises(UserError) as error:
        compose([*recipe, GLOBAL, "training.class_sets=data", "training.presence=1", "grouping=single"])
    assert str(error.value) == (
        "model.family=stylegan2: is one generator for the whole picture, to which grouping=single, "
        "training.class_sets=data, training.presence=1 do not apply; set grouping=per_class training.class_sets=all "
        "training.presence=0"
    )
    with pytest.raises(UserError, match="model.adapter_rank=2 does not apply; set model.adapter_rank=0$"):
        compose([*recipe, GLOBAL, "model.adapter_rank=2"])
