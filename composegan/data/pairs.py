"""A photo and its label file: turned alike, of one shape, and what about them may not be meant as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.data.images import open_header, open_picture, stored
from composegan.data.labels import is_transparent, labels_of, labels_of_palette, open_labels
from composegan.data.rgb import profile_fault, rgb_of
from composegan.data.void import fill_void
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec

EXAMINED = 32
"""Pairs of a data set that are examined for warnings, spread evenly."""

TURNS = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}  # fmt: skip
"""The EXIF orientations that exchange height and width."""

REMEDIES = {
    "colors": "the palette holds the classes' colors in another order, so its colors decide, not the indices; "
    "if the indices are right, save the labels as gray",
    "indices": "the palette's colors are not the classes', so the indices decide; "
    "if they are wrong, give every class its color",
    "transparent": "some labels are transparent, but are read like any others; "
    "if that is wrong, fill these pixels and remove the transparency",
    "turned": "EXIF turns this photo but may not turn its labels, which are read as stored; "
    "if the two do not match, remove the photo's EXIF orientation or turn the labels",
    "profile": "the color profile is damaged or made for other pixels, so the colors are read as sRGB; "
    "if that is wrong, convert the picture to sRGB",
}
"""What is said about a kind of pair."""


def read_pair(image: Path, labels: Path, spec: DomainSpec, same_size: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A photo, uint8 (3, H, W), and its labels, uint8 (h, w), both upright.

    Labels without an orientation of their own that fit only the unturned photo are turned with it. Raises UserError
    naming the file at fault, also for labels of another aspect ratio, or of another size with `same_size`.
    """
    return read_sides(image, labels, spec, same_size)[:2]


def read_sides(
    image: Path, labels: Path, spec: DomainSpec, same_size: bool = False
) -> tuple[np.ndarray, np.ndarray, float]:
    """As `read_pair`, and the share of void pixels, 0..1, which take the class of the nearest pixel with one."""
    photo, label_file = open_picture(image), open_labels(labels)
    pixels, classes = rgb_of(photo, str(image)), labels_of(label_file, spec, str(labels))
    turn, shape = TURNS.get(stored(photo).orientation or 1), pixels.shape[1:]
    if turn is not None and stored(label_file).orientation is None and not _fits(classes.shape, shape):
        turned = np.asarray(Image.fromarray(classes).transpose(turn))
        classes = turned if _fits(turned.shape, shape) else classes
    check_shape(labels, classes.shape, shape, same_size)
    return pixels, *fill_void(classes, str(labels))


def photo_warnings(photos: Sequence[Path], labelled: bool = True) -> list[str]:
    """What EXAMINED of the photos show, see `pair_warnings`. labelled: whether they have labels."""
    return pair_warnings([(photo, None) for photo in photos], None, labelled)


def pair_warnings(
    pairs: Sequence[tuple[Path, Path | None]], spec: DomainSpec | None, labelled: bool = False
) -> list[str]:
    """What EXAMINED of the pairs (photo, labels or None) show: `FILE: <what may be wrong>; <remedy>` for each kind."""
    chosen = sorted({len(pairs) * step // EXAMINED for step in range(EXAMINED)}) if pairs else []
    found: dict[str, list[Path]] = {}
    for photo, labels in (pairs[number] for number in chosen):
        try:
            for kind, file in _kinds(photo, labels, spec, labelled):
                found.setdefault(kind, []).append(file)
        except UserError:  # raised again when the pair is read
            continue
    return [f"{files[0]} ({len(files)} of {len(chosen)} examined): {REMEDIES[kind]}" for kind, files in found.items()]


def _kinds(photo: Path, labels: Path | None, spec: DomainSpec | None, labelled: bool) -> Iterator[tuple[str, Path]]:
    """The keys of REMEDIES that apply to a pair, and the file. The photo is not decoded."""
    header = open_header(photo)
    orientation = stored(header).orientation or 1
    if profile_fault(header):
        yield "profile", photo
    if labels is None or spec is None:
        if labelled and orientation > 1:
            yield "turned", photo
        return
    picture = open_labels(labels)
    by_classes = picture.mode in ("P", "PA") and not (spec.scheme.reads_indices or spec.scheme.colors)
    if by_classes and (decides := labels_of_palette(picture, spec, str(labels))[1]):
        yield decides, labels
    if is_transparent(picture):
        yield "transparent", labels
    both_fit = _fits(picture.size, header.size) and _fits(picture.size, header.size[::-1])
    if orientation > 1 and stored(picture).orientation is None and (orientation not in TURNS or both_fit):
        yield "turned", photo


def check_shape(path: Path, labels: tuple[int, ...], image: tuple[int, ...], same_size: bool = False) -> None:
    """Raise UserError unless labels have the aspect ratio of their image, or with `same_size` its size.

    path: the labels' file. labels, image: (height, width) of each.
    """
    if labels != image and (same_size or not _fits(labels, image)):
        (height, width), (image_height, image_width) = labels, image
        raise UserError(
            f"{path}: is {height} x {width} but its image is {image_height} x {image_width} (height x width); "
            f"labels need the image's {'size' if same_size else 'aspect ratio'}"
        )


def _fits(labels: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Whether labels have the aspect ratio of an image, up to half a pixel of the labels. Both: two sides."""
    (height, width), (image_height, image_width) = labels, image
    return abs(height * image_width - width * image_height) <= max(image_height, image_width)
