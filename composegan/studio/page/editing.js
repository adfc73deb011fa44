// Changing the picture: previews while a control moves, requests when it rests, undo and redo.

import { Latest, getJson, getPicture, picture, post, upload } from "./api.js";
import { say } from "./dom.js";
import { areasOf, emit, indexOf, memory, store, titleOf } from "./store.js";

const path = (rest = "") => `/api/picture/${store.key}${rest}`;
let turn = Date.now();
let resting = 0;

const previews = new Latest(async (request, instead) => {
  const made = await picture(await post(path("/preview"), { request, instead, turn: ++turn }));
  return () => made && show(made);
});
previews.onerror = (error) => error.status !== 400 && say(error.message, "wrong");

function show(made) {
  store.shown = made;
  emit("shown");
}

function accept(made) {
  previews.drop();
  store.now = made;
  show(made);
  emit("changed");
  remember();
  clearTimeout(resting);
  resting = setTimeout(loadStack, 500);
}

/** Open the session of a key. Throws if it is gone. */
export async function open(key) {
  if (store.key === key && store.now) return;
  const before = store.key;
  store.key = key;
  try {
    const made = await getPicture(path());
    Object.assign(store, { original: null, selected: [], stack: [] });
    accept(made);
  } catch (error) {
    store.key = before;
    throw error;
  }
  clearTimeout(resting);
  loadStack();
  store.original = await getPicture(path("/original"));
}

/** Begin with a picture of the wall; returns the key of the new session. */
export async function begin(number) {
  return (await (await post("/api/begin", { picture: number })).json()).key;
}

/** Begin with a document. */
export async function beginWith(file) {
  return (await (await upload("/api/open", file)).json()).key;
}

/** Show what a request would do. instead: of the last one. */
export function preview(request, instead = false) {
  previews.ask(request, instead);
}

/** Show the picture as it is again. */
export function revert() {
  previews.drop();
  if (store.shown !== store.now) show(store.now);
}

let queue = Promise.resolve();

/** Run changes one after another. */
function inTurn(work) {
  const done = queue.then(work);
  queue = done.catch(() => {});
  return done;
}

/**
 * Apply a request; returns whether that worked. request, instead: values, or functions that are called when it is this
 * request's turn, for those that depend on the last one. quiet: say nothing if no pixel changes.
 */
export function apply(request, instead = false, quiet = false) {
  previews.drop();
  const now = (value) => (typeof value === "function" ? value() : value);
  return inTurn(async () => {
    const before = store.now, replaced = now(instead);
    try {
      accept(await picture(await post(path("/do"), { request: now(request), instead: replaced })));
    } catch (error) {
      show(store.now);
      say(error.message, "wrong");
      return false;
    }
    const same = !replaced && before.image.data.every((value, at) => value === store.now.image.data[at]);
    if (same && !quiet) say("Nothing changed in the picture.");
    return true;
  });
}

function change(rest, content) {
  return inTurn(async () => {
    try {
      accept(await picture(await post(path(rest), content)));
    } catch (error) {
      say(error.message, "wrong");
    }
  });
}

/** Go back (below 0) or forward by so many steps. */
export function step(steps) {
  return inTurn(async () => {
    const what = steps < 0 ? store.now?.history.at(-1) : store.now?.next;
    if (!what) return;
    try {
      accept(await picture(await post(path("/step"), { steps })));
      say(steps < 0 ? `Undone: ${what}` : `Done again: ${what}`);
    } catch (error) {
      say(error.message, "wrong");
    }
  });
}

export const lock = (name, locked) => change("/lock", { class: name, locked });

/** Take a class out of the picture, or put it in. */
export async function setPresent(name, present) {
  const done = await apply({ edit: { classes: [name], method: present ? "add" : "remove" } }, false, true);
  if (!done) return;
  const seen = areasOf(store.now)[indexOf(name)];
  if (present && !seen) say(`${titleOf(name)} is there, but other parts cover it. Try another shape.`);
  if (!present && seen) say(`This model draws ${titleOf(name).toLowerCase()} in every picture.`);
}

/** Paint the label map in a file. */
export async function paintFile(file) {
  try {
    accept(await picture(await upload(path("/mask"), file)));
    say("The label map is painted.");
  } catch (error) {
    say(error.message, "wrong");
  }
}

export const script = () => getJson(path("/script"));
export const exportPath = (kind, scale = 1) => path(`/export/${kind}?scale=${scale}`);

/** Fetch the layers once no gesture is going on. */
async function loadStack() {
  const key = store.key, of = store.now;
  try {
    const stack = await getJson(path("/layers"));
    if (store.key !== key || store.now !== of) return;
    store.stack = stack;
    emit("stack");
  } catch (error) {
    say(error.message, "wrong");
  }
}

/** Keep the picture among the recent ones of this browser. */
function remember() {
  const canvas = document.createElement("canvas");
  canvas.width = store.now.width;
  canvas.height = store.now.height;
  canvas.getContext("2d").putImageData(store.now.image, 0, 0);
  const small = document.createElement("canvas");
  const scale = Math.min(1, 96 / Math.max(canvas.width, canvas.height));
  small.width = Math.round(canvas.width * scale);
  small.height = Math.round(canvas.height * scale);
  small.getContext("2d").drawImage(canvas, 0, 0, small.width, small.height);
  const others = memory.get("recent", []).filter((item) => item.key !== store.key);
  const own = { key: store.key, image: small.toDataURL("image/png"), steps: store.now.history.length };
  memory.set("recent", [own, ...others].slice(0, 12));
}
