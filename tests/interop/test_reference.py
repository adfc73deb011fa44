"""The paper's model, number for number: our networks, filled with the release's seeded weights, give its answers.

In float32, as the release answered, and (slow) in float64. Values agree to 1e-5. Gradients of networks of leaky ReLUs have
steps, where a pre-activation of about 0 rounds to one side there and to the other here; what that moves is measured in
docs/parity.md, and MOST below leaves it that room and little more. The norm of the gradient is compared for every
tensor there is.
"""

from __future__ import annotations

import statistics

import numpy as np
import pytest
import torch
from torch import Tensor

from composegan.config.errors import UserError
from composegan.interop.reference import convert
from composegan.losses.adversarial import discriminator_loss, generator_loss
from composegan.losses.regularizers import mask_loss, path_length, r1_penalty
from composegan.models.semantic_map import SemanticMap

from . import reference_files as files
from . import release_names as release

SINGLE, DOUBLE = torch.float32, torch.float64
CASES = [
    pytest.param(("faces64_k5", SINGLE), id="faces64_k5"),
    pytest.param(("faces128_k13", SINGLE), id="faces128_k13", marks=pytest.mark.slow),
    pytest.param(("faces64_k5", DOUBLE), id="faces64_k5-float64", marks=pytest.mark.slow),
]
pytestmark = pytest.mark.skipif(not files.FOLDER.is_dir(), reason=f"no reference numbers at {files.FOLDER}")

MOST = {
    SINGLE: {
        "r1 values": 1e-4, "path values": 5e-4,
        "d": 3e-4, "g": 5e-4, "g noise": 1e-2, "r1": 1e-3, "r1 bias": 2e-2, "path": 1e-2, "path depth bias": 0.3,
        "median": 2e-5, "median of path": 1e-3,
    },
    DOUBLE: {
        "r1 values": 1e-6, "path values": 5e-4,
        "d": 1e-5, "g": 1e-4, "g noise": 2e-3, "r1": 1e-5, "r1 bias": 5e-3, "path": 4e-3, "path depth bias": 0.2,
        "median": 5e-6, "median of path": 1e-3,
    },
}  # fmt: skip
"""The greatest relative difference: of values, of gradients' norms by kind of tensor, and of their medians.

Four kinds are apart, sums that nearly cancel: a noise strength; a bias in R1, which moves that penalty by way of the
minibatch deviation alone; all of the path penalty, a gradient of a gradient; in it, a depth head's bias.
"""


class Case:
    """A reference file with our networks, filled once and used by every test of the file."""

    def __init__(self, name: str, dtype: torch.dtype) -> None:
        self.file, self.dtype, self.most = files.read(name), dtype, MOST[dtype]
        found = convert(self.file.checkpoint)
        self.generator, self.discriminator = found.generator.to(dtype), found.discriminator.to(dtype)
        self.answers, self.classes = self.file.answers, self.file.config["classes"]
        self.z, self.wplus = (self.answers[key].to(dtype) for key in ("z", "wplus"))
        self.labels = SemanticMap.from_labels(self.answers["real_labels"], self.classes)

    def normal(self, seed: int) -> Tensor:
        size = self.file.config["size"]
        draws = np.random.RandomState(self.file.seed + seed).standard_normal((len(self.z), 3, size, size))
        return torch.from_numpy(draws.astype(np.float32))

    def real(self) -> Tensor:
        return torch.tanh(self.normal(12)).to(self.dtype)

    def fresh(self) -> Case:
        """Without gradients of an earlier test."""
        for network in (self.generator, self.discriminator):
            network.requires_grad_(True)
            network.zero_grad()
        return self

    def check_gradients(self, kind: str, ours: dict[str, Tensor]) -> None:
        """The gradient's norm of every tensor of the network, each within what its kind is held to.

        Norms are summed in float32, as the file's were: on a tensor of millions that is up to 4e-4 off.
        """
        theirs = {
            name.removeprefix(f"{kind}/"): norm
            for name, norm in self.file.gradient_norms.items()
            if name.startswith(f"{kind}/")
        }
        assert theirs.keys() == ours.keys()
        found = {name: ours[name].float().contiguous().norm().item() for name in theirs}
        none = [name for name, norm in theirs.items() if norm == 0]
        assert none == [name for name, norm in found.items() if norm == 0]
        errors = {name: abs(found[name] - norm) / norm for name, norm in theirs.items() if norm > 0}
        too_far = {name: error for name, error in errors.items() if error > self.most[family(kind, name)]}
        assert too_far == {}
        assert statistics.median(errors.values()) < self.most["median of path" if kind == "path" else "median"]


