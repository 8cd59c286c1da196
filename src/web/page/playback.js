// Plays a cast on a terminal: at a moment, forwards, frame by frame, or live.
//
//            seek                    end of a running cast
//   paused <------> playing --------------------------------> live
//      ^                 pause, or any seek                     |
//      +---------------------------------------------------------+
//
// Frames are read ahead a few seconds and drawn at the page's own pace; a seek ends
// the reading, and paints the moment itself.

import * as api from "./api.js";

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4, 8, 16, 32, 64];

/** Pauses are folded to this many seconds. */
export const IDLE = 2;

/** Frames a second, seconds of playing and frames that are read ahead. */
const RATE = 30;
const AHEAD = 4;
const MOST = 600;

/** Milliseconds between two looks at a cast that grows, or is still being read. */
const LOOK = 3000;

export class Playback {
  time = 0;
  isPlaying = false;
  isLive = false;
  isLooped = false;
  speed = 1;
  foldsIdle = true;

  #terminal;
  #on;
  #goal = null;
  #isPainting = false;
  #closing = new AbortController();
  #stream = null;
  #queue = [];
  #horizon = 0;
  #end = null;
  #changed = 0;
  #wake = null;
  #drawn = 0;
  #request = 0;
  #source = null;
  #pending = null;
  #steps = 0;
  #stepping = Promise.resolve();
  #look = 0;

  /**
   * `on`: `moved()` after each change of the time, `changed()` of playing or live,
   * `grown(cast)` when a running cast has more to tell, `failed(error)`.
   */
  constructor(cast, terminal, on) {
    this.cast = cast;
    this.duration = cast.duration;
    this.#terminal = terminal;
    this.#on = on;
    this.#request = requestAnimationFrame(this.#tick);
    this.#look = setInterval(() => this.#lookAgain(), LOOK);
  }

