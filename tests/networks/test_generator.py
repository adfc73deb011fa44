"""The generator from codes to picture: every latent form, rectangles, noise, truncation, classes, precision."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from composegan.losses.regularizers import mask_loss
from composegan.networks.generator import Generator

from . import plain
from .small import small_generator


def expected_synthesis(generator: Generator, w: torch.Tensor, opaque=(0, 1, 3)) -> tuple[torch.Tensor, ...]:
    """image, mask logits, coarse mask and depth, written plainly."""
    codes = generator.expand(w)
    features, m, depth = plain.local_stage(generator.local, codes, (0, 1, 2, 3), opaque)
    image, logits = plain.render(generator.renderer, features, 2 * m - 1, generator.renderer.start)
    return image, logits, 2 * m - 1, depth


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 128), (96, 32)])
def test_generator_matches_plain_implementation(height, width):
    generator = small_generator(height=height, width=width).double()
    w = generator.map(torch.randn(2, 12, dtype=torch.float64))
    made = generator(w)
    assert made.image.shape == (2, 3, height, width)
    grid = (16 * height // min(height, width), 16 * width // min(height, width))
    assert made.depth.shape == made.coarse.shape == (2, 4, *grid)
    found = (made.image, made.mask.logits(), made.coarse, made.depth)
    torch.testing.assert_close(found, expected_synthesis(generator, w))


def test_generator_accepts_every_latent_form():
    generator = small_generator()
    w = generator.map(torch.randn(2, 12))
    slots = w[:, None].expand(2, generator.layout.slots, 12)
    image = generator(w).image
    assert torch.equal(generator(slots).image, image)
    assert torch.equal(generator(generator.expand(w)).image, image)


def test_class_depends_on_its_own_codes_only():
    """The hidden map of the others stays; only the composition changes."""
    generator = small_generator()
    slots = torch.randn(1, generator.layout.slots, 12)
    moved = slots.clone()
    moved[:, generator.layout.shape_slot(1)] += 1
    before, after = generator(slots).depth, generator(moved).depth
    assert (before != after).flatten(2).any(dim=2).tolist() == [[False, True, False, False]]
    moved = slots.clone()
    moved[:, generator.layout.shape_slot(1) + 1] += 1  # texture comes after the depth head
    made = generator(moved)
    assert torch.equal(made.depth, before)
    assert not torch.allclose(made.image, generator(slots).image)


def test_truncation_moves_toward_mean_code():
    generator = small_generator()
    w, mean = generator.map(torch.randn(2, 12)), torch.randn(12)
    torch.testing.assert_close(
        generator(w, truncation=0.7, mean_code=mean).image, generator(mean + 0.7 * (w - mean)).image
    )
    assert torch.equal(generator(w, truncation=1.0, mean_code=mean).image, generator(w).image)


def test_stored_noise_is_constant_and_fresh_noise_varies():
    generator = small_generator()
    w = generator.map(torch.randn(1, 12)).expand(2, 12)
    one, other = generator(w).image, generator(w).image
    assert torch.equal(one, other)
    torch.testing.assert_close(one[0], one[1])
    fresh = generator(w, noise="fresh").image
    assert not torch.allclose(fresh, one)
    assert not torch.allclose(fresh[0], fresh[1])
    torch.manual_seed(7)
    again = generator(w, noise="fresh").image
    torch.manual_seed(7)
    assert torch.equal(generator(w, noise="fresh").image, again)


def test_absent_class_is_invisible_and_its_codes_have_no_effect():
    generator = small_generator()
    slots = torch.randn(2, generator.layout.slots, 12)
    present = torch.tensor([True, False, True, True])
    made = generator(slots, classes=present)
    assert (made.coarse[:, 1] == -1).all()
    torch.testing.assert_close((made.coarse + 1).sum(dim=1), torch.full((2, 16, 16), 2.0))
    slots[:, generator.layout.shape_slot(1) : generator.layout.shape_slot(1) + 2] = 5.0
    torch.testing.assert_close(generator(slots, classes=present).image, made.image)


def test_generator_rejects_invalid_arguments():
    generator = small_generator()
    w = torch.randn(1, 12)
    with pytest.raises(ValueError, match="noise='none'; expected 'stored' or 'fresh'"):
        generator(w, noise="none")
    with pytest.raises(ValueError, match="mean_code"):
        generator(w, truncation=0.7)
    with pytest.raises(ValueError, match="latent of shape"):
        generator(torch.randn(1, 3, 12))


@pytest.mark.parametrize("recompute", [False, True])
def test_under_bfloat16_autocast(recompute):
    """Near the float32 answer, and gradients that are finite and reach every weight."""
    generator = small_generator(recompute=recompute)
    w = generator.map(torch.randn(2, 12))
    with torch.no_grad():
        exact = generator(w)
    with torch.autocast("cpu", torch.bfloat16):
        made = generator(w)
        logits = made.mask.logits()
    for found, expected in ((made.image, exact.image), (logits, exact.mask.logits()), (made.coarse, exact.coarse)):
        assert (found.float() - expected).norm() < 0.1 * expected.norm()
    (made.image.float().square().mean() + logits.float().square().mean()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("settings", [{}, {"mask_rank": 2}, {"group_of": (0, 0, 1, 1)}, {"texture_threshold": 0.05}])
def test_positions_and_sums_are_float32_under_autocast(settings):
    """Codes, Fourier features, pseudo-depth and sums over resolutions keep more than eight bits."""
    generator, products = small_generator(**settings), []

    class Products(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function is torch.ops.aten.addmm.default and args[2].shape == generator.local.fourier.shape:
                products.append({x.dtype for x in args})
            return function(*args, **(kwargs or {}))

    z = torch.randn(2, 12)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), Products():
        w = generator.map(z)
        made = generator(w)
        tie = mask_loss(made.coarse, made.mask)
    assert torch.equal(w, generator.map(z))
    assert products == [{torch.float32}]
    kinds = {x.dtype for x in (made.image, made.coarse, made.depth, made.mask.refinement, tie)}
    assert kinds == {torch.float32}
    torch.testing.assert_close(tie, mask_loss(made.coarse, made.mask), rtol=1e-6, atol=0)
