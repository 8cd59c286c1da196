//! Shows a cast from some place of it on.
//!
//! Most keyframes have no history. Where it counts ([`feed`] and [`resize`] tell),
//! a replay that started at one of those takes the screen from the last keyframe
//! that has it, so that what is shown is what it would be from the start.

use super::index::KeptPosition;
use super::source::Bytes;
use super::{Timeline, TimelineError};
use crate::cast::{Code, Event, EventReader, Micros, Position, TextBuffer};
use crate::screen::Screen;

/// Feeds output. `is_odd`: the alternate screen is shown in another size than the
/// one that it was entered in. Gives whether the history may have counted.
pub(super) fn feed(screen: &mut Screen, is_odd: &mut bool, text: &str) -> bool {
    screen.feed(text.as_bytes());
    if !*is_odd {
        return false;
    }
    *is_odd = screen.is_alternate();
    // It may have been left and entered again.
    !*is_odd || text.contains("47l") || text.contains("49l")
}

/// Sets the size; the same as [`feed`] otherwise.
pub(super) fn resize(screen: &mut Screen, is_odd: &mut bool, columns: u16, rows: u16) -> bool {
    if screen.size() == (columns, rows) {
        return false;
    }
    screen.resize(columns, rows);
    *is_odd = screen.is_alternate();
    true
}

/// A screen and the events that come next.
pub(super) struct Replay {
    timeline: Timeline,
    reader: EventReader<Bytes>,
    pub screen: Screen,
    text: TextBuffer,
    position: Position,
    /// The screen has the whole history.
    is_full: bool,
    is_odd: bool,
    /// The history may have counted in the event that is being shown.
    breaks: bool,
    pending: Option<Pending>,
    /// Set when another screen took the place of the one that was shown.
    pub is_replaced: bool,
}

/// An event that was read and not shown.
struct Pending {
    time: Micros,
    code: Code,
    size: Option<(u16, u16)>,
    text: String,
    continues: bool,
}

/// What an event did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Output,
    Resized,
    Marker(String),
    Nothing,
}

/// Where a replay starts.
pub(super) struct ReplayStart {
    pub reader: EventReader<Bytes>,
    pub screen: Screen,
    pub is_full: bool,
    pub is_odd: bool,
}

impl Replay {
    pub fn new(timeline: &Timeline, start: ReplayStart) -> Replay {
        Replay {
            timeline: timeline.clone(),
            position: start.reader.position(),
            reader: start.reader,
            screen: start.screen,
            text: TextBuffer::default(),
            is_full: start.is_full,
            is_odd: start.is_odd,
            breaks: false,
            pending: None,
            is_replaced: false,
        }
    }

    /// Behind the last event that was shown whole.
    pub fn place(&self) -> KeptPosition {
        self.position.into()
    }

    /// The screen's state, and what goes with it: whether it has the whole history,
    /// and whether it is odd.
    pub fn save(&self) -> (Vec<u8>, bool, bool) {
        let state = if self.is_full {
            self.screen.save()
        } else {
            self.screen.save_with_history(0)
        };
        (state, self.is_full, self.is_odd)
    }

    /// The time of the next event; `None` at the end of what is there.
    pub fn peek(&mut self) -> Result<Option<Micros>, TimelineError> {
        if self.pending.is_none() {
            let text = &mut self.text;
            let event = self.reader.next()?;
            self.pending = event.map(|event| Pending {
                time: event.time,
                code: event.code,
                size: event.size(),
                text: shown_text(&event, text).to_owned(),
                continues: event.continues,
            });
        }
        Ok(self.pending.as_ref().map(|event| event.time))
    }

    /// Shows the event that [`Replay::peek`] found.
    pub fn show(&mut self) -> Result<Shown, TimelineError> {
        let Some(event) = self.pending.take() else {
            return Ok(Shown::Nothing);
        };
        let shown = match event.code {
            Code::Output => {
                self.breaks |= feed(&mut self.screen, &mut self.is_odd, &event.text);
                Shown::Output
            }
            Code::Resize => match event.size {
                Some((columns, rows)) => {
                    self.breaks |= resize(&mut self.screen, &mut self.is_odd, columns, rows);
                    Shown::Resized
                }
                None => Shown::Nothing,
            },
            Code::Marker => Shown::Marker(event.text),
            _ => Shown::Nothing,
        };
        self.end_event(event.continues)?;
        Ok(shown)
    }

    /// Shows all events up to `time`, that one included.
    pub fn run_to_time(&mut self, time: Micros) -> Result<(), TimelineError> {
        self.run(|event| event.time <= time)
    }

    /// Shows all events that end at the byte `offset` or before it.
    pub fn run_to_offset(&mut self, offset: u64) -> Result<(), TimelineError> {
        self.run(|event| event.offset < offset)
    }

    fn run(&mut self, goes_on: impl Fn(&Event<'_>) -> bool) -> Result<(), TimelineError> {
        loop {
            let Some(event) = self.reader.next()? else {
                return Ok(());
            };
            let text = shown_text(&event, &mut self.text);
            if !goes_on(&event) {
                self.pending = Some(Pending {
                    time: event.time,
                    code: event.code,
                    size: event.size(),
                    text: text.to_owned(),
                    continues: event.continues,
                });
                return Ok(());
            }
            if event.code == Code::Output {
                self.breaks |= feed(&mut self.screen, &mut self.is_odd, text);
            } else if let Some((columns, rows)) = event.size() {
                self.breaks |= resize(&mut self.screen, &mut self.is_odd, columns, rows);
            }
            let continues = event.continues;
            self.end_event(continues)?;
        }
    }

    fn end_event(&mut self, continues: bool) -> Result<(), TimelineError> {
        if continues {
            return Ok(());
        }
        self.position = self.reader.position();
        if std::mem::take(&mut self.breaks) && !self.is_full {
            let (screen, is_odd) = self.timeline.full_screen(self.position)?;
            self.screen = screen;
            self.is_odd = is_odd;
            self.is_full = true;
            self.is_replaced = true;
        }
        Ok(())
    }

    pub fn into_screen(self) -> (Screen, bool) {
        (self.screen, self.is_odd)
    }
}

fn shown_text<'a>(event: &Event<'a>, buffer: &'a mut TextBuffer) -> &'a str {
    match event.code {
        Code::Output | Code::Marker => event.data.decode(buffer),
        _ => "",
    }
}
