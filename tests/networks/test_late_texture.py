"""Late texture: whose pixels a texture code reaches, and layers that add up to the picture."""

from __future__ import annotations

import pytest
import torch

from composegan.losses.refinement import refinement_loss
from composegan.networks.foremost import foremost, foremost_of
from composegan.networks.layered import Hidden, layer_order, layers_of
from composegan.networks.local_bank import LocalBank
from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.resample import upsample
from composegan.networks.routing import Routing
from composegan.networks.semantic_map import SemanticMap

SMALL = {
    "classes": 4, "height": 32, "width": 64, "transparent": [2], "latent_channels": 12, "mapping_layers": 2,
    "local_layers": 3, "base_layers": 1, "depth_layers": 2, "local_channels": 8, "coarse_channels": 10,
    "coarse_size": 16, "min_feat_size": 4, "channel_multiplier": 0.01, "max_channels": 12, "recompute": False,
}  # fmt: skip


def modern(**settings) -> ModernGenerator:
    torch.manual_seed(0)
    generator = ModernGenerator(**{**SMALL, **settings}).double()
    with torch.no_grad():  # masks that differ from place to place
        for head in generator.renderer.to_seg:
            head.weight.mul_(3)
    return generator


def slots_of(generator: ModernGenerator, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, generator.layout.slots, generator.latent_channels, dtype=torch.float64)


@pytest.mark.parametrize("settings", [{}, {"group_of": [0, 1, 0, 1]}, {"mask_rank": 3}, {"foremost": 1}])
def test_texture_code_changes_only_pixels_that_its_class_paints(settings):
    generator = modern(**settings)
    slots = slots_of(generator)
    moved = slots.clone()
    moved[:, generator.layout.shape_slot(1) + 1] += 1
    before, after = generator(slots), generator(moved)
    painted = (before.mask.logits().topk(generator.texture.foremost, dim=1).indices == 1).any(dim=1)  # (B, H, W)
    changed = (before.image != after.image).any(dim=1)  # (B, H, W)
    assert 0 < painted.float().mean() < 1
    assert torch.equal(changed, painted)
    assert torch.equal(before.mask.logits(), after.mask.logits())


def test_change_by_texture_code_is_proportional_to_weight_of_class():
    generator = modern(foremost=4, sharpness=1.0)
    slots = slots_of(generator, 1).requires_grad_()
    made = generator(slots)
    weight = made.mask.logits().softmax(dim=1)[0, 1]  # (H, W)
    own = generator._colored(generator.expand(slots), None, None)[0][0, 1]  # (3, H, W)
    texture = generator.layout.shape_slot(1) + 1
    for y, x in ((0, 0), (7, 30), (20, 50)):
        (whole,) = torch.autograd.grad(made.image[0, 0, y, x], slots, retain_graph=True)
        (alone,) = torch.autograd.grad(own[0, y, x], slots, retain_graph=True)
        torch.testing.assert_close(whole[0, texture], weight[y, x] * alone[0, texture])


@pytest.mark.parametrize("classes", [None, [[True, True, False, True], [True, False, True, True]]])
@pytest.mark.parametrize(
    "settings",
    [{"foremost": 4, "sharpness": 0.1}, {}, {"foremost": 1}, {"mask_rank": 3, "group_of": [0, 0, 1, 1]}],
)
def test_layers_laid_over_one_another_are_the_picture(settings, classes):
    generator = modern(**settings)
    slots = slots_of(generator)
    present = None if classes is None else torch.tensor(classes)
    layers = generator.layers(slots, classes=present)
    picture = generator(slots, classes=present).image.clamp(-1, 1)
    torch.testing.assert_close(layers.flattened(), picture, atol=1e-5, rtol=0)
    assert ((layers.opacity >= 0) & (layers.opacity <= 1)).all()
    if present is not None:
        shown = layers.opacity.flatten(2).any(dim=2)  # (B, K), in the order of the layers
        assert not (shown & ~present.gather(1, layers.classes)).any()


def test_layer_continues_below_nearer_layer():
    """What a class hides is drawn as if it and all in front of it were absent: here the background, everywhere."""
    generator = modern()
    slots = slots_of(generator)
    layers = generator.layers(slots)
    assert layers.classes[:, 0].eq(0).all()  # the background
    alone = torch.tensor([True, False, False, False])
    covered = layers.opacity[:, 1:].amax(dim=1) == 1  # (B, H, W)
    assert (layers.opacity[:, 0] == 1).all()
    difference = (layers.color[:, 0] - generator(slots, classes=alone).image.clamp(-1, 1)).abs().amax(dim=1)
    assert covered.any() and (difference[covered] < 1e-5).all()


