// Small helpers to build the page.

/** An element: h("button", {class: "plain", onclick: f}, "text", child). Properties that are false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  lock: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
  unlock: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 6.8-1.2",
  undo: "M8 5 3.5 9.5 8 14M4 9.5h10a5.5 5.5 0 0 1 0 11H9",
  redo: "M16 5l4.5 4.5L16 14M20 9.5H10a5.5 5.5 0 0 0 0 11h5",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z",
  plus: "M12 5v14M5 12h14",
  dice: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  compare: "M12 3v18M4 6h5v12H4M20 6h-5v12h5",
  before: "M12 4a8 8 0 1 1-7.500 5M4 4.500V9h4.500M12 8v4.500l3 2",
  download: "M12 4v11M7.500 11 12 15.500 16.500 11M4.500 20h15",
};

/** An icon by name, as SVG that takes the colour of its text. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon; its label is read aloud and shown as a hint. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props }, icon(name));
}

/** Buttons of which one is chosen. choices: [[value, label], ...]. */
export function choice(label, choices, chosen, onchange) {
  const buttons = choices.map(([value, text]) =>
    h("button", {
      type: "button", role: "radio", "aria-checked": String(value === chosen), "data-value": value,
      tabindex: value === chosen ? "0" : "-1", onclick: () => choose(value),
    }, text),
  );
  const group = h("div", { class: "choice", role: "radiogroup", "aria-label": label, onkeydown: move }, buttons);
  function choose(value) {
    for (const button of buttons) {
      const on = button.dataset.value === value;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    onchange(value);
  }
  function move(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value);
    event.preventDefault();
    event.stopPropagation();
  }
  return group;
}

/** A slider with its name and value. format: the value as text. */
export function slider(label, { min, max, step, value, format, oninput, onchange }) {
  const shown = h("output", {}, format(value));
  const input = h("input", {
    type: "range", min: String(min), max: String(max), step: String(step), value: String(value), "aria-label": label,
    oninput: () => { shown.textContent = format(Number(input.value)); oninput?.(Number(input.value)); },
    onchange: () => onchange?.(Number(input.value)),
  });
  return h("label", { class: "slider" }, h("span", {}, label), shown, input);
}

let timer = 0;
/** Say something at the bottom of the page for some seconds. kind: "" or "wrong". */
export function say(text, kind = "") {
  const status = document.getElementById("status");
  status.textContent = text;
  status.className = kind;
  clearTimeout(timer);
  timer = setTimeout(() => { status.textContent = ""; status.className = ""; }, 2500 + 60 * text.length);
}
