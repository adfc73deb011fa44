"""The phases of `training.loss=modern`: which scores are compared, with what weights, and when."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import softplus

from composegan.config.schema import Config
from composegan.networks.generator import Synthesis
from composegan.networks.joint_discriminator import JointDiscriminator
from composegan.networks.modern_generator import ModernGenerator
from composegan.training import modern_recipe
from composegan.training.modern_recipe import LEAD, Settings, phases
from composegan.training.phases import Real, State

CONFIG = replace(
    Config().training, batch=4, augment=0.0, mask=7.0, presence=3.0, r1_every=5, r1_image=11.0, r1_mask=13.0
)
SETTINGS = Settings(r2=0.5, mismatch=0.25, locality=2.0, repaint=10.0, warmup=0, locality_every=8)
ONLY = torch.tensor([True, False, True])
"""The class set of each generated picture."""


@pytest.fixture
def state():
    """Tiny networks; pictures have the classes 0 and 2."""
    torch.manual_seed(0)
    generator = ModernGenerator(
        classes=3, height=16, width=16, latent_channels=8, mapping_layers=1, local_layers=2, base_layers=1,
        depth_layers=1, local_channels=4, coarse_channels=4, coarse_size=8, min_feat_size=4, max_channels=4,
    )  # fmt: skip
    discriminator = JointDiscriminator(classes=3, height=16, width=16, multiplier=0.01, max_channels=4)
    sets = SimpleNamespace(areas=torch.full((3,), 0.9), draw=lambda batch: ONLY.expand(batch, 3))
    return State(generator, discriminator, torch.zeros(()), class_sets=sets)


@pytest.fixture
def real():
    return Real(torch.randn(4, 3, 16, 16), torch.randint(0, 3, (4, 16, 16), dtype=torch.uint8))


def loss_of(name, state, real):
    (phase,) = (phase for phase in phases(CONFIG, SETTINGS) if phase.name == name)
    return phase.loss(state, real)


def scripted(state, *scores):
    """Replace the judge by one that gives these scores, one a call, to all pictures; returns the masks it is given."""
    masks, left = [], iter(scores)

    def judge(image, mask):
        masks.append(mask)
        return torch.full((len(image), 1), next(left))

    state.judge = judge
    return masks


def test_discriminator_prefers_real_pairs_to_fakes_and_to_other_masks(state, real):
    masks = scripted(state, 0.5, 2.0, 1.5)  # fake, real, mismatched
    loss, logs = loss_of("Dmain", state, real)
    torch.testing.assert_close(loss, softplus(torch.tensor(-1.5)) + 0.25 * softplus(torch.tensor(-0.5)))
    assert torch.equal(masks[1].label_image, real.labels)
    assert torch.equal(masks[2].label_image, real.labels[[3, 0]])  # half of the batch, each with another's mask
    assert logs["score/mismatch_noticed"] == 1 and logs["score/real"] == 2 and logs["score/fake"] == 0.5


def test_single_picture_is_not_compared_with_its_own_mask(state, real):
    scripted(state, 0.5, 2.0)  # fake, real
    loss, _ = loss_of("Dmain", state, Real(real.image[:1], real.labels[:1]))
    torch.testing.assert_close(loss, softplus(torch.tensor(-1.5)))


def test_generator_loss_adds_tie_and_presence(state, real):
    scripted(state, 0.5, 2.0)  # fake, real
    loss, logs = loss_of("Gmain", state, real)
    torch.testing.assert_close(logs["loss/generator"], softplus(torch.tensor(1.5)))
    assert logs["loss/mask"] > 0 and logs["loss/presence"] > 0
    torch.testing.assert_close(loss, logs["loss/generator"] + 7 * logs["loss/mask"] + 3 * logs["loss/presence"])


@pytest.mark.parametrize("share", [0.02, 1.0])
def test_presence_asks_for_the_typical_shape_whatever_the_usual_area(state, real, monkeypatch, share):
    """Both classes cover about half of each place: the mean of the fourth power is 0.06."""
    typical = torch.full((4, 3), share)
    monkeypatch.setattr(ModernGenerator, "typical", lambda *_: typical)
    scripted(state, 0.5, 2.0)  # fake, real
    _, logs = loss_of("Gmain", state, real)
    assert (logs["loss/presence"] > 0.5) == (share == 1.0)
    assert share == 1.0 or logs["loss/presence"] == 0


def test_penalties_are_weighted_by_kind_and_interval(state, real, monkeypatch):
    slopes, weights = iter((3.0, 8.0)), []

    def slope(judge, image, embedded, factor, of_kind):
        weights.append((torch.equal(image, real.image), of_kind))
        return torch.tensor(next(slopes))

    monkeypatch.setattr(modern_recipe, "slope", slope)
    loss, _ = loss_of("Dreg", state, real)
    assert loss == (3 + 0.5 * 8) / 2 * 5
    assert weights == [(True, (11.0, 13.0)), (False, (11.0, 13.0))]


def test_local_edit_changes_one_code_of_one_class_that_is_there(state, real, monkeypatch):
    drawn, noted = [], []
    forward = ModernGenerator.forward

    def spy(self, codes, *given, **named) -> Synthesis:
        drawn.append(codes)
        return forward(self, codes, *given, **named)

    def share(before, after, labels, labels_after, edited):
        noted.append(edited)
        return torch.tensor(0.5)

    monkeypatch.setattr(ModernGenerator, "forward", spy)
    monkeypatch.setattr(modern_recipe, "locality_loss", share)
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        loss, _ = loss_of("Glocal", state, real)
        assert loss == 2 * 0.5
        before, after = drawn[-1].chunk(2)
        picture, slot = (before != after).any(dim=2).nonzero(as_tuple=True)
        assert picture.tolist() == [0, 1]  # half of the batch, one code in each
        assert ((slot - 1) // 2).tolist() == noted[-1].tolist() and ONLY[noted[-1]].all()
        seen |= set(slot.tolist())
    assert seen == {1, 2, 5, 6}  # shape and texture of both classes


def test_repainting_compares_pictures_and_masks(state, real):
    loss, logs = loss_of("Gpaint", state, real)
    assert logs["loss/repaint"] > 0 and logs["loss/refine"] > 0
    torch.testing.assert_close(loss, 10 * (logs["loss/repaint"] + logs["loss/refine"]))


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"warmup": 400}, {"Gpaint": 0, "Dmain": 100 - LEAD, "Dreg": 100 - LEAD, "Gmain": 100, "Glocal": 100}),
        ({"warmup": 4}, {"Gpaint": 0, "Dmain": 0, "Dreg": 0, "Gmain": 1, "Glocal": 1}),
        ({"warmup": 400, "repaint": 0.0}, {"Dmain": 0, "Dreg": 0, "Gmain": 0, "Glocal": 0}),
        ({"warmup": 0, "locality": 0.0}, {"Gpaint": 0, "Dmain": 0, "Dreg": 0, "Gmain": 0}),
        ({"warmup": 0, "locality_every": 0}, {"Gpaint": 0, "Dmain": 0, "Dreg": 0, "Gmain": 0}),
    ],
)
def test_warmup_only_repaints(settings, first):
    assert {phase.name: phase.first for phase in phases(CONFIG, replace(SETTINGS, **settings))} == first


def test_repainting_is_due_in_each_step_of_the_warmup_and_then_every_nth():
    paint = phases(CONFIG, replace(SETTINGS, warmup=20, repaint_every=3))[0]
    assert [number for number in range(13) if paint.is_due(number)] == [0, 1, 2, 3, 4, 6, 9, 12]
