"""`composegan new NAME labels=DIR`: the YAML of a domain, proposed from the values that its label files have."""

from __future__ import annotations

import json
from collections.abc import Sequence

from composegan.devkit.label_survey import Partners, Survey, picture_size, rgb
from composegan.errors import UserError, nearest
from composegan.io.yaml_file import parse_yaml
from composegan.plugin.label_scheme import VOID, VOID_NAME

OFF = "off"
BORDER = 255
"""A label value that is guessed to be void where there are others: the usual one."""


def propose_yaml(name: str, found: Survey, partners: Partners | None, classes: Sequence[str], background: str) -> str:
    """The text of the YAML.

    classes: names for the values in ascending order, without void; empty: class_VALUE. background: the name of the
    class that comes first; "": the one in most files, of these the largest; OFF: the one of the lowest value.
    Raises UserError for another number of names than values, and for an unknown background.
    """
    void = [VOID] if not found.colored and BORDER in found.pixels and len(found.pixels) > 1 else []
    values = [value for value in found.values if value not in void]
    if classes and len(classes) != len(values):
        shown = ", ".join(_shown(value, found) for value in values[:40]) + ", ..." * (len(values) > 40)
        raise UserError(f"classes: {len(classes)} names for the {len(values)} values {shown}; name each, or none")
    if len(values) == 1 and not void:
        raise UserError(f"labels={found.folder}: every pixel of {found.read:,} files is {_shown(values[0], found)}")
    names = dict(zip(values, classes or [_name(value, found) for value in values], strict=True))
    common = max(values, key=lambda value: (found.files[value], found.pixels[value]))
    order = values_from(values, names, background or names[common])
    root = str(partners.root if partners else found.folder.parent)
    root = json.dumps(root) if " " in root else root
    height, width = found.size
    rows, columns = picture_size(height, width)
    read = f"all {found.total:,}" if found.read == found.total else f"{found.read:,} of {found.total:,}"
    lines = [
        f"# Proposed by `composegan new` from {read} label files in {found.folder},",
        f"# {height} x {width} (height x width).",
        "# Give the classes their names, here and in `ids`, and join or drop values there. Then:",
        f"#   composegan check ./{name}.yaml data.root={root}",
        f"#   composegan fit domain=./{name}.yaml data.root={root}",
        "",
        f"title: {as_yaml(name.replace('_', ' ').capitalize())}",
        "",
        *_places(partners),
        "# The first class is drawn behind all others: move the sky or the background there. The order means nothing",
        "# else, because `ids` says which label values a class has. `optional: true`: images may lack it.",
        "classes:",
        *(f"  - {{{_class(value, names[value], found)}}}" for value in order),
        "",
        f"# Label value: class, or `{VOID_NAME}` for pixels without a class, which take the nearest one.",
        "ids:",
        *(f"  {_shown(value, found)}: {as_yaml(names[value])}  # {_frequency(value, found)}" for value in values),
        *(f"  {value}: {VOID_NAME}  # {_frequency(value, found)}; guessed" for value in void),
        "",
        "recipes:",
        f"  quick: # a first small model, with the aspect ratio of {height} x {width}",
        f"    data: {{height: {rows}, width: {columns}}}",
        "",
    ]
    return "\n".join(lines)


def values_from(values: Sequence[int], names: dict[int, str], background: str) -> list[int]:
    """The values in the order of their classes: that of `background` first, unless it is "off".

    Raises UserError for an unknown background.
    """
    if background != OFF and background not in names.values():
        raise UserError(
            f"background={background}: {nearest(background, list(names.values()))}; or write background=off"
        )
    return sorted(values, key=lambda value: (names[value] != background, value))


def as_yaml(name: str) -> str:
    """A name as YAML text, quoted where YAML would read it as something else, such as `on`."""
    return name if parse_yaml(name) == name else json.dumps(name)


def _places(partners: Partners | None) -> list[str]:
    if partners is None:
        return [
            "# Where they are below data.root:",
            "# images: FOLDER",
            "# labels: FOLDER/*_L.png",
            "",
        ]
    if (partners.images, partners.labels) == ({"": "images"}, {"": "labels"}):
        return []
    return [f"images: {_place(partners.images)}", f"labels: {_place(partners.labels)}", ""]


def _place(texts: dict[str, str]) -> str:
    quoted = {split: json.dumps(text) if "*" in text or " " in text else text for split, text in texts.items()}
    return quoted.get("") or "{" + ", ".join(f"{split}: {text}" for split, text in quoted.items()) + "}"


def _class(value: int, name: str, found: Survey) -> str:
    color = rgb(value) if found.colored else found.palette.get(value)
    alone = found.colored or [found.palette.get(other) for other in found.values].count(color) == 1
    parts = [f"name: {as_yaml(name)}"]
    parts += [f"color: {list(color)}"] if color is not None and alone else []
    parts += ["optional: true"] if found.files[value] < found.read else []
    return ", ".join(parts)


def _name(value: int, found: Survey) -> str:
    return f"color_{value:06x}" if found.colored else f"class_{value}"


def _shown(value: int, found: Survey) -> str:
    return f'"#{value:06x}"' if found.colored else str(value)


def _frequency(value: int, found: Survey) -> str:
    return f"{found.share(value):.2%} of pixels, in {found.files[value] / found.read:.0%} of files".replace("%", " %")
