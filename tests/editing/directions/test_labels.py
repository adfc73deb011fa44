"""Labels in a CSV."""

from __future__ import annotations

import pytest

from composegan.editing.directions.labels import read_labels
from composegan.errors import UserError


def test_names_and_numbers_with_and_without_a_heading(tmp_path):
    path = tmp_path / "labels.csv"
    for text in ("picture,smile\n00003.png,1\nimages/00000.png, 0\n2,1\n", "3,1\n\n0,0\r\n2,1\n2,1"):
        path.write_text(text)
        numbers, sides = read_labels(path, 4)
        assert numbers.tolist() == [3, 0, 2] and sides.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0,1\n1,yes\n", "line 2: a picture and 0 or 1 are needed"),
        ("0,1\n1\n", "line 2: a picture and 0 or 1"),
        ("0,1\nhair.png,1\n", "line 2: 'hair.png' is no picture's number"),
        ("0,1\n4,1\n", "line 2: picture 4, but the codes have 0 to 3 only"),
        ("0,1\n00000.png,0\n", "line 2: picture 0 was labelled otherwise"),
        ("picture,smile\n", "holds no labels"),
        ("", "holds no labels"),
    ],
)
def test_another_file(tmp_path, text, reason):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=f"labels=.*labels.csv: {reason}"):
        read_labels(path, 4)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_labels(tmp_path / "none.csv", 4)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_labels(tmp_path / "bytes.csv", 4)
