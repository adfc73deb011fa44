"""How long the first run waits for its demo: 2,000 avatars at 64x64, drawn and cached, from a fresh process.

    python -m benchmarks.draw_avatars          # writes benchmarks/results/draw_avatars.json

Target: under 20 s on two cores. Counted is all from the start of Python to the finished folder: imports, worker
processes, dicebear's check of the style (0.2 s a process), every drawing. The warm rate is of one process that has
drawn the same before. The load average tells whether the machine had other things to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import machine

COUNT, SIZE, TARGET_SECONDS, RUNS = 2000, 64, 20.0, 3
PACKAGES = ("numpy", "pillow", "dicebear-core", "dicebear-styles", "resvg-py")
RESULT = Path(__file__).parent / "results" / "draw_avatars.json"

DRAW = """
import sys
from composegan.config.schema import DataConfig
from composegan.data import open_source
from composegan.plugins.faces import plugin
if __name__ == "__main__":
    count, size, cache = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    open_source(plugin, DataConfig(height=size, width=size, demo_count=count, cache=cache), progress=False)
"""


def seconds_to_draw(count: int, size: int) -> float:
    """Wall-clock seconds of a fresh process, and of the workers it starts, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", DRAW, str(count), str(size), cache], check=True)
        return time.perf_counter() - start


def warm_rate(count: int, size: int) -> float:
    """Images a second of one process that has every layer."""
    from composegan.plugins.faces import draw_avatars

    avatars = draw_avatars(count, size, size, 0)
    for index in range(count):
        avatars[index]
    start = time.perf_counter()
    for index in range(count):
        avatars[index]
    return count / (time.perf_counter() - start)


def main() -> None:
    load = os.getloadavg()[0]
    runs = [round(seconds_to_draw(COUNT, SIZE), 2) for _ in range(RUNS)]
    result = {
        "command": "python -m benchmarks.draw_avatars",
        "machine": {**machine(), **{name: version(name) for name in PACKAGES}},
        "load_average_before": round(load, 2),
        "what": f"{COUNT} avatars (micah) at {SIZE}x{SIZE}, fresh process, empty cache",
        "seconds": runs,
        "slowest_seconds": max(runs),
        "target_seconds": TARGET_SECONDS,
        "target_met": max(runs) < TARGET_SECONDS,
        "warm_images_per_second_one_process": {str(size): round(warm_rate(300, size)) for size in (64, 128, 256)},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
