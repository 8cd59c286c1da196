// The page: which view is shown, and what all views share.

import * as api from "./api.js";
import { showKeys } from "./dialogs.js";
import { element, setIcon } from "./element.js";
import { isTaken } from "./keys.js";
import * as days from "./days.js";
import * as now from "./now.js";
import * as player from "./player.js";
import * as search from "./search.js";

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const findText = document.getElementById("find-text");

const VIEWS = { "": now, days, search };

let view = null;
let shown = "";
let opening = null;
let info = null;

/** The address: a path after `#`, and values after `?`. */
function address() {
  const [path, values = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.replace(/\/$/, ""), values: new URLSearchParams(values) };
}

async function route() {
  const { path, values } = address();
  if (view && path === shown) {
    view.update(values);
    return;
  }
  opening?.abort();
  opening = new AbortController();
  const { signal } = opening;
  view?.close();
  view = null;
  delete main.dataset.view;
  shown = path;
  notice.hidden = true;
  markView(path);
  main.setAttribute("aria-busy", "true");
  try {
    info ??= await api.info();
    const cast = /^cast\/([0-9a-f]+)$/.exec(path);
    main.className = cast ? "for-player" : "";
    const module = VIEWS[path];
    if (cast) settle(await player.open(main, cast[1], values, signal, info), signal);
    else if (module) settle(await module.open(main, values, signal, info), signal);
    else main.replaceChildren(element("div", { class: "page empty" }, element("p", {}, "There is no such page."), element("p", {}, element("a", { href: "#/" }, "What is recorded now"))));
  } catch (error) {
    if (error.name === "AbortError") return;
    main.replaceChildren();
    shown = null;
    tell(error);
  } finally {
    if (opening?.signal === signal) main.removeAttribute("aria-busy");
  }
}

function settle(opened, signal) {
  // Another view may have been asked for meanwhile.
  if (signal.aborted) {
    opened.close();
    return;
  }
  view = opened;
  main.dataset.view = shown;
  document.title = `${view.title} · tvmux`;
}

function markView(path) {
  const current = path.startsWith("cast/") ? null : `#/${path}`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.getAttribute("href") === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector(".top .find").hidden = path === "search";
}

function tell(error) {
  notice.replaceChildren(
    element("span", {}, error.message),
    element("button", { type: "button", onclick: () => {
      notice.hidden = true;
      if (!view) route();
    } }, view ? "Close" : "Try again"),
  );
  notice.hidden = false;
}

const THEMES = ["auto", "dark", "light"];
const SIGNS = { auto: "auto", dark: "moon", light: "sun" };
const themeButton = document.getElementById("theme");

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setIcon(themeButton, SIGNS[theme], { auto: "Colours as the system’s", dark: "Dark", light: "Light" }[theme]);
  localStorage.setItem("tvmux.theme", theme);
  view?.scrubber?.draw();
}

themeButton.addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme ?? "auto";
  setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
});

document.getElementById("help").addEventListener("click", showKeys);
document.getElementById("skip").addEventListener("click", () => main.focus());
document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = `#/search${api.query({ q: findText.value })}`;
  findText.value = "";
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || isTaken(event) || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "h" || event.key === "?") showKeys();
  else if (event.key === "/" && !shown?.startsWith("cast/")) (document.querySelector("#main input[type=search]") ?? findText).focus();
  else return;
  event.preventDefault();
});

document.addEventListener("trouble", ({ detail }) => tell(detail));
addEventListener("hashchange", route);

const kept = localStorage.getItem("tvmux.theme");
setTheme(THEMES.includes(kept) ? kept : "auto");
route();
