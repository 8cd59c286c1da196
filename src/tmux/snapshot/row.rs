//! Captured rows: what `capture-pane -e` prints, as styled text.
//!
//! tmux prints a closed set of sequences here: SGR, OSC 8, SO and SI; the
//! state carries over from row to row. Columns are not known: how wide a
//! character is, is tmux's affair, so nothing here depends on it but
//! [`Row::width`], which is an estimate and named so.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tmux::name::unescape;

/// A colour of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the 16 named ones.
    Named(u8),
    /// One of the palette of 256.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// SGR attributes that are switched by one plain number, and that number.
/// Underline is apart: it has styles.
pub(super) const ATTRIBUTES: [u8; 8] = [1, 2, 3, 5, 7, 8, 9, 53];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// A bit for each of [`ATTRIBUTES`].
    pub(super) attributes: u8,
    /// 0 for none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
    pub(super) underline: u8,
    pub(super) foreground: Colour,
    pub(super) background: Colour,
    pub(super) underline_colour: Colour,
    /// Whether the characters are of the DEC line drawing set.
    pub(super) line_drawing: bool,
    /// What stands between `\e]8;` and its end: parameters, `;`, URI.
    pub(super) link: Option<String>,
}

/// Text of one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) style: Style,
    pub(super) text: String,
}

/// One row of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Cells that were written.
    pub(super) runs: Vec<Run>,
    /// Cells behind them that were erased with a colour: blanks.
    pub(super) erased: Vec<Run>,
    /// Whether the text goes on in the next row.
    pub(super) wrapped: bool,
}

impl Row {
    /// Whether there is nothing to paint.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.erased.is_empty()
    }

    /// The written text of the first `columns` columns; an estimate as
    /// [`Row::width`] is.
    pub(super) fn text_before(&self, columns: usize) -> String {
        let mut width = 0;
        let text = self.runs.iter().flat_map(|run| run.text.chars());
        text.take_while(|c| {
            width += c.width().unwrap_or(0);
            width <= columns
        })
        .collect()
    }

    /// How many columns the written cells take; an estimate, since terminals
    /// differ in what they take for wide.
    pub(super) fn width(&self) -> usize {
        self.runs.iter().map(|run| run.text.width()).sum()
    }

    /// The length of the written text in bytes.
    fn len(&self) -> usize {
        self.runs.iter().map(|run| run.text.len()).sum()
    }

    /// Whether the written text is `text` from byte `start` on, as far as it goes.
    fn is_at(&self, text: &[u8], start: usize) -> bool {
        let mut rest = &text[start..];
        self.runs.iter().all(|run| {
            let found = rest.starts_with(run.text.as_bytes());
            rest = rest.get(run.text.len()..).unwrap_or_default();
            found
        })
    }

    /// How many blanks the row starts with.
    fn leading_blanks(&self) -> usize {
        let mut blanks = 0;
        for run in &self.runs {
            let text = run.text.trim_start_matches(' ');
            blanks += run.text.len() - text.len();
            if !text.is_empty() {
                break;
            }
        }
        blanks
    }

    fn push(&mut self, style: &Style, text: &str) {
        match self.runs.last_mut() {
            Some(run) if run.style == *style => run.text.push_str(text),
            _ => self.runs.push(Run {
                style: style.clone(),
                text: text.to_owned(),
            }),
        }
    }

    /// Takes the cells from byte `used` on for erased ones. Those that look
    /// as if never touched are dropped.
    fn split(&mut self, mut used: usize) {
        let mut index = 0;
        while index < self.runs.len() && used >= self.runs[index].text.len() {
            used -= self.runs[index].text.len();
            index += 1;
        }
        if index < self.runs.len() && used > 0 {
            let text = self.runs[index].text.split_off(used);
            let style = self.runs[index].style.clone();
            self.runs.insert(index + 1, Run { style, text });
            index += 1;
        }
        self.erased = self.runs.split_off(index);
        while self
            .erased
            .last()
            .is_some_and(|run| run.style == Style::default())
        {
            self.erased.pop();
        }
    }
}

