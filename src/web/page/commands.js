// The list beside the player: commands, markers, finds. A click jumps.

import * as api from "./api.js";
import { element } from "./element.js";
import { clock, duration, plain } from "./format.js";

const FINDS = 500;

export class SideList {
  #cast;
  #onJump;
  #tab = "commands";
  #finds = [];
  #find = "";
  #searching = null;
  #now = null;
  #items = [];

  constructor(cast, onJump) {
    this.#cast = cast;
    this.#onJump = onJump;
    if (!cast.commands.length && cast.markers.length) this.#tab = "markers";
    this.tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Lists" });
    this.list = element("ol", { class: "moments", role: "tabpanel", tabindex: -1, id: "moments" });
    this.root = element("aside", { class: "side", "aria-label": "Commands, markers and finds" }, this.tabs, this.list);
    this.render();
  }

  get finds() {
    return this.#finds;
  }

  close() {
    this.#searching?.abort();
  }

  /** Looks for text in this cast; gives the number of finds. */
  async search(text) {
    this.#searching?.abort();
    this.#searching = new AbortController();
    this.#find = text;
    this.#finds = [];
    this.#tab = "finds";
    if (text) {
      const hits = api.search({ q: text, cast: this.#cast.id, limit: FINDS }, this.#searching.signal);
      for await (const hit of hits) if (hit.line !== undefined) this.#finds.push(hit);
      this.#finds.sort((a, b) => a.time - b.time);
    }
    this.render();
    return this.#finds.length;
  }

  /** The item of a moment stands out. */
  move(time) {
    let now = null;
    for (const item of this.#items) {
      if (item.time > time + 1e-6) break;
      now = item;
    }
    if (now === this.#now) return;
    this.#now?.node.removeAttribute("aria-current");
    this.#now = now;
    if (!now) return;
    now.node.setAttribute("aria-current", "true");
    const { top, bottom } = now.node.getBoundingClientRect();
    const box = this.list.getBoundingClientRect();
    // Only the list scrolls, never the page.
    if (top < box.top) this.list.scrollTop += top - box.top;
    else if (bottom > box.bottom) this.list.scrollTop += bottom - box.bottom;
  }

  render() {
    const { commands, markers } = this.#cast;
    const tabs = [["commands", "Commands", commands.length], ["markers", "Markers", markers.length]];
    if (this.#find) tabs.push(["finds", "Finds", this.#finds.length]);
    const isFocused = this.tabs.contains(document.activeElement);
    this.tabs.replaceChildren(...tabs.map(([name, label, number]) => element("button", {
      type: "button",
      role: "tab",
      "aria-selected": String(name === this.#tab),
      "aria-controls": "moments",
      onclick: () => {
        this.#tab = name;
        this.render();
      },
    }, label, element("span", { class: "number" }, String(number)))));
    if (isFocused) this.tabs.querySelector("[aria-selected=true]")?.focus();
    this.#items = { commands: () => this.#commands(), markers: () => this.#markers(), finds: () => this.#found() }[this.#tab]();
    this.#now = null;
    if (this.#items.length) this.list.replaceChildren(...this.#items.map(({ node }) => node));
    else this.list.replaceChildren(element("li", { class: "none" }, NONE[this.#tab]));
  }

  #item(time, kind, sign, text, aside) {
    const jump = () => this.#onJump(time);
    const node = element("li", { class: kind }, element(
      "button",
      { type: "button", onclick: jump },
      element("span", { class: "sign", "aria-hidden": "true" }, sign),
      element("span", { class: "what" }, plain(text)),
      element("span", { class: "when" }, clock(time)),
      element("span", { class: "aside" }, plain(aside)),
    ));
    return { time, node };
  }

  #commands() {
    return this.#cast.commands.map(({ start, end, text, status, folder }) => {
      const took = end === null || end === undefined ? "runs" : duration(end - start);
      const [kind, sign, said] = status ? ["failed", "✕", `status ${status}, `] : end === null || end === undefined ? ["open", "…", ""] : ["done", "✓", ""];
      return this.#item(start, kind, sign, text ?? "(a command)", `${said}${took}${folder ? ` in ${folder}` : ""}`);
    });
  }

  #markers() {
    return this.#cast.markers.map(({ time, label }) => this.#item(time, "marker", "▾", label || "(no label)", ""));
  }

  #found() {
    return this.#finds.map(({ time, line }) => this.#item(time, "find", "›", line.trim(), ""));
  }
}

const NONE = {
  commands: "No commands. Shells tell of them with “tvmux init”.",
  markers: "No markers. “tvmux rec mark” sets one.",
  finds: "Nothing found in what is indexed.",
};
