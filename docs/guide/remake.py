"""Redo the guide: run the commands of its pages, and replace its pictures and the printed output.

    python docs/guide/remake.py OUT [editing painting directions inversion evaluation adaptation]

Run it after the shipped model `faces` has changed. OUT, an empty folder, keeps all results; without names of pages, all
six are redone. A block of text below the comment `<!-- printed -->` is replaced by what the commands above it print.
Commands of adaptation train for 2,000 steps; `inversion` leaves out the benchmark.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

GUIDE = Path(__file__).resolve().parent
PICTURES = {
    "editing": {
        "sample.png": "drawn/contact_sheet.png", "edit.png": "edited/sheet.png", "mix.png": "mixed.png",
        "components.png": "parts/00000.png", "layers.png": "layers/00000.png", "interpolate.gif": "everything.gif",
    },
    "painting": {
        "painting.png": "painted/sheet.png", "painting-move.png": "moved/sheet.png",
        "painting-recolor.png": "recolored/sheet.png",
    },
    "directions": {
        "directions-area.png": "found/hair.shape.area.png",
        "directions-brightness.png": "found/hair.texture.brightness.png",
        "directions-pca.png": "found/hair.texture.pca.png", "directions-sefa.png": "found/hair.shape.sefa.png",
        "directions-edit.png": "moved/sheet.png",
    },
    "inversion": {"inversion.png": "inverted/sheet.png", "inversion_edit.png": "inverted/a/hair/sheet.png"},
    "evaluation": {
        f"evaluate-{name}.png": f"evaluated/{name}.png" for name in ("presence", "agreement", "leakage")
    },
    "adaptation": {"adapt_before.png": "before/contact_sheet.png", "adapt_after.png": "after/contact_sheet.png"},
}  # fmt: skip
READERS_OWN = re.compile(r"my_pictures|smiles\.csv|composegan fit")
"""Commands on files of the reader, and trainings."""
BLOCK = re.compile(r"(```sh\n(?P<commands>.*?)```)|(?P<start><!-- printed -->\n```text\n).*?(?P<end>```)", re.DOTALL)


def main(out: Path, pages: list[str]) -> None:
    """Redo the pages in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "docs").exists():
        (out / "docs").symlink_to(GUIDE.parent)
    for name in pages:
        page = GUIDE / f"{name}.md"
        page.write_text(remade(page.read_text(encoding="utf-8"), out), encoding="utf-8")
        for picture, source in PICTURES[name].items():
            keep(out / source, GUIDE / "images" / picture)


def remade(text: str, out: Path) -> str:
    """The text of a page, with the output of its commands, which run in `out`."""
    printed = ""

    def replace(match: re.Match[str]) -> str:
        nonlocal printed
        if match["commands"] is None:
            return match["start"] + printed + match["end"]
        printed = "".join(run(command, out) for command in commands(match["commands"]))
        return match[0]

    return BLOCK.sub(replace, text)


def commands(block: str) -> list[str]:
    """The commands of a block that need no file of the reader's."""
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("composegan ") and not READERS_OWN.search(line)]


def run(command: str, out: Path) -> str:
    """What a command prints. TIME stands for the newest run."""
    newest = max((path.name for path in out.glob("runs/faces/*")), default="TIME")
    print(f"$ {command}", flush=True)
    done = subprocess.run(
        ["bash", "-c", command.replace("TIME", newest)], cwd=out, stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout, flush=True)
    return done.stdout.replace(newest, "TIME").replace(str(Path.home()), "~")


def keep(source: Path, picture: Path) -> None:
    """Copy a picture. PNGs get 256 colors: enough for drawings, and small."""
    if picture.suffix == ".png":
        Image.open(source).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    else:
        shutil.copyfile(source, picture)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(PICTURES):
        sys.exit(f"{__doc__}")
    main(Path(sys.argv[1]).resolve(), sys.argv[2:] or list(PICTURES))
