"""Photos that somebody brings to a model, each with its mask or without, made to fit the model's rectangle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composegan.data.folder import IMAGE_ENDINGS, list_stems
from composegan.data.images import read_image, read_labels
from composegan.data.resize import centre_crop, resize_image, resize_labels
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec


@dataclass(frozen=True)
class Photo:
    """image: uint8 (3, H, W); labels: uint8 (H, W), or None where no mask was given; name: unique among the photos."""

    name: str
    image: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class PhotoFiles:
    """Photos and their masks, by name; files are read when asked for.

    spec: names and colours of the classes; height, width: of the model, pixels. `masks` may lack some.
    """

    photos: Mapping[str, Path]
    masks: Mapping[str, Path]
    spec: DomainSpec
    height: int
    width: int

    @classmethod
    def find(cls, photos: Path, masks: Path | None, spec: DomainSpec, height: int, width: int) -> PhotoFiles:
        """photos, masks: a file or a folder; a mask belongs to the photo of the same name but for its ending.

        Of one photo and one mask the names do not matter. Raises UserError: missing, empty, masks of no photo.
        """
        images = _files(photos, "photos")
        labels = _files(masks, "masks") if masks else {}
        if masks and masks.is_file() and photos.is_file():
            labels = dict(zip(images, labels.values(), strict=True))
        if labels and not images.keys() & labels.keys():
            raise UserError(
                f"masks={masks}: has no mask of the same name as a photo, such as {next(iter(images))}.png for "
                f"{next(iter(images.values()))}"
            )
        return cls(images, {name: labels[name] for name in images if name in labels}, spec, height, width)

    @property
    def names(self) -> Sequence[str]:
        return list(self.photos)

    def __len__(self) -> int:
        return len(self.photos)

    def __iter__(self) -> Iterator[Photo]:
        return map(self.read, self.photos)

    def read(self, name: str) -> Photo:
        """Decoded, upright, cropped at the centre to the model's shape and resized, the mask likewise.

        Raises UserError naming the file and what is wrong with it: see `read_image` and `read_labels`; or a mask of
        another shape than its photo.
        """
        image = read_image(self.photos[name])
        cropped = image[:, *centre_crop(*image.shape[1:], self.height, self.width)]
        fitted = resize_image(cropped, self.height, self.width)
        if name not in self.masks:
            return Photo(name, fitted, None)
        labels = read_labels(self.masks[name], self.spec)
        _check_shape(self.masks[name], labels.shape, image.shape[1:])
        cropped = labels[centre_crop(*labels.shape, self.height, self.width)]
        return Photo(name, fitted, resize_labels(cropped, self.height, self.width))


def _files(path: Path, key: str) -> dict[str, Path]:
    """The file, or the images of the folder, by name without ending, in order of the names."""
    if not path.exists():
        raise UserError(f"{key}={path}: there is no such file or folder")
    if path.is_file():
        return {path.stem: path}
    found = {stem: path.parent / below for stem, below in list_stems(path, IMAGE_ENDINGS).items()}
    if not found:
        raise UserError(f"{key}={path}: there are no images in it ({', '.join(sorted(IMAGE_ENDINGS))})")
    return dict(sorted(found.items()))


def _check_shape(path: Path, labels: tuple[int, ...], image: tuple[int, ...]) -> None:
    """A mask may be of another size than its photo, but not of another shape: half a pixel of its own is allowed."""
    (height, width), (photo_height, photo_width) = labels, image
    if abs(height * photo_width - width * photo_height) > max(photo_height, photo_width):
        raise UserError(
            f"{path}: is {height} x {width} but its photo is {photo_height} x {photo_width} (height x width); "
            "masks need the photo's size, or at least its shape"
        )
