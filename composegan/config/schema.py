"""Every setting there is, with its type and default. Standard library only.

The defaults of `ModelConfig` and `TrainingConfig` are the paper's (SemanticStyleGAN, arXiv 2112.02236).
The comment after a field is its help text: `composegan fit --help` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class DataConfig:
    root: str | None = None  # folder (images, or what `prepare` made), or NAME://ADDRESS; empty: the drawn demo
    height: int = 256  # pixels; the shorter side is a power of two
    width: int = 256  # pixels
    split: str = "train"  # train or validation
    demo: str = ""  # which of the domain's drawn demos; empty: its first
    demo_count: int = 2000  # how many demo images are drawn
    demo_seed: int = 0  # which ones
    flip: bool = False  # mirror left-right at random, image and labels together
    workers: int = 2  # processes that read images; 0 reads in the training process
    on_error: str = "stop"  # stop or skip: what to do with a file that cannot be read
    cache: str | None = None  # where drawn demos are kept; empty: the user's cache folder


@dataclass
class ModelConfig:
    latent_channels: int = 512  # width of z, w and every code
    mapping_layers: int = 8  # linear layers from z to w
    mapping_rate: float = 0.01  # learning-rate multiplier of the mapping
    local_layers: int = 10  # modulated layers of a class's local generator
    base_layers: int = 2  # of these, the first that take the shared base codes
    depth_layers: int = 6  # layers before the pseudo-depth head; the rest make texture
    local_channels: int = 64  # width of the local generators
    coarse_channels: int = 512  # channels of the composed feature map
    coarse_size: int = 64  # shorter side of the composed feature map, pixels
    min_feat_size: int = 16  # shorter side of what the render net starts from, pixels
    channel_multiplier: float = 2.0  # widths: min(max_channels, multiplier * 16384 / resolution)
    max_channels: int = 512  # widest render net layer
    discriminator_multiplier: float = 2.0  # the same for the discriminator
    discriminator_max_channels: int = 512  # widest discriminator layer
    residual_refine: bool = True  # add the coarse mask to the refined one
    mask_rank: int = 0  # channels of the mask's refinement; 0: one a class
    adapter_rank: int = 0  # of each class's own correction to its group's weights; 0: none
    embedding: bool | None = None  # a vector of each class's own, added to its codes; empty: where classes share
    texture_threshold: float = 0.0  # texture of a class only where its weight is above this; 0: everywhere
    texture_capacity: float = 1.0  # and of at most this part of all places, those of most weight
    noise: bool = True  # add noise maps in the render net: fine random texture, such as hair or skin
    recompute: bool = True  # trade a little time for the local stage's memory


@dataclass
class TrainingConfig:
    images: int = 4_800_000  # real images to show, in all
    batch: int = 32  # images a step, over all devices
    learning_rate: float = 0.002  # Adam, of both networks
    discriminator_learning_rate: float | None = None  # empty: the same
    beta1: float = 0.0  # Adam
    beta2: float = 0.99  # Adam
    loss: str = "paper"  # what is trained on: paper, or the loss recipe of an installed package
    r1_image: float = 10.0  # R1 penalty on images
    r1_mask: float = 1000.0  # R1 penalty on masks
    r1_every: int = 16  # steps between R1 penalties; 0: never
    path_length: float = 0.5  # weight of the path-length penalty
    path_every: int = 4  # steps between path-length penalties; 0: never
    path_shrink: int = 2  # the penalty's batch is smaller by this factor
    path_decay: float = 0.01  # of the running mean of lengths
    mask: float = 100.0  # weight of the loss that ties refined to coarse mask
    mixing: float = 0.3  # probability of style mixing
    class_sets: str = "all"  # of generated pictures: all classes in each, or data: sets as they occur in the data
    presence: float = 0.0  # weight of the loss that a picture shows every class of its set; needs class_sets=data
    split_every: int = 0  # images between splits of grouping=progressive; 0: evenly over the first half
    augment: float = 0.0  # chance of each change (shift, turn, scale, colour) to what the discriminator sees
    ema_half_life: float = 10_000.0  # images after which the averaged generator has forgotten half
    ema_rampup: float = 0.0  # half-life at most this part of images seen; 0: no ramp-up
    precision: str = "auto"  # auto, 32 or bf16; auto takes bf16-mixed where the GPU has it


@dataclass
class AdaptConfig:
    source: str | None = None  # run or model to adapt to images without masks (`composegan adapt`); empty: none
    freeze: str = "local"  # local: only the render net learns, and layout stays; none: the local generators learn too
    keep: float = 100.0  # weight of the loss that holds masks to the source's, where local generators learn


@dataclass
class OutputConfig:
    root: str = "runs"  # runs go to ROOT/DOMAIN/TIME
    log_every: int = 1_000  # images between lines of metrics.csv
    samples_every: int = 50_000  # images between sample grids
    samples: int = 32  # pictures in a grid
    checkpoint_every: int = 50_000  # images between checkpoints
    score_every: int = 50_000  # images between scores; 0: never
    score_samples: int = 256  # images a score is taken from
    metrics: str = "sliced_wasserstein"  # scores, such as sliced_wasserstein,FSD; by the first the best is kept


@dataclass
class TrainerConfig:
    accelerator: str = "auto"  # auto, cpu, gpu or mps
    devices: str = "auto"  # how many, or auto; on GPUs also -1 (all) or a list such as 0,2
    logger: str = "tensorboard"  # csv (metrics.csv alone, which is always written), tensorboard, wandb or mlflow
    num_nodes: int = 1  # machines
    accumulate: int = 1  # parts in which a device does its share of a batch, one after another, in less memory
    spike: float = 100.0  # a loss so many times its usual sends the run back to its last checkpoint; 0: never
    threads: int = 0  # CPU threads; 0: torch's choice
    compile: bool = False  # compile the main phases (torch.compile)
    deterministic: bool = True  # same seed, same machine: the same run, bit for bit


@dataclass
class BudgetConfig:
    groups: int | None = None  # groups at most; grouping=affinity and progressive take as many as the budget allows
    parameters: float | None = None  # of the generator at most, millions
    memory: str | None = None  # of a device at most in a training step, such as 24GB
    milliseconds: float | None = None  # of a training step at most; only `composegan plan measure=on`, which measures


@dataclass
class Config:
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    recipe: str = ""  # a recipe of the domain; empty: its default, and says so
    seed: int = 0  # of weights, data order and every draw
    grouping: Any = "per_class"  # per_class, single, taxonomy, affinity, progressive (:8: 8 groups), or lists of names
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
