"""Pictures of 4:3, 3:4, 16:9 and 3:2: every family builds, trains a step with all its phases, and draws."""

import json
from dataclasses import asdict
from math import isfinite

import pytest
import torch

from composegan.config.compose import compose
from composegan.config.sizes import inner_sizes, is_allowed, nearest_allowed
from composegan.devkit.training_step import TINY
from composegan.metrics.sliced_wasserstein import patch_levels
from composegan.networks.discriminator import halvings
from composegan.networks.layered import Layers
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import Real, State
from composegan.training.step import run_phase

SHAPES = {  # height, width, model.coarse_size, model.min_feat_size
    "4:3": (48, 64, 12, 6),
    "3:4": (64, 48, 6, 3),
    "16:9": (48, 88, 12, 6),  # the discriminator halves 11 columns to 5
    "3:2": (32, 48, 8, 4),
    "7:8": (32, 36, 16, 8),  # an odd number of columns of the render net's input
}


def composed(height, width, coarse, feat, *more):
    tiny = [item for item in TINY.split() if not item.startswith(("data.height", "data.width", "data.root"))]
    sizes = [f"data.height={height}", f"data.width={width}"]
    sizes += [f"model.coarse_size={coarse}", f"model.min_feat_size={feat}"]
    return compose(["domain=faces", "recipe=quick_paper", *tiny, *sizes, *more])


@pytest.mark.parametrize(
    ("shape", "family"),
    [(shape, family) for shape in SHAPES for family in ("paper", "modern")]
    + [("16:9", "modern low rank"), ("4:3", "stylegan2"), ("3:4", "stylegan2")],
)
def test_family_trains_a_step_and_draws(shape, family):
    height, width, coarse, feat = SHAPES[shape]
    family, *rank = family.split(maxsplit=1)
    more = [f"model.family={family}", f"model.mask_rank={3 if rank else 0}"]
    more += ["training.class_sets=all", "training.presence=0"] if family == "stylegan2" else []
    more += ["training.loss=modern"] if family == "modern" else []
    composition = composed(height, width, coarse, feat, *more)
    config, spec = composition.config, composition.plugin.spec
    classes = len(spec.classes)
    torch.manual_seed(0)
    generator, discriminator = build(config, spec, GroupingPlan.per_class(classes))
    labels = torch.randint(0, classes, (2, height, width), dtype=torch.uint8)
    real = Real(torch.rand(2, 3, height, width) * 2 - 1, labels)
    losses = []
    for phase in objective(config.training):

        def backward(loss):
            losses.append(float(loss.detach()))
            loss.backward()

        state = State(generator, discriminator, torch.zeros(()))
        adam = torch.optim.Adam(getattr(state, phase.network).parameters(), lr=1e-3)
        run_phase(phase, state, [real], adam, backward=backward)
    assert len(losses) > 2
    assert all(map(isfinite, losses))
    with torch.no_grad():
        codes = generator.map(torch.randn(2, generator.latent_channels))
        drawn = generator(codes)
        assert drawn.image.shape == (2, 3, height, width)
        assert drawn.mask.logits().shape == (2, classes, height, width)
        short = min(height, width)
        assert drawn.coarse.shape == (2, classes, coarse * height // short, coarse * width // short)
        assert len(patch_levels(drawn.image)) > 0
        if family == "modern":
            layers = generator.layers(codes[:1])
            assert isinstance(layers, Layers)
            assert layers.color.shape[-2:] == (height, width)


def test_allowed_sides_are_powers_of_two_and_three_times_them():
    assert [size for size in range(100) if is_allowed(size)] == [4, 6, 8, 12, 16, 24, 32, 48, 64, 96]
    assert [nearest_allowed(size) for size in (1, 5, 90, 100)] == [[4, 6], [4, 6], [64, 96], [96, 128]]
    assert inner_sizes(48) == [3, 6, 12, 24, 48]
    assert inner_sizes(32) == [4, 8, 16, 32]


def test_sides_are_halved_to_4_or_3():
    assert [size >> halvings(size) for size in (4, 8, 256, 1024, 6, 12, 48, 384)] == [4, 4, 4, 4, 3, 3, 3, 3]


def test_sizes_of_a_recipe_follow_a_side_of_three_times_a_power_of_two():
    composition = compose(["domain=faces", "recipe=quick_paper", "data.height=48", "data.width=64"])
    assert (composition.config.model.coarse_size, composition.config.model.min_feat_size) == (12, 6)
    note = "model.coarse_size=12 in place of 16, model.min_feat_size=6 in place of 8, for a shorter side of 48"
    assert note in composition.notes
    paper = compose(["domain=faces", "recipe=paper256", "data.height=384", "data.width=512"]).config.model
    assert (paper.coarse_size, paper.min_feat_size) == (48, 12)


def write_index(folder, height, width):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"height": height, "width": width}))


def test_size_of_a_pack_is_taken_unless_one_is_given(tmp_path):
    write_index(tmp_path / "train", 96, 128)
    composition = compose(["domain=faces", f"data.root={tmp_path}"])
    assert (composition.config.data.height, composition.config.data.width) == (96, 128)
    assert f"data.height=96 data.width=128, as {tmp_path} was packed" in composition.notes
    given = compose(["domain=faces", f"data.root={tmp_path}", "data.height=64", "data.width=64"])
    assert (given.config.data.height, given.config.data.width) == (64, 64)


def test_damaged_index_of_a_pack_leaves_the_size(tmp_path):
    plain = compose(["domain=faces"]).config
    for text in ("[]", "{}", '{"height": "a", "width": 1}', "no JSON"):
        (tmp_path / "index.json").write_text(text)
        assert asdict(compose(["domain=faces", f"data.root={tmp_path}"]).config.data) == {
            **asdict(plain.data), "root": str(tmp_path),
        }  # fmt: skip
