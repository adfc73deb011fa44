"""Pictures of a trained model, and the files they are written to."""

import io
from contextlib import suppress

import numpy as np
import pytest
import torch
from PIL import Image

from composegan.cli import main
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.random_codes import draw_codes
from composegan.model.sample import concat_samples


def pixels(path):
    return np.asarray(Image.open(path))


def test_samples_have_images_labels_and_codes(model):
    samples = model.sample(5, seed=3)
    assert samples.images.shape == (5, 16, 16, 3) and samples.images.dtype == np.uint8
    assert samples.labels.shape == (5, 16, 16) and samples.labels.dtype == np.uint8 and samples.labels.max() < 3
    assert samples.codes.slots.shape == (5, 1 + 2 * 3, 16) and samples.codes.slots.dtype == torch.float32
    assert len(np.unique(samples.images, axis=0)) == 5 == len(samples)
    assert repr(samples) == "Samples(5 pictures, 16x16, 3 classes)"


def test_one_of_the_samples(model):
    samples = model.sample(3)
    one = samples[1]
    np.testing.assert_array_equal(np.asarray(one.image), samples.images[1])
    np.testing.assert_array_equal(np.asarray(one.mask), samples.masks[1])
    np.testing.assert_array_equal(one.labels, samples.labels[1])
    assert torch.equal(one.codes.slots, samples.codes.slots[1:2]) and repr(one) == "Sample(16x16)"
    assert len(list(samples)) == 3 and len(samples[[0, 2]]) == 2
    with pytest.raises(IndexError):
        samples[3]


def test_samples_show_themselves_as_a_numbered_sheet(model, monkeypatch):
    samples, shown = model.sample(4), []
    sheet = Image.open(io.BytesIO(samples._repr_png_()))
    assert sheet.format == "PNG" and sheet.size == samples.sheet().size > samples.contact_sheet().size
    monkeypatch.setattr(Image.Image, "show", lambda image: shown.append(image.size))
    samples.show()
    samples[0].show()
    assert shown == [sheet.size, (32, 16)]


def test_concat_joins_samples(model):
    one, two = model.sample(2), model.sample(1, seed=3)
    joined = concat_samples([one, two])
    np.testing.assert_array_equal(joined.images[2], two.images[0])
    assert len(joined.codes) == 3


def assert_same(samples, others):
    """Equal up to the order of summation in the codes, and up to rounding in the pictures."""
    torch.testing.assert_close(samples.codes.slots, others.codes.slots, rtol=1e-5, atol=1e-6)
    assert np.abs(samples.images.astype(int) - others.images).max() <= 1
    assert (samples.labels == others.labels).mean() > 0.999


@pytest.mark.parametrize(("n", "batch"), [(1, 16), (3, 16), (7, 1), (7, 3), (12, 5)])
def test_a_picture_depends_on_seed_and_number_only(model, n, batch):
    assert_same(model.sample(7, seed=1)[:n], model.sample(n, seed=1, batch=batch)[:7])


@pytest.mark.parametrize("channels", [3, 16, 20, 33])
def test_a_picture_does_not_depend_on_n_for_any_code_width(model, channels, monkeypatch):
    """Torch draws the last values of a tensor differently from the same values of a longer one."""
    drawn = []
    monkeypatch.setattr(model.generator, "latent_channels", channels)
    monkeypatch.setattr(model.generator, "map", lambda z: drawn.append(z) or torch.zeros(len(z), 16))
    for n in (2, 9):
        with suppress(ValueError):  # codes of another width than the model's
            draw_codes(model, n)
    assert torch.equal(drawn[0], drawn[1][:2])


def test_another_seed_gives_another_picture(model):
    assert not np.array_equal(model.sample(1, seed=0).images, model.sample(1, seed=1).images)
    assert not torch.equal(model.codes(1, truncation=0.5).slots, model.codes(1).slots)


