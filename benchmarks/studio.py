"""Measure how long an edit in the studio takes, from the input in the browser until the picture has been painted.

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.studio   # writes benchmarks/results/studio.json

For each gesture the 50th and 95th percentile of the time from the input event to the frame after the picture was drawn,
as the browser measures it, and of the CPU time of the server's thread for a request. Needs chromium and Playwright.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import composegan
from benchmarks.measure import machine
from benchmarks.script import RESULTS, command_line, markdown_table, output, read_settings, run_study, write_json
from composegan.errors import UserError
from composegan.plugin.fields import number

WATCH = """() => {
  window.times = [];
  let start = 0, waiting = false;
  for (const kind of ["pointerdown", "pointermove", "keydown", "click"]) {
    addEventListener(kind, (event) => {
      if (!waiting) start = event.timeStamp;
      waiting = true;
    }, true);
  }
  window.rest = () => { waiting = false; return window.times.length; };
  document.querySelector(".picture").addEventListener("drawn", () => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => {
      if (waiting) window.times.push(performance.now() - start);
      waiting = false;
    };
    after.port2.postMessage(0);
  }));
}"""
"""Notes the time from an input event to the task after the next frame, whose painting is then done."""
HEAD = ("gesture", "to paint, 50 %", "95 %", "CPU of the server, 50 %", "95 %")


@dataclass
class StudioStudy:
    model: str = "faces"  # a trained model, a folder or a name
    repeats: int = number(60, least=2)  # of each gesture
    out: str = ""  # file to write; empty: studio.json in benchmarks/results


def main(arguments: Sequence[str]) -> None:
    config = read_settings(StudioStudy, arguments, "studio")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise UserError("there is no chromium; apt-get install chromium")
    from playwright.sync_api import sync_playwright

    torch.set_num_threads(1)
    cpu: list[float] = []
    address = started(composegan.load(config.model), cpu)
    found: dict[str, Any] = {"command": command_line("studio", arguments), "machine": machine(), "milliseconds": {}}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(300_000)
        opened(page, address)
        for name, gesture in GESTURES.items():
            times = measured(page, gesture, config.repeats, cpu)
            rows = [np.percentile(values, (50, 95)).round(1).tolist() for values in (times, cpu)]
            found["milliseconds"][name] = {"to paint": rows[0], "server CPU": rows[1]}
            print(name, *rows, flush=True)
        chromium.close()
    write_json(path := output(config.out, RESULTS / "studio.json"), found)
    cells = [(name, *map(round, [*row["to paint"], *row["server CPU"]])) for name, row in found["milliseconds"].items()]
    print(*markdown_table(HEAD, cells), f"\nwrote {path}", sep="\n")


def started(model: composegan.Model, cpu: list[float]) -> str:
    """The address of a running studio, which notes the CPU milliseconds of each edit in `cpu`."""
    import uvicorn

    from composegan.studio.app import make_app
    from composegan.studio.server import listen
    from composegan.studio.worker import EDIT, Worker

    run = Worker.run

    async def timed_run(self: Worker, job: Callable[[], Any], priority: int = EDIT) -> Any:
        def timed() -> Any:
            start = time.thread_time()
            try:
                return job()
            finally:
                if priority == EDIT:
                    cpu.append(1000 * (time.thread_time() - start))

        return await run(self, timed, priority)

    Worker.run = timed_run  # type: ignore[method-assign]
    listening = listen("127.0.0.1", 0)
    app = make_app(model, Path(tempfile.mkdtemp()))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def opened(page: Any, address: str) -> None:
    """Open picture 2 and choose its hair."""
    page.goto(address)
    page.get_by_label("Begin with picture 2", exact=True).click()
    page.locator(".stack .layer img").first.wait_for()
    page.locator('.layer[data-name="hair"]').click()
    page.locator(".donor").nth(11).wait_for()
    page.evaluate(WATCH)


def measured(page: Any, gesture: Callable[[Any, int], None], repeats: int, cpu: list[float]) -> list[float]:
    """Milliseconds to paint of each repetition; one that changes nothing is left out."""
    gesture(page, 0)
    page.wait_for_timeout(1000)
    cpu.clear()
    page.evaluate("() => { window.times.length = 0; }")
    for place in range(1, repeats + 1):
        before = page.evaluate("() => window.rest()")
        gesture(page, place)
        end = time.monotonic() + 10
        while page.evaluate("() => window.times.length") == before and time.monotonic() < end:
            page.wait_for_timeout(20)
        page.wait_for_timeout(60)
    times = list(page.evaluate("() => window.times"))
    page.mouse.up()
    page.wait_for_timeout(1500)
    return times


def take(page: Any, place: int) -> None:
    page.locator(".donor").nth(place % 12).dispatch_event("click")


def strength(page: Any, place: int) -> None:
    page.get_by_role("slider", name="How much of it").focus()
    page.keyboard.press("ArrowLeft" if place % 20 < 10 else "ArrowRight")


def drag(page: Any, place: int) -> None:
    box = page.locator(".frame").bounding_box()
    step, x, y = box["width"] / 64, box["x"] + box["width"] / 2, box["y"] + box["height"] / 5
    page.mouse.move(x, y) if place == 0 else None
    page.mouse.down() if place == 0 else None
    page.mouse.move(x + (1 + place % 7) * step, y + (place % 5) * step)


def paint(page: Any, place: int) -> None:
    if place == 0:
        page.get_by_role("link", name="Paint").click()
        page.get_by_role("radio", name="Hair").click()
        page.evaluate(WATCH)
    box = page.locator(".frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] * (0.15 + place / 150), box["y"] + box["height"] * (0.3 + place % 3 / 20))
    page.mouse.down() if place == 0 else None


GESTURES = {"take from another picture": take, "how much of it": strength, "drag a part": drag, "paint": paint}

if __name__ == "__main__":
    run_study(main)
