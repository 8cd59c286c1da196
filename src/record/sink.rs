//! When a recording's lines are written and synced: a state machine without
//! I/O and without a clock.
//!
//! Times come in as arguments. What the file needs comes out as a
//! [`Job`], which the caller runs off the thread that drains and hands back to
//! [`Sink::complete`]. At most one write and one sync are under way; lines go
//! on gathering in the recorder meanwhile.
//!
//! ```text
//!            lines wait long enough            all is written
//!   [Open] ---------------------------> [Writing] ----------> [Open]
//!     ^                                  |  |  ^
//!     |                        no space, |  |  | each second
//!     |                        read-only |  |  |
//!     |                                  v  |  |
//!     |                             [Refused] -'
//!     |                                     | the file has no name any more
//!     |   the caller's first lines          v      after a second
//!     `-- [Creating] <------- [Asking] <------- [Removed]
//!           |   ^
//!           v   | each second
//!         [Missing]
//! ```
//!
//! Bounds, where the disk itself takes at most a tenth of them: a byte is in
//! the file within [`Intervals::flush`] and on the disk within
//! [`Intervals::sync`] of being read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use tokio::time::Instant;

use super::cast_file::{Appended, CastFile};
use super::lines::Lines;
use super::recorder::Recorder;
use super::storage::Storage;

/// Lines are written before their time when this many bytes wait. Each write
/// goes to another thread and back: in a flood, that costs more than the bytes.
const FLUSH_BYTES: usize = 512 * 1024;

/// A buffer that has grown beyond this is given back to the system.
const LARGEST_SPARE: usize = 4 * FLUSH_BYTES;

/// Files are written and synced at ticks that all recordings share, so that
/// many recordings wake the daemon together, and one commit of the file
/// system's journal does for all of them. What is due between two ticks is done
/// at the one before.
const FLUSH_TICK: Duration = Duration::from_millis(40);
const SYNC_TICK: Duration = Duration::from_millis(250);

/// How long after a failure the file is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Bounds on how long output is at risk.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// From a byte read until it is in the file.
    pub flush: Duration,
    /// From a byte read until it is on the disk.
    pub sync: Duration,
    /// A moment that is a tick, for all recordings.
    pub tick: Instant,
}

/// Why the file takes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No space, no quota, too large, read-only, …: what the system said.
    Refused(String),
    /// The file has been removed, or its folder.
    Removed,
}

/// What has happened to the file.
#[derive(Debug)]
pub enum FileEvent {
    /// It takes no more, and why.
    Failed(Trouble),
    /// It takes lines again; why it did not.
    Recovered(String),
    /// The file has been removed, and it is time to call [`Sink::replace`].
    Replaceable,
    /// There is a new file where the old one was removed.
    Replaced,
    /// Syncing failed; lines are written all the same.
    SyncFailed(io::Error),
}

/// What [`Sink::poll`] asks of its caller.
#[derive(Debug)]
pub enum Step<S> {
    /// Run this, and hand the result to [`Sink::complete`].
    Run(Job<S>),
    Event(FileEvent),
    /// Nothing before this moment, or before a job is done or more lines wait.
    Wait(Option<Instant>),
    /// After [`Sink::close`]: nothing any more.
    Closed,
}

/// Lines on their way, and how many bytes of them are in the file.
#[derive(Debug)]
struct Batch {
    lines: Lines,
    done: usize,
    /// When the first of them came.
    since: Instant,
}

/// Work on a file, for a thread that may wait for the disk.
#[derive(Debug)]
pub struct Job<S>(Work<S>);

#[derive(Debug)]
enum Work<S> {
    Write { file: CastFile<S>, batch: Batch },
    Create { removed: Arc<S>, lines: Vec<u8> },
    Sync { storage: Arc<S>, with_name: bool },
}

/// What a job has come to.
#[derive(Debug)]
pub struct Completion<S>(Done<S>);

