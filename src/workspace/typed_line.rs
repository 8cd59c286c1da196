//! Whether a line that was typed has been taken.
//!
//! A shell with a line editor has the terminal raw while it reads, and not
//! while a command runs. A second line that is typed before the first is taken
//! arrives in the raw terminal, with the carriage return of its Enter; a program
//! that the first line starts and that reads lines waits for a newline, and
//! never sees the end of it. So the next line waits until this one is taken: the
//! terminal is no longer raw, or the shell has read it all and sleeps again.
//!
//! Then it waits a little for somebody who reads the terminal, so that what is
//! typed is not echoed ahead of its prompt, and not thrown away by a program
//! that empties its input at its start. A command that runs for long does not
//! hold it up: what is typed meanwhile is read later.

use std::path::Path;
use std::time::{Duration, Instant};

use super::readiness::{Readiness, Terminal, look};
use crate::processes::{ProcStat, bytes_read, group_members, times_slept};

/// How long the next line waits for somebody who reads it, once this one is
/// taken.
const UNREAD: Duration = Duration::from_millis(300);

/// How long a terminal of which the system tells nothing is left alone.
const BLIND: Duration = Duration::from_millis(20);

/// A line that was typed into a pane and may not be taken yet.
#[derive(Debug)]
pub(super) struct TypedLine {
    /// What the reader was seen to have done before.
    before: Option<Reader>,
    was_raw: bool,
    /// How many bytes were typed.
    bytes: u64,
    typed: Instant,
    taken: Option<Instant>,
    /// What the last look saw.
    last: Option<Reader>,
}

/// The processes in the foreground of a terminal, and what they have done so
/// far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader {
    group: i32,
    members: Vec<u32>,
    is_running: bool,
    /// `None` where the system keeps it to the processes' owner.
    bytes_read: Option<u64>,
    times_slept: u64,
}

impl Reader {
    /// Who has the terminal in front of a pane's process.
    fn of(pane: u32) -> Option<Reader> {
        let group = ProcStat::of(pane)?.foreground;
        let members = group_members(pane, group);
        let is_running = |pid: &u32| ProcStat::of(*pid).is_some_and(|process| process.state == 'R');
        (!members.is_empty()).then(|| Reader {
            group,
            is_running: members.iter().any(is_running),
            bytes_read: members.iter().map(|pid| bytes_read(*pid)).sum(),
            times_slept: members.iter().filter_map(|pid| times_slept(*pid)).sum(),
            members,
        })
    }

    /// Whether it has read this much since `before`, as far as that shows.
    fn has_read(&self, before: &Reader, bytes: u64) -> bool {
        if self.members != before.members {
            return true;
        }
        match (self.bytes_read, before.bytes_read) {
            (Some(now), Some(then)) => now >= then + bytes,
            _ => self.times_slept > before.times_slept,
        }
    }
}

impl TypedLine {
    /// Looks at a pane, by its process and terminal, before a line of this many
    /// bytes is typed. `None` where nothing has to be waited for: lines that
    /// nobody reads are there already.
    pub fn begin(pane: u32, tty: &Path, bytes: u64, now: Instant) -> Option<TypedLine> {
        let terminal = Terminal::of(tty)?;
        (terminal.is_raw || terminal.unread == 0).then(|| TypedLine {
            before: Reader::of(pane),
            was_raw: terminal.is_raw,
            bytes,
            typed: now,
            taken: None,
            last: None,
        })
    }

    /// Whether the next line may be typed: this one is taken and somebody reads
    /// again, or the time for either is up.
    pub fn is_done(&mut self, pane: u32, tty: &Path, longest: Duration, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.typed);
        let Some(terminal) = Terminal::of(tty) else {
            // The pane has closed, or is none that shows anything.
            return true;
        };
        let reader = Reader::of(pane);
        let (Some(before), Some(reader)) = (&self.before, reader) else {
            return terminal.unread == 0 && since >= BLIND;
        };
        let is_quiet =
            self.last.as_ref() == Some(&reader) && !reader.is_running && terminal.unread == 0;
        let same = reader.group == before.group;
        let has_read = !same || reader.has_read(before, self.bytes);
        self.last = Some(reader);
        let is_taken = !self.was_raw || !terminal.is_raw || !same || (has_read && is_quiet);
        if self.taken.is_none() && is_taken {
            self.taken = Some(now);
        }
        let Some(taken) = self.taken else {
            return since >= longest;
        };
        let is_read = match terminal.is_raw {
            true => is_quiet && (has_read || !self.was_raw),
            false => is_quiet && has_read && look(pane, tty) != Readiness::NotYet,
        };
        is_read || now.saturating_duration_since(taken) >= UNREAD
    }
}
