"""Settings of an encoder's training. Standard library only.

The comment after a field is its help text: `composegan encoder --help` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugin.fields import number


@dataclass
class EncoderConfig:
    images: int = number(20_000, least=1, most=10**9)  # pictures to train on, generated and real ones together
    batch: int = number(16, least=2, most=4096)  # pictures a step
    real: float = number(0.75, least=0, most=1)  # share of real pictures, where the data is at hand
    learning_rate: float = number(2e-3, above=0)  # of AdamW; it falls to 0 by a cosine after 30 % of the images
    seed: int = number(0, least=0)  # of the weights and of everything random
    backbone: str = "lcnet_075"  # network of timm whose maps are used, such as lcnet_075 or resnet18
    pretrained: bool = False  # begin with timm's weights of the backbone, which timm downloads
