"""The base of data sources that draw their samples."""

from __future__ import annotations

import numpy as np

from composegan.data.sample import Sample


class DrawnSource:
    """`count` drawn samples of (height, width) pixels, each a pure function of (seed, index).

    Subclasses implement `draw`. Indexing raises IndexError outside 0..count - 1.
    """

    title = "drawing"  # names the samples: "car 3 (seed 0)"

    def __init__(self, count: int, height: int, width: int, seed: int) -> None:
        self.count, self.height, self.width, self.seed = count, height, width, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(f"{self.title} {index} of {self.count}")
        image, labels, detail = self.draw(np.random.default_rng([self.seed, index]))
        return Sample(image, labels, f"{self.title} {index}{detail} (seed {self.seed})")

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        """Draw one sample: (image uint8 (3, H, W), labels uint8 (H, W), detail for the name, such as ", a sedan")."""
        raise NotImplementedError
