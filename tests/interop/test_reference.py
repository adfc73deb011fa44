"""Parity with the public release: our networks, given its seeded weights, reproduce its numbers.

The weights take a user's path: a file in the release's format, `composegan import`, `composegan.load` (the
discriminator, which a saved model does not have, comes from the reader that `import` uses).

Both sides compute in float32. Values agree to 1e-5, except for two that depend on where a leaky ReLU bends: a
pre-activation near 0 may round to either side, and the gradient jumps. docs/parity.md measures this: in float64, moving
z by one part in ten million moves a path length by 5e-5, and the release's own path lengths are up to 2e-4 from
their float64 values. Gradient norms are compared for every tensor.
"""

from __future__ import annotations

import statistics
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import composegan
from composegan.cli import main
from composegan.interop.release_file import read_reference
from composegan.losses.adversarial import discriminator_loss, generator_loss
from composegan.losses.regularizers import mask_loss, path_length, r1_penalty
from composegan.networks.semantic_map import SemanticMap

from . import reference_files, release_names


class Case:
    """A reference case with our networks, filled once for all tests of the case."""

    def __init__(self, name: str, folder: Path) -> None:
        self.file = reference_files.read(name)
        self.answers, self.classes = self.file.answers, self.file.config["classes"]
        weights, checkpoint = self.file.checkpoint, folder / f"{name}.pt"
        content = {**weights, "g": weights["g_ema"], "args": Namespace(**weights["args"])}
        torch.save(content, checkpoint)
        classes = [f"- {{name: part {k}, color: [{k}, 0, 0]}}\n" for k in range(self.classes)]
        (folder / "parts.yaml").write_text("classes:\n" + "".join(classes))
        assert main(["import", str(checkpoint), f"out={folder / name}", f"domain={folder / 'parts.yaml'}"]) == 0
        # docs/parity.md's figures use contiguous memory; `load` chooses the faster channels-last, which rounds anew.
        self.generator = composegan.load(folder / name).generator.to(memory_format=torch.contiguous_format)
        self.discriminator = read_reference(checkpoint).discriminator
        checkpoint.unlink()  # it is large
        self.labels = SemanticMap.from_labels(self.answers["real_labels"], self.classes)

    def w(self) -> Tensor:
        return self.generator.map(self.answers["z"])

    def real(self) -> Tensor:
        return torch.tanh(self.file.normal(12))

    def gradient_errors(self, kind: str, network: torch.nn.Module) -> dict[str, float]:
        """By tensor, the relative difference of the gradient's norm."""
        ours = release_names.tensors(network)
        norms = self.file.facts["gradient_norms"].items()
        theirs = {name.partition("/")[2]: norm for name, norm in norms if name.startswith(f"{kind}/")}
        assert theirs.keys() <= ours.keys() and len(theirs) >= 50
        found = {name: ours[name].norm().item() for name in theirs}
        assert {name for name in theirs if theirs[name] == 0} == {name for name in theirs if found[name] == 0}
        return {name: abs(found[name] - norm) / norm for name, norm in theirs.items() if norm > 0}


