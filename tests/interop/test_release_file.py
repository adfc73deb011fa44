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
from composegan.interop.release_file import read, read_reference
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
    assert line.startswith(f"holds '{os.system.__module__}.system'; only tensors, plain values and one argparse")
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
    assert refused(write(content(args=Namespace(value=value)))).startswith("holds '")
    assert name in refused(write(content(more=value)))


def test_read_ignores_safe_globals_of_other_libraries(write):
    with torch.serialization.safe_globals([Fraction]):
        before = set(torch.serialization.get_safe_globals())
        path = write({"more": Fraction(1, 2)})
        torch.load(path, weights_only=True)
        assert "holds 'fractions.Fraction'" in refused(path)
        assert set(torch.serialization.get_safe_globals()) == before
    read(write(content()))
    assert Namespace not in torch.serialization.get_safe_globals()


def test_read_sets_namespace_attributes_without_calling_methods(write):
    args = Namespace(update=3)
    vars(args)["__class__"] = vars(args)["__setstate__"] = "x"
    found = read(write(content(args=args)))["args"]
    assert type(found) is Namespace and vars(found)["update"] == 3


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0, 1, 4, 0.1, 0.5, 0.99])
def test_read_refuses_a_truncated_file(write, how, part):
    path = write(content(), **how)
    whole = path.read_bytes()
    path.write_bytes(whole[: part if isinstance(part, int) else int(part * len(whole))])
    assert refused(path).startswith("is damaged or not a checkpoint of the release (")


def test_read_refuses_a_wrong_checksum(write):
    path = write(content())
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    assert "checksum" in refused(path) or "CRC" in refused(path)


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
    assert refused(path).startswith("is damaged or not a checkpoint of the release (")


def test_read_refuses_a_missing_file_and_a_folder(tmp_path):
    assert refused(tmp_path / "none.pt") == "does not exist"
    assert refused(tmp_path) == "cannot be read (Is a directory)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "is not a checkpoint of the release (it is a list)"),
        (torch.zeros(3), "is not a checkpoint of the release (it is a Tensor)"),
        ({}, "checkpoint has no 'args'"),
        ({"args": [1]}, "is not a checkpoint of the release ('args' is a list)"),
        ({"args": Namespace()}, "checkpoint 'args' has no 'seg_dim'"),
        ({**content(), "g_ema": None, "g": None}, "checkpoint has neither 'g_ema' nor 'g'"),
        ({**content(), "g_ema": [1]}, "is not a checkpoint of the release ('g_ema' is a list)"),
    ],
    ids=["list", "tensor", "empty", "args", "no args", "no generator", "no state"],
)
def test_read_refuses_other_content(write, value, message):
    assert refused(write(value)).startswith(message)


@pytest.mark.parametrize(
    ("key", "name", "value", "message"),
    [
        ("g_ema", "pos_embed.weights", [1.0], "'g_ema' has 'pos_embed.weights', which is not a tensor"),
        ("d", "final_linear.1.bias", torch.ones(1).long(), "'final_linear.1.bias' of 'd' does not hold plain floating"),
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
        ("seg_dim", 1, "seg_dim is '1'; a whole number from 2 to 4096 needed"),
        ("seg_dim", 4, "the generator has no 'local_nets.3"),
        ("latent", 16, "its settings ask for"),
        ("height", 1 << 40, "height is '1099511627776'; a whole number from 1 to 4096 needed"),
        ("n_mlp", "8", "n_mlp is '8'; a whole number"),
        ("coarse_size", 0, "coarse_size is '0'; a whole number"),
        ("min_feat_size", 4096, "the generator has 'render_net.convs.0.activate.bias', which this model does not have"),
        ("base_layers", 3, "depth_layers is '2'; a number from base_layers to local_layers needed"),
        ("channel_multiplier", float("nan"), "channel_multiplier is 'nan'; a number above 0"),
        ("transparent_dims", (3,), "transparent_dims is '(3,)'; a list of classes, each 0 to 2"),
        ("transparent_dims", torch.ones(2), "transparent_dims is 'tensor([1., 1.])'; a list of classes"),
    ],
)
def test_read_reference_names_the_setting_that_does_not_fit(write, name, value, message):
    args = Namespace(**{**vars(content()["args"]), name: value})
    assert message in refused(write(content(args=args)))
