"""Sessions on the shipped model of drawn faces."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

import composegan
from composegan.cli import main
from composegan.model.delta import Delta
from composegan.session.label_png import labels_of_text, text_of
from composegan.session.request import Request
from tests.helpers import refused

COPY = {"edit": {"classes": ["hair"], "method": "copy", "other": {"seed": 0, "picture": 3}}}
BROWN = {"recolor": {"classes": ["hair"], "color": "#a04020"}}
MOVE = {"move": {"classes": ["mouth"], "dx": 2, "dy": 1}}


@pytest.fixture(scope="module")
def faces():
    return composegan.load("faces")


@pytest.fixture(scope="module")
def hat(faces):
    """A request that paints a hat."""
    mask = np.full((64, 64), 255, np.uint8)
    mask[4:14, 16:48] = faces.index("hat")
    return {"paint": {"mask": text_of(mask)}}


@pytest.fixture
def session(faces):
    return composegan.Session(faces, picture=2)


def same(one, other):
    return (one.picture.labels == other.picture.labels).all() and one.picture.image.tobytes() == (
        other.picture.image.tobytes()
    )


def test_requests_change_the_picture_and_undo_restores_it(session, hat):
    pictures = [np.asarray(session.picture.image)]
    for request in (COPY, BROWN, MOVE, hat):
        pictures.append(np.asarray(session.do(request).image))
        assert (pictures[-1] != pictures[-2]).any()
    for picture in pictures[-2::-1]:
        assert session.undo()
        np.testing.assert_array_equal(session.picture.image, picture)
    assert not session.undo()
    for picture in pictures[1:]:
        assert session.redo()
        np.testing.assert_array_equal(session.picture.image, picture)
    assert not session.redo()


def test_do_equals_the_methods_of_the_model(faces, session, hat):
    codes = faces.codes(pictures=[2])
    codes = faces.edit(codes, "hair", method="copy", other=faces.codes(pictures=[3]), composite=False).after
    codes = faces.recolor(codes.codes, "hair", "#a04020", composite=False).after
    for request in (COPY, BROWN):
        session.do(request)
    np.testing.assert_array_equal(session.picture.image, codes[0].image)
    assert torch.equal(session.codes.slots, codes.codes.slots)


def test_request_after_undo_replaces_what_was_undone(session):
    session.do(COPY), session.do(BROWN), session.undo()
    assert session.undone == (Request.of(BROWN),)
    session.do(MOVE)
    assert [request.verb for request in session.history] == ["edit", "move"] and session.undone == ()


def test_instead_replaces_the_last_request(faces, session):
    session.do(COPY), session.do(MOVE)
    longer = {"move": {"classes": ["mouth"], "dx": 5}}
    shown = session.preview(longer, instead=True)
    assert len(session.history) == 2
    session.do(longer, instead=True)
    assert session.history == (Request.of(COPY), Request.of(longer))
    np.testing.assert_array_equal(shown.image, session.picture.image)


def test_document_replays_bit_for_bit(faces, session, hat, tmp_path):
    found = faces.directions("hair", part="texture", method="pca", count=1, measured_on=0)
    session.add_direction(*found)
    for request in (COPY, hat, {"slide": {"direction": "hair.texture.pca0", "amount": 1.5}}, BROWN):
        session.do(request)
    session.lock("nose")
    session.undo()
    opened = composegan.Session.open(session.save(tmp_path / "face.composegan"), faces)
    assert same(opened, session) and opened.locked == {"nose"}
    assert opened.history == session.history and opened.undone == session.undone
    assert opened.redo() and session.redo() and same(opened, session)
    session.save(tmp_path / "face.composegan")  # over an earlier one


def test_document_of_codes_keeps_them(faces, tmp_path):
    codes = faces.codes(pictures=[4], seed=3).blend(faces.codes(1, seed=9), 0.3)
    session = composegan.Session(faces, codes=codes)
    session.do(BROWN)
    opened = composegan.Session.open(session.save(tmp_path / "face.composegan"), faces)
    assert same(opened, session) and torch.equal(opened.codes.slots, session.codes.slots)


def test_document_keeps_tuned_weights(faces, tmp_path):
    name, weight = next(iter(faces.generator.renderer.state_dict().items()))
    change = torch.full_like(weight, 0.01, dtype=torch.float16).contiguous()
    delta = Delta({f"renderer.{name}": change}, faces.weights).save(tmp_path / "tuned.safetensors")
    codes = replace(faces.codes(1), tuned=(Delta.load(delta),))
    session = composegan.Session(faces, codes=codes)
    assert session.picture.image.tobytes() != faces.draw(codes.untuned())[0].image.tobytes()
    path = session.save(tmp_path / "face.composegan")
    delta.unlink()
    opened = composegan.Session.open(path, faces)
    opened.save(path)
    assert same(composegan.Session.open(path, faces), session)


def test_old_steps_are_recomputed(faces, monkeypatch):
    monkeypatch.setattr("composegan.session.session.KEPT", 1)
    session = composegan.Session(faces, picture=2)
    pictures = [session.picture.image.tobytes()]
    for step in range(4):
        request = {"edit": {"classes": "hair", "part": "texture", "seed": step}}
        pictures.append(session.do(request).image.tobytes())
    assert len(session._codes) < 4
    for picture in pictures[-2::-1]:
        session.undo()
        assert session.picture.image.tobytes() == picture


def test_commands_and_python_draw_the_picture(session, hat, tmp_path, monkeypatch, capsys):
    session.add_direction(*session.model.directions("hair", part="shape", method="pca", count=1, measured_on=0))
    resampled = {"edit": {"classes": ["eye", "eyebrow"], "part": "texture", "seed": 5}}
    for request in (COPY, resampled, BROWN, MOVE, hat, {"slide": {"direction": "hair.shape.pca0", "amount": -1.25}}):
        session.do(request)
    monkeypatch.chdir(session.save_script(tmp_path / "script"))
    lines = (tmp_path / "script" / "commands.sh").read_text().splitlines()
    assert len(lines) == 7
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, (line, capsys.readouterr().err)
    exec((tmp_path / "script" / "script.py").read_text(), {})
    for folder in ("step-6/after", "drawn"):
        made = composegan.Samples.load(folder, session.model)
        np.testing.assert_array_equal(made.images[0], session.picture.image)


def test_verbs_take_documents(session, tmp_path, monkeypatch):
    session.do(BROWN)
    session.save(tmp_path / "face.composegan")
    monkeypatch.chdir(tmp_path)
    assert main(["sample", "model=faces", "codes=face.composegan", "out=drawn"]) == 0
    made = composegan.Samples.load("drawn", session.model)
    np.testing.assert_array_equal(made.images[0], session.picture.image)


def test_locked_classes_stay(faces, session, hat):
    session.lock(["hair", "cloth"])
    assert "hair: locked" in refused(session.do, COPY)
    assert session.history == ()
    before = session.picture.labels
    session.do(hat)
    hair = before == faces.index("hair")
    assert (session.picture.labels[hair] == before[hair]).all()
    session.lock("hair", False)
    session.do(COPY)


def test_painted_class_appears_only_where_it_is_painted(faces, hat):
    mask = labels_of_text(hat["paint"]["mask"], faces.spec, 64, 64)
    bare = [number for number in range(6) if not faces.codes(pictures=[number])["hat"].present[0]]
    assert len(bare) > 1
    for number in bare:
        session = composegan.Session(faces, picture=number)
        labels = session.do(hat).labels
        np.testing.assert_array_equal(labels == faces.index("hat"), mask == faces.index("hat"))


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ([], r"must have one key"),
        ({"edit": {}, "move": {}}, r"must have one key"),
        ({"edt": {}}, r"did you mean 'edit'"),
        ({"edit": 3}, r"must be arguments"),
        ({"edit": {}}, r"classes is missing"),
        ({"edit": {"classes": "hair", "methd": "copy"}}, r"did you mean 'method'"),
        ({"edit": {"classes": "hare"}}, r"did you mean 'hair'"),
        ({"edit": {"classes": [3]}}, r"name of a class"),
        ({"edit": {"classes": "hair", "part": "colour"}}, r"part=colour"),
        ({"edit": {"classes": "hair", "method": "copy", "other": {"picture": -1}}}, r"0 or more"),
        ({"edit": {"classes": "hair", "method": "copy", "other": {"picture": 10**9}}}, r"must be below"),
        ({"edit": {"classes": "hair", "method": "copy", "other": "file.npz"}}, r"random picture"),
        ({"edit": {"classes": "hair", "amount": 0.5}}, r"amount"),
        ({"move": {"classes": "hair", "dx": float("nan")}}, r"a number"),
        ({"move": {"classes": "hair", "dx": "3"}}, r"must be a number"),
        ({"move": {"classes": "hair", "dx": 1e300}}, r"a number up to"),
        ({"move": {"classes": "hair", "scale": 0}}, r"above 0"),
        ({"recolor": {"classes": "hair", "color": "reddish"}}, r"is no color"),
        ({"recolor": {"classes": "hair", "color": [1, 2]}}, r"three numbers"),
        ({"slide": {"direction": "hair.pca0", "amount": 1}}, r"no direction"),
        ({"paint": {"mask": "/etc/passwd"}}, r"PNG as text"),
        ({"paint": {"mask": "data:image/png;base64,AAAA"}}, r"mask: "),
        ({"paint": {"mask": text_of(np.zeros((4, 4), np.uint8))}}, r"is 4x4"),
        ({"paint": {"mask": text_of(np.full((64, 64), 99, np.uint8))}}, r"is no class"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_in_one_line(session, request_, line):
    assert re.search(line, refused(session.do, request_))
    assert session.history == ()


def test_masks_survive_as_text(faces):
    labels = np.random.default_rng(0).integers(0, 13, (64, 64), np.uint8)
    labels[:9] = 255
    np.testing.assert_array_equal(labels_of_text(text_of(labels), faces.spec, 64, 64), labels)


def test_wrong_documents_are_refused_in_one_line(faces, session, tmp_path):
    path = session.save(tmp_path / "face.composegan")
    assert "does not exist" in refused(composegan.Session.open, tmp_path / "none.composegan", faces)
    with zipfile.ZipFile(path) as archive:
        content = json.loads(archive.read("document.json"))

    def opened(change, extra=()):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("document.json", json.dumps({**content, **change}))
            for name in extra:
                archive.writestr(name, "x")
        return refused(composegan.Session.open, path, faces)

    assert "made with another model" in opened({"model": {"weights": "0" * 12}})
    assert "damaged" in opened({"format": 9})
    assert "damaged" in opened({"position": 5})
    assert "no part of a document" in opened({}, ["../evil"])
    assert "hare" in opened({"requests": [{"edit": {"classes": "hare"}}]})
    path.write_bytes(b"PK")
    assert "face.composegan" in refused(composegan.Session.open, path, faces)
    other = tmp_path / "notes.composegan"
    other.write_text("notes")
    assert "exists" in refused(session.save, other)
