"""Every form of a mask answers what the full K-channel tensor would."""

import pytest
import torch
from torch.nn import functional as F

from composegan.networks.discriminator import MaskStem
from composegan.networks.resample import upsample_times
from composegan.networks.semantic_map import SemanticMap

from .small import stirred

CLASSES = 5


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def labelled(dtype=torch.uint8):
    return SemanticMap.from_labels(torch.randint(0, CLASSES, (2, 8, 16)).to(dtype), CLASSES)


def generated():
    """The paper's form: everything in the refinement."""
    return SemanticMap(CLASSES, refinement=normal(2, CLASSES, 8, 16))


def low_rank():
    """A refinement of 3 channels, and the coarse mask apart."""
    fine, coarse, basis = normal(2, 3, 8, 16), normal(2, CLASSES, 2, 4), normal(CLASSES, 3)
    return SemanticMap(CLASSES, refinement=fine, coarse=coarse, basis=basis)


def without_coarse():
    return SemanticMap(CLASSES, refinement=normal(2, 3, 8, 16), basis=normal(CLASSES, 3))


def dense(mask: SemanticMap) -> torch.Tensor:
    """The logits (B, K, H, W), written out."""
    if mask.label_image is not None:
        return torch.stack([(mask.label_image == k) * 2.0 - 1.0 for k in range(CLASSES)], dim=1).double()
    fine = mask.refinement
    if mask.basis is not None:
        fine = torch.einsum("ke,behw->bkhw", mask.basis, fine)
    return fine if mask.coarse is None else fine + upsample_times(mask.coarse, 2)


FORMS = [labelled, generated, low_rank, without_coarse]


@pytest.mark.parametrize("form", FORMS)
def test_semantic_map_logits(form):
    mask = form()
    torch.testing.assert_close(mask.logits().double(), dense(mask))


@pytest.mark.parametrize("form", FORMS)
def test_semantic_map_labels(form):
    mask = form()
    assert mask.labels().dtype == torch.uint8
    assert torch.equal(mask.labels(), dense(mask).argmax(dim=1).to(torch.uint8))


@pytest.mark.parametrize("form", FORMS)
def test_project_equals_1x1_convolution_of_logits(form):
    mask, weight, bias = form(), normal(6, CLASSES), normal(6)
    expected = F.conv2d(dense(mask), weight[..., None, None], bias)
    torch.testing.assert_close(mask.project(weight, bias), expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(2, 4), (4, 8), (1, 2), (8, 16)])
def test_semantic_map_pooled(form, size):
    """To the coarse mask's own size, where a low-rank map takes two small matrices, and to others."""
    mask = form()
    torch.testing.assert_close(mask.pooled(*size).double(), F.adaptive_avg_pool2d(dense(mask), size))


def test_semantic_map_accepts_any_integer_labels():
    labels = torch.randint(0, CLASSES, (2, 4, 4))
    wide, narrow = (SemanticMap.from_labels(labels.to(kind), CLASSES) for kind in (torch.int64, torch.uint8))
    assert torch.equal(wide.logits(), narrow.logits())
    weight, bias = torch.randn(6, CLASSES), torch.randn(6)
    assert torch.equal(wide.project(weight, bias), narrow.project(weight, bias))


def test_r1_metric_equals_gradient_at_real_mask():
    """R1's identity: with g the gradient behind the stem W, `|gradient at the mask|^2 = g^T (W W^T) g`."""
    stem = stirred(MaskStem(CLASSES, 6)).double()
    mask, head = labelled(), normal(6)

    def score(embedded):
        return (F.leaky_relu(embedded, 0.2).pow(3) * head[:, None, None]).sum()

    embedded = stem(mask)
    (g,) = torch.autograd.grad(score(embedded), embedded)
    found = torch.einsum("bchw,cd,bdhw->bhw", g, stem.metric(), g)

    logits = dense(mask).requires_grad_()
    (at_mask,) = torch.autograd.grad(score(stem(SemanticMap(CLASSES, refinement=logits))), logits)
    torch.testing.assert_close(found, at_mask.square().sum(dim=1))
