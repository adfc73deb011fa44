"""YAML files in and out, with one clear line for whatever is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from composegan.config.errors import UserError


def read_yaml(path: Any) -> Any:
    """What a YAML file holds: plain dicts, lists, numbers and text; an empty file is None.

    path: a path, or a packaged resource (anything with `read_text`).
    Raises UserError naming file, line and reason. A key given twice is an error, not a silent override.
    """
    file = Path(path) if isinstance(path, str) else path
    try:
        return parse_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text (byte {error.start})") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file}{_line(error)}: {reason(error)}") from error


def parse_yaml(text: str) -> Any:
    """The value that YAML text holds. Raises yaml.YAMLError."""
    return yaml.load(text, _UniqueKeyLoader)


def parse_names(text: str) -> Any:
    """YAML text in which every scalar is text, so that names such as `on` and `1` stay names. Raises yaml.YAMLError."""
    return yaml.load(text, yaml.BaseLoader)


def write_yaml(path: Path | str, value: Any) -> None:
    """Write plain dicts, lists, numbers and text so that `read_yaml` gives back the same, in the same order."""
    Path(path).write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def reason(error: yaml.YAMLError) -> str:
    """What is wrong with a YAML text, in one line."""
    return " ".join(str(getattr(error, "problem", None) or error).split())


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark else ""


class _UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader, but a mapping that gives a key twice is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
