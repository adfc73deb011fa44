"""The folder of a new run, with everything that says what it is."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from importlib.metadata import version
from itertools import count
from pathlib import Path

from composegan.config.compose import Composed, is_path, write_config
from composegan.config.run_folder import CONFIG
from composegan.grouping.propose import settled_plan
from composegan.io.atomic import atomic_file, writing
from composegan.plugin import registry
from composegan.runtime.ranks import is_first_process


def new_run(composed: Composed) -> Path:
    """Make runs/DOMAIN/TIME with everything that says what the run is."""
    config, spec = composed.config, composed.plugin.spec
    name = time.strftime("%Y-%m-%d_%H-%M-%S")
    first = Path(config.output.root) / spec.name / name
    if not is_first_process():  # the others never write
        return first
    for number in count(1):
        run = first.with_name(f"{name}_{number}") if number > 1 else first
        with writing(run):
            try:
                run.mkdir(parents=True)
                break
            except FileExistsError:  # of the same second
                if not run.exists():  # something above it is no folder
                    raise
    describe_run(run, composed)
    return run


def describe_run(run: Path, composed: Composed) -> None:
    """Everything that says what a run is, in its folder. Raises UserError when that cannot be written."""
    config, spec = composed.config, composed.plugin.spec
    packages = ("composegan", "torch", "lightning", "numpy")
    homes = [(found.distribution, found.version) for found in registry.discover() if found.name == config.domain]
    plugins = {
        "domain": spec.name,
        "from": " ".join(homes[0]) if homes else config.domain,
        "classes": list(spec.names),
        "packages": {package: version(package) for package in packages},
        "extensions": {f"{found.kind.word} {found.name}": found.home for found in composed.extensions},
    }
    groups = settled_plan(config, spec).to_names(spec.names)
    line = {"images_seen": 0, "grouping": config.grouping, "groups": groups}
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        given = "\n".join(composed.overrides) + "\n"
        (run / "overrides.txt").write_bytes(given.encode("utf-8", "surrogateescape"))  # a path need not be Unicode
        (run / "plugins.json").write_text(json.dumps(plugins, indent=2) + "\n")
        (run / "grouping.jsonl").write_text(json.dumps(line) + "\n")
        kept = replace(config, domain=_keep_domain_file(run, config.domain))
        with atomic_file(run / CONFIG) as file:  # with which it is a run
            write_config(file, kept)


def _keep_domain_file(run: Path, domain: str) -> str:
    """The run's own copy of a domain YAML, under its name, so that the run outlives the file; a name as it is."""
    if not is_path(domain):
        return domain
    copy = run / "domain" / Path(domain).name
    copy.parent.mkdir()
    copy.write_bytes(Path(domain).read_bytes())
    return str(copy)
