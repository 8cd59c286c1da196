//! A recording's file, written and synced off the thread that drains.
//!
//! At most one write and one sync are under way, each in a batch with those of
//! other recordings; lines go on gathering in the recorder meanwhile. What the
//! file does not take is tried again each second.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::errno::Errno;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::cast_file::{Appended, CastFile};
use super::disks::{Disks, Kind};
use super::recorder::Recorder;
use super::storage::{DiskFile, Storage};
use crate::atomic_file::{AtomicFile, Durability};

/// Lines that are written before their time when so many bytes wait. Each write
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
    /// Nothing to act on.
    None,
    /// It takes no more, and why.
    Failed(Trouble),
    /// It takes lines again.
    Recovered(Trouble),
    /// The file has been removed, and it is time to call [`Sink::replace`].
    Replaceable,
    /// There is a new file where the old one was removed.
    Replaced,
    /// Syncing failed; lines are written all the same.
    SyncFailed(io::Error),
}

/// A batch on its way, and how much of it is in the file.
#[derive(Debug, Default)]
struct Batch {
    lines: Vec<u8>,
    done: usize,
}

struct Wrote {
    file: CastFile<DiskFile>,
    batch: Batch,
    written: usize,
    trouble: Option<Trouble>,
}

enum Job {
    Write(oneshot::Receiver<Wrote>),
    Replace(usize, JoinHandle<io::Result<File>>),
}

/// A recording's file.
pub struct Sink {
    path: PathBuf,
    disks: Arc<Disks>,
    /// The file system that it is on.
    device: u64,
    intervals: Intervals,
    /// `None` while a job has it.
    file: Option<CastFile<DiskFile>>,
    storage: Arc<DiskFile>,
    job: Option<Job>,
    syncing: Option<oneshot::Receiver<io::Result<()>>>,
    /// What the file has not taken.
    backlog: Option<Batch>,
    spare: Vec<u8>,
    trouble: Option<Trouble>,
    flush_due: Option<Instant>,
    sync_due: Option<Instant>,
    retry_due: Option<Instant>,
}

impl Sink {
    /// A sink for `file` at `path`, of which `length` bytes are whole lines.
    pub fn new(
        disks: Arc<Disks>,
        path: &Path,
        file: File,
        length: u64,
        intervals: Intervals,
    ) -> Sink {
        let device = device(&file);
        let file = CastFile::new(DiskFile(file), length);
        Sink {
            path: path.to_owned(),
            disks,
            device,
            intervals,
            storage: file.storage(),
            file: Some(file),
            job: None,
            syncing: None,
            backlog: None,
            spare: Vec::new(),
            trouble: None,
            flush_due: None,
            sync_due: None,
            retry_due: None,
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the file takes nothing at present.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Starts what is due: to be called after the recorder has got something,
    /// and after each [`FileEvent`].
    pub fn tick(&mut self, recorder: &mut Recorder) {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.retry_due) && self.trouble != Some(Trouble::Removed) {
            self.retry_due = None;
            if let Some(batch) = self.backlog.take() {
                self.write(batch);
            }
        } else if self.trouble.is_none() && recorder.waiting() > 0 {
            // A fifth early, so that the write itself lies within the bound.
            let due = *self
                .flush_due
                .get_or_insert_with(|| on_tick(now, self.intervals.flush * 4 / 5, FLUSH_TICK));
            if (due <= now || recorder.waiting() >= FLUSH_BYTES) && self.job.is_none() {
                self.flush_due = None;
                let lines = recorder.take(std::mem::take(&mut self.spare));
                self.write(Batch { lines, done: 0 });
            }
        }
        if is_due(self.sync_due) && self.syncing.is_none() {
            self.sync_due = None;
            self.syncing = Some(self.sync());
        }
    }

    /// Gives back the buffer that waits for the next batch.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
    }

    /// Makes a new file with `lines` where the old one was removed.
    pub fn replace(&mut self, lines: Vec<u8>) {
        let path = self.path.clone();
        let length = lines.len();
        let job = tokio::task::spawn_blocking(move || create(&path, &lines));
        self.job = Some(Job::Replace(length, job));
    }

