//! A cast at any moment.
//!
//! [`Timeline::open`] takes any cast of any recorder, also one that grows, and
//! looks only at its start. Going through it once ([`Timeline::cover`], in steps,
//! from any thread) leaves a keyframe at least every 256 KiB of output: from then
//! on any moment ([`Timeline::at`]) is a saved screen and what follows it, and
//! [`Timeline::frames`] and [`Timeline::frames_back`] start there. What is asked
//! for before that is found by going through the cast as far as it takes. Keyframes
//! are kept in the user's cache folder (`cache`); they may be deleted at any time.
//!
//! Knows no daemon, no tmux and no terminal.

mod cache;
mod commands;
mod folding;
mod frames;
mod index;
mod known;
mod moment;
mod parts;
mod replay;
mod scan;
mod source;
mod store;

use std::fmt;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::cast::{EventReader, Foreign, Header, Marker, Micros, Position, ReadError, Strictness};
use crate::folders;
use crate::screen::{Rules, Screen};

use index::{Index, Keyframe};
use known::State;
use replay::{Replay, ReplayStart};
use source::{Bytes, Source};

pub use commands::Command;
pub(crate) use commands::Commands;
pub use folding::Folding;
pub use frames::{Frame, Frames, FramesBack};
pub use index::{Activity, PAUSE, Resize};
pub use moment::{Moment, MomentError};

/// Bytes at the end of a cast that are looked at to guess how long it takes.
const TAIL: u64 = 64 * 1024;

/// Why a cast cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Open { path: PathBuf, source: io::Error },
    /// The file is something else.
    #[error("{} is not a cast but {}", .path.display(), .foreign.name())]
    Foreign { path: PathBuf, foreign: Foreign },
    /// It is no cast, or reading it failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// How a cast is opened.
#[derive(Clone, Debug, Default)]
pub struct TimelineOptions {
    /// The folder for keyframes, which is there; without it they last as long as
    /// the [`Timeline`].
    pub cache: Option<PathBuf>,
    /// The rules of the terminal; without, those that the header suggests.
    pub rules: Option<Rules>,
    /// Only the file that is named, though its recording goes on in others.
    pub alone: bool,
}

impl TimelineOptions {
    /// With the user's cache folder, if that can be used.
    #[must_use]
    pub fn of_user() -> TimelineOptions {
        TimelineOptions {
            cache: folders::cache("timeline").ok(),
            ..TimelineOptions::default()
        }
    }
}

/// A cast, and what is known of it. Copies are the same one: any thread may ask, and
/// any may go through it.
#[derive(Clone)]
pub struct Timeline {
    shared: Arc<Shared>,
}

struct Shared {
    source: Source,
    header: Header,
    rules: Rules,
    /// The file for what is known, if it is kept.
    cache: Option<PathBuf>,
    state: Mutex<State>,
    /// Threads that wait for the state.
    waiting: AtomicUsize,
}

/// How far a cast was gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Bytes of the cast.
    pub bytes: u64,
    /// The time of the last event that was read, in microseconds.
    pub time: Micros,
    /// That was all there was.
    pub is_whole: bool,
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("source", &self.shared.source)
            .field("coverage", &self.coverage())
            .finish()
    }
}

impl Timeline {
    /// Opens a cast, also one that is being written, or compressed, and with it the
    /// parts in which its recording goes on ([`crate::chain`]). What can be read
    /// only once, or was compressed by other programs, is copied to a temporary file
    /// as it comes.
    ///
    /// # Errors
    /// When the file cannot be read or does not start as a cast does.
    pub fn open(path: &Path, options: TimelineOptions) -> Result<Timeline, TimelineError> {
        Timeline::of_source(Source::open(path, options.alone)?, options)
    }

    /// Takes a cast from a pipe, by copying it to a temporary file as it comes.
    /// Waits until its start is there.
    ///
    /// # Errors
    /// As [`Timeline::open`].
    pub fn copy(
        input: impl Read + Send + 'static,
        options: TimelineOptions,
    ) -> Result<Timeline, TimelineError> {
        Timeline::of_source(Source::copy(input, None)?, options)
    }

