import pickle
from copy import deepcopy

import numpy as np
import pytest
from dicebear import Avatar, Style

from composegan.draw.labels import label_text
from composegan.draw.layers import compose
from composegan.draw.render import rasterize
from composegan.draw.scene import parse_svg, to_text
from composegan.errors import UserError
from composegan.plugins.faces import spec
from composegan.plugins.faces.avatars import AvatarSource, Studio

STYLES = ("micah", "avataaars")


def source(style="micah", count=8, height=32, width=32, seed=0, settings=None):
    return AvatarSource(settings or spec.foreign[style], spec, count=count, height=height, width=width, seed=seed)


@pytest.fixture(scope="module", params=STYLES)
def studio(request):
    return Studio(spec.foreign[request.param], spec, 64, 64)


def test_avatar_is_uint8_with_every_label_a_class(studio):
    sample = source(height=24, width=40)[5]
    assert sample.image.shape == (3, 24, 40) and sample.image.dtype == np.uint8 and sample.image.flags.c_contiguous
    assert sample.labels.shape == (24, 40) and sample.labels.dtype == np.uint8
    assert sample.name == "micah avatar 5 (seed 0)"


def test_layers_compose_to_dicebear_picture(studio):
    """Drawn piece by piece and laid over one another, or by resvg in one go: the same but for rounding."""
    style, painter = studio.style, studio.painter
    validated = Style(style.definition)
    for seed in range(10):
        choice = style.choices.draw(np.random.default_rng(seed))
        options = {"seed": ""}
        for name in style.components:
            options[f"{name}Probability"] = 100 if name in choice.variants else 0
        options |= {f"{name}Variant": variant for name, variant in choice.variants.items()}
        options |= {f"{name}Color": [color] for name, color in choice.colors.items()}
        for (part, name), color in choice.special.items():
            component, variant = part.split("/")
            if choice.variants.get(component) == variant:
                options[f"{name}Color"] = [color]
        svg = parse_svg(str(Avatar(validated, options)))
        whole = rasterize(to_text(list(svg)), painter.view, 64, 64, 'fill="none"').astype(float)
        opaque = whole[..., 3:] / 255
        expected = whole[..., :3] * opaque + 255 * (1 - opaque)

        layered, _ = compose(studio.layers(choice), np.full((64, 64, 3), 255, np.uint8))
        difference = np.abs(layered.transpose(1, 2, 0) - expected)
        # Up to 16 of 255 where dark glasses blend with what is below them, which a piece by itself does not see.
        assert difference.max() <= 16 and difference.mean() < 0.2


