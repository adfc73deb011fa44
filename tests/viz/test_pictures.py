"""Tensors to pictures, grids and contact sheets."""

import numpy as np
import pytest
import torch

from composegan.viz.pictures import (
    HEAT,
    change_map,
    color_masks,
    contact_sheet,
    grid,
    heat_map,
    numbered_sheet,
    table,
    to_uint8,
)

COLORS = [(0, 0, 0), (255, 10, 20), (1, 2, 3)]


def test_to_uint8_maps_and_clamps_the_range():
    values = torch.tensor([-1.0, 1.0, 0.0, -7.0, 7.0, -0.999, 0.999])
    pictures = to_uint8(values.view(7, 1, 1, 1).expand(7, 3, 2, 4))
    assert pictures.shape == (7, 2, 4, 3) and pictures.dtype == np.uint8
    assert pictures[:, 0, 0, 0].tolist() == [0, 255, 128, 0, 255, 0, 255]


def test_to_uint8_restores_every_level():
    levels = torch.arange(256).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(torch.from_numpy(to_uint8(levels / 127.5 - 1)).permute(0, 3, 1, 2), levels)


def test_to_uint8_takes_half_precision():
    image = torch.full((1, 3, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (to_uint8(image.detach()) == 191).all()


def test_color_masks_uses_the_classes_colors():
    labels = np.array([[[0, 1], [2, 1]]], np.uint8)
    expected = [[[[0, 0, 0], [255, 10, 20]], [[1, 2, 3], [255, 10, 20]]]]
    assert color_masks(labels, COLORS).tolist() == expected


def numbered(count, height=2, width=3):
    """Pictures of one grey value each: 1, 2, 3, ..."""
    return np.arange(1, count + 1, dtype=np.uint8)[:, None, None, None] * np.ones((1, height, width, 3), np.uint8)


def places(sheet, height=2, width=3):
    """The grey value at the upper left of each cell of a grid."""
    return np.asarray(sheet)[::height, ::width, 0].tolist()


@pytest.mark.parametrize(
    ("count", "columns", "rows"),
    [(4, 2, [[1, 2], [3, 4]]), (5, 3, [[1, 2, 3], [4, 5, 0]]), (2, 5, [[1, 2, 0, 0, 0]]), (1, 1, [[1]])],
)
def test_grid_is_filled_row_by_row(count, columns, rows):
    sheet = grid(numbered(count), columns)
    assert places(sheet) == rows
    assert sheet.size == (3 * columns, 2 * len(rows))


def test_grid_keeps_pictures_upright():
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(1, 2, 3, 3)
    assert np.array_equal(np.asarray(grid(picture, 1)), picture[0])


def test_contact_sheet_puts_masks_to_the_right():
    images, labels = numbered(3), np.array([0, 1, 2], np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    assert places(contact_sheet(images, labels, COLORS, pairs=2)) == [[1, 0, 2, 255], [3, 1, 0, 0]]


def test_numbered_sheet_is_the_contact_sheet_below_numbers():
    images, labels = numbered(4, 64, 64), np.ones((4, 64, 64), np.uint8)
    sheet = np.asarray(numbered_sheet(images, labels, COLORS))
    plain = np.asarray(contact_sheet(images, labels, COLORS))
    rows = sheet.reshape(-1, 64 + 16, *sheet.shape[1:])
    np.testing.assert_array_equal(rows[:, 16:].reshape(plain.shape), plain)
    assert ((rows[:, :16, :64] == 255).mean() > 0.8) and (rows[:, :16, :10] < 255).any()


@pytest.mark.parametrize(
    ("count", "size"), [(16, (64, 64)), (32, (64, 64)), (16, (32, 64)), (4, (64, 16)), (1, (8, 8))]
)
def test_contact_sheet_is_about_as_wide_as_high(count, size):
    sheet = contact_sheet(np.zeros((count, *size, 3), np.uint8), np.zeros((count, *size), np.uint8), COLORS)
    width, height = sheet.size
    assert 1 / 2 <= width / height <= 2
    assert width * height >= count * 2 * size[0] * size[1]


def test_heat_map_goes_from_dark_to_light():
    ramp = heat_map(np.linspace(0, 2, 50).reshape(1, 1, 50), 2)
    assert ramp.shape == (1, 1, 50, 3) and ramp[0, 0, 0].tolist() == [0, 0, 0]
    assert (np.diff(ramp[0, 0].astype(int) @ [3, 6, 1]) > 0).all()
    np.testing.assert_array_equal(heat_map(np.array([[[-1.0, 9.0]]]), 2), heat_map(np.array([[[0.0, 2.0]]]), 2))
    assert (heat_map(np.zeros((1, 2, 2)), 0.0) == 0).all()


def test_table_places_pictures_and_headings():
    rows = [numbered(3, 4, 4) * 20, numbered(3, 4, 4) * 40]
    plain = np.asarray(table(rows, least=8))
    assert plain.shape == (16, 24, 3)
    assert plain[0, [0, 8, 16], 0].tolist() == [20, 40, 60] and plain[8, [0, 8, 16], 0].tolist() == [40, 80, 120]
    headed = np.asarray(table(rows, ["a", "b", "a heading far too long"], ["first", "second"], least=8))
    assert headed.shape[0] == 16 + 22 and headed.shape[1] > 24 + 30
    np.testing.assert_array_equal(headed[22:, -24:], plain)
    assert (headed[:22] < 255).any() and (headed[22:, :-24] < 255).any()


def test_change_map_has_one_scale_and_a_floor():
    """Rounding is black; a change has the same colour beside a larger one as alone; 64 levels are the lightest."""
    levels = np.array([[[0, 1, 2, 16, 64, 200]]]) * 2 / 255
    whole = change_map(levels)[0, 0]
    assert (whole[:2] == 0).all() and tuple(whole[4]) == tuple(whole[5]) == HEAT[-1]
    assert 0 < whole[2].astype(int).sum() < whole[3].astype(int).sum() < whole[4].astype(int).sum()
    for i in range(6):
        np.testing.assert_array_equal(change_map(levels[:, :, i : i + 1])[0, 0, 0], whole[i])
    noise = np.random.default_rng(0).uniform(0, 2 / 255, (1, 8, 8))
    assert (change_map(noise) == 0).all()
