"""Augmentation of the discriminator's input, picture and mask together, for small data sets.

Real and generated pairs are augmented alike and differentiably, so that the augmentations do not leak into generated
pictures (Karras et al., arXiv 2006.06676; Zhao et al., arXiv 2006.10738). The warp is kornia's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.networks.precision import widened, without_autocast
from composegan.networks.semantic_map import SemanticMap

SHIFT, TURN, ZOOM, TINT = 1 / 8, 10.0, 0.2, 0.4
"""Maximal shift (fraction of the side), rotation (degrees), relative change of scale and of colour."""


def augment(
    image: Tensor, mask: SemanticMap | None, probability: float | str | Tensor
) -> tuple[Tensor, SemanticMap | None]:
    """Shift, rotate and scale picture and mask, and change the picture's colours, each with `probability` per sample.

    image: (B, 3, H, W) in -1..1; the edge is repeated outside the picture. mask: None: there is no mask.
    probability: a number, 0 for no change, or a tensor () on the picture's device, which the host never reads. With a
    tensor or a number above 0, computed and returned in float32, whatever the precision of training.
    Raises UserError for "adaptive", in a loss recipe without `composegan.training.phases.augmented`.
    """
    if isinstance(probability, str):
        raise UserError(f"training.augment={probability}: not possible with this training.loss; give a number, 0 to 1")
    if not isinstance(probability, Tensor) and probability == 0:
        return image, mask
    with without_autocast(image.device):  # in bfloat16, pictures of 256 pixels would move by up to 2
        return _augment(widened(image), mask, probability)


def _augment(image: Tensor, mask: SemanticMap | None, probability: float | Tensor) -> tuple[Tensor, SemanticMap | None]:
    from kornia.geometry.transform import get_affine_matrix2d

    batch, device = len(image), image.device

    def draw(most: float, *shape: int) -> Tensor:
        """Uniform in -most..most for chosen samples, else 0: (B, *shape)."""
        chosen = torch.rand(batch, *[1] * len(shape), device=device) < probability
        return torch.empty(batch, *shape, device=device).uniform_(-most, most) * chosen

    unit = get_affine_matrix2d(  # in coordinates -1..1, for maps of any size
        translations=2 * draw(SHIFT, 2),
        center=torch.zeros(batch, 2, device=device),
        scale=(draw(math.log1p(ZOOM), 1)).exp().expand(-1, 2),
        angle=draw(TURN),
    )  # (B, 3, 3)
    tint = [1 + draw(TINT) for _ in range(3)]
    image = _tint(_warp(image, unit, "bilinear"), *tint)
    if mask is None:
        return image, None
    if mask.label_image is not None:
        labels = _warp(mask.label_image[:, None].to(image.dtype), unit, "nearest")[:, 0]
        return image, SemanticMap.from_labels(labels.round().to(mask.label_image.dtype), mask.classes)
    assert mask.refinement is not None
    coarse = None if mask.coarse is None else _warp(widened(mask.coarse), unit, "bilinear")
    refinement = _warp(widened(mask.refinement), unit, "bilinear")
    return image, SemanticMap(mask.classes, refinement=refinement, coarse=coarse, basis=mask.basis)


def _warp(x: Tensor, unit: Tensor, mode: str) -> Tensor:
    """Warp x (B, C, H, W) by `unit` (B, 3, 3), in coordinates from -1 to 1 between the picture's edges."""
    from kornia.geometry.transform import warp_affine

    height, width = x.shape[2:]
    to_unit = torch.tensor(  # from pixels, with whole numbers at their centres
        [[2 / width, 0.0, 1 / width - 1], [0.0, 2 / height, 1 / height - 1], [0.0, 0.0, 1.0]], device=x.device
    )
    pixels = torch.linalg.inv(to_unit) @ unit @ to_unit  # (B, 3, 3)
    return warp_affine(x, pixels[:, :2], (height, width), mode=mode, padding_mode="border")


def _tint(image: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Change the colours of image (B, 3, H, W); factors (B,), 1 for no change."""
    image = image + (brightness - 1)[:, None, None, None]
    grey = image.mean(dim=1, keepdim=True)  # (B, 1, H, W)
    image = grey + (image - grey) * saturation[:, None, None, None]
    middle = image.mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    return middle + (image - middle) * contrast[:, None, None, None]
