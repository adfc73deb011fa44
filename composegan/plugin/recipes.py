"""Recipes: named sets of overrides, common to all domains (`domains/recipes.yaml`) or a domain's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from composegan.errors import UserError, nearest
from composegan.io.yaml_file import read_yaml
from composegan.plugin.domain import DomainSpec, Recipe


def recipes_of(spec: DomainSpec) -> dict[str, Recipe]:
    """All recipes of a domain: the common ones, then its own.

    A domain's recipe with the name of a common one overrides that one's settings (and `about`).
    """
    recipes = dict(common_recipes())
    for name, own in spec.recipes.items():
        shared = recipes.get(name)
        if shared:
            own = Recipe(name, own.about or shared.about, _overlay(shared.overrides, own.overrides))
        recipes[name] = own
    return recipes


def find_recipe(spec: DomainSpec, name: str = "") -> Recipe:
    """A domain's recipe by name; "" is its default. Raises UserError offering the nearest name."""
    recipes, name = recipes_of(spec), name or spec.default_recipe
    if name not in recipes:
        raise UserError(f"domain {spec.name!r} has no recipe {name!r}; {nearest(name, recipes)}")
    return recipes[name]


@cache
def common_recipes() -> Mapping[str, Recipe]:
    """The recipes that every domain has."""
    path = files("composegan.domain_files") / "recipes.yaml"
    return read_recipes(read_yaml(path), str(path))


def read_recipes(value: Any, where: str) -> dict[str, Recipe]:
    """Recipes from a mapping of name to {about: text, and any settings, nested or dotted}.

    The settings are not checked here; `compose` checks those of the recipe in use.
    Raises UserError beginning with `where`.
    """
    if not isinstance(value or {}, dict):
        raise UserError(f"{where}: `name: ...` lines needed")
    recipes = {}
    for name, content in (value or {}).items():
        if not isinstance(content, dict) or not isinstance(content.get("about", ""), str):
            raise UserError(f"{where}: {name}: `about: text` and settings such as `data: {{height: 64}}` needed")
        overrides = {key: part for key, part in content.items() if key != "about"}
        recipes[str(name)] = Recipe(str(name), content.get("about", "").strip(), overrides)
    return recipes


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; `above` takes precedence."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _overlay(merged[key], value) if both else value
    return merged