def family(kind: str, name: str) -> str:
    """Which entry of MOST a tensor's gradient is held to."""
    if kind == "g" and name.endswith("noise.weight"):
        return "g noise"
    if kind == "r1" and name.endswith("bias"):
        return "r1 bias"
    if kind == "path" and name.endswith("to_depth.bias"):
        return "path depth bias"
    return kind


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*request.param)


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Norm of the difference over norm."""
    return ((ours.double() - theirs.double()).norm() / theirs.double().norm()).item()


@torch.no_grad()
def test_synthesis(case: Case):
    answers, w = case.answers, case.generator.map(case.z)
    assert relative(w, answers["w"]) < 1e-5
    result = case.generator(w)
    assert relative(result.image, answers["rgb"]) < 1e-5
    assert relative(result.mask.logits(), answers["seg"]) < 1e-5
    assert relative(result.coarse, answers["seg_coarse"]) < 1e-5
    assert relative(result.depth, answers["depths"]) < 1e-5


@torch.no_grad()
def test_slots_and_expanded_codes(case: Case):
    for codes in (case.wplus, case.generator.expand(case.wplus)):
        result = case.generator(codes)
        assert relative(result.image, case.answers["rgb_wplus"]) < 1e-5
        assert relative(result.mask.logits(), case.answers["seg_wplus"]) < 1e-5


@torch.no_grad()
def test_truncation(case: Case):
    w = case.generator.map(case.z)
    result = case.generator(w, truncation=0.7, mean_code=w.mean(dim=0))
    assert relative(result.image, case.answers["rgb_trunc07"]) < 1e-5


@torch.no_grad()
def test_composition_mask(case: Case):
    keep = torch.zeros(len(case.z), case.classes)
    keep[:, [0, 1, case.classes - 1]] = 1
    result = case.generator(case.generator.map(case.z), classes=keep)
    assert relative(result.image, case.answers["rgb_only_0_1_last"]) < 1e-5
    assert relative(result.coarse, case.answers["seg_coarse_only_0_1_last"]) < 1e-5


def test_r1(case: Case):
    answers, discriminator = case.answers, case.fresh().discriminator
    image, embedded = case.real().requires_grad_(), discriminator.embed(case.labels)
    scores = discriminator.judge(image, embedded)
    penalty = r1_penalty(scores, image, embedded, discriminator.mask_stem.metric())
    assert relative(scores, answers["d_real"]) < 1e-5
    assert relative(penalty.image, answers["r1_img"]) < case.most["r1 values"]
    assert relative(penalty.mask, answers["r1_seg"]) < case.most["r1 values"]
    (10 / 2 * penalty.image + 1000 / 2 * penalty.mask).backward()
    case.check_gradients("r1", release.discriminator_tensors(discriminator))


def test_discriminator_loss(case: Case):
    answers, discriminator = case.answers, case.fresh().discriminator
    with torch.no_grad():
        fake = case.generator(case.generator.map(case.z))
    on_fake = discriminator(fake.image, fake.mask)
    loss = discriminator_loss(discriminator(case.real(), case.labels), on_fake)
    assert relative(on_fake, answers["d_fake"]) < 1e-5
    assert relative(loss, answers["d_loss"]) < 1e-5
    loss.backward()
    case.check_gradients("d", release.discriminator_tensors(discriminator))


def test_generator_and_mask_loss(case: Case):
    answers, generator = case.answers, case.fresh().generator
    case.discriminator.requires_grad_(False)
    fake = generator(generator.map(case.z))
    loss, tie = generator_loss(case.discriminator(fake.image, fake.mask)), mask_loss(fake.coarse, fake.mask)
    assert relative(loss, answers["g_loss"]) < 1e-5
    assert relative(tie, answers["mask_loss"]) < 1e-5
    (loss + 100 * tie).backward()
    case.check_gradients("g", release.generator_tensors(generator))


def test_path_length(case: Case):
    answers, generator = case.answers, case.fresh().generator
    # The file's codes were inputs: no gradient went on into the mapping network.
    codes = generator.expand(generator.map(case.z)).detach().requires_grad_()
    image = generator(codes).image
    result = path_length(image, codes, torch.zeros((), dtype=case.dtype), case.normal(14).to(case.dtype))
    assert relative(result.lengths, answers["path_lengths"]) < case.most["path values"]
    assert relative(result.penalty, answers["path_penalty"]) < case.most["path values"]
    assert relative(result.mean, 0.01 * answers["path_lengths"].mean()) < case.most["path values"]
    result.penalty.backward()
    case.check_gradients("path", release.generator_tensors(generator))


def test_every_tensor_of_the_release_is_compared(case: Case):
    """The names that gradients are compared under, and the stored noise maps, are all that the release has."""
    maps = {f"render_net.noises.noise_{i}" for i in range(len(case.generator.renderer.convs))}
    assert release.generator_tensors(case.generator).keys() | maps == set(case.file.generator_names)
    assert release.discriminator_tensors(case.discriminator).keys() == set(case.file.discriminator_names)


def test_conversion_changes_no_number(case: Case):
    """Every tensor of the release is found again, by its own name, as it was."""
    def itself(parameter: Tensor) -> Tensor:
        return parameter.detach()

    found = release.generator_tensors(case.generator, itself) | {
        f"render_net.noises.noise_{i}": getattr(case.generator.renderer, f"noise_{i}")
        for i in range(len(case.generator.renderer.convs))
    }
    for name in case.file.generator_names:
        theirs = case.file.checkpoint["g_ema"][name]
        assert torch.equal(found[name].flatten(), theirs.to(case.dtype).flatten()), name
    found = release.discriminator_tensors(case.discriminator, itself)
    for name in case.file.discriminator_names:
        theirs = case.file.checkpoint["d"][name]
        assert torch.equal(found[name].flatten(), theirs.to(case.dtype).flatten()), name


def test_a_checkpoint_that_does_not_fit_is_refused():
    checkpoint = files.read("faces64_k5").checkpoint
    state = checkpoint["g_ema"]
    for change, said in (
        ({"args": None}, "no 'args'"),
        ({"g_ema": None, "g": None}, "neither 'g_ema' nor 'g'"),
        ({"args": {**checkpoint["args"], "seg_dim": 6}}, "the generator has no 'local_nets.5"),
        ({"args": {**checkpoint["args"], "latent": 256}}, "settings ask for"),
        ({"g_ema": {**state, "extra.weight": torch.zeros(1)}}, "'extra.weight', which this model has not"),
        ({"args": {k: v for k, v in checkpoint["args"].items() if k != "n_mlp"}}, "no 'n_mlp'"),
    ):
        with pytest.raises(UserError, match=said):
            convert({**checkpoint, "d": None, **change})
