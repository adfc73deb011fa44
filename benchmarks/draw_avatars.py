"""Time drawing the demo of faces, 2,000 avatars at 64x64, from a fresh process to the finished cache.

    python -m benchmarks.draw_avatars          # writes benchmarks/results/draw_avatars.json

Target: less than 20 s on two cores. The time includes imports, worker processes, dicebear's check of the style (0.2 s
per process) and every drawing. The warm rate is that of one process which has drawn the same avatars before. The load
average shows whether the machine was busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks.measure import machine
from benchmarks.script import RESULTS, command_line, output, read_settings, run_study, write_json
from composegan.plugin.fields import number

PACKAGES = ("numpy", "pillow", "dicebear-core", "dicebear-styles", "resvg-py")

DRAW = """
import sys
from composegan.config.schema import DataConfig
from composegan.data import open_source
from composegan.plugins.faces import plugin
if __name__ == "__main__":
    count, size, cache = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    open_source(plugin, DataConfig(height=size, width=size, demo_count=count, cache=cache), progress=False)
"""


@dataclass
class DrawConfig:
    count: int = number(2000, least=1)  # number of avatars
    size: int = number(64, least=1)  # pixels
    runs: int = number(3, least=1)  # fresh processes
    target: float = 20.0  # seconds
    out: str = ""  # file to write; empty: benchmarks/results/draw_avatars.json


def seconds_to_draw(count: int, size: int) -> float:
    """Wall-clock seconds of a fresh process, including its workers, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", DRAW, str(count), str(size), cache], check=True)
        return time.perf_counter() - start


def warm_rate(count: int, size: int) -> float:
    """Images per second of one process with all layers in its cache."""
    from composegan.plugins.faces import draw_avatars

    avatars = draw_avatars(count, size, size, 0)
    for _ in range(2):  # the first time fills the cache
        start = time.perf_counter()
        for index in range(count):
            avatars[index]
    return count / (time.perf_counter() - start)


def main(arguments: Sequence[str]) -> None:
    config = read_settings(DrawConfig, arguments, "draw_avatars")
    load = os.getloadavg()[0]
    runs = [round(seconds_to_draw(config.count, config.size), 2) for _ in range(config.runs)]
    result = {
        "command": command_line("draw_avatars", arguments),
        "machine": {**machine(), **{name: version(name) for name in PACKAGES}},
        "load_average_before": round(load, 2),
        "what": f"{config.count} avatars (micah) at {config.size}x{config.size}, fresh process, empty cache",
        "seconds": runs,
        "slowest_seconds": max(runs),
        "target_seconds": config.target,
        "target_met": max(runs) < config.target,
        "warm_images_per_second_one_process": {str(size): round(warm_rate(300, size)) for size in (64, 128, 256)},
    }
    write_json(output(config.out, RESULTS / "draw_avatars.json"), result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    run_study(main)