  close() {
    this.#closing.abort();
    this.#stopStream();
    this.#closeSource();
    cancelAnimationFrame(this.#request);
    clearInterval(this.#look);
  }

  get isAtEnd() {
    return this.time >= this.duration - 1e-3;
  }

  /** Goes to a moment; playing goes on from there. */
  seek(time) {
    this.#closeSource();
    this.#stopStream();
    this.time = Math.max(0, Math.min(time, this.duration));
    this.#changed = this.time;
    this.#goal = this.time;
    this.#on.moved();
    this.#paint();
  }

  seekBy(seconds) {
    this.seek(this.time + seconds);
  }

  play() {
    if (this.isPlaying) return;
    this.isPlaying = true;
    if (this.isAtEnd && !this.cast.running) this.seek(0);
    else if (!this.#isPainting) this.#openStream();
    this.#on.changed();
  }

  pause() {
    const wasLive = this.isLive;
    this.#closeSource();
    this.#stopStream();
    this.isPlaying = false;
    if (wasLive) this.#goal = null;
    this.#on.changed();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else if (this.cast.running && this.isAtEnd) this.goLive();
    else this.play();
  }

  setSpeed(speed) {
    this.speed = speed;
    if (this.isPlaying && !this.isLive && !this.#isPainting) {
      this.#stopStream();
      this.#openStream();
    }
    this.#on.changed();
  }

  changeSpeed(way) {
    const at = SPEEDS.indexOf(this.speed);
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + way))]);
  }

  /** The frame after this one, or before it; then paused. */
  async step(way) {
    // Keys repeat faster than answers come.
    if (this.#steps > 1) return;
    if (this.isPlaying) this.pause();
    this.#steps += 1;
    this.#stepping = this.#stepping.then(() => this.#step(way)).catch((error) => this.#fail(error));
    await this.#stepping;
    this.#steps -= 1;
  }

  async #step(way) {
    const from = this.time;
    const values = way > 0 ? { from, rate: 0, limit: 1 } : { from, rate: 0, limit: 1, back: 1 };
    let isFirst = true;
    for await (const line of api.frames(this.cast.id, values, this.#closing.signal)) {
      if (this.time !== from || this.isPlaying) return;
      if (line.end) break;
      // First comes the screen at the moment itself.
      if (isFirst) {
        isFirst = false;
        continue;
      }
      this.time = line.screen ? line.screen.time : line.time;
      this.#apply(line);
      this.#on.moved();
      return;
    }
    if (way < 0 && this.time > 0) this.seek(0);
  }

  /** To the end of a running cast, and on with what comes; of another, to its end. */
  goLive() {
    if (!this.cast.running) {
      this.seek(this.duration);
      return;
    }
    if (this.isLive) return;
    this.#stopStream();
    this.#goal = null;
    this.isLive = true;
    this.isPlaying = true;
    const source = api.live(this.cast.id);
    this.#source = source;
    const on = (name, take) => source.addEventListener(name, (event) => {
      if (this.#source === source) take(JSON.parse(event.data));
    });
    on("screen", (screen) => this.#arrive(screen.time, { screen }));
    on("rows", (delta) => this.#arrive(delta.time, delta));
    on("marker", (marker) => {
      this.cast.markers.push(marker);
      this.#on.grown(this.cast);
    });
    on("command", (command) => {
      const at = this.cast.commands.findIndex(({ number }) => number === command.number);
      if (at < 0) this.cast.commands.push(command);
      else this.cast.commands[at] = command;
      this.#on.grown(this.cast);
    });
    on("state", (state) => {
      this.cast.recording = { ...this.cast.recording, ...state };
      if (state.duration) this.#arrive(state.duration, null);
      this.#on.grown(this.cast);
    });
    on("end", () => this.#finish());
    source.addEventListener("error", () => {
      if (this.#source !== source || source.readyState !== EventSource.CLOSED) return;
      this.pause();
      this.#fail(new api.ApiError(0, "gone", "The live view has ended. The rest can be seen again once “tvmux web” runs."));
    });
    this.#on.changed();
  }

  async #finish() {
    this.#closeSource();
    this.isPlaying = false;
    this.cast.running = false;
    await this.#refresh();
    this.#on.changed();
  }

  #lookAgain() {
    if ((this.cast.running || !this.cast.covered) && !document.hidden) this.#refresh();
  }

  async #refresh() {
    try {
      const cast = await api.cast(this.cast.id, this.#closing.signal);
      Object.assign(this.cast, cast);
      this.duration = cast.running ? Math.max(this.duration, cast.duration) : cast.duration;
      this.#on.grown(this.cast);
    } catch (error) {
      this.#fail(error);
    }
  }

  #arrive(time, delta) {
    if (this.isLive && time > this.time) this.time = time;
    this.duration = Math.max(this.duration, this.time);
    if (delta) this.#pending = merged(this.#pending, delta);
  }

  #apply(delta) {
    if (delta.screen) this.#terminal.show(delta.screen);
    if (!delta.screen || delta.rows) this.#terminal.change(delta);
    this.#changed = this.time;
  }

  async #paint() {
    if (this.#isPainting) return;
    this.#isPainting = true;
    try {
      // Only the newest goal counts.
      while (this.#goal !== null) {
        const goal = this.#goal;
        this.#goal = null;
        const screen = await api.screenAt(this.cast.id, goal, this.#closing.signal);
        if (!this.isLive) this.#terminal.show(screen);
      }
    } catch (error) {
      this.#goal = null;
      this.#fail(error);
    } finally {
      this.#isPainting = false;
    }
    this.#on.moved();
    if (this.isPlaying && !this.isLive) this.#openStream();
  }

  async #openStream() {
    this.#stopStream();
    const stop = new AbortController();
    this.#stream = stop;
    this.#horizon = this.time;
    const rate = Math.min(60, Math.max(0.1, RATE / this.speed));
    try {
      for await (const line of api.frames(this.cast.id, { from: this.time, rate }, stop.signal)) {
        if (this.#stream !== stop) return;
        if (line.end) {
          this.#end = Math.max(line.time, this.#horizon);
          return;
        }
        const time = line.screen ? Math.max(line.screen.time, this.#horizon) : line.time;
        this.#queue.push({ ...line, time });
        this.#horizon = time;
        while (this.#stream === stop && this.#isFarAhead()) await new Promise((wake) => { this.#wake = wake; });
      }
    } catch (error) {
      if (this.#stream !== stop) return;
      this.pause();
      this.#fail(error);
    }
  }

  #isFarAhead() {
    const ahead = this.#horizon - this.time > AHEAD * this.speed;
    // A long pause is read over, so that it can be folded.
    return this.#queue.length > MOST || (ahead && this.#queue.length > 1);
  }

  #stopStream() {
    this.#stream?.abort();
    this.#stream = null;
    this.#queue = [];
    this.#end = null;
    this.#pending = null;
    this.#wake?.();
    this.#wake = null;
  }

  #closeSource() {
    this.#source?.close();
    this.#source = null;
    this.#pending = null;
    if (this.isLive) {
      this.isLive = false;
      this.#on.changed();
    }
  }

  #tick = (now) => {
    this.#request = requestAnimationFrame(this.#tick);
    const passed = (now - this.#drawn) / 1000;
    // The page's pace is finer than what is drawn.
    if (passed < 1 / RATE - 0.004) return;
    this.#drawn = now;
    if (this.isLive) this.#draw();
    else if (this.isPlaying && this.#stream && !this.#isPainting) this.#advance(Math.min(passed, 0.25));
  };

  #advance(passed) {
    const next = this.#queue[0]?.time ?? this.#end;
    let time = this.time + passed * this.speed;
    if (next === null || next === undefined) time = Math.min(time, Math.max(this.time, this.#horizon));
    else if (this.foldsIdle && time > this.#changed + IDLE * this.speed) time = Math.max(time, next);
    if (this.#end !== null) time = Math.min(time, this.#end);
    this.time = time;
    while (this.#queue.length && this.#queue[0].time <= time) this.#pending = merged(this.#pending, this.#queue.shift());
    this.#draw();
    this.#wake?.();
    this.#wake = null;
    if (this.#end !== null && this.#queue.length === 0 && time >= this.#end) this.#reachEnd();
  }

  #reachEnd() {
    this.duration = Math.max(this.duration, this.time);
    if (this.cast.running) {
      this.goLive();
    } else if (this.isLooped) {
      this.seek(0);
    } else {
      this.time = this.duration;
      this.pause();
      this.#on.moved();
    }
  }

  #draw() {
    if (this.#pending) {
      this.#apply(this.#pending);
      this.#pending = null;
    }
    this.#on.moved();
  }

  #fail(error) {
    if (error.name !== "AbortError") this.#on.failed(error);
  }
}

/** What two changes come to, so that only the last is drawn. */
function merged(before, after) {
  if (!before || after.screen) return after;
  return { ...before, ...after, rows: { ...before.rows, ...after.rows } };
}
