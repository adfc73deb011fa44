"""YAML files in and out, with one clear line for whatever is wrong with one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from composegan.errors import UserError, first_line
from composegan.io.guarded import UnreadableError, check_file

MOST_BYTES, MOST_VALUES = 2**19, 100_000
"""Of a file, and of what it holds once every reference (`*name`) is written out."""


def read_yaml(path: Any) -> Any:
    """What a YAML file holds: plain dicts, lists, numbers and text; an empty file is None.

    path: a path, or a packaged resource (anything with `read_text`).
    Raises UserError naming file, line and reason. A key given twice is an error, not a silent override.
    """
    file = Path(path) if isinstance(path, str) else path
    try:
        if isinstance(file, os.PathLike):
            check_file(file, MOST_BYTES)
        return parse_yaml(file.read_text(encoding="utf-8"))
    except (OSError, UnreadableError) as error:
        raise UserError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text (byte {error.start})") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file}{_line(error)}: {reason(error)}") from error


def parse_yaml(text: str) -> Any:
    """The value that YAML text holds. Raises yaml.YAMLError, also for a text that would become very large or deep."""
    return _parse(text, _UniqueKeyLoader)


def parse_names(text: str) -> Any:
    """YAML text in which every scalar is text, so that names such as `on` and `1` stay names.

    Raises ValueError with the reason in one line.
    """
    try:
        return _parse(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(reason(error)) from error


def _parse(text: str, kind: type) -> Any:
    loader = None
    try:
        loader = kind(text)
        node = loader.get_single_node()
        _values_in(node, {})
        return None if node is None else loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML's own makers of numbers and dates fail in many ways
        raise yaml.YAMLError(f"a value cannot be read ({first_line(error)})") from error
    finally:
        if loader is not None:
            loader.dispose()


def _values_in(node: yaml.Node | None, known: dict[int, int]) -> int:
    """How many values a node is, its references written out. known: of nodes seen, 0 while inside.

    Raises yaml.YAMLError for too many, and for a node that is in itself.
    """
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in known:
        if not known[id(node)]:
            raise yaml.constructor.ConstructorError(None, None, "it refers to itself", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    count = 1 + sum(_values_in(part, known) for part in parts)
    if count > MOST_VALUES:
        problem = f"it has more than {MOST_VALUES:,} values, once its references are written out"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    known[id(node)] = count
    return count


def write_yaml(path: Path | str, value: Any) -> None:
    """Write plain dicts, lists, numbers and text so that `read_yaml` gives back the same, in the same order."""
    Path(path).write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def reason(error: yaml.YAMLError) -> str:
    """What is wrong with a YAML text, in one line."""
    return " ".join(str(getattr(error, "problem", None) or error).split())[:200]


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark else ""


class _UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader, but a mapping that gives a key twice is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, str] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                # By what is written, and by what it means: 7 and 0x7 are one key, of which the last would silently win.
                for meant in {key.value, self.construct_object(key)}:
                    if meant in seen:
                        earlier = f" (as {seen[meant]})" if seen[meant] != key.value else ""
                        said = f"{key.value!r} is given twice{earlier}"
                        raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
                seen |= {key.value: key.value, self.construct_object(key): key.value}
        return super().construct_mapping(node, deep)
