//! Calls the daemon back when it has died.
//!
//! The daemon leaves a file that says how it was started. Each pipe process has
//! read it, and the first that finds the daemon gone starts it again that way;
//! a lock beside it makes the others wait, and the daemon's own lock decides if
//! two should come up all the same.
//!
//! A daemon that dies as it starts makes no storm: the pause before the next
//! try doubles, from 50 ms up to 5 s, and after [`MOST_TRIES`] that came to
//! nothing, or [`MOST_STARTS`] in a minute of whatever outcome, none is made any
//! more, which the log says. A try has come to something where the daemon has
//! run for 300 ms.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::atomic_file::{self, Durability};
use crate::clock::{monotonic_micros, unix_seconds};
use crate::folders::{open_lock, open_to_append};

/// Tries in a minute that came to nothing, after which none is made any more.
pub const MOST_TRIES: usize = 10;

/// Starts in a minute after which none is made any more.
pub const MOST_STARTS: usize = 60;

const WINDOW: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a process that was killed may hold its lock.
const DYING: Duration = Duration::from_millis(100);

/// How long a start may take before somebody else may try.
const START: Duration = Duration::from_secs(60);

/// Stand below the times of tries: they came to something; no more are made.
const WELL: &str = "well";
const GIVEN_UP: &str = "given up";

/// How the daemon is started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallPlan {
    /// The program, an absolute path.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: BTreeMap<String, String>,
    /// The file that a running daemon holds locked.
    pub lock: PathBuf,
    pub log: PathBuf,
    /// How long somebody else may take to start it, in milliseconds: a
    /// supervisor that the daemon was started by.
    pub patience_ms: u64,
}

impl RecallPlan {
    /// Where the plan is in a runtime folder.
    fn path(runtime: &Path) -> PathBuf {
        runtime.join("recall.json")
    }

    /// Leaves the plan for the pipe processes (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn leave(&self, runtime: &Path) -> io::Result<()> {
        let content = serde_json::to_vec(self)?;
        atomic_file::replace(
            &RecallPlan::path(runtime),
            0o600,
            &content,
            Durability::Kill,
        )
    }

    /// Leaves it again, where somebody has swept it or the folder is another one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn leave_again(&self, runtime: &Path) -> io::Result<()> {
        match RecallPlan::path(runtime).symlink_metadata() {
            Ok(_) => Ok(()),
            Err(_) => self.leave(runtime),
        }
    }

    /// The plan that a daemon has left, if there is one.
    #[must_use]
    pub fn read(runtime: &Path) -> Option<RecallPlan> {
        let content = fs::read(RecallPlan::path(runtime)).ok()?;
        serde_json::from_slice(&content).ok()
    }

    /// Keeps pipe processes from calling, as long as the file is open; none where
    /// one is calling already.
    #[must_use]
    pub fn hold_calls(&self) -> Option<Flock<File>> {
        lock(&self.tries_path())
    }

    fn tries_path(&self) -> PathBuf {
        self.lock.with_extension("tries")
    }

    /// Notes that the daemon runs well: the tries up to here have come to
    /// something.
    pub fn note_success(&self) {
        // One that is calling holds the lock only until it sees that we run.
        let open = File::options().append(true).open(self.tries_path());
        if let Ok(mut tries) = open {
            let _ = writeln!(tries, "{WELL}");
        }
    }
}

/// A pipe process that calls.
#[derive(Debug)]
pub(super) struct Recall {
    plan: RecallPlan,
    since: Instant,
    /// The daemon that this process has started, until it has ended.
    daemon: Option<Child>,
    /// Held while that one has not come up.
    calling: Option<(Flock<File>, Instant)>,
    has_given_up: bool,
}

impl Recall {
    /// Nothing is done before [`Recall::turn`] is called.
    pub(super) fn new(plan: RecallPlan) -> Recall {
        Recall {
            plan,
            since: Instant::now(),
            daemon: None,
            calling: None,
            has_given_up: false,
        }
    }

    /// The daemon is gone from now on.
    pub(super) fn begin(&mut self) {
        self.since = Instant::now();
        self.has_given_up = false;
        self.calling = None;
        self.reap();
    }

    /// Whether no more tries are made.
    pub(super) fn has_given_up(&self) -> bool {
        self.has_given_up
    }

