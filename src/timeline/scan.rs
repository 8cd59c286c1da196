//! Goes through a cast once, from the start to its end, and keeps what makes any
//! moment quick to reach.
//!
//! A keyframe stands at least every 256 KiB of output and every 60 s in which
//! something changed. Most have no history: it counts only where the size
//! changes, since tmux then takes lines out of it. So a change of size has a
//! keyframe with the whole history right after it, or one stretch before it at
//! most; `replay` starts there when it meets one.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::index::{Index, KeptPosition, Keyframe, Resize};
use super::replay::{feed, resize};
use super::source::Bytes;
use super::store::Store;
use crate::cast::{Code, EventReader, Micros, ReadError, Strictness, TextBuffer};
use crate::screen::{BadState, Screen};

/// Bytes of output between two keyframes at most, but for a single event that is
/// longer.
pub(super) const STRETCH: u64 = 256 * 1024;

/// Time between two keyframes when something changed, in microseconds.
const INTERVAL: Micros = 60_000_000;

/// Bytes of the cast that one step reads, about.
const STEP: u64 = 1 << 20;

/// A state is saved again when this many times its length was printed, so that
/// saving huge screens costs little beside showing them.
const PER_STATE: u64 = 8;

/// How far a scan has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    pub place: KeptPosition,
    is_odd: bool,
    /// Output since the last keyframe, and since the last with the whole history.
    since: u64,
    since_full: u64,
    /// When the last keyframe was, and whether something came after it.
    keyed: Micros,
    has_changed: bool,
    /// The length of the last state of each kind.
    state: u64,
    full_state: u64,
}

/// A scan of a cast, at some place of it.
#[derive(Debug)]
pub(super) struct Scan {
    reader: EventReader<Bytes>,
    screen: Box<ScreenBox>,
    text: TextBuffer,
    progress: Progress,
    /// The last event was only a part of one.
    is_inside: bool,
    /// The history may have counted in it.
    breaks: bool,
}

/// A screen has no `Debug`.
pub(super) struct ScreenBox(pub Screen);

impl std::fmt::Debug for ScreenBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Screen").field(&self.0.size()).finish()
    }
}

impl Scan {
    /// A scan from the start.
    pub fn new(reader: EventReader<Bytes>, screen: Screen) -> Scan {
        let place = KeptPosition::from(reader.position());
        Scan {
            reader,
            screen: Box::new(ScreenBox(screen)),
            text: TextBuffer::default(),
            progress: Progress {
                place,
                is_odd: false,
                since: 0,
                since_full: 0,
                keyed: 0,
                has_changed: false,
                state: 0,
                full_state: 0,
            },
            is_inside: false,
            breaks: false,
        }
    }

    /// Goes on where another one stopped.
    pub fn resume(bytes: Bytes, progress: Progress, state: &[u8]) -> Result<Scan, BadState> {
        let screen = Screen::restore(state)?;
        let position = progress.place.position();
        let reader = EventReader::resume(bytes, position, Strictness::Forgiving);
        let mut scan = Scan::new(reader, screen);
        scan.progress = progress;
        Ok(scan)
    }

    /// Where it is, and the complete state of the screen there.
    pub fn save(&self) -> (Progress, Vec<u8>) {
        (self.progress.clone(), self.screen.0.save())
    }

    /// What was read so far.
    pub fn place(&self) -> KeptPosition {
        self.progress.place
    }

    /// Goes on a bit. Gives whether there may be more: not at the end of the cast
    /// as it is now.
    pub fn step(&mut self, index: &mut Index, keeper: &mut Keeper<'_>) -> Result<bool, ReadError> {
        let enough = self.place().offset() + STEP;
        loop {
            let Some(event) = self.reader.next()? else {
                return Ok(false);
            };
            let (time, code, continues) = (event.time, event.code, event.continues);
            let size = event.size();
            let text = match code {
                Code::Output | Code::Marker => event.data.decode(&mut self.text),
                _ => "",
            };
            if !self.is_inside {
                let keyed = &mut self.progress;
                let printed = if code == Code::Output { text.len() } else { 0 };
                let due = keyed.since + printed as u64 > STRETCH.max(PER_STATE * keyed.state)
                    && keyed.since > 0
                    || keyed.has_changed && time.saturating_sub(keyed.keyed) >= INTERVAL;
                if due {
                    keyed.add(&self.screen.0, false, index, keeper);
                }
                index.add_event(time);
            }
            match code {
                Code::Output => {
                    index.add_output(time, text.len());
                    self.progress.since += text.len() as u64;
                    self.progress.since_full += text.len() as u64;
                    let is_odd = &mut self.progress.is_odd;
                    self.breaks |= feed(&mut self.screen.0, is_odd, text);
                    for mark in self.screen.0.take_marks() {
                        index.commands.add(time, mark);
                    }
                }
                Code::Marker => index.add_marker(time, text),
                Code::Resize => {
                    if let Some((columns, rows)) = size {
                        let is_odd = &mut self.progress.is_odd;
                        self.breaks |= resize(&mut self.screen.0, is_odd, columns, rows);
                        index.add_resize(Resize {
                            time,
                            columns,
                            rows,
                        });
                    }
                }
                _ => {}
            }
            self.progress.has_changed = true;
            self.is_inside = continues;
            if continues {
                continue;
            }
            self.progress.place = self.reader.position().into();
            let progress = &mut self.progress;
            let breaks = std::mem::take(&mut self.breaks);
            if breaks && progress.since_full > STRETCH.max(PER_STATE * progress.full_state) {
                progress.add(&self.screen.0, true, index, keeper);
            }
            if progress.place.offset() >= enough {
                return Ok(true);
            }
        }
    }
}

/// Takes the states of keyframes, until one cannot be written.
pub(super) struct Keeper<'a> {
    pub store: &'a mut Store,
    pub cache: Option<&'a Path>,
    pub trouble: &'a mut Option<io::Error>,
}

impl Keeper<'_> {
    fn keep(&mut self, state: &[u8]) -> Option<(usize, usize)> {
        if self.trouble.is_some() {
            return None;
        }
        match self.store.add(state, self.cache) {
            Ok(place) => Some(place),
            Err(error) => {
                *self.trouble = Some(error);
                None
            }
        }
    }
}

impl Progress {
    /// Adds a keyframe here.
    fn add(&mut self, screen: &Screen, is_full: bool, index: &mut Index, keeper: &mut Keeper<'_>) {
        let state = if is_full {
            screen.save()
        } else {
            screen.save_with_history(0)
        };
        if let Some((group, start)) = keeper.keep(&state) {
            index.keyframes.push(Keyframe {
                place: self.place,
                is_full,
                is_odd: self.is_odd,
                group,
                start,
                length: state.len(),
            });
        }
        self.since = 0;
        self.keyed = self.place.time();
        self.has_changed = false;
        if is_full {
            self.since_full = 0;
            self.full_state = state.len() as u64;
        } else {
            self.state = state.len() as u64;
        }
    }
}
