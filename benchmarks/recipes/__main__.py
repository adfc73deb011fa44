"""`python -m benchmarks.recipes key=value ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes import RecipesConfig, report
from benchmarks.recipes.arms import arms_in
from benchmarks.recipes.measure import held_out, limit_of, results_of, target_of, train_and_evaluate
from benchmarks.script import RESULTS, command_line, newest_run, output, read_settings, run_study
from benchmarks.study_runs import check_same
from composegan.config.compose import Composed, compose
from composegan.config.lists import numbers_in
from composegan.data.open import open_source
from composegan.errors import UserError


def main(arguments: Sequence[str]) -> bool:
    """Train and evaluate every run that is missing. Returns whether any failed."""
    own = [argument for argument in arguments if "." not in argument.partition("=")[0]]
    shared = [argument for argument in arguments if argument not in own]
    config = read_settings(RecipesConfig, own, "recipes")
    arms, seeds = arms_in(config.arms), numbers_in(config.seeds, "seeds")
    if not seeds:
        raise UserError("seeds=: at least one is needed")
    for setting in (setting for some in (shared, *arms.values()) for setting in some):
        if setting.startswith("training.images="):
            raise UserError(f"{setting}: the same for all arms; set images= or minutes=")
    base = [f"domain={config.domain}", *shared]
    last = f"training.images={limit_of(config)}"
    runs = {(arm, seed): merged([*base, *arms[arm], f"seed={seed}", last]) for seed in seeds for arm in arms}
    check(runs, config)
    study = {
        "command": command_line("recipes", arguments), "target": target_of(config), "arms": arms, "shared": base
    }  # fmt: skip
    roots = {(arm, seed): Path(config.out) / f"{arm}-{seed}" for arm, seed in runs}
    folder, failed = output(config.results, RESULTS / "recipes"), False
    found = {key: results for key in runs if (results := results_of(roots[key], config))}
    written = report.write(study, found, roots, folder) if found else []
    for key, settings in runs.items():
        if key in found:
            continue
        name = roots[key].name
        print(f"== {name}", flush=True)
        try:
            found[key] = train_and_evaluate(roots[key], settings, config)
        except UserError as error:
            failed = True
            print(f"{name}: {error}", flush=True)
            continue
        written = report.write(study, {key: found[key] for key in runs if key in found}, roots, folder)
    for path in written:
        print(f"wrote {path}")
    return failed


def merged(settings: Sequence[str]) -> list[str]:
    """Settings of which later ones replace earlier ones of the same key."""
    return [f"{key}={value}" for key, value in {s.partition("=")[0]: s.partition("=")[2] for s in settings}.items()]


def check(runs: dict[tuple[str, int], list[str]], config: RecipesConfig) -> None:
    """Raise UserError for what would stop the study later: an arm's settings, a folder of others, missing images."""
    composed: dict[str, Composed] = {}
    for (arm, seed), settings in runs.items():
        if arm not in composed:
            try:
                composed[arm] = compose(settings)
            except UserError as error:
                raise UserError(f"arm {arm}: {error}") from error
        if before := newest_run(Path(config.out) / f"{arm}-{seed}"):
            check_same(before, settings)
    one = next(iter(composed.values()))
    open_source(one.plugin, held_out(one.config.data, config))


if __name__ == "__main__":
    run_study(main)
