"""The segmenter that generated masks are compared with."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from composegan.config.compose import open_domain
from composegan.config.schema import DataConfig
from composegan.data.open import open_source
from composegan.errors import UserError
from composegan.evaluation import segmenter
from composegan.evaluation.real import real_set
from composegan.evaluation.segmenter import shrink, trained_segmenter
from composegan.metrics.layout import intersection_over_union

CPU = torch.device("cpu")


@pytest.fixture
def open_real(shapes, monkeypatch):
    """(cache folder, how many images) -> the folder of shapes, whose classes are told apart by their colours."""
    monkeypatch.setattr(segmenter, "STEPS", 30)
    domain, root = (text.partition("=")[2] for text in shapes)
    data = DataConfig(root=root, height=16, width=16)
    source = open_source(open_domain(domain), data)
    return lambda cache=None, most=100: real_set(source, data, 3, "shapes", most, cache)


def test_segmenter_learns_the_classes_and_is_cached(open_real, tmp_path, monkeypatch):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    real = open_real(tmp_path)
    trained = trained_segmenter(real, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert (trained.learned_from, trained.held_out) == (6, 1) and trained.held_out_pixels.sum() == 16 * 16
    assert intersection_over_union(trained.held_out_pixels).min() > 0.7
    ((images, labels),) = real.batches(real.numbers)
    small, target = shrink(images, labels)
    assert (trained.predict(small) == target).double().mean() > 0.9

    monkeypatch.setattr(segmenter, "train", None)  # fails if it is trained again
    again = trained_segmenter(open_real(tmp_path), CPU)
    assert torch.equal(again.predict(small), trained.predict(small))
    for name in segmenter.CONFUSIONS:
        assert torch.equal(getattr(again, name), getattr(trained, name))


def test_segmenter_of_an_older_cache_keeps_its_weights(open_real, tmp_path, monkeypatch):
    """Older files have no confusions of other masks and of blurred images: these are measured without training."""
    monkeypatch.setattr(segmenter, "STEPS", 2)
    first = trained_segmenter(open_real(tmp_path), CPU)
    (path,) = tmp_path.rglob("segmenter-*.safetensors")
    state = load_file(path)
    save_file({name: tensor for name, tensor in state.items() if name not in segmenter.CONFUSIONS[1:]}, path)
    monkeypatch.setattr(segmenter, "train", None)
    again = trained_segmenter(open_real(tmp_path), CPU)
    assert torch.equal(again.blurred_pixels, first.blurred_pixels)
    assert load_file(path).keys() == state.keys()


def test_references_of_mask_consistency():
    """A network that reads the class from a pixel's red: halving loses a line of one pixel, and keeps an edge."""
    labels = torch.zeros(2, 4, 4, dtype=torch.uint8)
    labels[0, :, 2:], labels[1, :, 2] = 1, 1
    images = (labels * 255)[:, None].expand(-1, 3, -1, -1).contiguous()

    class Red(torch.nn.Module):
        head = torch.nn.Conv2d(1, 2, 1)

        def forward(self, images):
            return torch.stack((-images[:, 0], images[:, 0]), dim=1)

    own, others, blurred = segmenter._held_out(Red(), images, labels).values()
    assert own.tolist() == [[20, 0], [0, 12]]
    assert others.tolist() == [[16, 4], [4, 8]]
    assert blurred.tolist() == [[20, 0], [4, 8]]


def test_segmenter_with_a_damaged_cache_is_retrained(open_real, tmp_path, monkeypatch):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    first = trained_segmenter(open_real(tmp_path), CPU)
    (path,) = tmp_path.rglob("segmenter-*.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    again = trained_segmenter(open_real(tmp_path), CPU)
    assert torch.equal(first.held_out_pixels, again.held_out_pixels)


def test_shrink_resizes_large_images_and_labels():
    images = torch.zeros(1, 3, 256, 512, dtype=torch.uint8)
    labels = torch.zeros(1, 256, 512, dtype=torch.uint8)
    images[..., 256:], labels[..., 256:] = 255, 2
    small, target = shrink(images, labels)
    assert small.shape == (1, 3, 128, 256) and target.shape == (1, 128, 256) and target.dtype == torch.uint8
    assert target[0, 0].tolist() == [0] * 128 + [2] * 128
    assert small[0, 0, 0, 0] == -1 and small[0, 0, 0, -1] == 1
    same, kept = shrink(images[..., :128, :128], labels[..., :128, :128])
    assert same.shape == (1, 3, 128, 128) and torch.equal(kept, labels[..., :128, :128])


def test_segmenter_needs_two_images(open_real):
    with pytest.raises(UserError, match="^the real set, shapes, has 1 images; a segmenter needs at least 2$"):
        trained_segmenter(open_real(most=1), CPU)
