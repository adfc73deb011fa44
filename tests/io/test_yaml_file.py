"""YAML files: values survive a round trip, and every fault is one line that names file and line."""

from __future__ import annotations

import os

import pytest

from composegan.errors import UserError
from composegan.io.yaml_file import read_yaml, write_yaml


def test_write_yaml_keeps_values_and_order(tmp_path):
    value = {"z": [1, 2.5, None, True], "a": {"on": "on", "größe": "no", "number": "1e3"}, "tiny": 1e-12, "text": ""}
    write_yaml(tmp_path / "x.yaml", value)
    assert read_yaml(tmp_path / "x.yaml") == value
    assert list(read_yaml(tmp_path / "x.yaml")) == list(value)


def test_empty_file_is_none(tmp_path):
    (tmp_path / "x.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "x.yaml") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: [1, 2\n", "x.yaml, line 3: "),
        (b"a: 1\n\tb: 2\n", "x.yaml, line 2: "),
        (b"a: 1\nb: 2\na: 3\n", "x.yaml, line 3: 'a' is given twice"),
        (b"outer:\n  a: 1\n  a: 3\n", "x.yaml, line 3: 'a' is given twice"),
        (b"ids:\n  7: road\n  0x7: car\n", "x.yaml, line 3: '0x7' is given twice (as 7)"),
        (b"ids: {7: road, 7: road}\n", "x.yaml, line 1: '7' is given twice"),
        (b"ids: {on: road, true: car}\n", "x.yaml, line 1: 'true' is given twice (as on)"),
        (b"a: !!python/object:os.system {}\n", "x.yaml, line 1: could not determine a constructor"),
        (b"a: \xff\xfe\n", "x.yaml: is not UTF-8 text (byte 3)"),
        (b"a: 1\n---\nb: 2\n", "x.yaml, line 2: "),
        (b"a: \x00\n", "x.yaml"),
        (b"? [a, b]\n: 1\n", "x.yaml, line 1: found unhashable key"),
    ],
)
def test_broken_yaml_names_file_line_and_reason(tmp_path, content, said):
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(UserError, match="none.yaml: does not exist"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read .Is a directory"):
        read_yaml(str(tmp_path))


def laughs(form):
    """Lists (or mappings) that each contain nine copies of the one before."""
    lines = ["a0: &a0 " + form.format("x: 1" if "{{" in form else "1")]
    for k in range(1, 9):
        parts = ", ".join(f"k{j}: *a{k - 1}" if "{{" in form else f"*a{k - 1}" for j in range(9))
        lines.append(f"a{k}: &a{k} " + form.format(parts))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (laughs("[{}]"), "it has more than 100,000 values, with its aliases expanded"),
        (laughs("{{{}}}"), "it has more than 100,000 values, with its aliases expanded"),
        ("a: &a [*a]", "it contains itself"),
        ("a: " + "[" * 3000 + "]" * 3000, "it is nested too deeply"),
        ("a: " + "9" * 5000, "a value cannot be read (Exceeds the limit"),
        ("a: 2001-99-99", "a value cannot be read (month must be in 1..12"),
        ("a: !!int ''", "a value cannot be read"),
        ("- x\n" * 200_000, "it has 1 MB, more than the limit of 1 MB"),
    ],
    ids=["lists", "mappings", "itself", "deep", "long number", "date", "no number", "large"],
)
def test_excessive_and_invalid_values_are_rejected(tmp_path, content, said):
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(UserError) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert str(caught.value).startswith(str(tmp_path / "x.yaml")) and said in str(caught.value)


def test_small_aliases_are_expanded(tmp_path):
    (tmp_path / "x.yaml").write_text("a: &a {b: [1, 2]}\nc: *a\nd: {<<: *a, e: 3}\n")
    assert read_yaml(tmp_path / "x.yaml") == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": {"b": [1, 2], "e": 3}}


def test_pipe_is_rejected_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(UserError, match="x.yaml: cannot be read .it is a pipe or a device, not a file"):
        read_yaml(tmp_path / "x.yaml")
