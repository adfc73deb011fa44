"""From arguments and files to one configuration: a new run, a resumed run, and the files in between."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from composegan.config.arguments import split_arguments
from composegan.config.extensions import resolve_extensions, used_extensions
from composegan.config.merge import Schema, flat, merge, values_of
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.schema import Config
from composegan.config.settings import check_bounds
from composegan.config.sizes import adapt_sizes, take_packed_size
from composegan.config.validate import validate
from composegan.errors import UserError
from composegan.io.yaml_file import read_yaml, write_yaml
from composegan.plugin import registry
from composegan.plugin.contracts import DOMAIN, source_address
from composegan.plugin.domain import DomainPlugin, Recipe
from composegan.plugin.domain_file import read_domain_file
from composegan.plugin.recipes import find_recipe, recipes_of
from composegan.runtime.console import print_line
from composegan.runtime.ranks import is_first_process

RESUMABLE = (
    "output.*", "trainer.*", "training.images", "data.root", "data.root.*", "data.cache", "data.workers",
    "data.on_error", "plugin_path", "training.augment", "training.augment_target",
)  # fmt: skip
"""Settings that may change when a run resumes: none of them changes what it computes, except for augmentation."""


NOT_IN_RECIPES = ("domain", "plugin_path", "recipe", "output.root", "data.cache")
"""Settings that only a person may give: a recipe comes with data, and must not choose code or places to write."""


@dataclass(frozen=True)
class Composed:
    """A configuration and where it came from.

    config: every setting, checked; plugin: the domain; overrides: the arguments that were given; notes: lines to print,
    such as the recipe in use; extensions: those of other packages that the configuration names.
    """

    config: Config
    plugin: DomainPlugin
    overrides: list[str]
    notes: list[str]
    extensions: list[registry.Found] = field(default_factory=list)


def compose(arguments: Sequence[str]) -> Composed:
    """The configuration of a new run: defaults, overridden by the domain's recipe, then by `key=value` arguments.

    Raises UserError for an unknown domain, recipe or key, and for a value of the wrong type or out of range.
    """
    given = dict(split_arguments(arguments))
    domain, recipe_name = given.get("domain", ""), given.get("recipe", "")
    plugin = open_domain(domain, given.get("plugin_path"))
    recipe = find_recipe(plugin.spec, recipe_name)
    where = f"{domain}: " * is_path(domain) + f"recipe {recipe.name!r} of domain {plugin.spec.name!r}: "
    own = recipe_settings(recipe, where)
    config = merge(
        Config,
        [
            (where, own.items()),
            ("", [(key, value) for key, value in given.items() if key not in ("domain", "recipe")]),
            ("", [("domain", domain), ("recipe", recipe.name)]),
        ],
        see="composegan fit --help",
    )
    named = own.keys() | given.keys()
    if "training.presence" in named and "training.class_sets" not in named:
        config.training.class_sets = "all"  # auto is for runs that name neither
    notes = [] if recipe_name else _recipe_notes(plugin, recipe.name, sorted(own.keys() & given.keys()))
    if "data.root" in given and not config.data.root:
        notes.append(
            f"warning: data.root={given['data.root']}: names no folder; the images are the domain's drawn demo"
        )
    notes += take_packed_size(config, given) + adapt_sizes(config, given)
    with error_prefix(where, lambda key: key in own and key not in given):
        return finish(config, plugin, arguments, notes)


def recipe_settings(recipe: Recipe, where: str = "") -> dict[str, Any]:
    """What a recipe sets, by dotted key. Raises UserError, beginning with `where`, for one of NOT_IN_RECIPES."""
    settings = dict(flat(recipe.overrides))
    for key in NOT_IN_RECIPES:
        if key in settings:
            raise UserError(f"{where}{key}: cannot be set by a recipe; remove it, and give {key}=... with the command")
    return settings


def finish(config: Config, plugin: DomainPlugin, arguments: Sequence[str], notes: Sequence[str] = ()) -> Composed:
    """Make paths absolute, resolve the settings of extensions, and check every value.

    Raises UserError for the first value that cannot work.
    """
    resolve_paths(config)
    resolve_extensions(config, dict(split_arguments(arguments)))
    validate(config, plugin.spec)
    return Composed(config, plugin, list(arguments), list(notes), used_extensions(config))


def compose_for_run(run: Path, arguments: Sequence[str]) -> Composed:
    """The configuration of a run that resumes: its own, with arguments that do not change what it computes.

    Raises UserError if `run` is not a run, and for an argument that would change it.
    """
    saved = load_config(require_run(run) / CONFIG)
    config = merge(Config, [("", split_arguments(arguments))], base=saved, see="composegan fit --help")
    resolve_paths(config)
    if is_path(config.domain) and is_path(saved.domain) and _same_domain(config.domain, saved.domain):
        config.domain = saved.domain  # the file that the run's copy is of
    with settings_of_run(run, arguments):
        announce_plugin_path(run, saved, arguments)
        plugin = open_domain(config.domain, config.plugin_path)
        _check_unchanged(run, config, saved, lambda key: "extensions." not in key)
        resolve_extensions(saved)
        composed = finish(config, plugin, arguments)
        _check_unchanged(run, config, saved, lambda key: "extensions." in key)
    return composed


def _check_unchanged(run: Path, config: Config, saved: Config, concerns: Callable[[str], bool]) -> None:
    """Raise UserError for the first setting that differs and may not, of those that it concerns, by key."""
    now, then = (dict(flat(values_of(some))) for some in (config, saved))
    for key in (key for key in {**now, **then} if concerns(key) and now.get(key) != then.get(key)):
        name = re.sub(r"(^|\.)extensions\.", r"\1", key)
        if not any(fnmatchcase(name, pattern) for pattern in RESUMABLE):
            raise UserError(f"{name} would change the run {run}; a run can be resumed with {', '.join(RESUMABLE)}")


@contextmanager
def settings_of_run(run: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Within the block, an error about a setting names the run's config.yaml, unless the setting was given."""
    given = dict(split_arguments(arguments))
    with error_prefix(f"{run / CONFIG}: ", lambda key: key not in given):
        yield


