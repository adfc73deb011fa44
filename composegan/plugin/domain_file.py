"""A domain as one YAML file: its classes, recipes and foreign label names. No Python needed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from composegan.errors import UserError, nearest
from composegan.io.yaml_file import read_yaml
from composegan.plugin.domain import API_VERSION, DomainSpec, SemanticClass, name_problem
from composegan.plugin.label_scheme import LabelScheme, read_ids, read_places
from composegan.plugin.palette import distinct_colors
from composegan.plugin.recipes import read_recipes

_FILE_KEYS = (
    "api", "name", "title", "classes", "images", "labels", "ids", "recipes", "default_recipe", "foreign", "credits",
    "mirror",
)  # fmt: skip
_CLASS_KEYS = ("name", "color", "category", "transparent", "optional")


def read_domain_file(path: Any) -> DomainSpec:
    """The domain that a YAML file describes; `path` is a path or a packaged resource.

    Only `classes` is required; `name` defaults to the file's name. The settings of a recipe are checked when it is
    used. Raises UserError naming the file, the key and the remedy.
    """
    content = _mapping(read_yaml(path), f"{path}", _FILE_KEYS)
    api = content.get("api", API_VERSION)
    if api != API_VERSION:
        raise UserError(
            f"{path}: api is {repr(api)[:40]}; this composegan reads version {API_VERSION}; update composegan"
        )
    listed = _listed(content.get("classes"), f"{path}: classes")
    classes = _classes(listed, f"{path}: classes")
    try:
        return DomainSpec(
            name=_name(content.get("name", PurePath(str(path)).stem), f"{path}: name"),
            classes=classes,
            title=_typed(content.get("title", ""), str, f"{path}: title"),
            recipes=read_recipes(content.get("recipes"), f"{path}: recipes"),
            default_recipe=_typed(content.get("default_recipe", "quick"), str, f"{path}: default_recipe"),
            foreign=_foreign(content.get("foreign") or {}, f"{path}: foreign"),
            credits=tuple(_typed(content.get("credits") or [], list, f"{path}: credits")),
            mirror=_mirror(content.get("mirror") or {}, f"{path}: mirror"),
            scheme=LabelScheme(
                images=read_places(content.get("images", {}), f"{path}: images"),
                labels=read_places(content.get("labels", {}), f"{path}: labels"),
                ids=read_ids(content.get("ids", {}), [item.name for item in classes], f"{path}: ids"),
                colored=all("color" in item for item in listed),
            ),
        )
    except UserError as error:
        # DomainSpec checks the vocabulary without knowing the file.
        raise error if str(error).startswith(str(path)) else UserError(f"{path}: {error}") from error


def _listed(value: Any, where: str) -> list[Mapping[str, Any]]:
    """The classes as they are written: `{name: sky, color: ...}`, or `sky` alone."""
    if not value:
        raise UserError(f"{where} is missing; a list is needed, such as `- {{name: sky, color: [70, 130, 180]}}`")
    return [
        {"name": item} if isinstance(item, str) else _mapping(item, f"{where}[{index}]", _CLASS_KEYS)
        for index, item in enumerate(_typed(value, list, where))
    ]


def _classes(listed: Sequence[Mapping[str, Any]], where: str) -> tuple[SemanticClass, ...]:
    """The classes; those without a color get one."""
    given = [item["color"] for item in listed if is_color(item.get("color"))]
    made = iter(distinct_colors(sum("color" not in item for item in listed), [tuple(color) for color in given]))
    return tuple(
        _class({**item, "color": item["color"] if "color" in item else list(next(made))}, f"{where}[{index}]")
        for index, item in enumerate(listed)
    )


def is_color(value: Any) -> bool:
    """Whether a value of a YAML file is `[red, green, blue]`, each 0 to 255."""
    return isinstance(value, list) and len(value) == 3 and all(type(c) is int and 0 <= c <= 255 for c in value)


def _class(item: Mapping[str, Any], where: str) -> SemanticClass:
    if "name" not in item:
        raise UserError(f"{where}: name is missing")
    name = _typed(item["name"], str, f"{where}: name")
    if problem := name_problem(name):
        raise UserError(f"{where}: name {problem}")
    where = f"{where} ({name})"
    color = item["color"]
    if not is_color(color):
        raise UserError(f"{where}: color is {str(color)[:40]}; [red, green, blue] is needed, each 0 to 255")
    category = _typed(item.get("category", ""), str, f"{where}: category")
    if category and not all(level.strip() for level in category.split("/")):
        raise UserError(f"{where}: category is {category!r}; levels are written outermost first, as in vehicle/car")
    return SemanticClass(
        name=name,
        color=tuple(color),
        category=category,
        transparent=_typed(item.get("transparent", False), bool, f"{where}: transparent"),
        optional=_typed(item.get("optional", False), bool, f"{where}: optional"),
    )


def _foreign(value: Any, where: str) -> Mapping[str, Any]:
    """The value itself. A list of `{part: ..., class: ...}` maps parts to classes, so that no part may occur twice."""
    for name, table in _typed(value, dict, where).items():
        rules = table if isinstance(table, list) else []
        seen: list[Any] = []
        for index, rule in enumerate(rules):
            label = {key: item for key, item in rule.items() if key != "class"} if isinstance(rule, dict) else {}
            if label and "class" in rule and label in seen:
                said = ", ".join(map(str, label.values()))
                raise UserError(f"{where}: {name}[{index}]: {said} is given twice; it becomes one class")
            seen.append(label)
    return value


def _mirror(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    """`left_door: right_door` lines."""
    pairs = _typed(value, dict, where).items()
    return tuple((_typed(first, str, where), _typed(second, str, f"{where}: {first}")) for first, second in pairs)


def _name(value: Any, where: str) -> str:
    """A domain's name, which is also a folder's: letters, digits, `-` and `_`."""
    name = _typed(value, str, where)
    if not re.fullmatch(r"\w[\w-]*", name):
        raise UserError(f"{where} is {name!r}; letters, digits, - and _ are allowed")
    return name


def _mapping(value: Any, where: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    for key in _typed(value, dict, where):
        if key not in known:
            raise UserError(f"{where}: unknown key {str(key)!r}; {nearest(str(key), known)}")
    return value


_EXPECTED = {str: "text", bool: "true or false", dict: "`key: value` lines", list: "a list"}


def _typed(value: Any, kind: type, where: str) -> Any:
    if isinstance(value, kind):
        return value
    hint = " (put it in quotes)" if kind is str and value is not None and not isinstance(value, (list, dict)) else ""
    raise UserError(f"{where}: {_EXPECTED[kind]} needed, found {_found(value)}{hint}")


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    return _EXPECTED[type(value)] if isinstance(value, (dict, list)) else repr(value)[:60]
