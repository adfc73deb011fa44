"""From arguments and files to one typed configuration. The one file that knows OmegaConf."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf

from composegan.config.arguments import split_arguments
from composegan.config.extensions import used_extensions
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.schema import Config
from composegan.config.settings import settings_of, unknown_key
from composegan.config.validate import validate
from composegan.config.values import convert
from composegan.errors import UserError
from composegan.io.yaml_file import read_yaml, write_yaml
from composegan.plugin import registry
from composegan.plugin.contracts import source_address
from composegan.plugin.domain import DomainPlugin
from composegan.plugin.domain_file import read_domain_file
from composegan.plugin.recipes import find_recipe, recipes_of

Schema = TypeVar("Schema")

RESUMABLE = (
    "output.*", "trainer.*", "training.images", "data.root", "data.cache", "data.workers", "data.on_error",
    "plugin_path",
)  # fmt: skip
"""What may be given to a run that is continued: none of it changes what the run computes."""


@dataclass(frozen=True)
class Composed:
    """A configuration and where it came from.

    config: every setting, checked. plugin: the domain. overrides: the arguments that were given.
    notes: lines to show a person, such as which recipe was taken. extensions: those of other packages that it names.
    """

    config: Config
    plugin: DomainPlugin
    overrides: list[str]
    notes: list[str]
    extensions: list[registry.Found] = field(default_factory=list)


def compose(arguments: Sequence[str]) -> Composed:
    """The configuration of a new run: schema defaults, then the domain's recipe, then `key=value` arguments.

    Raises UserError for an unknown domain, recipe or key, and for a value of the wrong type or out of range.
    """
    given = dict(split_arguments(arguments))
    domain, recipe_name = given.get("domain", ""), given.get("recipe", "")
    plugin = open_domain(domain, given.get("plugin_path"))
    recipe = find_recipe(plugin.spec, recipe_name)
    own = dict(flat(recipe.overrides))
    where = f"{domain}: " * is_path(domain) + f"recipe {recipe.name!r} of domain {plugin.spec.name!r}: "
    config = merge(
        Config,
        [
            (where, own.items()),
            ("", [(key, value) for key, value in given.items() if key not in ("domain", "recipe")]),
            ("", [("domain", domain), ("recipe", recipe.name)]),
        ],
        see="composegan fit --help",
    )
    resolve_paths(config)
    with told_as(where, lambda key: key in own and key not in given):
        validate(config, plugin.spec)
    notes = [] if recipe_name else _recipe_notes(plugin, recipe.name)
    return Composed(config, plugin, list(arguments), notes, used_extensions(config))


def compose_for_run(run: Path, arguments: Sequence[str]) -> Composed:
    """The configuration of a run that is continued: its own, and of `arguments` only what leaves it the same run.

    Raises UserError when `run` is not a run, and for an argument that would change what it computes.
    """
    saved = load_config(require_run(run) / CONFIG)
    given = split_arguments(arguments)
    config = merge(Config, [("", given)], base=saved, see="composegan fit --help")
    resolve_paths(config)
    if is_path(config.domain) and is_path(saved.domain) and _same_domain(config.domain, saved.domain):
        config.domain = saved.domain  # the file that the run's copy is of
    for key in settings_of(Config):
        same = attrgetter(key)(config) == attrgetter(key)(saved)
        if not same and not any(fnmatchcase(key, pattern) for pattern in RESUMABLE):
            raise UserError(f"{key} would change the run {run}; a run can be continued with {', '.join(RESUMABLE)}")
    with settings_of_run(run, arguments):
        plugin = open_domain(config.domain, config.plugin_path)
        validate(config, plugin.spec)
        return Composed(config, plugin, list(arguments), [], used_extensions(config))


@contextmanager
def settings_of_run(run: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Within the block a setting that cannot be is told with the run's file it comes from, unless it was given."""
    given = dict(split_arguments(arguments))
    with told_as(f"{run / CONFIG}: ", lambda key: key not in given):
        yield


@contextmanager
def told_as(where: str, is_from_there: Callable[[str], bool]) -> Iterator[None]:
    """Within the block a UserError about a setting that `is_from_there`, by its key, begins with `where`."""
    try:
        yield
    except UserError as error:
        key = re.match(r"[\w.]*", str(error))[0]
        if not is_from_there(key):
            raise
        raise UserError(f"{where}{error}") from error


def read_arguments(schema: type[Schema], arguments: Sequence[str], see: str) -> Schema:
    """An instance of any settings dataclass from its defaults and `key=value` arguments.

    see: the command that lists its settings. Raises UserError for an unknown key or a value of the wrong type.
    """
    return merge(schema, [("", split_arguments(arguments))], see=see)


