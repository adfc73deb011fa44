"""Codes by name, and their files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import composegan
from composegan.config.lists import names_in, numbers_in
from composegan.errors import UserError
from composegan.model.codes import Codes, mean_codes


@pytest.fixture(scope="module")
def model(whole_run):
    return composegan.load(whole_run)


def test_a_class_takes_another_pictures_code_and_nothing_else_moves(model):
    codes, other = model.codes(2, seed=0), model.codes(2, seed=1)
    before = codes.slots.clone()
    codes["ball"].texture = other["ball"].texture
    moved = (codes.slots != before).any(dim=2).any(dim=0)
    assert moved.nonzero().flatten().tolist() == [1 + 2 * 1 + 1]
    assert torch.equal(codes["ball"].texture, other["ball"].texture)
    codes["glass"] = other[1]["glass"]  # of one picture, to both
    assert torch.equal(codes.slots[:, 5:7], other.slots[1:, 5:7].expand(2, -1, -1))


def test_the_codes_drive_what_their_names_say(model):
    """A shape code moves depths of its class only, a texture code none at all."""
    codes, other = model.codes(1, seed=0), model.codes(1, seed=1)
    before = model.synthesize(codes.slots).depth
    for name in model.names:
        for part in ("shape", "texture"):
            changed = codes.clone()
            setattr(changed[name], part, getattr(other[name], part))
            depth = model.synthesize(changed.slots).depth
            moved = (depth != before).flatten(2).any(dim=2)[0].nonzero().flatten().tolist()
            k = model.names.index(name)
            assert moved == ([k] if part == "shape" and k > 0 else []), (name, part)


def test_some_of_the_pictures(model):
    codes = model.codes(5)
    assert len(codes[1]) == 1 and len(codes[1:4]) == 3 and len(codes[[0, 4]]) == 2 and len(list(codes)) == 5
    assert torch.equal(codes[-1].slots, codes.slots[4:]) and torch.equal(codes[[0, 4]].slots[1], codes.slots[4])
    torch.testing.assert_close(model.codes(pictures=[4, 0]).slots, codes.slots[[4, 0]])
    with pytest.raises(IndexError):
        codes[5]


def test_blending(model):
    codes, other = model.codes(3), mean_codes(model)
    assert torch.equal(codes.blend(other, 0).slots, codes.slots)
    torch.testing.assert_close(codes.blend(other, 1).slots, other.slots.expand(3, -1, -1))
    halves = codes.blend(other, torch.tensor([0, 0.5, 1]), codes.slots_of(["ball"], ["shape"]))
    torch.testing.assert_close(halves["ball"].shape[1], (codes["ball"].shape[1] + model.mean_code) / 2)
    others = [0, 1, 2, 4, 5, 6]
    assert torch.equal(halves.slots[:, others], codes.slots[:, others])
    assert codes.slots_of([], base=True).tolist() == [True] + [False] * 6


def test_a_file_gives_them_back(model, tmp_path):
    codes = model.codes(3)
    again = Codes.load(codes.save(tmp_path / "codes.npz"), model)
    assert torch.equal(again.slots, codes.slots) and again.names == codes.names
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as content:
        assert content["classes"].tolist() == list(model.names)


def damage(path, **changes):
    with np.load(path) as content:
        np.savez(path, **{**content, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": np.array(["ground", "ball", "moon"])}, "are of other classes .* glass, moon"),
        ({"classes": np.array(["ball", "ground", "glass"])}, "another order"),
        ({"space": np.array("0" * 12)}, "are of another model"),
        ({"slots": np.zeros((1, 3, 16))}, "have shape \\(1, 3, 16\\)"),
        ({"slots": np.full((1, 7, 16), np.nan)}, "have shape"),
        ({"slots": np.array([None])}, "damaged"),
        ({"format": np.array(9)}, "format 9"),
    ],
)
def test_codes_of_something_else_are_refused(model, tmp_path, changes, reason):
    path = model.codes(1).save(tmp_path / "codes.npz")
    damage(path, **changes)
    with pytest.raises(UserError, match=reason) as error:
        Codes.load(path, model)
    assert str(path) in str(error.value)


def test_another_file_is_no_file_of_codes(model, tmp_path):
    (tmp_path / "codes.npz").write_bytes(b"\x89PNG and so on")
    with pytest.raises(UserError, match=r"codes.npz: is damaged or not a file of codes \(it is no npz file\)$"):
        Codes.load(tmp_path, model)


def test_names_are_checked_and_the_nearest_offered(model):
    with pytest.raises(UserError, match="did you mean 'ball'"):
        model.codes(1)["bal"]
    with pytest.raises(UserError, match="classes=bal: .* did you mean 'ball'"):
        names_in("bal", model.names)
    assert names_in("glass, ball,glass", model.names) == ["glass", "ball"]
    assert names_in("all", model.names) == list(model.names) and names_in("", model.names) == []


def test_numbers():
    assert numbers_in("0,3,5-8", "pictures") == [0, 3, 5, 6, 7, 8] and numbers_in("", "pictures") == []
    for text in ("a", "3-1", "-1", "1-", "1.5", "0-999999999"):
        with pytest.raises(UserError, match="pictures="):
            numbers_in(text, "pictures")


def test_slots_that_are_no_numbers_or_unpack_to_too_many(model, tmp_path):
    codes = model.codes(1)
    path = codes.save(tmp_path / "codes.npz")
    with np.load(path) as content:
        arrays = dict(content)
    for slots in (arrays["slots"].astype(np.complex64), arrays["slots"].astype(str)):
        np.savez(path, **{**arrays, "slots": slots})
        with pytest.raises(UserError, match="codes.npz: is damaged .*not floating-point numbers"):
            Codes.load(path, model)
    np.savez_compressed(path, **{**arrays, "slots": np.zeros((200_000, *codes.slots.shape[1:]), np.float32)})
    with pytest.raises(UserError, match="codes.npz: is damaged .*it would unpack to"):
        Codes.load(path, model)


def test_an_array_that_claims_more_than_there_is_takes_no_memory(model, tmp_path):
    import zipfile

    path = model.codes(1).save(tmp_path / "codes.npz")
    with zipfile.ZipFile(path) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    old = b"'shape': (1, "
    assert old in members["slots.npy"]
    members["slots.npy"] = members["slots.npy"].replace(old, b"'shape': (99999, ")
    with zipfile.ZipFile(path, "w") as parts:
        for name, data in members.items():
            parts.writestr(name, data)
    with pytest.raises(UserError, match="codes.npz: is damaged .*slots.npy claims .* values, more than it has"):
        Codes.load(path, model)