#[derive(Debug)]
enum Done<S> {
    Wrote {
        file: CastFile<S>,
        batch: Batch,
        written: usize,
        trouble: Option<Trouble>,
    },
    Created {
        lines: Vec<u8>,
        file: io::Result<S>,
    },
    Synced {
        storage: Arc<S>,
        with_name: bool,
        synced: io::Result<()>,
    },
}

impl<S: Storage> Job<S> {
    /// Whether it waits for the disk itself: other jobs only copy.
    #[must_use]
    pub fn is_sync(&self) -> bool {
        matches!(self.0, Work::Sync { .. })
    }

    #[must_use]
    pub fn run(self) -> Completion<S> {
        Completion(match self.0 {
            Work::Write { mut file, batch } => {
                let (written, trouble) = if matches!(file.storage().is_linked(), Ok(false)) {
                    (0, Some(Trouble::Removed))
                } else if batch.lines.is_empty() {
                    (0, None)
                } else {
                    let Appended { written, error } = file.append(&batch.lines[batch.done..]);
                    let trouble = error.map(|error| Trouble::Refused(describe(&error)));
                    (written, trouble)
                };
                Done::Wrote {
                    file,
                    batch,
                    written,
                    trouble,
                }
            }
            Work::Create { removed, lines } => Done::Created {
                file: removed.recreate(&lines),
                lines,
            },
            Work::Sync { storage, with_name } => {
                let mut synced = storage.sync();
                if with_name && synced.is_ok() {
                    synced = storage.sync_name();
                }
                Done::Synced {
                    storage,
                    with_name,
                    synced,
                }
            }
        })
    }
}

/// What the file is doing.
#[derive(Debug)]
enum State<S> {
    Open(CastFile<S>),
    /// A batch is being written. `after` is why the try before was refused.
    Writing {
        after: Option<Trouble>,
    },
    /// It has not taken a batch.
    Refused {
        file: CastFile<S>,
        batch: Batch,
        why: Trouble,
        retry: Instant,
    },
    /// It has no name any more.
    Removed {
        ask: Instant,
    },
    /// The caller is asked for the first lines of another one.
    Asking,
    /// Another one is being made.
    Creating,
    /// Another one could not be made.
    Missing {
        lines: Vec<u8>,
        retry: Instant,
    },
}

/// What is on the disk.
#[derive(Clone, Copy, Debug)]
enum Sync {
    /// All that was written.
    Clean,
    Due(Instant),
    /// A sync is under way; `again` when something was written meanwhile.
    Running {
        again: Option<Instant>,
    },
}

impl Sync {
    /// Something was written that has to be on the disk by `due`.
    fn need(&mut self, due: Instant) {
        *self = match *self {
            Sync::Clean => Sync::Due(due),
            Sync::Due(before) => Sync::Due(before.min(due)),
            Sync::Running { again } => Sync::Running {
                again: Some(again.map_or(due, |before| before.min(due))),
            },
        };
    }
}

/// Lines that wait in the recorder.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    flush: Instant,
}

/// How far a recording that ends has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    No,
    /// What is left has to be written, and the file looked at once more: one
    /// that was removed since the last write is lost.
    Asked,
    Written,
    /// The file has refused its last lines twice.
    GivenUp,
}

/// The lines of one recording on their way to a file, which may refuse them.
#[derive(Debug)]
pub struct Sink<S> {
    intervals: Intervals,
    state: State<S>,
    sync: Sync,
    storage: Arc<S>,
    /// Whether the file's name is on the disk.
    is_name_safe: bool,
    waiting: Option<Waiting>,
    spare: Lines,
    /// Lines are written as they come, before their time.
    hurries: bool,
    closing: Closing,
}

static REMOVED: Trouble = Trouble::Removed;

impl<S: Storage> Sink<S> {
    /// A sink for a file of which `length` bytes are whole lines, none of them
    /// synced, nor its name.
    #[must_use]
    pub fn new(storage: S, length: u64, intervals: Intervals, now: Instant) -> Sink<S> {
        let file = CastFile::new(storage, length);
        Sink {
            intervals,
            storage: file.storage(),
            state: State::Open(file),
            sync: Sync::Due(intervals.sync_due(now)),
            is_name_safe: false,
            waiting: None,
            spare: Lines::default(),
            hurries: false,
            closing: Closing::No,
        }
    }

