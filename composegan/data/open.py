"""From settings to a source: a packed folder, a plain folder, the domain's own data, or the demo, drawn and kept."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from composegan.config.schema import DataConfig
from composegan.config.settings import check_bounds
from composegan.data.address import open_address
from composegan.data.cache import digest, fingerprint
from composegan.data.folder import FolderSource, check_root, is_plain
from composegan.data.packed import PackedSource, is_packed
from composegan.data.packing import pack
from composegan.data.pictures import PictureSource
from composegan.errors import UserError, nearest
from composegan.io.lock import one_at_a_time
from composegan.plugin.contracts import source_address
from composegan.plugin.domain import DomainPlugin, Source

log = logging.getLogger(__name__)
SPLITS = ("train", "validation")
LOOKED_AT = 8
"""How many of a demo's drawings are drawn to see whether those that are kept are still what it draws."""


def open_source(plugin: DomainPlugin, data: DataConfig, progress: bool = True) -> Source:
    """The labelled images that the settings name.

    data.root given: the packed folder or the plain one that it is, else the domain's data as downloaded; or, as
    NAME://ADDRESS, what the data source NAME gives.
    data.root empty: the domain's demo, drawn in worker processes on first use and kept in the cache folder until
    it draws something else.
    progress: show a bar while drawing. Raises UserError: no such root, no demo, another vocabulary, bad settings.
    """
    check_bounds(data, "data.")
    return open_root(plugin, data) if data.root else open_demo(plugin, data, progress)


def open_pictures(plugin: DomainPlugin, data: DataConfig, progress: bool = True) -> Source:
    """The images that the settings name, whose labels nobody is to look at.

    data.root given: a packed folder of the domain, NAME://ADDRESS, or any folder of images. Empty: a demo.
    Raises UserError: no such root, no images in it, no such demo, bad settings.
    """
    check_bounds(data, "data.")
    if not data.root:
        return open_demo(plugin, data, progress)
    root = Path(data.root).expanduser()
    here = source_address(data.root) or is_packed(root)
    return open_root(plugin, data) if here else PictureSource(root)


def open_root(plugin: DomainPlugin, data: DataConfig) -> Source:
    """The source in the folder `data.root`, or at NAME://ADDRESS."""
    if source_address(data.root):
        return open_address(data, plugin.spec)
    root = Path(str(data.root)).expanduser()
    check_root(root)
    for folder in (root / data.split, root):
        if is_packed(folder):
            packed = PackedSource(folder)
            packed.check(plugin.spec, data.split, data.height, data.width)
            return packed
    if plugin.dataset is not None and not is_plain(root, data.split):
        return plugin.dataset(root, data.split)
    source = FolderSource(root, plugin.spec, data.split, data.on_error)
    for line in source.skipped:
        log.warning("skipped: %s", line)
    return source


def open_demo(plugin: DomainPlugin, data: DataConfig, progress: bool) -> PackedSource:
    """The domain's demo, from the cache folder; drawn first when it is not there."""
    draw, seed = find_demo(plugin, data.demo), demo_seed(data)
    drawings = draw(data.demo_count, data.height, data.width, seed)
    folder = demo_folder(plugin, data, drawings)
    if not is_packed(folder):
        with one_at_a_time(folder):
            if not is_packed(folder):
                return pack(
                    drawings,
                    folder,
                    plugin.spec,
                    data.height,
                    data.width,
                    on_error=data.on_error,
                    progress=f"Drawing {data.demo_count} {data.demo or plugin.spec.name}" if progress else "",
                    split=data.split,
                    about=f"demo, seed {seed}",
                )
    return PackedSource(folder)


def find_demo(plugin: DomainPlugin, name: str) -> Callable[[int, int, int, int], Source]:
    """The function that draws a demo; "" is the domain's first. Raises UserError when there is none of that name."""
    draw = plugin.demos.get(name) if name else plugin.demo
    if draw is None and not (plugin.demo or plugin.demos):
        raise UserError(f"domain {plugin.spec.name!r} has no demo data; give data.root=FOLDER")
    if draw is None:
        first = "; the first is drawn without data.demo" if plugin.demo else ""
        raise UserError(f"data.demo={name}: domain {plugin.spec.name!r}: {nearest(name, plugin.demos)}{first}")
    return draw


def prepare(plugin: DomainPlugin, data: DataConfig, out: Path | str) -> Path:
    """Pack what the settings name into the folder `out`, to be used as `data.root=OUT`; the folder is returned.

    Shows a progress bar and, with data.on_error=skip, says how many images were left out.
    Raises UserError as `open_source` and `pack` do; `out` must not be there yet.
    """
    source = open_source(plugin, data)
    packed = pack(
        source,
        out,
        plugin.spec,
        data.height,
        data.width,
        on_error=data.on_error,
        progress=f"Packing {len(source)} {plugin.spec.name}",
        split=data.split,
        about=str(data.root or f"demo, seed {demo_seed(data)}"),
    )
    if packed.index.skipped:
        log.warning("skipped %d of %d; the first: %s", len(packed.index.skipped), len(source), packed.index.skipped[0])
    return packed.folder


def demo_seed(data: DataConfig) -> int:
    """The seed of the drawings: validation gets others than training."""
    return 2 * data.demo_seed + SPLITS.index(data.split)


def demo_folder(plugin: DomainPlugin, data: DataConfig, drawings: Source) -> Path:
    """Where these drawings are kept. Whatever changes them changes the folder's name: the code that stands beside the
    demo, and what some of the drawings look like now."""
    name = "-".join(filter(None, (plugin.spec.name, data.demo)))
    drawn = f"{data.demo_count}x{data.height}x{data.width}-seed{demo_seed(data)}"
    code = code_beside(find_demo(plugin, data.demo))
    hashed = digest([plugin.spec.names, plugin.spec.foreign, code, _looks(drawings)])
    return cache_folder(data) / "demos" / f"{name}-{drawn}-{hashed}"


def _looks(drawings: Source) -> str:
    try:
        return fingerprint(drawings, LOOKED_AT)
    except Exception:  # whoever draws them all says what is wrong
        return "fails"


def code_beside(draw: Callable[..., Any]) -> list[str]:
    """The Python files of the package, or the module, where a demo is defined, as hashes. None where there is no file,
    as in a notebook."""
    module = sys.modules.get(draw.__module__)
    file = Path(getattr(module, "__file__", None) or "")
    files = sorted(file.parent.rglob("*.py")) if getattr(module, "__package__", "") else [file]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


def cache_folder(data: DataConfig) -> Path:
    """Where drawn demos, and what was computed of real images, are kept."""
    return Path(data.cache or os.environ.get("COMPOSEGAN_CACHE") or "~/.cache/composegan").expanduser()
