"""Components, mixing and interpolation."""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from PIL import Image

from composegan.cli import main
from composegan.editing.components import components
from composegan.editing.interpolation import closed_curve, draw_frames, loop
from composegan.editing.mix import mix
from composegan.editing.target import Target


def test_components_end_with_the_full_picture(model):
    codes = model.codes(1)
    parts = components(model, codes, ["glass", "ground", "ball"])
    whole = model.synthesize(codes.slots)
    np.testing.assert_array_equal(parts.steps.images[-1], model.draw(codes).images[0])
    np.testing.assert_allclose(parts.depth, whole.depth[0, [2, 0, 1]].numpy(), atol=1e-5)
    assert (parts.depth[1] == 0).all()
    alone = model.draw(codes, classes=["glass"])
    np.testing.assert_array_equal(parts.steps.images[0], alone.images[0])
    assert (parts.steps.images[0] != parts.steps.images[2]).any()


def test_mix_takes_the_classes_from_the_columns(model):
    rows, columns = model.codes(2), model.codes(3, seed=1)
    target, chosen = Target(("ball",)), rows.slots_of(["ball"])
    mixed = mix(model, rows, columns, target).mixed
    assert len(mixed) == 6
    for r in range(2):
        for c in range(3):
            cell = mixed.codes.slots[3 * r + c]
            assert torch.equal(cell[chosen], columns.slots[c, chosen])
            assert torch.equal(cell[~chosen], rows.slots[r, ~chosen])
    np.testing.assert_array_equal(mix(model, rows, rows, target).mixed.images[[0, 3]], model.draw(rows).images)


def test_the_curve_passes_its_points_and_is_smooth_where_it_closes():
    points = torch.randn(5, 3, dtype=torch.float64)
    fine = closed_curve(points, 1000)
    torch.testing.assert_close(fine[::1000], points)
    speed = (fine.roll(-1, 0) - fine) * 1000
    assert (speed.roll(-1, 0) - speed).abs().max() < 0.05 * speed.abs().max()  # no jump anywhere, also not at the seam
    torch.testing.assert_close(speed[0], (points[1] - points[-1]) / 2, atol=2e-2, rtol=0)
    two = closed_curve(points[:2], 4)
    torch.testing.assert_close(two[4:].flip(0)[:3], two[1:4].flip(0).flip(0), atol=1e-9, rtol=0)


def test_a_loop_moves_the_named_classes_only(model):
    codes = model.codes(3)
    target = Target(("ball",), "texture")
    frames = loop(codes, target, 4)
    assert len(frames) == 12
    assert torch.equal((frames.slots != frames.slots[:1]).any(dim=2).any(dim=0), target.mask(codes))
    pictures = list(draw_frames(model, frames, masks=True, least=32, batch=5))
    assert len(pictures) == 12 and pictures[0].shape == (32, 64, 3)
    np.testing.assert_array_equal(pictures[4][::2, :32:2], model.draw(frames[4]).images[0])


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_interpolate_verb_writes_the_frames(whole_run, model, tmp_path, capsys, ending):
    out = tmp_path / f"loop{ending}"
    arguments = ["n=3", "frames=4", "rate=10", "size=64", "masks=off", f"out={out}"]
    assert main(["interpolate", f"run={whole_run}", *arguments]) == 0
    assert capsys.readouterr().out == f"wrote {out}: 12 frames, 1.2 s, endless\n"
    codes = model.codes(3, truncation=0.7)
    frames = loop(codes, Target.of(model, "all", base=True), 4)
    expected = np.stack(list(draw_frames(model, frames, masks=False, least=64)))
    if ending == ".gif":
        picture = Image.open(out)
        found = []
        for i in range(picture.n_frames):
            picture.seek(i)
            found.append(np.asarray(picture.convert("RGB")))
        assert picture.info["duration"] == 100 and picture.info["loop"] == 0
    else:
        with av.open(out) as file:
            found = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
            assert file.streams.video[0].average_rate == 10
    assert len(found) == 12
    assert np.abs(np.stack(found).astype(float) - expected).mean() < 12


def test_components_and_mix_verbs_write_what_they_print(whole_run, tmp_path, capsys):
    assert main(["components", f"run={whole_run}", "n=2", f"out={tmp_path / 'c'}"]) == 0
    assert main(["mix", f"run={whole_run}", "classes=ball", "n=2", "columns=3", f"out={tmp_path / 'm.png'}"]) == 0
    assert capsys.readouterr().out == (
        f"wrote {tmp_path / 'c'}; look at {tmp_path / 'c' / '00000.png'}\nwrote {tmp_path / 'm.png'}\n"
    )
    with np.load(tmp_path / "c" / "00001.npz") as content:
        assert content["names"].tolist() == ["ground", "ball", "glass"] and content["depth"].shape == (3, 8, 8)
    assert Image.open(tmp_path / "m.png").size == (4 * 96, 3 * 96)
