"""Edits of every class, live and dead ones, on a generator whose edits can be computed by hand."""

from types import SimpleNamespace

import pytest
import torch

from composegan.evaluation import edits
from composegan.evaluation.class_edits import EditTable, edit_classes, with_codes_of
from composegan.evaluation.evaluate import Report, _by_class
from composegan.evaluation.floor import Floor
from composegan.evaluation.generated import Generated, random_w
from composegan.evaluation.liveness import liveness
from composegan.evaluation.verdict import verdict
from composegan.metrics.figure import Figure
from composegan.metrics.layout import LAYOUT
from composegan.networks.slots import SlotLayout
from tests.evaluation.painter import painted_model

SHARES = torch.full((6, 4), 0.25)


@pytest.fixture
def evaluation():
    """What the metrics read, of six pictures."""
    model = painted_model()
    floor = Floor(torch.full((4,), 0.2).double(), torch.full((4,), 0.01).double(), torch.ones(4).double(), 7)
    return SimpleNamespace(
        model=model, w=random_w(model, 6, 0, 1.0), seed=0, truncation=1.0, batch=4, present=None, skipped=[],
        columns={}, sheets={}, kept={"floor": floor}, real={LAYOUT.name: SHARES}, generated={LAYOUT.name: SHARES},
    )  # fmt: skip


def test_with_codes_of_replaces_one_class_per_picture():
    layout = SlotLayout(classes=3, local_layers=3, base_layers=1, depth_layers=2)
    w, others = torch.zeros(2, 5), torch.ones(2, 5)
    slots = with_codes_of(layout, w, others, torch.tensor([0, 2]))
    assert slots[0].any(dim=1).nonzero()[:, 0].tolist() == [1, 2]
    assert slots[1].any(dim=1).nonzero()[:, 0].tolist() == [5, 6]
    texture = with_codes_of(layout, w, others, 1, ["texture"])
    assert texture.any(dim=2).nonzero().tolist() == [[0, 4], [1, 4]]


def test_edits_of_a_known_generator(evaluation):
    found = edit_classes(evaluation.model, evaluation.w, SHARES, seed=0, truncation=1.0, batch=4)
    table = EditTable.of(found, 4)
    assert table.ownership.tolist() == pytest.approx([1, 1, 1, 0.1]) and table.pictures.tolist() == [6] * 4
    others = random_w(evaluation.model, 6, 1, 1.0)
    moved = (others - evaluation.w)[:, 0].abs().double().mean().item() * 127.5
    for part, gain in (("texture", 1), ("shape", 0.5)):
        values = table.measured[part]
        assert values["inside"].tolist() == pytest.approx(
            [gain * moved, gain * moved, 0, gain * moved * 3 / 4], rel=1e-4
        )
        assert values["leakage"][:2].tolist() == pytest.approx([1 / 5, 1 / 5])
        assert values["leakage_margin"][:2].tolist() == pytest.approx([1 / 5, 0])
        assert values["outside"][0].item() == pytest.approx(gain * moved / 12, rel=1e-4)
        assert values["leakage"][2].isnan()
    assert table.live("texture").tolist() == [True, True, False, False]
    assert table.live("shape").tolist() == [False, True, False, False]  # class 0 has no shape of its own


def test_dead_classes_are_listed_and_not_averaged(evaluation):
    figures = {figure.name: figure for figure in edits.live_classes.measure(evaluation)}
    assert figures["live_classes"].value == 0.5 and figures["ownership"].value == pytest.approx(3.1 / 4)
    figures = {figure.name: figure for figure in edits.metric.measure(evaluation)}
    texture = figures["edit_leakage_texture"]
    assert texture.value == pytest.approx(0.1)  # far 0.2 and near 0, which change equally
    assert (texture.halves, texture.half_images) == (pytest.approx(0.01), 7)
    assert figures["edit_leakage_shape"].value == pytest.approx(0)
    assert figures["edit_leakage_all_texture"].value == pytest.approx((0.2 + 0.2 + 0) / 3)  # the still class: unknown
    assert figures["edit_leakage_squared_texture"].value == pytest.approx(0.2)
    assert {f"{name}_{part}" for name, *_ in edits.FORMS.values() for part in ("texture", "shape")} <= set(figures)

    report = Report(list(figures.values()), _by_class(evaluation), evaluation.skipped)
    assert verdict(report) == (
        "2 of 4 classes can be edited: far, near; dead: still, unowned; "
        "10.0% (texture) and 0.0% (shape) of an edit's change fall outside its class (a perfect painter: 1.0%)"
    )


def test_figures_are_left_out_if_all_classes_are_dead(evaluation, monkeypatch):
    monkeypatch.setattr("composegan.evaluation.class_edits.OWNED", 2)
    names = [figure.name for figure in edits.metric.measure(evaluation)]
    assert names == ["edit_leakage_all_texture", "edit_leakage_all_shape"]
    assert evaluation.skipped[0] == "edit_leakage_texture is left out: the texture of no class is live"
    (live, _) = edits.live_classes.measure(evaluation)
    assert live.value == 0
    assert verdict(Report([], _by_class(evaluation))).startswith("no class can be edited; dead: far, near")


def test_liveness_while_training_equals_the_edits_of_both_parts(evaluation):
    model, w = evaluation.model, evaluation.w
    drawn = model.generator(w)
    generated = Generated(model.generator, w, None, drawn.image, drawn.mask.labels())
    ownership, inside = liveness(generated, 4)
    assert ownership.tolist() == pytest.approx([1, 1, 1, 0.1])
    moved = 1.5 * (w.roll(1, 0) - w)[:4, 0].abs().double().mean().item() * 127.5  # four pictures
    assert inside.tolist() == pytest.approx([moved, moved, 0, moved * 3 / 4], rel=1e-4)
    absent = Generated(
        model.generator, w, torch.tensor([[True, True, True, False]]).expand(6, -1), *(drawn.image, drawn.mask.labels())
    )
    assert [value[3].item() for value in liveness(absent, 4)] == [0, 0]


def test_verdict_names_parts_and_references():
    rows = {
        "sky": {"presence_real": 1.0, "ownership": 0.9, "live_texture": 1.0, "live_shape": 0.0},
        "car": {"presence_real": 0.5, "ownership": 0.9, "live_texture": 1.0, "live_shape": 0.0},
        "pole": {"presence_real": 0.5, "ownership": None, "live_texture": 0.0, "live_shape": 0.0},
        "boat": {"presence_real": 0.0, "ownership": None, "live_texture": 0.0, "live_shape": 0.0},
    }
    figures = [
        Figure("FD", 30.0, "lower", 20.0, 9, 9),
        Figure("mask_consistency", 0.5, "higher", 0.84, 9, 9, beside={"blurred": 0.66}),
    ]
    assert verdict(Report(figures, rows)) == (
        "2 of 3 classes can be edited: sky, car (texture only); never drawn: pole; "
        "masks fit their pictures by 0.50 (real ones 0.84, blurred 0.66); FD is 1.5 times that of two real halves"
    )
    assert verdict(Report()) == ""
