"""`composegan fit`: a run folder, a trainer, and the training itself."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch

from composegan.config.compose import Composed, compose_for_run, write_config
from composegan.config.errors import UserError
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.schema import Config
from composegan.data import open_source, training_loader
from composegan.domain import DomainSpec
from composegan.grouping.plan import GroupingPlan
from composegan.training import checkpoint
from composegan.training.build import build, generator_settings
from composegan.training.callbacks import Ending, Keeper, Progress
from composegan.training.distributed import PlainDDPStrategy, device_count, is_first_process
from composegan.training.memory import keep_freed_memory
from composegan.training.module import CompositionModule, parameters_of


def fit(composed: Composed) -> Path:
    """Train from the beginning. Returns the run folder. Raises UserError for data that cannot be used."""
    source = open_source(composed.plugin, composed.config.data)
    run = _new_run(composed)
    return _train(run, composed, source, None)


def resume(run: Path, arguments: list[str]) -> Path:
    """Continue a run where its newest whole checkpoint left it. Returns the run folder.

    Raises UserError when `run` is not a run, its checkpoints are damaged or of other classes, or it is finished.
    """
    composed = compose_for_run(require_run(run), arguments)
    state = None
    if (run / "checkpoints").is_dir() and any((run / "checkpoints").glob("*.pt")):
        state, path, damaged = checkpoint.read_newest(run / "checkpoints")
        if damaged:
            print(damaged)
        _check_origin(state, path, composed.plugin.spec)
        if state["images_seen"] >= composed.config.training.images:
            raise UserError(
                f"run={run}: is finished ({state['images_seen']} images); "
                f"to train longer: composegan fit run={run} training.images={2 * state['images_seen']}"
            )
        print(f"continuing {run} from {state['images_seen']:,} images")
    else:
        print(f"{run} stopped before its first checkpoint; starting anew in the same folder")
    source = open_source(composed.plugin, composed.config.data)
    write_config(run / CONFIG, composed.config)
    return _train(run, composed, source, state)


def _new_run(composed: Composed) -> Path:
    """Make runs/DOMAIN/TIME with everything that says what the run is."""
    config, spec = composed.config, composed.plugin.spec
    name = time.strftime("%Y-%m-%d_%H-%M-%S")
    run = Path(config.output.root) / spec.name / name
    if is_first_process():  # the others never write
        number = 1
        while run.exists():
            number += 1
            run = run.with_name(f"{name}_{number}")
        run.mkdir(parents=True)
        write_config(run / CONFIG, config)
        (run / "overrides.txt").write_text("\n".join(composed.overrides) + "\n")
        packages = ("composegan", "torch", "lightning", "numpy")
        plugins = {"domain": spec.name, "classes": list(spec.names), "packages": {p: version(p) for p in packages}}
        (run / "plugins.json").write_text(json.dumps(plugins, indent=2) + "\n")
        plan = GroupingPlan.parse(config.grouping, spec.names)
        line = {"images_seen": 0, "grouping": config.grouping, "groups": [[spec.names[k] for k in g] for g in plan.groups]}
        (run / "grouping.jsonl").write_text(json.dumps(line) + "\n")
    return run


def _train(run: Path, composed: Composed, source: Any, state: dict[str, Any] | None) -> Path:
    config, spec = composed.config, composed.plugin.spec
    _tune(config)
    trainer = _trainer(config)
    batch, left_over = divmod(config.training.batch, trainer.world_size)
    if left_over:
        raise UserError(f"training.batch={config.training.batch} is not a multiple of the {trainer.world_size} devices")
    plan = GroupingPlan.parse(config.grouping, spec.names)
    generator, discriminator = build(config, spec, plan)
    module = CompositionModule(config, generator, discriminator)
    keeper = Keeper(
        run, config, spec, source, generator_settings(config, spec, plan), state["best"] if state else float("inf")
    )
    ending = Ending(config.training.images)
    trainer.callbacks += [_Restorer(state), ending, keeper, Progress(config.training.images)]
    loader = training_loader(
        source,
        classes=len(spec.classes),
        batch=batch,
        height=config.data.height,
        width=config.data.width,
        seed=config.seed,
        rank=trainer.global_rank,
        world=trainer.world_size,
        start=state["images_seen"] if state else 0,
        workers=config.data.workers,
        flip=config.data.flip,
        on_error=config.data.on_error,
    )
    if trainer.is_global_zero:
        size = f"{config.data.height}x{config.data.width}"
        print(
            f"{spec.name}: {len(source):,} images at {size}, {len(spec.classes)} classes; "
            f"generator {parameters_of([generator]) / 1e6:.2f} M, discriminator {parameters_of([discriminator]) / 1e6:.2f} M "
            f"parameters; {trainer.world_size} x {trainer.strategy.root_device.type}, {trainer.precision}\nrun: {run}"
        )
    trainer.fit(module, loader)
    if trainer.is_global_zero:
        if loader.skipped:
            print(f"skipped {len(loader.skipped)} images that could not be read")
        if ending.interrupted:
            print(f"stopped at {module.images_seen:,} images; to continue: composegan fit run={run}")
            raise KeyboardInterrupt
        print(f"done: {module.images_seen:,} images. Pictures in {run / 'samples'}; next: composegan sample run={run}")
    return run


class _Restorer(lightning.Callback):
    """Takes up a checkpoint once networks and optimizers are where they belong."""

    def __init__(self, state: dict[str, Any] | None) -> None:
        self.state = state

    def on_train_start(self, trainer: lightning.Trainer, module: CompositionModule) -> None:
        if self.state is not None:
            try:
                module.restore(self.state)
            except (RuntimeError, ValueError, KeyError) as error:
                first = (str(error).splitlines() or [repr(error)])[0]
                raise UserError(f"the checkpoint is of another model: {first}") from error
            self.state = None


def _trainer(config: Config) -> lightning.Trainer:
    devices = device_count(config.trainer)
    return lightning.Trainer(
        accelerator=config.trainer.accelerator,
        devices=devices,
        num_nodes=config.trainer.num_nodes,
        strategy="auto" if devices * config.trainer.num_nodes == 1 else PlainDDPStrategy(),
        precision=_precision(config),
        max_epochs=-1,
        min_epochs=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic="warn" if config.trainer.deterministic else None,
    )


def _precision(config: Config) -> str:
    wanted = config.training.precision
    if wanted == "auto":
        on_gpu = config.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        wanted = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return {"32": "32-true", "bf16": "bf16-mixed"}[wanted]


def _tune(config: Config) -> None:
    """Process-wide settings of torch that make training faster or repeatable, and warnings that say nothing here."""
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    keep_freed_memory()
    # Gradients through a softmax of depths become denormal, which CPUs compute ten times slower.
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = not config.trainer.deterministic
    for words in (".*does not have many workers.*", ".*GPU available but not used.*", ".*`isinstance.treespec.*"):
        warnings.filterwarnings("ignore", words)


def _check_origin(state: dict[str, Any], path: Path, spec: DomainSpec) -> None:
    if state["domain"] != spec.name:
        raise UserError(f"{path}: is of domain {state['domain']!r}, the run's is {spec.name!r}")
    if state["classes"] != list(spec.names):
        raise UserError(
            f"{path}: was trained on other classes ({', '.join(state['classes'])}); the domain has {', '.join(spec.names)}"
        )