/// The captures of one screen.
pub(super) struct Captures<'a> {
    /// `capture-pane -e` with `-N`, where there is `-N`.
    pub(super) styled: &'a [u8],
    /// Whether `styled` holds all blanks at the ends of rows; else those that
    /// were written stand in `joined` only.
    pub(super) exact: bool,
    pub(super) columns: usize,
    /// `capture-pane -N -T`: the cells that were written, where `styled` has
    /// the erased ones too.
    pub(super) written: Option<&'a [u8]>,
    /// `capture-pane -J`: wrapped rows without a newline between them.
    pub(super) joined: &'a [u8],
}

impl Captures<'_> {
    /// Reads the rows. The second is false when the captures disagree: the
    /// screen changed between them, and the rows are of one of its states.
    pub(super) fn rows(&self) -> (Vec<Row>, bool) {
        let (mut rows, ends) = parse(self.styled);
        if !self.exact {
            self.join_trimmed(&mut rows, &ends);
            return (rows, true);
        }
        let agree = self.split(&mut rows) && self.join(&mut rows);
        if !agree {
            for row in &mut rows {
                row.wrapped = false;
            }
        }
        (rows, agree)
    }

    fn split(&self, rows: &mut [Row]) -> bool {
        let Some(written) = self.written else {
            return true;
        };
        let mut lengths = written.split(|b| *b == b'\n');
        for row in rows.iter_mut() {
            let Some(text) = lengths.next() else {
                return false;
            };
            row.split(text.len());
            if row.len() != text.len() || !row.is_at(text, 0) {
                return false;
            }
        }
        lengths.next().is_none()
    }

    /// Finds out which rows are wrapped.
    fn join(&self, rows: &mut [Row]) -> bool {
        let mut rest = self.joined;
        let mut index = 0;
        while index < rows.len() {
            if !rows[index].is_at(rest, 0) {
                return false;
            }
            rest = &rest[rows[index].len()..];
            // Where untouched rows follow, it cannot be told which of them
            // lacks its newline. A terminal is not brought there by output.
            let after = rows[index + 1..].iter();
            let untouched = after.take_while(|row| row.runs.is_empty()).count();
            let newlines = rest.iter().take(untouched + 1);
            let newlines = newlines.take_while(|b| **b == b'\n').count();
            rows[index].wrapped = newlines == 0 && !rest.is_empty();
            rest = &rest[newlines..];
            index += untouched + 1;
        }
        rest.is_empty()
    }

    /// Finds out which rows are wrapped, and how many blanks are missing at
    /// their ends. What cannot be told is left as it is.
    fn join_trimmed(&self, rows: &mut [Row], ends: &[Style]) {
        let mut rest = self.joined;
        for index in 0..rows.len() {
            if !rows[index].is_at(rest, 0) {
                return;
            }
            rest = &rest[rows[index].len()..];
            let blanks = rest.iter().take_while(|b| **b == b' ').count();
            let ended = matches!(rest.get(blanks), None | Some(b'\n'));
            let next = match rows.get(index + 1) {
                Some(next) if !ended => next.leading_blanks(),
                _ => 0,
            };
            let room = self.columns.saturating_sub(rows[index].width());
            let own = blanks.saturating_sub(next).min(room);
            if own > 0 {
                rows[index].push(&ends[index], &" ".repeat(own));
            }
            rest = &rest[own..];
            match rest.strip_prefix(b"\n") {
                Some(after) => rest = after,
                None => rows[index].wrapped = !rest.is_empty(),
            }
        }
    }
}

