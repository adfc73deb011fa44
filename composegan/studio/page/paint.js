// The screen on which parts are painted. The picture follows while painting.

import { choice, h, say, slider } from "./dom.js";
import { apply, paintFile, preview, revert } from "./editing.js";
import { PictureView } from "./picture.js";
import { memory, on, store, titleOf } from "./store.js";
import { OPEN, base64, behind, line, region } from "./strokes.js";

const TOOLS = [["brush", "Brush"], ["eraser", "Eraser"], ["fill", "Fill"]];

export function paintScreen(root) {
  const view = new PictureView({ label: "The picture. Paint on it with the pointer.", outlines: false });
  const map = h("canvas", { class: "label-map" });
  view.frame.append(map);
  const ring = h("span", { class: "ring", hidden: true });
  view.frame.append(ring);
  let tool = "brush", radius = memory.get("radius", Math.max(1.5, store.about.width / 24)), stroke = null;
  let chosen = store.selected[0] ?? memory.get("painted", store.about.classes[Math.min(7, store.about.classes.length - 1)].name);
  if (!store.about.classes.some((item) => item.name === chosen)) chosen = store.about.classes.at(-1).name;

  const classes = h("div", { class: "palette", role: "radiogroup", "aria-label": "What to paint" });
  const files = h("input", { type: "file", accept: "image/png", hidden: true, onchange: () => files.files[0] && paintFile(files.files[0]).then(() => { files.value = ""; }) });
  const showMap = h("input", { type: "checkbox", onchange: () => drawMap() });
  root.className = "paint-screen";
  root.append(
    h("div", { class: "center" }, view.element),
    h("section", { class: "panel" }, h("h2", {}, "Paint"),
      choice("Tool", TOOLS, tool, (value) => { tool = value; cursor(); }),
      slider("Size of the brush", { min: 0.5, max: store.about.width / 5, step: 0.5, value: radius, format: (x) => `${Math.round(2 * x)} px`,
        oninput: (x) => { radius = x; memory.set("radius", x); } }),
      h("h3", {}, "What to paint"), classes,
      h("p", { class: "hint" }, "The eraser wipes away what you have chosen; what is beside it grows into the gap."),
      h("label", { class: "check" }, showMap, "Show the parts in colours"),
      h("h3", {}, "Label map"),
      h("p", { class: "hint" }, "A PNG with a colour for each part, to paint in another program. Save it under Export."),
      h("button", { type: "button", onclick: () => files.click() }, "Load a label map …"), files));
  palette();
  cursor();
  const ends = [on("shown", drawMap), on("changed", palette)];
  view.element.addEventListener("drawn", drawMap);

  function palette() {
    const focused = classes.contains(document.activeElement);
    classes.replaceChildren(...store.about.classes.map((item, index) => {
      const spot = h("span", { class: "spot" });
      spot.style.background = item.color;
      const on_ = item.name === chosen;
      return h("button", { type: "button", role: "radio", "aria-checked": String(on_), tabindex: on_ ? "0" : "-1", disabled: store.now.locked[index],
        onclick: () => pick(item.name), onkeydown: move }, spot, item.title);
    }));
    if (focused) classes.querySelector('[aria-checked="true"]')?.focus();
  }
  function pick(name) {
    chosen = name;
    memory.set("painted", name);
    palette();
  }
  function move(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = store.about.classes, at = all.findIndex((item) => item.name === chosen);
    classes.children[(at + step + all.length) % all.length].focus();
    pick(all[(at + step + all.length) % all.length].name);
  }
  function cursor() {
    view.frame.classList.toggle("filling", tool === "fill");
  }

  const label = () => store.about.classes.findIndex((item) => item.name === chosen);
  const request = () => ({ paint: { labels: base64(stroke.mask) } });

  function extend(to) {
    const { width, height, labels } = store.now, from = stroke.last ?? to;
    stroke.last = to;
    const pixels = new Set(line(width, height, from, to, radius));
    if (tool === "eraser") {
      pixels.forEach((index) => stroke.pixels.add(index));
      for (const [index, value] of behind(labels, width, height, stroke.pixels, label())) stroke.mask[index] = value;
    } else for (const index of pixels) stroke.mask[index] = label();
  }

  view.frame.addEventListener("pointerdown", (event) => {
    if (event.button || !view.partAt(event)) return;
    const { width, height, labels } = store.now, at = view.at(event);
    stroke = { mask: new Uint8Array(width * height).fill(OPEN), pixels: new Set(), last: null };
    if (tool === "fill") {
      for (const index of region(labels, width, height, Math.floor(at.x), Math.floor(at.y))) stroke.mask[index] = label();
      finish();
      return;
    }
    view.frame.setPointerCapture(event.pointerId);
    extend(at);
    drawMap();
    if (stroke.mask.some((value) => value !== OPEN)) preview(request());
  });
  view.frame.addEventListener("pointermove", (event) => {
    follow(event);
    if (!stroke) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) extend(view.at(part));
    drawMap();
    if (stroke.mask.some((value) => value !== OPEN)) preview(request());
  });
  view.frame.addEventListener("pointerup", () => stroke && finish());
  view.frame.addEventListener("pointercancel", () => { stroke = null; revert(); });
  view.frame.addEventListener("pointerleave", () => { ring.hidden = true; });

  function follow(event) {
    ring.hidden = tool === "fill" || event.pointerType === "touch";
    const { x, y } = view.at(event), size = 2 * radius * view.scale;
    Object.assign(ring.style, { left: `${x * view.scale}px`, top: `${y * view.scale}px`, width: `${size}px`, height: `${size}px` });
  }

  async function finish() {
    const painted = stroke.mask.some((value, index) => value !== OPEN && value !== store.now.labels[index]);
    if (painted) await apply(request(), false, true);
    else {
      say(tool === "eraser" ? `There is no ${titleOf(chosen).toLowerCase()} here.` : `${titleOf(chosen)} is here already.`);
      revert();
    }
    stroke = null;
    drawMap();
  }

  /** The parts in their colours, if wanted, and the stroke until the picture has followed. */
  function drawMap() {
    const made = store.shown;
    if (!made) return;
    [map.width, map.height] = [made.width, made.height];
    if (!showMap.checked) return;
    const pixels = new ImageData(made.width, made.height);
    made.labels.forEach((value, index) => {
      const own = stroke && stroke.mask[index] !== OPEN ? stroke.mask[index] : value;
      const color = parseInt(store.about.classes[own].color.slice(1), 16);
      pixels.data.set([color >> 16, (color >> 8) & 255, color & 255, 190], 4 * index);
    });
    map.getContext("2d").putImageData(pixels, 0, 0);
  }

  return () => {
    ends.forEach((end) => end());
    view.close();
  };
}
