"""Photos for a model, with or without masks, resized to its rectangle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from composegan.data.files import by_stem, files_below, without_labels
from composegan.data.framing import Frame
from composegan.data.layout import IMAGE_ENDINGS
from composegan.data.pairs import pair_warnings, read_pair
from composegan.data.resize import resize_image, resize_labels
from composegan.data.rgb import read_image
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec


@dataclass(frozen=True)
class Photo:
    """image: uint8 (3, H, W); labels: uint8 (H, W), or None without a mask; name: unique among the photos; frame: the
    part of the photo that it shows; size: of the photo, height and width in pixels."""

    name: str
    image: np.ndarray
    labels: np.ndarray | None
    frame: Frame = field(default_factory=lambda: Frame(0, 0, 0, 0))
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class PhotoFiles:
    """Photos and their masks (possibly not all), by name, read lazily.

    spec: names and colors of the classes; height, width: of the model, pixels; frame_of: (name, pixels (3, H, W)) ->
    the part of the photo to take, by default the centre.
    """

    photos: Mapping[str, Path]
    masks: Mapping[str, Path]
    spec: DomainSpec
    height: int
    width: int
    frame_of: Callable[[str, np.ndarray], Frame] | None = None

    @classmethod
    def find(cls, photos: Path, masks: Path | None, spec: DomainSpec, height: int, width: int) -> PhotoFiles:
        """photos, masks: a file or a folder; a mask belongs to the photo with the same name before the ending.

        The names of a single photo and mask do not matter. Raises UserError: missing, empty, no mask with a photo.
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
        """The names of the photos, sorted."""
        return list(self.photos)

    def __len__(self) -> int:
        return len(self.photos)

    def __iter__(self) -> Iterator[Photo]:
        return map(self.read, self.photos)

    def read(self, name: str) -> Photo:
        """A photo and its mask: decoded, upright, cropped to the model's aspect ratio and resized.

        Raises UserError as `read_image` and `read_pair` do.
        """
        image, labels = self.pixels(name)
        frame = self.frame_of(name, image) if self.frame_of else Frame.central(image, self.height, self.width)
        return framed_photo(name, image, labels, frame, self.height, self.width)

    def pixels(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """A photo, uint8 (3, H, W), and its mask, uint8 (h, w), at their own sizes. Raises as `read`."""
        if name in self.masks:
            return read_pair(self.photos[name], self.masks[name], self.spec)
        return read_image(self.photos[name]), None

    def warnings(self) -> list[str]:
        """What the files of photos and masks show, see `pair_warnings`."""
        return pair_warnings([(photo, self.masks.get(name)) for name, photo in self.photos.items()], self.spec)


def framed_photo(
    name: str, image: np.ndarray, labels: np.ndarray | None, frame: Frame, height: int, width: int
) -> Photo:
    """What a frame shows of a photo (3, H, W) and its labels (h, w), which may be smaller, at height x width."""
    rows, columns = image.shape[1:]
    if labels is not None:
        own = Frame.central(labels, height, width)
        if frame != Frame.central(image, height, width):
            own = frame.scaled(rows, columns, *labels.shape)
        labels = resize_labels(own.cut(labels), height, width)
    return Photo(name, resize_image(frame.cut(image), height, width), labels, frame, (rows, columns))


def _files(path: Path, key: str) -> dict[str, Path]:
    """A file, or the images of a folder, by name without ending, sorted by name. Label maps are no photos."""
    if not path.exists():
        raise UserError(f"{key}={path}: no such file or folder")
    if path.is_file():
        return {path.stem: path}
    files = by_stem(files_below(path, IMAGE_ENDINGS), path)
    kept = set(without_labels(path, list(files.values())) if key == "photos" else files.values())
    found = {stem: path / below for stem, below in files.items() if below in kept}
    if not found:
        raise UserError(f"{key}={path}: there are no images in it ({', '.join(sorted(IMAGE_ENDINGS))})")
    return dict(sorted(found.items()))
