"""`composegan prepare`: pack a domain's images and labels into one compact form that reads fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.verbs.help_text import help_text

ABOUT = "pack images and labels into one compact form that reads fast"


@dataclass
class PrepareConfig:
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    out: str = ""  # folder to write; `fit` takes it as data.root
    data: DataConfig = field(default_factory=DataConfig)


def help() -> str:
    usage = ["composegan prepare domain=NAME data.root=PATH out=PATH key=value ..."]
    about = "Pack images and labels, at data.height and data.width, for `fit data.root=OUT`."
    return help_text(usage, about, PrepareConfig)


def run(arguments: Sequence[str]) -> None:
    """Pack a domain's data (without data.root, its drawn demo); says where."""
    from composegan.config.compose import open_domain, read_arguments
    from composegan.config.validate import validate_data

    config = read_arguments(PrepareConfig, arguments, see="composegan prepare --help")
    plugin = open_domain(config.domain, config.plugin_path)
    validate_data(config.data)
    if not config.out:
        raise UserError("where to? write out=FOLDER")
    from composegan.data.open import prepare

    out = Path(config.out).expanduser()
    prepare(plugin, config.data, out)
    print(f"wrote {out}; use it with data.root={out}")
