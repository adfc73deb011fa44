"""The server of the studio: what its addresses answer, and whom they refuse."""

from __future__ import annotations

import base64
import csv
import io
import json
import socket
import struct
import xml.etree.ElementTree as ElementTree
import zipfile

import numpy as np
import pytest
from PIL import Image

import composegan
from composegan.session.label_png import png_of
from tests.helpers import refused

BROWN = {"request": {"recolor": {"classes": ["hair"], "color": "#a04020"}}}
MOUTH = {"request": {"move": {"classes": ["mouth"], "dx": 2}}}


def picture(answer):
    """The header, the pixels and the labels of an answer."""
    assert answer.status == 200, answer.body[:200]
    (length,) = struct.unpack("<I", answer.body[:4])
    header, rest = json.loads(answer.body[4 : 4 + length]), answer.body[4 + length :]
    height, width = header["height"], header["width"]
    pixels = np.frombuffer(rest[: 3 * height * width], np.uint8).reshape(height, width, 3)
    return header, pixels, np.frombuffer(rest[3 * height * width :], np.uint8).reshape(height, width)


@pytest.fixture
def one(ask):
    """The address of a new session with picture 3."""
    return f"/api/picture/{ask('/api/begin', {'picture': 3}).json['key']}"


def test_page_is_served_from_this_machine_only(ask):
    answer = ask("/")
    assert answer.status == 200 and b"composegan" in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ask("/page/main.js").headers["content-type"].startswith("text/javascript")
    for path in ("/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/nothing.js"):
        assert ask(path).status == 404


def test_page_names_no_other_machine(ask):
    for name in ("", "page/base.css", "page/screens.css", "page/main.js", "page/dom.js"):
        text = ask(f"/{name}").body.decode()
        assert "https://" not in text and text.count("http://") == text.count("http://www.w3.org/")


def test_wall_draws_the_numbered_pictures_of_the_model(ask, faces):
    (group,) = [ask("/api/wall/1").json]
    assert [item["number"] for item in group] == list(range(8, 16))
    image = Image.open(io.BytesIO(base64.b64decode(group[1]["image"].partition(",")[2])))
    drawn = faces.sample(pictures=[9])
    assert np.abs(np.asarray(image).astype(int) - drawn.images[0]).max() <= 1
    assert {faces.classes[label] for label in np.unique(drawn.labels)} >= set(group[1]["shows"])


def test_edits_undo_and_redo(ask, one, faces):
    header, pixels, labels = picture(ask(one))
    assert header["history"] == [] and (labels == faces.sample(pictures=[3]).labels).all()
    header, brown, _ = picture(ask(f"{one}/do", BROWN))
    assert header["history"] == ["Hair: new colour"] and (brown != pixels).any()
    header, again, _ = picture(ask(f"{one}/step", {"steps": -1}))
    assert header["next"] == "Hair: new colour" and (again == pixels).all()
    header, again, _ = picture(ask(f"{one}/step", {"steps": 1}))
    assert header["next"] == "" and (again == brown).all()
    assert (picture(ask(f"{one}/original"))[1] == pixels).all()


def test_previews_are_not_recorded_and_older_ones_are_dropped(ask, one):
    before = picture(ask(one))[1]
    assert (picture(ask(f"{one}/preview", {**MOUTH, "turn": 5}))[1] != before).any()
    assert ask(f"{one}/preview", {**MOUTH, "turn": 4}).status == 204
    header, pixels, _ = picture(ask(one))
    assert header["history"] == [] and (pixels == before).all()


def test_painted_labels_and_masks(ask, one, faces):
    labels = np.full((64, 64), 255, np.uint8)
    labels[2:12, 20:44] = faces.index("hat")
    request = {"request": {"paint": {"labels": base64.b64encode(labels.tobytes()).decode()}}}
    _, _, drawn = picture(ask(f"{one}/do", request))
    assert (drawn[2:12, 20:44] == faces.index("hat")).all()
    _, _, drawn = picture(ask(f"{one}/mask", body=png_of(faces.sample(pictures=[5]).labels[0])))
    assert (drawn == faces.sample(pictures=[5]).labels[0]).all()
    assert "is 8x8" in ask(f"{one}/mask", body=png_of(np.zeros((8, 8), np.uint8))).json["error"]


def test_locked_classes(ask, one):
    header, _, _ = picture(ask(f"{one}/lock", {"class": "hair", "locked": True}))
    assert sum(header["locked"]) == 1
    answer = ask(f"{one}/do", BROWN)
    assert answer.status == 400 and "hair: locked" in answer.json["error"]


