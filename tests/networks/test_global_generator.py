"""The generator without parts: sizes, gradients, codes, noise, precision, and a width that matches the paper's."""

import pytest
import torch

from composegan.losses.regularizers import mask_loss, path_length
from composegan.networks import paper_family, stylegan2_family
from composegan.networks.global_generator import GlobalGenerator
from composegan.planning.cost import parameters_of, saved_local

from .small import stirred


def small(**changes):
    settings = {
        "classes": 4, "height": 16, "width": 16, "latent_channels": 12, "mapping_layers": 2, "channel_multiplier": 0.02,
        "max_channels": 10, "coarse_size": 8, **changes,
    }  # fmt: skip
    return stirred(GlobalGenerator(**settings))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 32), (24, 16)])
def test_sizes(height, width):
    generator = small(height=height, width=width)
    made = generator(generator.map(torch.randn(2, 12)))
    assert made.image.shape == (2, 3, height, width) and made.mask.logits().shape == (2, 4, height, width)
    assert made.coarse.shape == made.depth.shape == (2, 4, height // 2, width // 2)


@pytest.mark.parametrize("mask_rank", [0, 2])
def test_gradients_reach_every_parameter_and_second_derivatives_exist(mask_rank):
    generator = small(mask_rank=mask_rank)
    codes = generator.expand(generator.map(torch.randn(2, 12)))
    made = generator(codes, noise="fresh")
    (made.image.square().mean() + made.mask.logits().square().mean()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    codes = codes.detach().requires_grad_()
    image = generator(codes).image
    path_length(image, codes, torch.zeros(()), torch.randn_like(image), 0.01, lambda x: x).penalty.backward()


def test_coarse_mask_is_the_mask_pooled_and_depth_its_lead():
    generator = small()
    made = generator(torch.randn(2, 12))
    assert mask_loss(made.coarse, made.mask) == 0
    assert (made.depth[:, 0] == 0).all()
    assert torch.equal(made.depth.argmax(dim=1), made.mask.pooled(8, 8).argmax(dim=1))


def test_each_code_changes_the_picture():
    generator = small()
    codes = generator.expand(torch.randn(1, 12)).clone()
    before = generator(codes).image
    for layer in range(generator.layout.slots):
        moved = codes.clone()
        moved[:, layer] += 1
        assert not torch.allclose(generator(moved).image, before), layer


def test_noise_and_truncation():
    generator = small()
    w, mean = torch.randn(1, 12).expand(2, 12), torch.randn(12)
    made = generator(w).image
    torch.testing.assert_close(made[0], made[1])
    fresh = generator(w, noise="fresh").image
    assert not torch.allclose(fresh[0], fresh[1])
    assert torch.equal(generator(w, truncation=0.7, mean_code=mean).image, generator(mean + 0.7 * (w - mean)).image)
    assert not any(name.startswith("noise_") for name in small(noise=False).state_dict())


def test_invalid_arguments_are_rejected():
    generator = small()
    w = torch.randn(1, 12)
    for wrong, words in (
        ({"noise": "none"}, "'stored' or 'fresh'"),
        ({"truncation": 0.7}, "needs mean_code"),
        ({"classes": torch.tensor([True, False, True, True])}, "draws all classes"),
    ):
        with pytest.raises(ValueError, match=words):
            generator(w, **wrong)
    generator(w, classes=torch.ones(1, 4, dtype=torch.bool))


def test_no_parameters_and_activations_are_counted_as_local():
    generator = small()
    assert parameters_of(generator.local) == saved_local(generator, 2) == 0


def test_under_bfloat16_autocast():
    generator = small()
    w = torch.randn(2, 12)
    exact = generator(w)
    with torch.autocast("cpu", torch.bfloat16):
        made = generator(w)
    assert (made.image.float() - exact.image).norm() < 0.1 * exact.image.norm()
    made.image.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in generator.parameters() if p.grad is not None)


def test_widest_layer_is_the_widest_with_at_most_so_many_parameters():
    settings = {"classes": 4, "height": 16, "width": 16, "latent_channels": 12, "mapping_layers": 2}
    count = stylegan2_family.parameters_of
    wide = stylegan2_family.widest(settings, 100_000)
    below, above = (count(stylegan2_family.generator, {**settings, "max_channels": wide + more}) for more in (0, 1))
    assert below <= 100_000 < above


def test_settings_of_the_paper_scale_are_matched_without_building_it():
    paper = {"classes": 13, "height": 256, "width": 256}
    wanted = stylegan2_family.parameters_of(paper_family.generator, paper)
    wide = stylegan2_family.widest(paper, wanted)
    found = stylegan2_family.parameters_of(stylegan2_family.generator, {**paper, "max_channels": wide})
    assert 0.99 < found / wanted <= 1
