// The screen from which the picture is taken away.

import { h, icon, say } from "./dom.js";
import { exportPath, script } from "./editing.js";
import { PictureView } from "./picture.js";
import { on, store } from "./store.js";

const FILES = [
  ["psd", "Layers for Photoshop", "A PSD file. Every part is a layer, also where another one covers it."],
  ["ora", "Layers for Krita and GIMP", "An OpenRaster file with the same layers."],
  ["zip", "Everything", "The picture, the layers as PNGs, the label map, a table and the steps, in one ZIP."],
  ["mp4", "Film", "A loop from the first picture through your steps to this one, and back."],
  ["gif", "Moving picture", "The same film as a GIF."],
  ["mask", "Label map", "A PNG in which each part has a colour of its own. You can paint in it and load it again."],
  ["csv", "Table", "How much of the picture each part covers."],
  ["document", "File to continue with", "Opens here again with all steps, also on another computer with the same model."],
];

export function exportScreen(root) {
  const view = new PictureView({ label: "The picture", outlines: false });
  const { width, height } = store.now;
  const largest = Math.floor(4096 / Math.max(width, height));
  const scales = [1, 2, 4, 8, 16].filter((scale) => scale <= largest);
  const wanted = scales.find((scale) => scale * Math.min(width, height) >= 512) ?? scales.at(-1);
  const size = h("select", { "aria-label": "Size of the PNG" }, scales.map((scale) =>
    h("option", { value: String(scale), selected: scale === wanted }, `${width * scale} × ${height * scale}`)));
  const lines = h("pre", { tabindex: "0", "aria-label": "The steps as commands" });
  const copy = h("button", { type: "button", class: "quiet", onclick: () => navigator.clipboard.writeText(lines.textContent)
    .then(() => say("Copied."), () => say("The browser does not allow copying; select the text instead.", "wrong")) }, "Copy");
  let steps = { commands: "", python: "" }, language = "commands";
  const languages = h("select", { "aria-label": "Language", onchange: () => { language = languages.value; write(); } },
    h("option", { value: "commands" }, "Command line"), h("option", { value: "python" }, "Python"));
  const write = () => { lines.textContent = steps[language]; };
  const fetchSteps = () => script().then((found) => { steps = found; write(); }, (error) => say(error.message, "wrong"));

  root.className = "export-screen";
  root.append(
    h("div", { class: "center" }, view.element),
    h("section", { class: "panel export" }, h("h2", {}, "Take it away"),
      h("div", { class: "file" }, h("div", {}, h("b", {}, "Picture"), h("p", { class: "hint" }, "A PNG, enlarged smoothly if you like."), size),
        h("button", { type: "button", class: "primary", onclick: () => download("png", Number(size.value)) }, icon("download"), "PNG")),
      ...FILES.map(([kind, title, about]) => h("div", { class: "file" },
        h("div", {}, h("b", {}, title), h("p", { class: "hint" }, about)),
        h("button", { type: "button", "aria-label": `${title}: save`, onclick: () => download(kind) }, icon("download"),
          { document: "File", mask: "PNG" }[kind] ?? kind.toUpperCase()))),
      h("details", {}, h("summary", {}, "The same steps in the terminal or in Python"),
        h("div", { class: "row" }, languages, copy), lines)));
  fetchSteps();
  const end = on("changed", fetchSteps);
  return () => {
    end();
    view.close();
  };
}

async function download(kind, scale = 1) {
  try {
    const answer = await fetch(exportPath(kind, scale));
    if (!answer.ok) throw new Error((await answer.json()).error);
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"))[1];
    const address = URL.createObjectURL(await answer.blob());
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    say(`Saved ${name}.`);
  } catch (error) {
    say(error.message, "wrong");
  }
}