def test_sampling_leaves_the_global_generator_alone(model):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = model.sample(2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    np.testing.assert_array_equal(model.sample(2).images, one.images)


def test_truncation_moves_codes_towards_the_mean(model):
    none, half, full = (model.sample(4, truncation=psi) for psi in (1.0, 0.5, 0.0))
    mean = model.mean_code
    torch.testing.assert_close(half.codes.slots - mean, (none.codes.slots - mean) / 2, atol=1e-6, rtol=0)
    assert torch.equal(full.codes.slots, mean.expand(4, 7, 16))
    assert (full.images == full.images[0]).all() and (full.labels == full.labels[0]).all()


@pytest.mark.parametrize("truncation", [1.0, 0.6])
def test_codes_of_samples_draw_the_same_pictures(model, truncation):
    samples = model.sample(4, truncation=truncation)
    again = model.synthesize(samples.codes.slots)
    image = again.image.clamp(-1, 1).mul(127.5).add(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(image, samples.images)
    np.testing.assert_array_equal(again.mask.labels().numpy(), samples.labels)


@pytest.mark.parametrize(("n", "batch", "what"), [(0, 1, "n=0"), (-1, 1, "n=-1"), (1, 0, "batch=0")])
def test_nothing_to_draw_raises(model, n, batch, what):
    with pytest.raises(UserError, match=f"^{what}: must be 1 or more$"):
        model.sample(n, batch=batch)


def test_sample_verb_draws_from_codes_numbers_and_the_mean(whole_run, model, tmp_path, capsys):
    first, some, again, mean = (tmp_path / name for name in ("first", "some", "again", "mean"))
    assert main(["sample", f"run={whole_run}", "n=4", f"out={first}"]) == 0
    assert main(["sample", f"run={whole_run}", "pictures=3,1", f"out={some}"]) == 0
    assert main(["sample", f"run={whole_run}", f"codes={some}", f"out={again}"]) == 0
    assert main(["sample", f"run={whole_run}", "mean=on", f"out={mean}"]) == 0
    for ours, other in ((0, 3), (1, 1)):
        picture = pixels(first / "images" / f"{other:05d}.png")
        np.testing.assert_array_equal(pixels(some / "images" / f"{ours:05d}.png"), picture)
        np.testing.assert_array_equal(pixels(again / "images" / f"{ours:05d}.png"), picture)
    np.testing.assert_array_equal(pixels(mean / "images" / "00000.png"), model.sample(1, truncation=0).images[0])
    assert main(["sample", f"run={whole_run}", f"codes={some}", "pictures=2", f"out={again}"]) == 2
    assert capsys.readouterr().err == f"composegan: pictures=2: {some} has only 0 to 1\n"


def test_sample_verb_writes_images_masks_labels_codes_and_a_sheet(whole_run, model, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["sample", f"run={whole_run}", "n=3", "seed=5", "truncation=0.7", f"out={out}"]) == 0
    assert capsys.readouterr().out == f"wrote {out}; look at {out / 'contact_sheet.png'}\n"
    names = [f"{part}/{number:05d}.png" for part in ("images", "labels", "masks") for number in range(3)]
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == ["codes.npz", "contact_sheet.png", *names]

    samples = model.sample(3, seed=5, truncation=0.7)
    for number in range(3):
        image, labels, mask = (pixels(out / part / f"{number:05d}.png") for part in ("images", "labels", "masks"))
        np.testing.assert_array_equal(image, samples.images[number])
        np.testing.assert_array_equal(labels, samples.labels[number])
        np.testing.assert_array_equal(mask, np.array(model.colors, np.uint8)[labels])
    assert torch.equal(Codes.load(out, model).slots, samples.codes.slots)
    np.testing.assert_array_equal(pixels(out / "contact_sheet.png"), np.asarray(samples.contact_sheet()))


def test_sample_verb_reports_mistakes_in_one_line(whole_run, tmp_path, error_line, full_disk):
    (tmp_path / "file").touch()
    (tmp_path / "young").mkdir()
    (tmp_path / "young" / "config.yaml").write_text("seed: 0\n")
    for given, line in (
        (f"run={tmp_path}", f"run={tmp_path}: is not a run"),
        (f"model={tmp_path}/none", f"{tmp_path}/none: is not a saved model (no such folder)"),
        (f"run={tmp_path}/young", f"{tmp_path}/young: is not a saved model ("),
    ):
        assert error_line("sample", given).startswith(line)
    out = tmp_path / "file" / "out"
    line = error_line("sample", f"run={whole_run}", "n=1", f"out={out}")
    assert line == f"{out}: cannot be written (Not a directory); choose another folder"
    out = tmp_path / "out"
    with full_disk(100):
        line = error_line("sample", f"run={whole_run}", f"out={out}")
    assert line == f"{out}: cannot be written (no space left on the disk)"
