// What is being recorded now, and the last of what was.

import * as api from "./api.js";
import { ask } from "./dialogs.js";
import { element, say } from "./element.js";
import { clock, count, dayName, duration, losses, nameOf, placeOf, plain, size, stateOf, timeOfDay } from "./format.js";

/** Milliseconds between two looks. */
const LOOK = 2000;
const RECENT = 8;

export async function open(main, parameters, signal, info) {
  const view = new Now(main, info);
  await view.look(signal);
  return view;
}

class Now {
  title = "Now";
  #cards = new Map();
  #closing = new AbortController();
  #recent = null;

  constructor(main, info) {
    this.info = info;
    this.cards = element("div", { class: "cards" });
    this.none = element("div", { class: "empty", hidden: true },
      element("p", {}, "Nothing is being recorded."),
      element("p", { class: "hint" }, "Run ", element("code", {}, "tvmux rec"), " in a tmux window, or ", element("code", {}, "tvmux rec -- COMMAND"), " anywhere."));
    this.list = element("ol", { class: "rows" });
    this.number = element("span", { class: "number" });
    const start = info.control ? element("button", { type: "button", class: "primary", onclick: () => this.#act(() => this.#start()) }, "Record a window…") : null;
    main.replaceChildren(element("div", { class: "page" },
      element("div", { class: "heading" }, element("h1", {}, "Now"), this.number, element("span", { class: "gap" }), start),
      this.cards, this.none,
      element("h2", {}, "Lately"), this.list,
      element("p", { class: "more" }, element("a", { href: "#/days" }, "All days"))));
    this.main = main;
    this.timer = setInterval(() => {
      if (!document.hidden) this.look(this.#closing.signal).catch((error) => this.#fail(error));
    }, LOOK);
  }

  close() {
    clearInterval(this.timer);
    this.#closing.abort();
  }

  update() {}

  async look(signal) {
    const [running, recent] = await Promise.all([
      api.casts({ running: true }, signal),
      api.casts({ limit: RECENT + 12 }, signal),
    ]);
    this.number.textContent = running.length ? count(running.length, "recording") : "";
    this.none.hidden = running.length > 0;
    for (const [id, card] of this.#cards) {
      if (running.some((cast) => cast.id === id)) continue;
      card.root.remove();
      this.#cards.delete(id);
    }
    for (const cast of running) {
      let card = this.#cards.get(cast.id);
      if (!card) {
        card = new Card(cast, this.info.control, (action) => this.#act(() => this.#control(action, cast.id)));
        this.#cards.set(cast.id, card);
        this.cards.append(card.root);
      }
      card.show(cast);
    }
    this.#showRecent(recent.filter(({ state }) => state !== "running").slice(0, RECENT));
  }

  #showRecent(casts) {
    const key = casts.map(({ id, modified }) => `${id} ${modified}`).join();
    if (key === this.#recent) return;
    this.#recent = key;
    this.list.replaceChildren(...(casts.length ? casts.map((cast) => rowOf(cast)) : [element("li", { class: "none" }, "No recordings yet.")]));
  }

  async #start() {
    const windows = await api.windows();
    const options = windows.map(({ id, name, links }) => [id, plain(`${links.map(({ session, index }) => `${session}:${index}`).join(", ")} ${name}`)]);
    const target = await ask("Record a window", { label: "main:editor, @3", hint: "A window’s id, or a session and its window as tmux takes them.", verb: "Record", options });
    if (!target) return;
    await api.record(target);
    say(`Records ${target}`);
    await this.look();
  }

  async #control(action, id) {
    const { recording } = this.#cards.get(id).cast;
    switch (action) {
      case "mark": {
        const label = await ask("Set a marker", { label: "Label", verb: "Mark" });
        if (label === null) return;
        await api.mark(recording.id, label);
        say("The marker is set");
        break;
      }
      case "pause": {
        const isPaused = recording.state === "paused";
        await (isPaused ? api.resume : api.pause)(recording.id);
        say(isPaused ? "The recording goes on" : "The recording is paused");
        break;
      }
      default:
        await api.stop(recording.id);
        say("The recording is stopped");
    }
    await this.look();
  }

  #act(action) {
    action().catch((error) => this.#fail(error));
  }

  #fail(error) {
    if (error.name !== "AbortError") this.main.dispatchEvent(new CustomEvent("trouble", { bubbles: true, detail: error }));
  }
}

/** A running recording. */
class Card {
  #shown = "";

  constructor(cast, canControl, onControl) {
    const link = `#/cast/${cast.id}?live`;
    this.picture = element("img", { alt: "", decoding: "async" });
    this.name = element("bdi");
    this.place = element("p", { class: "facts" });
    this.state = element("p", { class: "state" });
    this.numbers = element("p", { class: "numbers" });
    const control = (action, label) => element("button", { type: "button", onclick: () => onControl(action) }, label);
    this.pause = control("pause", "Pause");
    this.root = element(
      "article", { class: "card" },
      element("a", { class: "thumb", href: link, tabindex: -1, "aria-hidden": "true" }, this.picture),
      element("div", { class: "card-text" },
        element("h3", {}, element("i", { class: "dot", "aria-hidden": "true" }), element("a", { href: link }, this.name)),
        this.place, this.state, this.numbers,
        canControl ? element("div", { class: "controls" }, control("mark", "Mark…"), this.pause, control("stop", "Stop")) : null),
    );
  }

  show(cast) {
    this.cast = cast;
    const state = stateOf(cast);
    this.root.dataset.state = state.kind;
    this.pause.textContent = state.kind === "paused" ? "Resume" : "Pause";
    this.name.textContent = nameOf(cast);
    this.place.textContent = [placeOf(cast), `${cast.columns}×${cast.rows}`].filter(Boolean).join(" · ");
    this.state.textContent = [state.kind === "recording" ? "" : state.text, losses(cast)].filter(Boolean).join(" ");
    this.state.hidden = this.state.textContent === "";
    this.numbers.textContent = `${clock(cast.duration)} · ${size(cast.bytes)} · since ${timeOfDay(cast.started)}`;
    const address = api.thumb(cast.id, { v: cast.bytes });
    if (address === this.#shown) return;
    this.#shown = address;
    // The picture changes when the new one is there.
    const next = new Image();
    next.onload = () => {
      if (this.#shown === address) this.picture.src = address;
    };
    next.src = address;
  }
}

/** A recording that is over, as a row of a list. */
export function rowOf(cast, isOfDay = false) {
  const failed = cast.state === "damaged" ? stateOf(cast).text : losses(cast);
  return element("li", { "data-state": cast.state }, element(
    "a", { href: `#/cast/${cast.id}${cast.state === "running" ? "?live" : ""}` },
    element("span", { class: "when" }, `${timeOfDay(cast.started)}`, element("small", {}, isOfDay ? `to ${timeOfDay(cast.started + cast.duration)}` : dayName(cast.started).split(",")[0])),
    element("span", { class: "what" }, element("bdi", {}, nameOf(cast)), failed ? element("small", { class: "warn" }, failed) : element("small", {}, placeOf(cast))),
    element("span", { class: "count" }, cast.commands ? count(cast.commands, "command") : ""),
    element("span", { class: "size" }, size(cast.bytes)),
    element("span", { class: "long" }, cast.state === "running" ? "running" : duration(cast.duration)),
  ));
}
