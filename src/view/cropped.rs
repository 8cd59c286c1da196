//! A recording of a part of its screen: the first columns and rows, drawn again.

use std::fmt::Write as _;
use std::io;

use super::paint::{push_colours, push_link};
use crate::cast::{Code, Event, EventSink, Header, Micros, Text, TextBuffer};
use crate::screen::{Colour, Screen, Style, Which};
use crate::timeline::rules_of;

/// Gives a sink the first columns and rows of what is shown. Rows are drawn again
/// where they changed, so nothing outside of the part moves what is in it; what only
/// programs see (modes, scroll regions, the normal screen behind the alternate one)
/// is left out.
pub struct Cropped<'a> {
    sink: &'a mut dyn EventSink,
    columns: u16,
    rows: u16,
    screen: Option<Screen>,
    /// The size that the sink knows.
    size: (u16, u16),
    title: String,
    colours: (Vec<(u8, Colour)>, [Option<Colour>; 3]),
    decoded: TextBuffer,
}

impl<'a> Cropped<'a> {
    /// At most `columns` and `rows` go to `sink`.
    pub fn new(sink: &'a mut dyn EventSink, columns: u16, rows: u16) -> Cropped<'a> {
        Cropped {
            sink,
            columns,
            rows,
            screen: None,
            size: (0, 0),
            title: String::new(),
            colours: (Vec::new(), [None; 3]),
            decoded: TextBuffer::default(),
        }
    }

    fn cropped(&self, (columns, rows): (u16, u16)) -> (u16, u16) {
        (columns.min(self.columns), rows.min(self.rows))
    }

    /// Sets the size of the screen that is cropped.
    fn resize(&mut self, time: Micros, event: &Event<'_>, size: (u16, u16)) -> io::Result<()> {
        if let Some(screen) = &mut self.screen {
            screen.resize(size.0, size.1);
        }
        let cropped = self.cropped(size);
        if cropped != self.size {
            self.size = cropped;
            let text = format!("{}x{}", cropped.0, cropped.1);
            let resize = Event {
                code: Code::Resize,
                data: Text::plain(&text),
                ..*event
            };
            self.sink.event(time, &resize)?;
        }
        self.show(time, event)
    }

    /// Gives the sink what changed.
    fn show(&mut self, time: Micros, event: &Event<'_>) -> io::Result<()> {
        let out = self.drawn();
        let output = Event {
            code: Code::Output,
            data: Text::plain(&out),
            continues: false,
            ..*event
        };
        self.sink.event(time, &output)
    }

    fn drawn(&mut self) -> String {
        let mut out = String::new();
        let Some(screen) = &mut self.screen else {
            return out;
        };
        let changed = screen.take_changed();
        if screen.title() != self.title {
            screen.title().clone_into(&mut self.title);
            let _ = write!(out, "\x1b]2;{}\x1b\\", self.title);
        }
        let colours = (screen.palette().to_vec(), screen.default_colours());
        if colours != self.colours {
            out.push_str("\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\");
            push_colours(screen, &mut out);
            self.colours = colours;
        }
        let (columns, rows) = (usize::from(self.size.0), usize::from(self.size.1));
        // A character in the last column must not wrap.
        out.push_str("\x1b[?25l\x1b[?7l");
        for row in changed.into_iter().filter(|row| *row < rows) {
            push_row(screen, row, columns, &mut out);
        }
        let cursor = screen.cursor();
        if cursor.row < rows && cursor.column < columns {
            let _ = write!(out, "\x1b[{};{}H", cursor.row + 1, cursor.column + 1);
            if cursor.visible {
                out.push_str("\x1b[?25h");
            }
        }
        out
    }
}

/// Draws the first columns of a row.
fn push_row(screen: &Screen, row: usize, columns: usize, out: &mut String) {
    let _ = write!(out, "\x1b[{};1H\x1b[m\x1b[2K", row + 1);
    let mut last = Style::default();
    screen.each_character(Which::Shown, row, |character| {
        if character.column + character.width > columns {
            return;
        }
        if character.style != last {
            character.style.push_sgr(out);
            last = character.style;
        }
        if let Some(link) = character.link {
            push_link(link, out);
        }
        out.push_str(character.text);
        if character.link.is_some() {
            out.push_str("\x1b]8;;\x1b\\");
        }
    });
    if last != Style::default() {
        out.push_str("\x1b[m");
    }
}

impl EventSink for Cropped<'_> {
    fn start(&mut self, header: &Header) -> io::Result<()> {
        let size = (header.width, header.height);
        match &mut self.screen {
            Some(screen) => screen.resize(size.0, size.1),
            None => self.screen = Some(Screen::new(size.0, size.1, rules_of(header))),
        }
        self.size = self.cropped(size);
        self.sink.start(&Header {
            width: self.size.0,
            height: self.size.1,
            ..header.clone()
        })
    }

    fn event(&mut self, time: Micros, event: &Event<'_>) -> io::Result<()> {
        if event.code == Code::Output {
            if let Some(screen) = &mut self.screen {
                screen.feed(event.data.decode(&mut self.decoded).as_bytes());
            }
            return self.show(time, event);
        }
        match event.size() {
            Some(size) => self.resize(time, event, size),
            None => self.sink.event(time, event),
        }
    }

    fn marker(&mut self, time: Micros, label: &str) -> io::Result<()> {
        self.sink.marker(time, label)
    }

    fn end_source(&mut self, duration: Micros) {
        self.sink.end_source(duration);
    }
}
