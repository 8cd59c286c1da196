//! From a snapshot to terminal bytes.
//!
//! Nothing is assumed of the terminal but its size: every mode is set, and
//! every row is placed by itself, except where a row is wrapped: then the
//! next one is left to the terminal's own wrapping, so that the terminal
//! knows the two for one line. What only newer terminals know stands in
//! sequences of its own, which others skip.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::query::{CursorStyle, Mouse, State};
use super::row::{ATTRIBUTES, Colour, Row, Run, Style};
use super::{SavedCursor, Snapshot, Unrevealed};

/// Gives up a sequence that is under way, ends synchronized output, and
/// resets softly what a terminal may have that is not named below.
const INTERRUPT: &str = "\x18\x1b\\\x1b[?2026l\x1b[!p";

/// Whether output is that of a snapshot, or begins with one: it shows again what
/// was on the screen.
#[must_use]
pub fn begins_with_snapshot(output: &str) -> bool {
    output.starts_with(INTERRUPT)
}

/// Leaves the alternate screen, left-right margins and the region; then modes
/// off: cursor keys, reverse video, origin, blinking cursor, cursor, reverse
/// wrap, all of the mouse, focus, bracketed paste, theme reports, insert, new
/// line, extended keys, keypad. Autowrap on, cursor blinking as usual.
const MODES_OFF: &str = "\x1b[?1049l\x1b[?69l\x1b[r\
    \x1b[?1;5;6;12;25;45l\x1b[?7h\
    \x1b[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016;2004;2031l\
    \x1b[4l\x1b[20l\x1b[34h\x1b[>4m\x1b>";

/// Pen, link, character sets (line drawing in G1, see the module above),
/// cursor look, palette and colours; last the saved cursor.
const LOOK_OFF: &str = "\x1b[0m\x1b]8;;\x1b\\\x1b(B\x1b)0\x0f\x1b[0 q\
    \x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b[H\x1b7";

/// Pen, link and character sets as [`LOOK_OFF`] leaves them.
const PEN_OFF: &str = "\x1b[0m\x1b]8;;\x1b\\\x1b(B\x1b)0\x0f";

/// Erases all rows. Not by one sequence from the first row on: for tmux and
/// others that moves the screen into the history.
const ERASE: &str = "\x1b[2;1H\x1b[J\x1b[H\x1b[2K";

pub(super) struct Painter<'a> {
    out: &'a mut Vec<u8>,
    columns: usize,
    pen: Style,
}

