// Questions and the help, in dialogs of the browser's own.

import { element, iconButton } from "./element.js";
import { KEYS } from "./keys.js";

function open(title, kind, ...content) {
  const dialog = element("dialog", { class: kind, "aria-labelledby": "dialog-title" });
  dialog.append(
    element("header", {}, element("h2", { id: "dialog-title" }, title), iconButton("close", "Close", () => dialog.close(), "Esc")),
    ...content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function showKeys() {
  const shown = document.querySelector("dialog.keys");
  if (shown) {
    shown.close();
    return;
  }
  const parts = [];
  for (const [keys, what] of KEYS) {
    if (keys === "") parts.push(element("section", {}, element("h3", {}, what), element("dl")));
    else parts.at(-1).lastChild.append(
      element("dt", {}, keys.split(" ").map((key) => (key === "…" ? " … " : element("kbd", {}, key)))),
      element("dd", {}, what),
    );
  }
  const dialog = open("Keys", "keys", element("div", { class: "columns" }, parts));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "h" || event.key === "?") dialog.close();
  });
}

/** Asks for a text; gives null when it is closed without one. */
export function ask(title, { label, hint = "", value = "", verb = "Go", options = [] }) {
  return new Promise((give) => {
    let answer = null;
    const input = element("input", { type: "text", "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "false", maxlength: 1024, list: options.length ? "options" : null });
    input.value = value;
    const form = element(
      "form",
      { method: "dialog", onsubmit: () => { answer = input.value; } },
      input,
      element("datalist", { id: "options" }, options.map(([name, text]) => element("option", { value: name }, text))),
      element("button", { class: "primary" }, verb),
    );
    const dialog = open(title, "ask", form, hint ? element("p", { class: "hint" }, hint) : null);
    dialog.addEventListener("close", () => give(answer));
    input.focus();
    input.select();
  });
}
