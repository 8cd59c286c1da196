// Draws screens that the server has rendered: rows of runs in text of this page.

import { element, setStyle } from "./element.js";
import { plain } from "./format.js";

/** Colours of a cast that has none of its own: those of `tvmux screenshot`. */
const THEME = {
  fg: "#d5d8df",
  bg: "#14171c",
  palette: [
    "#1c1f26", "#d95757", "#5fb05f", "#cf9f3f", "#568fd8", "#b077c9", "#46a9a9", "#c5c8d0",
    "#6a7080", "#ff7b7b", "#86d586", "#f2c55c", "#7fb3ff", "#d69ff0", "#6fd3d3", "#ffffff",
  ],
};

const SIZE = { own: 14, least: 3, most: 24 };
const LINK = /^https?:\/\//i;

const UNDERLINES = {
  underline: "solid",
  "double-underline": "double",
  "curly-underline": "wavy",
  "dotted-underline": "dotted",
  "dashed-underline": "dashed",
};

const clusters = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{16fe0}-\u{18aff}]|[\u{1b000}-\u{1b2ff}]|[\u{1f200}-\u{1f2ff}]|[\u{20000}-\u{3fffd}]|\ufe0f/u;

/** A terminal's screen. */
export class Terminal {
  #rows = [];
  #lines = [];
  #theme;
  #base;
  #changed = "{}";
  #cursor = null;
  #metrics = null;
  #box = null;
  #isFit = true;
  #found = "";

