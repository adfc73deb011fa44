"""Cut SVG drawings into labelled pieces."""

import pytest

from composegan.draw.scene import inline_uses, parse_svg, referenced_defs, split_scene, to_text

STREET = """
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">
  <g data-part="canvas"><rect id="sky"/></g>
  <g data-part="house" transform="translate(1 1)">
    <path id="wall"/><path id="roof"/>
    <g data-part="window" fill="blue"><rect id="pane"/></g>
    <path id="door"/>
  </g>
  <g data-part="tree" opacity=".5"><circle id="crown"/><g data-part="apple"><circle id="red"/></g></g>
</svg>
"""


def summary(pieces):
    return [(piece.part, piece.first_leaf, [element.get("id") for element in piece.elements]) for piece in pieces]


def test_piece_ends_where_the_part_changes():
    pieces = split_scene(parse_svg(STREET))
    assert summary(pieces) == [
        ("canvas", 0, ["sky"]),
        ("house", 0, ["wall", "roof"]),
        ("window", 0, ["pane"]),
        ("house", 2, ["door"]),  # the third shape of the house
        ("tree", 0, [None]),  # translucent as a whole, so it is not split
    ]
    assert pieces[2].groups == ({"transform": "translate(1 1)"}, {"fill": "blue"})


def test_two_elements_of_a_part_are_two_pieces():
    twice = parse_svg('<svg><g data-part="house"><path id="a"/></g><g data-part="house"><path id="b"/></g></svg>')
    assert summary(split_scene(twice)) == [("house", 0, ["a"]), ("house", 0, ["b"])]


def test_definitions_are_not_pieces():
    root = parse_svg('<svg><defs><path/></defs><mask><path/></mask><title>x</title><path id="a" data-part="p"/></svg>')
    assert summary(split_scene(root)) == [("p", 0, ["a"])]


def test_inline_uses_replaces_uses_by_copies():
    root = parse_svg('<svg><use href="#a" transform="scale(2)"/><use href="#gone"/></svg>')
    inner = parse_svg('<g id="a" data-part="p"><use href="#b"/></g>')
    result = inline_uses(root, {"a": inner, "b": parse_svg('<g id="b"><path/></g>')})
    assert to_text([result]) == (
        '<svg><g transform="scale(2)"><g id="a" data-part="p"><g><g id="b"><path /></g></g></g></g>'
        '<use href="#gone" /></svg>'
    )
    assert to_text([inner]) == '<g id="a" data-part="p"><use href="#b" /></g>'  # unchanged


def test_to_text_nests_groups():
    leaf = parse_svg('<path d="M0 0"/>')
    assert to_text([leaf, leaf], [{"fill": "red"}, {"transform": "scale(2)"}]) == (
        '<g fill="red"><g transform="scale(2)"><path d="M0 0" /><path d="M0 0" /></g></g>'
    )


def test_referenced_defs_are_found_recursively():
    names = {
        "a": '<mask id="a"><path fill="url(#b)"/></mask>',
        "b": '<linearGradient id="b"/>',
        "c": '<linearGradient id="c"/>',
    }
    defined = {name: parse_svg(text) for name, text in names.items()}
    assert [item.get("id") for item in referenced_defs('<g mask="url(#a)"/>', defined)] == ["a", "b"]
    assert list(referenced_defs("<path/>", defined)) == []


def test_malformed_svg_raises():
    with pytest.raises(ValueError, match="not an SVG document"):
        parse_svg("<svg><g></svg>")
