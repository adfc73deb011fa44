// What can be done with the selected parts.

import { choice, h, icon, say, slider } from "./dom.js";
import { donorGrid } from "./donors.js";
import { apply, lock, preview, setPresent } from "./editing.js";
import { nudge } from "./move.js";
import { sliderField } from "./sliders.js";
import { indexOf, memory, on, store, titleOf, titlesOf } from "./store.js";

const PARTS = [["both", "Everything"], ["shape", "Shape"], ["texture", "Colours"]];

export function toolsPanel() {
  const element = h("section", { class: "panel tools" });
  let grid = null, shownFor = "", refresh = () => {};
  const ends = [on("selected", draw), on("changed", () => refreshOrDraw())];
  draw();

  function refreshOrDraw() {
    if (shownFor !== signature()) draw();
    else refresh();
  }

  /** What the panel depends on, apart from values. */
  function signature() {
    return JSON.stringify([store.key, store.selected, store.selected.map((name) =>
      [store.now?.present[indexOf(name)], store.now?.locked[indexOf(name)]])]);
  }

  function draw() {
    grid?.close();
    grid = null;
    refresh = () => {};
    shownFor = signature();
    const names = store.selected;
    if (!store.now || !names.length) {
      element.replaceChildren(h("h2", {}, "Change a part"),
        h("p", { class: "hint" }, "Click on the picture: on the hair, the background, the clothes …"),
        h("p", { class: "hint" }, "Hold Shift to choose several parts."));
      return;
    }
    const single = names.length === 1 ? names[0] : null;
    const heading = h("h2", {}, titlesOf(names));
    const locked = names.filter((name) => store.now.locked[indexOf(name)]);
    if (locked.length) {
      element.replaceChildren(heading, h("p", { class: "hint" }, `${titlesOf(locked)}: locked, so nothing changes here.`),
        h("button", { type: "button", onclick: () => locked.forEach((name) => lock(name, false)) }, "Unlock"));
      return;
    }
    if (single && !store.now.present[indexOf(single)]) {
      element.replaceChildren(heading, h("p", { class: "hint" }, `This picture has no ${titleOf(single).toLowerCase()}.`),
        h("button", { type: "button", class: "primary", onclick: () => setPresent(single, true) }, "Put it in"));
      return;
    }
    const strength = strengthSlider(names);
    const color = colorField(names);
    const size = sizeSlider(names);
    grid = donorGrid(names, () => memory.get("part", "both"));
    const sliders = single ? sliderField(single) : null;
    refresh = () => [strength, color, size, sliders].forEach((field) => field?.refresh());
    element.replaceChildren(...[
      heading,
      h("h3", {}, "Take from another picture"),
      choice("What to take", PARTS, memory.get("part", "both"), (part) => memory.set("part", part)),
      strength.element, grid.element,
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => resample(names) }, icon("dice"), "Surprise me")),
      h("h3", {}, "Colour"), color.element,
      sliders && h("h3", {}, "More or less"), sliders?.element,
      h("h3", {}, "Place and size"), size.element,
      h("p", { class: "hint" }, "Drag the part on the picture, or use the arrow keys."),
      h("div", { class: "row arrows" }, [["←", -1, 0, "left"], ["→", 1, 0, "right"], ["↑", 0, -1, "up"], ["↓", 0, 1, "down"]]
        .map(([text, dx, dy, where]) => h("button", { type: "button", "aria-label": `Move ${where}`, onclick: () => nudge(dx, dy) }, text))),
    ].filter(Boolean));
    refresh();
  }

  return { element, close: () => { grid?.close(); ends.forEach((end) => end()); } };
}

async function resample(classes) {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  const part = memory.get("part", "both");
  const done = await apply({ edit: { classes, part, method: "resample", seed } });
  if (done && part !== "both") say(`Another ${part === "shape" ? "shape" : "set of colours"} for ${titlesOf(classes).toLowerCase()}`);
}

/** The last request if it took these parts from another picture. */
function lastCopy(names) {
  const edit = store.now.last?.edit;
  const copied = edit?.other && String(edit.classes) === String(names);
  return copied ? edit : null;
}

function strengthSlider(names) {
  const request = (percent) => {
    const { classes, part, other } = lastCopy(names);
    return percent === 100
      ? { edit: { classes, part, method: "copy", other } }
      : { edit: { classes, part, method: "interpolate", amount: percent / 100, other } };
  };
  const element = h("div");
  function refresh() {
    const edit = lastCopy(names);
    const value = edit ? Math.round(100 * (edit.amount ?? 1)) : null;
    if (value === null) {
      element.replaceChildren();
      return;
    }
    if (element.contains(document.activeElement)) return;
    element.replaceChildren(slider("How much of it", { min: 0, max: 100, step: 5, value, format: (x) => `${x} %`,
      oninput: (x) => preview(request(x), true), onchange: (x) => apply(() => request(x), true, true) }));
  }
  return { element, refresh };
}

function sizeSlider(names) {
  const last = () => {
    const move = store.now.last?.move;
    return move?.scale !== undefined && String(move.classes) === String(names) ? move : null;
  };
  const request = (percent) => ({ move: { classes: names, scale: percent / 100 } });
  const element = h("div");
  function refresh() {
    if (element.contains(document.activeElement)) return;
    const value = Math.round(100 * (last()?.scale ?? 1));
    element.replaceChildren(slider("Size", { min: 50, max: 200, step: 5, value, format: (x) => `${x} %`,
      oninput: (x) => preview(request(x), Boolean(last())),
      onchange: (x) => apply(request(x), () => Boolean(last()), true) }));
  }
  return { element, refresh };
}

function colorField(names) {
  const input = h("input", { type: "color", "aria-label": `Colour of ${titlesOf(names)}`,
    oninput: () => preview(request(), Boolean(last())), onchange: () => apply(request(), () => Boolean(last()), true) });
  const last = () => {
    const recolor = store.now.last?.recolor;
    return recolor && String(recolor.classes) === String(names) ? recolor : null;
  };
  const request = () => ({ recolor: { classes: names, color: input.value } });
  const swatches = ["#1f1a17", "#5a3a22", "#b5552b", "#e0b56a", "#d8d4cc", "#c2415d", "#7a5bc7", "#2f6fb3", "#2a9d8f", "#5f8f3f"]
    .map((color) => {
      const button = h("button", { type: "button", class: "swatch", title: color, "aria-label": `Colour ${color}`,
        onclick: () => { input.value = color; apply(request(), () => Boolean(last()), true); } });
      button.style.background = color;
      return button;
    });
  const element = h("div", { class: "colors" }, h("label", { class: "color-now" }, input, "Any colour"), h("div", { class: "swatches" }, swatches));
  function refresh() {
    if (document.activeElement !== input) input.value = meanColor(names);
  }
  return { element, refresh };
}

/** The mean colour of the parts, as #rrggbb. */
function meanColor(names) {
  const wanted = new Set(names.map(indexOf)), sum = [0, 0, 0];
  const { labels, image } = store.now;
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    if (!wanted.has(labels[i])) continue;
    count++;
    for (let c = 0; c < 3; c++) sum[c] += image.data[4 * i + c];
  }
  return `#${sum.map((value) => Math.round(value / Math.max(1, count)).toString(16).padStart(2, "0")).join("")}`;
}
