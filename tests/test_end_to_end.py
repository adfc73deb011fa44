"""What a newcomer does on the command line: train, sample, resume; and the error lines when that fails."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.config.compose import compose, load_config
from tests.helpers import last


@pytest.fixture
def composegan_at(tmp_path, monkeypatch, capfd, as_before):
    """(arguments...) -> (exit status, standard output, standard error) of the command line, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))

    def composegan_at(*arguments):
        with as_before():
            status = main(arguments)
        return status, *capfd.readouterr()

    return composegan_at


def in_one_line(result):
    """The error line. Fails for anything but one line and exit status 2."""
    status, _, err = result
    assert status == 2 and err.count("\n") == 1 and err.startswith("composegan: "), result
    return err.removeprefix("composegan: ").rstrip("\n")


def seen_and_lines(run):
    state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    with (run / "metrics.csv").open(newline="") as file:
        return state["images_seen"], [int(row["images_seen"]) for row in csv.DictReader(file)]


def the_run(tmp_path, domain):
    (run,) = (tmp_path / "runs" / domain).iterdir()
    return run.relative_to(tmp_path)


def test_train_sample_and_resume_drawn_faces(composegan_at, tiny, tmp_path):
    status, out, err = composegan_at("fit", "domain=faces", *tiny, "data.demo_count=6", "training.images=4")
    assert status == 0, err
    run = the_run(tmp_path, "faces")
    said = out.splitlines()
    assert said[0].startswith("recipe=quick (the default): ")
    assert {line.split(":")[0] for line in said[2:] if line.startswith("  ")} >= {
        "  recipe=paper256",
        "  recipe=paper512",
    }
    assert "faces: 6 images at 16x16, 13 classes; " in out and f"\nrun: {run}\n" in out
    assert said[-1] == f"done: 4 images. Pictures are in {run}/samples; next: composegan sample run={run}"
    assert list((tmp_path / "cache" / "demos").glob("faces-*")), "the drawings are kept"

    status, out, _ = composegan_at("sample", f"run={run}", "n=2", "out=some")
    assert (status, out) == (0, "wrote some; look at some/contact_sheet.png\n")
    assert len(list((tmp_path / "some" / "images").iterdir())) == 2

    status, out, _ = composegan_at("fit", f"run={run}", "training.images=8")
    assert status == 0 and f"resuming {run} at 4 images\n" in out
    assert seen_and_lines(run) == (8, [2, 4, 6, 8])

    model = composegan.load(run)
    assert model.domain == "faces" and len(model.classes) == 13 and model.classes[7] == "hair"
    assert model.sample(1).images.shape == (1, 16, 16, 3)


def test_train_on_a_folder_without_python(composegan_at, tiny, shapes, tmp_path):
    """And on the same folder packed, which gives the same weights."""
    for name in ("shapes.yaml", "data"):
        source = shapes[0].removeprefix("domain=").replace("shapes.yaml", name)
        (shutil.copytree if name == "data" else shutil.copy)(source, tmp_path / name)
    own = ["domain=./shapes.yaml", *tiny, "training.images=8"]
    assert composegan_at("fit", *own, "data.root=data")[::2] == (0, "")
    run = the_run(tmp_path, "shapes")
    status, out, _ = composegan_at("sample", "n=2", "out=one")
    assert (status, out) == (
        0,
        f"run={run}: the newest run, because none was given\nwrote one; look at one/contact_sheet.png\n",
    )

    size = ["data.height=16", "data.width=16"]
    assert composegan_at("prepare", own[0], "data.root=data", *size, "out=packed")[0] == 0
    assert composegan_at("fit", *own, "data.root=packed", "output.root=from_packed")[0] == 0
    (other,) = (tmp_path / "from_packed" / "shapes").iterdir()
    plain, packed = last(tmp_path / run)["networks"], last(other)["networks"]
    assert all(torch.equal(packed[name], plain[name]) for name in plain)