def test_faint_class_leaves_no_trace_in_layers():
    """The others make up for its colours, and a colour that cannot move further leaves the rest to them."""
    color = torch.tensor([-1.0, 0.2, 0.98]).view(1, 3, 1, 1, 1).expand(1, 3, 3, 1, 2).clone()
    weight = torch.tensor([[0.05, 0.0], [0.35, 0.0], [0.6, 1.0]]).view(1, 3, 1, 2)
    hidden = Hidden(torch.zeros_like(color), torch.tensor([1.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 1, 2))
    layers = layers_of(color, weight, torch.tensor([[0, 1, 2]]), hidden)
    torch.testing.assert_close(layers.opacity[0, :, 0], torch.tensor([[1.0, 1.0], [1.0, 0.5], [0.6 / 0.95, 1.0]]))
    torch.testing.assert_close(layers.flattened(), torch.einsum("bkhw,bkchw->bchw", weight, color))
    assert layers.color[0, 0].eq(0).all()  # as hidden


def test_layers_are_ordered_by_depth_where_a_class_is_seen():
    """Class 1 is near in a corner in which class 2 hides it, and far where it is seen."""
    weight = torch.zeros(1, 3, 4, 4)
    weight[:, 1, :, :2], weight[:, 2, :, 2:] = 1.0, 1.0
    depth = torch.zeros(1, 3, 4, 4)
    depth[:, 1, :, :2], depth[:, 1, :, 2:], depth[:, 2] = 1.0, 9.0, 5.0
    assert layer_order(weight, depth)[0].tolist() == [0, 1, 2]


def test_refined_mask_begins_as_the_coarse_one():
    generator = modern()
    with torch.no_grad():
        for head in generator.renderer.to_seg:
            head.weight.zero_()
    made = generator(slots_of(generator))
    torch.testing.assert_close(made.mask.logits(), upsample(made.coarse))


def test_absent_class_paints_nothing():
    generator = modern()
    slots, present = slots_of(generator), torch.tensor([True, False, True, True])
    moved = slots.clone()
    moved[:, generator.layout.shape_slot(1) : generator.layout.shape_slot(1) + 2] += 1
    assert torch.equal(generator(slots, classes=present).image, generator(moved, classes=present).image)


def test_every_parameter_learns():
    generator = modern(group_of=[0, 0, 1, 1])
    made = generator(generator.map(torch.randn(4, 12, dtype=torch.float64)))
    (made.image.square().sum() + made.mask.logits().square().sum()).backward()
    assert [name for name, weight in generator.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.parametrize("group_of", [[0, 1, 2, 3], [0, 1, 0, 1]])
def test_colors_begin_as_those_of_the_data(group_of):
    """The mean code has the mean colours, and random codes vary around them as the data does: each class, and pairs."""
    generator = modern(latent_channels=64, group_of=group_of)
    texture, double = generator.texture, torch.float64
    mean, tint = torch.rand(4, 3).double(), 0.1 * torch.randn(4, 3, 3).double()
    codes = torch.randn(64).double() + torch.randn(4000, 64).double() @ torch.randn(64, 64).double() / 20
    together = torch.zeros(4, 4, 3, 3, dtype=double)
    together[range(4), range(4)] = torch.eye(3, dtype=double)
    together[0, 1] = together[1, 0] = together[2, 3] = together[3, 2] = torch.diag(
        torch.tensor([0.9, 0, -0.5]).double()
    )
    if group_of[2] == 0:  # the classes of a group have equal colours, in their units
        together = together[group_of][:, group_of]
    texture.set_colors(mean, tint, torch.full((4, 3), 0.1).double(), together, codes)
    colors = texture.styles(codes[:, None].expand(-1, 4, -1))[-2]  # (B, K, 3)
    torch.testing.assert_close(colors.mean(dim=0), mean)
    away = colors - mean  # (B, K, 3)
    found = torch.einsum("bki,blj->klij", away, away) / (len(away) - 1)
    torch.testing.assert_close(found, tint[:, None] @ together @ tint.mT, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_late_texture_is_mix_of_pictures_painted_by_foremost_classes(count):
    """The same picture from every class's own painting, without gathered styles."""
    generator = modern(foremost=count, group_of=[0, 1, 0, 1])
    texture, slots = generator.texture, slots_of(generator)
    features = torch.randn(2, texture.weight.shape[-1], 8, 16, dtype=torch.float64)
    logits = torch.randn(2, 4, 8, 16, dtype=torch.float64)
    codes = slots[:, :4]
    order = logits.argsort(dim=1, descending=True)
    hidden = torch.zeros_like(logits, dtype=torch.bool).scatter(1, order[:, count:], True)
    weight = (texture.sharpness * logits.masked_fill(hidden, float("-inf"))).softmax(dim=1)
    expected = (weight[:, :, None] * texture.colors(features, weight, codes)).sum(dim=1)
    torch.testing.assert_close(texture(features, *foremost(logits.flatten(2), count), codes), expected)


@pytest.mark.parametrize("classes", [None, [[True, True, False, True], [True, False, True, True]]])
@pytest.mark.parametrize("settings", [{}, {"group_of": [0, 1, 0, 1]}, {"transparent": []}])
def test_modern_bank_equals_local_bank_where_classes_are_composed_on_its_own_grid(settings, classes):
    generator, present = modern(**settings), None if classes is None else torch.tensor(classes)
    generator.local.grid = (generator.local.height, generator.local.width)
    codes = generator.local_codes(generator.expand(slots_of(generator))).detach().requires_grad_()

    def outputs_and_gradients():
        found = generator.local(codes, present)
        loss = sum((part.nan_to_num(neginf=0) * torch.linspace(0, 1, part.shape[-1]).double()).sum() for part in found)
        return *found, *torch.autograd.grad(loss, [codes, *generator.local.parameters()])

    found = outputs_and_gradients()
    generator.local.__class__ = LocalBank
    for one, other in zip(found, outputs_and_gradients(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("with_coarse", [True, False])
def test_foremost_classes_of_low_rank_mask_are_those_of_its_logits(count, with_coarse, monkeypatch):
    """Strip by strip, with the same gradients."""
    monkeypatch.setattr("composegan.networks.foremost.STRIP", 5 * 2 * 6 * 24)
    coarse = torch.randn(2, 6, 4, 6, dtype=torch.float64, requires_grad=True) if with_coarse else None
    fine = torch.randn(2, 3, 16, 24, dtype=torch.float64, requires_grad=True)
    basis = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    mask = SemanticMap(6, refinement=fine, coarse=coarse, basis=basis)
    present = torch.tensor([[True] * 6, [True, True, False, False, True, True]])
    learned = [part for part in (coarse, fine, basis) if part is not None]
    value, index = foremost_of(mask, count, Routing.of(present, range(6)))
    logits = mask.logits().masked_fill(~present[:, :, None, None], -1e4)
    expected, places = logits.flatten(2).topk(count, dim=1)
    torch.testing.assert_close(value, expected)
    assert torch.equal(index, places)
    gradients, wanted = (torch.autograd.grad(v.square().sum(), learned) for v in (value, expected))
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("residual", [True, False])
def test_low_rank_mask_is_never_expanded_to_all_classes_at_full_size(residual, monkeypatch):
    generator = modern(mask_rank=3, residual_refine=residual)
    monkeypatch.setattr(SemanticMap, "logits", lambda self: pytest.fail("K channels at full size"))
    made = generator(slots_of(generator))
    labels = torch.zeros(2, 32, 64, dtype=torch.uint8)
    (made.image.sum() + refinement_loss(made.mask, labels, (16, 32)).double()).backward()


def test_repainted_picture_has_the_layout_and_colors_of_the_real_one():
    """Also of classes that the codes would not draw; untrained, a pixel deviates from its class's colour by little."""
    generator = modern(classes=3, transparent=[])
    labels = torch.zeros(2, 32, 64, dtype=torch.uint8)
    labels[:, 8:24, 16:48] = 2
    image = torch.where(labels[:, None] == 2, 0.8, -0.5).double().expand(-1, 3, -1, -1)
    drawn = generator.repaint(slots_of(generator), image, labels)
    inside = drawn.image[:, :, 12:20, 24:40].mean(dim=(2, 3))
    m = (drawn.coarse + 1) / 2
    torch.testing.assert_close(m[:, 2, 6:10, 12:20], torch.ones(2, 4, 8).double(), atol=1e-3, rtol=0)
    assert (inside > 0.4).all() and (drawn.image[:, :, :4].mean(dim=(2, 3)) < -0.2).all()
    assert drawn.depth.isfinite().all()


def test_typical_shapes_keep_their_detail_beside_local_generators_at_half_the_grid():
    """Before any training, the pseudo-depth is that of the chosen shape at every place of the composition's grid."""
    generator = modern(shapes=3)
    bank, shapes = generator.local, generator.local.shapes
    shapes.odds.copy_(torch.randn_like(shapes.odds))
    slots = slots_of(generator)
    codes = generator.local_codes(generator.expand(slots))
    features, m, depth = bank(codes)
    each = codes.unflatten(1, (generator.classes, -1))  # (B, K, L, S)
    shares = shapes(each[:, -1, 0], each[:, :, -1])  # (K, B, J)
    start = shapes.depth(shares).view_as(depth)
    torch.testing.assert_close(depth, start)
    torch.testing.assert_close(generator.typical(slots, 1), start.softmax(dim=1).square().mean(dim=(2, 3)))
    assert [2 * size for size in features.shape[2:]] == list(m.shape[2:]) == list(bank.grid)
