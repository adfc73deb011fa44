"""Adaptive augmentation: the statistic, the controller, and runs that use it."""

import csv

import pytest
import torch

from composegan.config.compose import load_config
from composegan.config.schema import Config
from composegan.networks.semantic_map import SemanticMap
from composegan.training.adaptive import MOST, RAMP, adapt, sureness
from composegan.training.augment import augment


def test_sureness_of_relativistic_scores_ignores_a_shift():
    real, fake = torch.tensor([[3.0], [1.0], [4.0], [0.5]]), torch.tensor([[-1.0], [0.0], [2.0], [-2.0]])
    assert sureness(real).item() == 1.0
    assert sureness(real, fake).item() == sureness(real - 50, fake - 50).item() == 0.5  # zero is 0.9375
    assert sureness(real.requires_grad_(), fake).grad_fn is None


@pytest.mark.parametrize("scores", [1.0, 0.5])
def test_sureness_matches_that_of_scores_with_a_zero(scores):
    """Two normal distributions around -d and d: the same r as for a loss whose scores are relative to 0."""
    torch.manual_seed(0)
    real, fake = torch.randn(20_000, 1) + scores, torch.randn(20_000, 1) - scores
    assert sureness(real + 7, fake + 7).item() == pytest.approx(sureness(real).item(), abs=0.01)


def test_probability_keeps_sureness_at_its_target():
    """A discriminator that is less sure the more its pictures are augmented: r = 1 - p."""
    probability, draws = torch.zeros(()), torch.Generator().manual_seed(0)
    for _ in range(4000):
        signs = (torch.rand(8, generator=draws) < 1 - probability / 2).float() * 2 - 1
        adapt(probability, signs.mean(), target=0.6, half_lives=0.01)
    assert probability.item() == pytest.approx(0.4, abs=0.08)


def test_probability_stays_in_its_range_and_rises_in_so_many_half_lives():
    probability = torch.zeros(())
    adapt(probability, torch.tensor(-1.0), 0.6, 0.5)
    assert probability.item() == 0
    adapt(probability, torch.tensor(1.0), 0.6, RAMP)
    assert probability.item() == pytest.approx(0.4)
    for _ in range(5):
        adapt(probability, torch.tensor(1.0), 0.6, RAMP)
    assert probability.item() == pytest.approx(MOST)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_tensor_augments_as_the_same_number(precision):
    torch.manual_seed(0)
    image, labels = torch.rand(6, 3, 16, 24).mul(2).sub(1).to(precision), torch.randint(0, 3, (6, 16, 24)).byte()
    found = []
    for probability in (0.5, torch.tensor(0.5)):
        torch.manual_seed(1)
        found.append(augment(image, SemanticMap.from_labels(labels, 3), probability))
    (one, first), (other, second) = found
    assert torch.equal(one, other) and torch.equal(first.label_image, second.label_image) and one.dtype == torch.float32
    same, still = augment(image, SemanticMap.from_labels(labels, 3), torch.tensor(0.0))
    torch.testing.assert_close(same, image.float(), atol=1e-4, rtol=0)
    assert torch.equal(still.label_image, labels)


def probabilities(run):
    with (run / "metrics.csv").open() as file:
        return [float(row["augment/probability"]) for row in csv.DictReader(file) if row.get("augment/probability")]


FAST = ("training.ema_half_life=4", "output.score_every=0", "output.samples_every=1000")
ADAPTIVE = (*FAST, "training.augment=adaptive", "training.augment_target=0")


def test_resumed_run_adapts_as_an_uninterrupted_one(fit, resume, state_of):
    whole, part = fit("training.images=8", *ADAPTIVE), fit("training.images=4", *ADAPTIVE)
    resume(part, "training.images=8")
    one, other = state_of(whole), state_of(part)
    assert one["networks"].keys() == other["networks"].keys()
    assert all(torch.equal(one["networks"][name], other["networks"][name]) for name in one["networks"])
    assert probabilities(whole) == probabilities(part) and max(probabilities(whole)) > 0
    assert one["networks"]["probability"].item() not in (0, MOST)


def test_resumed_run_switches_adaptive_augmentation_on_and_off(fit, resume, state_of, capsys, error_line):
    run = fit("training.images=2", *FAST, "training.augment=0")
    assert "probability" not in state_of(run)["networks"]
    error = error_line("fit", f"run={run}", "training.images=4", "training.augment_target=1.5")
    assert error == "training.augment_target=1.5: must be 0 to 1"
    resume(run, "training.images=6", "training.augment=adaptive", "training.augment_target=0")
    assert "training.augment: adaptive from here on, after 0.0" in capsys.readouterr().out
    assert load_config(run / "config.yaml").training.augment == "adaptive"
    assert "probability" in state_of(run)["networks"] and len(probabilities(run)) == 2
    resume(run, "training.images=8", "training.augment=0.3")
    assert "probability" not in state_of(run)["networks"] and len(probabilities(run)) == 2


def test_augment_is_refused_in_one_line(error_line, recipe):
    for value, wrong in (("2", "2.0"), ("-0.1", "-0.1"), ("much", "much"), ("", "")):
        error = error_line("fit", *recipe, f"training.augment={value}")
        assert error == f"training.augment={wrong}: must be a number, 0 to 1, or adaptive"


def test_number_is_what_it_was(recipe):
    assert Config().training.augment == 0.0
    from composegan.config.compose import compose

    assert compose([*recipe, "training.augment=0.5"]).config.training.augment == 0.5
