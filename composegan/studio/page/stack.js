// The stack of layers: from front to back, as the picture is put together, and below it what the picture lacks.

import { h, iconButton } from "./dom.js";
import { lock, setPresent } from "./editing.js";
import { dropDonor } from "./donors.js";
import { areasOf, indexOf, on, select, store, titleOf } from "./store.js";
import { neverDrawn } from "./pictures.js";

export function stackPanel() {
  const list = h("ul", { class: "stack", role: "listbox", "aria-label": "Layers, from front to back",
    "aria-multiselectable": "true", onkeydown: move });
  const missing = h("div", { class: "missing" });
  const element = h("section", { class: "panel stack-panel" }, h("h2", {}, "Layers"), list, missing);
  const ends = [on("changed", draw), on("stack", draw), on("selected", mark)];
  draw();

  function draw() {
    if (!store.now) return;
    const focused = document.activeElement?.closest?.(".layer")?.dataset.name;
    const areas = areasOf(store.now), present = (name) => store.now.present[indexOf(name)];
    const known = store.stack.map((item) => item.name);
    const others = store.about.classes.map((item) => item.name).filter((name) => !known.includes(name));
    const names = [...known, ...others].reverse().filter(present);
    list.replaceChildren(...names.map((name) => row(name, areas[indexOf(name)])));
    mark();
    const absent = store.about.classes.map((item) => item.name).filter((name) => !present(name));
    missing.replaceChildren(...(absent.length ? [h("h3", {}, "Not in this picture"), ...absent.map(absentRow)] : []));
    if (focused) list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  }

  function row(name, area) {
    const item = store.about.classes[indexOf(name)], locked = store.now.locked[indexOf(name)];
    const image = store.stack.find((layer) => layer.name === name)?.image;
    const hidden = !area, share = (100 * area) / store.now.labels.length;
    return h("li", { class: `layer${hidden ? " covered" : ""}`, role: "option", tabindex: "-1", "data-name": name,
      onclick: (event) => choose(name, event), ...dropDonor(name) },
      image ? h("img", { src: image, alt: "", draggable: "false" }) : h("span", { class: "empty" }),
      h("span", { class: "name" }, item.title,
        h("small", {}, hidden ? "covered by other parts" : share < 1 ? "under 1 %" : `${Math.round(share)} %`)),
      h("span", { class: "layer-buttons" },
        iconButton(locked ? "lock" : "unlock", locked ? `Unlock ${item.title}` : `Lock ${item.title}`, (event) => {
          event.stopPropagation();
          lock(name, !locked);
        }, { "aria-pressed": String(locked), tabindex: "-1" }),
        iconButton("eye", `Take ${item.title} out`, (event) => {
          event.stopPropagation();
          setPresent(name, false);
        }, { disabled: item.fixed || locked, tabindex: "-1" })));
  }

  function absentRow(name) {
    const never = neverDrawn(name);
    return h("div", { class: `layer absent${never ? " dead" : ""}`, "data-name": name },
      h("span", { class: "empty" }),
      h("span", { class: "name" }, titleOf(name), never && h("small", {}, "this model hardly ever draws it")),
      iconButton("plus", `Put ${titleOf(name)} in`, () => setPresent(name, true)));
  }

  function choose(name, event) {
    if (event.shiftKey || event.ctrlKey || event.metaKey) {
      const others = store.selected.filter((item) => item !== name);
      select(others.length < store.selected.length ? others : [...others, name]);
    } else select([name]);
  }

  function mark() {
    for (const item of list.children) {
      const chosen = store.selected.includes(item.dataset.name);
      item.setAttribute("aria-selected", String(chosen));
      item.tabIndex = -1;
      for (const button of item.querySelectorAll("button")) button.tabIndex = chosen ? 0 : -1;
    }
    const first = list.querySelector('[aria-selected="true"]') ?? list.firstChild;
    if (first) first.tabIndex = 0;
  }

  function move(event) {
    const current = event.target.closest(".layer");
    if (!current || event.target.closest("button")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const next = list.children[[...list.children].indexOf(current) + step];
      if (next) {
        select([next.dataset.name]);
        next.focus();
      }
    } else if (event.key === "Enter" || event.key === " ") choose(current.dataset.name, event);
    else if (event.key === "Delete") setPresent(current.dataset.name, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return { element, close: () => ends.forEach((end) => end()) };
}
