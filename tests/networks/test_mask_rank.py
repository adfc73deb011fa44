"""A low-rank mask: with E = K and U = I the paper's model to the last gradient; with less, a mask never built."""

import pytest
import torch

from composegan.losses.regularizers import mask_loss, path_length, r1_penalty
from composegan.networks.semantic_map import SemanticMap

from .small import small_discriminator, small_generator


@pytest.fixture
def pair():
    """A generator of the paper's form and one of full rank with the identity as its basis, of the same weights."""
    paper, ranked = small_generator(height=32, width=64), small_generator(height=32, width=64, mask_rank=4)
    ranked.load_state_dict({**paper.state_dict(), "renderer.basis": torch.eye(4)})
    return paper.double(), ranked.double()


def test_full_rank_mask_has_the_paper_outputs_and_gradients(pair):
    """Through the discriminator, where one projects the low-rank map and the other the full one."""
    w = torch.randn(2, 12, dtype=torch.float64)
    discriminator = small_discriminator(height=32, width=64).double()
    gradients, made_by = [], [generator(w) for generator in pair]
    torch.testing.assert_close(made_by[1].image, made_by[0].image)
    torch.testing.assert_close(made_by[1].mask.logits(), made_by[0].mask.logits())
    for generator, made in zip(pair, made_by, strict=True):
        loss = discriminator(made.image, made.mask).sum() + 10 * mask_loss(made.coarse, made.mask)
        loss.backward()
        gradients.append({name: p.grad for name, p in generator.named_parameters() if name != "renderer.basis"})
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.fixture
def low():
    generator = small_generator(height=32, width=64, mask_rank=2, recompute=True)
    return generator, small_discriminator(height=32, width=64)


def test_no_k_channel_tensor_at_full_size(low):
    generator, _ = low
    mask = generator(torch.randn(1, 12)).mask
    assert mask.refinement.shape == (1, 2, 32, 64)
    assert mask.coarse.shape == (1, 4, 16, 32)
    assert mask.logits().shape == (1, 4, 32, 64)


def test_low_rank_mask_trains(low):
    """Every weight of the generator, its basis too, has a gradient from score and mask loss."""
    generator, discriminator = low
    made = generator(torch.randn(2, 12))
    (discriminator(made.image, made.mask).sum() + mask_loss(made.coarse, made.mask)).backward()
    used = {name: p for name, p in generator.named_parameters() if not name.startswith("mapping")}
    for name, parameter in used.items():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_low_rank_mask_path_lengths(low):
    """A second derivative through image and recomputed bank."""
    generator, _ = low
    codes = generator.expand(torch.randn(2, 12)).requires_grad_()
    image = generator(codes).image
    path_length(image, codes, torch.tensor(0.0), torch.randn_like(image)).penalty.backward()
    assert generator.local.weight.grad.isfinite().all() and generator.local.weight.grad.any()


def test_r1_on_generated_low_rank_mask(low):
    """The penalty on a mask of any form equals that on the full logits."""
    generator, discriminator = (network.double() for network in low)
    with torch.no_grad():
        made = generator(torch.randn(2, 12, dtype=torch.float64))
    image = made.image.requires_grad_()
    penalties = []
    for mask in (made.mask, SemanticMap(4, refinement=made.mask.logits())):
        embedded = discriminator.embed(mask)
        scores = discriminator.judge(image, embedded)
        penalties.append(r1_penalty(scores, image, embedded, discriminator.mask_stem.metric()))
    torch.testing.assert_close(penalties[0], penalties[1])
