// What the page knows, and who wants to hear of changes.

/**
 * about: of the model; key: of the session; now: the picture with its state; shown: what is on the screen, a preview
 * or `now`; original: the picture that the session began with; selected: names of classes; stack: [{name, image}] from
 * back to front.
 */
export const store = { about: null, key: null, now: null, shown: null, original: null, selected: [], stack: [] };

const target = new EventTarget();

/** Calls `hear` for each event `name`; returns a function that ends this. */
export function on(name, hear) {
  const listener = (event) => hear(event.detail);
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}

export function emit(name, detail) {
  target.dispatchEvent(new CustomEvent(name, { detail }));
}

export const classNames = () => store.about.classes.map((item) => item.name);
export const indexOf = (name) => store.about.classes.findIndex((item) => item.name === name);
export const titleOf = (name) => store.about.classes[indexOf(name)]?.title ?? name;

/** "Hair", "Eye and eyebrow". */
export function titlesOf(names) {
  const titles = names.map((name, place) => (place ? titleOf(name).toLowerCase() : titleOf(name)));
  return titles.length < 2 ? titles.join("") : `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}

/** How many pixels of a picture show each class. */
export function areasOf(picture) {
  const areas = new Array(store.about.classes.length).fill(0);
  for (const label of picture.labels) areas[label]++;
  return areas;
}

export function select(names) {
  store.selected = names;
  emit("selected");
}

/** Settings and recent pictures, kept in this browser. */
export const memory = {
  get(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`composegan:${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`composegan:${name}`, JSON.stringify(value));
    } catch {
      // private windows have no storage
    }
  },
};
