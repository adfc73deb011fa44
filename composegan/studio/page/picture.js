// The picture on the screen: drawn large, with outlines of parts, a comparison with the original, and hit tests.

import { h } from "./dom.js";
import { indexOf, on, store, titleOf, titlesOf } from "./store.js";

/** Keep a canvas as sharp as the screen. Returns the context, scaled to CSS pixels. */
function fit(canvas, width, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export class PictureView {
  /** label: for screen readers; outlines: whether parts are marked. */
  constructor({ label, outlines = true } = {}) {
    this.outlines = outlines;
    this.small = document.createElement("canvas");
    this.main = h("canvas", { class: "main" });
    this.old = h("canvas", { class: "old", hidden: true });
    this.overlay = h("canvas", { class: "overlay" });
    this.chip = h("span", { class: "chip", hidden: true });
    this.bar = h("input", { type: "range", class: "wipe", min: "0", max: "100", value: "50", hidden: true,
      "aria-label": "Compare: original on the left", oninput: () => this.#wipe() });
    this.line = h("span", { class: "wipe-line", hidden: true });
    this.frame = h("div", { class: "frame", tabindex: "0", role: "application", "aria-label": label },
      this.main, this.old, this.overlay, this.line, this.chip);
    this.element = h("figure", { class: "picture" }, h("div", { class: "space" }, this.frame), this.bar);
    for (const kind of ["pointerdown", "pointermove"]) this.frame.addEventListener(kind, (event) => this.#drag(event));
    this.hovered = null;
    this.watching = new ResizeObserver(() => this.resize());
    this.watching.observe(this.element.firstChild);
    this.ends = [on("shown", () => this.draw()), on("selected", () => this.mark()), on("changed", () => this.mark())];
  }

  close() {
    this.watching.disconnect();
    this.ends.forEach((end) => end());
  }

  resize() {
    const made = store.shown, space = this.element.firstChild;
    if (!made) return;
    const scale = Math.min(space.clientWidth / made.width, space.clientHeight / made.height);
    this.scale = Math.max(1, scale);
    this.frame.style.width = `${made.width * this.scale}px`;
    this.frame.style.height = `${made.height * this.scale}px`;
    this.bar.style.width = this.frame.style.width;
    this.draw();
  }

  draw() {
    const made = store.shown;
    if (!made) return;
    if (!this.scale) this.resize();
    this.#paint(this.main, made);
    if (!this.old.hidden && store.original) this.#paint(this.old, store.original);
    this.mark();
    this.element.dispatchEvent(new CustomEvent("drawn", { detail: made }));
  }

  /** Enlarged smoothly: pictures are small, and their edges soft. */
  #paint(canvas, made) {
    const width = made.width * this.scale, height = made.height * this.scale;
    if (this.small.width !== made.width || this.small.height !== made.height) {
      this.small.width = made.width;
      this.small.height = made.height;
    }
    this.small.getContext("2d").putImageData(made.image, 0, 0);
    const context = fit(canvas, width, height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.small, 0, 0, width, height);
  }

  /** Outline the selected parts, and lightly the one under the pointer. */
  mark() {
    const made = store.shown;
    if (!made || !this.scale) return;
    const context = fit(this.overlay, made.width * this.scale, made.height * this.scale);
    context.clearRect(0, 0, made.width * this.scale, made.height * this.scale);
    if (!this.outlines) return;
    if (this.hovered && !store.selected.includes(this.hovered)) this.#outline(context, [this.hovered], false);
    if (store.selected.length) this.#outline(context, store.selected, true);
  }

  #outline(context, names, strong) {
    const { width, height, labels } = store.shown, scale = this.scale;
    const wanted = new Set(names.map(indexOf)), path = new Path2D();
    const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && wanted.has(labels[y * width + x]);
    for (let y = 0; y <= height; y++) {
      for (let x = 0; x <= width; x++) {
        const here = inside(x, y);
        if (here !== inside(x - 1, y) && y < height) {
          path.moveTo(x * scale, y * scale);
          path.lineTo(x * scale, (y + 1) * scale);
        }
        if (here !== inside(x, y - 1) && x < width) {
          path.moveTo(x * scale, y * scale);
          path.lineTo((x + 1) * scale, y * scale);
        }
      }
    }
    context.lineCap = "round";
    context.lineWidth = strong ? 3.5 : 2.5;
    context.strokeStyle = strong ? "rgba(20, 20, 30, .55)" : "rgba(20, 20, 30, .25)";
    context.stroke(path);
    context.lineWidth = strong ? 1.75 : 1;
    context.strokeStyle = strong ? "#fff" : "rgba(255, 255, 255, .85)";
    context.stroke(path);
  }

  /** The pixel under a pointer: {x, y} in pixels of the model's picture, with fractions. */
  at(event) {
    const box = this.frame.getBoundingClientRect();
    return { x: (event.clientX - box.left) / this.scale, y: (event.clientY - box.top) / this.scale };
  }

  /** The name of the part under a pointer, or null outside the picture. */
  partAt(event) {
    const { x, y } = this.at(event), { width, height, labels } = store.now;
    const column = Math.floor(x), row = Math.floor(y);
    if (column < 0 || row < 0 || column >= width || row >= height) return null;
    return store.about.classes[labels[row * width + column]].name;
  }

  /** Name the part under the pointer. name: null for none. */
  hover(name, event) {
    if (event && name) {
      const box = this.frame.getBoundingClientRect();
      this.chip.style.left = `${event.clientX - box.left}px`;
      this.chip.style.top = `${event.clientY - box.top}px`;
      this.chip.textContent = store.selected.includes(name) ? `${titlesOf(store.selected)} · drag to move` : titleOf(name);
    }
    this.chip.hidden = !name;
    if (this.hovered === name) return;
    this.hovered = name;
    this.mark();
  }

  /** Show the original while `held`. */
  before(held) {
    if (!store.original) return;
    this.old.hidden = !held && this.bar.hidden;
    this.old.style.clipPath = held ? "none" : "";
    this.overlay.hidden = held;
    if (held) this.#paint(this.old, store.original);
    else this.#wipe();
  }

  /** Show or hide the bar that compares with the original. */
  compare(shown) {
    this.bar.hidden = this.line.hidden = this.old.hidden = !shown || !store.original;
    this.overlay.hidden = shown;
    this.frame.classList.toggle("comparing", shown);
    if (shown && store.original) this.#paint(this.old, store.original);
    this.#wipe();
    if (shown) this.bar.focus();
  }

  /** While comparing, dragging on the picture moves the bar and nothing else. */
  #drag(event) {
    if (this.bar.hidden) return;
    event.stopImmediatePropagation();
    if (!event.buttons) return;
    this.bar.value = String((100 * this.at(event).x) / store.shown.width);
    this.#wipe();
  }

  #wipe() {
    if (this.bar.hidden) return;
    const place = Number(this.bar.value);
    this.old.style.clipPath = `inset(0 ${100 - place}% 0 0)`;
    this.line.style.left = `${place}%`;
  }
}
