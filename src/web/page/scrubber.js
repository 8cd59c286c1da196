// The line of time: activity, markers, commands, and where the player is.

import * as api from "./api.js";
import { element, setStyle } from "./element.js";
import { clock, plain } from "./format.js";

const SLICES = 400;
/** Milliseconds that the pointer rests before a preview is asked for. */
const REST = 40;
/** Part by which a growing cast is longer before its line is drawn again. */
const GROWN = 0.004;
/** Pixels around a marker or command in which the pointer means it. */
const NEAR = 5;

export class Scrubber {
  #cast;
  #time = 0;
  #duration = 0;
  #slices = [];
  #sliced = 0;
  #drawn = 0;
  #onSeek;
  #isDragging = false;
  #timer = 0;
  #asked = "";

  /** `onSeek(time, isDragging)` is called with what the pointer says. */
  constructor(cast, onSeek) {
    this.#cast = cast;
    this.#onSeek = onSeek;
    this.strip = element("canvas", { class: "strip", "aria-hidden": "true" });
    this.played = element("canvas", { class: "strip played", "aria-hidden": "true" });
    this.ticks = element("canvas", { class: "ticks", "aria-hidden": "true" });
    this.head = element("div", { class: "head" });
    this.hover = element("div", { class: "hover", hidden: true });
    this.picture = element("img", { alt: "", width: 240, height: 136, decoding: "async" });
    this.caption = element("div", { class: "caption" });
    this.preview = element("div", { class: "preview", "aria-hidden": "true", hidden: true }, this.picture, this.caption);
    this.track = element(
      "div",
      { class: "track", role: "slider", tabindex: 0, "aria-label": "Time", "aria-orientation": "horizontal", "aria-valuemin": 0 },
      this.strip, this.played, this.ticks, this.hover, this.head,
    );
    this.root = element("div", { class: "scrubber" }, this.track, this.preview);
    this.track.addEventListener("pointerdown", (event) => this.#press(event));
    this.track.addEventListener("pointermove", (event) => this.#move(event));
    this.track.addEventListener("pointerup", (event) => this.#release(event));
    this.track.addEventListener("pointercancel", (event) => this.#release(event));
    this.track.addEventListener("pointerleave", () => this.#hide());
    this.picture.addEventListener("load", () => this.picture.classList.remove("waits"));
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.track);
    this.schemes = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.draw();
    this.schemes.addEventListener("change", this.onScheme);
  }

  close() {
    this.sizes.disconnect();
    this.schemes.removeEventListener("change", this.onScheme);
    clearTimeout(this.#timer);
  }

  /** Reads how much was printed when; gives whether that was all. */
  async load(signal) {
    const { duration, slices, covered } = await api.activity(this.#cast.id, SLICES, signal);
    this.#slices = slices;
    this.#sliced = duration;
    this.draw();
    return covered;
  }

  /** Whether the cast has grown since its activity was read. */
  get isOutgrown() {
    return this.#duration > this.#sliced * (1 + GROWN);
  }

  move(time, duration) {
    this.#time = time;
    this.#duration = duration;
    const part = duration > 0 ? Math.min(1, time / duration) : 0;
    setStyle(this.root, { "--part": part });
    const text = `${clock(time)} of ${clock(duration)}`;
    if (this.track.getAttribute("aria-valuetext") !== text) {
      this.track.setAttribute("aria-valuemax", duration.toFixed(1));
      this.track.setAttribute("aria-valuenow", time.toFixed(1));
      this.track.setAttribute("aria-valuetext", text);
    }
    if (Math.abs(duration - this.#drawn) > GROWN * duration) this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.track;
    if (!width || !this.#duration) return;
    this.#drawn = this.#duration;
    for (const canvas of [this.strip, this.played]) {
      drawActivity(canvas, width, height, this.#slices, this.#sliced / this.#duration);
    }
    const context = sized(this.ticks, width, height);
    const style = getComputedStyle(this.ticks);
    const place = (time) => Math.round((time / this.#duration) * (width - 1));
    const tick = (time, top, long, thick) => context.fillRect(place(time), top, thick, long);
    context.fillStyle = style.color;
    for (const { start } of this.#cast.commands) tick(start, height - 5, 5, 1);
    context.fillStyle = style.outlineColor;
    for (const { start, status } of this.#cast.commands) if (status) tick(start, height - 9, 9, 2);
    context.fillStyle = style.caretColor;
    for (const { time } of this.#cast.markers) {
      const x = place(time) + 0.5;
      context.beginPath();
      context.moveTo(x - 4, 0);
      context.lineTo(x + 4, 0);
      context.lineTo(x, 6);
      context.fill();
      context.fillRect(x - 0.5, 0, 1, height);
    }
  }

  #timeOf(event) {
    const { left, width } = this.track.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * this.#duration;
  }

  #press(event) {
    if (event.button !== 0) return;
    this.#isDragging = true;
    this.track.setPointerCapture(event.pointerId);
    this.#onSeek(this.#snapped(event), true);
  }

  #move(event) {
    const time = this.#timeOf(event);
    if (this.#isDragging) this.#onSeek(time, true);
    if (event.pointerType !== "touch" || this.#isDragging) this.#show(time);
  }

  #release(event) {
    if (!this.#isDragging) return;
    this.#isDragging = false;
    if (event.pointerType === "touch") this.#hide();
    this.#onSeek(this.#time, false);
  }

  /** A click next to a marker or a command means it. */
  #snapped(event) {
    const time = this.#timeOf(event);
    return this.#near(time)?.time ?? time;
  }

  #near(time) {
    const reach = (NEAR / this.track.clientWidth) * this.#duration;
    const all = [
      ...this.#cast.markers.map(({ time: at, label }) => ({ time: at, text: label })),
      ...this.#cast.commands.map(({ start, text, status }) => ({ time: start, text: `${status ? `failed (${status}): ` : ""}${text ?? "a command"}` })),
    ];
    let best = null;
    for (const each of all) {
      const away = Math.abs(each.time - time);
      if (away <= reach && (!best || away < Math.abs(best.time - time))) best = each;
    }
    return best;
  }

  #show(time) {
    const width = this.track.clientWidth;
    const part = this.#duration ? time / this.#duration : 0;
    setStyle(this.root, { "--hover": part });
    this.hover.hidden = false;
    this.preview.hidden = false;
    const half = this.preview.offsetWidth / 2;
    setStyle(this.preview, { left: `${Math.max(half, Math.min(width - half, part * width))}px` });
    const near = this.#near(time);
    this.caption.textContent = near ? `${clock(near.time)}  ${plain(near.text)}` : clock(time);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Moments are rounded, so that the same picture is not asked for twice.
      const grain = Math.max(0.1, this.#duration / 1000);
      const address = api.thumb(this.#cast.id, { t: (Math.round((near?.time ?? time) / grain) * grain).toFixed(2) });
      if (address === this.#asked) return;
      this.#asked = address;
      this.picture.classList.add("waits");
      this.picture.src = address;
    }, REST);
  }

  #hide() {
    if (this.#isDragging) return;
    clearTimeout(this.#timer);
    this.hover.hidden = true;
    this.preview.hidden = true;
  }
}

/** Gives the canvas the pixels of its place, and clears it. */
export function sized(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return context;
}

/** Bars of how much was printed, in the canvas' own colour; `part` of its width. */
export function drawActivity(canvas, width, height, slices, part = 1) {
  const context = sized(canvas, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  const most = Math.log1p(Math.max(...slices, 1));
  const bars = Math.max(1, Math.min(slices.length, Math.floor((width * part) / 3)));
  const wide = (width * part) / bars;
  for (let bar = 0; bar < bars; bar += 1) {
    const from = Math.floor((bar * slices.length) / bars);
    const until = Math.max(from + 1, Math.floor(((bar + 1) * slices.length) / bars));
    const bytes = Math.max(0, ...slices.slice(from, until));
    const tall = bytes ? Math.max(2, (Math.log1p(bytes) / most) * (height - 10)) : 1;
    context.fillRect(bar * wide, (height - tall) / 2, Math.max(1, wide - 1), tall);
  }
}