    fn write(&mut self, batch: Batch) {
        let Some(mut file) = self.file.take() else {
            self.backlog = Some(batch);
            return;
        };
        let write = move || {
            if matches!(file.storage().is_linked(), Ok(false)) {
                return Wrote {
                    file,
                    batch,
                    written: 0,
                    trouble: Some(Trouble::Removed),
                };
            }
            let Appended { written, error } = file.append(&batch.lines[batch.done..]);
            Wrote {
                file,
                batch,
                written,
                trouble: error.map(|error| Trouble::Refused(describe(&error))),
            }
        };
        let job = self.disks.submit(Kind::Write, self.device, write);
        self.job = Some(Job::Write(job));
    }

    fn sync(&self) -> oneshot::Receiver<io::Result<()>> {
        let storage = Arc::clone(&self.storage);
        let sync = move || storage.sync();
        self.disks.submit(Kind::Sync, self.device, sync)
    }

    /// When [`Sink::on_time`] and [`Sink::tick`] are to be called.
    pub fn due(&self, recorder_waits: bool) -> Option<Instant> {
        let sync = self.sync_due.filter(|_| self.syncing.is_none());
        if self.job.is_some() {
            return sync;
        }
        let flush = self
            .flush_due
            .filter(|_| recorder_waits && self.trouble.is_none());
        [sync, flush, self.retry_due].into_iter().flatten().min()
    }

    /// What [`Sink::tick`] does not do by itself when it is time.
    pub fn on_time(&mut self) -> FileEvent {
        let removed = self.trouble == Some(Trouble::Removed);
        let is_due = self.retry_due.is_some_and(|due| due <= Instant::now());
        if removed && is_due && self.job.is_none() {
            self.retry_due = None;
            return FileEvent::Replaceable;
        }
        FileEvent::None
    }

    /// Waits for a write or a sync to end. Cancel safe.
    pub async fn next_completion(&mut self) -> Completion {
        let job = async {
            match &mut self.job {
                Some(Job::Write(job)) => Done::Wrote(job.await),
                Some(Job::Replace(length, job)) => Done::Replaced(*length, job.await),
                None => std::future::pending().await,
            }
        };
        let sync = async {
            match &mut self.syncing {
                Some(sync) => sync.await,
                None => std::future::pending().await,
            }
        };
        let done = tokio::select! {
            done = job => done,
            synced = sync => Done::Synced(synced),
        };
        Completion(done)
    }

    /// Takes in what [`Sink::next_completion`] has waited for.
    pub fn complete(&mut self, completion: Completion, recorder: &mut Recorder) -> FileEvent {
        match completion.0 {
            Done::Wrote(wrote) => {
                self.job = None;
                self.wrote(wrote.expect("writing does not panic"), recorder)
            }
            Done::Replaced(length, file) => {
                self.job = None;
                recorder.written(length);
                match file.expect("creating a file does not panic") {
                    Ok(file) => {
                        self.adopt(file, length as u64);
                        self.trouble = None;
                        FileEvent::Replaced
                    }
                    Err(_) => {
                        self.retry_due = Some(Instant::now() + RETRY);
                        FileEvent::None
                    }
                }
            }
            Done::Synced(synced) => {
                self.syncing = None;
                match synced.expect("syncing does not panic") {
                    Ok(()) => FileEvent::None,
                    Err(error) => {
                        self.sync_due.get_or_insert(Instant::now() + RETRY);
                        FileEvent::SyncFailed(error)
                    }
                }
            }
        }
    }

    fn adopt(&mut self, file: File, length: u64) {
        self.device = device(&file);
        let file = CastFile::new(DiskFile(file), length);
        self.storage = file.storage();
        self.file = Some(file);
        self.backlog = None;
        self.flush_due = None;
        self.retry_due = None;
    }

