"""`composegan models`: the trained models that come with the package, and the card of one."""

from __future__ import annotations

from dataclasses import dataclass

from composegan.runtime.console import aligned
from composegan.verbs.base import Command, command


@dataclass
class Models(Command):
    name: str = ""  # the model whose card is printed; may be given without `name=`; empty: list all

    def execute(self) -> None:
        """Print a card, or a row per model."""
        from composegan.shipped import model_named, models

        if self.name:
            print(model_named(self.name).card.rstrip())
            return
        rows = [("name", "domain", "size", "classes", "parameters", "file", "images seen", "about")]
        for name, model in models().items():
            size, count = f"{model.height}x{model.width}", str(len(model.classes))
            parameters, megabytes = f"{model.parameters / 1e6:.2f} M", f"{model.bytes / 1e6:.1f} MB"
            rows.append(
                (name, model.domain, size, count, parameters, megabytes, f"{model.images_seen:,}", model.summary)
            )
        print("\n".join(aligned(rows)))


verb = command(
    Models, "list the trained models that come with composegan",
    "List the trained models that come with composegan, or print the card of one: data, command, figures, limits.",
    "", "NAME", bare="name",
    more=["Commands that take a model take its name: composegan sample model=NAME"],
)  # fmt: skip
