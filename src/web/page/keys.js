// The keys, as in `tvmux play`.

/** Each with its keys and what they do; a heading has no keys. */
export const KEYS = [
  ["", "Play"],
  ["Space", "pause, go on; at the end, start again"],
  ["+ −", "faster, slower; = as recorded"],
  ["i", "fold idle time, or not"],
  ["l", "loop, or not"],
  ["", "Move"],
  ["← →", "5 seconds back, on; with Shift 60"],
  ["0 … 9", "to a tenth of the whole"],
  [", .", "to the frame before, after"],
  ["Home End", "to the start; to the end, and follow it"],
  ["g", "to a time: 90, 1:23:45, 50%, -10s, 14:05, a marker"],
  ["[ ]", "to the marker before, after"],
  ["{ }", "to the command before, after"],
  ["F f", "to the failed command before, after"],
  ["/", "search in all that this recording ever showed"],
  ["n N", "the next find, the one before"],
  ["", "See"],
  ["y", "copy the screen’s text"],
  ["u", "copy a link to this moment"],
  ["z", "fit the window, or true size"],
  ["b", "the list beside the screen, or not"],
  ["w", "whole screen, or not"],
  ["m", "set a marker in what is recorded now, with --control"],
  ["Esc", "close what is open"],
  ["", "Everywhere"],
  ["/", "search all recordings"],
  ["h ?", "these keys"],
];

/** What a key does in the player: a name of one of its actions. */
export function actionOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const { key, shiftKey } = event;
  if (/^[0-9]$/.test(key)) return ["tenth", Number(key)];
  if (key === "ArrowLeft" || key === "ArrowRight") return ["seekBy", (key === "ArrowLeft" ? -1 : 1) * (shiftKey ? 60 : 5)];
  return ACTIONS[key] ?? null;
}

const ACTIONS = {
  " ": ["toggle"],
  "+": ["speed", 1],
  "-": ["speed", -1],
  "=": ["speed", 0],
  i: ["fold"],
  l: ["loop"],
  ",": ["step", -1],
  ".": ["step", 1],
  Home: ["tenth", 0],
  End: ["end"],
  g: ["ask", "time"],
  "[": ["jump", "marker", -1],
  "]": ["jump", "marker", 1],
  "{": ["jump", "command", -1],
  "}": ["jump", "command", 1],
  F: ["jump", "failed", -1],
  f: ["jump", "failed", 1],
  "/": ["ask", "find"],
  n: ["jump", "find", 1],
  N: ["jump", "find", -1],
  y: ["copyText"],
  u: ["copyLink"],
  z: ["fit"],
  b: ["side"],
  w: ["whole"],
  m: ["mark"],
  Escape: ["escape"],
};

/** Whether the key belongs to what has the focus: a field, or a button's space. */
export function isTaken(event) {
  const { target, key } = event;
  if (!(target instanceof Element)) return false;
  if (target.closest("input, select, textarea, dialog")) return true;
  return (key === " " || key === "Enter") && target.closest("button, a, summary") !== null;
}