    /// Whether nothing is left to do: the daemon is up or comes up, or no more
    /// tries are made.
    pub(super) fn has_called(&self) -> bool {
        // The one that has died may hold its lock for a moment longer.
        let is_up = || self.since.elapsed() > DYING && is_locked(&self.plan.lock);
        self.has_given_up || self.daemon.is_some() || is_up()
    }

    /// To be called often while no daemon reads.
    pub(super) fn turn(&mut self) {
        self.reap();
        if let Some((_, until)) = &self.calling {
            let is_up = is_locked(&self.plan.lock);
            if self.daemon.is_some() && !is_up && Instant::now() < *until {
                return;
            }
            self.calling = None;
        }
        let patience = Duration::from_millis(self.plan.patience_ms);
        if self.has_given_up || self.since.elapsed() < patience || is_locked(&self.plan.lock) {
            return;
        }
        let Some(mut tries) = lock(&self.plan.tries_path()) else {
            return;
        };
        // It may have come up while the lock was somebody else's.
        if is_locked(&self.plan.lock) {
            return;
        }
        let now = monotonic_micros();
        let mut noted = Tries::read(&mut tries, now);
        if noted.in_vain >= MOST_TRIES || noted.all.len() >= MOST_STARTS {
            self.give_up(&mut tries, noted.has_given_up);
            return;
        }
        let last = noted.all.last().map(|(last, _)| *last);
        let waited = last.map_or(u64::MAX, |last| now.saturating_sub(last));
        if waited < pause_after(noted.in_vain).as_micros() as u64 {
            return;
        }
        noted.all.push((now, false));
        if noted.write(&mut tries).is_err() {
            return;
        }
        match self.start() {
            Ok(daemon) => {
                self.daemon = Some(daemon);
                self.calling = Some((tries, Instant::now() + START));
            }
            Err(error) => self.log(&format!(
                "the server was to be started again and could not: {}: {error}",
                self.plan.program.display()
            )),
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.plan.program)
            .args(&self.plan.arguments)
            .env_clear()
            .envs(&self.plan.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(open_to_append(&self.plan.log).map_or_else(|_| Stdio::null(), Stdio::from))
            .current_dir("/")
            .spawn()
    }

    fn reap(&mut self) {
        if let Some(daemon) = &mut self.daemon
            && !matches!(daemon.try_wait(), Ok(None))
        {
            self.daemon = None;
        }
    }

    fn give_up(&mut self, tries: &mut File, is_known: bool) {
        self.has_given_up = true;
        // One line is enough, however many pipe processes there are.
        if !is_known && writeln!(tries, "{GIVEN_UP}").is_ok() {
            self.log(
                "the server was started too often within a minute and did not last: it is not \
                 started again; `tvmux server start` does",
            );
        }
    }

    /// Beside the daemon's own log.
    fn log(&self, what: &str) {
        if let Ok(mut log) = open_to_append(&self.plan.log) {
            let now = jiff::Timestamp::from_second(unix_seconds() as i64).unwrap_or_default();
            let _ = writeln!(log, "{now} pipe process {}: {what}", std::process::id());
        }
    }
}

/// How long a try waits after `tries` before it.
fn pause_after(tries: usize) -> Duration {
    match tries {
        0 => Duration::ZERO,
        _ => LONGEST_PAUSE.min(SHORTEST_PAUSE * (1 << (tries - 1).min(16))),
    }
}

/// Whether a process holds this file locked.
fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
}