def test_layered_labels_equal_labels_of_whole_drawing(studio):
    style, painter = studio.style, studio.painter
    for seed in range(10):
        choice = style.choices.draw(np.random.default_rng(seed))
        body = ""
        for shown in style.shown(choice):
            body += "".join(label_text(piece, painter.rules) for piece in style.pieces(shown)[0])
        pixels = rasterize(body, painter.view, 64, 64, 'shape-rendering="crispEdges"')
        assert set(np.unique(pixels[..., 3])) <= {0, 255}
        assert (pixels[..., 0] % painter.rules.step == 0).all()
        _, labels = compose(studio.layers(choice), np.zeros((64, 64, 3), np.uint8))
        assert (labels == pixels[..., 0] // painter.rules.step).all()


def test_every_variant_draws_unblended_labels(studio):
    """Each with its labels, none of them blended (`read_labels` checks that)."""
    style = studio.style
    everything = {name: possible[0] for name, (possible, _) in style.choices.variants.items()}
    base = style.choices.draw(np.random.default_rng(0))
    for name, (possible, _) in style.choices.variants.items():
        for variant in possible:
            choice = type(base)({**everything, name: variant}, base.colors, base.special)
            image, labels = compose(studio.layers(choice), np.zeros((64, 64, 3), np.uint8))
            assert image.any() and labels.max() < len(spec.classes)


@pytest.mark.parametrize("style", STYLES)
def test_avatar_depends_on_seed_and_index_only(style):
    one, other = source(style), source(style, count=100)
    shown = [other[index] for index in (7, 2, 7, 5)]  # in another order, with other things drawn before
    for place, index in enumerate((7, 2, 7, 5)):
        assert (one[index].image == shown[place].image).all() and (one[index].labels == shown[place].labels).all()
    assert (source(style, seed=1)[2].image != one[2].image).any()


def test_avatar_source_pickles_without_its_cache():
    drawn = source()
    before = drawn[3]
    data = pickle.dumps(drawn)
    assert len(data) < 20_000
    assert (pickle.loads(data)[3].image == before.image).all()


def test_avatar_index_is_bounded():
    with pytest.raises(IndexError):
        source(count=3)[3]
    with pytest.raises(IndexError):
        source(count=3)[-1]


def test_avatar_classes_lie_at_anatomical_positions():
    """In the mean over many avatars, each class is centred where it is on a person."""
    avatars = source(count=80, height=64, width=64)
    labels = np.stack([avatars[index].labels for index in range(80)])
    rows = {name: np.nonzero(labels == index)[1].mean() for index, name in enumerate(spec.names)}
    assert rows["hat"] < rows["eyebrow"] < rows["eye"] < rows["nose"] < rows["mouth"] < rows["neck"] < rows["cloth"]
    assert abs(rows["eyeglass"] - rows["eye"]) < 4 and rows["ear"] < rows["earring"]


def changed(**changes):
    return {**deepcopy(spec.foreign["micah"]), **changes}


def test_choices_follow_probabilities_and_weights():
    settings = changed(probability={"glasses": 100, "earrings": 0}, weights={"hair": {"turban": 0, "full": 9}})
    style = Studio(settings, spec, 16, 16).style
    choices = [style.choices.draw(np.random.default_rng(seed)) for seed in range(300)]
    assert all("glasses" in choice.variants and "earrings" not in choice.variants for choice in choices)
    hair = [choice.variants["hair"] for choice in choices]
    assert "turban" not in hair and 0.5 < hair.count("full") / 300 < 0.7  # 9 of 15


def test_choices_palettes_aliases_and_variant_colors():
    settings = changed(
        colors={
            "hair": ["#111111"],
            "shirt": ["#111111", "#222222"],
            "facialHair": "eyebrows",
            "eyebrows": ["#333333"],
        },
        colors_of={"hair/turban": {"hair": ["#444444"]}},
    )
    choices = Studio(settings, spec, 16, 16).style.choices
    for seed in range(20):
        choice = choices.draw(np.random.default_rng(seed))
        assert choice.color("hair/full", "hair") == "#111111" and choice.color("hair/turban", "hair") == "#444444"
        assert choice.color("clothes/crew", "shirt") == "#222222"  # the style wants it unlike the hair
        assert choice.color("facialHair/beard", "facialHair") == "#333333"


def test_choices_repeat_color_of_single_color_palette():
    settings = changed(colors={"hair": ["#111111"], "shirt": ["#111111"]})
    choice = Studio(settings, spec, 16, 16).style.choices.draw(np.random.default_rng(0))
    assert choice.colors["shirt"] == "#111111"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"style": "mica"}, "there is no avatar style 'mica'; did you mean 'micah'?"),
        ({"style": "stripes"}, "avatar style 'stripes': component"),
        ({"colour": {}}, "avatar style 'micah': settings names 'colour'; did you mean 'colors'?"),
        ({"probability": {"glases": 1}}, "avatar style 'micah': probability names 'glases'; did you mean 'glasses'?"),
        ({"weights": {"hat": {}}}, "avatar style 'micah': weights names 'hat'"),
        (
            {"weights": {"hair": {"turben": 1}}},
            "avatar style 'micah': weights.hair names 'turben'; did you mean 'turban'?",
        ),
        ({"weights": {"nose": {"curve": 0, "pointed": 0, "tound": 0}}}, "avatar style 'micah': weights.nose leaves no"),
        ({"colors": {"skin": []}}, "avatar style 'micah': colors names 'skin'"),
        ({"colors": {"facialHair": "brows"}}, "avatar style 'micah': colors names 'brows'; did you mean 'eyebrows'?"),
        (
            {"colors_of": {"hair/turbin": {}}},
            "avatar style 'micah': colors_of names 'hair/turbin'; did you mean 'hair/tur",
        ),
        ({"colors_of": {"hair/turban": {"x": []}}}, "avatar style 'micah': colors_of.hair/turban names 'x'"),
        ({"labels": {"heir": "hair"}}, "avatar style 'micah': labels names 'heir'; did you mean 'hair'?"),
        (
            {"labels": {"hair/turbin": "hat"}},
            "avatar style 'micah': labels.hair names 'turbin'; did you mean 'turban'?",
        ),
        ({"labels": {"hair": "hairs"}}, "domain 'faces' has no class 'hairs'; did you mean 'hair'?"),
        ({"labels": {"hair": "hair"}}, "label rules: nothing is said about 'head/standard'"),
    ],
)
def test_avatar_settings_reject_mistakes(changes, told):
    with pytest.raises(UserError) as caught:
        source(settings=changed(**changes))[0]
    assert str(caught.value).startswith(told)
