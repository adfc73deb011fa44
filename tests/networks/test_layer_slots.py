"""One latent slot for each layer of a picture."""

import pytest
import torch

from composegan.networks.layer_slots import LayerLayout

LAYOUT = LayerLayout(classes=3, layers=4)


def test_expand_of_every_latent_form():
    w, codes = torch.randn(2, 6), torch.randn(2, 4, 6)
    assert torch.equal(LAYOUT.expand(w), w[:, None].expand(2, 4, 6))
    assert LAYOUT.expand(codes) is codes
    with pytest.raises(ValueError, match=r"\(B, S\) or \(B, 4, S\)"):
        LAYOUT.expand(torch.randn(2, 3, 6))


def test_drawn_choice_is_a_crossover_at_every_layer_but_the_first():
    choice = LAYOUT.draw_choice(200, torch.device("cpu"))
    assert {tuple(row) for row in choice.tolist()} == {(0, 0, 0, 1), (0, 0, 1, 1), (0, 1, 1, 1)}


def test_mix_takes_layers_of_the_second_code():
    choice = torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0]])
    mixed = LAYOUT.mix(torch.zeros(2, 6), torch.ones(2, 6), choice)
    assert (mixed == mixed[..., :1]).all()
    assert mixed[..., 0].tolist() == choice.tolist()
