"""Drawn avatars and their labels."""

from copy import deepcopy

import numpy as np
import pytest
from dicebear import Avatar, Style

from composegan.draw.labels import label_svg
from composegan.draw.layers import compose
from composegan.draw.render import rasterize
from composegan.draw.scene import parse_svg, to_text
from composegan.plugins.faces import draw_avatars, spec
from composegan.plugins.faces.avatars import Studio
from tests.helpers import refused

BLACK = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture(scope="module", params=("micah", "avataaars"))
def studio(request):
    return Studio(spec.foreign[request.param], spec, 64, 64)


def sampled_options(studio, count=10):
    return [studio.style.sampler.draw(np.random.default_rng(seed)) for seed in range(count)]


def test_layers_reproduce_the_dicebear_rendering(studio):
    """Compositing pieces and rendering the whole avatar at once differ by rounding only."""
    style, painter = studio.style, studio.painter
    validated = Style(style.definition)
    for sampled in sampled_options(studio):
        options = {"seed": ""}
        for name in style.components:
            options[f"{name}Probability"] = 100 if name in sampled.variants else 0
        options |= {f"{name}Variant": variant for name, variant in sampled.variants.items()}
        options |= {f"{name}Color": [color] for name, color in sampled.colors.items()}
        for (part, name), color in sampled.special.items():
            component, variant = part.split("/")
            if sampled.variants.get(component) == variant:
                options[f"{name}Color"] = [color]
        svg = parse_svg(str(Avatar(validated, options)))
        whole = rasterize(to_text(list(svg)), painter.view, 64, 64, 'fill="none"').astype(float)
        alpha = whole[..., 3:] / 255
        expected = whole[..., :3] * alpha + 255 * (1 - alpha)

        layered, _ = compose(studio.layers(sampled), np.full((64, 64, 3), 255, np.uint8))
        difference = np.abs(layered.transpose(1, 2, 0) - expected)
        # Up to 16 of 255 where dark glasses blend with the layers below, which a separate piece cannot see.
        assert difference.max() <= 16 and difference.mean() < 0.2


def test_layered_labels_equal_labels_of_the_whole_drawing(studio):
    style, painter = studio.style, studio.painter
    for options in sampled_options(studio):
        pieces = [piece for shown in style.shown(options) for piece in style.pieces(shown)[0]]
        body = "".join(label_svg(piece, painter.rules) for piece in pieces)
        pixels = rasterize(body, painter.view, 64, 64, 'shape-rendering="crispEdges"')
        assert set(np.unique(pixels[..., 3])) <= {0, 255}
        assert (pixels[..., 0] % painter.rules.step == 0).all()
        _, labels = compose(studio.layers(options), BLACK)
        assert (labels == pixels[..., 0] // painter.rules.step).all()


def test_every_variant_can_be_drawn(studio):
    """With labels, none of them blended (`decode_labels` raises otherwise)."""
    variants = studio.style.sampler.variants
    everything = {name: possible[0] for name, (possible, _) in variants.items()}
    base = sampled_options(studio, 1)[0]
    for name, (possible, _) in variants.items():
        for variant in possible:
            options = type(base)({**everything, name: variant}, base.colors, base.special)
            image, labels = compose(studio.layers(options), BLACK)
            assert image.any() and labels.max() < len(spec.classes)


def test_classes_are_where_they_belong_on_average():
    avatars = draw_avatars(80, 64, 64, seed=0)
    labels = np.stack([avatars[index].labels for index in range(80)])
    rows = {name: np.nonzero(labels == index)[1].mean() for index, name in enumerate(spec.names)}
    assert rows["hat"] < rows["eyebrow"] < rows["eye"] < rows["nose"] < rows["mouth"] < rows["neck"] < rows["cloth"]
    assert abs(rows["eyeglass"] - rows["eye"]) < 4 and rows["ear"] < rows["earring"]


def micah(**changes):
    """A studio of the style micah with changed settings."""
    return Studio({**deepcopy(spec.foreign["micah"]), **changes}, spec, 16, 16)


def test_probabilities_and_weights_are_respected():
    studio = micah(probability={"glasses": 100, "earrings": 0}, weights={"hair": {"turban": 0, "full": 9}})
    sampled = sampled_options(studio, 300)
    assert all("glasses" in options.variants and "earrings" not in options.variants for options in sampled)
    hair = [options.variants["hair"] for options in sampled]
    assert "turban" not in hair and 0.5 < hair.count("full") / 300 < 0.7  # expected: 9 of 15


def test_palettes_aliases_and_colours_of_one_variant():
    colors = {"hair": ["#111111"], "shirt": ["#111111", "#222222"], "facialHair": "eyebrows", "eyebrows": ["#333333"]}
    studio = micah(colors=colors, colors_of={"hair/turban": {"hair": ["#444444"]}})
    for options in sampled_options(studio, 20):
        assert options.color("hair/full", "hair") == "#111111" and options.color("hair/turban", "hair") == "#444444"
        assert options.color("clothes/crew", "shirt") == "#222222"  # the style wants it to differ from the hair
        assert options.color("facialHair/beard", "facialHair") == "#333333"


def test_colours_that_should_differ_may_be_equal_without_alternative():
    studio = micah(colors={"hair": ["#111111"], "shirt": ["#111111"]})
    assert sampled_options(studio, 1)[0].colors["shirt"] == "#111111"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "mica"}, "'mica' does not exist; did you mean 'micah'?"),
        ({"style": "stripes"}, "'stripes': component"),
        ({"colour": {}}, "'micah': settings names 'colour'; did you mean 'colors'?"),
        ({"probability": {"glases": 1}}, "'micah': probability names 'glases'; did you mean 'glasses'?"),
        ({"weights": {"hat": {}}}, "'micah': weights names 'hat'"),
        ({"weights": {"hair": {"turben": 1}}}, "'micah': weights.hair names 'turben'; did you mean 'turban'?"),
        ({"weights": {"nose": {"curve": 0, "pointed": 0, "tound": 0}}}, "'micah': weights.nose leaves no variant"),
        ({"colors": {"skin": []}}, "'micah': colors names 'skin'"),
        ({"colors": {"facialHair": "brows"}}, "'micah': colors names 'brows'; did you mean 'eyebrows'?"),
        ({"colors_of": {"hair/turbin": {}}}, "'micah': colors_of names 'hair/turbin'; did you mean 'hair/tur"),
        ({"colors_of": {"hair/turban": {"x": []}}}, "'micah': colors_of.hair/turban names 'x'"),
        ({"labels": {"heir": "hair"}}, "'micah': labels names 'heir'; did you mean 'hair'?"),
        ({"labels": {"hair/turbin": "hat"}}, "'micah': labels.hair names 'turbin'; did you mean 'turban'?"),
    ],
)
def test_settings_error_names_style_and_setting(changes, message):
    assert refused(micah, **changes).startswith(f"avatar style {message}")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"hair": "hairs"}, "domain 'faces' has no class 'hairs'; did you mean 'hair'?"),
        ({"hair": "hair"}, "label rules: no rule for part 'head/standard'"),
    ],
)
def test_label_rule_error_names_class_or_part(labels, message):
    assert refused(lambda: micah(labels=labels).draw(np.random.default_rng(0))).startswith(message)
