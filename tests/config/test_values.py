"""Convert texts to values of a setting's type, and back."""

from typing import Any

import pytest

from composegan.config.values import convert, describe, show


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("on", bool, True), ("yes", bool, True), ("True", bool, True), ("1", bool, True), (True, bool, True),
        ("off", bool, False), ("no", bool, False), ("FALSE", bool, False), ("0", bool, False),
        ("8", int, 8), (" 8 ", int, 8), ("-3", int, -3), ("1e3", int, 1000), ("4.8e6", int, 4_800_000),
        ("4_800_000", int, 4_800_000), ("2.0", int, 2), (8, int, 8), (8.0, int, 8),
        ("9007199254740993", int, 9007199254740993),  # does not pass through a float
        ("1e3", float, 1000.0), ("1e-3", float, 0.001), (".5", float, 0.5), ("2", float, 2.0), (2, float, 2.0),
        ("auto", str, "auto"), ("32", str, "32"), (32, str, "32"), ("on", str, "on"), ("1e3", str, "1e3"),
        ("", str, ""), ("a b=c", str, "a b=c"), ("größe/猫", str, "größe/猫"), ("null", str, "null"),
        ("", str | None, None), ("null", str | None, None), ("None", float | None, None), (None, int | None, None),
        ("2.5", float | None, 2.5), ("x", str | None, "x"),
        ("per_class", Any, "per_class"), ("[[hair,hat],[face,nose]]", Any, [["hair", "hat"], ["face", "nose"]]),
        ("[[on, no], [1, null]]", Any, [["on", "no"], ["1", "null"]]), ("[left eye, 'a,b']", Any, ["left eye", "a,b"]),
        ([["a"], ("b",)], Any, [["a"], ["b"]]),
    ],
)  # fmt: skip
def test_convert_accepts_what_people_write(value, kind, expected):
    result = convert(value, kind)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("maybe", bool, "on or off needed, found 'maybe'"),
        ("", bool, "on or off needed, found ''"),
        (1, bool, "on or off needed, found 1"),
        ("abc", int, "whole number needed, found 'abc'"),
        ("1.5", int, "whole number needed, found '1.5'"),
        ("1e400", int, "whole number needed"),
        ("", int, "whole number needed, found ''"),
        (True, int, "whole number needed, found True"),
        (None, int, "whole number needed, found None"),
        ([1], int, "whole number needed"),
        ("nan", float, "number needed, found 'nan'"),
        ("inf", float, "number needed, found 'inf'"),
        ("auto", float, "number needed, found 'auto'"),
        (10**400, float, "number needed"),
        ("x", float | None, "number needed, found 'x'"),
        (False, str, "text needed, found False"),
        (["a"], str, "text needed, found ['a']"),
        ("[[hair", Any, "neither a name nor a list"),
        ("a: b", Any, "names needed"),
        ("", Any, "names needed"),
        ("[a, '']", Any, "names needed, found ''"),
        (3, Any, "names needed, found 3"),
        *((value, kind, "is not expanded; write the value itself")
          for value in ("${oc.env:HOME}", "a${b") for kind in (str, str | None, Any)),
        ("[[${a}]]", Any, "is not expanded"),
        ("a\0b", str, "has a character of code 0"),
        ("~nobody-is-called-so/x", str | None, "this machine has no user 'nobody-is-called-so'"),
        ("1e300", int, "must be from -1,000,000,000,000,000,000 to "),
        (2**70, int, "must be from "),
        ("x" * 5000, float, "found '" + "x" * 59 + "... (5,002 characters)"),
        ("[" * 3000, Any, "it is nested too deeply"),
        ("&a [*a]", Any, "it contains itself"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_convert_error_says_what_is_needed(value, kind, said):
    with pytest.raises(ValueError) as caught:
        convert(value, kind)
    assert said in str(caught.value) and len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(int, "whole number"), (float | None, "number or empty"), (bool, "on or off"), (Any, "name or list")],
)
def test_describe_types(kind, words):
    assert describe(kind) == words


@pytest.mark.parametrize(
    ("value", "kind"), [(True, bool), (None, str | None), (0.002, float), ([["a", "b"], ["c"]], Any), ("auto", str)]
)
def test_show_round_trip(value, kind):
    assert convert(show(value), kind) == value


def test_existing_home_folder_is_accepted(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert convert("~/x", str) == "~/x"
    assert convert("~", str) == "~"
