// The page: screens by address (#layers/KEY), undo and redo, and keys that work everywhere.

import { getJson } from "./api.js";
import { h, iconButton, say } from "./dom.js";
import { open, step } from "./editing.js";
import { exportScreen } from "./export.js";
import { isText, layersScreen } from "./layers.js";
import { paintScreen } from "./paint.js";
import { on, store } from "./store.js";
import { wallScreen } from "./wall.js";

const SCREENS = { pictures: ["Pictures", wallScreen], layers: ["Layers", layersScreen], paint: ["Paint", paintScreen], export: ["Export", exportScreen] };
const go = (place) => { location.hash = place; };
const screen = document.getElementById("screen");
let close = () => {};
let current = 0;

async function route() {
  const number = ++current;
  const [name, key] = location.hash.slice(1).split("/");
  const wanted = name in SCREENS ? name : "pictures";
  if (wanted !== "pictures") {
    try {
      await open(key ?? "");
    } catch (error) {
      say(error.message, "wrong");
      if (number === current) go("pictures");
      return;
    }
  }
  if (number !== current) return;
  close();
  screen.replaceChildren();
  screen.dataset.screen = wanted;
  close = SCREENS[wanted][1](screen, go) ?? (() => {});
  tabs(wanted);
  document.title = `${SCREENS[wanted][0]} – composegan studio`;
  scrollTo(0, 0);
}

function tabs(chosen) {
  document.getElementById("tabs").replaceChildren(...Object.entries(SCREENS).map(([name, [title]]) => {
    const ready = name === "pictures" || store.key;
    const href = name === "pictures" ? "#pictures" : `#${name}/${store.key}`;
    return ready ? h("a", { href, "aria-current": name === chosen ? "page" : null }, title)
      : h("span", { class: "off", title: "Choose a picture first" }, title);
  }));
  steps(chosen);
}

function steps(chosen = screen.dataset.screen) {
  const bar = document.getElementById("steps");
  if (chosen === "pictures" || !store.now) {
    bar.replaceChildren();
    return;
  }
  const { history, next } = store.now;
  bar.replaceChildren(
    iconButton("undo", history.length ? `Undo: ${history.at(-1)}` : "Nothing to undo", () => step(-1), { disabled: !history.length, id: "undo" }),
    iconButton("redo", next ? `Redo: ${next}` : "Nothing to redo", () => step(1), { disabled: !next, id: "redo" }));
}

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || isText(event.target) || screen.dataset.screen === "pictures") return;
  const key = event.key.toLowerCase();
  if (key === "z" || key === "y") {
    event.preventDefault();
    step(key === "z" && !event.shiftKey ? -1 : 1);
  }
});

on("changed", () => steps());
addEventListener("hashchange", route);
try {
  store.about = await getJson("/api/about");
  document.documentElement.style.setProperty("--aspect", `${store.about.width} / ${store.about.height}`);
  await route();
} catch (error) {
  say(error.message, "wrong");
}