def test_documents_survive_the_server(ask, ask_of, app, one, faces, tmp_path):
    from composegan.studio.app import make_app

    picture(ask(f"{one}/do", BROWN)), picture(ask(f"{one}/do", MOUTH))
    _, pixels, _ = picture(ask(f"{one}/step", {"steps": -1}))
    document = ask(f"{one}/export/document").body
    path = tmp_path / "face.composegan"
    path.write_bytes(document)
    np.testing.assert_array_equal(composegan.Session.open(path, faces).picture.image, pixels)
    other = make_app(faces, tmp_path)
    opened = ask_of(other, "/api/open", body=document).json["key"]
    fresh = make_app(faces, tmp_path)  # as after a restart
    header, again, _ = picture(ask_of(fresh, f"/api/picture/{opened}"))
    assert (again == pixels).all() and header["undone"] == 1


def test_old_sessions_leave_memory_but_not_the_disk(faces, ask_of, tmp_path, monkeypatch):
    from composegan.studio import desk
    from composegan.studio.app import make_app

    monkeypatch.setattr(desk, "IN_MEMORY", 1)
    app = make_app(faces, tmp_path)
    keys = [ask_of(app, "/api/begin", {"picture": number}).json["key"] for number in range(3)]
    for number, key in enumerate(keys):
        pixels = picture(ask_of(app, f"/api/picture/{key}"))[1]
        np.testing.assert_array_equal(pixels, faces.sample(pictures=[number]).images[0])
    monkeypatch.setattr(desk, "ON_DISK", 2)
    make_app(faces, tmp_path)
    assert len(list(tmp_path.glob("*.composegan"))) == 2


def test_exports(ask, one, faces):
    _, pixels, labels = picture(ask(f"{one}/do", BROWN))
    files = {kind: ask(f"{one}/export/{kind}").body for kind in ("png", "psd", "ora", "zip", "mask", "csv")}
    np.testing.assert_array_equal(Image.open(io.BytesIO(files["png"])), pixels)
    assert Image.open(io.BytesIO(ask(f"{one}/export/png?scale=8").body)).size == (512, 512)
    assert ask(f"{one}/export/png?scale=999").status == 400 and ask(f"{one}/export/exe").status == 404
    np.testing.assert_array_equal(Image.open(io.BytesIO(files["mask"])), np.array(faces.colors, np.uint8)[labels])
    rows = {row["class"]: row for row in csv.DictReader(io.StringIO(files["csv"].decode()))}
    assert {name: int(row["pixels"]) for name, row in rows.items()} == {
        name: int((labels == index).sum()) for index, name in enumerate(faces.classes)
    }
    names = zipfile.ZipFile(io.BytesIO(files["zip"])).namelist()
    assert {"picture.png", "label-map.png", "areas.csv", "picture.composegan", "script/script.py"} <= set(names)
    assert sum(name.startswith("layers/") for name in names) == len(ask(f"{one}/layers").json)


def test_layers_of_psd_and_openraster_flatten_to_the_picture(ask, one):
    psd_tools = pytest.importorskip("psd_tools")
    _, pixels, _ = picture(ask(one))
    layers = [item["name"] for item in ask(f"{one}/layers").json]
    opened = psd_tools.PSDImage.open(io.BytesIO(ask(f"{one}/export/psd").body))
    assert [layer.name.lower() for layer in opened] == layers
    images = [np.asarray(layer.topil()) for layer in opened]
    archive = zipfile.ZipFile(io.BytesIO(ask(f"{one}/export/ora").body))
    assert archive.namelist()[0] == "mimetype" and archive.read("mimetype") == b"image/openraster"
    stack = ElementTree.fromstring(archive.read("stack.xml")).iter("layer")
    files = [np.asarray(Image.open(archive.open(layer.get("src")))) for layer in reversed(list(stack))]
    for own in (images, files):
        flat = np.zeros((*pixels.shape[:2], 3))
        for image in own:
            opacity = image[..., 3:] / 255
            flat = (flat + opacity * (image[..., :3] - flat)).round()
        assert np.abs(flat - pixels).max() <= 1
    assert all((one_ == other).all() for one_, other in zip(images, files, strict=True))


