"""Distances of pictures as networks see them. LPIPS is held against torchmetrics' own, with weights drawn at random."""

import pytest
import torch
from safetensors.torch import save_file

from composegan.errors import UserError
from composegan.losses import perceptual
from composegan.losses.perceptual import EFFNET, LPIPS, perceptual_distance


@pytest.fixture(scope="module")
def vgg():
    """torchvision's state dict of VGG-16, untrained."""
    from torchvision.models import vgg16

    with torch.device("meta"):
        network = vgg16(weights=None)
    draws, weights = torch.Generator().manual_seed(0), {}
    for name, tensor in network.features.state_dict(prefix="features.").items():
        scale = (2 / tensor[0].numel()) ** 0.5 if tensor.dim() == 4 else 0.1
        weights[name] = scale * torch.randn(tensor.shape, generator=draws)
    return weights


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub"


def pictures(count=2, size=32, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.nn.functional.interpolate(torch.rand(count, 3, 8, 8, generator=draws) * 2 - 1, (size, size))


def between(distance, a, b):
    return distance(distance.maps(a), distance.maps(b))


def test_lpips_equals_published_implementation(vgg, no_cache, tmp_path):
    from torchmetrics.functional.image.lpips import _LPIPS, ScalingLayer

    with torch.device("meta"):  # drawing VGG's weights, to replace them, takes seconds
        theirs = _LPIPS(pretrained=False, net="vgg", pnet_rand=True)
    theirs.scaling_layer = ScalingLayer()
    names = [name for name, _ in theirs.net.named_parameters()]
    theirs.net.load_state_dict(dict(zip(names, vgg.values(), strict=True)), assign=True)
    theirs.load_state_dict(perceptual.torchmetrics_weights(), assign=True, strict=False)
    torch.save(vgg, tmp_path / "vgg.pth")
    ours = perceptual_distance(str(tmp_path / "vgg.pth"), 32)
    a, b = pictures(), pictures(seed=1)
    with torch.no_grad():
        expected = theirs(a, b).flatten()
    assert ours.name == LPIPS and expected.min() > 0
    torch.testing.assert_close(between(ours, a, b), expected, rtol=1e-4, atol=1e-6)


def test_read_vgg_accepts_every_file_format_and_the_cache(vgg, no_cache, tmp_path):
    a, b = pictures(1), pictures(1, seed=1)
    slices = [0, 4, 9, 16, 23, 30]  # where a slice of the lpips package begins

    def slice_of(place):
        return next(i for i in range(5, 0, -1) if place >= slices[i - 1])

    lpips = {}
    for name, tensor in vgg.items():
        _, place, part = name.split(".")
        lpips[f"net.slice{slice_of(int(place))}.{place}.{part}"] = tensor
    lpips["lin0.model.1.weight"] = torch.full((1, 64, 1, 1), 9.0)
    torch.save(vgg, tmp_path / "vgg.pth")
    save_file(vgg, tmp_path / "vgg.safetensors")
    torch.save(lpips, tmp_path / "lpips.pth")
    (no_cache / "checkpoints").mkdir(parents=True)
    torch.save(vgg, no_cache / "checkpoints" / perceptual.VGG_FILE)
    plain, safe, whole, cached = (
        float(between(perceptual_distance(str(file), 32), a, b))
        for file in (tmp_path / "vgg.pth", tmp_path / "vgg.safetensors", tmp_path / "lpips.pth", "")
    )
    assert plain == safe == cached
    assert whole > 5 * plain  # its own weights of the first stage
    assert perceptual_distance("off").name == EFFNET


def test_perceptual_distance_falls_back_to_bundled_network(no_cache):
    distance = perceptual_distance("", 64)
    assert distance.name == EFFNET
    a, b = pictures(2, 32), pictures(2, 32, seed=1)
    same, other = between(distance, a, a), between(distance, a, b)
    assert same.shape == (2,) and same.abs().max() < 1e-6 and other.min() > 0.1
    small = between(distance, a, a + 0.02 * torch.randn(a.shape, generator=torch.Generator().manual_seed(2)))
    assert (small < other).all()
    x = a.clone().requires_grad_()
    between(distance, x, b).sum().backward()
    assert x.grad.isfinite().all() and x.grad.abs().amax(dim=(1, 2, 3)).min() > 0


def test_distance_is_independent_across_batch(no_cache):
    distance, (a, b) = perceptual_distance("off", 32), (pictures(3), pictures(3, seed=1))
    torch.testing.assert_close(between(distance, a, b)[1:2], between(distance, a[1:2], b[1:2]))


def test_resized_keeps_aspect_ratio():
    assert perceptual.resized(torch.zeros(1, 3, 16, 32), 64).shape[2:] == (64, 128)
    assert perceptual.resized(torch.zeros(1, 3, 100, 50), 32).shape[2:] == (64, 32)


@pytest.mark.parametrize(
    "change",
    [
        lambda vgg: None,
        lambda vgg: b"junk",
        lambda vgg: [1],
        lambda vgg: {3: torch.zeros(2)},
        lambda vgg: {"weight": torch.zeros(2)},
        lambda vgg: {"features.0.weight": torch.zeros(64, 3, 11, 11)},
        lambda vgg: {name: x for name, x in vgg.items() if "28" not in name},
        lambda vgg: vgg | {"features.0.weight": torch.zeros(64, 3, 11, 11)},
        lambda vgg: vgg | {"features.28.bias": torch.zeros(256)},
        lambda vgg: vgg | {"features.28.bias": torch.zeros(512, dtype=torch.long)},
        lambda vgg: vgg | {"features.28.bias": [0.0] * 512},
        lambda vgg: vgg | {"lin0.model.1.weight": torch.zeros(1, 3, 1, 1)},
        lambda vgg: {name: x.flatten()[:1].clone().expand(x.shape) for name, x in vgg.items()},
    ],
)
def test_read_vgg_rejects_other_files(vgg, tmp_path, change):
    path, content = tmp_path / "x.pth", change(vgg)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        torch.save(content, path)
    with pytest.raises(UserError, match=f"lpips={path}: .*; lpips=off does without"):
        perceptual_distance(str(path))


def test_read_vgg_widens_half_precision(vgg, tmp_path):
    torch.save({name: tensor.half() for name, tensor in vgg.items()}, tmp_path / "half.pth")
    assert perceptual_distance(str(tmp_path / "half.pth")).network[0].weight.dtype == torch.float32
