"""Directions as files."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from composegan.editing.directions.store import Directions, parse_sliders
from composegan.editing.directions.unsupervised import covariance, pca_directions
from composegan.editing.target import Target
from composegan.errors import UserError


@pytest.fixture(scope="module")
def directions(model):
    spread = covariance(model, 500)
    some = [*pca_directions(model, Target(("ball",), "texture"), 2, spread)]
    some += pca_directions(model, Target(("ball", "glass")), 1, spread)
    return Directions.of(model, [some[0].with_facts(effect={"change": 0.5, "leakage": None}), *some[1:]])


def test_saved_directions_load_unchanged(model, directions, tmp_path):
    folder = directions.save(tmp_path / "found")
    assert sorted(path.name for path in folder.iterdir()) == ["directions.json", "directions.safetensors"]
    for path in (folder, folder / "directions.json", str(folder / "directions.safetensors")):
        again = Directions.load(path, model)
        assert list(again.items) == ["ball.texture.pca0", "ball.texture.pca1", "ball+glass.pca0"]
        for one, other in zip(again, directions, strict=True):
            assert torch.equal(one.vectors, other.vectors)
            for key in ("name", "method", "target", "slots", "sigma", "space", "classes", "facts"):
                assert getattr(one, key) == getattr(other, key), key
    codes = model.codes(2)
    moved = again["ball.texture.pca0"].apply(codes, 2.0)
    assert torch.equal(moved.slots, directions["ball.texture.pca0"].apply(codes, 2.0).slots)


def test_adding_directions_replaces_those_of_the_same_name(model, directions):
    (changed,) = pca_directions(model, Target(("ball",), "texture"), 1, torch.eye(16, dtype=torch.float64))
    both = directions + Directions.of(model, [changed])
    assert len(both) == 3 and both["ball.texture.pca0"] is changed


def test_an_unknown_name_offers_the_nearest(directions):
    with pytest.raises(UserError, match="no direction 'ball.texture.pca'; did you mean 'ball.texture.pca"):
        directions["ball.texture.pca"]


def change(**changes):
    return lambda facts: facts.update(changes)


def change_of_one(**changes):
    return lambda facts: facts["directions"]["ball.texture.pca0"].update(changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change(classes=["ground", "ball", "moon"]), "for other classes .*: glass, moon"),
        (change(classes=["ball", "ground", "glass"]), "their order"),
        (change(space="0" * 12), "from another model \\(latent space 000000000000, not [0-9a-f]{12}"),
        (change(format=9), "format 9"),
        (change(directions=[]), "damaged"),
        (change_of_one(sigma="x"), "damaged"),
        (change_of_one(sigma=float("inf")), "damaged .*sigma"),
        (change_of_one(slots=[1]), "damaged .*slots"),
        (change_of_one(classes=["moon"]), "damaged .*moon"),
        (change_of_one(part="colour"), "damaged"),
    ],
)
def test_directions_that_do_not_fit_are_refused(model, directions, tmp_path, change, reason):
    path = directions.save(tmp_path) / "directions.json"
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts))
    with pytest.raises(UserError, match=reason) as error:
        Directions.load(tmp_path, model)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_damaged_and_missing_files_are_refused(model, directions, tmp_path):
    with pytest.raises(UserError, match="has no directions.json"):
        Directions.load(tmp_path / "none", model)
    folder = directions.save(tmp_path)
    for vectors in (torch.zeros(1, 3), torch.full((1, 16), torch.nan)):
        save_file({name: vectors.clone() for name in directions.items}, folder / "directions.safetensors")
        with pytest.raises(UserError, match="damaged .*vectors of shape"):
            Directions.load(folder, model)
    (folder / "directions.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="damaged"):
        Directions.load(folder, model)
    (folder / "directions.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        Directions.load(folder, model)


def test_sliders_are_parsed(directions):
    found = parse_sliders(" ball.texture.pca0:2, ball+glass.pca0 : -1.5,", directions)
    assert [(direction.name, amount) for direction, amount in found] == [
        ("ball.texture.pca0", 2.0), ("ball+glass.pca0", -1.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ball.texture.pca0", "has no amount; write it as in slide=ball.texture.pca0:2"),
        ("bal.texture.pca0:1", "no direction 'bal.texture.pca0'; did you mean 'ball.texture.pca0'"),
        ("ball.texture.pca0:much", "'much' is not a number"),
        ("ball.texture.pca0:nan", "'nan' is not a number"),
        ("ball.texture.pca0:", "'' is not a number"),
        (" , ", "names no direction"),
    ],
)
def test_malformed_sliders_are_refused(directions, text, reason):
    with pytest.raises(UserError, match=f"slide=.*{reason}"):
        parse_sliders(text, directions)
