// From text to the moment it was shown.

import * as api from "./api.js";
import { element } from "./element.js";
import { clock, count, plain, shortDay, timeOfDay } from "./format.js";

/** Milliseconds after the last letter. */
const REST = 180;
const LIMIT = 300;
/** Hits of one recording that are listed at first. */
const FIRST = 5;

const SINCE = [["", "All time"], ["today", "Today"], ["7d", "7 days"], ["30d", "30 days"]];

export async function open(main, parameters) {
  return new Search(main, parameters);
}

class Search {
  title = "Search";
  #searching = null;
  #groups = new Map();
  #timer = 0;

  constructor(main, parameters) {
    this.main = main;
    this.text = element("input", { type: "search", class: "large", placeholder: "Search all that was shown", "aria-label": "Search all that was shown", autocomplete: "off", spellcheck: "false", maxlength: 1024 });
    const check = (name, label) => {
      const input = element("input", { type: "checkbox", name });
      return [input, element("label", {}, input, label)];
    };
    const [word, wordLabel] = check("word", "Whole words");
    const [regex, regexLabel] = check("regex", "Regular expression");
    const [failed, failedLabel] = check("failed", "Failed commands only");
    this.since = element("select", { "aria-label": "Since" }, SINCE.map(([value, text]) => element("option", { value }, text)));
    this.session = element("input", { type: "text", placeholder: "Session", "aria-label": "Session", maxlength: 256 });
    this.command = element("input", { type: "text", placeholder: "Command", "aria-label": "Printed by a command with", maxlength: 1024 });
    Object.assign(this, { word, regex, failed });
    const form = element("form", { class: "search", role: "search", "aria-label": "Search", onsubmit: (event) => {
      event.preventDefault();
      this.#change();
    } }, this.text, element("div", { class: "filters" }, this.session, this.command, this.since, wordLabel, regexLabel, failedLabel));
    form.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#change(), REST);
    });
    this.told = element("p", { class: "told", role: "status" });
    this.list = element("div", { class: "groups" });
    main.replaceChildren(element("div", { class: "page" }, element("h1", { class: "unseen" }, "Search"), form, this.told, this.list));
    main.addEventListener("keydown", this.#onKey);
    this.update(parameters);
    this.text.focus();
  }

  /** Another search, from the address. */
  update(parameters) {
    this.text.value = parameters.get("q") ?? "";
    for (const name of ["since", "session", "command"]) this[name].value = parameters.get(name) ?? "";
    for (const name of ["word", "regex", "failed"]) this[name].checked = parameters.get(name) === "true";
    this.#run();
  }

  close() {
    clearTimeout(this.#timer);
    this.#searching?.abort();
    this.main.removeEventListener("keydown", this.#onKey);
  }

  #values() {
    const values = { q: this.text.value };
    for (const name of ["since", "session", "command"]) values[name] = this[name].value;
    for (const name of ["word", "regex", "failed"]) values[name] = this[name].checked;
    return values;
  }

  #change() {
    history.replaceState(null, "", `#/search${api.query(this.#values())}`);
    this.#run();
  }

  async #run() {
    this.#searching?.abort();
    const searching = new AbortController();
    this.#searching = searching;
    const values = this.#values();
    if (!values.q.trim()) {
      this.#groups.clear();
      this.list.replaceChildren();
      this.told.textContent = "Every line that was ever on a recorded screen. A hit opens its recording at that second.";
      return;
    }
    this.list.classList.add("old");
    let number = 0;
    const start = () => {
      if (!this.list.classList.contains("old")) return;
      this.list.classList.remove("old");
      this.#groups.clear();
      this.list.replaceChildren();
    };
    try {
      for await (const hit of api.search({ ...values, limit: LIMIT }, searching.signal)) {
        if (this.#searching !== searching) return;
        if (hit.line === undefined) continue;
        start();
        this.#add(hit, values);
        number += 1;
        if (number % 20 === 1) this.#tell(number, true);
      }
      start();
      this.#tell(number, false);
    } catch (error) {
      if (error.name === "AbortError" || this.#searching !== searching) return;
      start();
      this.told.textContent = error.message;
    }
  }

  #tell(number, isMore) {
    const groups = count(this.#groups.size, "recording");
    const most = number >= LIMIT ? "The first " : "";
    this.told.textContent = number ? `${most}${count(number, "line")} in ${groups}${isMore ? " …" : ""}` : "Nothing found.";
  }

  #add(hit, values) {
    let group = this.#groups.get(hit.id);
    if (!group) {
      group = this.#group(hit);
      this.#groups.set(hit.id, group);
      this.list.append(group.root);
    }
    const link = `#/cast/${hit.id}${api.query({ t: hit.time, find: values.regex ? "" : values.q })}`;
    const item = element("li", { class: "hit" }, element("a", { href: link },
      element("span", { class: "when" }, clock(hit.time)),
      element("span", { class: "shown" }, marked(hit.line, values)),
      hit.command ? element("small", { class: hit.status ? "warn" : "" }, `${plain(hit.command)}${hit.status ? ` · status ${hit.status}` : ""}`) : null));
    group.number += 1;
    group.count.textContent = count(group.number, "line");
    if (group.number > FIRST) group.rest.lastChild.append(item);
    else group.list.append(item);
    group.rest.hidden = group.number <= FIRST;
    group.rest.firstChild.textContent = `${count(group.number - FIRST, "more line")}`;
  }

  #group({ id, cast, started, session, window, title }) {
    const name = plain(cast.split("/").pop().replace(/\.cast(\.zst)?$/, ""));
    const list = element("ol", { class: "hits" });
    const rest = element("details", { hidden: true }, element("summary"), element("ol", { class: "hits" }));
    const number = element("span", { class: "number" });
    const place = plain([session, window].filter(Boolean).join(" · "));
    const head = plain(title ?? "") || place || name;
    const facts = [head === place ? "" : place, `${shortDay(started)}, ${timeOfDay(started)}`].filter(Boolean).join(" · ");
    const root = element("section", { class: "group" },
      element("h2", {}, element("a", { href: `#/cast/${id}` }, element("bdi", {}, head)),
        element("span", { class: "facts" }, facts), number),
      list, rest);
    return { root, list, rest, count: number, number: 0 };
  }

  /** Arrows go through the hits. */
  #onKey = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.target.closest("select")) return;
    const stops = [this.text, ...this.list.querySelectorAll("a")].filter((stop) => stop.checkVisibility());
    const at = stops.indexOf(document.activeElement);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
}

/** A line with what was looked for marked in it. */
function marked(line, { q, regex }) {
  const text = plain(line.trimEnd());
  if (regex) return text;
  const isExact = q !== q.toLowerCase();
  const [where, what] = isExact ? [text, q] : [text.toLowerCase(), q.toLowerCase()];
  const parts = [];
  let from = 0;
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, from)) {
    parts.push(text.slice(from, at), element("mark", {}, text.slice(at, at + what.length)));
    from = at + what.length;
  }
  return [...parts, text.slice(from)];
}
