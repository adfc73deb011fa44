"""Values that nobody expects, and what can be done to plain data: shared by mutated files and random command lines."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

LONG = "9" * 5000
NUMBERS = (
    "0", "-1", "1e400", "1e300", "-1e18", "9" * 25, LONG, "nan", "inf", "-inf", "0x10", "1_000", "\uff11\uff12",
    "1e-300", "3.5", "18446744073709551616", "9223372036854775807", "2147483648", "+1", "1e3", "--1", "1,2", "½",
)  # fmt: skip
WORDS = (
    "", " ", "null", "none", "true", "off", "???", "${oc.env:HOME}", "${", "~", "~nobody-is-called-so", "~/x", "-",
    "[1,2", "[[a,b],[c]]", "{a: b}", "&a [*a]", "*a", "!!python/object/apply:os.getcwd []", "a: b: c", "%", "'", '"',
    "\n", "a\nb", "\t", "\r\n", "\x1b[31mred\x1b[0m", "\x07", "\u202egnp", "é" * 40, "\U0001f600", "\ufeff", "\x7f",
    "\udcff", "a" * 300, "x" * 5000, "[" * 3000, "all,all", ",", "0-", "5-1", "0-99999", "3,3,3", "999999999",
    "0-999999999", "area(ball)", "ball.texture.pca0:1e400", "..", "../..", "/", "//", ".", "a/" * 2000, "nowhere",
    "/nowhere/at/all", "/dev/null/x", "/proc/self/mem", "ball", "ground,glass", "bal", "GROUND",
)  # fmt: skip
PLAIN = (
    None, True, False, 0, -1, 3, 255, 256, 2**31, 2**63, 10**30, -(10**18), 1.5, float("nan"), float("inf"), 1e300,
    "", "a", "a\nb", "\u202e", "\0", "x" * 5000, "${a}", "~nobody-is-called-so", [], {}, [[]], [None], [1, "a"],
    {"a": 1}, {"": None}, [0] * 1000, [[[[[[[["deep"]]]]]]]], "\x1b[2J", "/dev/zero", "../../x",
)  # fmt: skip


def nested(depth: int, of: str = "[]") -> str:
    """Brackets within brackets, which JSON and YAML both read: "[[[]]]", or of mappings."""
    if of == "[]":
        return "[" * depth + "]" * depth
    return '{"a":' * depth + "1" + "}" * depth


def changed_data(data: Any, random: Random) -> Any:
    """A copy of nested dicts and lists with one to three places replaced, removed, renamed, doubled or multiplied."""
    data = {"": copy.deepcopy(data)}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        holder, key = random.choice(list(places(data)))
        how = random.choice(("replace", "replace", "replace", "remove", "rename", "double", "scale", "swap"))
        if how == "remove":
            del holder[key]
        elif how == "rename" and isinstance(holder, dict):
            holder[random.choice(("", "x", f"{key} ", "\n", "__class__", "self"))] = holder.pop(key)
        elif how == "double" and isinstance(holder, list):
            holder[key:key] = [copy.deepcopy(holder[key])] * random.choice((1, 2, 300))
        elif how == "scale" and type(holder[key]) in (int, float):
            holder[key] *= random.choice((-1, 0, 2, 1000, 10**6, 10**12, 0.5))
        elif how == "swap":
            other, place = random.choice(list(places(data)))
            holder[key] = copy.deepcopy(other[place])
        else:
            holder[key] = copy.deepcopy(random.choice(PLAIN))
        if "" not in data:
            return None
    return data[""]


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in nested dicts and lists."""
    found = []
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        found.append((data, key))
        if isinstance(data[key], (dict, list)):
            found += places(data[key])
    return found
