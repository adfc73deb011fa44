// The random pictures of the model, fetched in groups as they are needed.

import { getJson } from "./api.js";
import { store } from "./store.js";

const groups = new Map();
const seen = new Map(); // class -> in how many fetched pictures it is shown
let counted = 0;

/** A group of pictures: [{number, image, shows}]. */
export function group(number) {
  if (!groups.has(number)) {
    const asked = getJson(`/api/wall/${number}`);
    groups.set(number, asked);
    asked.then((pictures) => {
      counted += pictures.length;
      for (const picture of pictures) for (const name of picture.shows) seen.set(name, (seen.get(name) ?? 0) + 1);
    }, () => groups.delete(number));
  }
  return groups.get(number);
}

/** One picture. */
export async function pictureNumber(number) {
  const size = store.about.group;
  return (await group(Math.floor(number / size)))[number % size];
}

/** Whether so many pictures were fetched without a class that the model seems never to draw it. */
export const neverDrawn = (name) => counted >= 64 && !seen.get(name);

/** Pictures in order, those that `fits` only, at most `most`, looking at no more than `reach` groups from `first`. */
export async function* matching(fits, first = 0, reach = 40) {
  for (let number = first; number < first + reach; number++) {
    for (const picture of await group(number)) if (fits(picture)) yield { ...picture, group: number };
  }
}
