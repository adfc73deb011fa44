"""Draw the cases, run each, judge how it ended, and count.

python -m benchmarks.hostile                       # 1,000 files and 2,000 lines: benchmarks/results/hostile.json
"""

from __future__ import annotations

import gc
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import composegan.runs.fit  # noqa: F401  what is loaded here need not be loaded for each of the cases
from benchmarks.hostile import binaries, images  # noqa: F401  which add their changes
from benchmarks.hostile.changes import BYTES, CANARY, FORMATS, WHOLE, rename
from benchmarks.hostile.child import CUT, Outcome, attempt
from benchmarks.hostile.kit import KINDS, build
from benchmarks.hostile.lines import command_line
from benchmarks.measure import machine
from benchmarks.script import read_settings
from composegan.cli import VERBS
from composegan.io.atomic import atomic_file

GROWTH = 2**30
"""Bytes that a command may take beyond the libraries."""
LONGEST = 1500
"""Characters of a line that is still read."""


Keep = Callable[[list[dict[str, Any]]], None]


@dataclass
class HostileConfig:
    files: int = 1000  # how many changed files
    lines: int = 2000  # how many command lines
    seed: int = 0  # of both
    seconds: float = 60.0  # after which a command is said to hang
    out: str = "benchmarks/results/hostile.json"  # file to write


@dataclass(frozen=True)
class Case:
    """kind: of file, or the verb of a command line; change: what was done; named: what a message has to name."""

    kind: str
    change: str
    arguments: list[str]
    named: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Run what is left to do; returns how many failures there are in all."""
    config = read_settings(HostileConfig, arguments, "hostile")
    out = Path(config.out)
    partial = out.with_name(f"{out.name}.partial")  # every case, until all are done
    before = json.loads(partial.read_text()) if partial.exists() else {}
    done = before["cases"] if before.get("seed") == config.seed else []
    with TemporaryDirectory(prefix="hostile-") as home:
        kit = Path(home) / "kit"
        build(kit)
        done = run_cases(config, kit, done, lambda cases: write(partial, {"seed": config.seed, "cases": cases}))
    write(out, {"settings": asdict(config), "machine": machine(), **summary(done)})
    partial.unlink()
    failed = [case for case in done if case["failure"]]
    for case in failed:
        print(f"{case['number']} {case['kind']}, {case['change']}: {case['failure']}")
    print(f"{len(done)} cases, {len(failed)} failures; wrote {out}")
    return len(failed)


def run_cases(config: HostileConfig, kit: Path, done: list[dict[str, Any]], keep: Keep) -> list[dict[str, Any]]:
    """The cases that are not in `done`, files first; keep: is given all of them now and then."""
    gc.freeze()  # a collection in a fork would copy the pages of all that is loaded
    known = {case["number"] for case in done}
    saved = time.monotonic()
    for number in [*range(config.files), *range(10**6, 10**6 + config.lines)]:
        if number in known:
            continue
        done.append(run_case(config, kit, number))
        if time.monotonic() - saved > 20:
            keep(done)
            saved = time.monotonic()
    gc.unfreeze()
    keep(done)
    return done


def run_case(config: HostileConfig, kit: Path, number: int) -> dict[str, Any]:
    """One case and what became of it. Numbers from a million on are command lines."""
    folder = kit.with_name(f"case-{number}")
    shutil.copytree(kit, folder)
    try:
        random = Random(f"{config.seed}, {number}")
        case = line_case(random) if number >= 10**6 else file_case(folder, random)
        outcome = attempt(case.arguments, folder, config.seconds)
        failure = judge(case, outcome, (folder / CANARY).exists())
    finally:
        shutil.rmtree(folder)
    last = (outcome.err.strip().splitlines() or [""])[-1]
    return {
        "number": number, "kind": case.kind, "change": case.change, "arguments": case.arguments,
        "status": outcome.status, "seconds": outcome.seconds, "megabytes": round(outcome.growth / 1e6),
        "said": last[:400], "failure": failure,
    }  # fmt: skip


def file_case(folder: Path, random: Random) -> Case:
    """Change one of the files in a copy of the kit."""
    kind = random.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
    pattern = random.choice(KINDS[kind].files)
    path = random.choice(sorted(folder.glob(pattern)))
    of_format = FORMATS.get(path.suffix, BYTES)
    groups = {BYTES: 4, of_format: 8, WHOLE: 1, (rename,): pattern.endswith("*")}
    change = random.choice(random.choices(list(groups), list(groups.values()))[0])
    change(path, random)
    home = path.parent.name
    named = (path.name, f"{home}/", f"{home}:", f"/{path.stem}.")
    return Case(kind, change.__name__, KINDS[kind].command.split(), named)


def line_case(random: Random) -> Case:
    line = command_line(random)
    verb = line[0] if line and line[0] in VERBS else "(no such verb)"
    return Case(f"composegan {verb}", "command line", line, ())


def judge(case: Case, outcome: Outcome, harmed: bool) -> str | None:
    """Why an outcome is a failure; None: it is none."""
    lines = [line for line in outcome.err.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("composegan: ")]
    if harmed:
        return "code in the file was run"
    if outcome.status is None:
        return f"still running after {outcome.seconds:.0f} s"
    if "Traceback" in outcome.err or outcome.status not in (0, 2, CUT):
        return f"status {outcome.status}: {_where(lines)}"
    if outcome.growth > GROWTH:
        return f"took {outcome.growth / 1e6:.0f} MB"
    if noise := [line for line in lines if "Warning" in line]:
        return f"a library speaks: {noise[0][:200]}"
    if outcome.status != 2:
        return None
    if len(told) != 1 or lines[-1] != told[0]:
        return f"{len(told)} lines of ours, {len(lines)} in all: {lines[-1:]}"
    if not told[0].isprintable():
        return f"characters that move a terminal's cursor: {told[0][:200]!r}"
    if len(told[0]) > LONGEST:
        return f"a line of {len(told[0])} characters: {told[0][:200]}"
    if case.named and not any(name in told[0] for name in case.named):
        return f"does not name the file ({' or '.join(case.named)}): {told[0][:200]}"
    if any(word in told[0] for word in ("MemoryError", "llocate")):
        return f"ran out of memory: {told[0][:300]}"
    return None


def _where(lines: list[str]) -> str:
    """The end of a traceback: what, and where in our code."""
    ours = [line.strip() for line in lines if "composegan/" in line and line.strip().startswith("File")]
    return f"{lines[-1][:200] if lines else 'silent'} ({ours[-1][:160] if ours else ''})"


def write(path: Path, content: dict[str, Any]) -> None:
    with atomic_file(path) as file:
        file.write_text(json.dumps(content, indent=1) + "\n")


def summary(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of each kind ended how, every failure, the slowest, and those that took most memory."""
    ends = {0: "used all the same", 2: "refused in one line", CUT: "long work would begin"}
    kinds: dict[str, Counter[str]] = {}
    for case in cases:
        part = "lines" if case["number"] >= 10**6 else "files"
        for kind in (f"all {part}", case["kind"]):
            count = kinds.setdefault(kind, Counter())
            count["cases"] += 1
            count["failures" if case["failure"] else ends[case["status"]]] += 1
    brief = ("number", "kind", "change", "seconds", "megabytes", "said")
    return {
        "kinds": kinds,
        "failures": [case for case in cases if case["failure"]],
        "slowest": [{key: c[key] for key in brief} for c in sorted(cases, key=lambda c: -c["seconds"])[:5]],
        "largest": [{key: c[key] for key in brief} for c in sorted(cases, key=lambda c: -c["megabytes"])[:5]],
    }