@contextmanager
def error_prefix(where: str, is_from_there: Callable[[str], bool]) -> Iterator[None]:
    """Within the block, a UserError about a setting that `is_from_there`, by its key, begins with `where`."""
    try:
        yield
    except UserError as error:
        key = re.match(r"[\w.]*", str(error))
        if key is None or not is_from_there(key[0]):
            raise
        raise UserError(f"{where}{error}") from error


def read_arguments(schema: type[Schema], arguments: Sequence[str], see: str) -> Schema:
    """An instance of any settings dataclass from its defaults and `key=value` arguments.

    see: the command that lists its settings. Raises UserError for an unknown key, and a value of the wrong type or out
    of bounds.
    """
    config = merge(schema, [("", split_arguments(arguments))], see=see)
    check_bounds(config)
    return config


def load_config(path: Path | str) -> Config:
    """The configuration in a YAML file that `write_config` wrote; settings that it lacks have their defaults.

    The path of a domain YAML is relative to the file's folder, where a run keeps its copy. Extensions are not loaded.
    Raises UserError naming the file if it cannot be read or holds something else.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a configuration; sections such as `data:` and `model:` are needed")
    pairs = [(re.sub(r"(^|\.)extensions\.", r"\1", key), value) for key, value in flat(content)]
    config = merge(Config, [(f"{path}: ", pairs)], see="composegan fit --help")
    if is_path(config.domain):
        config.domain = _absolute(os.path.join(os.path.dirname(path), os.path.expanduser(config.domain)))
    return config


def write_config(path: Path | str, config: Config) -> None:
    """Write every setting as YAML; `load_config` returns an equal configuration.

    The path of a domain YAML below the file's folder is written relative to it, so that a run can be moved.
    """
    content, home = asdict(config), os.path.dirname(os.path.abspath(path))
    for section in (content, *content.values()):
        if isinstance(section, dict) and not section.get("extensions"):
            section.pop("extensions", None)
    if is_path(config.domain) and _absolute(config.domain).startswith(home + os.sep):
        content["domain"] = os.path.relpath(_absolute(config.domain), home)
    write_yaml(path, content)


def announce_plugin_path(run: Path, saved: Config, arguments: Sequence[str]) -> None:
    """Print which folder's code a run uses because of its config.yaml, unless the arguments name a folder."""
    if saved.plugin_path and "plugin_path" not in dict(split_arguments(arguments)) and is_first_process():
        print_line(f"{run / CONFIG}: using the plug-ins in plugin_path={_absolute(saved.plugin_path)}")


def open_domain(domain: str, plugin_path: str | None = None) -> DomainPlugin:
    """A domain by its registered name, or from a YAML file (folder data, no Python).

    plugin_path: a folder to search as well from now on; see `composegan.plugin.registry.add_plugin_path`.
    Raises UserError offering the nearest name, or saying what is wrong with the file, the folder or the plug-in.
    """
    if plugin_path:
        registry.add_plugin_path(os.path.expanduser(plugin_path))
    if not domain:
        names = ", ".join(registry.names(DOMAIN)) or "none"
        raise UserError(f"which domain? write domain=NAME or domain=FILE.yaml; there are: {names}")
    if is_path(domain):
        return DomainPlugin(spec=read_domain_file(Path(domain).expanduser()))
    return registry.load(domain)


def _same_domain(one: str, two: str) -> bool:
    """Whether two domain files are equal. Raises UserError when one cannot be read."""
    return one == two or read_domain_file(Path(one)) == read_domain_file(Path(two))


def is_path(domain: str) -> bool:
    """Whether `domain=` names a file rather than a registered domain."""
    return domain.endswith((".yaml", ".yml")) or "/" in domain or os.sep in domain


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def resolve_paths(config: Config) -> None:
    """Make the paths of what is read absolute, in place, so that a run can resume from another folder."""
    if is_path(config.domain):
        config.domain = _absolute(config.domain)
    config.plugin_path = config.plugin_path and _absolute(config.plugin_path)
    if config.data.root and not source_address(config.data.root):
        config.data.root = _absolute(config.data.root)
    config.data.cache = config.data.cache and _absolute(config.data.cache)
    config.adapt.source = config.adapt.source and _absolute(config.adapt.source)
    config.output.root = os.path.expanduser(config.output.root)


def _recipe_notes(plugin: DomainPlugin, taken: str, changed: Sequence[str]) -> list[str]:
    """The lines to print when no recipe was given: the one in use, of which these settings were changed, and others."""
    about = {name: recipe.about.partition("\n")[0] for name, recipe in recipes_of(plugin.spec).items()}
    others = [f"  recipe={name}: {text}" for name, text in about.items() if name != taken]
    this = f"with other {', '.join(changed[:4])}{', ...' * (len(changed) > 4)}" if changed else about[taken]
    return [f"recipe={taken} (the default): {this}", *(["other recipes:"] if others else []), *others]
