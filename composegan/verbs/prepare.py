"""`composegan prepare`: pack a domain's images and labels into one compact form that reads fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.verbs.base import Command, command


@dataclass
class Prepare(Command):
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plug-in that is not installed, such as a checkout; empty: none
    out: str = ""  # folder to write; `fit` takes it as data.root
    data: DataConfig = field(default_factory=DataConfig)

    def execute(self) -> None:
        from composegan.config.compose import open_domain
        from composegan.config.validate import validate_data

        plugin = open_domain(self.domain, self.plugin_path)
        validate_data(self.data)
        if not self.out:
            raise UserError("out=: missing; write out=FOLDER")
        from composegan.data.open import prepare

        out = Path(self.out).expanduser()
        prepare(plugin, self.data, out)
        from composegan.data.look import look_at_pack

        found = look_at_pack(plugin, self.data, out)
        found.write(out)
        for line in [*found.lines(), *(f"warning: {line}" for line in found.warnings)]:
            print(line)
        print(f"wrote {out}; look at {out / 'look.png'}, and use it with data.root={out}")


verb = command(
    Prepare, "pack images and labels into one compact form that reads fast",
    "Pack images and labels, or the drawn demo, at data.height and data.width, for `fit data.root=OUT`.",
    "domain=NAME data.root=PATH out=PATH key=value ...",
)  # fmt: skip
