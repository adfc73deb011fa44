// Selecting parts by clicking on the picture, and moving them by dragging or with the arrow keys.

import { apply, preview, revert } from "./editing.js";
import { say } from "./dom.js";
import { indexOf, select, store, titlesOf } from "./store.js";

const FAR = 5; // CSS pixels that a pointer may tremble in a click

/** The move that was made last, if it is of these parts and without a change of size. */
export function lastMove(names) {
  const move = store.now?.last?.move;
  return move && move.scale === undefined && String(move.classes) === String(names) ? move : null;
}

/** Move the selected parts by whole pixels; several moves after one another are one step. */
export function nudge(dx, dy) {
  const classes = store.selected;
  const request = () => {
    const before = lastMove(classes);
    return { move: { classes, dx: (before?.dx ?? 0) + dx, dy: (before?.dy ?? 0) + dy } };
  };
  return apply(request, () => Boolean(lastMove(classes)), true);
}

/** Give a picture view its gestures. */
export function movable(view) {
  const frame = view.frame;
  let from = null, dragged = null;

  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const name = view.partAt(event);
    if (!name) return;
    from = { ...view.at(event), clientX: event.clientX, clientY: event.clientY, name };
    dragged = null;
    frame.setPointerCapture(event.pointerId);
  });

  frame.addEventListener("pointermove", (event) => {
    if (!from) {
      if (event.pointerType === "mouse") view.hover(view.partAt(event), event);
      return;
    }
    const far = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > FAR;
    if (!dragged && (!far || !store.selected.includes(from.name))) return;
    if (!dragged && store.selected.some((name) => store.now.locked[indexOf(name)])) {
      say(`${titlesOf(store.selected)}: locked`, "wrong");
      from = null;
      return;
    }
    const now = view.at(event);
    const [dx, dy] = [Math.round(now.x - from.x), Math.round(now.y - from.y)];
    if (dragged && dragged.dx === dx && dragged.dy === dy) return;
    dragged = { dx, dy };
    view.hover(null);
    frame.classList.add("dragging");
    if (dx || dy) preview({ move: { classes: store.selected, dx, dy } });
    else revert();
  });

  const finish = (event) => {
    if (!from) return;
    const { name } = from, done = dragged;
    from = dragged = null;
    frame.classList.remove("dragging");
    if (done) {
      if (event.type === "pointerup" && (done.dx || done.dy)) apply({ move: { classes: store.selected, ...done } });
      else revert();
    } else if (event.type === "pointerup") {
      if (event.shiftKey || event.ctrlKey || event.metaKey) {
        const others = store.selected.filter((item) => item !== name);
        select(others.length < store.selected.length ? others : [...others, name]);
      } else select([name]);
    }
  };
  frame.addEventListener("pointerup", finish);
  frame.addEventListener("pointercancel", finish);
  frame.addEventListener("pointerleave", () => view.hover(null));

  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !store.selected.length || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const times = event.shiftKey ? 4 : 1;
    nudge(step[0] * times, step[1] * times);
  });
}
