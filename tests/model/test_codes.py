"""Codes by class name, and their files."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

import composegan
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.random_codes import mean_codes


def test_assigning_a_code_changes_that_slot_only(model):
    codes, other = model.codes(2, seed=0), model.codes(2, seed=1)
    before = codes.slots.clone()
    codes["ball"].texture = other["ball"].texture
    moved = (codes.slots != before).any(dim=2).any(dim=0)
    assert moved.nonzero().flatten().tolist() == [1 + 2 * 1 + 1]
    assert torch.equal(codes["ball"].texture, other["ball"].texture)
    codes["glass"] = other[1]["glass"]  # from one picture to both
    assert torch.equal(codes.slots[:, 5:7], other.slots[1:, 5:7].expand(2, -1, -1))


def test_a_misspelt_name_raises_with_the_nearest(model):
    codes = model.codes(1)
    with pytest.raises(UserError, match="there is no class 'bal'; did you mean 'ball'\\?"):
        codes["bal"]
    with pytest.raises(AttributeError, match="no 'textur'; did you mean 'texture'\\?"):
        codes["ball"].textur = 0
    with pytest.raises(AttributeError, match="no 'shap'; did you mean 'shape'\\?"):
        _ = codes["ball"].shap


def test_names_can_be_asked_for_and_completed(model):
    codes = model.codes(4)
    assert "ball" in codes and "bal" not in codes
    assert codes.classes == ("ground", "ball", "glass") == tuple(codes._ipython_key_completions_())
    assert repr(codes) == f"Codes(4 pictures, 3 classes, latent space {model.space})"
    assert repr(codes["ball"]) == "ClassCodes('ball', 4 pictures, present in 4)"


def test_each_code_drives_its_class_only(model):
    """A shape code moves the pseudo-depth of its class, a texture code no pseudo-depth."""
    codes, other = model.codes(1, seed=0), model.codes(1, seed=1)
    before = model.synthesize(codes).depth
    for k, name in enumerate(model.classes):
        for part in ("shape", "texture"):
            changed = codes.clone()
            setattr(changed[name], part, getattr(other[name], part))
            moved = (model.synthesize(changed).depth != before).flatten(2).any(dim=2)[0].nonzero().flatten().tolist()
            assert moved == ([k] if part == "shape" and k > 0 else []), (name, part)


def test_selecting_pictures(model):
    codes = model.codes(5)
    assert [len(some) for some in (codes[1], codes[1:4], codes[[0, 4]], list(codes))] == [1, 3, 2, 5]
    assert torch.equal(codes[-1].slots, codes.slots[4:]) and torch.equal(codes[[0, 4]].slots[1], codes.slots[4])
    torch.testing.assert_close(model.codes(pictures=[4, 0]).slots, codes.slots[[4, 0]])
    with pytest.raises(IndexError):
        codes[5]


def test_concat_joins_pictures_of_one_model(model):
    one, two = model.codes(2, seed=0), model.codes(1, seed=1)
    joined = composegan.concat([one, two])
    assert torch.equal(joined.slots, torch.cat([one.slots, two.slots])) and joined.present.shape == (3, 3)


def of_another_model(codes, **changes):
    return replace(codes, **{"space": "0" * 12} | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "from another model \\(latent space 000000000000, not [0-9a-f]{12}\\)"),
        ({"classes": ("a", "b", "c")}, "for other classes than the model's \\(they differ in: a, b, ball, c, glass\\)"),
    ],
)
def test_codes_of_another_model_are_refused(model, changes, reason):
    codes = model.codes(1)
    foreign = of_another_model(codes, **changes)
    with pytest.raises(UserError, match=f"codes: {reason}"):
        model.draw(foreign)
    for use in (lambda: codes.blend(foreign, 0.5), lambda: composegan.concat([codes, foreign])):
        with pytest.raises(UserError, match="codes: f(rom another|or other)"):
            use()
    if not changes:
        with pytest.raises(UserError, match="from another model"):
            codes["ball"] = foreign["ball"]


def test_one_code_of_another_model_is_refused(model):
    codes, foreign = model.codes(2), of_another_model(model.codes(2, seed=1))
    for part in ("shape", "texture"):
        with pytest.raises(UserError, match=f"^codes\\['ball'\\].{part}: from another model"):
            setattr(codes["ball"], part, getattr(foreign["ball"], part))
    with pytest.raises(UserError, match="^codes.base: from another model"):
        codes.base = foreign.base
    assert torch.equal(codes.slots, model.codes(2).slots)


def test_codes_are_assigned_from_tensors_and_arrays(model):
    codes, other = model.codes(2), model.codes(2, seed=1)
    codes["ball"].shape = np.ones((2, 16))
    codes["ball"].texture = torch.full((16,), 2.0)  # the same for both pictures
    codes["ball"].present = np.array([True, False])
    codes.base = other.base
    assert (codes["ball"].shape == 1).all() and (codes["ball"].texture == 2).all()
    assert codes.slots.dtype == torch.float32
    assert codes["ball"].present.tolist() == [True, False] and torch.equal(codes.base, other.base)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.zeros((2, 8)), "shape \\(2, 8\\) given; \\(2, 16\\) is needed"),
        (torch.zeros(3, 16), "shape \\(3, 16\\) given; \\(2, 16\\) is needed"),
        (0.5, "shape \\(\\) given"),
        (torch.full((2, 16), torch.nan), "not finite"),
        ("hair", "a str given; a tensor or array is needed"),
        (None, "a NoneType given; a tensor"),
    ],
)
def test_a_value_that_is_no_code_is_refused(model, value, reason):
    codes = model.codes(2)
    with pytest.raises(UserError, match=f"^codes\\['ball'\\].shape: .*{reason}"):
        codes["ball"].shape = value


def test_a_wrong_assignment_says_how(model):
    codes, other = model.codes(2), model.codes(2, seed=1)
    for value, reason in ((other["ball"], "such as its .shape"), (other, "a Codes given")):
        with pytest.raises(UserError, match=reason):
            codes["ball"].shape = value
    with pytest.raises(UserError, match="a Codes given; assign a class, as in other\\['ball'\\]"):
        codes["ball"] = other
    with pytest.raises(UserError, match="assign class by class"):
        codes[0] = other[0]
    with pytest.raises(UserError, match="present: shape \\(3,\\) given"):
        codes["ball"].present = [True] * 3
    with pytest.raises(AttributeError, match="codes.slots cannot be assigned"):
        codes.slots = other.slots


def test_classes_are_named_by_text_or_list(model):
    codes, other = model.codes(2), model.codes(2, seed=1)
    ball, both = codes.slots_of(["ball"]), codes.slots_of(["ball", "glass"], "shape")
    assert torch.equal(codes.slots_of("ball"), ball) and torch.equal(codes.slots_of("ball,glass", part="shape"), both)
    for chosen in ("ball", ["ball"]):
        assert torch.equal(codes.blend(other, 0.5, chosen).slots, codes.blend(other, 0.5, ball).slots)
    assert codes.having(remove="ball").present.tolist() == [[True, False, True]] * 2
    drawn = [model.draw(codes, classes=classes).images for classes in ("ground", ["ground"])]
    np.testing.assert_array_equal(*drawn)
    with pytest.raises(UserError, match="^part=shap: did you mean 'shape'"):
        codes.slots_of("ball", "shap")


def test_blend_moves_the_chosen_slots_by_the_amount(model):
    codes, other = model.codes(3), mean_codes(model)
    assert torch.equal(codes.blend(other, 0).slots, codes.slots)
    torch.testing.assert_close(codes.blend(other, 1).slots, other.slots.expand(3, -1, -1))
    halves = codes.blend(other, torch.tensor([0, 0.5, 1]), codes.slots_of(["ball"], ["shape"]))
    torch.testing.assert_close(halves["ball"].shape[1], (codes["ball"].shape[1] + model.mean_code) / 2)
    others = [0, 1, 2, 4, 5, 6]
    assert torch.equal(halves.slots[:, others], codes.slots[:, others])
    assert codes.slots_of([], base=True).tolist() == [True] + [False] * 6


def test_a_saved_file_loads_unchanged(model, tmp_path):
    codes = model.codes(3)
    again = Codes.load(codes.save(tmp_path / "codes.npz"), model)
    assert torch.equal(again.slots, codes.slots) and again.classes == codes.classes
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as content:
        assert content["classes"].tolist() == list(model.classes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": np.array(["ground", "ball", "moon"])}, "for other classes .*: glass, moon\\)"),
        ({"classes": np.array(["ball", "ground", "glass"])}, "for other classes .*: their order\\)"),
        ({"space": np.array("0" * 12)}, "from another model"),
        ({"slots": np.zeros((1, 3, 16))}, "slots have shape \\(1, 3, 16\\)"),
        ({"slots": np.full((1, 7, 16), np.nan)}, "not finite"),
        ({"slots": np.array([None])}, "is damaged"),
        ({"slots": np.zeros((1, 7, 16), np.complex64)}, "is damaged .*complex64, not floating-point numbers"),
        ({"slots": np.full((1, 7, 16), "1")}, "is damaged .*not floating-point numbers"),
        ({"slots": np.zeros((200_000, 7, 16), np.float32)}, "cannot be read \\(it would unpack to"),
        ({"present": np.zeros((1, 3), bool)}, "a picture has no classes"),
        ({"format": np.array(9)}, "is damaged .*format 9, not 1"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused(model, tmp_path, changes, reason):
    path = model.codes(1).save(tmp_path / "codes.npz")
    with np.load(path) as content:
        np.savez_compressed(path, **{**content, **changes})
    with pytest.raises(UserError, match=f"^codes={path}: .*{reason}"):
        Codes.load(path, model)


def test_another_file_type_is_refused(model, tmp_path):
    (tmp_path / "codes.npz").write_bytes(b"\x89PNG and so on")
    with pytest.raises(UserError, match=r"codes.npz: is damaged or not a file of codes \(File is not a zip file\)$"):
        Codes.load(tmp_path, model)


def test_a_header_that_claims_more_than_the_file_has_allocates_nothing(model, tmp_path):
    path = model.codes(1).save(tmp_path / "codes.npz")
    with zipfile.ZipFile(path) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    old = b"'shape': (1, "
    assert old in members["slots.npy"]
    members["slots.npy"] = members["slots.npy"].replace(old, b"'shape': (99999, ")
    with zipfile.ZipFile(path, "w") as parts:
        for name, data in members.items():
            parts.writestr(name, data)
    with pytest.raises(UserError, match="codes.npz: cannot be read .slots.npy claims .* values, more than it has"):
        Codes.load(path, model)
