"""CelebAMask-HQ as downloaded, read lazily.

    root/CelebA-HQ-img/<i>.jpg                                   30,000 images, 1024 x 1024
    root/CelebAMask-HQ-mask-anno/<i // 2000>/<i:05d>_<part>.png  one mask per part present, 512 x 512

Images 0 to 27,999 are for training, 28,000 to 29,999 for validation. Classes and painting order of the parts:
domains/faces.yaml. Dataset: Lee, Liu, Wu, Luo, "MaskGAN", CVPR 2020; for non-commercial research.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composegan.data import Sample, open_picture, read_image, resize_image, size_of
from composegan.plugin import DomainSpec, UserError

IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
FIRST_VALIDATION = 28_000
MASKS_A_FOLDER = 2_000


class CelebAMask:
    """One split of CelebAMask-HQ: image uint8 (3, 512, 512) and labels uint8 (512, 512), in the order of the numbers.

    Masks are searched for when their image is read. Raises UserError for a root without the two folders or a split
    without images and, on reading, for damaged files, masks of different sizes and an image without any mask.
    """

    def __init__(self, root: Path | str, split: str, spec: DomainSpec) -> None:
        self.root = Path(root)
        check_layout(self.root)
        self.parts = [(item["part"], spec.index(item["class"])) for item in spec.foreign["celebamask_hq"]]
        numbers = sorted(int(file.stem) for file in (self.root / IMAGES).glob("*.jpg") if file.stem.isdecimal())
        self.numbers = [number for number in numbers if (number >= FIRST_VALIDATION) == (split == "validation")]
        if not self.numbers:
            raise UserError(
                f"{self.root / IMAGES}: has no image of the split {split!r}; "
                f"0.jpg to {FIRST_VALIDATION - 1}.jpg are train, later ones validation"
            )

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        number = self.numbers[index]
        file = self.root / IMAGES / f"{number}.jpg"
        labels = self.read_masks(number)
        return Sample(resize_image(read_image(file), *labels.shape), labels, str(file))

    def read_masks(self, number: int) -> np.ndarray:
        """The part masks of one image, painted over one another: uint8 (512, 512)."""
        folder = self.root / MASKS / str(number // MASKS_A_FOLDER)
        labels: np.ndarray | None = None
        for part, label in self.parts:
            file = folder / f"{number:05d}_{part}.png"
            if not file.exists():
                continue  # the part is absent, such as a hat
            mask = np.asarray(open_picture(file).convert("L")) > 127
            if labels is None:
                labels = np.zeros(mask.shape, np.uint8)
            if mask.shape != labels.shape:
                raise UserError(
                    f"{file}: is {size_of(mask)} and the masks before it {size_of(labels)} (height x width); replace it"
                )
            labels[mask] = label
        if labels is None:
            raise UserError(
                f"{self.root / IMAGES / f'{number}.jpg'}: has no mask; {folder / f'{number:05d}_*.png'} are needed, "
                "so unpack the masks again or remove the image"
            )
        return labels


def check_layout(root: Path) -> None:
    """Raise UserError when a folder does not look like the dataset."""
    for name in (IMAGES, MASKS):
        if not (root / name).is_dir():
            raise UserError(
                f"{root}: has no folder {name}; data.root of domain 'faces' is the unpacked CelebAMask-HQ "
                f"({IMAGES}/ and {MASKS}/), a folder with images/ and labels/, or one made by `composegan prepare`"
            )