@pytest.fixture(scope="module", params=["faces64_k5", pytest.param("faces128_k13", marks=pytest.mark.slow)])
def filled(request, tmp_path_factory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def case(filled) -> Case:
    """The case without gradients of an earlier test."""
    for network in (filled.generator, filled.discriminator):
        network.requires_grad_(True)
        network.zero_grad()
    return filled


@torch.no_grad()
def test_synthesis_and_its_latents_match_the_release(case):
    w = case.w()
    keep = torch.zeros(len(w), case.classes)
    keep[:, [0, 1, case.classes - 1]] = 1
    slots = case.answers["wplus"]
    result, from_slots = case.generator(w), case.generator(slots)
    expanded = case.generator(case.generator.expand(slots))
    truncated = case.generator(w, truncation=0.7, mean_code=w.mean(dim=0))
    three = case.generator(w, classes=keep)
    for name, ours in (
        ("w", w), ("rgb", result.image), ("seg", result.mask.logits()), ("seg_coarse", result.coarse),
        ("depths", result.depth), ("rgb_wplus", from_slots.image), ("seg_wplus", from_slots.mask.logits()),
        ("rgb_wplus", expanded.image), ("seg_wplus", expanded.mask.logits()), ("rgb_trunc07", truncated.image),
        ("rgb_only_0_1_last", three.image), ("seg_coarse_only_0_1_last", three.coarse),
    ):  # fmt: skip
        assert case.file.error(ours, name) < 1e-5, name


@pytest.mark.slow
def test_r1_and_its_gradients_match_the_release(case):
    discriminator = case.discriminator
    image, embedded = case.real().requires_grad_(), discriminator.embed(case.labels)
    scores = discriminator.judge(image, embedded)
    penalty = r1_penalty(scores, image, embedded, discriminator.mask_stem.metric())
    assert case.file.error(scores, "d_real") < 1e-5
    assert case.file.error(penalty.image, "r1_img") < 1e-5
    assert case.file.error(penalty.mask, "r1_seg") < 1e-4  # kinks: 2.9e-5; in float64 1e-7
    (10 / 2 * penalty.image + 1000 / 2 * penalty.mask).backward()
    errors = case.gradient_errors("r1", discriminator)
    weights = {name: error for name, error in errors.items() if name.endswith("weight")}
    assert statistics.median(weights.values()) < 1e-4
    assert max(weights.values()) < 1e-3, max(weights, key=weights.get)
    # A bias moves the penalty only through the minibatch deviation: norms of 1e-4, mostly the remainder of kinks.
    assert max(errors.values()) < 2e-2, max(errors, key=errors.get)


@pytest.mark.slow
def test_discriminator_loss_and_its_gradients_match_the_release(case):
    with torch.no_grad():
        fake = case.generator(case.w())
    on_fake = case.discriminator(fake.image, fake.mask)
    loss = discriminator_loss(case.discriminator(case.real(), case.labels), on_fake)
    assert case.file.error(on_fake, "d_fake") < 1e-5
    assert case.file.error(loss, "d_loss") < 1e-5
    loss.backward()
    errors = case.gradient_errors("d", case.discriminator)
    assert statistics.median(errors.values()) < 1e-4  # kinks: 1e-6 or 1.2e-5, depending on the CPU
    assert max(errors.values()) < 2e-4, max(errors, key=errors.get)


def test_generator_and_mask_loss_and_their_gradients_match_the_release(case):
    fake = case.generator(case.w())
    loss, tie = generator_loss(case.discriminator(fake.image, fake.mask)), mask_loss(fake.coarse, fake.mask)
    assert case.file.error(loss, "g_loss") < 1e-5
    assert case.file.error(tie, "mask_loss") < 1e-5
    (loss + 100 * tie).backward()
    errors = case.gradient_errors("g", case.generator)
    strengths = {name for name in errors if name.endswith("noise.weight")}  # one number: a sum that nearly cancels
    assert statistics.median(errors.values()) < 1e-5
    assert max(error for name, error in errors.items() if name not in strengths) < 5e-4  # measured: 7e-5 and 2.1e-4
    assert max(errors[name] for name in strengths) < 1e-2


def test_path_length_and_its_gradients_match_the_release(case):
    # The release took the expanded codes as inputs: its gradient does not reach the mapping network.
    codes = case.generator.expand(case.w()).detach().requires_grad_()
    result = path_length(case.generator(codes).image, codes, torch.zeros(()), case.file.normal(14))
    assert case.file.error(result.lengths, "path_lengths") < 5e-4  # kinks: the release is 2e-4 from float64
    assert case.file.error(result.penalty, "path_penalty") < 5e-4
    assert result.mean.item() == pytest.approx(0.01 * case.answers["path_lengths"].mean().item(), rel=5e-4)
    result.penalty.backward()
    errors = case.gradient_errors("path", case.generator)
    assert statistics.median(errors.values()) < 1e-3
    heads = {name for name in errors if name.endswith("to_depth.bias")}  # norms of 1e-4, nearly cancelled sums
    assert max(error for name, error in errors.items() if name not in heads) < 1e-2


def test_every_tensor_of_the_release_has_a_place(case):
    for network, name in ((case.generator, "generator"), (case.discriminator, "discriminator")):
        ours = {part for parts in release_names.names_of(network).values() for part in parts}
        assert ours == case.file.learned(name)
