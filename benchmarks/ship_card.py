"""The card of a model that ships: `benchmarks.ship` fills it in from the run and the evaluation."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.script import markdown_table
from composegan.api.evaluation import EvaluationResult
from composegan.api.model import Model
from composegan.config.schema import Config

CREDITS = {
    ("faces", ""): "The avatars are drawn with [DiceBear](https://www.dicebear.com), style *micah*: a remix of [Avatar "
    "Illustration System](https://www.figma.com/community/file/829741575478342595) by Micah Lanier, [CC BY 4.0]"
    "(https://creativecommons.org/licenses/by/4.0/), recolored by composegan.",
    ("faces", "avataaars"): "The avatars are drawn with [DiceBear](https://www.dicebear.com), style *avataaars*, by "
    "[Pablo Stanley](https://avataaars.com), free for personal and commercial use.",
}
"""Whose art the drawings are, by domain and demo. Others are drawn by composegan's own code."""

OWN_CODE = "The drawings are made by composegan's own code."

NOT_REPEATED = ("output.", "data.cache=", "data.workers=", "data.root=", "trainer.logger=", "training.images=")
"""Settings that a card's command leaves out: they do not change the weights, or are replaced."""

TEMPLATE = """\
# {name}

{summary}.

| | |
| --- | --- |
| domain | `{domain}`, {count} classes: {classes} |
| size | {height}x{width} pixels (height x width) |
| family | `{family}` |
| parameters | {parameters}, stored in {precision} |
| data | {data} |
| images seen | {seen} |
| seed | {seed} |
| time | {hours} |
| versions | {versions} |

## Command

```sh
{command}
```

## Figures

On {real:,} held-out drawings, from the same program with another seed:

```sh
{evaluate}
```
{figures}

{halves}

## Intended use and limits

{use}

## Licence

{licence}
"""

USE = (
    "For trying composegan without training: sampling, editing single classes, mixing, directions, inverting drawings "
    "of the same kind, and as a start for `composegan adapt`. It has seen drawings only, so it reproduces no "
    "photographs, and its variety is that of the drawing program: nothing about real people, streets or vehicles can "
    "be concluded from it. Do not use it to identify or judge people."
)
HALVES = "The third column is the value of one half of the drawings against the other."


@dataclass(frozen=True)
class Facts:
    """What a card says that neither the model nor its evaluation know.

    hours: of training, None if unknown; versions: the run's plugins.json; change: of pictures by half precision, in
    grey levels, and the share of pixels whose label changes.
    """

    name: str
    summary: str
    limits: str
    machine: str
    hours: float | None
    command: str
    evaluate: str
    versions: Mapping[str, Any]
    seed: int
    demo: str
    demo_count: int
    half: bool
    change: tuple[float, float]


def card(facts: Facts, model: Model, result: EvaluationResult) -> str:
    """The card, in Markdown."""
    figures = [
        (figure.name, f"{figure.value:.4g}", "" if figure.halves is None else f"{figure.halves:.4g}", figure.better)
        for figure in result.report.figures
    ]
    packages = facts.versions.get("packages", {})
    grey, labels = facts.change
    storage = f"Half precision changes pictures by {grey:.3f} grey levels of 255, and {labels:.3%} of the labels."
    credit = CREDITS.get((model.domain, facts.demo), OWN_CODE)
    return TEMPLATE.format(
        name=facts.name,
        summary=facts.summary[:1].upper() + facts.summary[1:].rstrip("."),
        domain=model.domain,
        count=len(model.classes),
        classes=", ".join(model.classes),
        height=model.generator.height,
        width=model.generator.width,
        family=model.family,
        parameters=f"{model.about['parameters'] / 1e6:.2f} M",
        precision="half precision" if facts.half else "single precision",
        data=f"{facts.demo_count:,} drawings of the demo{f' `{facts.demo}`' * bool(facts.demo)}; no photographs",
        seen=f"{model.about['images_seen']:,}",
        seed=facts.seed,
        hours="not recorded" if facts.hours is None else f"{facts.hours:.2g} h on {facts.machine}",
        versions=", ".join(f"{name} {packages[name]}" for name in ("composegan", "torch") if name in packages)
        or "not recorded",
        command=facts.command,
        real=result.settings["real_images"],
        evaluate=facts.evaluate,
        figures="\n".join(markdown_table(("measure", "value", "real halves", "better"), figures)),
        halves=paragraph(HALVES, storage if facts.half else ""),
        use=paragraph(USE, facts.limits),
        licence=paragraph("The weights are part of composegan: Apache-2.0.", credit),
    )


def paragraph(*sentences: str) -> str:
    """Sentences as the wrapped lines of a paragraph."""
    text = " ".join(filter(None, sentences))
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def training_command(config: Config, given: Sequence[str]) -> str:
    """The command that trains the run anew: `given`, domain first, without settings of the machine and with its last
    images."""
    kept = [text for text in given if not text.startswith(NOT_REPEATED)]
    kept.sort(key=lambda text: not text.startswith("domain="))
    return shlex.join(["composegan", "fit", *kept, f"training.images={config.training.images}"])