def test_sliders_are_found_and_kept_in_the_document(ask, one, faces, monkeypatch, tmp_path):
    from composegan.studio import sliders

    monkeypatch.setattr(sliders, "PICTURES", 80)
    monkeypatch.setattr(sliders, "MEASURED", 4)
    monkeypatch.setattr(sliders, "KINDS", {"brightness": ("Lightness", "texture")})
    (found,) = ask("/api/sliders/cloth").json
    assert found["title"] == "Lightness" and found["gain"] > 0
    request = {"request": {"slide": {"direction": found["direction"], "amount": 2}}}
    assert picture(ask(f"{one}/do", request))[0]["history"] == ["Cloth: lightness"]
    path = tmp_path / "face.composegan"
    path.write_bytes(ask(f"{one}/export/document").body)
    assert found["direction"] in composegan.Session.open(path, faces).directions
    assert ask("/api/sliders/hare").status == 400


def test_film_goes_through_the_steps(ask, one, monkeypatch):
    monkeypatch.setattr("composegan.studio.exports.FRAMES", 2)
    assert ask(f"{one}/export/gif").status == 400  # no step yet
    ask(f"{one}/do", BROWN)
    film = Image.open(io.BytesIO(ask(f"{one}/export/gif").body))
    assert (film.n_frames, film.size) == (2 * 2, (512, 512))


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/api/picture/" + "x" * 22, None, 404),
        ("/api/picture/..%2f..%2fetc", None, 404),
        ("/api/begin", {"picture": -1}, 400),
        ("/api/begin", {"picture": "3"}, 400),
        ("/api/begin", {"picture": 10**12}, 400),
        ("ONE/do", {}, 400),
        ("ONE/do", {"request": {"edit": {"classes": "hare"}}}, 400),
        ("ONE/do", {"request": {"paint": {"labels": "x"}}}, 400),
        ("ONE/preview", {"turn": 1e400, "request": {}}, 400),
        ("ONE/step", {"steps": None}, 400),
        ("ONE/lock", {"class": 3}, 400),
    ],
)
def test_wrong_requests_are_answers(ask, one, path, content, status):
    answer = ask(path.replace("ONE", one), content)
    assert answer.status == status and answer.json["error"]
    picture(ask(one))


def test_bodies_are_limited(ask, one, monkeypatch):
    from composegan.studio import app as application
    from composegan.studio import uploads

    monkeypatch.setattr(uploads, "JSON", 100)
    monkeypatch.setattr(application, "FILE", 100)
    assert ask(f"{one}/do", {"request": "x" * 200}).status == 413
    assert ask("/api/open", body=b"x" * 200).status == 413
    assert ask(f"{one}/do", body=b"{", headers={"content-type": "application/json"}).status == 400
    assert ask("/api/open", body=b"PK").status == 400


def test_bugs_are_logged_and_the_server_lives(ask, one, monkeypatch, caplog):
    monkeypatch.setattr("composegan.session.session.Session.undo", lambda self: 1 / 0)
    answer = ask(f"{one}/step", {"steps": -1})
    assert answer.status == 500 and "Traceback" not in answer.json["error"]
    assert "ZeroDivisionError" in caplog.text
    picture(ask(one))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8760", "origin": "http://localhost:8760"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8760"}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "[::1]:8760"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_other_pages_and_names_are_refused(ask, headers, status):
    assert ask("/api/about", headers=headers).status == status


def test_links_from_other_pages_open_the_page(ask):
    assert ask("/", headers={"sec-fetch-site": "cross-site"}).status == 200


def test_token_is_needed_on_a_network(faces, ask_of, tmp_path):
    from composegan.studio.app import make_app

    app = make_app(faces, tmp_path, "0.0.0.0", "secret")
    elsewhere = {"host": "192.168.1.5:8760"}
    assert ask_of(app, "/", headers=elsewhere).status == 403
    for wrong in ("wrong", "%C3%A9", ""):
        assert ask_of(app, f"/?token={wrong}", headers=elsewhere).status == 403
    answer = ask_of(app, "/?token=secret", headers=elsewhere)
    assert answer.status == 303 and "HttpOnly" in answer.headers["set-cookie"]
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert ask_of(app, "/api/about", headers={**elsewhere, "cookie": cookie}).status == 200


def test_next_free_port_is_taken():
    pytest.importorskip("uvicorn")
    from composegan.studio.server import listen

    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        port = first.getsockname()[1]
        with listen("127.0.0.1", port) as second:
            assert port < second.getsockname()[1] < port + 20
    assert "cannot be used" in refused(listen, "no such host", 0)


def test_missing_extra_is_one_line(error_line, monkeypatch):
    monkeypatch.setattr("composegan.verbs.studio.find_spec", lambda name: None)
    assert error_line("studio").endswith("pip install 'composegan[studio]'")
