"""`composegan domains`: the installed domains and other extensions, and why some cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.runtime.console import aligned
from composegan.verbs.base import Command, command


@dataclass
class Domains(Command):
    extensions: bool = False  # list everything else that packages add, such as metrics, loss recipes and verbs
    plugin_path: str | None = None  # folder of a plug-in that is not installed, such as a checkout; empty: none

    def execute(self) -> None:
        """Print a row per registered domain, or per other extension, including those that cannot be used."""
        from composegan.plugin import registry
        from composegan.plugin.contracts import EXTENSIONS
        from composegan.plugin.listing import listing

        if self.plugin_path:
            registry.add_plugin_path(Path(self.plugin_path).expanduser())
        rows = [("name", "kind" if self.extensions else "classes", "distribution", "version", "status")]
        for found in listing(EXTENSIONS) if self.extensions else listing():
            about = found.kind.word if self.extensions else str(found.classes or "")
            status = f"error: {found.error}" if found.error else "ok"
            rows.append((found.name, about, found.distribution, found.version, status))
        print("\n".join(aligned(rows)))


verb = command(
    Domains, "list the installed domains",
    "List the installed domains: name, number of classes, distribution, version, and ok or what is wrong.",
    "", "extensions=on", "plugin_path=DIR",
    more=["A plug-in of another package is imported in a process of its own. docs/plugins.md shows how to add one."],
)  # fmt: skip
