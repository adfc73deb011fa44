"""A generator whose edits can be computed by hand."""

import torch
from torch import nn

from composegan.model.saved_model import Model
from composegan.networks.generator import Synthesis
from composegan.networks.semantic_map import SemanticMap
from composegan.networks.slots import SlotLayout


class Painter(nn.Module):
    """16 x 16 pixels in four stripes of 4 columns, one per class, each of one gray.

    The gray is the first number of the class's texture code plus half of its shape code's. Class 0 also draws the last
    column (far away), class 1 the first column of class 2 (next to it), and class 2 has no codes: its gray is 0. The
    composition gives class 3 a tenth of the weight in its stripe, and class 2 the rest.
    """

    def __init__(self):
        super().__init__()
        self.layout = SlotLayout(classes=4, local_layers=3, base_layers=1, depth_layers=2)
        self.classes, self.height, self.width, self.latent_channels = 4, 16, 16, 2
        self.mapping = nn.Identity()

    def map(self, z):
        return z.clamp(-1, 1) * 0.4

    def forward(self, codes, truncation=1.0, mean_code=None, classes=None):
        slots = codes[:, None].expand(-1, self.layout.slots, -1) if codes.dim() == 2 else codes
        values = slots[:, 1:, 0].unflatten(1, (4, 2))  # (B, K, 2), shape and texture
        gray = (values[..., 1] + 0.5 * values[..., 0]) * torch.tensor([1.0, 1, 0, 1])  # (B, K)
        drawn = torch.arange(4).repeat_interleave(4)
        drawn[8], drawn[15] = 1, 0
        image = gray[:, drawn][:, None, None].expand(-1, 3, 16, -1)
        labels = torch.arange(4).repeat_interleave(4).expand(len(codes), 16, -1).to(torch.uint8)
        m = torch.eye(4)
        m[2, 3], m[3, 3] = 0.9, 0.1
        coarse = 2 * m[None, :, None].expand(len(codes), -1, 4, -1) - 1
        return Synthesis(image, SemanticMap.from_labels(labels, 4), coarse, torch.zeros_like(coarse))


def painted_model():
    """A model of four classes, named after what is wrong with them."""
    names = ("far", "near", "still", "unowned")
    return Model(Painter(), {}, "stripes", names, ((0, 0, 0),) * 4, torch.zeros(2))
