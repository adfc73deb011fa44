"""Making a shipped model out of a run: which runs are refused, and what is written."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmarks import ship
from benchmarks.networks import SMALL
from benchmarks.ship_card import training_command
from composegan.api.evaluation import EvaluationResult
from composegan.config.compose import compose, load_config, write_config
from composegan.evaluation.evaluate import Report
from composegan.metrics.figure import Figure
from composegan.model import model_files
from composegan.model.saved_model import Model, mean_code
from composegan.networks.generator import Generator
from composegan.runs.new_run import describe_run
from composegan.shipped import CARD, CONFIG, WEIGHTS, read_model
from tests.helpers import refused

GIVEN = ["domain=faces", "data.height=32", "data.width=32", "training.images=64", "output.root=here"]


@pytest.fixture
def run(tmp_path):
    """A run of the drawn avatars, with a model of random weights."""
    composed, folder = compose(GIVEN), tmp_path / "run"
    describe_run(folder, composed)
    torch.manual_seed(0)
    settings = {"classes": 13, "height": 32, "width": 32, **SMALL}
    generator, spec = Generator(**settings).eval(), composed.plugin.spec
    model = Model(generator, settings, spec.name, spec.names, spec.colors, mean_code(generator, 100))
    model_files.save(folder / "model", model, {"images_seen": 64, "recipe": "quick"})
    return folder


@pytest.fixture
def evaluated(monkeypatch):
    """An evaluation that takes no time."""
    report = Report([Figure("FSD", 0.25, "lower", None, 4, 4)], {"face": {"presence_real": 1.0}})
    monkeypatch.setattr(ship, "evaluation", lambda *given: EvaluationResult(report, SHOWN, None))


SHOWN = {"n": 4, "model": "tiny", "seed": 0, "truncation": 1.0, "height": 32, "width": 32, "real_set": "demo",
         "real_images": 4, "real_resize": "none"}  # fmt: skip


def arguments(run, out, *more):
    return [f"run={run}", "name=tiny", "summary=tiny avatars", "machine=1 CPU core", f"out={out}", *more]


def test_ship_writes_half_precision_and_a_card(run, tmp_path, evaluated):
    out = tmp_path / "tiny"
    ship.main(arguments(run, out))
    assert {path.name for path in out.iterdir()} == {CONFIG, WEIGHTS, CARD}
    assert (out / WEIGHTS).stat().st_size < 0.6 * (run / "model" / WEIGHTS).stat().st_size
    facts = read_model(out)
    assert (facts.domain, facts.images_seen, facts.summary, facts.height) == ("faces", 64, "tiny avatars", 32)
    assert "composegan fit domain=faces data.height=32 data.width=32 training.images=64\n" in facts.card
    assert "| FSD | 0.25 |  | lower |" in facts.card and "CC BY 4.0" in facts.card and "{" not in facts.card
    assert f"{out}: exists" in refused(ship.main, arguments(run, out))
    ship.main(arguments(run, out, "overwrite=on", "half=off"))
    assert (out / WEIGHTS).stat().st_size == (run / "model" / WEIGHTS).stat().st_size
    assert "stored in single precision" in read_model(out).card


def test_ship_refuses_a_model_that_is_too_large(run, tmp_path, evaluated, monkeypatch):
    monkeypatch.setattr(ship, "LARGEST", 1000)
    assert "more than" in refused(ship.main, arguments(run, tmp_path / "tiny"))
    assert not (tmp_path / "tiny").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data.root": "photos"}, "was trained on data.root=photos"),
        ({"adapt.source": "runs/x"}, "is an adaptation of runs/x"),
        ({"domain": "./pets.yaml"}, "is not one of composegan's own"),
        ({"began": "data.root=photos"}, "was trained on data.root=photos"),
        ({"began": "weights.pt"}, "continues imported weights"),
        ({"began": "run=imported"}, "continues imported weights"),
    ],
)
def test_ship_refuses_runs_on_anything_but_drawings(run, change, said):
    config = load_config(run / "config.yaml")
    ship.check_drawn(run, config)
    for key, value in change.items():
        section, _, name = key.rpartition(".")
        if key == "began":
            (run / "overrides.txt").write_text(f"domain=faces\n{value}\n")
        elif section:
            config = replace(config, **{section: replace(getattr(config, section), **{name: value})})
        else:
            config = replace(config, **{name: value})
    assert said in refused(ship.check_drawn, run, config)


def test_ship_accepts_packed_drawings_only(run, tmp_path, monkeypatch):
    config = load_config(run / "config.yaml")
    config.data.root = str(tmp_path)
    monkeypatch.setattr(ship, "is_packed", lambda path: True)
    packed = SimpleNamespace(index=SimpleNamespace(source="demo, seed 0"))
    monkeypatch.setattr(ship, "PackedSource", lambda path: packed)
    ship.check_drawn(run, config)
    packed.index.source = "/photos"
    assert f"was trained on data.root={tmp_path}" in refused(ship.check_drawn, run, config)


@pytest.mark.parametrize(
    ("change", "said"),
    [("name=Tiny_1", "name=Tiny_1: must be"), ("machine=", "machine=: missing"), ("run=nowhere", "run=nowhere")],
)
def test_ship_refuses_settings(run, tmp_path, change, said):
    assert refused(ship.main, arguments(run, tmp_path / "tiny", change)).startswith(said)


def test_hours_are_those_of_the_speeds():
    rows = [{"images_seen": 3600.0, "images_per_second": 1.0}, {"images_seen": 3600.0, "score/FSD": 1.0},
            {"images_seen": 10_800.0, "images_per_second": 2.0}]  # fmt: skip
    assert ship.training_hours(rows) == 2
    assert ship.training_hours([]) is None


def test_command_leaves_out_the_machine(run):
    config = load_config(run / "config.yaml")
    config.training.images = 128  # resumed for longer
    write_config(run / "config.yaml", config)
    command = training_command(load_config(run / "config.yaml"), GIVEN)
    assert command == "composegan fit domain=faces data.height=32 data.width=32 training.images=128"
