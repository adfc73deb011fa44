// The screen on which the parts of a picture are changed.

import { h, icon } from "./dom.js";
import { movable } from "./move.js";
import { PictureView } from "./picture.js";
import { stackPanel } from "./stack.js";
import { toolsPanel } from "./tools.js";

export function layersScreen(root) {
  const view = new PictureView({ label: "The picture. Click on a part to choose it; arrow keys move it." });
  movable(view);
  const stack = stackPanel(), tools = toolsPanel();
  const hold = (held) => () => view.before(held);
  const before = h("button", { type: "button", class: "quiet", title: "Hold, or hold the key B", onpointerdown: hold(true),
    onpointerup: hold(false), onpointerleave: hold(false),
    onkeydown: (event) => event.key === " " && view.before(true), onkeyup: (event) => event.key === " " && view.before(false) },
    icon("before"), "Hold to see the original");
  const compare = h("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => {
    const shown = compare.getAttribute("aria-pressed") !== "true";
    compare.setAttribute("aria-pressed", String(shown));
    view.compare(shown);
  } }, icon("compare"), "Compare");
  const center = h("div", { class: "center" }, view.element, h("div", { class: "row under" }, before, compare));
  root.className = "layers-screen";
  root.append(stack.element, center, tools.element);

  const key = (event) => {
    if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.repeat || isText(event.target)) return;
    view.before(event.type === "keydown");
  };
  document.addEventListener("keydown", key);
  document.addEventListener("keyup", key);
  return () => {
    document.removeEventListener("keydown", key);
    document.removeEventListener("keyup", key);
    [view, stack, tools].forEach((part) => part.close());
  };
}

export const isText = (element) => element.matches?.("input[type=text], textarea, select");
