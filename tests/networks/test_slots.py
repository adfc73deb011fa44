"""Which latent slot drives which layer of which class."""

import pytest
import torch

from composegan.networks.slots import SlotLayout

LAYOUT = SlotLayout(classes=3, local_layers=5, base_layers=2, depth_layers=4)
TABLE = torch.tensor(LAYOUT.slot_of_code())


def test_slot_of_code_table():
    """Slots 0, 1 are the base codes; then (shape, texture) of each class. The background takes no base code."""
    assert (LAYOUT.slots, LAYOUT.codes) == (8, 15)
    background, first, second = TABLE.tolist()[:5], TABLE.tolist()[5:10], TABLE.tolist()[10:]
    assert background == [2, 2, 2, 2, 3]
    assert first == [0, 1, 4, 4, 5]
    assert second == [0, 1, 6, 6, 7]


def test_expand_of_every_latent_form():
    w, slots, codes = torch.randn(2, 6), torch.randn(2, 8, 6), torch.randn(2, 15, 6)
    assert torch.equal(LAYOUT.expand(w, TABLE), w[:, None].expand(2, 15, 6))
    assert torch.equal(LAYOUT.expand(slots, TABLE), slots[:, TABLE])
    assert LAYOUT.expand(codes, TABLE) is codes


@pytest.mark.parametrize("shape", [(6,), (2, 7, 6), (2, 1, 6), (2, 8, 6, 1)])
def test_expand_rejects_other_shapes(shape):
    with pytest.raises(ValueError, match=r"\(B, S\), \(B, 8, S\) or \(B, 15, S\)"):
        LAYOUT.expand(torch.randn(shape), TABLE)


def test_mix_selects_codes_by_choice():
    """Per class: both of the first; shape of the first and texture of the second; both of the second."""
    first, second = torch.zeros(2, 6), torch.ones(2, 6)
    choice = torch.tensor([[0, 1, 2], [2, 2, 0]])
    slots = LAYOUT.mix(first, second, choice)
    assert slots.shape == (2, 8, 6)
    assert (slots == slots[..., :1]).all()
    assert slots[..., 0].tolist() == [[0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1, 0, 0]]
