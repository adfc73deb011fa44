"""From settings to a source: a packed or plain folder, the data of a domain or data source, or a cached demo."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from composegan.config.schema import DataConfig
from composegan.config.settings import check_bounds
from composegan.data.address import open_address
from composegan.data.cache import cache_folder, configured_cache
from composegan.data.fingerprints import code_of, content_fingerprint, digest
from composegan.data.folder import FolderSource, check_root, find_places, is_folder
from composegan.data.packed import PackedSource, is_packed
from composegan.data.packing import pack
from composegan.data.pictures import PictureSource
from composegan.data.warnings import source_warnings
from composegan.errors import UserError, nearest
from composegan.io.lock import one_at_a_time
from composegan.plugin.contracts import source_address
from composegan.plugin.domain import DomainPlugin, Source

log = logging.getLogger(__name__)
SPLITS = ("train", "validation")
PROBES = 8
"""Drawings of a demo that are compared with the cached ones."""


def open_source(plugin: DomainPlugin, data: DataConfig, progress: bool = True) -> Source:
    """The labelled images that the settings name.

    data.root: a packed folder, a plain one, or the domain's data as downloaded; NAME://ADDRESS opens the data source
    NAME of an installed package. Without data.root, the domain's demo, drawn in worker processes on first use and
    cached until its code or drawings change.
    progress: show a bar while drawing. Raises UserError: no such root, no demo, another vocabulary, bad settings.
    """
    check_bounds(data, "data.")
    return open_root(plugin, data) if data.root else open_demo(plugin, data, progress)


def open_pictures(plugin: DomainPlugin, data: DataConfig, progress: bool = True) -> Source:
    """The images that the settings name, for uses that ignore their labels.

    data.root: a packed folder of the domain, NAME://ADDRESS, or any folder of images; empty: a demo.
    Raises UserError: no such root, no images in it, no such demo, bad settings.
    """
    check_bounds(data, "data.")
    if data.root and not source_address(data.root) and not is_packed(Path(data.root).expanduser()):
        root = Path(data.root).expanduser()
        if plugin.spec.scheme.images and is_folder(root, data.split, plugin.spec):
            base, images, _ = find_places(root, data.split, plugin.spec)
            return PictureSource(base / images.folder)
        return PictureSource(root / data.split if (root / data.split / "images").is_dir() else root)
    return open_root(plugin, data) if data.root else open_demo(plugin, data, progress)


def open_root(plugin: DomainPlugin, data: DataConfig) -> Source:
    """The source in the folder `data.root`, or at NAME://ADDRESS."""
    if source_address(data.root):
        return open_address(data, plugin.spec)
    path = Path(str(data.root)).expanduser()
    check_root(path)
    for folder in (path / data.split, path):
        if is_packed(folder):
            packed = PackedSource(folder)
            packed.check(plugin.spec, data.split, data.height, data.width)
            return packed
    if plugin.dataset is not None and not is_folder(path, data.split, plugin.spec):
        return plugin.dataset(path, data.split)
    source = FolderSource(path, plugin.spec, data.split, data.on_error)
    for line in source.skipped:
        log.warning("skipped: %s", line)
    return source


def open_demo(plugin: DomainPlugin, data: DataConfig, progress: bool) -> PackedSource:
    """The domain's demo from the cache, drawn first if it is missing."""
    seed = demo_seed(data)
    drawings = find_demo(plugin, data.demo)(data.demo_count, data.height, data.width, seed)
    name, configured = demo_name(plugin, data, drawings), configured_cache(data)
    if configured and is_packed(configured / "demos" / name):
        return PackedSource(configured / "demos" / name)
    folder = cache_folder(data) / "demos" / name
    if not is_packed(folder):
        with one_at_a_time(folder):
            if not is_packed(folder):
                title = f"Drawing {data.demo_count} {data.demo or plugin.spec.name}" if progress else ""
                return _pack(plugin, data, drawings, folder, title, f"demo, seed {seed}", shared=True)
    return PackedSource(folder)


def open_detailed(plugin: DomainPlugin, data: DataConfig, times: int) -> Source:
    """The items of `open_source`, those of a demo drawn at `times` their size, one at a time and not cached."""
    if data.root:
        return open_source(plugin, data)
    draw = find_demo(plugin, data.demo)
    return draw(data.demo_count, times * data.height, times * data.width, demo_seed(data))


def find_demo(plugin: DomainPlugin, name: str) -> Callable[[int, int, int, int], Source]:
    """The function that draws a demo; "" is the domain's first. Raises UserError for an unknown name."""
    draw = plugin.demos.get(name) if name else plugin.demo
    if draw is None and not (plugin.demo or plugin.demos):
        raise UserError(f"domain {plugin.spec.name!r} has no demo data; give data.root=FOLDER")
    if draw is None:
        first = "; without data.demo the first is drawn" if plugin.demo else ""
        raise UserError(f"data.demo={name}: domain {plugin.spec.name!r}: {nearest(name, plugin.demos)}{first}")
    return draw


def prepare(plugin: DomainPlugin, data: DataConfig, out: Path | str) -> Path:
    """Pack what the settings name into the folder `out`, for `data.root=OUT`, and return the folder.

    Shows a progress bar and, with data.on_error=skip, logs how many images were left out.
    Raises UserError as `open_source` and `pack` do; `out` must not exist yet.
    """
    source = open_source(plugin, data)
    for line in source_warnings(source):
        log.warning("warning: %s", line)
    title, about = f"Packing {len(source)} {plugin.spec.name}", str(data.root or f"demo, seed {demo_seed(data)}")
    packed = _pack(plugin, data, source, Path(out), title, about)
    if packed.index.skipped:
        log.warning("skipped %d of %d; the first: %s", len(packed.index.skipped), len(source), packed.index.skipped[0])
    return packed.folder


def _pack(
    plugin: DomainPlugin, data: DataConfig, source: Source, out: Path, title: str, about: str, shared: bool = False
) -> PackedSource:
    return pack(
        source, out, plugin.spec, data.height, data.width, on_error=data.on_error, progress=title, split=data.split,
        about=about, shared=shared,
    )  # fmt: skip


def demo_seed(data: DataConfig) -> int:
    """The seed of the drawings, which differs between the splits."""
    return 2 * data.demo_seed + SPLITS.index(data.split)


def demo_name(plugin: DomainPlugin, data: DataConfig, drawings: Source) -> str:
    """The name of the cache folder of these drawings: it depends on the demo's code and on how some look now."""
    name = "-".join(filter(None, (plugin.spec.name, data.demo)))
    drawn = f"{data.demo_count}x{data.height}x{data.width}-seed{demo_seed(data)}"
    count = len(drawings)
    try:
        probes = np.linspace(0, count - 1, min(PROBES, count)).round().astype(int).tolist()
        looks = content_fingerprint(drawings, probes)
    except Exception:  # drawing all of them will raise it again
        looks = "fails"
    code = code_of(find_demo(plugin, data.demo).__module__)
    return f"{name}-{drawn}-{digest([plugin.spec.names, plugin.spec.foreign, code, looks])}"