  /** `theme` is the cast's, if it has one: `{fg, bg, palette}`. */
  constructor(theme = THEME, label) {
    this.#base = theme;
    this.#theme = theme;
    this.columns = 0;
    this.rows = 0;
    this.title = "";
    this.screen = element("div", { class: "screen" });
    this.caret = element("div", { class: "caret", "aria-hidden": "true" });
    this.root = element("div", { class: "terminal", role: "group", "aria-label": label, translate: "no" }, this.screen, this.caret);
    this.#paintGround();
    this.root.addEventListener("copy", (event) => this.#copy(event));
  }

  /** Shows a whole screen. */
  show(screen) {
    this.#setColours(screen.colours ?? {});
    if (screen.columns !== this.columns || screen.rows !== this.rows) {
      this.columns = screen.columns;
      this.rows = screen.rows;
      this.#rows = screen.lines.map(() => element("div", { class: "row" }));
      this.screen.replaceChildren(...this.#rows);
      this.#lines = [];
      this.#place();
    }
    screen.lines.forEach((line, row) => this.#draw(row, line));
    this.title = screen.title ?? "";
    this.#cursor = screen.cursor;
    this.#drawCaret();
    this.#highlight();
  }

  /** Shows what has changed since. */
  change({ rows = {}, cursor, title, colours }) {
    if (colours && this.#setColours(colours)) this.#lines.forEach((line, row) => this.#draw(row, line));
    for (const [row, line] of Object.entries(rows)) if (this.#rows[row]) this.#draw(Number(row), line);
    if (title !== undefined) this.title = title;
    if (cursor) this.#cursor = cursor;
    this.#drawCaret();
    this.#highlight();
  }

  /** The text of the screen: rows that go on in the next are joined. */
  text() {
    return this.#lines.map((line) => line.text + (line.wrapped ? "" : "\n")).join("").replace(/\n+$/, "\n");
  }

  /** Marks where `text` stands, in either case. */
  mark(text) {
    this.#found = text.toLowerCase();
    this.#highlight();
  }

  /**
   * Makes the letters as large as the box of pixels takes (a height of 0: only the
   * width counts), or 14 pixels where `isFit` is false.
   */
  fit(box, isFit) {
    this.#box = box;
    this.#isFit = isFit;
    this.#place();
  }

  /** The cast's colours with those that programs changed; gives whether they are others now. */
  #setColours(colours) {
    const changed = JSON.stringify(colours);
    if (changed === this.#changed) return false;
    this.#changed = changed;
    const { palette, ...own } = colours;
    this.#theme = { ...this.#base, ...own, palette: Object.assign([...this.#base.palette], palette) };
    this.#paintGround();
    return true;
  }

  #paintGround() {
    setStyle(this.root, { "background-color": this.#theme.bg, color: this.#theme.fg });
  }

  #place() {
    if (!this.#box || !this.columns) return;
    const { advance, height } = this.#measure();
    let size = SIZE.own;
    if (this.#isFit) {
      const wide = this.#box.width / (this.columns * advance);
      const high = this.#box.height ? this.#box.height / (this.rows * height) : Infinity;
      size = Math.max(SIZE.least, Math.min(SIZE.most, Math.floor(Math.min(wide, high) * 20) / 20));
      // Rows have whole pixels.
      while (this.#box.height && size > SIZE.least && Math.round(size * height) * this.rows > this.#box.height) size -= 0.05;
    }
    setStyle(this.root, {
      "--size": `${size.toFixed(2)}px`,
      "--cell": `${Math.max(1, Math.round(size * height))}px`,
      "--columns": this.columns,
      "--rows": this.rows,
    });
    this.#drawCaret();
  }

  /** Of a letter of one pixel: its advance and the height that lines connect at. */
  #measure() {
    if (this.#metrics) return this.#metrics;
    const context = document.createElement("canvas").getContext("2d");
    context.textRendering = "geometricPrecision";
    context.font = `100px ${getComputedStyle(this.root).fontFamily}`;
    const zero = context.measureText("0");
    this.#metrics = {
      context,
      advance: zero.width / 100,
      height: (zero.fontBoundingBoxAscent + zero.fontBoundingBoxDescent) / 100,
      known: new Map(),
    };
    return this.#metrics;
  }

  /** Whether the font draws it exactly as wide as its columns. */
  #isTrue(cluster, width) {
    const { context, advance, known } = this.#measure();
    let is = known.get(cluster);
    if (is === undefined) {
      is = Math.abs(context.measureText(cluster).width / 100 - advance * width) < 0.004;
      if (known.size > 4096) known.clear();
      known.set(cluster, is);
    }
    return is;
  }

  #draw(row, line) {
    if (!line || !this.#rows[row]) return;
    this.#lines[row] = line;
    this.#rows[row].replaceChildren(...line.runs.map((run) => this.#run(run)));
  }

  #run(run) {
    const isPlain = run.fg === undefined && run.bg === undefined && !run.attributes?.length && !run.link;
    const isAscii = /^[\x20-\x7e]*$/.test(run.text);
    if (isPlain && isAscii && run.text.length === run.width) return document.createTextNode(run.text);
    const link = LINK.test(run.link ?? "") ? run.link : null;
    const span = link
      ? element("a", { href: link, target: "_blank", rel: "noopener noreferrer nofollow", title: `Opens ${link}` })
      : element("span");
    span.style.setProperty("width", `${run.width}ch`);
    this.#paint(span, run);
    if (isAscii) span.textContent = run.text;
    else span.append(...this.#cells(run));
    return span;
  }

  /** The pieces of a run whose characters may have widths of their own. */
  #cells(run) {
    const text = plain(run.text);
    const parts = [];
    let total = 0;
    let wide = 0;
    for (const { segment } of clusters.segment(text)) {
      parts.push({ segment, width: 1 });
      total += 1;
      if (WIDE.test(segment)) wide += 1;
    }
    if (total * 2 === run.width) parts.forEach((part) => { part.width = 2; });
    else if (total + wide === run.width) parts.forEach((part) => { if (WIDE.test(part.segment)) part.width = 2; });
    else if (total !== run.width) return [text];
    const nodes = [];
    let narrow = "";
    const flush = () => {
      if (narrow) nodes.push(document.createTextNode(narrow));
      narrow = "";
    };
    for (const { segment, width } of parts) {
      if (this.#isTrue(segment, width)) {
        narrow += segment;
        continue;
      }
      flush();
      const cell = element("span", {}, segment);
      cell.style.setProperty("width", `${width}ch`);
      nodes.push(cell);
    }
    flush();
    return nodes;
  }

  #paint(span, { fg, bg, underline_colour: under, attributes = [] }) {
    const has = (name) => attributes.includes(name);
    const theme = this.#theme;
    let front = colour(theme, fg, theme.fg);
    let back = colour(theme, bg, theme.bg);
    let hasBack = bg !== undefined;
    if (has("reverse")) {
      [front, back] = [back, front];
      hasBack = true;
    }
    const style = span.style;
    if (hasBack) style.setProperty("background-color", back);
    if (has("hidden")) style.setProperty("color", back);
    else if (has("dim")) style.setProperty("color", `color-mix(in srgb, ${front} 55%, ${back})`);
    else if (front !== theme.fg) style.setProperty("color", front);
    if (has("bold")) style.setProperty("font-weight", "700");
    if (has("italic")) style.setProperty("font-style", "italic");
    if (has("blink")) span.classList.add("blink");
    const line = attributes.find((name) => UNDERLINES[name]);
    const lines = [line && "underline", has("strike") && "line-through", has("overline") && "overline"].filter(Boolean);
    if (lines.length) {
      style.setProperty("text-decoration-line", lines.join(" "));
      if (line) style.setProperty("text-decoration-style", UNDERLINES[line]);
      if (under !== undefined) style.setProperty("text-decoration-color", colour(theme, under, front));
    }
  }

  #drawCaret() {
    const cursor = this.#cursor;
    this.caret.hidden = !cursor?.visible || !this.columns;
    if (this.caret.hidden) return;
    this.caret.className = `caret ${cursor.shape}`;
    setStyle(this.caret, {
      "--column": Math.min(cursor.column, this.columns - 1),
      "--row": cursor.row,
      "--front": this.#theme.cursor ?? this.#theme.fg,
      "--back": this.#theme.bg,
    });
    const under = cursor.shape === "block" ? this.#characterAt(cursor) : "";
    if (this.caret.textContent !== under) this.caret.textContent = under;
  }

  #characterAt({ column, row }) {
    const run = this.#lines[row]?.runs.find((each) => each.column <= column && column < each.column + each.width);
    if (!run) return "";
    const characters = [...clusters.segment(run.text)].map(({ segment }) => segment);
    return characters.length === run.width ? characters[column - run.column].trim() : "";
  }

  #highlight() {
    if (!("highlights" in CSS)) return;
    if (!this.#found) {
      CSS.highlights.delete("found");
      return;
    }
    const ranges = [];
    for (const row of this.#rows) {
      const text = row.textContent.toLowerCase();
      for (let at = text.indexOf(this.#found); at >= 0; at = text.indexOf(this.#found, at + this.#found.length)) {
        ranges.push(rangeOf(row, at, at + this.#found.length));
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  /** Copies rows as lines: what the terminal wrapped is one, blanks at ends go. */
  #copy(event) {
    const selection = getSelection();
    if (selection.isCollapsed || !event.clipboardData) return;
    const range = selection.getRangeAt(0);
    let text = "";
    this.#rows.forEach((row, index) => {
      if (!range.intersectsNode(row)) return;
      const part = document.createRange();
      part.selectNodeContents(row);
      if (range.compareBoundaryPoints(Range.START_TO_START, part) > 0) part.setStart(range.startContainer, range.startOffset);
      const isToEnd = range.compareBoundaryPoints(Range.END_TO_END, part) >= 0;
      if (!isToEnd) part.setEnd(range.endContainer, range.endOffset);
      const isWrapped = this.#lines[index]?.wrapped;
      const own = part.toString();
      text += isToEnd && !isWrapped ? `${own.trimEnd()}\n` : own;
    });
    event.clipboardData.setData("text/plain", text.replace(/\n$/, ""));
    event.preventDefault();
  }
}

/** Characters `from` to `until` of an element's text. */
function rangeOf(parent, from, until) {
  const range = document.createRange();
  const walker = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  let at = 0;
  let isOpen = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + node.length;
    if (!isOpen && from < end) {
      range.setStart(node, from - at);
      isOpen = true;
    }
    if (until <= end) {
      range.setEnd(node, until - at);
      break;
    }
    at = end;
  }
  return range;
}

/** A run's colour: a number of the palette, `#rrggbb`, or the terminal's own. */
function colour(theme, value, own) {
  if (value === undefined || value === null) return own;
  if (typeof value === "string") return value;
  if (theme.palette[value]) return theme.palette[value];
  if (value > 231) {
    const grey = 8 + 10 * (value - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  // The cube of xterm.
  const level = (n) => (n === 0 ? 0 : 55 + 40 * n);
  const n = value - 16;
  return `rgb(${level(Math.floor(n / 36))} ${level(Math.floor(n / 6) % 6)} ${level(n % 6)})`;
}
