"""Read and write YAML files; any problem is one line that names the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from composegan.errors import UserError, first_line
from composegan.io.guarded import check_file, reading

MOST_BYTES, MOST_VALUES = 2**19, 100_000
"""Limits of a file, and of its content with every alias (`*name`) expanded."""


def read_yaml(path: Any) -> Any:
    """The content of a YAML file: plain dicts, lists, numbers and text; an empty file is None.

    path: a path, or a packaged resource (anything with `read_text`).
    Raises UserError naming file, line and reason. A duplicate key is an error.
    """
    file = Path(path) if isinstance(path, str) else path
    with reading(file):
        try:
            if isinstance(file, os.PathLike):
                check_file(file, MOST_BYTES)
            return parse_yaml(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise UserError(f"{file}: is not UTF-8 text (byte {error.start})") from error
        except yaml.YAMLError as error:
            raise UserError(f"{file}{_line(error)}: {reason(error)}") from error


def parse_yaml(text: str) -> Any:
    """The value of YAML text. Raises yaml.YAMLError, also when it would be very large or deep."""
    return _parse(text, _UniqueKeyLoader)


def parse_names(text: str) -> Any:
    """The value of YAML text with every scalar as text, so that `on` and `1` stay names.

    Raises ValueError with the reason in one line.
    """
    try:
        return _parse(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(reason(error)) from error


def _parse(text: str, kind: Any) -> Any:
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
    except Exception as error:  # PyYAML's constructors of numbers and dates raise all sorts
        raise yaml.YAMLError(f"a value cannot be read ({first_line(error)})") from error
    finally:
        if loader is not None:
            loader.dispose()


def _values_in(node: yaml.Node | None, known: dict[int, int]) -> int:
    """The number of values in a node with its aliases expanded. known: that of nodes seen so far, 0 while inside.

    Raises yaml.YAMLError for too many, and for a node that contains itself.
    """
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in known:
        if not known[id(node)]:
            raise yaml.constructor.ConstructorError(None, None, "it contains itself", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    count = 1 + sum(_values_in(part, known) for part in parts)
    if count > MOST_VALUES:
        problem = f"it has more than {MOST_VALUES:,} values, with its aliases expanded"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    known[id(node)] = count
    return count


def write_yaml(path: Path | str, value: Any) -> None:
    """Write plain dicts, lists, numbers and text so that `read_yaml` returns the same, in the same order."""
    Path(path).write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def reason(error: yaml.YAMLError) -> str:
    """The reason of a yaml.YAMLError, in one line."""
    return " ".join(str(getattr(error, "problem", None) or error).split())[:200]


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark else ""


class _UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader, which rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, str] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                # Compare text and value: 7 and 0x7 are one key, of which the last would silently win.
                for meant in {key.value, self.construct_object(key)}:
                    if meant in seen:
                        earlier = f" (as {seen[meant]})" if seen[meant] != key.value else ""
                        said = f"{key.value!r} is given twice{earlier}"
                        raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
                seen |= {key.value: key.value, self.construct_object(key): key.value}
        return super().construct_mapping(node, deep)
