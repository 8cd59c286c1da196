// Times, sizes and names in words.

/** Seconds as `1:23:45` or `3:07`; with tenths where `precise`. */
export function clock(seconds, precise = false) {
  const tenths = Math.floor(Math.max(0, seconds) * 10 + 1e-6);
  const whole = Math.floor(tenths / 10);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  const text = h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return precise ? `${text}.${tenths % 10}` : text;
}

/** Seconds in words: `2 h 5 m`, `3 m 7 s`, `0.4 s`. */
export function duration(seconds) {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} m ${whole % 60} s` : `${whole / 60} m`;
  const minutes = Math.round(whole / 60);
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} m` : `${minutes / 60} h`;
}

/** Bytes in decimal units. */
export function size(bytes) {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000 || unit === "GB") return `${unit === "B" || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Epoch seconds as a time of day of this browser's time zone. */
export const timeOfDay = (epoch) => TIME.format(epoch * 1000);
export const timeWithSeconds = (epoch) => SECONDS.format(epoch * 1000);
export const shortDay = (epoch) => SHORT_DAY.format(epoch * 1000);

/** A day with its name; the last two by their words. */
export function dayName(epoch) {
  const days = Math.round((startOfDay(Date.now() / 1000) - startOfDay(epoch)) / 86400);
  const name = DAY.format(epoch * 1000);
  return days === 0 ? `Today, ${name}` : days === 1 ? `Yesterday, ${name}` : name;
}

/** Epoch seconds of the midnight before. */
export function startOfDay(epoch) {
  const date = new Date(epoch * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 1000;
}

const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Recorded text without what turns the direction of text, or does not show. */
export function plain(text) {
  return text.replace(UNSEEN, "");
}

/** What a recording is called. */
export function nameOf(cast) {
  const file = cast.path.split("/").pop().replace(/\.cast(\.zst)?$/, "");
  return plain(cast.title || cast.program || "") || plain(file);
}

/** Where it was recorded: `main · @3 · laptop`. */
export function placeOf(cast) {
  return plain([cast.session, cast.window, cast.host].filter(Boolean).join(" · "));
}

/** What is missing, or nothing. */
export function losses(cast) {
  const { lost_bytes: bytes, gaps } = cast.recording ?? cast;
  if (!bytes && !gaps) return "";
  return `${bytes ? size(bytes) : "Output"} lost in ${count(gaps, "gap")}`;
}

/** How a running recording is, in words and as a class. */
export function stateOf(cast) {
  const { recording } = cast;
  if (cast.state === "damaged") return { kind: "damaged", text: `Damaged: ${cast.finding ?? "validate finds errors"}` };
  if (cast.state !== "running") return { kind: "finished", text: "Finished" };
  const because = recording?.reason ? `: ${recording.reason}` : "";
  switch (recording?.state) {
    case "suspended":
      return { kind: "suspended", text: `Suspended${because}. Output is not written now; it resumes by itself.` };
    case "paused":
      return { kind: "paused", text: `Paused${because}. Nothing is recorded until it goes on.` };
    case "blind":
      return { kind: "blind", text: `Blind${because}. Another program pipes this pane; only snapshots are recorded.` };
    case "interrupted":
      return { kind: "suspended", text: "Interrupted: the recorder ended, and none has gone on yet." };
    case "finished":
      return { kind: "finished", text: "Finished" };
    default:
      return { kind: "recording", text: "Recording" };
  }
}
