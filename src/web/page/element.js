// Makes elements. Data becomes text or an attribute's value, never markup.

/**
 * An element with attributes, listeners (`onclick`), custom properties
 * (`style: {"--x": 1}`) and children. Attributes that are false, null or undefined
 * are left out.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") setStyle(made, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Sets CSS properties: the policy of this page forbids style attributes. */
export function setStyle(target, properties) {
  for (const [name, value] of Object.entries(properties)) target.style.setProperty(name, value);
}

const ICONS = {
  play: "M6 4.5v11l9-5.5z",
  pause: "M5.5 4.5h3v11h-3zM11.5 4.5h3v11h-3z",
  next: "M5 4.5v11l7-5.5zM13 4.5h2.2v11H13z",
  previous: "M15 4.5v11L8 10zM4.8 4.5H7v11H4.8z",
  again: "M10 4a6 6 0 1 1-5.7 4.2l1.8.6A4.1 4.1 0 1 0 10 5.9V8L6.2 4.9 10 2z",
  link: "M8.2 11.8a3 3 0 0 0 4.2 0l2.8-2.8A3 3 0 0 0 11 4.8l-1 1 1.2 1.2 1-1A1.3 1.3 0 0 1 14 7.800l-2.8 2.800a1.3 1.3 0 0 1-1.8 0zM11.8 8.200a3 3 0 0 0-4.2 0L4.8 11A3 3 0 0 0 9 15.200l1-1L8.8 13l-1 1A1.3 1.3 0 0 1 6 12.200l2.8-2.800a1.3 1.3 0 0 1 1.8 0z",
  download: "M9.1 3h1.800v7l2.6-2.6 1.2 1.200L10 13.4 5.3 8.600l1.2-1.200L9.1 10zM4 15h12v1.800H4z",
  fit: "M3 3h5v1.800H4.800V8H3zM12 3h5v5h-1.800V4.800H12zM3 12h1.800v3.200H8V17H3zM15.2 12H17v5h-5v-1.800h3.200z",
  full: "M3 4h14v12H3zM4.8 5.800v8.400h10.400V5.800z",
  side: "M3 4h14v12H3zM4.8 5.800v8.400H11V5.800z",
  sun: "M10 6.200a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.600zM9.2 2h1.600v2.400H9.200zM9.2 15.600h1.600V18H9.200zM2 9.200h2.400v1.600H2zM15.6 9.200H18v1.600h-2.400zM4.9 3.800l1.7 1.7-1.1 1.1-1.7-1.700zM14.5 13.400l1.7 1.7-1.1 1.1-1.7-1.700zM15.1 3.800l1.1 1.1-1.7 1.7-1.1-1.100zM5.5 13.400l1.1 1.1-1.7 1.7-1.1-1.100z",
  moon: "M8.3 2.600A7.6 7.6 0 1 0 17.4 12 6.3 6.3 0 0 1 8.3 2.600z",
  auto: "M10 2.500a7.5 7.5 0 1 1 0 15zM10 4.200v11.600a5.8 5.8 0 0 0 0-11.600zM10 2.500a7.5 7.5 0 0 0 0 15v-1.700a5.8 5.8 0 0 1 0-11.600z",
  close: "M5.2 4l4.8 4.800L14.8 4 16 5.2 11.2 10l4.8 4.8-1.2 1.2-4.8-4.800L5.2 16 4 14.8 8.8 10 4 5.200z",
};

/** A drawn sign, for the eyes only: its button has a label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/** A button with a sign; `key` is told with its label. */
export function iconButton(name, label, onclick, key = "") {
  const title = key ? `${label} (${key})` : label;
  return element("button", { type: "button", class: "plain", "aria-label": label, title, onclick }, icon(name));
}

/** Puts another sign and label on a button. */
export function setIcon(button, name, label, key = "") {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.replaceChildren(icon(name));
  button.setAttribute("aria-label", label);
  button.title = key ? `${label} (${key})` : label;
}

/** Says something to screen readers, and shows it for a moment. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.toggle("shown", text !== "");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("shown"), 2200);
}