fn lock(path: &Path) -> Option<Flock<File>> {
    Flock::lock(open_lock(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

/// What is noted of tries within the last minute.
#[derive(Debug, Default)]
struct Tries {
    /// When, in microseconds of the monotonic clock, and whether it came to
    /// something.
    all: Vec<(u64, bool)>,
    /// The last ones that came to nothing.
    in_vain: usize,
    has_given_up: bool,
}

impl Tries {
    fn read(file: &mut File, now: u64) -> Tries {
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        let mut tries = Tries::default();
        for line in text.lines() {
            match line {
                WELL => tries.all.iter_mut().for_each(|(_, well)| *well = true),
                GIVEN_UP => tries.has_given_up = true,
                time => tries
                    .all
                    .extend(time.parse().ok().map(|time| (time, false))),
            }
        }
        let is_recent = |time: u64| now.saturating_sub(time) < WINDOW.as_micros() as u64;
        tries.all.retain(|(time, _)| is_recent(*time));
        let failed = tries.all.iter().rev().take_while(|(_, well)| !well);
        tries.in_vain = failed.count();
        tries
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let mut text = String::new();
        for (time, well) in &self.all {
            text += &format!("{time}\n");
            if *well {
                text += &format!("{WELL}\n");
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn plan(folder: &Path, program: &str) -> RecallPlan {
        let path = folder.join("program");
        fs::write(&path, format!("#!/bin/sh\n{program}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        RecallPlan {
            program: path,
            arguments: vec!["again".to_owned()],
            environment: BTreeMap::from([("FOLDER".to_owned(), folder.to_str().unwrap().into())]),
            lock: folder.join("server.pid"),
            log: folder.join("log"),
            patience_ms: 0,
        }
    }

    #[test]
    fn a_plan_is_left_and_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RecallPlan::read(folder.path()), None);
        let plan = plan(folder.path(), "");
        plan.leave(folder.path()).unwrap();
        assert_eq!(RecallPlan::read(folder.path()), Some(plan));
    }

    #[test]
    fn pauses_double_and_ten_of_them_fit_into_a_minute() {
        let all: Duration = (0..MOST_TRIES).map(pause_after).sum();
        assert_eq!(pause_after(1), SHORTEST_PAUSE);
        assert_eq!(pause_after(3), SHORTEST_PAUSE * 4);
        assert_eq!(pause_after(60), LONGEST_PAUSE);
        assert!(all < WINDOW / 2, "{all:?}");
    }

    #[test]
    fn a_daemon_that_dies_as_it_starts_makes_no_storm() {
        let folder = tempfile::tempdir().unwrap();
        let count = "PATH=/bin:/usr/bin; echo \"$1\" >>$FOLDER/starts";
        let mut callers: Vec<Recall> = (0..5)
            .map(|_| Recall::new(plan(folder.path(), count)))
            .collect();
        let mut earlier = 0;
        // As if the pauses were over: what is noted is made older.
        while !callers.iter().any(Recall::has_given_up) {
            callers.iter_mut().for_each(Recall::turn);
            let path = callers[0].plan.tries_path();
            let Some(mut tries) = lock(&path) else {
                continue;
            };
            let mut noted = Tries::read(&mut tries, monotonic_micros());
            if noted.all.len() > earlier {
                earlier = noted.all.len();
                for (time, _) in &mut noted.all {
                    *time = time.saturating_sub(5_000_000);
                }
                noted.write(&mut tries).unwrap();
            }
        }
        for caller in &mut callers {
            if let Some(daemon) = &mut caller.daemon {
                daemon.wait().unwrap();
            }
        }
        let starts = fs::read_to_string(folder.path().join("starts")).unwrap();
        assert_eq!(starts, "again\n".repeat(MOST_TRIES));
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log.matches("not started again").count(), 1, "{log}");
    }

    #[test]
    fn a_daemon_that_runs_for_a_while_is_started_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), "");
        let mut file = lock(&plan.tries_path()).unwrap();
        let all: Vec<_> = (0..9).map(|second| (second * 1_000_000, false)).collect();
        let tries = Tries {
            all,
            ..Tries::default()
        };
        tries.write(&mut file).unwrap();
        file.rewind().unwrap();
        assert_eq!(Tries::read(&mut file, 9_000_000).in_vain, 9);
        drop(file);
        plan.note_success();
        let mut file = lock(&plan.tries_path()).unwrap();
        let noted = Tries::read(&mut file, 9_000_000);
        assert_eq!((noted.all.len(), noted.in_vain), (9, 0));
    }

    #[test]
    fn nobody_calls_a_daemon_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let mut caller = Recall::new(plan(folder.path(), "echo >>$FOLDER/starts"));
        let held = lock(&caller.plan.lock).unwrap();
        caller.turn();
        assert!(caller.daemon.is_none());
        drop(held);
        caller.turn();
        caller.daemon.take().unwrap().wait().unwrap();
        assert!(folder.path().join("starts").exists());
    }
}
