// Recordings by day, each day a line of time.

import * as api from "./api.js";
import { element, setStyle } from "./element.js";
import { count, dayName, duration, nameOf, size, startOfDay, timeOfDay } from "./format.js";
import { rowOf } from "./now.js";
import { drawActivity } from "./scrubber.js";

const SLICES = 120;
/** Milliseconds after the last letter of a filter. */
const REST = 200;
/** Strips that are asked for at a time. */
const AT_ONCE = 3;

const SINCE = [["", "All time"], ["today", "Today"], ["7d", "7 days"], ["30d", "30 days"]];

export async function open(main, parameters, signal) {
  const view = new Days(main, parameters);
  await view.look(signal);
  return view;
}

class Days {
  title = "Days";
  #waiting = [];
  #running = 0;
  #closing = new AbortController();
  #looking = null;

  constructor(main, parameters) {
    this.main = main;
    this.filter = element("input", { type: "search", placeholder: "Name, session, command", "aria-label": "Filter by name, session or command", maxlength: 1024 });
    const select = (label, options) => {
      const made = element("select", { "aria-label": label }, options.map(([name, text]) => element("option", { value: name }, text)));
      return made;
    };
    this.since = select("Since", SINCE);
    this.session = select("Session", [["", "All sessions"]]);
    this.number = element("span", { class: "number", role: "status" });
    this.list = element("div", { class: "days" });
    const form = element("form", { class: "filters", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() }, this.filter, this.session, this.since);
    let timer = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#change(), REST);
    });
    main.replaceChildren(element("div", { class: "page" }, element("div", { class: "heading" }, element("h1", {}, "Days"), this.number, element("span", { class: "gap" }), form), this.list));
    this.#take(parameters);
    this.seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        this.seen.unobserve(target);
        this.#waiting.push(target);
        this.#loadNext();
      }
    }, { rootMargin: "300px" });
  }

  close() {
    this.seen.disconnect();
    this.#closing.abort();
    this.#looking?.abort();
  }

  /** Other filters, from the address. */
  update(parameters) {
    this.#take(parameters);
    this.#lookAgain();
  }

  #take(parameters) {
    this.filter.value = parameters.get("filter") ?? "";
    this.since.value = parameters.get("since") ?? "";
    this.wantedSession = parameters.get("session") ?? "";
  }

  #change() {
    const values = { filter: this.filter.value, session: this.session.value, since: this.since.value };
    history.replaceState(null, "", `#/days${api.query(values)}`);
    this.wantedSession = this.session.value;
    this.#lookAgain();
  }

  #lookAgain() {
    this.#looking?.abort();
    this.#looking = new AbortController();
    this.look(this.#looking.signal).catch((error) => {
      if (error.name !== "AbortError") this.main.dispatchEvent(new CustomEvent("trouble", { bubbles: true, detail: error }));
    });
  }

  async look(signal) {
    const casts = await api.casts({ filter: this.filter.value, since: this.since.value, session: this.wantedSession }, signal);
    this.#listSessions(casts);
    const days = new Map();
    for (const cast of casts) {
      const day = startOfDay(cast.started);
      if (!days.has(day)) days.set(day, []);
      days.get(day).push(cast);
    }
    const total = casts.reduce((sum, cast) => sum + cast.duration, 0);
    this.number.textContent = casts.length ? `${count(casts.length, "recording")}, ${duration(total)}` : "";
    this.seen.disconnect();
    this.#waiting = [];
    this.list.replaceChildren(...(casts.length ? [...days].map(([day, those]) => this.#day(day, those)) : [element("p", { class: "empty" }, "No recording fits.")]));
  }

  #listSessions(casts) {
    const names = new Set(casts.map(({ session }) => session).filter(Boolean));
    if (this.wantedSession) names.add(this.wantedSession);
    for (const option of this.session.options) names.add(option.value);
    names.delete("");
    const options = [["", "All sessions"], ...[...names].sort().map((name) => [name, name])];
    this.session.replaceChildren(...options.map(([name, text]) => element("option", { value: name }, text)));
    this.session.value = this.wantedSession;
  }

  #day(day, casts) {
    const total = casts.reduce((sum, cast) => sum + cast.duration, 0);
    const bytes = casts.reduce((sum, cast) => sum + cast.bytes, 0);
    // What overlaps is on lanes of its own.
    const ends = [];
    const first = Math.min(...casts.map(({ started }) => started)) - day;
    const last = Math.max(...casts.map((cast) => cast.started + cast.duration)) - day;
    const from = Math.max(0, Math.floor(first / 3600 - 0.5));
    const until = Math.max(from + 4, Math.min(30, Math.ceil(last / 3600 + 0.5)));
    const bars = [...casts].sort((a, b) => a.started - b.started).map((cast) => {
      const start = cast.started - day;
      const least = (until - from) * 3600 * 0.012;
      let lane = ends.findIndex((end) => end <= start);
      if (lane < 0) lane = ends.length;
      ends[lane] = start + Math.max(cast.duration, least);
      return this.#bar(cast, (start / 3600 - from) / (until - from), cast.duration / 3600 / (until - from), lane);
    });
    const step = until - from > 12 ? 3 : until - from > 6 ? 2 : 1;
    const hours = [];
    for (let hour = Math.ceil(from / step) * step; hour <= until; hour += step) {
      const label = element("span", { class: "hour" }, String(hour % 24).padStart(2, "0"));
      setStyle(label, { "--at": (hour - from) / (until - from) });
      hours.push(label);
    }
    const line = element("div", { class: "line", "aria-hidden": "true" }, hours, bars);
    setStyle(line, { "--lanes": Math.max(1, ends.length) });
    return element("section", { class: "day" },
      element("h2", {}, dayName(day), element("span", { class: "number" }, `${count(casts.length, "recording")} · ${duration(total)} · ${size(bytes)}`)),
      line,
      element("ol", { class: "rows" }, casts.map((cast) => rowOf(cast, true))));
  }

  #bar(cast, start, part, lane) {
    const canvas = element("canvas");
    const bar = element("a", {
      class: "bar", href: `#/cast/${cast.id}${cast.state === "running" ? "?live" : ""}`, tabindex: -1, "data-state": cast.state, "data-id": cast.id,
      title: `${nameOf(cast)}\n${timeOfDay(cast.started)}, ${duration(cast.duration)}`,
    }, canvas);
    setStyle(bar, { "--at": start, "--part": part, "--lane": lane });
    this.seen.observe(bar);
    return bar;
  }

  async #loadNext() {
    if (this.#running >= AT_ONCE || !this.#waiting.length) return;
    this.#running += 1;
    const bar = this.#waiting.shift();
    try {
      const { slices } = await api.activity(bar.dataset.id, SLICES, this.#closing.signal);
      drawActivity(bar.firstChild, bar.clientWidth, bar.clientHeight, slices);
      bar.dataset.drawn = "";
    } catch {
      // A cast that cannot be read has no strip; its row tells what is wrong.
    } finally {
      this.#running -= 1;
      this.#loadNext();
    }
  }
}
