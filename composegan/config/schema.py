"""Every setting of a run: its type, default and bounds. Standard library only.

The defaults of `ModelConfig` and `TrainingConfig` are the paper's (SemanticStyleGAN, arXiv 2112.02236).
The comment after a field is its help text: `composegan fit --help` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from composegan.plugin.contracts import FAMILY, GROUPING, LOSS, METRIC, SOURCE
from composegan.plugin.fields import choice, extension, extension_values, number, number_or


@dataclass
class DataConfig:
    root: str | None = extension(SOURCE, None)  # folder (images, or `prepare` output), NAME://ADDRESS; empty: the demo
    height: int = number(256, least=1, most=8192)  # pixels; the shorter side is a power of two or three times one
    width: int = number(256, least=1, most=8192)  # pixels
    split: str = choice("train", "validation")  # which part of the data
    demo: str = ""  # which of the domain's drawn demos; empty: its first
    demo_count: int = number(2000, least=1, most=10**6)  # number of demo images
    demo_seed: int = number(0, least=0)  # seed of the demo images
    flip: bool | None = None  # mirror left-right at random, image and labels together; empty: with few pictures
    workers: int = number(2, least=0, most=256)  # processes that read images; 0: read in the training process
    on_error: str = choice("stop", "skip")  # what to do with a file that cannot be read
    cache: str | None = None  # where drawn demos are kept; empty: the user's cache folder
    extensions: dict[str, Any] = extension_values()


@dataclass
class ModelConfig:
    family: str = extension(FAMILY, "paper")  # networks: paper, modern, stylegan2 (no parts), or an installed family
    latent_channels: int = number(512, least=1, most=4096)  # width of z, w and every code
    mapping_layers: int = number(8, least=1, most=64)  # linear layers from z to w
    mapping_rate: float = number(0.01, above=0)  # learning-rate multiplier of the mapping
    local_layers: int = number(10, least=1, most=64)  # modulated layers of a class's local generator
    base_layers: int = number(2, least=1)  # of the local layers, the first that receive the shared base codes
    depth_layers: int = number(6, least=1)  # layers before the pseudo-depth head; the rest produce texture
    local_channels: int = number(64, least=1, most=4096)  # width of the local generators
    coarse_channels: int = number(512, least=1, most=4096)  # channels of the composed feature map
    coarse_size: int = number(64, least=1, most=4096)  # shorter side of the composed feature map, pixels
    min_feat_size: int = number(16, least=1)  # shorter side of the render net's input, pixels
    channel_multiplier: float = number(2.0, above=0, most=4096)  # widths: min(max_channels, it * 16384 / resolution)
    max_channels: int = number(512, least=1, most=4096)  # widest render net layer
    discriminator_multiplier: float = number(2.0, above=0, most=4096)  # channel_multiplier of the discriminator
    discriminator_max_channels: int = number(512, least=1, most=4096)  # widest discriminator layer
    residual_refine: bool = True  # add the coarse mask to the refined one
    mask_rank: int = number(0, least=0, most=4096)  # channels of the mask's refinement; 0: one per class
    adapter_rank: int = number(0, least=0, most=4096)  # rank of each class's correction to its group's weights; 0: none
    embedding: bool | None = None  # a learned vector per class, added to its codes; empty: where classes share weights
    texture_threshold: float = number(0.0, least=0, most=1)  # compute texture where a class's weight exceeds this
    texture_capacity: float = number(1.0, least=0, most=1)  # compute texture at no more than this fraction of positions
    noise: bool = True  # add noise maps in the render net: fine random texture, such as hair or skin
    recompute: bool = True  # recompute the local stage in the backward pass: less memory, a little slower
    extensions: dict[str, Any] = extension_values()


@dataclass
class TrainingConfig:
    images: int = number(4_800_000, least=1)  # real images to show, in total
    batch: int = number(32, least=1, most=10**6)  # images per step, over all devices
    learning_rate: float = number(0.002, above=0)  # Adam, both networks
    discriminator_learning_rate: float | None = number(None, above=0)  # Adam, discriminator; empty: learning_rate
    beta1: float = number(0.0, least=0, most=1)  # Adam
    beta2: float = number(0.99, least=0, most=1)  # Adam
    loss: str = extension(LOSS, "paper")  # the objective: paper, modern, or an installed loss recipe
    r1_image: float = number(10.0, least=0)  # R1 penalty on images
    r1_mask: float = number(1000.0, least=0)  # R1 penalty on masks
    r1_every: int = number(16, least=0)  # steps between R1 penalties; 0: never
    path_length: float = number(0.5, least=0)  # weight of the path-length penalty
    path_every: int = number(4, least=0)  # steps between path-length penalties; 0: never
    path_shrink: int = number(2, least=1)  # the penalty's batch is smaller by this factor
    path_decay: float = number(0.01, least=0, most=1)  # decay of the running mean of path lengths
    mask: float = number(100.0, least=0)  # weight of the loss that ties the refined to the coarse mask
    mixing: float = number(0.3, least=0, most=1)  # probability of style mixing
    class_sets: str = choice("auto", "all", "data")  # classes of a generated image: all, or sets as in the data
    presence: float = number(0.0, least=0)  # weight of the loss for missing classes of a set; needs class_sets=data
    split_every: int = number(0, least=0)  # images between splits of grouping=progressive; 0: evenly, in the first half
    augment: float | str = number_or(0.0, "adaptive", least=0, most=1)  # probability of each augmentation
    augment_target: float = number(0.6, least=0, most=1)  # with adaptive: the mean sign of scores of real images
    ema_half_life: float = number(10_000.0, above=0)  # half-life of the averaged generator, images
    ema_rampup: float = number(0.0, least=0)  # half-life at most this fraction of the images seen; 0: no ramp-up
    precision: str = choice("auto", "32", "bf16")  # auto: bf16-mixed on GPUs that have it
    extensions: dict[str, Any] = extension_values()


@dataclass
class AdaptConfig:
    source: str | None = None  # run or model to adapt to images without masks (`composegan adapt`); empty: none
    freeze: str = choice("local", "none")  # local: train the render net only, keeping the layout; none: everything
    keep: float = number(100.0, least=0)  # weight of the loss that ties masks to the source's, with freeze=none


OF_IMAGES = "FD-EffNetLite0,sliced_wasserstein"
"""Scores of images without masks."""


@dataclass
class OutputConfig:
    root: str = "runs"  # runs go to ROOT/DOMAIN/TIME
    log_every: int = number(1_000, least=1)  # images between lines of metrics.csv
    samples_every: int = number(50_000, least=1)  # images between sample grids
    samples: int = number(32, least=1, most=10_000)  # images in a grid
    checkpoint_every: int = number(50_000, least=1)  # images between checkpoints
    score_every: int = number(50_000, least=0)  # images between scores; 0: never
    score_samples: int = number(256, least=1, most=10**6)  # images that a score is computed from
    metrics: str = extension(METRIC, f"{OF_IMAGES},live_classes,mask_consistency")  # scores; they select best.pt
    extensions: dict[str, Any] = extension_values()


@dataclass
class TrainerConfig:
    accelerator: str = choice("auto", "cpu", "gpu", "mps")  # what to train on
    devices: str = "auto"  # how many, or auto; on GPUs also -1 (all) or a list such as 0,2
    logger: str = choice("tensorboard", "csv", "wandb", "mlflow")  # csv: only metrics.csv, which is always written
    num_nodes: int = number(1, least=1, most=10_000)  # machines
    accumulate: int = number(1, least=1)  # parts that a device splits its share of a batch into, to save memory
    spike: float = number(100.0, least=0)  # roll back to the last checkpoint when a loss exceeds its mean so many times
    threads: int = number(0, least=0, most=1024)  # CPU threads; 0: torch's default
    compile: bool = False  # torch.compile for all phases without second derivatives
    deterministic: bool = True  # same seed, same machine: the same run, bit for bit


@dataclass
class BudgetConfig:
    groups: int | None = number(None, least=1)  # most groups; grouping=affinity and progressive use as many as fit
    parameters: float | None = number(None, above=0)  # most parameters of the generator, millions
    memory: str | None = None  # most memory of a device in a training step, such as 24GB
    milliseconds: float | None = number(None, above=0)  # longest training step; only with `composegan plan measure=on`


@dataclass
class Config:
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plug-in that is not installed, such as a checkout; empty: none
    recipe: str = ""  # a recipe of the domain; empty: its default
    seed: int = number(0, least=0)  # seed of weights, data order and every random draw
    grouping: Any = extension(GROUPING, "per_class")  # per_class, single, taxonomy, affinity, progressive, or lists
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    extensions: dict[str, Any] = extension_values()
