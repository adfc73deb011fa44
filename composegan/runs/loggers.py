"""Lightning loggers beside metrics.csv: those that `trainer.logger` names, and what they are given."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from PIL.Image import Image

from composegan.errors import UserError
from composegan.io.atomic import writing
from composegan.runtime.ranks import is_first_process

log = logging.getLogger(__name__)


def make_loggers(name: str, run: Path, project: str) -> list[Logger]:
    """The loggers for `trainer.logger`: csv (no other than metrics.csv), tensorboard, wandb or mlflow.

    project: the name under which wandb and mlflow group runs. TensorBoard cannot write to a path that is not Unicode:
    there, it is left out with a warning. Raises UserError when a package is missing.
    """
    if name == "tensorboard" and os.fsencode(run).decode(errors="replace") != str(run):
        if is_first_process():
            log.warning("%s: is not UTF-8, so TensorBoard cannot write to it; all figures are in metrics.csv", run)
        return []
    try:
        if name == "tensorboard":
            return [TensorBoardLogger(run, name="tensorboard", version="", default_hp_metric=False)]
        if name == "wandb":
            key = f"{project}-{run.name}"  # the same when the run is resumed
            return [WandbLogger(name=run.name, save_dir=run, project=project, id=key, resume="allow")]
        if name == "mlflow":
            address = os.environ.get("MLFLOW_TRACKING_URI", f"file:{run.absolute() / 'mlruns'}")
            return [MLFlowLogger(project, run_name=run.name, tracking_uri=address)]
    except ModuleNotFoundError as error:
        raise UserError(f"trainer.logger={name}: {name} is not installed; pip install 'composegan[{name}]'") from error
    return []


def rewind(loggers: Iterable[Logger], images_seen: int) -> None:
    """Make TensorBoard drop what it has from after `images_seen`: a resumed run writes it again."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]

    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            start = Event(session_log=SessionLog(status=SessionLog.START))
            logger.experiment.file_writer.add_event(start, images_seen + 1 if images_seen else 0)


def log_figures(loggers: Iterable[Logger], images_seen: int, figures: Mapping[str, float]) -> None:
    """Give figures to every logger, with images_seen as the step. Raises UserError when one cannot write."""
    for logger in loggers:
        with writing(_place(logger)):
            logger.log_metrics(dict(figures), step=images_seen)
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.flush()


def log_sheet(loggers: Iterable[Logger], images_seen: int, sheet: Image) -> None:
    """Give a sample sheet to the loggers that show images: TensorBoard, and those with `log_image`, such as wandb."""
    for logger in loggers:
        with writing(_place(logger)):
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", np.asarray(sheet), images_seen, dataformats="HWC")
                logger.experiment.flush()
            elif hasattr(logger, "log_image"):
                logger.log_image("samples", [sheet], step=images_seen)


def _place(logger: Logger) -> Path:
    return Path(logger.log_dir or logger.save_dir or str(logger.name))
