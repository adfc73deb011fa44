"""Read CelebAMask-HQ, in the layout of the download, lazily.

    root/CelebA-HQ-img/<i>.jpg                                   30,000 images, 1024 x 1024
    root/CelebAMask-HQ-mask-anno/<i // 2000>/<i:05d>_<part>.png  one mask per visible part, 512 x 512

Images 0 to 27,999 are the training split, 28,000 to 29,999 the validation split. domains/faces.yaml maps the parts to
classes, in painting order. Dataset: Lee, Liu, Wu, Luo, "MaskGAN", CVPR 2020; for non-commercial research.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composegan.data import Sample, open_picture, read_image, resize_image, size_of
from composegan.plugin import DomainSpec, UserError

IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
FIRST_VALIDATION = 28_000
MASKS_PER_FOLDER = 2_000


class CelebAMask:
    """One split of CelebAMask-HQ: image uint8 (3, 512, 512) and labels uint8 (512, 512), ordered by number.

    The constructor lists the images only; indexing finds and reads the masks of an image. Raises UserError if `root` or
    one of its two folders is missing or the split is empty; when indexed, for damaged files, masks that differ in size
    and an image without masks.
    """

    def __init__(self, root: Path | str, split: str, spec: DomainSpec) -> None:
        self.root = Path(root)
        check_layout(self.root)
        self.parts = [(item["part"], spec.index(item["class"])) for item in spec.foreign["celebamask_hq"]]
        numbers = sorted(int(file.stem) for file in (self.root / IMAGES).glob("*.jpg") if file.stem.isdecimal())
        self.numbers = [number for number in numbers if (number >= FIRST_VALIDATION) == (split == "validation")]
        if not self.numbers:
            raise UserError(
                f"{self.root / IMAGES}: has no image of split {split!r}; "
                f"0.jpg to {FIRST_VALIDATION - 1}.jpg are train, later numbers are validation"
            )

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        number = self.numbers[index]
        file = self.root / IMAGES / f"{number}.jpg"
        labels = self.read_masks(number)
        return Sample(resize_image(read_image(file), *labels.shape), labels, str(file))

    def read_masks(self, number: int) -> np.ndarray:
        """Read the part masks of an image and paint them in order: uint8 (512, 512)."""
        folder = self.root / MASKS / str(number // MASKS_PER_FOLDER)
        labels: np.ndarray | None = None
        for part, label in self.parts:
            file = folder / f"{number:05d}_{part}.png"
            if not file.exists():
                continue  # not every face has a hat
            mask = np.asarray(open_picture(file).convert("L")) > 127
            if labels is None:
                labels = np.zeros(mask.shape, np.uint8)
            if mask.shape != labels.shape:
                raise UserError(
                    f"{file}: is {size_of(mask)} but the image's other masks are {size_of(labels)} (height x width); "
                    "replace it"
                )
            labels[mask] = label
        if labels is None:
            raise UserError(
                f"{self.root / IMAGES / f'{number}.jpg'}: has no mask {folder / f'{number:05d}_*.png'}; "
                "unpack the masks again or remove the image"
            )
        return labels


def check_layout(root: Path) -> None:
    """Raise UserError if `root` does not look like the dataset."""
    for name in (IMAGES, MASKS):
        if not (root / name).is_dir():
            raise UserError(
                f"{root}: has no folder {name}; set data.root to the unpacked CelebAMask-HQ ({IMAGES}/ and {MASKS}/), "
                "a folder with images/ and labels/, or the output of `composegan prepare`"
            )
