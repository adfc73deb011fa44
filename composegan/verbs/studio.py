"""`composegan studio`: edit pictures by hand, in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from composegan.errors import UserError
from composegan.plugin.fields import number
from composegan.verbs.base import ModelCommand, command


@dataclass
class Studio(ModelCommand):
    port: int = number(8760, least=0, most=65535)  # where the page is served; the next free one if it is in use
    host: str = "127.0.0.1"  # who can open it: this computer only; 0.0.0.0: others too, by an address with a token
    browser: bool = True  # open the page in the browser

    def check(self) -> None:
        """Raise UserError if the extra is not installed."""
        super().check()
        missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
        if missing:
            raise UserError(f"studio: {' and '.join(missing)} missing; pip install 'composegan[studio]'")
        if not self.run and not self.model:
            self.model = "faces"

    def execute(self) -> None:
        model = self.load_model()
        from composegan.config.schema import DataConfig
        from composegan.data.cache import cache_folder
        from composegan.studio.server import serve

        folder = cache_folder(DataConfig()) / "studio"
        folder.mkdir(exist_ok=True)
        serve(model, folder, self.host, self.port, self.browser)


verb = command(
    Studio, "edit pictures by hand in the browser: layers, colors, painting",
    "Open the studio: a page in the browser on which pictures of a model are edited by hand. Everything stays on this "
    "computer.",
    "", "model=NAME", "run=PATH port=8000",
)  # fmt: skip
