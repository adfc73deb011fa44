"""The folder of a new run, with everything that describes it."""

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
    """Make runs/DOMAIN/TIME, described by its files. Raises UserError when it cannot be written."""
    config, spec = composed.config, composed.plugin.spec
    name = time.strftime("%Y-%m-%d_%H-%M-%S")
    first = Path(config.output.root) / spec.name / name
    if not is_first_process():  # only rank 0 writes
        return first
    for number in count(1):
        run = first.with_name(f"{name}_{number}") if number > 1 else first
        with writing(run):
            try:
                run.mkdir(parents=True)
                break
            except FileExistsError:  # a run started in the same second
                if not run.exists():  # a parent is not a folder
                    raise
    describe_run(run, composed)
    return run


def describe_run(run: Path, composed: Composed) -> None:
    """Write config.yaml, overrides.txt, plugins.json and grouping.jsonl. Raises UserError when that is impossible."""
    config, spec = composed.config, composed.plugin.spec
    packages = ("composegan", "torch", "lightning", "numpy")
    plugins = {
        "domain": spec.name,
        "from": registry.home(config.domain) or config.domain,
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
        with atomic_file(run / CONFIG) as file:  # last: it makes the folder a run
            write_config(file, kept)


def _keep_domain_file(run: Path, domain: str) -> str:
    """Copy a domain YAML into the run, which then does not need the original; return a domain name unchanged."""
    if not is_path(domain):
        return domain
    copy = run / "domain" / Path(domain).name
    copy.parent.mkdir()
    copy.write_bytes(Path(domain).read_bytes())
    return str(copy)
