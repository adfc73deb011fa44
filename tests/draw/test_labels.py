"""Rules that give each element of a drawing its class."""

import numpy as np
import pytest

from composegan.data import UserError
from composegan.draw.labels import LabelRules, decode_labels, label_svg
from composegan.draw.layers import Painter, draw_scene
from composegan.draw.render import rasterize, widen_view
from composegan.draw.scene import parse_svg, split_scene

CRISP = 'shape-rendering="crispEdges"'


def rules(spec, labels, **more):
    return LabelRules.load({"labels": labels, **more}, spec)


def draw(svg, labels, spec, size=16, **more):
    """Draw the label map of a scene in a 16 x 16 view; -1 where nothing is labelled."""
    loaded = rules(spec, labels, **more)
    result = np.full((size, size), -1)
    for piece in split_scene(parse_svg(svg)):
        body = label_svg(piece, loaded)
        if body:
            classes, drawn = decode_labels(rasterize(body, (0, 0, 16, 16), size, size, CRISP), loaded, piece.part)
            result[drawn] = classes[drawn]
    return result


HOUSE = """<svg><g data-part="house">
  <rect x="2" y="2" width="12" height="12" fill="red" stroke="none"/>
  <rect x="4" y="4" width="4" height="4" fill="white" {0}/>
</g></svg>"""


def test_element_gets_the_class_of_its_part(spec):
    found = draw(HOUSE.format(""), {"house": "house"}, spec)
    assert (found[2:14, 2:14] == 1).all() and (found == 1).sum() == 144


def test_most_specific_rule_wins(spec):
    svg = HOUSE.format("").replace('"house"', '"house/red"')
    for name in ("house/red/1", "house/red", "house"):
        labels = {"house": "tree", name: "sun"}
        found = draw(svg, labels, spec)
        assert found[5, 5] == 3 and found[10, 10] == (2 if name.endswith("1") else 3)


FAINT = ['opacity=".4"', 'fill-opacity=".4"', 'opacity=".6" fill-opacity=".6"', 'style="mix-blend-mode:multiply"']


@pytest.mark.parametrize("faint", FAINT)
def test_faint_shape_is_unlabelled_unless_its_class_is_listed_as_faint(spec, faint):
    labels = {"house": "house", "house/1": "sun"}
    assert draw(HOUSE.format(faint), labels, spec)[5, 5] == 1
    if "style" not in faint:
        assert draw(HOUSE.format(faint), labels, spec, faint=["sun"])[5, 5] == 3


def test_nearly_opaque_shape_is_labelled(spec):
    found = draw(HOUSE.format('opacity=".8"'), {"house": "house", "house/1": "sun"}, spec)
    assert (found[4:8, 4:8] == 3).all()


def test_faint_group_is_unlabelled(spec):
    svg = '<svg><g data-part="a" opacity=".2"><rect width="9" height="9"/></g></svg>'
    assert (draw(svg, {"a": "sun"}, spec) == -1).all()
    assert (draw(svg.replace(".2", ".9"), {"a": "sun"}, spec)[:9, :9] == 3).all()


def test_null_rule_leaves_shape_unlabelled(spec):
    assert (draw(HOUSE.format(""), {"house": "house", "house/1": None}, spec)[2:14, 2:14] == 1).all()


def test_paints_are_inherited_from_groups(spec):
    frame = '<rect x="4" y="4" width="8" height="8" stroke-width="2"/>'
    svg = f'<svg><g data-part="a" fill="none" stroke="red">{frame}</g></svg>'
    found = draw(svg, {"a": "tree"}, spec)
    assert (found[6:10, 6:10] == -1).all() and (found[3:5, 3:13] == 2).all()
    filled = draw(svg, {"a": "tree"}, spec, solid=["tree"])
    assert (filled[3:13, 3:13] == 2).all()


def test_solid_class_fills_an_open_line_up_to_its_chord(spec):
    svg = '<svg><path data-part="nose" d="M3 3 L13 8 L3 13" fill="none" stroke="red" stroke-width="1"/></svg>'
    assert draw(svg, {"nose": "sun"}, spec)[8, 6] == -1
    assert draw(svg, {"nose": "sun"}, spec, solid=["sun"])[8, 6] == 3


STREET = """<svg fill="#00ff00"><defs><linearGradient id="sky"><stop stop-color="#0000ff"/></linearGradient></defs>
  <rect data-part="house" x="2" y="2" width="12" height="12" fill="url(#sky)"/>
  <g data-part="tree"><rect x="4" y="4" width="4" height="4"/>
    <rect data-part="house" x="5" y="5" width="2" height="2" fill="red"/><rect x="10" y="4" width="3" height="3"/></g>
  <rect data-part="shadow" x="0" y="8" width="16" height="8" fill="black" fill-opacity="0.25"/>
</svg>"""


