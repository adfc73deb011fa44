"""Look at labelled pictures before training: a survey of them, and everything that may be wrong with them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from composegan.config.schema import DataConfig
from composegan.data.cache import cache_folder
from composegan.data.findings import cut_away, few_pictures, lost_pixels, never_seen, shared_pictures, survey_warnings
from composegan.data.folder import FolderSource
from composegan.data.open import SPLITS, open_source
from composegan.data.packed import PackedSource, is_packed
from composegan.data.sheet import table_lines, write_look
from composegan.data.survey import Survey, survey, survey_at_hand
from composegan.data.warnings import data_warnings
from composegan.plugin.contracts import source_address
from composegan.plugin.domain import DomainPlugin, Source


@dataclass(frozen=True)
class Look:
    """A survey of the pictures that the settings name, and the warnings about them."""

    plugin: DomainPlugin
    data: DataConfig
    source: Source
    survey: Survey
    warnings: list[str]

    def lines(self) -> list[str]:
        """What was looked at, and the table of classes."""
        data, seen = self.data, self.survey
        what = f"{len(seen):,} of {len(self.source):,}" if len(seen) < len(self.source) else f"{len(seen):,}"
        stored = sorted({(int(height), int(width)) for height, width in seen.sizes})
        sizes = " to ".join(f"{height}x{width}" for height, width in dict.fromkeys((stored[0], stored[-1])))
        where = data.root or f"the drawn demo{f' {data.demo}' if data.demo else ''}"
        about = f"{self.plugin.spec.name}: {what} pictures of {where} ({data.split}), {sizes} as read"
        pixels = f"at {data.height}x{data.width}, {data.height * data.width:,} pixels each:"
        lines = [f"{about}, {pixels}", *table_lines(seen, self.plugin.spec)]
        if seen.void.any():
            share, having = seen.void.mean(), (seen.void > 0).mean()
            lines.append(
                f"void: {share:.2%} of the pixels, in {having:.0%} of the pictures; they take the nearest class"
            )
        return lines

    def write(self, folder: Path) -> None:
        """Write look.png and look.csv into a folder."""
        write_look(folder, self.survey, self.source, self.plugin.spec, self.data.height, self.data.width)


def look(plugin: DomainPlugin, data: DataConfig, augment: float | str | None) -> Look:
    """Survey the pictures that the settings name, and compare them with the other split, with progress bars.

    augment: `training.augment`; None: it is not known yet. Raises UserError for data that cannot be used.
    """
    spec, cache, source = plugin.spec, cache_folder(data), open_source(plugin, data)
    settings = len(spec.classes), data.height, data.width
    found = survey(source, *settings, cache=cache, on_error=data.on_error, title="Looking at the pictures")
    lines = data_warnings(source, spec, flip=True) + survey_warnings(found, spec, len(source), *settings[1:])
    if (other := other_split(plugin, data)) is not None:
        split, there = other
        try:
            seen = survey(there, *settings, cache=cache, on_error="skip", title=f"Comparing with {split}")
        except Exception:  # it is not what was asked about
            seen = None
        if seen is not None:
            lines += shared_pictures(found, source, data.split, seen, there, split)
    if data.root and augment is not None:
        lines += few_pictures(len(source), augment)
    return Look(plugin, data, source, found, lines)


def warnings_at_hand(
    plugin: DomainPlugin, data: DataConfig, source: Source, augment: float | str, absent: Sequence[str] = ()
) -> list[str]:
    """The warnings of `look` that cost no more than a second or two: for the start of `fit`.

    absent: names of classes that are known to be in no picture.
    """
    spec, cache = plugin.spec, cache_folder(data)
    settings = len(spec.classes), data.height, data.width
    found = survey_at_hand(source, *settings, cache)
    lines = survey_warnings(found, spec, len(source), *settings[1:]) if found else []
    if absent and not (found and len(found) == len(source)):
        lines.append(never_seen(absent, len(source)))
    if isinstance(source, (PackedSource, FolderSource)) and (other := other_split(plugin, data)) is not None:
        split, there = other
        seen = survey_at_hand(there, *settings, cache)
        whole = found and seen and len(found) == len(source) and len(seen) == len(there)
        if whole and found and seen:
            lines += shared_pictures(found, source, data.split, seen, there, split)
        elif isinstance(source, FolderSource) and isinstance(there, FolderSource):
            lines += _shared_files(source, data.split, there, split)
    return lines + (few_pictures(len(source), augment) if data.root else [])


def look_at_pack(plugin: DomainPlugin, data: DataConfig, pack: Path) -> Look:
    """The look at a folder that `prepare` packed from what the settings name, with warnings of what it lacks."""
    before = survey_at_hand(open_source(plugin, data), len(plugin.spec.classes), data.height, data.width, None)
    found = look(plugin, replace(data, root=str(pack), demo=""), None)
    lost = cut_away(before, data.height, data.width) + lost_pixels(before) if before and data.root else []
    return replace(found, warnings=[*lost, *found.warnings])


def other_split(plugin: DomainPlugin, data: DataConfig) -> tuple[str, Source] | None:
    """The split that the settings do not name, if there is one that can be opened."""
    if not data.root or source_address(data.root):
        return None
    split, root = SPLITS[1 - SPLITS.index(data.split)], Path(data.root).expanduser().absolute()
    if is_packed(root) and root.name == data.split:  # beside which `prepare` may have written the other one
        root = root.parent
    try:
        return split, open_source(plugin, replace(data, root=str(root), split=split, on_error="skip"))
    except Exception:  # a plug-in's code may raise anything
        return None


def _shared_files(source: FolderSource, split: str, other: FolderSource, other_split: str) -> list[str]:
    """A line about image files with the same content in both splits, if any; only those of equal size are read."""
    ours, theirs = ([str(folder.root / image) for image, _ in folder.files] for folder in (source, other))
    sizes = {path: os.path.getsize(path) for path in ours + theirs}
    common = {sizes[path] for path in ours} & {sizes[path] for path in theirs}
    known = {_content(path): path for path in ours if sizes[path] in common}
    same = [(path, known[key]) for path in theirs if sizes[path] in common and (key := _content(path)) in known]
    if not same:
        return []
    return [
        f"data.root: {len(same):,} of {len(theirs):,} pictures of {other_split} are also in {split}, such as "
        f"{same[0][0]} = {same[0][1]}; remove them from one of the two"
    ]


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
