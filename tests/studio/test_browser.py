"""The studio in a real browser, as a person uses it: Debian's chromium, headless, by Playwright.

STUDIO_PICTURES=FOLDER keeps the pictures of the screens that docs/studio.md shows.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

import composegan

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
uvicorn = pytest.importorskip("uvicorn", reason="pip install 'composegan[studio]'")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium"),
]
expect = playwright.expect
WAIT = 30_000  # milliseconds; machines that run tests are busy
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(faces, tmp_path_factory):
    """The address of a running studio."""
    from composegan.studio.app import make_app
    from composegan.studio.server import listen

    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(make_app(faces, tmp_path_factory.mktemp("documents")), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def new_page(browser, address):
    """(settings of a context) -> a page. At the end: no request has left the machine, and nothing has failed."""
    asked, wrong, contexts = [], [], []

    def new_page(**settings):
        context = browser.new_context(**{"viewport": DESKTOP, "accept_downloads": True, **settings})
        context.set_default_timeout(WAIT)
        context.on("request", lambda request: asked.append(request.url))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        return page

    expect.set_options(timeout=WAIT)
    yield new_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((f"{address}/", "data:", f"blob:{address}/"))] == []
    assert [line for line in wrong if "the server responded with a status of 4" not in line] == []


@pytest.fixture(scope="module")
def number(faces):
    """The first picture with much hair and without a hat and glasses."""
    samples = faces.sample(32)
    hair, hat, glass = ((samples.labels == faces.index(name)).mean((1, 2)) for name in ("hair", "hat", "eyeglass"))
    return int(np.flatnonzero((hair > 0.1) & (hat + glass == 0))[0])


@pytest.fixture
def opened(new_page, address, number):
    """A page with the picture `number` on the screen Layers."""
    page = new_page()
    open_picture(page, address, number)
    return page


def open_picture(page, address, number):
    page.goto(address)
    card = page.get_by_role("button", name=f"Begin with picture {number}", exact=True)
    card.scroll_into_view_if_needed()
    card.click()
    expect(page.locator(".stack .layer img").first).to_be_visible()


SMALL = """() => {
  const [from, to] = [document.querySelector("canvas.main"), document.createElement("canvas")];
  if (!from) return new Array(4 * 64 * 64).fill(-1000);
  [to.width, to.height] = [64, 64];
  to.getContext("2d").drawImage(from, 0, 0, 64, 64);
  return [...to.getContext("2d").getImageData(0, 0, 64, 64).data];
}"""


def pixels_of(page):
    """The picture on the screen, at 64x64."""
    return np.array(page.evaluate(SMALL), int)


def alike(one, other):
    """Whether two pictures are the same but for the size at which they are shown."""
    return np.abs(one - other).max() <= 12


def becomes(page, condition):
    """Wait until the picture on the screen fulfils a condition; returns it."""
    end = time.monotonic() + WAIT / 1000
    while not condition(found := pixels_of(page)):
        assert time.monotonic() < end, "the picture does not change as it should"
        page.wait_for_timeout(100)
    return found


def changes(page, before):
    return becomes(page, lambda now: not alike(now, before))


def returns(page, before):
    return becomes(page, lambda now: alike(now, before))


def inside(faces, number, name):
    """A point within a class, as a share of the width and height: the one farthest from others."""
    region = faces.sample(pictures=[number]).labels[0] == faces.index(name)
    while True:
        smaller = region.copy()
        for axis in (0, 1):
            for step in (-1, 1):
                smaller &= np.roll(region, step, axis)
        if not smaller.any():
            break
        region = smaller
    row, column = np.argwhere(region)[0]
    return (column + 0.5) / region.shape[1], (row + 0.5) / region.shape[0]


def at(page, point):
    box = page.locator(".frame").bounding_box()
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def shoot(page, name):
    if folder := os.environ.get("STUDIO_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"))


def test_wall_scrolls_filters_and_keeps_favourites(new_page, address):
    page = new_page()
    page.goto(address)
    expect(page.locator(".wall .card").nth(23)).to_be_visible()
    shoot(page, "pictures")
    page.mouse.wheel(0, 4000)
    expect(page.locator(".wall .card").nth(40)).to_be_visible()
    page.get_by_label("Favourite: picture 3", exact=True).click()
    page.get_by_label("Which pictures").select_option("hat")
    expect(page.locator(".wall .card").nth(3)).to_be_visible()
    page.get_by_label("Which pictures").select_option("*favourites")
    expect(page.locator(".wall .card")).to_have_count(1)
    page.get_by_label("Name of picture 3").fill("Nadia")
    page.get_by_label("Name of picture 3").press("Tab")
    page.reload()
    page.get_by_label("Which pictures").select_option("*favourites")
    expect(page.get_by_label("Name of picture 3")).to_have_value("Nadia")


def test_hair_is_chosen_by_a_click_and_changed(opened, faces, number):
    page, start = opened, pixels_of(opened)
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    expect(page.locator(".tools h2")).to_have_text("Hair")
    expect(page.locator('.layer[aria-selected="true"]')).to_have_attribute("data-name", "hair")
    page.get_by_role("radio", name="Colours").click()
    donor = page.locator(".donor").nth(5)
    donor.hover()
    changes(page, start)  # hovering shows what a click would do
    page.mouse.move(5, 400)
    returns(page, start)
    donor.click()
    expect(page.locator("#undo")).to_be_enabled()
    changed = changes(page, start)
    page.mouse.move(640, 780)
    shoot(page, "layers")
    page.locator("#undo").click()
    expect(page.locator("#redo")).to_be_enabled()
    returns(page, start)
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#undo")).to_be_enabled()
    returns(page, changed)


def test_strength_color_size_and_surprise(opened, faces, number):
    page = opened
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    page.locator(".donor").nth(3).click()
    slider = page.get_by_role("slider", name="How much of it")
    slider.focus()
    whole = pixels_of(page)
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    changes(page, whole)
    page.wait_for_timeout(1500)
    page.locator("#undo").click()
    expect(page.locator("#undo")).to_be_disabled()  # the slider did not add steps
    for press in (page.get_by_label("Colour #2a9d8f"), page.get_by_role("button", name="Surprise me")):
        before = pixels_of(page)
        press.click()
        changes(page, before)
    page.get_by_role("button", name="Find sliders for the hair").click()
    expect(page.get_by_role("slider", name="Lightness")).to_be_visible(timeout=4 * WAIT)
    page.get_by_role("slider", name="Lightness").focus()
    before = pixels_of(page)
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    changes(page, before)
    expect(page.get_by_title("Undo: Hair: lightness")).to_be_visible()
    page.get_by_role("slider", name="Size").last.focus()
    before = pixels_of(page)
    page.keyboard.press("ArrowRight")
    changes(page, before)


def test_parts_are_dragged_locked_and_taken_out(opened, faces, number):
    page, start = opened, pixels_of(opened)
    point = inside(faces, number, "hair")
    page.mouse.click(*at(page, point))
    x, y = at(page, point)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 10, steps=4)
    page.mouse.up()
    expect(page.get_by_title("Undo: Hair moved")).to_be_visible()
    changes(page, start)
    page.locator("#undo").click()
    expect(page.locator("#undo")).to_be_disabled()
    page.get_by_label("Lock Hair").click()
    expect(page.locator(".tools")).to_contain_text("locked")
    page.get_by_role("button", name="Unlock", exact=True).click()
    page.get_by_label("Take Hair out").click()
    expect(page.locator(".missing")).to_contain_text("Hair")
    page.get_by_label("Put Hair in").click()
    expect(page.locator(".stack")).to_contain_text("Hair")
    returns(page, start)


def test_picture_is_dropped_onto_a_layer(opened, faces, number):
    page, start = opened, pixels_of(opened)
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    donor = 3 if number == 2 else 2  # another picture than this one
    page.locator(".donor").nth(donor).drag_to(page.locator('.layer[data-name="cloth"]'))
    expect(page.locator("#undo")).to_have_attribute("title", f"Undo: Cloth: shape and colours of picture {donor}")
    changes(page, start)


def test_before_and_wipe(opened, faces, number):
    page = opened
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    page.get_by_label("Colour #2f6fb3").click()
    expect(page.locator("#undo")).to_be_enabled()
    old = page.locator("canvas.old")
    page.keyboard.down("b")
    expect(old).to_be_visible()
    page.keyboard.up("b")
    expect(old).to_be_hidden()
    page.get_by_role("button", name="Compare").click()
    x, y = at(page, (0.45, 0.5))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".wipe")).to_have_value("45")
    shoot(page, "compare")


def test_hat_is_painted_erased_and_exported(opened, faces, number, tmp_path):
    psd_tools = pytest.importorskip("psd_tools")
    page = opened
    page.get_by_role("link", name="Paint").click()
    page.get_by_role("radio", name="Hat").click()
    start = pixels_of(page)
    page.mouse.move(*at(page, (0.3, 0.12)))
    page.mouse.down()
    for step in range(9):
        page.mouse.move(*at(page, (0.3 + 0.05 * step, 0.1 + 0.03 * (step % 2))))
    page.mouse.up()
    expect(page.get_by_title("Undo: Painted")).to_be_visible()
    changes(page, start)
    page.mouse.move(*at(page, (0.5, 0.3)))
    shoot(page, "paint")
    page.get_by_label("Show the parts in colours").check()
    page.get_by_role("radio", name="Fill").click()
    page.mouse.click(*at(page, (0.5, 0.12)))  # hat already
    expect(page.locator("#status")).to_contain_text("already")
    page.get_by_role("radio", name="Eraser").click()
    page.mouse.move(*at(page, (0.3, 0.12)))
    page.mouse.down()
    page.mouse.move(*at(page, (0.4, 0.12)), steps=3)
    page.mouse.up()
    page.wait_for_timeout(1500)
    page.get_by_role("link", name="Export").click()
    shoot(page, "export")
    found = {}
    for label, button in SAVED.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        found[label] = tmp_path / download.value.suggested_filename
        download.value.save_as(found[label])
    names = [layer.name for layer in psd_tools.PSDImage.open(found["psd"])]
    assert "Hat" in names and "Background" in names
    session = composegan.Session.open(found["document"], faces)
    assert [request.verb for request in session.history] == ["paint", "paint"]
    labels = faces.paint(session.original, found["mask"], composite=False).after.labels[0]
    np.testing.assert_array_equal(labels, session.picture.labels)
    with av.open(found["film"]) as film:
        assert sum(1 for _ in film.decode(video=0)) == 24 * 3
    expect(page.locator("details")).to_contain_text("terminal")
    page.get_by_text("The same steps").click()
    expect(page.locator("pre")).to_contain_text("composegan paint model=faces")
    # the file opens again, and a file that is none is refused in words
    page.get_by_role("link", name="Pictures").click()
    page.locator("input[type=file]").set_input_files(found["document"])
    expect(page.locator(".stack")).to_contain_text("Hat")
    page.get_by_role("link", name="Pictures").click()
    wrong = tmp_path / "wrong.composegan"
    wrong.write_text("no document")
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.locator("#status.wrong")).to_contain_text("This file")


def test_reload_and_restart_find_the_picture(opened, faces, number, address):
    page = opened
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    page.get_by_label("Colour #2a9d8f").click()
    expect(page.locator("#undo")).to_be_enabled()
    changed = pixels_of(page)
    page.reload()
    expect(page.locator("#undo")).to_be_enabled()
    returns(page, changed)
    page.goto("about:blank")
    page.goto(address)
    page.get_by_label("Continue: 1 change").click()
    expect(page.locator("#undo")).to_be_enabled()
    returns(page, changed)
    page.goto(f"{address}/#layers/{'x' * 22}")
    expect(page.locator("#status.wrong")).to_contain_text("no longer here")
    expect(page.locator(".wall")).to_be_visible()


def test_tabs_have_pictures_of_their_own(new_page, address, faces, number):
    pages = [new_page(), new_page()]
    for page in pages:
        open_picture(page, address, number)
    pages[0].mouse.click(*at(pages[0], inside(faces, number, "hair")))
    pages[0].get_by_label("Colour #2a9d8f").click()
    expect(pages[0].locator("#undo")).to_be_enabled()
    pages[1].reload()
    expect(pages[1].locator(".stack .layer img").first).to_be_visible()
    expect(pages[1].locator("#undo")).to_be_disabled()


def test_everything_works_by_keyboard(new_page, address):
    page = new_page()
    page.goto(address)
    expect(page.locator(".wall .card").nth(3)).to_be_visible()
    focus(page, "Begin with picture 2")
    page.keyboard.press("Enter")
    expect(page.locator(".stack .layer img").first).to_be_visible()
    start = pixels_of(page)
    page.locator("body").press("Tab")
    while not page.evaluate("() => document.activeElement.matches('.layer')"):
        page.keyboard.press("Tab")
    while page.evaluate("() => document.activeElement.dataset.name") != "hair":
        page.keyboard.press("ArrowDown")
    expect(page.locator(".tools h2")).to_have_text("Hair")
    focus(page, "The picture. Click on a part to choose it; arrow keys move it.")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
    expect(page.locator("#undo")).to_be_enabled()
    changes(page, start)
    page.keyboard.press("Control+z")
    expect(page.locator("#undo")).to_be_disabled()  # three presses are one step
    returns(page, start)
    focus(page, "Take from picture 3")
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_be_enabled()
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"


def focus(page, label):
    """Press Tab until the element with this name has the focus."""
    for _ in range(200):
        if page.evaluate("() => document.activeElement.getAttribute('aria-label')") == label:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{label} is not reached by Tab")


SAVED = {
    "psd": "Layers for Photoshop: save",
    "mask": "Label map: save",
    "document": "File to continue with: save",
    "film": "Film: save",
}
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(":disabled, .off, noscript, option")) continue;
    let behind = element;
    const style = (item) => getComputedStyle(item);
    while (behind && !style(behind).backgroundColor.startsWith("rgb(")) behind = behind.parentElement;
    const ground = style(behind ?? document.body).backgroundColor;
    const two = [light(parse(style(element).color)), light(parse(ground))].sort((a, b) => b - a);
    const ratio = (two[0] + 0.05) / (two[1] + 0.05);
    if (ratio < 4.5) found.push(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(new_page, address, faces, number, scheme):
    page = new_page(color_scheme=scheme)
    open_picture(page, address, number)
    page.mouse.click(*at(page, inside(faces, number, "hair")))
    expect(page.locator(".donor").first).to_be_visible()
    shoot(page, f"layers-{scheme}")
    for screen in ("Layers", "Paint", "Export", "Pictures"):
        page.get_by_role("link", name=screen).click()
        expect(page.locator('[aria-current="page"]')).to_have_text(screen)
        assert page.evaluate(CONTRAST) == [], screen


@pytest.mark.parametrize("screen", ["Pictures", "Layers", "Paint", "Export"])
def test_phone_has_everything_in_its_width(new_page, address, number, screen):
    page = new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(address)
    expect(page.locator(".wall .card").nth(8)).to_be_visible()
    if screen != "Pictures":
        page.get_by_label(f"Begin with picture {number}", exact=True).tap()
        expect(page.locator(".stack .layer img").first).to_be_visible()
        page.get_by_role("link", name=screen).tap()
        expect(page.locator("canvas.main")).to_be_visible()
        box = page.locator(".frame").bounding_box()
        assert box["width"] > 340
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    if screen == "Layers":
        expect(page.locator(".donor").nth(4)).to_be_visible()
    shoot(page, f"phone-{screen.lower()}")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    for button in page.locator("button:visible").all()[:60]:
        found = button.bounding_box()
        assert found["x"] >= 0 and found["x"] + found["width"] <= PHONE["width"] + 1, button.get_attribute("aria-label")
