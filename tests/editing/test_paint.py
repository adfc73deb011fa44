"""Painted layouts, moved and recoloured classes, on the shipped model of drawn faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.editing.paint import paint_codes
from composegan.editing.recolor import color_of
from composegan.editing.shape_search import search_shapes
from composegan.model.codes import Codes
from composegan.networks.layout import OPEN
from tests.helpers import refused


@pytest.fixture(scope="module")
def faces():
    return composegan.load("faces")


@pytest.fixture(scope="module")
def drawn(faces):
    """Four pictures, of which 2 has long hair and 3 short hair. Read-only."""
    return faces.sample(4)


def changed(first, second):
    """Grey levels, mean over channels: (N, H, W)."""
    return np.abs(first.images.astype(int) - second.images).mean(axis=3)


def test_a_painted_layout_is_drawn_exactly(faces, drawn):
    mask = drawn.labels[3].copy()
    mask[10:30, 5:12] = faces.index("hat")
    after = faces.draw(paint_codes(faces, drawn.codes[:3], mask[None]))
    assert (after.labels == mask).all()
    assert after.codes["hat"].present.all() and not after.codes["eyeglass"].present.any()
    assert torch.equal(after.codes.slots, drawn.codes[:3].slots)


def test_the_layout_that_codes_draw_changes_nothing(faces, drawn):
    painted = replace(drawn.codes, layout=torch.from_numpy(drawn.labels))
    np.testing.assert_array_equal(faces.draw(painted).images, drawn.images)
    blank = replace(drawn.codes, layout=torch.full((4, 64, 64), OPEN, dtype=torch.uint8))
    np.testing.assert_array_equal(faces.draw(blank).images, drawn.images)


def test_open_pixels_are_left_to_the_codes(faces, drawn):
    mask = np.full((64, 64), OPEN, np.uint8)
    mask[:8, :8] = faces.index("cloth")
    after = faces.draw(paint_codes(faces, drawn.codes, mask[None]))
    assert (after.labels[:, :8, :8] == mask[:8, :8]).all()
    np.testing.assert_array_equal(after.labels[:, 20:, 20:], drawn.labels[:, 20:, 20:])
    assert changed(after, drawn)[:, 20:, 20:].mean() < 0.5


def test_classes_take_only_these_from_a_mask(faces, drawn):
    hair = faces.index("hair")
    edit = faces.paint(drawn.codes[2], drawn.labels[3], "hair", composite=False)
    assert ((edit.after.labels[0] == hair) == (drawn.labels[3] == hair)).all()
    kept = (drawn.labels[3] != hair) & (drawn.labels[2] != hair)
    assert (edit.after.labels[0][kept] != drawn.labels[2][kept]).mean() < 0.002


def test_painted_pixels_stay_with_their_codes(faces, drawn, tmp_path):
    painted = paint_codes(faces, drawn.codes[:2], drawn.labels[3:])
    assert torch.equal(Codes.load(painted.save(tmp_path / "codes.npz"), faces).layout, painted.layout)
    assert torch.equal(painted[1].layout, painted.layout[1:]) and painted.repeat(2).layout.shape == (4, 64, 64)
    both = composegan.concat([drawn.codes[:1], painted])
    assert (both.layout[0] == OPEN).all() and torch.equal(both.layout[1:], painted.layout)
    recolored = faces.edit(painted, "hair", part="texture", composite=False).after
    np.testing.assert_array_equal(recolored.labels, faces.draw(painted).labels)


def test_painted_pixels_of_a_class_follow_its_shape(faces, drawn):
    hair = faces.index("hair")
    painted = paint_codes(faces, drawn.codes[2], drawn.labels[3:])
    for gone in (painted.having(remove="hair"), painted.blend(drawn.codes[0], 1.0, "hair")):
        assert not (gone.layout == hair).any() and (gone.layout == painted.layout)[painted.layout != hair].all()
    copied = drawn.codes[0].blend(painted, 1.0, "hair")
    assert ((copied.layout == hair) == (painted.layout == hair)).all()
    by_name = drawn.codes[0].clone()
    by_name["hair"] = painted["hair"]
    assert torch.equal(by_name.layout, copied.layout)
    assert (faces.draw(copied).labels[0] == hair)[(painted.layout == hair)[0]].all()


def test_layers_of_a_painted_picture_are_the_picture(faces, drawn):
    painted = paint_codes(faces, drawn.codes[2], drawn.labels[3:])
    flat = faces.layers(painted).flattened().astype(int)
    assert np.abs(flat - faces.draw(painted).images[0]).max() <= 1


def test_move_shifts_a_class_by_as_much_as_asked(faces, drawn):
    eye = faces.index("eye")
    edit = faces.move(drawn.codes, "eye", 3, 4, composite=False)
    for before, after in zip(drawn.labels, edit.after.labels, strict=True):
        shift = np.argwhere(after == eye).mean(axis=0) - np.argwhere(before == eye).mean(axis=0)
        np.testing.assert_allclose(shift, (4, 3), atol=0.01)
    assert changed(edit.after, drawn)[:, 50:].mean() < 0.5  # the cloth
    twice = faces.move(edit.after, "mouth", dy=2).after.codes
    assert ((faces.draw(twice).labels == eye) == (edit.after.labels == eye)).all()


def test_move_scales_about_the_centre(faces, drawn):
    mouth = faces.index("mouth")
    edit = faces.move(drawn.codes[0], "mouth", scale=1.5, composite=False)
    before, after = ((part.labels[0] == mouth) for part in (drawn, edit.after))
    assert after.sum() / before.sum() == pytest.approx(1.5**2, rel=0.25)
    centres = [np.argwhere(region).mean(axis=0) for region in (before, after)]
    np.testing.assert_allclose(*centres, atol=0.5)


@pytest.mark.parametrize(("name", "color"), [("hair", "#a04020"), ("background", "teal"), ("face", (250, 240, 230))])
def test_recolor_reaches_the_mean_color_and_changes_nothing_outside(faces, drawn, name, color):
    edit = faces.recolor(drawn.codes[:2], name, color)
    region = edit.after.labels == faces.index(name)
    for image, own in zip(edit.after.images, region, strict=True):
        np.testing.assert_allclose(image[own].mean(axis=0), color_of(color), atol=4)
    np.testing.assert_array_equal(edit.after.labels, drawn.labels[:2])
    moved = (edit.after.codes.slots != drawn.codes.slots[:2]).any(dim=2).any(dim=0).nonzero().flatten().tolist()
    assert moved == [1 + 2 * faces.index(name) + 1]  # its texture code only
    assert edit.mean_leakage(composited=True) < 0.03


def test_search_brings_masks_nearer_to_a_layout(model):
    codes = model.codes(2, seed=0)
    wanted = torch.from_numpy(model.draw(model.codes(2, seed=5)).labels)
    found = search_shapes(model, codes, wanted, steps=30)
    before, after = (np.mean(model.draw(one).labels == wanted.numpy()) for one in (codes, found))
    assert after > before and found.layout is None
    textures = [1 + 2 * index + 1 for index in range(len(model.classes))]
    assert torch.equal(found.slots[:, textures], codes.slots[:, textures])


def test_paint_verb_writes_what_other_verbs_read(drawn, tmp_path, capsys):
    Image.fromarray(drawn.masks[3]).save(tmp_path / "mask.png")
    assert main(["paint", "model=faces", f"mask={tmp_path / 'mask.png'}", "n=2", f"out={tmp_path / 'painted'}"]) == 0
    edits = (["dx=3"], ["color=#a04020"])
    for number, given in enumerate(edits):
        codes = f"codes={tmp_path / 'painted' / 'after'}"
        assert main(["edit", "model=faces", codes, "classes=hair", *given, f"out={tmp_path / str(number)}"]) == 0
    assert "hair: mean color within" in capsys.readouterr().out
    labels = np.asarray(Image.open(tmp_path / "1" / "after" / "labels" / "00000.png"))
    np.testing.assert_array_equal(labels, drawn.labels[3])


def with_pixel(mask, value):
    mask = mask.copy()
    mask[:2, :3] = value
    return mask


@pytest.mark.parametrize(
    ("make", "given", "said"),
    [
        (lambda s: s.masks[3][:32], [], "is 64x32, but the model draws 64x64"),
        (lambda s: with_pixel(s.masks[3], (250, 201, 165)), [],
         "color #fac9a5 in 6 pixels is no class of domain 'faces'; the nearest is face, #fac8a5"),
        (lambda s: with_pixel(s.labels[3], 77), [], "label 77 in 6 pixels is no class"),
        (lambda s: s.masks[3], ["classes=hat"], "mask: has no pixel of hat; it has background, face"),
        (lambda s: s.masks[3], ["classes=hiar"], "did you mean 'hair'?"),
        (lambda s: s.masks[3], ["pictures=3"], "mask: the pictures have this layout already"),
        (lambda s: np.full((64, 64), OPEN, np.uint8), [], "mask: no pixel has a class"),
    ],
)  # fmt: skip
def test_masks_that_cannot_be_painted_are_refused(error_line, drawn, tmp_path, make, given, said):
    Image.fromarray(make(drawn)).save(tmp_path / "mask.png")
    assert said in error_line("paint", "model=faces", f"mask={tmp_path / 'mask.png'}", f"out={tmp_path / 'o'}", *given)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["classes=hair", "color=rouge"], "color='rouge': is no color"),
        (["classes=hair", "method=move"], "method=move: write dx= or dy= or scale= too"),
        (["classes=hat", "pictures=3", "dx=3"], "classes=hat: no picture has it"),
        (["classes=hat", "pictures=3", "color=red"], "classes=hat: no picture has it"),
        (["classes=hair", "dx=3", "scale=0"], "scale=0.0: must be above 0"),
        (["color=red"], "method=recolor: name the classes"),
        (["classes=hair", "part=shape", "color=red"], "method=recolor: changes the texture only"),
        (["classes=hair", "method=scale", "dx=3"], "dx=3.0: is for method=move, not for method=scale"),
    ],
)
def test_moves_and_colors_that_cannot_be_are_refused(error_line, tmp_path, given, said):
    assert said in error_line("edit", "model=faces", f"out={tmp_path / 'o'}", *given)


def test_codes_with_a_layout_of_another_kind_are_refused(faces, drawn, model, tmp_path):
    painted = replace(drawn.codes, layout=torch.full((4, 32, 32), 1, dtype=torch.uint8))
    assert "painted pixels are of pictures of 32x32" in refused(faces.draw, painted)
    assert "layout is uint8 (4, 32, 32)" in refused(Codes.load, painted.save(tmp_path / "codes.npz"), faces)
    flat = replace(model.codes(1), layout=torch.ones(1, 16, 16, dtype=torch.uint8))
    assert "a model of family paper cannot draw" in refused(model.draw, flat)
