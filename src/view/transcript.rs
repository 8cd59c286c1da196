//! A recording as text: what was shown, each line once.

use std::io::{self, Write};

use crate::cast::{Code, Event, EventSink, Header, Micros, TextBuffer};
use crate::screen::{Shown, ShownLine};
use crate::timeline::rules_of;

/// How much is gathered before it is written, in bytes.
const GATHERED: usize = 128 * 1024;

/// Writes what was shown, a line each: see [`Shown`] for what counts. Memory does
/// not grow with the recording.
pub struct Transcript<W> {
    output: W,
    /// Each line has the time at which it appeared before it: `[h:mm:ss] `.
    timestamps: bool,
    shown: Option<Shown>,
    decoded: TextBuffer,
    text: String,
    /// The last line goes on.
    is_open: bool,
    /// The time at which the present source starts.
    base: Micros,
    last: Micros,
}

impl<W: Write> Transcript<W> {
    /// Writes to `output`, in large pieces.
    pub fn new(output: W, timestamps: bool) -> Transcript<W> {
        Transcript {
            output,
            timestamps,
            shown: None,
            decoded: TextBuffer::default(),
            text: String::with_capacity(GATHERED + GATHERED / 4),
            is_open: false,
            base: 0,
            last: 0,
        }
    }

    /// Ends the text with what is still shown; gives back what it was written to.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(shown) = &mut self.shown {
            shown.finish(self.last);
        }
        self.write_shown(0)?;
        self.output.flush()?;
        Ok(self.output)
    }

    /// Takes the lines that are known by now, and writes once there are more than
    /// `most` bytes of them.
    fn write_shown(&mut self, most: usize) -> io::Result<()> {
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        while let Some(line) = shown.next_line() {
            if self.timestamps && !self.is_open {
                push_time(line.first, &mut self.text);
            }
            let ShownLine {
                text, continues, ..
            } = line;
            self.text.push_str(&text);
            self.is_open = continues;
            if !continues {
                self.text.push('\n');
            }
        }
        if self.text.len() > most {
            self.output.write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}

fn push_time(time: Micros, out: &mut String) {
    let seconds = time / 1_000_000;
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
    *out += &format!("[{hours}:{minutes:02}:{:02}] ", seconds % 60);
}

impl<W: Write> EventSink for Transcript<W> {
    fn start(&mut self, header: &Header) -> io::Result<()> {
        let (columns, rows) = (header.width, header.height);
        match &mut self.shown {
            Some(shown) => shown.resize(self.last, columns, rows),
            None => {
                self.shown = Some(Shown::new(columns, rows, rules_of(header)));
            }
        }
        Ok(())
    }

    fn event(&mut self, time: Micros, event: &Event<'_>) -> io::Result<()> {
        self.last = self.last.max(self.base + time);
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        if event.code == Code::Output {
            let text = event.data.decode(&mut self.decoded);
            shown.feed(self.last, text.as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            shown.resize(self.last, columns, rows);
        } else {
            return Ok(());
        }
        self.write_shown(GATHERED)
    }

    fn marker(&mut self, _: Micros, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn end_source(&mut self, duration: Micros) {
        self.base += duration;
    }
}
