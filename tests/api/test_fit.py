"""`composegan.fit`, runs and the names of the package."""

from __future__ import annotations

import lightning
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

import composegan
from composegan.api.fit import as_arguments
from composegan.config.compose import compose
from composegan.errors import UserError


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({"batch": 16, "recipe": "quick"}, ["training.batch=16", "recipe=quick"]),
        ({"data": {"root": "pets", "flip": True}}, ["data.root=pets", "data.flip=on"]),
        ({"data.root": "pets", "plugin_path": None}, ["data.root=pets", "plugin_path="]),
        ({"grouping": [["a", "b"], ["c"]]}, ["grouping=[[a,b],[c]]"]),
        ({"training": {"loss": {"mine": {"margin": 0.5}}}}, ["training.loss.mine.margin=0.5"]),
    ],
)
def test_keywords_are_settings(settings, arguments):
    assert as_arguments(settings) == arguments


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("root", "root: several settings end in this; write .*'data.root': ....*'output.root': ..."),
        ("bacth", "unknown key 'bacth'; did you mean 'training.batch'"),
        ("memory", "unknown key 'memory'; did you mean 'budget.memory'"),
        ("keep", "unknown key 'keep'; did you mean 'adapt.keep'"),
    ],
)
def test_an_unknown_or_ambiguous_keyword_raises(key, reason):
    with pytest.raises(UserError, match=reason):
        as_arguments({key: 1})


@pytest.mark.parametrize("settings", [{"data": {"root": None}}, {"data.root": ""}, {"output.root": None}])
def test_folder_that_is_none_is_refused(settings):
    with pytest.raises(UserError, match="^(data|output).root=None: must be a folder; leave it|leave .* out"):
        as_arguments(settings)


@pytest.mark.parametrize("text", ["None", "", "null"])
def test_empty_data_root_is_said_to_be_the_demo(text):
    (note,) = compose(["domain=faces", "recipe=quick", f"data.root={text}"]).notes
    assert note == f"warning: data.root={text}: names no folder; the images are the domain's drawn demo"
    with pytest.raises(UserError, match="^output.root=: must be a folder"):
        compose(["domain=faces", "output.root="])


def test_fit_returns_a_run_that_resumes(shapes, tiny, tmp_path, as_before):
    domain, root = (setting.partition("=")[2] for setting in shapes)
    settings = dict(setting.split("=", 1) for setting in tiny) | {"training.images": 4, "output.root": tmp_path}
    with as_before():
        run = composegan.fit(domain, recipe="quick", data={"root": root}, **settings)
        assert run.path.parent == tmp_path / "shapes" and run.config.training.images == 4
        assert [row["images_seen"] for row in run.metrics] == [2, 4] and run.metrics[0]["loss/generator"] > 0
        assert repr(run) == f"Run({run.path}, 4 images)"
        assert run.resume(images=6).metrics[-1]["images_seen"] == 6
    model = composegan.Run(run.path).model()
    assert torch.equal(model.codes(1).slots, composegan.load(run.path).codes(1).slots)
    with pytest.raises(UserError, match="is not a run"):
        composegan.Run(tmp_path)


def test_fit_takes_callbacks_and_loggers_of_lightning(shapes, tiny, tmp_path, as_before):
    steps = []

    class Count(lightning.Callback):
        def on_train_batch_end(self, trainer, module, *arguments):
            steps.append(trainer.global_step)

    domain, root = (setting.partition("=")[2] for setting in shapes)
    settings = dict(setting.split("=", 1) for setting in tiny) | {"training.images": 6, "output.root": tmp_path}
    logger = CSVLogger(tmp_path / "own", name="", version="")
    with as_before():
        run = composegan.fit(domain, Count(), logger, recipe="quick", data={"root": root}, **settings)
    assert len(steps) == 3 and len(run.metrics) == 3
    assert "loss/generator" in (tmp_path / "own" / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"callbacks": [print]}, "callbacks: a builtin_function_or_method given"),
        ({"callbacks": lightning.Callback}, "callbacks: Callback given; an instance of lightning's Callback is needed"),
        ({"loggers": "csv"}, "loggers: a str given; an instance of lightning's Logger is needed"),
    ],
)
def test_callbacks_and_loggers_of_another_type_are_refused(given, reason):
    with pytest.raises(UserError, match=reason):
        composegan.fit("nowhere", **given)


def test_domains_lists_the_usable_ones():
    assert {"faces", "cars", "cityscapes"} <= set(composegan.domains())


def test_the_package_lists_and_completes_its_names():
    assert composegan.__all__ == dir(composegan)
    assert all(getattr(composegan, name) is not None for name in composegan.__all__)
    with pytest.raises(AttributeError, match="no attribute 'laod'; did you mean 'load'"):
        composegan.laod  # noqa: B018
