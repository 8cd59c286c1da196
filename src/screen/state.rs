//! The complete state as bytes, and back.
//!
//! Restoring and feeding the rest gives the same screen as feeding all, also when
//! the state was saved inside of a sequence or a character. Two screens that behave
//! the same have the same bytes. Numbers are little-endian base 128; a style, a link
//! or a text in it stands where it is used first and is a number from then on.

use std::collections::HashMap;
use std::fmt;

use super::cell::{Attributes, Cell, Colour, Ink};
use super::grid::Row;
use super::marks::{Mark, Marked};
use super::parse::{INTERMEDIATES, PARAMETERS, STRING, State};
use super::pool::Link;
use super::rules::Rules;
use super::terminal::{LARGEST, Modes, Normal, Pen, SavedCursor, Screen, possible};

const FORMAT: u8 = 3;
/// Blank cells at the ends of rows that a state may have: more than a screen and a
/// history that are full.
const BLANK: usize = 16 << 20;

/// Bytes that are no saved state, or one of another version of tvmux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadState;

impl fmt::Display for BadState {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("this is no saved screen of this version of tvmux")
    }
}

impl std::error::Error for BadState {}

type Result<T> = std::result::Result<T, BadState>;

impl Screen {
    /// The complete state.
    pub fn save(&self) -> Vec<u8> {
        self.save_with_history(usize::MAX)
    }

    /// The complete state but for the history, of which only the newest `rows` stay.
    pub fn save_with_history(&self, rows: usize) -> Vec<u8> {
        let mut out = Writer {
            screen: self,
            bytes: vec![FORMAT, self.rules.number()],
            styles: HashMap::new(),
            links: HashMap::new(),
        };
        out.screen(rows);
        out.bytes
    }

    /// The screen of a saved state, ready for the bytes that follow.
    pub fn restore(bytes: &[u8]) -> Result<Screen> {
        Reader {
            rest: bytes,
            blank: BLANK,
            styles: Vec::new(),
            links: Vec::new(),
        }
        .screen()
    }
}

struct Writer<'a> {
    screen: &'a Screen,
    bytes: Vec<u8>,
    styles: HashMap<Ink, usize>,
    links: HashMap<u32, usize>,
}

