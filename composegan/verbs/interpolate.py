"""`composegan interpolate`: a video of pictures turning into one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError
from composegan.verbs.choices import ClassesChoice, CodesChoice, at_least, in_file_name, opened
from composegan.verbs.help_text import help_text

ABOUT = "a video (mp4, gif) of pictures, or some of their classes, turning into one another"


@dataclass
class InterpolateConfig(ClassesChoice, CodesChoice):
    base: bool = True  # the base codes move as well, which all classes share: pose and layout
    out: str | None = None  # .mp4 or .gif to write; empty: both, in the run's or model's folder
    n: int = 6  # how many pictures the loop goes through
    frames: int = 24  # from one picture to the next
    rate: int = 24  # frames a second
    masks: bool = True  # masks beside the pictures
    size: int = 256  # small pictures are enlarged to at least this many pixels
    batch: int = 16  # images at a time

    def check(self) -> None:
        super().check()
        at_least(1, frames=self.frames, rate=self.rate, size=self.size, batch=self.batch)
        at_least(2, n=self.n)
        if self.out:
            from composegan.viz.video import check_video_path

            check_video_path(Path(self.out).expanduser())


def help() -> str:
    usage = ["composegan interpolate out=FILE.mp4 key=value ...", "composegan interpolate classes=hair base=off ..."]
    about = "Write a loop through several pictures in which everything, or only the named classes, changes smoothly."
    return help_text(usage, about, InterpolateConfig)


def run(arguments: Sequence[str]) -> None:
    """Write a video of a run or a model; says where."""
    config, folder, model = opened(InterpolateConfig, arguments, "interpolate")
    from composegan.editing.interpolation import draw_frames, loop
    from composegan.runtime.progress import progress_bar
    from composegan.viz.video import write_video

    codes = config.load_codes(model, config.n)
    if len(codes) < 2:
        raise UserError("a loop needs at least 2 pictures; name more with pictures=")
    names = config.names(model.classes)
    frames = loop(codes, codes.slots_of(names, config.parts(), config.base), config.frames)
    stem = "interpolate" if config.classes == "all" else f"interpolate-{in_file_name(names)}"
    outs = [Path(config.out).expanduser()] if config.out else [folder / (stem + end) for end in (".mp4", ".gif")]
    with progress_bar("Drawing frames", len(frames) * len(outs)) as done:
        for out in outs:
            pictures = draw_frames(model, frames, masks=config.masks, least=config.size, batch=config.batch)
            write_video(out, _counted(pictures, done), config.rate)
    print(f"wrote {' and '.join(map(str, outs))}: {len(frames)} frames, {len(frames) / config.rate:.1f} s, endless")


def _counted(pictures, done):
    for picture in pictures:
        done(1)
        yield picture
