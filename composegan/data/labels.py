"""Read label files: the class of each pixel, as a number, as a palette entry, or as a color."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.data.headers import scale_of
from composegan.data.images import TRANSPARENT, open_picture, stored, strips
from composegan.data.label_errors import label_error
from composegan.data.sample import OUTSIDE, check_labels
from composegan.data.void import fill_void
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec

PADDING = 8
"""A palette that ends with this many entries of one color was filled up: only the first of them may be a class."""

NEAR = 16
"""A palette color this close (largest difference of a channel) to a class color may be meant to be it."""


def read_labels(path: Path, spec: DomainSpec) -> np.ndarray:
    """A label file as uint8 (H, W), class indices, upright.

    Gray files of any depth hold the indices, RGB files the classes' colors; for palette files, see `labels_of_palette`.
    Transparency is ignored. `ids` of the domain's YAML comes first, see `labels_of`; void pixels take the class of the
    nearest pixel that has one. Raises UserError naming the file, as for images, and for lossy compression, values or
    colors that are neither a class nor void, and a file that is all void.
    """
    return fill_void(labels_of(open_labels(path), spec, str(path)), str(path))[0]


def read_numbers(path: Path) -> np.ndarray:
    """The numbers that a gray or palette file stores, integers (H, W), upright, without regard to any color.

    Raises UserError naming the file, as for images, and for lossy compression and for RGB files.
    """
    return stored_numbers(open_labels(path), str(path))


def open_labels(path: Path) -> Image.Image:
    """A decoded, upright label file. Raises UserError for one that may not hold the exact values."""
    picture = open_picture(path)
    check_exact(picture, str(path))
    return picture


def check_exact(picture: Image.Image, name: str) -> None:
    """Raise UserError if a picture may not hold the exact values of its labels. name: for errors."""
    facts, remedy = stored(picture), "save the labels as PNG, from the originals"
    if facts.lossy:
        raise UserError(f"{name}: is compressed as {facts.lossy}, which changes labels; {remedy}")
    if facts.negative:
        raise UserError(f"{name}: is a TIFF where zero is white, so its values may be inverted class indices; {remedy}")
    if "16" in facts.pixels and not picture.mode.startswith("I"):
        raise UserError(f"{name}: has 16 bits per channel; save the classes' colors with 8")


def labels_of(picture: Image.Image, spec: DomainSpec, name: str) -> np.ndarray:
    """The labels of a picture, uint8 (H, W), VOID where `ids` of the domain's YAML says so. name: for errors.

    With label values in `ids`, the indices of a palette and the equal channels of a gray RGB file are label values;
    with colors only, the colors count. Raises LabelError for values that are neither a class nor void.
    """
    scheme = spec.scheme
    if picture.mode in ("RGB", "RGBA"):
        if not (scheme.numbers and (gray := _equal_channels(picture)) is not None):
            return _labels_of_colors(picture, spec, name)
        return labels_of_numbers(gray, spec, name)
    if picture.mode in ("P", "PA") and not scheme.reads_indices:
        if scheme.colors:
            return _labels_of_colors(picture.convert("RGB"), spec, name)
        labels = labels_of_palette(picture, spec, name)[0]
        check_labels(labels, len(spec.classes), name, _remedy(spec))
        return labels
    return labels_of_numbers(stored_numbers(picture, name), spec, name)


def labels_of_numbers(numbers: np.ndarray, spec: DomainSpec, name: str) -> np.ndarray:
    """Label values, integers (H, W) -> class indices, VOID for void pixels, uint8 (H, W).

    A value that `ids` does not list is the class at that place, unless `ids` gives that class other values.
    """
    classes, ids = len(spec.classes), spec.scheme.numbers
    if not ids and numbers.dtype == np.uint8:
        check_labels(numbers, classes, name, _remedy(spec))
        return numbers
    meaning = {value: value for value in range(classes) if value not in ids.values()} | ids
    if numbers.dtype == np.uint8:
        values, place = np.arange(256), numbers
    else:
        values, place = np.unique(numbers, return_inverse=True)
    labels = np.array([meaning.get(value, -1) for value in values.tolist()])[place].reshape(numbers.shape)
    if (wrong := labels < 0).any():
        what = "label values that are neither a class nor void" if ids else OUTSIDE
        raise label_error(name, what, numbers[wrong], numbers.size, _remedy(spec))
    return labels.astype(np.uint8)


def _remedy(spec: DomainSpec) -> str:
    """What to do about label values that have no class."""
    last = len(spec.classes) - 1
    known = "" if spec.scheme.numbers else f"the {last + 1} classes are 0..{last}; "
    return f"{known}correct them, or add each to `ids` of domain {spec.name!r}, as VALUE: CLASS or VALUE: void"


def _equal_channels(picture: Image.Image) -> np.ndarray | None:
    """The values (H, W) of an RGB picture whose three channels are equal; else None."""
    red, green, blue = (np.asarray(channel) for channel in picture.split()[:3])
    return red if (red == green).all() and (red == blue).all() else None


def stored_numbers(picture: Image.Image, name: str) -> np.ndarray:
    """The numbers as the file stores them, integers (H, W): palette indices, or gray values that are not scaled."""
    if picture.mode in ("1", "L", "P", "I") or picture.mode.startswith("I;16"):
        numbers = np.asarray(picture)
    elif picture.mode in ("LA", "PA"):
        numbers = np.asarray(picture)[..., 0]
    else:
        kind = "holds floating-point numbers" if picture.mode == "F" else f"is a {picture.mode} image"
        raise UserError(
            f"{name}: {kind}; labels are class indices, as gray or palette PNG, or RGB in the classes' colors"
        )
    form = stored(picture).pixels
    if picture.mode == "L":
        return numbers // scale_of(form)
    if picture.mode == "1":
        return numbers.astype(np.uint8)
    return numbers.view(np.uint32) if form == "I;32N" else numbers


def labels_of_palette(picture: Image.Image, spec: DomainSpec, name: str) -> tuple[np.ndarray, str]:
    """The labels of a palette picture, uint8 (H, W), and what decided them.

    If every used entry has the color of a class, the "colors" decide; if the used entries have nothing to do with the
    classes' colors, the "indices" do; "" if both agree. Raises UserError if both readings are possible in part, or if
    two entries have one color and the indices are classes, too.
    """
    indices = stored_numbers(picture, name).astype(np.uint8)
    stored_bytes = indices.tobytes()
    used = tuple(index for index in range(int(indices.max()) + 1) if index in stored_bytes)
    palette = picture.getpalette("RGB") or []
    table, decides = _palette_table(bytes(palette), used, spec.colors)
    if decides != "both":
        return indices if table is None else table.take(indices), decides
    classes: dict[tuple[int, ...], str] = dict(zip(spec.colors, spec.names, strict=True))
    more = ", ..." * (len(used) > 4)
    by_color, by_index = [], []
    for index in used[:4]:
        color = tuple(palette[3 * index : 3 * index + 3])
        by_color.append(f"{index} = {classes.get(color, f'no class, {color}')}")
        by_index.append(f"{index} = {spec.names[index] if index < len(spec.names) else 'no class'}")
    raise UserError(
        f"{name}: its palette and its indices disagree: by color, {', '.join(by_color)}{more}; by index, "
        f"{', '.join(by_index)}{more}; save class indices as gray, or give every class its color"
    )


@lru_cache(maxsize=256)
def _palette_table(
    palette: bytes, used: tuple[int, ...], classes: tuple[tuple[int, int, int], ...]
) -> tuple[np.ndarray | None, str]:
    """The labels of the 256 indices, None where they are the indices; and what decides, "both" if that is open.

    palette: red, green and blue of each entry; used: indices; classes: their colors.
    """
    colors = np.full((256, 3), -1000)
    known = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    alike = len(known) - 1 - (known != known[-1:]).any(axis=1).nonzero()[0].max(initial=-1)
    count = len(known) - (alike - 1) * (alike >= PADDING)
    colors[:count] = known[:count]
    colors, indices = colors[list(used)], np.array(used)
    distances = np.abs(colors[:, None] - np.array(classes)).max(axis=2)
    nearest, distance = distances.argmin(axis=1), distances.min(axis=1)
    exact, agree, different = distance == 0, nearest == indices, len(set(nearest.tolist())) == len(used)
    if (exact & agree).all():
        return None, ""
    blank = len(palette) > 3 and palette == palette[:3] * (len(palette) // 3)
    if exact.all() and (different or indices.max() >= len(classes)) and not blank:
        table = np.arange(256, dtype=np.uint8)
        table[indices] = nearest
        return table, "colors"
    if blank or (colors == indices[:, None]).all():
        return None, "indices" if blank or agree[exact].all() else "both"
    # Colors close to those of classes elsewhere are meant if they are of most classes that the indices leave open.
    near = distance <= NEAR
    elsewhere = set(nearest[near & ~agree]) - set(nearest[near & agree])
    meant = 2 * len(elsewhere) > len(used) - (near & agree).sum()
    return None, "both" if meant or (exact & ~agree).any() else "indices"


def is_transparent(picture: Image.Image) -> bool:
    """Whether some pixel of a picture is not opaque."""
    if picture.mode not in TRANSPARENT and "transparency" not in picture.info:
        return False
    alpha = picture.convert("LA" if picture.mode == "La" else "RGBA").getchannel("A")
    return bool(np.asarray(alpha).min() < 255)


def _labels_of_colors(picture: Image.Image, spec: DomainSpec, name: str) -> np.ndarray:
    """A picture in the classes' colors -> uint8 (H, W). Raises UserError listing other colors."""
    labels = np.zeros((picture.height, picture.width), np.uint8)
    meaning = dict(zip(spec.colors, range(len(spec.colors)), strict=True)) | spec.scheme.colors
    count, foreign = 0, np.zeros(0, np.uint32)
    for rows, strip in strips(picture):
        packed = np.asarray(strip.convert("RGB")).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        known = np.zeros(packed.shape, bool)
        for (red, green, blue), label in meaning.items():
            here = packed == (red << 16) + (green << 8) + blue
            labels[rows][here] = label
            known |= here
        count += int((~known).sum())
        foreign = np.unique(np.concatenate((foreign, np.unique(packed[~known])[:5])))[:5]
    if count:
        shown = ", ".join(f"({color >> 16}, {color >> 8 & 255}, {color & 255})" for color in foreign[:4].tolist())
        more = ", ..." if len(foreign) > 4 else ""
        raise UserError(
            f"{name}: colors that are no class of domain {spec.name!r}, {shown}{more}, in {count:,} of {labels.size:,} "
            f"pixels; {_color_remedy(spec)}, or save class indices, without antialiasing or JPEG"
        )
    return labels


def _color_remedy(spec: DomainSpec) -> str:
    """What to do about colors that have no class."""
    if spec.scheme.colored:
        return "save the classes' colors"
    return f"give every class in the YAML of domain {spec.name!r} its `color`"