def load_config(path: Path | str) -> Config:
    """The configuration in a YAML file that `write_config` wrote; settings it lacks have their defaults.

    A domain YAML is looked for from the file's own folder, where a run keeps its copy.
    Raises UserError naming the file when it cannot be read or holds something else.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a configuration; sections such as `data:` and `model:` are needed")
    config = merge(Config, [(f"{path}: ", flat(content))], see="composegan fit --help")
    if is_path(config.domain):
        config.domain = _absolute(os.path.join(os.path.dirname(path), os.path.expanduser(config.domain)))
    return config


def write_config(path: Path | str, config: Config) -> None:
    """Write every setting as YAML; `load_config` gives back an equal configuration.

    A domain YAML below the file's folder is written relative to it, so that a run can be moved.
    """
    content, home = asdict(config), os.path.dirname(os.path.abspath(path))
    if is_path(config.domain) and _absolute(config.domain).startswith(home + os.sep):
        content["domain"] = os.path.relpath(_absolute(config.domain), home)
    write_yaml(path, content)


def open_domain(domain: str, plugin_path: str | None = None) -> DomainPlugin:
    """A domain by its registered name, or from a YAML file (folder data, no Python).

    plugin_path: a folder that is looked into as well, from now on; see `composegan.plugin.registry.add_plugin_path`.
    Raises UserError offering the nearest name, or saying what is wrong with the file, the folder or the plugin.
    """
    if plugin_path:
        registry.add_plugin_path(os.path.expanduser(plugin_path))
    if not domain:
        names = [found.name for found in registry.discover() if found.plugin]
        raise UserError(f"which domain? write domain=NAME or domain=FILE.yaml; there are: {', '.join(names) or 'none'}")
    if is_path(domain):
        return DomainPlugin(spec=read_domain_file(Path(domain).expanduser()))
    return registry.load(domain)


def _same_domain(one: str, two: str) -> bool:
    """Whether two domain files say the same. Raises UserError when one cannot be read."""
    return one == two or read_domain_file(Path(one)) == read_domain_file(Path(two))


def is_path(domain: str) -> bool:
    """Whether `domain=` names a file and not a registered domain."""
    return domain.endswith((".yaml", ".yml")) or "/" in domain or os.sep in domain


Layer = tuple[str, Iterable[tuple[str, Any]]]
"""Where settings come from (the beginning of an error line), and (dotted key, value) pairs."""


def merge(schema: type[Schema], layers: Iterable[Layer], *, see: str, base: Schema | None = None) -> Schema:
    """An instance of `schema`: its defaults (or `base`), with each layer put over those before."""
    tree = OmegaConf.structured(schema if base is None else base)
    for where, pairs in layers:
        for key, value in pairs:
            try:
                _assign(tree, schema, key, value, see)
            except UserError as error:
                raise UserError(f"{where}{error}") from error
    return OmegaConf.to_object(tree)


def _assign(tree: DictConfig, schema: type, key: str, value: Any, see: str) -> None:
    settings = settings_of(schema)
    whole = re.sub(r"(\.[0-9]{1,4})+$", "", key)  # `grouping.0` is in the list `grouping`
    setting = settings.get(key) or settings.get(whole)
    if setting is None:
        above = [name for name in settings if key.startswith(name + ".")]
        raise UserError(f"{above[0]} has no {key!r}; it is a value" if above else unknown_key(key, settings, see))
    try:
        value = convert(value, setting.type)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error
    if setting.key != key:
        above, _, index = key.rpartition(".")
        items = OmegaConf.select(tree, above)
        if not OmegaConf.is_list(items) or int(index) >= len(items):
            raise UserError(f"{key}: {whole} is {OmegaConf.select(tree, whole)}; there is no such item in it")
    OmegaConf.update(tree, key, value, merge=False)


def flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) pairs of nested mappings."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def resolve_paths(config: Config) -> None:
    """Paths of what is read are made absolute, so that a run can be continued from another folder."""
    if is_path(config.domain):
        config.domain = _absolute(config.domain)
    config.plugin_path = config.plugin_path and _absolute(config.plugin_path)
    if config.data.root and not source_address(config.data.root):
        config.data.root = _absolute(config.data.root)
    config.data.cache = config.data.cache and _absolute(config.data.cache)
    config.adapt.source = config.adapt.source and _absolute(config.adapt.source)
    config.output.root = os.path.expanduser(config.output.root)


def _recipe_notes(plugin: DomainPlugin, taken: str) -> list[str]:
    """What to say when no recipe was asked for: which was taken, and what else there is."""
    about = {name: recipe.about.partition("\n")[0] for name, recipe in recipes_of(plugin.spec).items()}
    others = [f"  recipe={name}: {text}" for name, text in about.items() if name != taken]
    return [f"recipe={taken} is taken, as none was given: {about[taken]}", *(["others are"] if others else []), *others]
