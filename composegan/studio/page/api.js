// Talking to the server on this computer.

/** An answer, or an Error whose message can be shown. */
async function send(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The studio does not answer. Is it still running in the terminal?");
  }
  if (answer.ok) return answer;
  const reason = await answer.json().catch(() => ({}));
  const error = new Error(reason.error ?? "The studio could not answer.");
  error.status = answer.status;
  throw error;
}

export const getJson = async (path) => (await send(path)).json();

export function post(path, content) {
  return send(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) });
}

export const upload = (path, file) => send(path, { method: "POST", body: file });

/** A picture and what comes with it; null for an answer without content. */
export async function picture(answer) {
  if (answer.status === 204) return null;
  return unpack(await answer.arrayBuffer());
}

export const getPicture = async (path) => picture(await send(path));

/** {width, height, image: ImageData, labels, ...header} of an answer, see studio/wire.py. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const { width, height } = header, count = width * height;
  const rgb = new Uint8Array(buffer, 4 + length, 3 * count);
  const labels = new Uint8Array(buffer, 4 + length + 3 * count, count);
  const image = new ImageData(width, height), rgba = image.data;
  for (let i = 0, from = 0, to = 0; i < count; i++, from += 3, to += 4) {
    rgba[to] = rgb[from];
    rgba[to + 1] = rgb[from + 1];
    rgba[to + 2] = rgb[from + 2];
    rgba[to + 3] = 255;
  }
  return { ...header, image, labels };
}

/** Asks one thing at a time, and afterwards only the newest of those that were asked for meanwhile. */
export class Latest {
  #busy = false;
  #next = null;
  #generation = 0;

  constructor(work) {
    this.work = work;
  }

  ask(...given) {
    this.#next = given;
    if (!this.#busy) this.#run();
  }

  /** Forget what was asked, also the answer that is on its way. */
  drop() {
    this.#next = null;
    this.#generation++;
  }

  async #run() {
    this.#busy = true;
    while (this.#next) {
      const given = this.#next, generation = this.#generation;
      this.#next = null;
      try {
        const done = await this.work(...given);
        if (generation === this.#generation) done?.();
      } catch (error) {
        if (generation === this.#generation) this.onerror?.(error);
      }
    }
    this.#busy = false;
  }
}
