"""Write labelled images of a domain as PNG files, images/ and labels/, for verbs that read photos and masks.

python -m benchmarks.held_out data.root=prepared data.split=validation n=100 out=held-out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.script import read_settings, run_study
from composegan.config.compose import open_domain
from composegan.config.schema import DataConfig
from composegan.data import open_source
from composegan.plugin.fields import number
from composegan.runtime.progress import progress_bar


@dataclass
class HeldOutConfig:
    domain: str = "faces"  # domain of the images
    n: int = number(100, least=1)  # number of images at most, from the first
    out: str = "held-out"  # folder to write
    data: DataConfig = field(default_factory=DataConfig)


def main(arguments: Sequence[str]) -> None:
    config = read_settings(HeldOutConfig, arguments, "held_out")
    source = open_source(open_domain(config.domain), config.data)
    out, count = Path(config.out), min(config.n, len(source))
    for part in ("images", "labels"):
        (out / part).mkdir(parents=True, exist_ok=True)
    with progress_bar(f"Writing {count} images", count) as done:
        for number in range(count):
            sample = source[number]
            Image.fromarray(sample.image.transpose(1, 2, 0)).save(out / "images" / f"{number:05d}.png")
            Image.fromarray(sample.labels).save(out / "labels" / f"{number:05d}.png")
            done(1)
    print(f"wrote {out}")


if __name__ == "__main__":
    run_study(main)