/// Reads the rows of a capture with sequences; with each row the style that
/// held at its end.
fn parse(capture: &[u8]) -> (Vec<Row>, Vec<Style>) {
    let mut style = Style::default();
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for line in capture.split(|b| *b == b'\n') {
        let mut row = Row::default();
        let mut rest = line;
        while let Some(&byte) = rest.first() {
            match byte {
                0x0e | 0x0f => {
                    style.line_drawing = byte == 0x0e;
                    rest = &rest[1..];
                }
                0x1b => rest = sequence(rest, &mut style),
                _ => {
                    let end = rest
                        .iter()
                        .position(|b| matches!(b, 0x0e | 0x0f | 0x1b))
                        .unwrap_or(rest.len());
                    row.push(&style, &String::from_utf8_lossy(&rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
        // tmux closes a link with its row.
        style.link = None;
        rows.push(row);
        ends.push(style.clone());
    }
    (rows, ends)
}

/// Applies the escape sequence that `rest` starts with; gives what follows.
fn sequence<'a>(rest: &'a [u8], style: &mut Style) -> &'a [u8] {
    match rest.get(1) {
        Some(b'[') => {
            // Nothing but SGR is there.
            let body = &rest[2..];
            let end = memchr::memchr(b'm', body).unwrap_or(body.len());
            style.apply(&String::from_utf8_lossy(&body[..end]));
            body.get(end + 1..).unwrap_or_default()
        }
        Some(b']') => {
            let body = &rest[2..];
            let end = memchr::memmem::find(body, b"\x1b\\").unwrap_or(body.len());
            let text = String::from_utf8_lossy(&body[..end]);
            if let Some(link) = text.strip_prefix("8;") {
                style.link = (link != ";").then(|| unescape(link, r"\"));
            }
            body.get(end + 2..).unwrap_or_default()
        }
        _ => rest.get(2..).unwrap_or_default(),
    }
}

impl Style {
    /// Applies the parameters of one SGR, in the spelling of tmux's captures:
    /// an empty one is no reset, but what 3.0 prints for a bright background.
    fn apply(&mut self, parameters: &str) {
        let mut numbers = parameters.split(';');
        while let Some(number) = numbers.next() {
            match number.parse::<u8>() {
                Ok(0) => {
                    // Charset and link are not SGR's.
                    *self = Style {
                        line_drawing: self.line_drawing,
                        link: self.link.take(),
                        ..Style::default()
                    };
                }
                Ok(4) => self.underline = 1,
                Ok(code @ 30..=37) => self.foreground = Colour::Named(code - 30),
                Ok(code @ 90..=97) => self.foreground = Colour::Named(code - 90 + 8),
                Ok(39) => self.foreground = Colour::Default,
                Ok(code @ 40..=47) => self.background = Colour::Named(code - 40),
                Ok(code @ 100..=107) => self.background = Colour::Named(code - 100 + 8),
                Ok(49) => self.background = Colour::Default,
                Ok(code @ (38 | 48 | 58)) => {
                    let Some(colour) = extended(&mut numbers) else {
                        return;
                    };
                    match code {
                        38 => self.foreground = colour,
                        48 => self.background = colour,
                        _ => self.underline_colour = colour,
                    }
                }
                Ok(code) => self.set(code),
                // tmux writes its code 53, overline, like an underline style.
                Err(_) if number == "5:3" => self.set(53),
                Err(_) => {
                    if let Some(kind) = number.strip_prefix("4:") {
                        self.underline = kind.parse().unwrap_or(1).min(5);
                    }
                }
            }
        }
    }

    fn set(&mut self, code: u8) {
        if let Some(bit) = ATTRIBUTES.iter().position(|known| *known == code) {
            self.attributes |= 1 << bit;
        }
    }
}

/// Reads `5;N` or `2;R;G;B`.
fn extended<'a>(numbers: &mut impl Iterator<Item = &'a str>) -> Option<Colour> {
    let kind = numbers.next()?;
    let mut next = || numbers.next()?.parse().ok();
    match kind {
        "5" => Some(Colour::Indexed(next()?)),
        "2" => Some(Colour::Rgb(next()?, next()?, next()?)),
        _ => None,
    }
}