impl Painter<'_> {
    pub(super) fn new(out: &mut Vec<u8>, columns: u16) -> Painter<'_> {
        Painter {
            out,
            columns: usize::from(columns),
            pen: Style::default(),
        }
    }

    pub(super) fn snapshot(&mut self, snapshot: &Snapshot, unrevealed: &Unrevealed) {
        let state = &snapshot.state;
        for part in [INTERRUPT, MODES_OFF, LOOK_OFF] {
            self.put(part);
        }
        self.tabs(&state.tabs);
        self.put(ERASE);
        if let Some(saved) = &snapshot.saved {
            self.rows(saved);
            match state.saved_cursor {
                Some(cursor) => {
                    self.cursor(saved, cursor, 0);
                    self.put("\x1b[?1049h");
                }
                None => self.put("\x1b[?1047h"),
            }
            self.put(ERASE);
        }
        self.rows(&snapshot.shown);
        self.texts(snapshot);
        self.modes(state, unrevealed);
        self.put(&unrevealed.palette);
        if let Some(saved) = &unrevealed.saved {
            self.saved_cursor(saved, state);
        }
        // The cursor comes behind what moves it, and before what keeps the
        // last cell from being written again for a pending wrap.
        self.region_and_cursor(state, &snapshot.shown);
        if !state.wrap {
            self.put("\x1b[?7l");
        }
        if state.insert {
            self.put("\x1b[4h");
        }
        if state.cursor_shown {
            self.put("\x1b[?25h");
        }
        if state.synchronized {
            self.put("\x1b[?2026h");
        }
        self.pen(snapshot, unrevealed);
        self.out.extend_from_slice(&snapshot.pending);
    }

    fn tabs(&mut self, tabs: &[u32]) {
        self.put("\x1b[3g");
        for tab in tabs {
            self.put(&format!("\x1b[{}G\x1bH", tab + 1));
        }
    }

    /// Paints rows on an erased screen; leaves the default pen.
    fn rows(&mut self, rows: &[Row]) {
        let mut flows = false;
        for (y, row) in rows.iter().enumerate() {
            if !flows {
                if row.is_empty() {
                    continue;
                }
                self.place(0, y as u32);
            }
            // tmux can erase half of a wide character and keep the other
            // half at its full width; it must not spill into the next row.
            let spills = row.width() > self.columns;
            if spills {
                self.put("\x1b[?7l");
            }
            self.runs(&row.runs);
            self.erased(&row.erased);
            if spills {
                self.put("\x1b[?7h");
            }
            flows = rows.get(y + 1).is_some_and(|next| self.flows(row, next));
        }
        self.style(&Style::default());
    }

    /// Whether printing `next` right behind `row` puts it into the next row.
    /// Not so where the rows are of a screen that was of another width.
    fn flows(&self, row: &Row, next: &Row) -> bool {
        if !row.wrapped {
            return false;
        }
        let Some(first) = next.runs.first().and_then(|run| run.text.chars().next()) else {
            return false;
        };
        let wide = first.width() == Some(2);
        let width = row.width();
        let full = width == self.columns || (wide && width + 1 == self.columns);
        full && next.width() <= self.columns
    }

    fn runs(&mut self, runs: &[Run]) {
        for run in runs {
            self.style(&run.style);
            for (i, part) in run.text.split('\t').enumerate() {
                if i > 0 {
                    self.tab();
                }
                self.put(part);
            }
        }
    }

    /// A tab moves without painting what it skips. So the rest of the row
    /// takes the colour first, and behind the tab loses it again.
    fn tab(&mut self) {
        if self.pen.background == Colour::Default {
            self.put("\t");
            return;
        }
        let pen = self.pen.clone();
        self.put("\x1b[K\t");
        self.style(&Style::default());
        self.put("\x1b[K");
        self.style(&pen);
    }

    /// Cells that were erased are erased again: nothing is written there, so
    /// that the row stays as long as it was.
    fn erased(&mut self, runs: &[Run]) {
        for run in runs {
            self.style(&run.style);
            let width = run.text.width();
            self.put(&format!("\x1b[{width}X\x1b[{width}C"));
        }
    }

    fn style(&mut self, style: &Style) {
        if self.pen == *style {
            return;
        }
        if self.pen.line_drawing != style.line_drawing {
            self.put(if style.line_drawing { "\x0e" } else { "\x0f" });
        }
        if self.pen.link != style.link {
            let link = style.link.as_deref().unwrap_or(";").to_owned();
            self.put(&format!("\x1b]8;{link}\x1b\\"));
        }
        let same_sgr = Style {
            line_drawing: style.line_drawing,
            link: style.link.clone(),
            ..self.pen.clone()
        } == *style;
        if !same_sgr {
            self.sgr(style);
        }
        self.pen = style.clone();
    }

    fn sgr(&mut self, style: &Style) {
        let mut codes = String::from("0");
        let mut code = |text: &str| {
            codes.push(';');
            codes.push_str(text);
        };
        for (bit, number) in ATTRIBUTES.iter().enumerate() {
            if style.attributes & (1 << bit) != 0 {
                code(&number.to_string());
            }
        }
        if style.underline > 0 {
            code("4");
        }
        for (colour, base) in [(style.foreground, 30), (style.background, 40)] {
            match colour {
                Colour::Default => {}
                Colour::Named(n @ 0..8) => code(&(base + n).to_string()),
                Colour::Named(n) => code(&(base + 60 + n - 8).to_string()),
                Colour::Indexed(n) => code(&format!("{};5;{n}", base + 8)),
                Colour::Rgb(r, g, b) => code(&format!("{};2;{r};{g};{b}", base + 8)),
            }
        }
        self.put(&format!("\x1b[{codes}m"));
        if style.underline > 1 {
            self.put(&format!("\x1b[4:{}m", style.underline));
        }
        match style.underline_colour {
            Colour::Default => {}
            Colour::Named(n) | Colour::Indexed(n) => self.put(&format!("\x1b[58:5:{n}m")),
            Colour::Rgb(r, g, b) => self.put(&format!("\x1b[58:2::{r}:{g}:{b}m")),
        }
    }

    /// Puts the cursor to its place, `top` rows below which the terminal
    /// counts from. In the column behind the last it waits to wrap: it gets
    /// there by writing the row's last cell.
    fn cursor(&mut self, rows: &[Row], (x, y): (u32, u32), top: u32) {
        let line = y.saturating_sub(top);
        if (x as usize) < self.columns {
            self.place(x, line);
            return;
        }
        let row = rows.get(y as usize);
        if let Some(row) = row.filter(|row| row.width() >= self.columns) {
            self.place(0, line);
            self.runs(&row.runs);
        } else {
            self.place(self.columns as u32 - 1, line);
            if let Some(run) = row.and_then(|row| row.erased.last()) {
                self.style(&run.style);
            }
            self.put(" ");
        }
        self.style(&Style::default());
    }

    fn region_and_cursor(&mut self, state: &State, rows: &[Row]) {
        let (first, last) = state.region;
        let whole = (first, last) == (0, u32::from(state.rows).saturating_sub(1));
        let region = if whole {
            String::new()
        } else {
            format!("\x1b[{};{}r", first + 1, last + 1)
        };
        let (_, y) = state.cursor;
        if state.origin && !(first..=last).contains(&y) {
            // With origin mode on, only a restored cursor gets out there.
            self.put("\x1b[?6h");
            self.cursor(rows, state.cursor, 0);
            self.put("\x1b7");
            self.put(&region);
            self.put("\x1b8");
            return;
        }
        self.put(&region);
        if state.origin {
            self.put("\x1b[?6h");
        }
        self.cursor(rows, state.cursor, if state.origin { first } else { 0 });
    }

    /// Has the terminal keep what a program has saved, at its place; leaves the
    /// default pen.
    fn saved_cursor(&mut self, saved: &SavedCursor, state: &State) {
        let row = saved.row.min(usize::from(state.rows).saturating_sub(1));
        let column = saved.column.min(self.columns.saturating_sub(1));
        if saved.origin {
            // Moves the cursor; the region is the whole screen so far.
            self.put("\x1b[?6h");
        }
        self.place(column as u32, row as u32);
        self.put(&saved.pen);
        self.put("\x1b7\x1b[?6l");
        self.put(PEN_OFF);
    }

    /// The pen, and what REP repeats: a character that was just printed with it.
    /// Nothing may come behind, since most sequences end that.
    fn pen(&mut self, snapshot: &Snapshot, unrevealed: &Unrevealed) {
        let state = &snapshot.state;
        let last = unrevealed.repeats.filter(|last| {
            let is_there = snapshot.before_cursor(1).starts_with(*last);
            is_there && state.wrap && !state.insert
        });
        let before = last.and_then(|last| {
            let width = last.width().filter(|width| *width > 0)?;
            (state.cursor.0 as usize).checked_sub(width)
        });
        if let Some(column) = before {
            self.put(&format!("\x1b[{}G", column + 1));
        }
        self.put(&unrevealed.pen);
        if let (Some(last), Some(_)) = (last, before) {
            self.put(last.encode_utf8(&mut [0; 4]));
        }
    }

    fn modes(&mut self, state: &State, unrevealed: &Unrevealed) {
        let mouse = match state.mouse {
            Mouse::Off => "",
            Mouse::Standard => "\x1b[?1000h",
            Mouse::Button => "\x1b[?1002h",
            Mouse::All => "\x1b[?1003h",
        };
        let keys = ["", "\x1b[>4;1m", "\x1b[>4;2m"];
        self.put(mouse);
        self.put(keys[usize::from(state.extended_keys.min(2))]);
        for (on, sequence) in [
            (state.mouse_utf8, "\x1b[?1005h"),
            (state.mouse_sgr, "\x1b[?1006h"),
            (state.keypad_cursor, "\x1b[?1h"),
            (state.keypad, "\x1b="),
            (
                state.bracketed_paste || unrevealed.brackets_paste,
                "\x1b[?2004h",
            ),
            (unrevealed.reports_focus, "\x1b[?1004h"),
        ] {
            if on {
                self.put(sequence);
            }
        }
        match &state.cursor_style {
            Some(style) => self.cursor_style(style),
            None if unrevealed.cursor_style > 0 => {
                self.put(&format!("\x1b[{} q", unrevealed.cursor_style));
            }
            None => {}
        }
    }

    fn cursor_style(&mut self, style: &CursorStyle) {
        let shape = match style.shape.as_str() {
            "block" => 1,
            "underline" => 3,
            "bar" => 5,
            _ => 0,
        };
        if shape > 0 {
            let steady = u8::from(!style.blinking);
            self.put(&format!("\x1b[{} q", shape + steady));
        } else if style.blinking {
            self.put("\x1b[?12h");
        }
        if style.very_visible {
            self.put("\x1b[34l");
        }
        self.colour(12, &style.colour);
    }

    fn texts(&mut self, snapshot: &Snapshot) {
        let clean = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
        self.put(&format!("\x1b]2;{}\x1b\\", clean(&snapshot.title)));
        self.put(&format!("\x1b]7;{}\x1b\\", clean(&snapshot.path)));
        for (number, colour) in [
            (10, &snapshot.state.foreground),
            (11, &snapshot.state.background),
        ] {
            if let Some(colour) = colour {
                self.colour(number, colour);
            }
        }
    }

    /// Sets a colour of the terminal's own. Programs give these as red, green
    /// and blue; other names mean that none is set.
    fn colour(&mut self, number: u8, colour: &str) {
        let digits = colour.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let (red, green, blue) = (&digits[..2], &digits[2..4], &digits[4..]);
            self.put(&format!("\x1b]{number};rgb:{red}/{green}/{blue}\x1b\\"));
        }
    }

    /// Column and row from 0.
    fn place(&mut self, x: u32, y: u32) {
        if x == 0 {
            self.put(&format!("\x1b[{}H", y + 1));
        } else {
            self.put(&format!("\x1b[{};{}H", y + 1, x + 1));
        }
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}