impl Writer<'_> {
    fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    fn flag(&mut self, flag: bool) {
        self.bytes.push(u8::from(flag));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn colour(&mut self, colour: Colour) {
        self.number(u64::from(colour.packed()));
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn style(&mut self, style: &Ink) {
        let next = self.styles.len();
        let place = *self.styles.entry(*style).or_insert(next);
        self.size(place);
        if place != next {
            return;
        }
        for colour in [style.fg, style.bg, style.underline] {
            self.number(u64::from(colour));
        }
        self.number(u64::from(style.attributes.0));
        let link = self.screen.pool.link_at(style.link);
        self.option(link, |out, link| {
            let next = out.links.len();
            let place = *out.links.entry(style.link).or_insert(next);
            out.size(place);
            if place == next {
                out.bytes(link.id.as_bytes());
                out.bytes(link.uri.as_bytes());
            }
        });
    }

    fn pen(&mut self, pen: &Pen) {
        self.style(&pen.style);
        self.flag(pen.drawing[0]);
        self.flag(pen.drawing[1]);
        self.flag(pen.shifted);
    }

    /// Cells that share style and flags stand together.
    fn row(&mut self, row: &Row) {
        self.number((row.used as u64) << 1 | u64::from(row.wrapped));
        // Of blank cells at the end only the number counts.
        let end = row.cells.iter().rposition(|cell| *cell != Cell::BLANK);
        let cells = &row.cells[..end.map_or(0, |last| last + 1)];
        self.size(cells.len());
        for run in cells.chunk_by(|a, b| a.style() == b.style() && a.flags() == b.flags()) {
            self.size(run.len());
            self.bytes.push(run[0].flags());
            let style = *self.screen.pool.style_at(run[0].style());
            self.style(&style);
            let mut text = String::new();
            for cell in run {
                text.clear();
                self.screen.pool.push_code(*cell, &mut text);
                if cell.is_cluster() {
                    self.bytes(text.as_bytes());
                } else {
                    self.number(u64::from(cell.code()));
                }
            }
        }
        self.size(row.cells.len() - cells.len());
    }

    fn screen(&mut self, most: usize) {
        let screen = self.screen;
        let grid = &screen.grid;
        let left_out = grid.history.saturating_sub(most);
        self.size(grid.columns);
        self.size(grid.height);
        self.size(grid.limit);
        self.size(grid.history - left_out);
        self.size(grid.scrolled.min(grid.history - left_out));
        self.number(grid.dropped + left_out as u64);
        self.number(screen.handed_out);
        for row in grid.rows.iter().skip(left_out) {
            self.row(row);
        }
        self.option(screen.normal.as_ref(), |out, normal| {
            out.size(normal.columns);
            out.size(normal.height);
            normal.rows.iter().for_each(|row| out.row(row));
        });
        self.option(screen.normal_cursor, |out, (x, y, style)| {
            out.size(x);
            out.size(y);
            out.style(&style);
        });
        for size in [screen.x, screen.y, screen.top, screen.bottom] {
            self.size(size);
        }
        self.number(u64::from(screen.modes.0));
        let tabs = &screen.tabs;
        self.size(tabs.iter().filter(|tab| **tab).count());
        for (x, _) in tabs.iter().enumerate().filter(|(_, tab)| **tab) {
            self.size(x);
        }
        self.pen(&screen.pen);
        self.pen(&screen.saved.pen);
        self.size(screen.saved.x);
        self.size(screen.saved.y);
        self.flag(screen.saved.origin);
        self.option(screen.last, |out, c| out.number(u64::from(u32::from(c))));
        self.flag(screen.joining);
        self.parser();
        self.bytes(screen.title.as_bytes());
        self.size(screen.titles.len());
        for title in &screen.titles {
            self.bytes(title.as_bytes());
        }
        self.bytes(screen.folder.as_bytes());
        self.bytes.push(screen.cursor_style);
        for colour in screen.default_colours {
            self.option(colour, Self::colour);
        }
        self.size(screen.palette.len());
        for (index, colour) in &screen.palette {
            self.bytes.push(*index);
            self.colour(*colour);
        }
        self.marks();
    }

    fn parser(&mut self) {
        let parser = &self.screen.parser;
        let idle = parser.state == State::Ground;
        let place = State::ALL.iter().position(|state| *state == parser.state);
        self.size(place.unwrap_or(0));
        // What is left of the last sequence says nothing.
        let used = |bytes: &'_ [u8]| if idle { Vec::new() } else { bytes.to_vec() };
        self.bytes(&used(&parser.parameters));
        self.bytes(&used(&parser.intermediates));
        self.bytes(&used(&parser.string));
        self.flag(parser.overlong && !idle);
        self.bytes(&parser.partial);
    }

    fn marks(&mut self) {
        let marks = &self.screen.marks;
        self.size(marks.waiting.len());
        for marked in &marks.waiting {
            match &marked.mark {
                Mark::Prompt => self.bytes.push(0),
                Mark::Input => self.bytes.push(1),
                Mark::Output { command } => {
                    self.bytes.push(2);
                    self.option(command.as_ref(), |out, text| out.bytes(text.as_bytes()));
                }
                Mark::Finished { status } => {
                    self.bytes.push(3);
                    self.option(*status, |out, status| out.number(u64::from(status as u32)));
                }
            }
            self.number(marked.row);
            self.size(marked.column);
            let folder = marked
                .folder
                .as_ref()
                .map(|folder| folder.to_string_lossy());
            self.option(folder, |out, folder| out.bytes(folder.as_bytes()));
        }
        self.option(marks.input, |out, (row, column)| {
            out.number(row);
            out.size(column);
        });
        self.option(marks.command.as_ref(), |out, text| {
            out.bytes(text.as_bytes())
        });
        self.option(marks.folder.as_ref(), |out, text| {
            out.bytes(text.as_bytes())
        });
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Blank cells that may still come: few bytes stand for many of them.
    blank: usize,
    styles: Vec<Ink>,
    links: Vec<Link>,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(BadState)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BadState)
    }

    /// A number of at most `most`.
    fn up_to(&mut self, most: usize) -> Result<usize> {
        let number = usize::try_from(self.number()?).map_err(|_| BadState)?;
        if number <= most {
            Ok(number)
        } else {
            Err(BadState)
        }
    }

    fn flag(&mut self) -> Result<bool> {
        Ok(self.byte()? != 0)
    }

    fn bytes(&mut self, most: usize) -> Result<&'a [u8]> {
        let length = self.up_to(most.min(self.rest.len()))?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(BadState)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String> {
        let bytes = self.bytes(usize::MAX)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| BadState)
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    fn colour(&mut self) -> Result<Colour> {
        let packed = u32::try_from(self.number()?).map_err(|_| BadState)?;
        Colour::unpacked(packed).ok_or(BadState)
    }

    fn style(&mut self, screen: &mut Screen) -> Result<Ink> {
        let place = self.up_to(self.styles.len())?;
        if let Some(style) = self.styles.get(place) {
            return Ok(*style);
        }
        let mut colour = || self.colour().map(Colour::packed);
        let (fg, bg, underline) = (colour()?, colour()?, colour()?);
        let attributes = Attributes(u16::try_from(self.number()?).map_err(|_| BadState)?);
        let link = self.option(|from| {
            let place = from.up_to(from.links.len())?;
            if place == from.links.len() {
                let (id, uri) = (from.text()?.into(), from.text()?.into());
                from.links.push(Link { id, uri });
            }
            Ok(from.links[place].clone())
        })?;
        let style = Ink {
            fg,
            bg,
            underline,
            attributes,
            link: link.map_or(0, |link| screen.pool.link(link)),
        };
        self.styles.push(style);
        Ok(style)
    }

    fn pen(&mut self, screen: &mut Screen) -> Result<Pen> {
        Ok(Pen {
            style: self.style(screen)?,
            drawing: [self.flag()?, self.flag()?],
            shifted: self.flag()?,
        })
    }

    fn row(&mut self, screen: &mut Screen) -> Result<Row> {
        let head = self.up_to(2 * usize::from(u16::MAX) + 1)?;
        let length = self.up_to(usize::from(u16::MAX))?;
        let mut row = Row {
            used: head >> 1,
            wrapped: head & 1 != 0,
            generation: 0,
            cells: Vec::new(),
        };
        while row.cells.len() < length {
            let run = self.up_to(length - row.cells.len())?.max(1);
            let flags = self.byte()?;
            let style = self.style(screen)?;
            let style = screen.pool.style(&style);
            let is_cluster = Cell::flags_of_cluster(flags);
            for _ in 0..run {
                let code = if is_cluster {
                    let text = self.text()?;
                    screen.pool.cluster(&text)
                } else {
                    self.up_to(0x10_ffff)? as u32
                };
                row.cells
                    .push(Cell::from_parts(code, flags, style).ok_or(BadState)?);
            }
        }
        let blank = self.up_to(self.blank)?;
        self.blank -= blank;
        row.reach(length + blank);
        Ok(row)
    }

    fn screen(mut self) -> Result<Screen> {
        if self.byte()? != FORMAT {
            return Err(BadState);
        }
        let rules = Rules::of_number(self.byte()?).ok_or(BadState)?;
        let sides = (self.up_to(10_000)?, self.up_to(10_000)?);
        let limit = usize::try_from(self.number()?).map_err(|_| BadState)?;
        if possible(sides.0 as u16, sides.1 as u16) != sides {
            return Err(BadState);
        }
        let (columns, height) = (sides.0 as u16, sides.1 as u16);
        let mut screen = Screen::with_history(columns, height, rules, limit);
        let (columns, height) = sides;
        screen.grid.history = self.up_to(self.rest.len())?;
        screen.grid.scrolled = self.up_to(screen.grid.history)?;
        screen.grid.dropped = self.number()?;
        screen.handed_out = self.number()?;
        screen.grid.rows.clear();
        for _ in 0..screen.grid.history + height {
            let row = self.row(&mut screen)?;
            screen.grid.rows.push_back(row);
        }
        screen.normal = self.option(|from| {
            let sides = (from.up_to(10_000)?, from.up_to(10_000)?);
            if possible(sides.0 as u16, sides.1 as u16) != sides {
                return Err(BadState);
            }
            let rows = (0..sides.1)
                .map(|_| from.row(&mut screen))
                .collect::<Result<_>>()?;
            Ok(Normal {
                rows,
                columns: sides.0,
                height: sides.1,
            })
        })?;
        screen.grid.keeps = screen.normal.is_none();
        screen.normal_cursor = self.option(|from| {
            let (x, y) = (from.up_to(10_000)?, from.up_to(10_000)?);
            Ok((x, y, from.style(&mut screen)?))
        })?;
        // Not reflown, it may be behind the last column.
        screen.x = self.up_to(2 * usize::from(LARGEST))?;
        screen.y = self.up_to(height - 1)?;
        screen.top = self.up_to(height - 1)?;
        screen.bottom = self.up_to(height - 1)?;
        if screen.top > screen.bottom {
            return Err(BadState);
        }
        screen.modes = Modes(self.up_to(Modes::ALL as usize)? as u32);
        screen.tabs.fill(false);
        for _ in 0..self.up_to(columns)? {
            let x = self.up_to(columns - 1)?;
            screen.tabs[x] = true;
        }
        screen.pen = self.pen(&mut screen)?;
        screen.saved = SavedCursor {
            pen: self.pen(&mut screen)?,
            x: self.up_to(10_000)?,
            y: self.up_to(10_000)?,
            origin: self.flag()?,
        };
        screen.last = self.option(|from| {
            let code = from.up_to(0x10_ffff)?;
            char::from_u32(code as u32).ok_or(BadState)
        })?;
        screen.joining = self.flag()?;
        self.parser(&mut screen)?;
        screen.title = self.text()?;
        for _ in 0..self.up_to(self.rest.len())? {
            let title = self.text()?;
            screen.titles.push(title);
        }
        screen.folder = self.text()?;
        screen.cursor_style = self.byte()?;
        for at in 0..3 {
            screen.default_colours[at] = self.option(Self::colour)?;
        }
        for _ in 0..self.up_to(256)? {
            let entry = (self.byte()?, self.colour()?);
            screen.palette.push(entry);
        }
        self.marks(&mut screen)?;
        if self.rest.is_empty() {
            Ok(screen)
        } else {
            Err(BadState)
        }
    }

    fn parser(&mut self, screen: &mut Screen) -> Result<()> {
        let parser = &mut screen.parser;
        parser.state = State::ALL[self.up_to(State::ALL.len() - 1)?];
        parser.parameters = self.bytes(PARAMETERS)?.to_vec();
        let is_parameter = |byte: &u8| (b'0'..=b';').contains(byte);
        if !parser.parameters.iter().all(is_parameter) {
            return Err(BadState);
        }
        parser.intermediates = self.bytes(INTERMEDIATES)?.to_vec();
        parser.string = self.bytes(STRING)?.to_vec();
        parser.overlong = self.flag()?;
        parser.partial = self.bytes(3)?.to_vec();
        if parser
            .partial
            .first()
            .is_some_and(|first| !(0xc2..=0xf4).contains(first))
        {
            return Err(BadState);
        }
        Ok(())
    }

    fn marks(&mut self, screen: &mut Screen) -> Result<()> {
        for _ in 0..self.up_to(self.rest.len())? {
            let mark = match self.byte()? {
                0 => Mark::Prompt,
                1 => Mark::Input,
                2 => Mark::Output {
                    command: self.option(Self::text)?,
                },
                3 => Mark::Finished {
                    status: self.option(|from| Ok(from.number()? as u32 as i32))?,
                },
                _ => return Err(BadState),
            };
            let (row, column) = (self.number()?, self.up_to(10_000)?);
            let folder = self.option(Self::text)?.map(Into::into);
            screen.marks.waiting.push_back(Marked {
                mark,
                row,
                column,
                folder,
            });
        }
        let input = self.option(|from| Ok((from.number()?, from.up_to(10_000)?)))?;
        screen.marks.input = input;
        screen.marks.command = self.option(Self::text)?;
        screen.marks.folder = self.option(Self::text)?;
        Ok(())
    }
}