    fn wrote(&mut self, wrote: Wrote, recorder: &mut Recorder) -> FileEvent {
        let Wrote {
            file,
            mut batch,
            written,
            trouble,
        } = wrote;
        let now = Instant::now();
        self.file = Some(file);
        batch.done += written;
        recorder.written(written);
        if written > 0 && self.sync_due.is_none() {
            // The oldest of these bytes has waited for the flush already.
            let bound = self.intervals.sync.saturating_sub(self.intervals.flush);
            self.sync_due = Some(on_tick(now, bound, SYNC_TICK));
        }
        if batch.done == batch.lines.len() {
            self.spare = if batch.lines.capacity() > LARGEST_SPARE {
                Vec::new()
            } else {
                batch.lines
            };
        } else {
            self.backlog = Some(batch);
        }
        match trouble {
            None => match self.trouble.take() {
                Some(trouble) => FileEvent::Recovered(trouble),
                None => FileEvent::None,
            },
            Some(trouble) => {
                self.retry_due = Some(now + RETRY);
                let is_new = self.trouble.as_ref() != Some(&trouble);
                self.trouble = Some(trouble.clone());
                if is_new {
                    FileEvent::Failed(trouble)
                } else {
                    FileEvent::None
                }
            }
        }
    }

    /// Writes and syncs what is left. Returns how many bytes the file did not
    /// take.
    pub async fn close(mut self, recorder: &mut Recorder) -> u64 {
        loop {
            while self.job.is_some() {
                let completion = self.next_completion().await;
                let _ = self.complete(completion, recorder);
            }
            if self.trouble == Some(Trouble::Removed) {
                break;
            }
            let had_trouble = self.trouble.is_some();
            let batch = self.backlog.take().or_else(|| {
                let waiting = recorder.waiting() > 0;
                waiting.then(|| Batch {
                    lines: recorder.take(Vec::new()),
                    done: 0,
                })
            });
            let Some(batch) = batch else { break };
            self.write(batch);
            while self.job.is_some() {
                let completion = self.next_completion().await;
                let _ = self.complete(completion, recorder);
            }
            // One more try is all that a full disk gets at the end.
            if had_trouble && self.trouble.is_some() {
                break;
            }
        }
        if let Some(sync) = self.syncing.take() {
            let _ = sync.await;
        }
        if let Ok(Err(error)) = self.sync().await {
            tracing::warn!(path = %self.path.display(), %error, "the last sync failed");
        }
        recorder.in_memory() as u64
    }
}

/// What [`Sink::next_completion`] has waited for; to be given to [`Sink::complete`].
pub struct Completion(Done);

enum Done {
    Wrote(Result<Wrote, oneshot::error::RecvError>),
    Replaced(usize, Result<io::Result<File>, tokio::task::JoinError>),
    Synced(Result<io::Result<()>, oneshot::error::RecvError>),
}

/// Makes a cast file with its first lines; never takes a file that is there.
/// It has its name only once the lines are in it.
///
/// # Errors
/// When the name is taken, or the file cannot be made or written.
pub fn create(path: &Path, lines: &[u8]) -> io::Result<File> {
    let mut new = AtomicFile::beside(path, 0o600)?;
    new.file_mut().write_all(lines)?;
    new.publish_new(path, Durability::Kill)?;
    Ok(new.into_file())
}

/// The file system that a file is on.
fn device(file: &File) -> u64 {
    // Where it cannot be told, it shares the fate of others like it.
    file.metadata().map_or(0, |metadata| metadata.dev())
}

/// The last tick that is at most `bound` away from `now`. Short bounds have
/// ticks as close as they need.
fn on_tick(now: Instant, bound: Duration, tick: Duration) -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    let tick = tick.min(bound / 2).as_nanos().max(1);
    let due = now + bound;
    let late = due.saturating_duration_since(start).as_nanos() % tick;
    due - Duration::from_nanos(u64::try_from(late).unwrap_or(0))
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

    #[test]
    fn a_tick_lies_within_the_bound_and_not_too_near() {
        let now = Instant::now();
        for bound in [0, 1, 8, 79, 80, 900, 60_000].map(Duration::from_millis) {
            for later in [0, 1, 17, 39, 40, 999].map(Duration::from_millis) {
                let now = now + later;
                let due = on_tick(now, bound, SYNC_TICK);
                assert!(due <= now + bound, "{bound:?}");
                assert!(
                    due + Duration::from_nanos(1) >= now + bound / 2,
                    "{bound:?}"
                );
            }
        }
    }

    #[test]
    fn ticks_are_shared() {
        let now = Instant::now();
        let bound = Duration::from_millis(900);
        let first = on_tick(now, bound, SYNC_TICK);
        let second = on_tick(now + Duration::from_millis(100), bound, SYNC_TICK);
        let apart = second - first;
        assert!(apart.is_zero() || apart == SYNC_TICK, "{apart:?}");
    }
}