def test_files_of_a_run(whole_run, tiny, shapes):
    found = {str(path.relative_to(whole_run)) for path in whole_run.rglob("*") if path.is_file()}
    boards = {name for name in found if name.startswith("tensorboard/")}
    assert len([name for name in boards if "/events.out.tfevents." in name]) == 1
    assert found - boards == {
        ".lock", "config.yaml", "overrides.txt", "plugins.json", "grouping.jsonl", "metrics.csv",
        "samples/000000.png", "samples/000008.png", "samples/000016.png", "samples/000024.png",
        "checkpoints/last.pt", "checkpoints/previous.pt", "checkpoints/best.pt",
        "model/model.safetensors", "model/config.json", "domain/shapes.yaml",
    }  # fmt: skip
    arguments = (whole_run / "overrides.txt").read_text().splitlines()
    assert arguments[:3] == [*shapes, "recipe=quick"]
    saved, composed = load_config(whole_run / "config.yaml"), compose(arguments).config
    assert (saved.training.class_sets, composed.training.class_sets) == ("all", "auto")
    composed = replace(composed, training=replace(composed.training, class_sets="all"))
    assert Path(saved.domain).name == "shapes.yaml" and replace(saved, domain=composed.domain) == composed

    facts = json.loads((whole_run / "plugins.json").read_text())
    assert facts["domain"] == "shapes" and facts["classes"] == ["ground", "ball", "glass"]
    assert facts["packages"]["composegan"] == composegan.__version__ and facts["packages"]["torch"]
    lines = [json.loads(line) for line in (whole_run / "grouping.jsonl").read_text().splitlines()]
    assert lines == [{"images_seen": 0, "grouping": "per_class", "groups": [["ground"], ["ball"], ["glass"]]}]

    with (whole_run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["images_seen"]) for row in rows] == list(range(2, 25, 2))
    assert [row["images_seen"] for row in rows if row["score/sliced_wasserstein"]] == ["8", "16", "24"]
    for name in ("loss/discriminator", "loss/generator", "loss/mask", "r1/image", "path/length", "images_per_second"):
        assert all(float(row[name]) > 0 for row in rows), name
    sizes = {Image.open(whole_run / "samples" / f"{seen:06d}.png").size for seen in (0, 8, 16, 24)}
    assert sizes in ({(32, 32)}, {(64, 16)})  # two images with their masks
    best = torch.load(whole_run / "checkpoints" / "best.pt", weights_only=True)
    scores = {int(row["images_seen"]): float(row["score/sliced_wasserstein"] or "inf") for row in rows}
    assert best["images_seen"] == min(scores, key=scores.get)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("domain=face", "no domain 'face' is installed; did you mean 'faces'?"),
        ("data.root=data model.coarse_size=16 model.min_feat_size=16",
         "model.min_feat_size=16: must be below data.height=16"),
        ("data.root=nowhere", "{here}/nowhere: does not exist"),
        ("data.root=", "domain 'shapes' has no demo data; give data.root=FOLDER"),
        ("data.root=empty", "{here}/empty"),
        ("run=nowhere", "run=nowhere: there is no such folder"),
    ],
)  # fmt: skip
def test_mistakes_are_reported_before_anything_is_written(composegan_at, recipe, tmp_path, arguments, line):
    (tmp_path / "empty" / "images").mkdir(parents=True)
    given = arguments.split()
    told = in_one_line(composegan_at("fit", *([] if arguments.startswith("run=") else recipe), *given))
    assert told.startswith(line.format(here=tmp_path))
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]


@pytest.fixture
def own_data(shapes, tmp_path):
    """A copy of the shapes that a test may damage."""
    return shutil.copytree(shapes[1].removeprefix("data.root="), tmp_path / "data")


def test_damaged_files_are_named(composegan_at, tiny, shapes, own_data):
    """Also where a data worker reads them."""
    image, labels = own_data / "images" / "3.png", own_data / "labels" / "3.png"
    settings = [shapes[0], *tiny, f"data.root={own_data}", "data.workers=1"]
    image.write_bytes(image.read_bytes()[:90])
    assert in_one_line(composegan_at("fit", *settings)).startswith(f"{image}: ")
    status, out, _ = composegan_at("fit", *settings, "data.on_error=skip", "training.images=14")
    assert status == 0 and "skipped 1 images that could not be read\n" in out
    Image.new("RGB", (16, 16)).save(image)
    Image.fromarray(np.full((16, 16), 9, np.uint8)).save(labels)
    assert in_one_line(composegan_at("fit", *settings)).startswith(f"{labels}: label values outside the vocabulary")
    Image.fromarray(np.zeros((16, 8), np.uint8)).save(labels)
    line = in_one_line(composegan_at("fit", *settings))
    assert line.startswith(f"{labels}: is 16 x 8 but its image is 16 x 16 ")
