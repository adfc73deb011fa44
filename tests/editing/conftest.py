"""A trained model, and one whose pictures can be computed by hand."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import composegan
from composegan.model.saved_model import Model
from composegan.networks.class_sets import ClassSets
from composegan.networks.slots import SlotLayout

CHANNELS = 8


class Squares(torch.nn.Module):
    """Two classes on 16 x 16: a `ball` that fills the left columns as far as its shape code says, on `ground`.

    The ball's red is one linear function of its texture code, its reach one of its shape code; the ground's green is
    one of the ground's texture code; w = z. Base codes and the ground's shape do nothing. A third class, if there is
    one, is never drawn.
    """

    candidates = 1

    def __init__(self, classes=2):
        super().__init__()
        self.classes, self.height, self.width, self.latent_channels = classes, 16, 16, CHANNELS
        self.layout = SlotLayout(classes, local_layers=3, base_layers=1, depth_layers=2)
        self.stays = False  # whether the ball is drawn without its codes as well
        draws = torch.Generator().manual_seed(1)
        reach, red, green = torch.nn.functional.normalize(torch.randn(3, CHANNELS, generator=draws))
        self.reach, self.red, self.green = reach, red, green
        self.mapping = torch.nn.Identity()
        self.own, self.leak = 1.0, 0.0  # how much of the ball's red the ball and the ground take on

    def map(self, z):
        return z

    def forward(self, slots, truncation=1.0, mean_code=None, classes=None):
        if slots.dim() == 2:
            slots = slots[:, None].expand(-1, self.layout.slots, -1)
        columns = torch.arange(16) + 0.5
        inside = columns < (8 + 3 * slots[:, 3] @ self.reach)[:, None]  # (N, 16)
        if classes is not None and not self.stays:
            inside = inside & classes[:, 1:2]
        labels = inside[:, None].expand(-1, 16, -1).to(torch.uint8)  # (N, 16, 16)
        red = (0.2 * slots[:, 4] @ self.red)[:, None, None].expand(-1, 16, 16)
        green = (0.2 * slots[:, 2] @ self.green)[:, None, None].expand(-1, 16, 16)
        ball = torch.stack((self.own * red, 0 * red, 0 * red), dim=1)
        ground = torch.stack((self.leak * red, green, 0 * red), dim=1)
        image = torch.where(labels[:, None] == 1, ball, ground)
        return SimpleNamespace(image=image, mask=SimpleNamespace(labels=lambda: labels))


@pytest.fixture
def squares():
    colors = ((10, 10, 10), (200, 40, 40))
    return Model(Squares(), {}, "squares", ("ground", "ball"), colors, torch.zeros(CHANNELS))


@pytest.fixture
def ghost(monkeypatch):
    """The same with a class `ghost` that is never drawn, which is the model of every verb, and its class sets are
    {ground, ball}, {ground, ball, ghost} and {ground}."""
    colors = ((10, 10, 10), (200, 40, 40), (40, 40, 200))
    sets = ClassSets(torch.tensor([[1, 1, 0], [1, 1, 1], [1, 0, 0]]), torch.ones(3))
    model = composegan.Model(
        Squares(3), {}, "squares", ("ground", "ball", "ghost"), colors, torch.zeros(CHANNELS), class_sets=sets
    )
    monkeypatch.setattr("composegan.model.saved_model.load", lambda path, device: model)
    return model


@pytest.fixture(scope="session")
def model(whole_run):
    """Classes ground, ball and glass. Read only."""
    return composegan.load(whole_run)


@pytest.fixture(scope="session")
def adapted(model):
    """A model with the same latent space and other weights, as after `composegan adapt`."""
    other = replace(model, generator=copy.deepcopy(model.generator))
    for tensor in other.generator.renderer.parameters():
        tensor.data.mul_(0.9)
    return other
