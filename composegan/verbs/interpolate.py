"""`composegan interpolate`: a video of pictures turning into one another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.io.atomic import writing
from composegan.verbs.base import ClassesCommand, CodesCommand, command, count, in_file_name


@dataclass
class Interpolate(ClassesCommand, CodesCommand):
    base: bool = True  # the base codes, which all classes share, change as well: pose and layout
    out: str | None = None  # .mp4 or .gif to write; empty: both, in results/
    n: int = count(6, least=2)  # how many pictures the loop goes through
    frames: int = count(24)  # frames from one picture to the next
    rate: int = count(24)  # frames per second
    masks: bool = True  # masks beside the pictures
    size: int = count(256)  # small pictures are enlarged to at least this many pixels
    batch: int = count(16)  # images at a time

    def check(self) -> None:
        super().check()
        if self.out:
            from composegan.viz.video import check_video_path

            check_video_path(Path(self.out).expanduser())

    def execute(self) -> None:
        model = self.load_model()
        from composegan.editing.interpolation import loop, write_frames
        from composegan.runtime.progress import progress_bar

        target = self.target(model)
        stem = "interpolate" if self.classes == "all" else f"interpolate-{in_file_name(target.classes)}"
        first = self.new_output(self.out, stem, ".mp4", ".gif")
        outs = [first] if self.out else [first, first.with_suffix(".gif")]
        if not self.out:
            with writing(first.parent):
                first.parent.mkdir(exist_ok=True)
        frames = loop(self.load_codes(model, self.n), target, self.frames)
        with progress_bar("Drawing frames", len(frames) * len(outs)) as done:
            for out in outs:
                write_frames(
                    model, frames, out, rate=self.rate, masks=self.masks, least=self.size, batch=self.batch, done=done
                )
        print(f"wrote {' and '.join(map(str, outs))}: {len(frames)} frames, {len(frames) / self.rate:.1f} s, endless")


verb = command(
    Interpolate, "a video (mp4, gif) of pictures, or some of their classes, turning into one another",
    "Write a loop through several pictures in which everything, or only the named classes, changes smoothly.",
    "out=FILE.mp4 key=value ...", "classes=hair base=off ...",
)  # fmt: skip
