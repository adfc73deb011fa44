"""Draw the cases, run each, judge how it ended, and count."""

from __future__ import annotations

import gc
import json
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import composegan.runs.fit  # noqa: F401  loaded once here, not in every forked case
from benchmarks.hostile import HostileConfig, binaries, changes
from benchmarks.hostile.child import CUT, Outcome, attempt
from benchmarks.hostile.kit import KINDS, build
from benchmarks.hostile.lines import command_line
from benchmarks.measure import machine
from benchmarks.script import RESULTS, output, read_settings, write_json
from composegan.cli import VERBS

GROWTH = 2**30
"""Bytes that a command may take in addition to the libraries."""
LONGEST = 1500
"""Characters of a readable error line."""
LINE = "command line"

Result = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """kind: of file, or the verb of a command line; change: what was done to the file; named: parts of its path, one of
    which an error line has to contain."""

    kind: str
    change: str
    arguments: list[str]
    named: tuple[str, ...] = ()


def main(arguments: Sequence[str]) -> int:
    """Run the remaining cases. Returns the number of failures in all."""
    config = read_settings(HostileConfig, arguments, "hostile")
    out = output(config.out, RESULTS / "hostile.json")
    partial = out.with_name(f"{out.name}.partial")  # every result, until all are there
    before = json.loads(partial.read_text()) if partial.exists() else {}
    done = before["cases"] if before.get("seed") == config.seed else []
    with TemporaryDirectory(prefix="hostile-") as home:
        kit = Path(home) / "kit"
        build(kit)
        run_cases(config, kit, done, lambda: write_json(partial, {"seed": config.seed, "cases": done}))
    write_json(out, {"settings": asdict(config), "machine": machine(), **summary(done)})
    partial.unlink()
    failed = [case for case in done if case["failure"]]
    for case in failed:
        print(f"{case['kind']} {case['number']}, {case['change']}: {case['failure']}")
    print(f"{len(done)} cases, {len(failed)} failures; wrote {out}")
    return len(failed)


def case_keys(config: HostileConfig) -> list[tuple[str, int]]:
    """The (kind, number) of every case: each kind of file by its share, then command lines."""
    total = sum(kind.share for kind in KINDS.values())
    of_files = {name: round(config.files * kind.share / total) for name, kind in KINDS.items()}
    return [(name, number) for name, count in {**of_files, LINE: config.lines}.items() for number in range(count)]


def run_cases(config: HostileConfig, kit: Path, done: list[Result], save: Callable[[], None]) -> None:
    """Run the cases that are not in `done` and add their results to it. save: called regularly."""
    gc.freeze()  # a collection in a fork would copy the pages of everything that is loaded
    known = {(case["of"], case["number"]) for case in done}
    saved = time.monotonic()
    for kind, number in case_keys(config):
        if (kind, number) not in known:
            done.append(run_case(kit, kind, number, config.seed, config.seconds))
        if time.monotonic() - saved > 20:
            save()
            saved = time.monotonic()
    gc.unfreeze()
    save()


def run_case(kit: Path, kind: str, number: int, seed: int, seconds: float = 60.0) -> Result:
    """Run one case in a copy of the kit."""
    folder = kit.with_name(f"case {kind} {number}")
    shutil.copytree(kit, folder)
    try:
        random = Random(f"{seed} {kind} {number}")
        case = line_case(random) if kind == LINE else file_case(folder, kind, random)
        outcome = attempt(case.arguments, folder, seconds)
        failure = judge(case, outcome, (folder / changes.CANARY).exists())
    finally:
        shutil.rmtree(folder)
    return {
        "of": kind, "number": number, "kind": case.kind, "change": case.change, "arguments": case.arguments,
        "status": outcome.status, "seconds": outcome.seconds, "megabytes": round(outcome.growth / 1e6),
        "error": (outcome.err.strip().splitlines() or [""])[-1][:400], "failure": failure,
    }  # fmt: skip


def file_case(folder: Path, kind: str, random: Random) -> Case:
    """Change a file of this kind in a copy of the kit."""
    pattern = random.choice(KINDS[kind].files)
    path = random.choice(sorted(folder.glob(pattern)))
    of_format = (changes.FORMATS | binaries.FORMATS).get(path.suffix, changes.BYTES)
    groups = {changes.BYTES: 4, of_format: 8, (changes.replace_file,): 1, (changes.rename,): int(pattern.endswith("*"))}
    if KINDS[kind].special:
        groups = {(changes.replace_file, changes.link): 1}
    change = random.choice(random.choices(list(groups), list(groups.values()))[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of some odd tensors
        change(path, random)
    home = path.parent.name
    named = (path.name, f"{home}/", f"{home}:", f"/{path.stem}.", *KINDS[kind].named)
    return Case(kind, change.__name__, KINDS[kind].command.split(), named)


def line_case(random: Random) -> Case:
    line = command_line(random)
    verb = line[0] if line and line[0] in VERBS else "(no such verb)"
    return Case(f"composegan {verb}", LINE, line)


def judge(case: Case, outcome: Outcome, harmed: bool) -> str | None:
    """Why an outcome is a failure; None if it is not one."""
    lines = [line for line in outcome.err.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("composegan: ")]
    if harmed:
        return "code in the file was executed"
    if outcome.status is None:
        return f"still running after {outcome.seconds:.0f} s"
    if "Traceback" in outcome.err or outcome.status not in (0, 2, CUT):
        frames = [line.strip() for line in lines if "composegan/" in line and line.strip().startswith("File")]
        return f"status {outcome.status}: {lines[-1][:200] if lines else ''} ({frames[-1][:160] if frames else ''})"
    if outcome.growth > GROWTH:
        return f"took {outcome.growth / 1e6:.0f} MB"
    if warnings := [line for line in lines if "Warning" in line]:
        return f"a library's warning: {warnings[0][:200]}"
    if outcome.status != 2:
        return None
    if len(ours) != 1 or lines[-1] != ours[0]:
        return f"{len(ours)} error lines of ours, {len(lines)} in all: {lines[-1:]}"
    if not ours[0].isprintable():
        return f"control characters: {ours[0][:200]!r}"
    if len(ours[0]) > LONGEST:
        return f"a line of {len(ours[0])} characters: {ours[0][:200]}"
    if case.named and not any(name in ours[0] for name in case.named):
        return f"does not name the file ({' or '.join(case.named)}): {ours[0][:200]}"
    if any(word in ours[0] for word in ("MemoryError", "llocate")):
        return f"ran out of memory: {ours[0][:300]}"
    return None


def summary(cases: list[Result]) -> dict[str, Any]:
    """How many of each kind ended how, every failure, and the slowest and largest cases."""
    ends = {0: "still usable", 2: "refused in one line", CUT: "long work would begin"}
    kinds: dict[str, Counter[str]] = {}
    for case in cases:
        for kind in ("all lines" if case["of"] == LINE else "all files", case["kind"]):
            count = kinds.setdefault(kind, Counter())
            count["cases"] += 1
            count["failures" if case["failure"] else ends[case["status"]]] += 1

    def most(key: str) -> list[Result]:
        shown = ("kind", "number", "change", "seconds", "megabytes", "error")
        return [{name: case[name] for name in shown} for case in sorted(cases, key=lambda case: -case[key])[:5]]

    failures = [case for case in cases if case["failure"]]
    return {"kinds": kinds, "failures": failures, "slowest": most("seconds"), "largest": most("megabytes")}
