"""Photos to codes, on the tiny model: the photos are pictures of its own, so that there are codes for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from composegan.config.inversion import RECIPES, InversionConfig
from composegan.editing.invert import Inverted, invert, objective_of, search, spread
from composegan.editing.objective import mask_distance, mask_iou
from composegan.editing.tuning import drift, neighbours, ramp
from composegan.errors import UserError
from composegan.losses.perceptual import perceptual_distance
from composegan.networks.semantic_map import UNKNOWN


@pytest.fixture(scope="module")
def photos(model):
    """Two pictures of the model, with masks."""
    return model.sample(2, seed=1, truncation=1.0)


def quick(**changes):
    settings = {
        "steps": 40,
        "rate": 0.1,
        "mse": 10.0,
        "mask": 1.0,
        "prior": 0.0,
        "tune_steps": 0,
        "size": 32,
        "lpips": "off",
    }
    return InversionConfig(**{**settings, **changes})


@pytest.fixture(scope="module")
def found(model, photos) -> Inverted:
    return invert(model, photos.images, photos.labels, quick(tune_steps=20, tune_rate=3e-3), progress="")


def test_search_finds_codes_of_the_photos(model, photos, found):
    mean = model.sample(1, truncation=0).images.astype(float)
    before = (((mean - photos.images) / 127.5) ** 2).mean(axis=(1, 2, 3))
    for number, figures in enumerate(found.figures):
        assert figures["w+"]["mse"] < before[number] / 3
    assert len(found.codes) == len(found.deltas) == 2 and found.codes.space == model.space


def test_tuning_improves_photos_without_exact_codes(model, photos):
    others = 255 - photos.images
    for figures in invert(model, others, None, quick(steps=15, tune_steps=30, tune_rate=1e-2), progress="").figures:
        assert figures["tuned"]["mse"] < figures["w+"]["mse"] / 1.5
        assert figures["tuned"]["perceptual"] < figures["w+"]["perceptual"]


def test_the_figures_are_those_of_the_pictures_it_draws(photos, found):
    drawn = found.draw()
    for number, figures in enumerate(found.figures):
        difference = (drawn.images[number].astype(float) - photos.images[number]) / 127.5
        assert figures["tuned"]["mse"] == pytest.approx(float((difference**2).mean()), rel=1e-4)
        assert figures["tuned"]["mask_iou"] == mask_iou(drawn.labels[number], photos.labels[number])


def test_an_edit_is_drawn_by_the_weights_tuned_to_its_photo(model, found):
    codes = found.codes.clone()
    codes["ball"].texture = model.codes(2, seed=7)["ball"].texture
    edited = found.draw(codes)
    np.testing.assert_array_equal(edited.images[1], found.tuned(1).draw(codes[1]).images[0])
    assert not np.array_equal(edited.images, found.draw().images)


def test_inversion_leaves_the_model_unchanged(model, photos, found):
    np.testing.assert_array_equal(model.sample(2, seed=1, truncation=1.0).images, photos.images)
    assert not any(weight.requires_grad for weight in model.generator.parameters())


def test_a_photo_alone_gives_the_same_codes(model, photos, found):
    alone = invert(model, photos.images[1:], photos.labels[1:], quick(), progress="")
    torch.testing.assert_close(alone.codes.slots[0], found.codes.slots[1], atol=2e-2, rtol=0)
    assert alone.figures[0]["w+"]["mse"] == pytest.approx(found.figures[1]["w+"]["mse"], rel=0.05)
    assert "tuned" not in alone.figures[0] and not alone.deltas


def test_a_given_mask_improves_the_mask(model, photos):
    """The mask of another picture than the photo: only the mask can say what is wanted."""
    wanted = photos.labels[::-1].copy()
    blind, guided = (
        invert(model, photos.images, wanted, quick(mask=weight, perceptual=0.0, steps=30), progress="")
        for weight in (0.0, 5.0)
    )
    for without, with_mask in zip(blind.figures, guided.figures, strict=True):
        assert with_mask["w+"]["mask_iou"] > without["w+"]["mask_iou"]


def test_photos_with_and_without_a_mask_can_be_mixed(model, photos):
    masks = photos.labels.copy()
    masks[1] = UNKNOWN
    both = invert(model, photos.images, masks, quick(steps=2), progress="")
    assert ["mask_iou" in figures["w+"] for figures in both.figures] == [True, False]


def test_prior_pulls_codes_towards_the_mean(model, photos):
    how = quick(perceptual=0.0, mask=0.0, steps=20)
    distance = perceptual_distance("off", 32)
    away = []
    for prior in (0.0, 1.0, 100.0):
        how.prior = prior
        objective = objective_of(model, photos.images, None, distance, how.resolve(16))
        codes = search(model, objective)
        away.append(float(((codes.slots - model.mean_code) / spread(model)).square().mean()))
    assert away[0] > away[1] > away[2] and away[2] < 0.1 * away[0]


def test_keep_moves_other_pictures_less(model, photos):
    drifts = []
    for keep in (0.0, 3.0):
        how = quick(perceptual=0.0, steps=2, tune_steps=25, tune_rate=3e-3, keep=keep)
        tuned = invert(model, photos.images[:1], None, how, progress="").tuned(0)
        others = neighbours(model, model.codes(1).slots, torch.Generator().manual_seed(5))
        drifts.append(float(drift(model.generator, tuned.generator, others)))
    assert 0 < drifts[1] < drifts[0]


def test_tuning_changes_everything_but_the_mapping(model, found):
    changed = set(found.deltas[0].changes)
    assert not any(name.startswith("mapping.") for name in changed)
    assert {name.partition(".")[0] for name in changed} == {"local", "renderer"}


def test_mask_distance_weighs_small_classes():
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    labels[:, 0, 0] = 1
    right = torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float() * 2 - 1
    one_wrong, other_wrong = right.clone(), right.clone()
    one_wrong[:, :, 0, 0], other_wrong[:, :, 7, 7] = torch.tensor([1.0, -1, -1]), torch.tensor([-1.0, 1, -1])
    best, small, large = (float(mask_distance(x, labels)) for x in (right, one_wrong, other_wrong))
    assert best < large < small
    assert float(mask_distance(one_wrong, torch.full_like(labels, UNKNOWN))) == 0
    equal = torch.zeros(1, 3, 8, 8)
    assert float(mask_distance(equal, labels)) == pytest.approx(np.log(3), rel=1e-5)


def test_mask_iou():
    wanted = np.array([[0, 0], [1, 2]])
    assert mask_iou(wanted, wanted) == 1
    assert mask_iou(np.array([[0, 0], [1, 1]]), wanted) == pytest.approx((1 + 0.5 + 0) / 3)
    assert mask_iou(np.array([[3, 0], [1, 2]]), wanted) == pytest.approx((0.5 + 1 + 1) / 3)


def test_ramp_rises_and_falls():
    rates = [ramp(step / 100) for step in range(1, 101)]
    assert rates[1] == pytest.approx(0.4) and rates[4] == rates[74] == 1 and rates[-1] == pytest.approx(0)
    assert rates[:5] == sorted(rates[:5]) and rates[75:] == sorted(rates[75:], reverse=True)


def test_the_recipe_depends_on_size_and_settings_override_it():
    assert InversionConfig().resolve(512) == RECIPES["paper"] and InversionConfig().resolve(64) == RECIPES["small"]
    assert InversionConfig(recipe="paper").resolve(64) == RECIPES["paper"]
    assert InversionConfig(steps=7, tune_steps=0).resolve(512).steps == 7
    paper = RECIPES["paper"]
    assert (paper.steps, paper.rate, paper.mse, paper.prior, paper.tune_rate) == (400, 0.1, 0.1, 1.0, 1e-4)
    with pytest.raises(UserError, match="recipe=papper: did you mean 'paper'"):
        InversionConfig(recipe="papper").resolve(64)
    for wrong in ({"steps": 0}, {"size": 8}, {"mse": -1.0}, {"rate": float("nan")}):
        with pytest.raises(UserError, match=f"^{next(iter(wrong))}="):
            InversionConfig(**wrong).resolve(64)


def test_arrays_of_wrong_shape_or_type_are_refused(model, photos):
    for images, masks, reason in (
        (photos.images[0], None, "the model takes uint8 \\(N, 16, 16, 3\\)"),
        (photos.images.astype(float), None, "images are float64"),
        (photos.images, photos.labels[:1], "masks are \\(1, 16, 16\\)"),
        (photos.images, np.full_like(photos.labels, 7), "not classes \\(\\[7\\]\\) in 512 pixels"),
    ):
        with pytest.raises(UserError, match=reason):
            invert(model, images, masks, quick(), progress="")


@pytest.mark.parametrize(
    ("settings", "reason"), [({"rate": 1e37, "prior": 1.0}, "rate="), ({"tune_rate": 1e20}, "tune_rate=")]
)
def test_divergence_is_reported(model, photos, settings, reason):
    how = quick(**{"steps": 3, "tune_steps": 3, "perceptual": 0.0, **settings})
    with pytest.raises(UserError, match=f"^{reason}"):
        invert(model, photos.images[:1], None, how, progress="")
