// The player: a cast at any moment, played, or at its live edge.

import * as api from "./api.js";
import { SideList } from "./commands.js";
import { ask } from "./dialogs.js";
import { element, icon, iconButton, say, setIcon } from "./element.js";
import { clock, losses, nameOf, placeOf, shortDay, size, stateOf, timeWithSeconds } from "./format.js";
import { actionOf, isTaken } from "./keys.js";
import { parsePosition } from "./position.js";
import { IDLE, Playback, SPEEDS } from "./playback.js";
import { Scrubber } from "./scrubber.js";
import { Terminal } from "./terminal.js";

/** Milliseconds between two readings of how much a running cast printed, at least. */
const REREAD = 1000;

/** Milliseconds after which the address tells a new moment. */
const SETTLED = 150;

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Opens a cast in `main`. Gives what the page's router needs of a view. */
export async function open(main, id, parameters, signal, info) {
  const cast = await api.cast(id, signal);
  return new Player(main, cast, parameters, info.control);
}

class Player {
  #closing = new AbortController();
  #isFit = true;
  #find = "";

  constructor(main, cast, parameters, canControl) {
    this.cast = cast;
    this.canControl = canControl;
    this.title = nameOf(cast);
    this.terminal = new Terminal(cast.theme, `The recorded terminal, ${cast.columns} by ${cast.rows}`);
    this.playback = new Playback(cast, this.terminal, {
      moved: () => this.#moved(),
      changed: () => this.#changed(),
      grown: () => this.#grown(),
      failed: (error) => this.#fail(error),
    });
    this.scrubber = new Scrubber(cast, (time, isDragging) => this.#scrub(time, isDragging));
    this.side = new SideList(cast, (time) => this.#jumpTo(time));
    this.#build(main);
    document.addEventListener("keydown", this.#onKey);
    this.sizes = new ResizeObserver(() => requestAnimationFrame(() => this.#place()));
    this.sizes.observe(this.stage);
    this.#loadActivity();
    this.reread = setInterval(() => {
      if (this.cast.running && !document.hidden && this.scrubber.isOutgrown) this.#loadActivity();
    }, REREAD);
    const isHidden = localStorage.getItem("tvmux.side") === "hidden";
    this.root.classList.toggle("alone", isHidden);
    this.playback.foldsIdle = localStorage.getItem("tvmux.fold") !== "no";
    this.#open(parameters);
  }

  /** Another moment of the same cast, from the address. */
  update(parameters) {
    this.#open(parameters, true);
  }

  close() {
    this.#closing.abort();
    this.playback.close();
    this.scrubber.close();
    this.side.close();
    this.sizes.disconnect();
    clearInterval(this.reread);
    clearTimeout(this.addressing);
    document.removeEventListener("keydown", this.#onKey);
    this.terminal.mark("");
  }

  #open(parameters, isOpen = false) {
    this.#find = parameters.get("find") ?? "";
    this.terminal.mark(this.#find);
    const time = parsePosition(parameters.get("t") ?? "", this.playback.cast);
    if (time !== null) {
      this.playback.pause();
      this.playback.seek(time);
    } else if (parameters.has("live") && this.cast.running) {
      this.playback.goLive();
    } else if (!isOpen) {
      this.playback.seek(0);
      if (!STILL.matches && !document.hidden) this.playback.play();
    }
    this.#changed();
  }

  async #loadActivity() {
    try {
      for (;;) {
        const isWhole = await this.scrubber.load(this.#closing.signal);
        if (isWhole || this.#closing.signal.aborted) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #build(main) {
    const { cast, playback } = this;
    const button = (name, label, action, key) => iconButton(name, label, () => this.#act(...action), key);
    this.state = element("p", { class: "state" });
    this.facts = element("p", { class: "facts" });
    this.menu = this.#downloads();
    this.whole = button("full", "Whole screen", ["whole"], "w");
    this.fitButton = button("fit", "True size", ["fit"], "z");
    const head = element(
      "header", { class: "player-head" },
      element("div", { class: "names" }, element("h1", {}, element("bdi", {}, nameOf(cast))), this.facts, this.state),
      element("div", { class: "tools" }, button("link", "Copy a link to this moment", ["copyLink"], "u"), this.menu, this.fitButton, this.whole, button("side", "Commands and markers", ["side"], "b")),
    );
    this.stage = element("div", { class: "stage" }, this.terminal.root);
    this.playButton = button("play", "Play", ["toggle"], "Space");
    this.clock = element("span", { class: "time" }, element("b"), " / ", element("span"));
    this.wall = element("span", { class: "wall", title: "When this was, by the clock" });
    this.speed = element("select", { class: "speed", "aria-label": "Speed", title: "Speed (+ −)", onchange: () => {
      playback.setSpeed(Number(this.speed.value));
      this.speed.blur();
    } },
      SPEEDS.map((speed) => element("option", { value: speed }, `${speed}×`)));
    this.fold = element("button", { type: "button", class: "switch", "aria-pressed": "true", title: `Pauses take ${IDLE} s at most (i)`, onclick: () => this.#act("fold") }, "Fold idle");
    this.liveButton = element("button", { type: "button", class: "live-edge", hidden: !cast.running, onclick: () => this.#act("end") }, element("i", { class: "dot", "aria-hidden": "true" }), element("span"));
    const transport = element(
      "div", { class: "transport" },
      this.playButton, button("previous", "Frame before", ["step", -1], ","), button("next", "Frame after", ["step", 1], "."),
      this.clock, this.wall, element("span", { class: "gap" }), this.markButton, this.liveButton, this.fold, this.speed,
    );
    this.markButton = element("button", { type: "button", title: "Set a marker now (m)", onclick: () => this.#act("mark") }, "Mark…");
    this.root = element("section", { class: "player", "aria-label": "Player" }, head, this.stage, this.side.root, element("div", { class: "deck" }, this.scrubber.root, transport));
    // A button that was clicked leaves the keys to the player.
    this.root.addEventListener("click", ({ detail, target }) => {
      if (detail > 0) target.closest("button")?.blur();
    });
    main.replaceChildren(this.root);
  }

  /** What can be saved, as it is at the moment that the menu is opened. */
  #downloads() {
    const { cast, playback } = this;
    const formats = { cast: "The recording (.cast)", text: "This screen as text", svg: "This screen as a picture (.svg)" };
    const links = Object.entries(formats).map(([format, label]) => element("a", { download: true, onclick: () => { this.menu.open = false; } }, label));
    // The event "toggle" would come after the menu is shown.
    const aim = () => Object.keys(formats).forEach((format, at) => {
      links[at].href = api.download(cast.id, format, format === "cast" ? undefined : playback.time.toFixed(3));
    });
    const summary = element("summary", { "aria-label": "Download", title: "Download", class: "plain", onclick: aim }, icon("download"));
    return element("details", { class: "menu" }, summary, element("div", { class: "choices" }, links));
  }

  #place() {
    const isBounded = getComputedStyle(this.stage).getPropertyValue("--bounded").trim() === "1";
    const { clientWidth, clientHeight } = this.stage;
    const margin = 2 * parseFloat(getComputedStyle(this.stage).getPropertyValue("--margin"));
    this.terminal.fit({ width: clientWidth - margin, height: isBounded ? clientHeight - margin : 0 }, this.#isFit);
  }

  #moved() {
    const { time, duration } = this.playback;
    this.scrubber.move(time, duration);
    this.side.move(time);
    const [now, all] = [this.clock.firstChild, this.clock.lastChild];
    setText(now, clock(time, true));
    setText(all, clock(duration));
    const epoch = this.cast.started + time;
    setText(this.wall, `${shortDay(epoch)}, ${timeWithSeconds(epoch)}`);
  }

  #changed() {
    const { playback, cast } = this;
    const isOver = playback.isAtEnd && !cast.running && !playback.isPlaying;
    if (isOver) setIcon(this.playButton, "again", "Play again", "Space");
    else if (playback.isPlaying) setIcon(this.playButton, "pause", "Pause", "Space");
    else setIcon(this.playButton, "play", "Play", "Space");
    this.speed.value = String(playback.speed);
    this.speed.disabled = playback.isLive;
    this.fold.setAttribute("aria-pressed", String(playback.foldsIdle));
    this.liveButton.hidden = !cast.running;
    this.markButton.hidden = !this.#canMark();
    this.liveButton.classList.toggle("on", playback.isLive);
    this.liveButton.lastChild.textContent = playback.isLive ? "Live" : "Return to now";
    this.liveButton.title = playback.isLive ? "This is what the window shows now" : "To what the window shows now (End)";
    this.root.classList.toggle("is-live", playback.isLive);
    this.root.dataset.state = playback.isLive ? "live" : playback.isPlaying ? "playing" : "paused";
    this.#grown();
    this.#moved();
    if (!playback.isPlaying) this.#address();
  }

  #grown() {
    const { cast } = this;
    const counts = `${cast.commands.length} ${cast.markers.length} ${cast.commands.at(-1)?.end}`;
    if (counts !== this.counts) {
      this.counts = counts;
      if (this.root) this.side.render();
    }
    setText(this.facts, [placeOf(cast), `${cast.columns}×${cast.rows}`, size(cast.bytes)].filter(Boolean).join(" · "));
    const state = stateOf(cast);
    const lost = losses(cast);
    setText(this.state, [state.kind === "finished" || state.kind === "recording" ? "" : state.text, lost].filter(Boolean).join(" "));
    this.state.hidden = this.state.textContent === "";
    this.scrubber.move(this.playback.time, this.playback.duration);
  }

  /**
   * The address says where the player stands, for a reload and for links. Browsers
   * refuse one that changes with each repeat of a key.
   */
  #address() {
    clearTimeout(this.addressing);
    const { hash } = location;
    this.addressing = setTimeout(() => {
      // A link that was followed meanwhile says where to go.
      if (location.hash === hash) history.replaceState(null, "", this.#link());
    }, SETTLED);
  }

  #link() {
    const values = new URLSearchParams({ t: this.playback.time.toFixed(3).replace(/\.?0+$/, "") });
    if (this.#find) values.set("find", this.#find);
    return `#/cast/${this.cast.id}?${values}`;
  }

  /** A marker stands where the recording is now, wherever the player is. */
  #canMark() {
    return this.canControl && this.cast.running && Boolean(this.cast.recording?.id);
  }

  async #mark() {
    if (!this.#canMark()) return;
    const label = await ask("Set a marker", { label: "Label", verb: "Mark", hint: "It stands where the recording is now." });
    if (label === null) return;
    await api.mark(this.cast.recording.id, label);
    say("The marker is set");
  }

  #scrub(time, isDragging) {
    if (isDragging) this.playback.seek(time);
    else if (!this.playback.isPlaying) this.#address();
  }

  #jumpTo(time) {
    this.playback.seek(time);
    if (!this.playback.isPlaying) this.#address();
  }

  #fail(error) {
    if (error.name === "AbortError" || this.#closing.signal.aborted) return;
    this.root.dispatchEvent(new CustomEvent("trouble", { bubbles: true, detail: error }));
  }

  #onKey = (event) => {
    if (isTaken(event)) return;
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    this.#act(...action);
  };

  #act(action, ...values) {
    Promise.resolve(this.#actions[action](...values)).catch((error) => this.#fail(error));
  }

  #actions = {
    toggle: () => this.playback.toggle(),
    seekBy: (seconds) => this.#jumpTo(this.playback.time + seconds),
    tenth: (tenth) => this.#jumpTo((tenth / 10) * this.playback.duration),
    end: () => {
      this.playback.goLive();
      if (!this.cast.running) this.#address();
    },
    step: async (way) => {
      await this.playback.step(way);
      this.#address();
    },
    speed: (way) => {
      if (way === 0) this.playback.setSpeed(1);
      else this.playback.changeSpeed(way);
      say(`${this.playback.speed} times as fast`);
    },
    fold: () => {
      this.playback.foldsIdle = !this.playback.foldsIdle;
      localStorage.setItem("tvmux.fold", this.playback.foldsIdle ? "yes" : "no");
      say(this.playback.foldsIdle ? `Pauses take ${IDLE} s at most` : "Pauses as recorded");
      this.#changed();
    },
    loop: () => {
      this.playback.isLooped = !this.playback.isLooped;
      say(this.playback.isLooped ? "Plays again and again" : "Plays once");
    },
    jump: (what, way) => this.#jump(what, way),
    ask: (what) => (what === "time" ? this.#askTime() : this.#askFind()),
    mark: () => this.#mark(),
    copyText: () => this.#copy(this.terminal.text(), "Copied the screen’s text"),
    copyLink: () => this.#copy(new URL(this.#link(), location.href).href, "Copied a link to this moment"),
    fit: () => {
      this.#isFit = !this.#isFit;
      this.stage.classList.toggle("own-size", !this.#isFit);
      this.fitButton.setAttribute("aria-pressed", String(!this.#isFit));
      this.#place();
      say(this.#isFit ? "Fits the window" : "True size");
    },
    side: () => {
      const isHidden = this.root.classList.toggle("alone");
      localStorage.setItem("tvmux.side", isHidden ? "hidden" : "shown");
    },
    whole: () => (document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen()),
    escape: () => {
      this.menu.open = false;
      this.#find = "";
      this.terminal.mark("");
      if (!this.playback.isPlaying) this.#address();
    },
  };

  #jump(what, way) {
    const { commands, markers } = this.cast;
    const lists = {
      marker: markers.map(({ time, label }) => [time, label]),
      command: commands.map(({ start, text }) => [start, text]),
      failed: commands.filter(({ status }) => status).map(({ start, text }) => [start, text]),
      find: this.side.finds.map(({ time, line }) => [time, line.trim()]),
    };
    const names = { marker: "marker", command: "command", failed: "failed command", find: "find" };
    const { time } = this.playback;
    const list = lists[what];
    const found = way > 0 ? list.find(([at]) => at > time + 1e-3) : list.findLast(([at]) => at < time - 1e-3);
    if (!found) {
      say(`No ${names[what]} ${way > 0 ? "after" : "before"} this`);
      return;
    }
    this.#jumpTo(found[0]);
    say(found[1] ?? "");
  }

  async #askTime() {
    const text = await ask("Go to a time", { label: "90, 1:23:45, 50%, -10s, 14:05, a marker", verb: "Go" });
    if (!text) return;
    const time = parsePosition(text, { ...this.cast, duration: this.playback.duration });
    if (time === null) say(`“${text}” is no time and no marker of this recording`);
    else this.#jumpTo(time);
  }

  async #askFind() {
    const text = await ask("Search in this recording", { label: "Text", value: this.#find, verb: "Search", hint: "All that was ever shown in it. n and N go on and back." });
    if (text === null) return;
    this.#find = text;
    this.terminal.mark(text);
    this.root.classList.remove("alone");
    const number = await this.side.search(text);
    if (number) this.#jump("find", this.side.finds.some(({ time }) => time > this.playback.time) ? 1 : -1);
    else if (text) say(`“${text}” is in nothing of this recording that is indexed`);
  }

  async #copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      say(done);
    } catch {
      say("The browser does not let this page copy");
    }
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
