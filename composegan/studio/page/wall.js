// The screen with all pictures of the model, to choose one to begin with.

import { h, iconButton, say } from "./dom.js";
import { begin, beginWith } from "./editing.js";
import { group, pictureNumber } from "./pictures.js";
import { memory, store, titleOf } from "./store.js";

const LAST = 1000; // groups

export function wallScreen(root, go) {
  const grid = h("div", { class: "wall" });
  const end = h("div", { class: "wall-end" }, "Drawing more pictures …");
  let wanted = "", next = 0, closed = false, busy = false;

  const filter = h("select", { "aria-label": "Which pictures", onchange: () => { wanted = filter.value; restart(); } },
    h("option", { value: "" }, "All pictures"), h("option", { value: "*favourites" }, "Favourites"),
    ...store.about.classes.filter((item) => !item.fixed).map((item) => h("option", { value: item.name }, `With ${titleOf(item.name).toLowerCase()}`)));
  const file = h("input", { type: "file", accept: ".composegan", hidden: true, onchange: () => openFile(file.files[0]) });
  const recent = memory.get("recent", []);
  root.className = "wall-screen";
  root.append(
    h("div", { class: "wall-head" },
      h("div", {}, h("h1", {}, "Choose a picture"),
        h("p", { class: "hint" }, "The model makes them up as you scroll. Then change the hair, the colours, the shape of any part.")),
      h("div", { class: "row" }, filter, h("button", { type: "button", onclick: () => file.click() }, "Open a file …"), file)),
    recent.length ? h("section", { "aria-label": "Recent pictures" }, h("h2", {}, "Continue"),
      h("div", { class: "recent" }, recent.map(recentCard))) : "",
    recent.length ? h("h2", {}, "New") : "", grid, end);

  const watching = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && fill(),
    { rootMargin: "600px" });
  watching.observe(end);

  function restart() {
    grid.replaceChildren();
    next = 0;
    if (wanted === "*favourites") favourites();
    else fill();
  }

  async function fill() {
    if (busy || wanted === "*favourites") return;
    busy = true;
    const asked = wanted;
    try {
      // until the end of the list is out of sight again
      while (!closed && asked === wanted && next < LAST && end.getBoundingClientRect().top < innerHeight + 600) {
        for (const picture of await group(next++)) {
          if (asked === wanted && (!wanted || picture.shows.includes(wanted))) grid.append(card(picture));
        }
        if (asked && next >= 40 && !grid.children.length) {
          end.textContent = `None of the first ${next * store.about.group} pictures has this part.`;
          break;
        }
      }
    } catch (error) {
      say(error.message, "wrong");
    }
    busy = false;
    if (asked !== wanted) fill();
  }

  async function favourites() {
    const names = memory.get("favourites", {});
    end.textContent = Object.keys(names).length ? "" : "Mark pictures with the star to find them here.";
    for (const number of Object.keys(names).map(Number)) grid.append(card(await pictureNumber(number), names[number]));
  }

  async function start(number) {
    try {
      go(`layers/${await begin(number)}`);
    } catch (error) {
      say(error.message, "wrong");
    }
  }

  async function openFile(chosen) {
    if (!chosen) return;
    try {
      go(`layers/${await beginWith(chosen)}`);
    } catch (error) {
      say(error.message, "wrong");
    }
    file.value = "";
  }

  function card({ number, image }, name) {
    const starred = () => number in memory.get("favourites", {});
    const star = iconButton("star", `Favourite: picture ${number}`, () => {
      const all = memory.get("favourites", {});
      if (number in all) delete all[number];
      else all[number] = "";
      memory.set("favourites", all);
      star.setAttribute("aria-pressed", String(number in all));
    }, { "aria-pressed": String(starred()) });
    const caption = name === undefined ? h("span", {}, String(number)) : h("input", { type: "text", value: name,
      placeholder: `Picture ${number}`, "aria-label": `Name of picture ${number}`, maxlength: "40",
      onchange: (event) => memory.set("favourites", { ...memory.get("favourites", {}), [number]: event.target.value }) });
    return h("div", { class: "card" },
      h("button", { type: "button", class: "card-picture", "aria-label": `Begin with picture ${number}`, onclick: () => start(number) },
        h("img", { src: image, alt: "" })), h("div", { class: "caption" }, caption, star));
  }

  function recentCard({ key, image, steps }) {
    const text = steps === 1 ? "1 change" : `${steps} changes`;
    return h("a", { class: "card", href: `#layers/${key}`, "aria-label": `Continue: ${text}` },
      h("span", { class: "card-picture" }, h("img", { src: image, alt: "" })), h("div", { class: "caption" }, h("span", {}, text)));
  }

  return () => {
    closed = true;
    watching.disconnect();
  };
}
