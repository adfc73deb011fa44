from __future__ import annotations

import pytest

from composegan.config.errors import UserError
from composegan.config.yaml_file import read_yaml, write_yaml


def test_what_is_written_reads_back_in_order(tmp_path):
    value = {"z": [1, 2.5, None, True], "a": {"on": "on", "größe": "no", "number": "1e3"}, "tiny": 1e-12, "text": ""}
    write_yaml(tmp_path / "x.yaml", value)
    assert read_yaml(tmp_path / "x.yaml") == value
    assert list(read_yaml(tmp_path / "x.yaml")) == list(value)


def test_an_empty_file_is_none(tmp_path):
    (tmp_path / "x.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "x.yaml") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: [1, 2\n", "x.yaml, line 3: "),
        (b"a: 1\n\tb: 2\n", "x.yaml, line 2: "),
        (b"a: 1\nb: 2\na: 3\n", "x.yaml, line 3: 'a' is given twice"),
        (b"outer:\n  a: 1\n  a: 3\n", "x.yaml, line 3: 'a' is given twice"),
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


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match="none.yaml: cannot be read: No such file or directory"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_yaml(str(tmp_path))
