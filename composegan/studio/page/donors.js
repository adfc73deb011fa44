// Other pictures whose parts can be taken over.

import { h } from "./dom.js";
import { apply, preview, revert } from "./editing.js";
import { matching, pictureNumber } from "./pictures.js";
import { memory, select, store, titlesOf } from "./store.js";

const MORE = 12; // pictures that are shown at once
const TYPE = "application/x-composegan-picture";

export const copyRequest = (classes, part, picture) => ({
  edit: { classes, part, method: "copy", other: { seed: 0, picture } },
});

/** Properties of an element on which a picture can be dropped to give the part `name`. */
export function dropDonor(name) {
  const wanted = (event) => event.dataTransfer.types.includes(TYPE);
  return {
    ondragover: (event) => {
      if (!wanted(event)) return;
      event.preventDefault();
      event.currentTarget.classList.add("drop");
    },
    ondragleave: (event) => event.currentTarget.classList.remove("drop"),
    ondrop: (event) => {
      event.currentTarget.classList.remove("drop");
      if (!wanted(event)) return;
      event.preventDefault();
      const number = Number(event.dataTransfer.getData(TYPE));
      select([name]);
      apply(copyRequest([name], memory.get("part", "both"), number));
    },
  };
}

/** A grid of pictures that show all of the parts `classes`; part(): which codes are taken. */
export function donorGrid(classes, part) {
  const grid = h("div", { class: "donors" });
  const more = h("button", { type: "button", class: "quiet", onclick: fill }, "More pictures");
  const element = h("div", {}, grid, more);
  const fits = (picture) => classes.every((name) => picture.shows.includes(name));
  const favourites = Object.keys(memory.get("favourites", {})).map(Number);
  let source = null, closed = false;

  async function* all() {
    for (const number of favourites) {
      const picture = await pictureNumber(number).catch(() => null);
      if (picture && fits(picture)) yield picture;
    }
    for await (const picture of matching(fits)) if (!favourites.includes(picture.number)) yield picture;
  }

  async function fill() {
    more.disabled = true;
    source ??= all();
    for (let count = 0; count < MORE; count++) {
      const { value, done } = await source.next().catch(() => ({ done: true }));
      if (closed) return;
      if (done) {
        more.hidden = true;
        break;
      }
      grid.append(donor(value));
    }
    more.disabled = false;
    if (!grid.children.length) grid.append(h("p", { class: "hint" }, `No picture with ${titlesOf(classes).toLowerCase()} was found: this model hardly ever draws it.`));
  }

  function donor({ number, image }) {
    const request = () => copyRequest(classes, part(), number);
    let waiting = 0;
    return h("button", { type: "button", class: "donor", draggable: "true", title: `Picture ${number}`,
      "aria-label": `Take from picture ${number}`,
      onclick: () => { clearTimeout(waiting); apply(request()); },
      onpointerenter: (event) => {
        if (event.pointerType === "mouse") waiting = setTimeout(() => preview(request()), 90);
      },
      onpointerleave: () => { clearTimeout(waiting); revert(); },
      ondragstart: (event) => {
        clearTimeout(waiting);
        revert();
        event.dataTransfer.setData(TYPE, String(number));
        event.dataTransfer.effectAllowed = "copy";
      } }, h("img", { src: image, alt: "", draggable: "false" }));
  }

  fill();
  return { element, close: () => { closed = true; revert(); } };
}
