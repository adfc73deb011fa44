"""How often each class occurs, and how much of an image it covers: `composegan areas domain=NAME`."""

from __future__ import annotations

from dataclasses import dataclass, field

from composegan.config.compose import open_domain
from composegan.config.schema import DataConfig
from composegan.data import open_source
from composegan.data.statistics import class_statistics
from composegan.plugin import Verb, choice, number


@dataclass
class Settings:
    domain: str = ""  # a registered domain, or a path to a domain YAML
    most: int = number(1000, least=1)  # how many images to look at
    sort: str = choice("area", "name")  # order of the classes
    data: DataConfig = field(default_factory=DataConfig)


def run(settings: Settings) -> None:
    """Print a line per class: the percentage of images it is in, and its mean area in percent of the image."""
    plugin = open_domain(settings.domain)
    names = plugin.spec.names
    found = class_statistics(open_source(plugin, settings.data), len(names), most=settings.most)
    order = sorted(range(len(names)), key=lambda k: names[k] if settings.sort == "name" else -found.area[k])
    for k in order:
        print(f"{names[k]:16}{found.presence[k]:6.0%} of images{found.area[k]:8.1%} of the image")


verb = Verb("list how often the classes of a data set occur", run, settings=Settings, api=1)
