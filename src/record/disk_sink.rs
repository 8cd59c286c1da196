//! A sink whose jobs are run: the recording's file on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::disks::{Disks, Work};
use super::lines::Lines;
use super::recorder::Recorder;
use super::sink::{Completion, FileEvent, Intervals, Job, Sink, Step, Trouble};
use super::storage::DiskFile;

/// One job of a kind, and the place where its result comes.
type Running = Option<oneshot::Receiver<Completion<DiskFile>>>;

/// A [`Sink`] on disk, its jobs run in batches with those of other recordings.
pub struct DiskSink {
    sink: Sink<DiskFile>,
    disks: Arc<Disks>,
    path: PathBuf,
    device: u64,
    write: Running,
    sync: Running,
    due: Option<Instant>,
    is_closed: bool,
}

impl DiskSink {
    /// A sink for a file of which `length` bytes are whole lines.
    #[must_use]
    pub fn new(disks: Arc<Disks>, file: DiskFile, length: u64, intervals: Intervals) -> DiskSink {
        DiskSink {
            path: file.path().to_owned(),
            device: file.device(),
            sink: Sink::new(file, length, intervals, Instant::now()),
            disks,
            write: None,
            sync: None,
            due: None,
            is_closed: false,
        }
    }

    /// Changes the bounds, for what waits too.
    pub fn set_intervals(&mut self, intervals: Intervals) {
        self.sink.set_intervals(intervals, Instant::now());
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the file takes nothing at present.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.sink.trouble()
    }

    /// Starts what is due: to be called after the recorder has got something,
    /// and after each completion, until there is no event.
    pub fn tick(&mut self, recorder: &mut Recorder) -> Option<FileEvent> {
        loop {
            match self.sink.poll(Instant::now(), recorder) {
                Step::Run(job) => self.run(job),
                Step::Event(event) => return Some(event),
                Step::Wait(due) => {
                    self.due = due;
                    return None;
                }
                Step::Closed => {
                    self.due = None;
                    self.is_closed = true;
                    return None;
                }
            }
        }
    }

    /// When to call [`DiskSink::tick`] though nothing happens.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    fn run(&mut self, job: Job<DiskFile>) {
        let (work, running) = if job.is_sync() {
            (Work::Sync, &mut self.sync)
        } else {
            (Work::Write, &mut self.write)
        };
        *running = Some(self.disks.submit(work, self.device, move || job.run()));
    }

    /// Waits for a job to end. Cancel safe.
    pub async fn next_completion(&mut self) -> Completion<DiskFile> {
        let done = |running: &mut Running, done| {
            *running = None;
            done
        };
        let done = tokio::select! {
            wrote = wait(&mut self.write) => done(&mut self.write, wrote),
            synced = wait(&mut self.sync) => done(&mut self.sync, synced),
        };
        done.expect("work on a file does not panic")
    }

    /// Takes in what [`DiskSink::next_completion`] has waited for.
    pub fn complete(
        &mut self,
        completion: Completion<DiskFile>,
        recorder: &mut Recorder,
    ) -> Option<FileEvent> {
        self.sink.complete(completion, Instant::now(), recorder)
    }

    /// Writes lines as they come, or at their time again.
    pub fn set_hurry(&mut self, hurries: bool) {
        self.sink.set_hurry(hurries);
    }

    /// Goes on in another file, of which `length` bytes are there; all lines must be
    /// written. Gives the one before, to close.
    #[must_use]
    pub fn go_on_in(&mut self, file: DiskFile, length: u64, intervals: Intervals) -> DiskSink {
        let mut next = DiskSink::new(Arc::clone(&self.disks), file, length, intervals);
        next.sink.set_spare(self.sink.take_spare());
        std::mem::replace(self, next)
    }

    /// Makes a new file with `lines` where the old one was removed.
    pub fn replace(&mut self, lines: Vec<u8>) {
        self.sink.replace(lines, Instant::now());
    }

    /// The buffer that becomes the recorder's with the next batch.
    pub fn set_spare(&mut self, spare: Lines) {
        self.sink.set_spare(spare);
    }

    /// Device and inode of the file.
    ///
    /// # Errors
    /// As the system says.
    pub fn file_id(&self) -> io::Result<(u64, u64)> {
        self.sink.storage().id()
    }

    /// Gives back the buffer that waits for the next batch.
    pub fn shrink(&mut self) {
        self.sink.shrink();
    }

    /// Writes and syncs what is left. Returns how many bytes the file has not
    /// got; [`DiskSink::trouble`] says why.
    pub async fn close(&mut self, recorder: &mut Recorder) -> u64 {
        self.sink.close();
        loop {
            self.tick(recorder);
            if self.is_closed {
                return self.sink.unwritten(recorder);
            }
            let completion = self.next_completion().await;
            if let Some(FileEvent::SyncFailed(error)) = self.complete(completion, recorder) {
                tracing::warn!(path = %self.path.display(), %error, "the last sync failed");
            }
        }
    }
}

async fn wait(running: &mut Running) -> Result<Completion<DiskFile>, oneshot::error::RecvError> {
    match running {
        Some(done) => done.await,
        None => std::future::pending().await,
    }
}