    /// Changes the bounds, for what waits too.
    pub fn set_intervals(&mut self, intervals: Intervals, now: Instant) {
        self.intervals = intervals;
        if let Some(waiting) = &mut self.waiting {
            *waiting = intervals.waiting_since(waiting.since);
        }
        if let Sync::Due(due) = &mut self.sync {
            *due = intervals.sync_due(now).min(*due);
        }
    }

    /// Why the file takes nothing at present.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        match &self.state {
            State::Open(_) => None,
            State::Writing { after } => after.as_ref(),
            State::Refused { why, .. } => Some(why),
            State::Removed { .. } | State::Asking | State::Creating | State::Missing { .. } => {
                Some(&REMOVED)
            }
        }
    }

    /// What to do now. Call it until it says to wait, each time that
    /// the recorder has got something, a job is done, or a moment has come.
    pub fn poll(&mut self, now: Instant, recorder: &mut Recorder) -> Step<S> {
        if recorder.waiting() > 0 && self.waiting.is_none() {
            self.waiting = Some(self.intervals.waiting_since(now));
        }
        if let Some(step) = self.poll_file(now, recorder) {
            return step;
        }
        if let Sync::Due(due) = self.sync
            && (due <= now || self.is_done(recorder))
        {
            self.sync = Sync::Running { again: None };
            return Step::Run(Job(Work::Sync {
                storage: Arc::clone(&self.storage),
                with_name: !self.is_name_safe,
            }));
        }
        if self.is_done(recorder) && matches!(self.sync, Sync::Clean) {
            return Step::Closed;
        }
        Step::Wait(self.next_due())
    }

    fn poll_file(&mut self, now: Instant, recorder: &mut Recorder) -> Option<Step<S>> {
        let is_closing = self.closing != Closing::No;
        // Taken out, and put back where there is nothing to do.
        match std::mem::replace(&mut self.state, State::Asking) {
            State::Open(file) => {
                let is_full = recorder.waiting() >= FLUSH_BYTES;
                let is_due = |waiting: Waiting| {
                    waiting.flush <= now || is_full || is_closing || self.hurries
                };
                if self.closing == Closing::Asked || self.waiting.is_some_and(is_due) {
                    let waiting = self.waiting.take();
                    let batch = Batch {
                        lines: recorder.take(std::mem::take(&mut self.spare)),
                        done: 0,
                        since: waiting.map_or(now, |waiting| waiting.since),
                    };
                    self.state = State::Writing { after: None };
                    return Some(Step::Run(Job(Work::Write { file, batch })));
                }
                self.state = State::Open(file);
            }
            State::Refused {
                file,
                batch,
                why,
                retry,
            } => {
                if self.closing == Closing::Asked || (retry <= now && !is_closing) {
                    self.state = State::Writing { after: Some(why) };
                    return Some(Step::Run(Job(Work::Write { file, batch })));
                }
                self.state = State::Refused {
                    file,
                    batch,
                    why,
                    retry,
                };
            }
            State::Removed { ask } if ask <= now && !is_closing => {
                return Some(Step::Event(FileEvent::Replaceable));
            }
            State::Missing { lines, retry } if retry <= now && !is_closing => {
                return Some(self.create(lines));
            }
            other => self.state = other,
        }
        None
    }

    /// Takes the first lines of a new file where the old one was removed.
    pub fn replace(&mut self, lines: Vec<u8>, now: Instant) {
        self.state = State::Missing { lines, retry: now };
    }

    fn create(&mut self, lines: Vec<u8>) -> Step<S> {
        self.state = State::Creating;
        Step::Run(Job(Work::Create {
            removed: Arc::clone(&self.storage),
            lines,
        }))
    }

    /// When to call [`Sink::poll`] though nothing happens.
    fn next_due(&self) -> Option<Instant> {
        let file = match &self.state {
            // Nothing but a job is waited for at the end.
            _ if self.closing != Closing::No => None,
            State::Open(_) => self.waiting.map(|waiting| waiting.flush),
            State::Refused { retry, .. } | State::Missing { retry, .. } => Some(*retry),
            State::Removed { ask } => Some(*ask),
            State::Writing { .. } | State::Asking | State::Creating => None,
        };
        let sync = match self.sync {
            Sync::Due(due) => Some(due),
            Sync::Clean | Sync::Running { .. } => None,
        };
        file.into_iter().chain(sync).min()
    }

    /// Takes in what a job has come to.
    pub fn complete(
        &mut self,
        completion: Completion<S>,
        now: Instant,
        recorder: &mut Recorder,
    ) -> Option<FileEvent> {
        match completion.0 {
            Done::Wrote {
                file,
                mut batch,
                written,
                trouble,
            } => {
                batch.done += written;
                recorder.written(written);
                if written > 0 {
                    self.sync.need(self.intervals.sync_due(batch.since));
                }
                self.wrote(file, batch, trouble, now)
            }
            Done::Created { lines, file } => match file {
                Ok(storage) => {
                    recorder.written(lines.len());
                    let file = CastFile::new(storage, lines.len() as u64);
                    self.storage = file.storage();
                    self.is_name_safe = false;
                    self.sync.need(self.intervals.sync_due(now));
                    self.state = State::Open(file);
                    Some(FileEvent::Replaced)
                }
                Err(_) => {
                    let retry = now + RETRY;
                    self.state = State::Missing { lines, retry };
                    None
                }
            },
            Done::Synced {
                storage,
                with_name,
                synced,
            } => self.synced(&storage, with_name, synced, now),
        }
    }

    fn wrote(
        &mut self,
        file: CastFile<S>,
        batch: Batch,
        trouble: Option<Trouble>,
        now: Instant,
    ) -> Option<FileEvent> {
        let before = match std::mem::replace(&mut self.state, State::Asking) {
            State::Writing { after } => after,
            _ => None,
        };
        let Some(trouble) = trouble else {
            self.state = State::Open(file);
            if self.closing == Closing::Asked {
                self.closing = Closing::Written;
            }
            self.reuse(batch.lines);
            return match before {
                Some(Trouble::Refused(why)) => Some(FileEvent::Recovered(why)),
                Some(Trouble::Removed) | None => None,
            };
        };
        if self.closing != Closing::No {
            let is_second = before.is_some();
            self.closing = if is_second {
                Closing::GivenUp
            } else {
                Closing::Asked
            };
        }
        let is_new = before.as_ref() != Some(&trouble);
        let retry = now + RETRY;
        self.state = match trouble {
            Trouble::Removed => {
                self.reuse(batch.lines);
                State::Removed { ask: retry }
            }
            Trouble::Refused(_) => State::Refused {
                file,
                batch,
                why: trouble.clone(),
                retry,
            },
        };
        is_new.then_some(FileEvent::Failed(trouble))
    }

    fn synced(
        &mut self,
        storage: &Arc<S>,
        with_name: bool,
        synced: io::Result<()>,
        now: Instant,
    ) -> Option<FileEvent> {
        let again = match self.sync {
            Sync::Running { again } => again,
            Sync::Clean | Sync::Due(_) => None,
        };
        self.sync = again.map_or(Sync::Clean, Sync::Due);
        match synced {
            Ok(()) => {
                // The name of the present file, not of one removed meanwhile.
                self.is_name_safe |= with_name && Arc::ptr_eq(storage, &self.storage);
                None
            }
            Err(error) => {
                if self.closing == Closing::No {
                    self.sync.need(now + RETRY);
                }
                Some(FileEvent::SyncFailed(error))
            }
        }
    }

    /// The buffer of a batch is that of the one after the next.
    fn reuse(&mut self, mut lines: Lines) {
        lines.clear();
        if lines.capacity() > LARGEST_SPARE {
            lines.shrink();
        }
        self.spare = lines;
    }

    /// Whether lines are written as they come.
    pub fn set_hurry(&mut self, hurries: bool) {
        self.hurries = hurries;
    }

    /// Takes out the buffer that waits for the next batch.
    pub fn take_spare(&mut self) -> Lines {
        std::mem::take(&mut self.spare)
    }

    /// The buffer that becomes the recorder's with the next batch.
    pub fn set_spare(&mut self, spare: Lines) {
        self.spare = spare;
    }

    #[must_use]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Gives back the memory of the buffer that waits for the next batch.
    pub fn shrink(&mut self) {
        self.spare.shrink();
    }

    /// The recording ends: [`Sink::poll`] writes and syncs what is left without
    /// waiting, up to [`Step::Closed`]. A file that takes nothing gets one more
    /// try.
    pub fn close(&mut self) {
        self.closing = Closing::Asked;
    }

    /// How many bytes the file has not got: all of a cast that was removed.
    #[must_use]
    pub fn unwritten(&self, recorder: &Recorder) -> u64 {
        match self.trouble() {
            Some(Trouble::Removed) => recorder.stats().bytes,
            Some(Trouble::Refused(_)) | None => recorder.in_memory() as u64,
        }
    }

    /// Whether the file has got all that it will get.
    fn is_done(&self, recorder: &Recorder) -> bool {
        self.closing != Closing::No
            && match &self.state {
                State::Open(_) => self.closing == Closing::Written && recorder.waiting() == 0,
                State::Refused { .. } => self.closing == Closing::GivenUp,
                State::Writing { .. } | State::Creating => false,
                State::Removed { .. } | State::Asking | State::Missing { .. } => true,
            }
    }
}

