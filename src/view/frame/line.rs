//! A row of styled text that fits a terminal's width exactly: characters that
//! an edge cuts are blanks.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::screen::{Attributes, Character, Colour, Link, Screen, Style, Which};

/// Text of one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first column, from 0.
    pub column: usize,
    /// Columns it takes.
    pub width: usize,
    pub text: String,
    pub style: Style,
    pub link: Option<Link>,
    /// Every terminal agrees on its width.
    pub is_certain: bool,
}

/// A row: spans in the order of their columns, blank between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub spans: Vec<Span>,
}

impl Line {
    /// Columns up to the end of the last span.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.last().map_or(0, |span| span.column + span.width)
    }

    /// The text, blanks between spans included.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut column = 0;
        for span in &self.spans {
            text.extend(std::iter::repeat_n(' ', span.column - column));
            text.push_str(&span.text);
            column = span.column + span.width;
        }
        text
    }

    /// Adds a character at or behind the end of what is there.
    pub fn push(&mut self, character: Character<'_>) {
        let Character {
            column,
            width,
            text,
            style,
            link,
        } = character;
        let is_certain = has_certain_width(text);
        if let Some(last) = self.spans.last_mut()
            && last.is_certain
            && is_certain
            && last.column + last.width == column
            && last.style == style
            && last.link.as_ref() == link
        {
            last.text.push_str(text);
            last.width += width;
            return;
        }
        self.spans.push(Span {
            column,
            width,
            text: text.to_owned(),
            style,
            link: link.cloned(),
            is_certain,
        });
    }

    /// Adds text of the program's own behind what is there, cut at `end`. Gives
    /// the column behind it.
    pub fn append(&mut self, text: &str, style: Style, end: usize) -> usize {
        let mut column = self.width();
        let mut buffer = [0; 4];
        for c in text.chars() {
            let (c, width) = match c.width() {
                Some(0) => continue,
                Some(width) => (c, width),
                None => ('�', 1),
            };
            if column + width > end {
                break;
            }
            self.push(Character {
                column,
                width,
                text: c.encode_utf8(&mut buffer),
                style,
                link: None,
            });
            column += width;
        }
        column
    }

    /// Adds text of the program's own at `column`, which is not before what is
    /// there.
    pub fn append_at(&mut self, column: usize, text: &str, style: Style, end: usize) {
        let pad = column.saturating_sub(self.width());
        self.append(&" ".repeat(pad), Style::default(), end);
        self.append(text, style, end);
    }

    /// Adds another line behind what is there, moved to start at `column`.
    pub fn append_line(&mut self, column: usize, other: Line) {
        self.spans.extend(other.spans.into_iter().map(|span| Span {
            column: column + span.column,
            ..span
        }));
    }

    /// Gives the columns `columns` another style, made from the one they have.
    pub fn restyle(&mut self, columns: Range<usize>, change: impl Fn(Style) -> Style) {
        let mut changed = Line::default();
        let mut buffer = [0; 4];
        for span in std::mem::take(&mut self.spans) {
            let is_outside =
                span.column >= columns.end || span.column + span.width <= columns.start;
            if is_outside || !span.is_certain {
                let style = if is_outside {
                    span.style
                } else {
                    change(span.style)
                };
                changed.spans.push(Span { style, ..span });
                continue;
            }
            let mut column = span.column;
            for c in span.text.chars() {
                let width = c.width().unwrap_or(1);
                let style = if columns.contains(&column) {
                    change(span.style)
                } else {
                    span.style
                };
                changed.push(Character {
                    column,
                    width,
                    text: c.encode_utf8(&mut buffer),
                    style,
                    link: span.link.as_ref(),
                });
                column += width;
            }
        }
        *self = changed;
    }
}

/// Row `y` of a screen, from column `left` on, `width` columns at most.
#[must_use]
pub fn row_of(screen: &Screen, y: usize, left: usize, width: usize) -> Line {
    let mut line = Line::default();
    let right = left + width;
    screen.each_character(Which::Shown, y, |character| {
        let style = resolved(screen, character.style);
        let (start, end) = (character.column, character.column + character.width);
        if start >= left && end <= right {
            line.push(Character {
                column: start - left,
                style,
                ..character
            });
            return;
        }
        // Half of it is seen.
        for column in start.max(left)..end.min(right) {
            line.push(Character {
                column: column - left,
                width: 1,
                text: " ",
                style,
                link: character.link,
            });
        }
    });
    line
}

/// The style with the colours that the program made of its palette.
fn resolved(screen: &Screen, style: Style) -> Style {
    let [fg, bg, _] = screen.default_colours();
    let palette = screen.palette();
    if palette.is_empty() && fg.is_none() && bg.is_none() {
        return style;
    }
    let of = |colour, default: Option<Colour>| match colour {
        Colour::Default => default.unwrap_or(Colour::Default),
        Colour::Basic(n) | Colour::Indexed(n) => palette
            .iter()
            .find(|(index, _)| *index == n)
            .map_or(colour, |(_, changed)| *changed),
        Colour::Rgb(..) => colour,
    };
    Style {
        fg: of(style.fg, fg),
        bg: of(style.bg, bg),
        underline: of(style.underline, None),
        attributes: style.attributes,
    }
}

/// Whether all terminals take the same number of columns for a character.
/// Emoji, joined characters and what is new in Unicode they do not agree on.
fn has_certain_width(text: &str) -> bool {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return false;
    };
    matches!(c,
        ' '..='~' | '\u{a1}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{2500}'..='\u{259f}'
        | '\u{3001}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff60}')
        && c != '\u{ad}'
}

/// A style of the program's own.
#[must_use]
pub fn ink(fg: Colour, attributes: Attributes) -> Style {
    Style {
        fg,
        attributes,
        ..Style::default()
    }
}
