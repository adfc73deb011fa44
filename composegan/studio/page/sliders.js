// Sliders in plain words, which the studio finds by looking at many pictures.

import { getJson } from "./api.js";
import { h, say, slider } from "./dom.js";
import { apply, preview } from "./editing.js";
import { store, titleOf } from "./store.js";

const known = new Map(); // name of a part -> its sliders

/** The sliders of one part, or the button that finds them. */
export function sliderField(name) {
  const element = h("div");
  let closed = false;

  function button() {
    const found = h("button", { type: "button", onclick: async () => {
      found.disabled = true;
      found.textContent = "Looking at many pictures …";
      try {
        known.set(name, await getJson(`/api/sliders/${encodeURIComponent(name)}`));
        if (!closed) refresh();
      } catch (error) {
        say(error.message, "wrong");
        if (!closed) element.replaceChildren(button());
      }
    } }, `Find sliders for the ${titleOf(name).toLowerCase()}`);
    return found;
  }

  function refresh() {
    if (element.contains(document.activeElement) && document.activeElement.type === "range") return;
    element.replaceChildren(...(known.get(name)?.map(control) ?? [button()]));
  }

  function control({ direction, title, reach, gain }) {
    const last = () => (store.now.last?.slide?.direction === direction ? store.now.last.slide : null);
    const request = (amount) => ({ slide: { direction, amount } });
    const words = (amount) => {
      const change = gain === null ? amount : 100 * gain * amount;
      return `${change >= 0 ? "+" : "−"}${gain === null ? Math.abs(change) : `${Math.round(Math.abs(change))} %`}`;
    };
    return slider(title, { min: -reach, max: reach, step: 0.25, value: last()?.amount ?? 0, format: words,
      oninput: (amount) => preview(request(amount), Boolean(last())),
      onchange: (amount) => apply(request(amount), () => Boolean(last()), true) });
  }

  return { element, refresh, close: () => { closed = true; } };
}