impl Intervals {
    fn waiting_since(&self, since: Instant) -> Waiting {
        // A fifth early, so that the write itself lies within the bound.
        let flush = self.on_tick(since, self.flush * 4 / 5, FLUSH_TICK);
        Waiting { since, flush }
    }

    /// When a byte that came at `since` is synced at the latest: a tenth early, so that
    /// the sync itself lies within the bound.
    fn sync_due(&self, since: Instant) -> Instant {
        self.on_tick(since, self.sync * 9 / 10, SYNC_TICK)
    }

    /// The last tick that is at most `bound` away from `since`. Short bounds
    /// have ticks as close as they need.
    fn on_tick(&self, since: Instant, bound: Duration, tick: Duration) -> Instant {
        let tick = tick.min(bound / 2).as_nanos().max(1);
        let due = since + bound;
        let late = due.saturating_duration_since(self.tick).as_nanos() % tick;
        due - Duration::from_nanos(u64::try_from(late).unwrap_or(0))
    }
}

/// What keeps the file from growing, for people.
fn describe(error: &io::Error) -> String {
    let what = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOSPC) => "no space left on the disk",
        Some(Errno::EDQUOT) => "the disk quota is used up",
        Some(Errno::EFBIG) => "the file has reached the largest size allowed",
        Some(Errno::EROFS) => "the file system is read-only",
        _ => return error.to_string(),
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals() -> Intervals {
        Intervals {
            flush: Duration::from_millis(100),
            sync: Duration::from_secs(1),
            tick: Instant::now(),
        }
    }

    #[test]
    fn a_tick_lies_within_the_bound_and_not_too_near() {
        let intervals = intervals();
        for bound in [0, 1, 8, 79, 80, 900, 60_000].map(Duration::from_millis) {
            for later in [0, 1, 17, 39, 40, 999].map(Duration::from_millis) {
                let since = intervals.tick + later;
                let due = intervals.on_tick(since, bound, SYNC_TICK);
                assert!(due <= since + bound, "{bound:?}");
                assert!(
                    due + Duration::from_nanos(1) >= since + bound / 2,
                    "{bound:?}"
                );
            }
        }
    }

    #[test]
    fn ticks_are_shared() {
        let intervals = intervals();
        let first = intervals.sync_due(intervals.tick);
        let second = intervals.sync_due(intervals.tick + Duration::from_millis(100));
        let apart = second - first;
        assert!(apart.is_zero() || apart == SYNC_TICK, "{apart:?}");
    }
}