def test_scene_has_equal_labels_in_one_piece_and_in_many(spec):
    """`draw_scene` draws one piece; a shape's own part overrides that of its group."""
    names = {"house": "house", "tree/1": spec.names[3], "tree": spec.names[2], "shadow": "house"}
    painter = Painter(rules(spec, names), (0, 0, 16, 16), 16, 16)
    image, labels = draw_scene(STREET, painter, np.full((16, 16, 3), 200, np.uint8))
    pieces = draw(STREET, names, spec)
    assert (labels == np.maximum(pieces, 0)).all() and set(np.unique(labels)) == {0, 1, 2, 3}
    assert labels[5, 5] == 1 and labels[4, 4] == 2 and labels[5, 11] == 3 and labels[15, 0] == 0
    assert image[:, 4, 4].tolist() == [0, 255, 0] and image[:, 3, 3].tolist() == [0, 0, 255]
    assert image[0, 15, 0] == pytest.approx(150, abs=1)


def test_one_shape_in_several_classes(spec):
    svg = '<svg><rect data-part="body" x="1" y="1" width="14" height="14"/></svg>'
    within = [{"class": "sun", "within": [0, 0, 16, 5]}, {"class": "tree", "within": [4, 3, 8, 8, 4]}]
    found = draw(svg, {"body": [{"class": "house"}, *within]}, spec)
    assert found[12, 2] == 1 and found[2, 2] == 3 and found[7, 7] == 2
    assert found[3, 4] == 3  # the corner of the rounded rectangle
    assert found[0, 0] == -1  # nothing outside the shape


@pytest.mark.parametrize("size", [16, 23, 64, 97])
def test_no_label_pixel_is_a_blend(spec, size):
    """Slanted edges, thin lines and overlapping circles: `decode_labels` raises for a blend of two classes."""
    svg = """<svg><g data-part="a"><circle cx="8" cy="8" r="6.3"/></g>
      <g data-part="b" transform="rotate(31 8 8)"><rect x="5" y="3" width="3.3" height="11.7"/></g>
      <path data-part="c" d="M1 2 Q9 14 15 1" fill="none" stroke="red" stroke-width=".7"/></svg>"""
    found = draw(svg, {"a": "house", "b": "tree", "c": "sun"}, spec, size)
    assert set(np.unique(found)) == {-1, 1, 2, 3}


def test_blended_label_pixel_raises(spec):
    loaded = rules(spec, {})
    smooth = rasterize('<circle cx="8" cy="8" r="6" fill="#555555"/>', (0, 0, 16, 16), 16, 16)
    with pytest.raises(ValueError, match="house: [0-9]+ label pixels are blends"):
        decode_labels(smooth, loaded, "house")
    odd = np.full((1, 1, 4), 255, np.uint8)
    odd[..., :3] = 84  # not the grey of a class
    with pytest.raises(ValueError, match="blends"):
        decode_labels(odd, loaded, "house")


@pytest.mark.parametrize("count", [1, 2, 13, 30, 255])
def test_each_class_has_its_own_grey(count):
    loaded = LabelRules(count, {})
    greys = np.arange(count) * loaded.step
    assert loaded.step > 0 and greys.max() <= 255 and len(set(greys)) == count


def test_rule_for_unknown_class_raises(spec):
    with pytest.raises(UserError, match=r"domain 'town' has no class 'hose'; did you mean 'house'\?"):
        rules(spec, {"a": "hose"})


def test_part_without_rule_raises(spec):
    message = r"no rule for part 'horse/brown'; add it under `labels` \(did you mean 'house'\?"
    with pytest.raises(UserError, match=message):
        rules(spec, {"house": "house"}).find("horse/brown", 0)


def test_view_is_widened_upwards_and_sideways():
    assert widen_view((0, 0, 10, 10), 64, 64) == (0, 0, 10, 10)
    assert widen_view((0, 0, 10, 10), 32, 64) == (-5, 0, 20, 10)  # wider: more at both sides
    assert widen_view((0, 0, 10, 10), 64, 32) == (0, -10, 10, 20)  # taller: more above


@pytest.mark.parametrize("attributes", ["", CRISP])
@pytest.mark.parametrize("side", range(4))
def test_shape_crossing_an_edge_is_cropped_exactly(attributes, side):
    """Without a margin, resvg draws the outline of such a shape along the first row."""
    circle = f'<g transform="rotate({90 * side} 32 32)"><circle cx="32" cy="20" r="22" fill="#00f" stroke="#000"/></g>'
    whole = rasterize(circle, (-16, -16, 96, 96), 96, 96, attributes)[16:-16, 16:-16].astype(int)
    assert np.abs(rasterize(circle, (0, 0, 64, 64), 64, 64, attributes) - whole).max() <= 1


@pytest.mark.parametrize("size", [(32, 32), (32, 64), (64, 32)])
def test_circle_stays_round_and_at_the_lower_edge(size):
    pixels = rasterize('<circle cx="5" cy="5" r="5"/>', (0, 0, 10, 10), *size)
    rows, columns = np.nonzero(pixels[..., 3] > 127)
    assert np.ptp(rows) == np.ptp(columns) == 31
    assert rows.max() == size[0] - 1 and columns.min() == (size[1] - 32) // 2
