// Painting label maps: brushes, the eraser and filling, on arrays of class numbers.

export const OPEN = 255; // left as it is

/** The pixels (indices) of a thick line. radius: in pixels. */
export function* line(width, height, from, to, radius) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 2));
  const done = new Set();
  for (let step = 0; step <= steps; step++) {
    const x = from.x + ((to.x - from.x) * step) / steps, y = from.y + ((to.y - from.y) * step) / steps;
    for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(height - 1, Math.ceil(y + radius)); row++) {
      for (let column = Math.max(0, Math.floor(x - radius)); column <= Math.min(width - 1, Math.ceil(x + radius)); column++) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const under = column === Math.floor(x) && row === Math.floor(y);
        const index = row * width + column;
        if ((far <= radius || under) && !done.has(index)) {
          done.add(index);
          yield index;
        }
      }
    }
  }
}

/** The pixels of the same class that hang together with a point. */
export function region(labels, width, height, x, y) {
  const start = y * width + x, label = labels[start];
  const found = new Set([start]), waiting = [start];
  while (waiting.length) {
    for (const next of neighbours(waiting.pop(), width, height)) {
      if (labels[next] === label && !found.has(next)) {
        found.add(next);
        waiting.push(next);
      }
    }
  }
  return found;
}

/** What pixels become when their class is wiped away: the class of the nearest pixel that has another one. */
export function behind(labels, width, height, pixels, label) {
  const taken = new Map();
  let edge = [];
  for (let index = 0; index < labels.length; index++) {
    if (labels[index] !== label && neighbours(index, width, height).some((next) => pixels.has(next))) edge.push([index, labels[index]]);
  }
  while (edge.length) {
    const next = [];
    for (const [index, value] of edge) {
      for (const other of neighbours(index, width, height)) {
        if (pixels.has(other) && labels[other] === label && !taken.has(other)) {
          taken.set(other, value);
          next.push([other, value]);
        }
      }
    }
    edge = next;
  }
  return taken;
}

function neighbours(index, width, height) {
  const x = index % width, found = [];
  if (x > 0) found.push(index - 1);
  if (x < width - 1) found.push(index + 1);
  if (index >= width) found.push(index - width);
  if (index < width * (height - 1)) found.push(index + width);
  return found;
}

/** Bytes as text. */
export function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192) text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  return btoa(text);
}
