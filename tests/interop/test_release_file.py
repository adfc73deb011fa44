"""Files of the public release: both of torch's formats are read, and no code in them ever runs."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from argparse import Namespace
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from composegan.errors import UserError
from composegan.interop.release_file import read_reference
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

from . import release_names as release

SETTINGS = {
    "classes": 3, "height": 16, "width": 32, "transparent": [2], "latent_channels": 8, "mapping_layers": 2,
    "local_layers": 3, "base_layers": 1, "depth_layers": 2, "local_channels": 8, "coarse_channels": 8, "coarse_size": 8,
    "min_feat_size": 4, "channel_multiplier": 0.01, "residual_refine": True,
}  # fmt: skip


def networks(seed=0):
    torch.manual_seed(seed)
    found = (
        Generator(**SETTINGS), Generator(**SETTINGS), Discriminator(classes=3, height=16, width=32, multiplier=0.01)
    )  # fmt: skip
    for network in found:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter)
    return found


def content(**changes):
    return {**release.checkpoint(SETTINGS, *networks()), **changes}


@pytest.fixture
def write(tmp_path):
    """(content, how to save...) -> the path of a file with that content."""

    def write(content, **how):
        path = tmp_path / "release.pt"
        torch.save(content, path, **how)
        return path

    return write


def refused(path):
    with pytest.raises(UserError) as caught:
        read_reference(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and "\n" not in line and len(line) < 400
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 3}], ids=str)
def test_read_reference_keeps_every_tensor(write, how):
    """A model wider than high, in both file formats."""
    average, moving, discriminator = networks()
    found = read_reference(write(release.checkpoint(SETTINGS, average, moving, discriminator), **how))
    for ours, theirs in ((found.generator, average), (found.moving, moving), (found.discriminator, discriminator)):
        for name, tensor in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], tensor), name
    assert {key: found.settings[key] for key in SETTINGS} == SETTINGS
    assert (found.moments, found.notes) == ({}, [])


def test_read_reference_without_optional_networks(write):
    average, moving, _ = networks()
    found = read_reference(write(content(g=None, d=None)))
    assert (found.moving, found.discriminator) == (None, None)
    assert torch.equal(found.generator.local.weight, average.local.weight)
    whole = content()
    del whole["g_ema"]
    assert torch.equal(read_reference(write(whole)).generator.local.weight, moving.local.weight)


def test_read_reference_ignores_other_plain_values(write):
    read_reference(write(content(iteration=7, lengths=torch.ones(2), words=["a", ("b", None)], counts=Counter("aab"))))


def test_read_reference_widens_half_precision(write):
    half = {name: tensor.half() for name, tensor in content()["g_ema"].items()}
    weight = read_reference(write(content(g_ema=half))).generator.local.weight
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, networks()[0].local.weight, rtol=1e-3, atol=1e-3)


class Bomb:
    """Pickles as a call of `function(argument)`."""

    def __init__(self, function, argument):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
@pytest.mark.parametrize("place", ["g_ema", "args", "extra", "in args", "alone"])
def test_read_names_a_payload_without_running_it(write, tmp_path, how, place):
    bomb = Bomb(os.system, f"touch {tmp_path / 'exploded'}")
    spoiled = {
        "g_ema": lambda: content(g_ema=bomb), "args": lambda: content(args=bomb), "extra": lambda: content(more=[bomb]),
        "in args": lambda: content(args=Namespace(size=bomb)), "alone": lambda: bomb,
    }[place]()  # fmt: skip
    line = refused(write(spoiled, **how))
    assert line.startswith(f"cannot be read (it holds '{os.system.__module__}.system', and only tensors, plain values")
    assert "and argparse.Namespace are read" in line
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Path("x"), "pathlib."), (Fraction(1, 2), "fractions.Fraction"), (print, "print"),
        (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"), (Bomb(eval, "1 + 1"), "eval"),
        (Bomb(exec, "import os"), "exec"), (Bomb(__import__, "os"), "__import__"),
    ],
    ids=["path", "fraction", "function", "module", "eval", "exec", "import"],
)  # fmt: skip
def test_read_names_a_foreign_class(write, value, name):
    for spoiled in (content(args=Namespace(value=value)), content(more=value)):
        line = refused(write(spoiled))
        assert line.startswith("cannot be read (it holds '") and name in line


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0, 1, 4, 0.1, 0.5, 0.99])
def test_read_refuses_a_truncated_file(write, how, part):
    path = write(content(), **how)
    whole = path.read_bytes()
    path.write_bytes(whole[: part if isinstance(part, int) else int(part * len(whole))])
    assert refused(path).startswith("is damaged or not a checkpoint of the release (")


def foreign_file(kind):
    if kind == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("word/document.xml", "<a/>")
        return archive.getvalue()
    if kind == "script":
        script = io.BytesIO()
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), script)
        return script.getvalue()
    return {"text": b"hello\n" * 99, "png": b"\x89PNG\r\n\x1a\n" + bytes(99), "pickle": pickle.dumps({}, protocol=4)}[
        kind
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["text", "png", "zip", "pickle", "script"])
def test_read_refuses_a_foreign_file(tmp_path, kind):
    path = tmp_path / "x.pt"
    path.write_bytes(foreign_file(kind))
    assert refused(path).startswith(("is damaged or not a checkpoint of the release (", "cannot be read (it holds "))


def test_read_refuses_a_missing_file_and_a_folder(tmp_path):
    assert refused(tmp_path / "none.pt") == "does not exist"
    assert refused(tmp_path) == "cannot be read (Is a directory)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "is damaged or not a checkpoint of the release (the content is [1, 2]; a dict is needed)"),
        (torch.zeros(3), "is damaged or not a checkpoint of the release (the content is a Tensor; a dict is needed)"),
        ({}, "checkpoint has no 'args'"),
        ({"args": [1]}, "is damaged or not a checkpoint of the release (args is [1]; a dict is needed)"),
        ({"args": {3: 4}}, "is damaged or not a checkpoint of the release (args has the key 3; text is needed)"),
        ({"args": Namespace()}, "checkpoint 'args' has no 'seg_dim'"),
        ({**content(), "g_ema": None, "g": None}, "checkpoint has neither 'g_ema' nor 'g'"),
        (
            {**content(), "g_ema": [1]},
            "is damaged or not a checkpoint of the release (g_ema is [1]; a dict is needed)",
        ),
    ],
    ids=["list", "tensor", "empty", "args", "keys of args", "no args", "no generator", "no state"],
)
def test_read_refuses_other_content(write, value, message):
    assert refused(write(value)).startswith(message)


def grown():
    """Settings of a large model, and every tensor of it as a view of one number."""
    settings = {**SETTINGS, "local_channels": 4096, "coarse_channels": 4096}
    with torch.device("meta"):
        network = Generator(**settings)
    state = {name: torch.ones(1).expand(x.shape) for name, x in release.state(network).items()}
    return content(args=release.arguments(settings), g_ema=state, g=None, d=None)


def laughs(depth=40):
    value = "ha"
    for _ in range(depth):
        value = [value] * 9
    return value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (grown, "cannot be read (its tensors claim "),
        (lambda: content(more=laughs()), "cannot be read (it has more than 10,000,000 values"),
        (lambda: content(args=Namespace(seg_dim=laughs())), "cannot be read (it has more than 10,000,000 values"),
        (lambda: content(args=laughs()), "cannot be read (it has more than 10,000,000 values"),
        (lambda: content(args=laughs(5)), "is damaged or not a checkpoint of the release (args is a list; a dict"),
        (
            lambda: content(g=laughs(5)),
            "is damaged or not a checkpoint of the release (g is a list; a dict is needed)",
        ),
    ],
    ids=["expanded", "more", "setting", "args", "few in args", "few in g"],
)
def test_read_refuses_what_grows(write, make, message):
    assert refused(write(make())).startswith(message)


@pytest.mark.parametrize(
    ("key", "name", "value", "message"),
    [
        (
            "g_ema",
            "pos_embed.weights",
            [1.0],
            "(g_ema['pos_embed.weights'] is [1.0]; a tensor of finite",
        ),
        ("d", "final_linear.1.bias", torch.ones(1).long(), "(d['final_linear.1.bias'] is a Tensor; a tensor of finite"),
        ("g", "style.1.bias", None, "the generator has no 'style.1.bias'"),
        ("d", "convs_seg.1.skip.1.weight", None, "the discriminator has no 'convs_seg.1.skip.1.weight'"),
        ("g_ema", "local_nets.3.x", torch.ones(1), "the generator has 'local_nets.3.x', which this model does not"),
        ("d", "extra", torch.ones(1), "the discriminator has 'extra', which this model does not have"),
        ("g_ema", "style.1.bias", torch.ones(9), "'style.1.bias' has shape (9,); its settings ask for (8,)"),
        ("g", "local_nets.1.to_feat.bias", torch.ones(1, 9, 1, 1), "shape (1, 9, 1, 1); its settings ask for (8,)"),
        ("g", "render_net.convs.0.noise.weight", torch.ones(2), "has shape (2,); its settings ask for ()"),
    ],
)
def test_read_reference_names_the_tensor_that_does_not_fit(write, key, name, value, message):
    state = content()[key] | {name: value}
    assert message in refused(write(content(**{key: {k: v for k, v in state.items() if v is not None}})))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seg_dim", 1, "seg_dim is 1; a whole number from 2 to 4096 needed"),
        ("seg_dim", 4, "the generator has no 'local_nets.3"),
        ("seg_dim", True, "seg_dim is True; a whole number"),
        ("latent", 16, "its settings ask for"),
        ("height", 1 << 40, "height is 1099511627776; a whole number from 1 to 4096 needed"),
        ("height", 1 << 600, "height is a huge number; a whole number from 1 to 4096 needed"),
        ("n_mlp", "8", "n_mlp is '8'; a whole number"),
        ("n_mlp", torch.tensor(2), "n_mlp is a Tensor; a whole number"),
        ("n_mlp", laughs(5), "n_mlp is a list; a whole number"),
        ("coarse_size", 0, "coarse_size is 0; a whole number"),
        ("min_feat_size", 4096, "the generator has 'render_net.convs.0.activate.bias', which this model does not have"),
        ("base_layers", 3, "depth_layers is 2; a number from base_layers to local_layers needed"),
        ("channel_multiplier", float("nan"), "channel_multiplier is nan; a number above 0"),
        ("residual_refine", torch.ones(2), "residual_refine is a Tensor; true or false needed"),
        ("residual_refine", 1, "residual_refine is 1; true or false needed"),
        ("transparent_dims", (3,), "transparent_dims is [3]; a list of classes, each 0 to 2"),
        ("transparent_dims", torch.ones(2), "transparent_dims is a Tensor; a list of classes"),
        ("transparent_dims", [torch.tensor(1)], "transparent_dims is [a Tensor]; a list of classes"),
        ("transparent_dims", "0", "transparent_dims is '0'; a list of classes"),
    ],
)
def test_read_reference_names_the_setting_that_does_not_fit(write, name, value, message):
    args = Namespace(**{**vars(content()["args"]), name: value})
    assert message in refused(write(content(args=args)))


@pytest.mark.parametrize("value", [torch.ones(2), "yes", 1, None, False])
def test_read_reference_ignores_an_odd_detach_texture(write, value):
    args = Namespace(**{**vars(content()["args"]), "detach_texture": value})
    assert read_reference(write(content(args=args))).notes == []