    fn of_source(source: Source, options: TimelineOptions) -> Result<Timeline, TimelineError> {
        let reader = EventReader::new(source.bytes_from(0), Strictness::Forgiving)?;
        let header = reader.header().clone();
        let rules = options.rules.unwrap_or_else(|| rules_of(&header));
        let cache = options.cache.filter(|_| source.path().is_some());
        let cache = cache.and_then(|folder| cache::path_of(&folder, &source).ok().flatten());
        let kept = cache
            .as_ref()
            .and_then(|path| cache::load(path, &source, rules));
        let state = match kept {
            Some(kept) => State::kept(kept),
            None => State::new(reader, blank(&header, rules)),
        };
        Ok(Timeline {
            shared: Arc::new(Shared {
                source,
                header,
                rules,
                cache,
                state: Mutex::new(state),
                waiting: AtomicUsize::new(0),
            }),
        })
    }

    #[must_use]
    pub fn header(&self) -> &Header {
        &self.shared.header
    }

    /// The rules of the terminal that it is shown by.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.shared.rules
    }

    /// The cast's file; `None` when it came from a pipe.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.shared.source.path()
    }

    /// Bytes of the cast that are there at present.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn length(&self) -> io::Result<u64> {
        self.shared.source.length()
    }

    /// Whether more comes of a pipe, or of what is unpacked.
    #[must_use]
    pub fn is_coming(&self) -> bool {
        self.shared.source.is_coming()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let state = self.shared.state.lock();
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the cast was gone through.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.state().coverage()
    }

    /// Goes through the cast up to `time` (all of it without), if that was not done
    /// before. `watch` sees how far it has come, every few milliseconds, and may end
    /// it; other threads get their answers in between. A pipe is waited for.
    ///
    /// When all is known it is kept for the next time.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn cover(
        &self,
        time: Option<Micros>,
        mut watch: impl FnMut(Coverage) -> ControlFlow<()>,
    ) -> Result<Coverage, TimelineError> {
        loop {
            let coverage = self.step(time)?;
            let is_known = time.is_some_and(|time| coverage.time > time);
            let is_over = coverage.is_whole && !self.shared.source.is_coming();
            if is_known || is_over || watch(coverage).is_break() {
                return Ok(coverage);
            }
            if coverage.is_whole {
                // More of a pipe.
                thread::sleep(std::time::Duration::from_millis(10));
            }
            while self.shared.waiting.load(Ordering::Relaxed) > 0 {
                thread::yield_now();
            }
        }
    }

    /// Goes on a bit, unless `time` is known.
    fn step(&self, time: Option<Micros>) -> Result<Coverage, TimelineError> {
        let mut state = self.state();
        if time.is_some_and(|time| state.covered.time() > time) {
            return Ok(state.coverage());
        }
        let more = state.step(&self.shared)?;
        state.is_whole = !more;
        if !more {
            state.save(&self.shared);
        }
        Ok(state.coverage())
    }

    fn cover_up_to(&self, time: Option<Micros>) -> Result<(), TimelineError> {
        self.cover(time, |_| ControlFlow::Continue(())).map(drop)
    }

    /// The screen at `time`: after all events up to it, that time included. Its
    /// history has only what scrolled off lately.
    ///
    /// Takes long when the cast was not gone through so far; see
    /// [`Timeline::cover`].
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn at(&self, time: Micros) -> Result<Screen, TimelineError> {
        Ok(self.replay_at(time)?.into_screen().0)
    }

    fn replay_at(&self, time: Micros) -> Result<Replay, TimelineError> {
        self.cover_up_to(Some(time))?;
        let mut replay = self.replay_from(|index| index.before(time).copied())?;
        replay.run_to_time(time)?;
        Ok(replay)
    }

    /// The bytes of the cast as they are read here: unpacked, and without those of a
    /// pipe that did not come so far.
    #[must_use]
    pub fn bytes(&self) -> impl Read + use<> {
        self.bytes_from(0)
    }

    /// How a cast opens that starts at `time`: the screen there, and the byte from
    /// which events follow. Where an event ends inside of a sequence, those that
    /// complete it are shown at once.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn cut(&self, time: Micros) -> Result<(Screen, u64), TimelineError> {
        let replay = self.cut_replay(time)?;
        let offset = replay.place().offset();
        Ok((replay.into_screen().0, offset))
    }

    /// The screen as [`Timeline::cut`] gives it, and the events that follow: after
    /// the last one, of a cast that grows, more may come.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn cut_events(
        &self,
        time: Micros,
    ) -> Result<(Screen, EventReader<impl Read + use<>>), TimelineError> {
        let replay = self.cut_replay(time)?;
        let position = replay.place().position();
        let bytes = self.bytes_from(position.offset);
        let reader = EventReader::resume(bytes, position, Strictness::Forgiving);
        Ok((replay.into_screen().0, reader))
    }

    /// The times of the keyframes, as far as the cast was gone through: where a
    /// screen is found at once.
    #[must_use]
    pub fn keyframe_times(&self) -> Vec<Micros> {
        let state = self.state();
        let keyframes = state.index.keyframes.iter();
        keyframes.map(|key| key.place.time()).collect()
    }

    fn cut_replay(&self, time: Micros) -> Result<Replay, TimelineError> {
        let mut replay = self.replay_at(time)?;
        let mut patience = 64;
        while !replay.screen.is_between_sequences() && patience > 0 && replay.peek()?.is_some() {
            replay.show()?;
            patience -= 1;
        }
        Ok(replay)
    }

    /// What happens after `from`, up to `until`: frames at which something changed.
    /// What happens within `interval` microseconds is one frame; with 0 only what
    /// has the same time. Each frame's screen is that of its time.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn frames(
        &self,
        from: Micros,
        until: Micros,
        interval: Micros,
    ) -> Result<Frames, TimelineError> {
        Ok(Frames::new(self.replay_at(from)?, until, interval))
    }

    /// All frames from the blank screen before the first event on.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn all_frames(&self, interval: Micros) -> Result<Frames, TimelineError> {
        let replay = self.replay_from(|_| None)?;
        Ok(Frames::new(replay, Micros::MAX, interval))
    }

    /// The frames before `from`, backwards, down to `until`.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn frames_back(
        &self,
        from: Micros,
        until: Micros,
        interval: Micros,
    ) -> Result<FramesBack, TimelineError> {
        let screen = self.at(from)?;
        Ok(FramesBack::new(self, screen, (from, until), interval))
    }

    /// The time of the last event. Goes through all of the cast first.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn duration(&self) -> Result<Micros, TimelineError> {
        self.cover_up_to(None)?;
        Ok(self.state().index.last)
    }

    /// The time of the last event as far as that can be told at once: of a cast that
    /// was not gone through, what stands near its end.
    #[must_use]
    pub fn likely_duration(&self) -> Micros {
        let coverage = self.coverage();
        if coverage.is_whole {
            return coverage.time;
        }
        let last = self.last_time(coverage.bytes).ok().flatten();
        last.map_or(coverage.time, |last| last.max(coverage.time))
    }

    /// The last time that stands in the cast behind the byte `covered`.
    fn last_time(&self, covered: u64) -> Result<Option<Micros>, TimelineError> {
        let place = self.state().covered.position();
        let length = self.length().map_err(ReadError::from)?;
        if length.saturating_sub(covered) <= TAIL {
            return self.last_time_in((covered, length), Some(place));
        }
        if place.version != 2 {
            return Ok(None);
        }
        let mut last = None;
        let parts = self.shared.source.file().extents();
        for (start, end) in parts.map_err(ReadError::from)? {
            let time = self.last_time_in((start.max(end.saturating_sub(TAIL)), end), None)?;
            last = time.map(|time| last.unwrap_or(0) + time).or(last);
        }
        Ok(last)
    }

    /// The last time that stands in these bytes of the cast, which begin at `place`, or
    /// somewhere in a part of v2.
    fn last_time_in(
        &self,
        (from, end): (u64, u64),
        place: Option<Position>,
    ) -> Result<Option<Micros>, TimelineError> {
        let mut bytes = Vec::new();
        let tail = self.bytes_from(from).take(end - from);
        { tail }.read_to_end(&mut bytes).map_err(ReadError::from)?;
        let start = match place {
            Some(_) => 0,
            None => memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1),
        };
        let position = Position {
            offset: from + start as u64,
            ..place.unwrap_or(Position {
                version: 2,
                offset: 0,
                time: 0,
                base: 0,
            })
        };
        let mut reader = EventReader::resume(&bytes[start..], position, Strictness::Forgiving);
        let mut last = None;
        while let Some(event) = reader.next()? {
            last = Some(event.time);
        }
        Ok(last)
    }

    /// Markers, as far as the cast was gone through.
    #[must_use]
    pub fn markers(&self) -> Vec<Marker> {
        let mut markers = self.markers_as_written();
        markers.sort_by_key(|marker| marker.time);
        markers
    }

    /// The same in the order in which they were written: one that was set late names a
    /// moment before those that stand before it.
    #[must_use]
    pub fn markers_as_written(&self) -> Vec<Marker> {
        self.state().index.markers.clone()
    }

    /// The shell's commands (OSC 133), as far as the cast was gone through.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.state().index.commands().to_vec()
    }

    /// Changes of the terminal's size, as far as the cast was gone through.
    #[must_use]
    pub fn resizes(&self) -> Vec<Resize> {
        self.state().index.resizes.clone()
    }

    /// How much was printed when, as far as the cast was gone through.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.state().index.activity.clone()
    }

    /// Pauses of at least [`PAUSE`], as far as the cast was gone through: the times
    /// of the events around them.
    #[must_use]
    pub fn pauses(&self) -> Vec<(Micros, Micros)> {
        self.state().index.pauses.clone()
    }

    /// The cast's clock with pauses of at most `limit` microseconds, as far as the
    /// cast was gone through. Pauses shorter than [`PAUSE`] stay as they are.
    #[must_use]
    pub fn folding(&self, limit: Micros) -> Folding {
        Folding::new(&self.state().index.pauses, limit)
    }

    /// Keeps what is known for the next time, also when not all of it is. Nothing
    /// happens without a cache folder.
    pub fn save(&self) {
        self.state().save(&self.shared);
    }

    fn bytes_from(&self, offset: u64) -> Bytes {
        self.shared.source.bytes_from(offset)
    }

    /// A replay from a keyframe, or from the start.
    fn replay_from(
        &self,
        find: impl Fn(&Index) -> Option<Keyframe>,
    ) -> Result<Replay, TimelineError> {
        let state = {
            let state = &mut *self.state();
            find(&state.index).map(|key| (key, state.store.state(&key).map(<[u8]>::to_vec)))
        };
        match state {
            Some((key, Ok(state))) => self.replay_state(&key, &state),
            // A keyframe that cannot be read costs time, no more.
            Some((_, Err(_))) | None => self.replay_start(),
        }
    }

    fn replay_start(&self) -> Result<Replay, TimelineError> {
        let reader = EventReader::new(self.bytes_from(0), Strictness::Forgiving)?;
        let start = ReplayStart {
            reader,
            screen: blank(self.header(), self.rules()),
            is_full: true,
            is_odd: false,
        };
        Ok(Replay::new(self, start))
    }

    fn replay_state(&self, key: &Keyframe, state: &[u8]) -> Result<Replay, TimelineError> {
        let Ok(screen) = Screen::restore(state) else {
            let mut replay = self.replay_start()?;
            replay.run_to_offset(key.place.offset())?;
            return Ok(replay);
        };
        let position = key.place.position();
        let bytes = self.bytes_from(position.offset);
        let start = ReplayStart {
            reader: EventReader::resume(bytes, position, Strictness::Forgiving),
            screen,
            is_full: key.is_full,
            is_odd: key.is_odd,
        };
        Ok(Replay::new(self, start))
    }

    /// The screen at `position`, with its history: and whether it is odd.
    fn full_screen(&self, position: Position) -> Result<(Screen, bool), TimelineError> {
        while self.coverage().bytes < position.offset {
            if self.step(None)?.is_whole {
                break;
            }
        }
        let offset = position.offset;
        let mut replay = self.replay_from(|index| index.full_before(offset).copied())?;
        replay.run_to_offset(offset)?;
        Ok(replay.into_screen())
    }

    /// How many keyframes are before `time`.
    fn keyframes_before(&self, time: Micros) -> Result<usize, TimelineError> {
        self.cover_up_to(Some(time))?;
        let state = self.state();
        let keyframes = &state.index.keyframes;
        Ok(keyframes.partition_point(|key| key.place.time() < time))
    }

    /// A replay from the last of the first `count` keyframes.
    fn replay_segment(&self, count: usize) -> Result<Replay, TimelineError> {
        self.replay_from(|index| {
            index.keyframes[..count.min(index.keyframes.len())]
                .last()
                .copied()
        })
    }

    /// The byte at which the keyframe after the first `count` stands.
    fn segment_end(&self, count: usize) -> Option<u64> {
        let state = self.state();
        let next = state.index.keyframes.get(count)?;
        Some(next.place.offset())
    }
}

/// The rules of the terminal that a header names.
pub(crate) fn rules_of(header: &Header) -> Rules {
    Rules::of_env(|name| header.terminal_variable(name))
}

/// The screen before the first event.
fn blank(header: &Header, rules: Rules) -> Screen {
    Screen::new(header.width, header.height, rules)
}
