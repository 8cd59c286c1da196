//! A disk that fails on demand, and the loop that a daemon runs around a sink,
//! with a clock of its own.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use nix::errno::Errno;
use tokio::time::Instant;
use tvmux::cast::Header;
use tvmux::record::{
    Completion, FileEvent, Intervals, Job, PAGE, Recorder, Sink, Step, Storage, Trouble,
};

pub const FLUSH: Duration = Duration::from_millis(100);
pub const SYNC: Duration = Duration::from_secs(1);

/// A disk with one folder and one name in it. It forgets what was not synced,
/// in the ways that file systems do.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<Disk>>);

#[derive(Default)]
pub struct Disk {
    files: Vec<Contents>,
    /// The file that has the name.
    pub named: Option<usize>,
    /// The same after a power cut, as far as was synced.
    named_on_disk: Option<usize>,
    /// How many operations are left before the power goes.
    pub operations: Option<usize>,
    /// The largest number of bytes that one write takes.
    pub largest_write: Option<usize>,
    /// How long a file may become.
    pub space: Option<usize>,
    pub is_read_only: bool,
    pub fails_syncs: bool,
    pub is_power_gone: bool,
}

#[derive(Clone, Default)]
struct Contents {
    on_disk: Vec<u8>,
    in_memory: Vec<u8>,
}

/// A file on it, open for writing.
#[derive(Debug)]
pub struct SimulatedFile {
    disk: SimulatedDisk,
    number: usize,
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedDisk")
    }
}

impl SimulatedDisk {
    pub fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    /// A new file with its first lines, as the daemon makes it: nothing of it
    /// is safe yet.
    pub fn create(&self, lines: &[u8]) -> SimulatedFile {
        let mut disk = self.lock();
        disk.files.push(Contents {
            on_disk: Vec::new(),
            in_memory: lines.to_vec(),
        });
        let number = disk.files.len() - 1;
        disk.named = Some(number);
        SimulatedFile {
            disk: self.clone(),
            number,
        }
    }

    /// What the present file holds.
    pub fn bytes(&self) -> Vec<u8> {
        let disk = self.lock();
        disk.named
            .map(|number| disk.files[number].in_memory.clone())
            .unwrap_or_default()
    }

    /// How long the present file is, and how much of that a power cut leaves
    /// for sure.
    pub fn lengths(&self) -> (usize, usize) {
        let disk = self.lock();
        let Some(number) = disk.named else {
            return (0, 0);
        };
        let file = &disk.files[number];
        let is_safe = disk.named_on_disk == disk.named;
        let safe = if is_safe { file.on_disk.len() } else { 0 };
        (file.in_memory.len(), safe)
    }

    /// What is there after the power has gone: of the pages written since the
    /// last sync any may be on the disk and any may not; pages that are not are
    /// as they were, or zeros where the file was not so long. `None`: not even
    /// the name.
    pub fn after_cut(&self, rng: &mut Rng) -> Option<Vec<u8>> {
        let disk = self.lock();
        let number = [disk.named, disk.named_on_disk][rng.usize(..2)]?;
        let file = &disk.files[number];
        let (old, new) = (&file.on_disk, &file.in_memory);
        let (short, long) = (old.len().min(new.len()), old.len().max(new.len()));
        // The length is its own piece of data, written when it pleases.
        let length = [old.len(), new.len(), rng.usize(short..=long)][rng.usize(..3)];
        let mut left = vec![0; length];
        for (start, page) in (0..).step_by(PAGE).zip(left.chunks_mut(PAGE)) {
            let unchanged =
                old.get(start..start + page.len()) == new.get(start..start + page.len());
            let source = if unchanged || rng.bool() { new } else { old };
            let there = source.get(start..).unwrap_or_default();
            let count = there.len().min(page.len());
            page[..count].copy_from_slice(&there[..count]);
        }
        Some(left)
    }
}

impl Disk {
    fn operation(&mut self) -> io::Result<()> {
        if let Some(left) = &mut self.operations {
            if *left == 0 {
                self.is_power_gone = true;
                return Err(io::Error::other("the power is gone"));
            }
            *left -= 1;
        }
        Ok(())
    }
}

impl Storage for SimulatedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.operation()?;
        if disk.is_read_only {
            return Err(Errno::EROFS.into());
        }
        let offset = offset as usize;
        let space = disk
            .space
            .map_or(usize::MAX, |space| space.saturating_sub(offset));
        let count = bytes
            .len()
            .min(disk.largest_write.unwrap_or(usize::MAX))
            .min(space);
        if count == 0 {
            return Err(Errno::ENOSPC.into());
        }
        let file = &mut disk.files[self.number].in_memory;
        file.resize((offset + count).max(file.len()), 0);
        file[offset..offset + count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.operation()?;
        disk.files[self.number].in_memory.resize(length as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.operation()?;
        if disk.fails_syncs {
            return Err(Errno::EIO.into());
        }
        let file = &mut disk.files[self.number];
        file.on_disk.clone_from(&file.in_memory);
        Ok(())
    }

    fn sync_name(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.operation()?;
        disk.named_on_disk = disk.named;
        Ok(())
    }

    fn is_linked(&self) -> io::Result<bool> {
        Ok(self.disk.lock().named == Some(self.number))
    }

    fn recreate(&self, lines: &[u8]) -> io::Result<SimulatedFile> {
        let (is_taken, is_read_only) = {
            let disk = self.disk.lock();
            (disk.named.is_some(), disk.is_read_only)
        };
        if is_taken || is_read_only {
            return Err(Errno::EROFS.into());
        }
        Ok(self.disk.create(lines))
    }
}

/// How long the disk takes for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    pub write: Duration,
    pub sync: Duration,
}

/// A recording whose time is the test's.
pub struct Recording {
    pub now: Instant,
    pub start: Instant,
    pub disk: SimulatedDisk,
    pub latency: Latency,
    pub recorder: Recorder,
    pub sink: Sink<SimulatedFile>,
    jobs: Vec<(Instant, Job<SimulatedFile>)>,
    due: Option<Instant>,
    pub events: Vec<String>,
    pub is_closed: bool,
    /// After each job: how long the file was, and how much of it was safe.
    lengths: Vec<(Instant, usize, usize)>,
}

pub fn header() -> Header {
    Header {
        width: 80,
        height: 24,
        ..Header::default()
    }
}

impl Recording {
    /// One that has just been made; `tick` before now all recordings had a tick.
    pub fn start(disk: SimulatedDisk, bound: usize, tick: Duration, latency: Latency) -> Recording {
        let start = Instant::now() + Duration::from_secs(3600);
        let mut recorder = Recorder::new(&header(), bound);
        recorder.snapshot(0, 80, 24, b"\x1bcthe screen");
        let lines = recorder.take_copy();
        let file = disk.create(&lines);
        recorder.written(lines.len());
        let intervals = Intervals {
            flush: FLUSH,
            sync: SYNC,
            tick: start - tick,
        };
        let mut recording = Recording {
            now: start,
            start,
            sink: Sink::new(file, lines.len() as u64, intervals, start),
            disk,
            latency,
            recorder,
            jobs: Vec::new(),
            due: None,
            events: Vec::new(),
            is_closed: false,
            lengths: Vec::new(),
        };
        recording.turn();
        recording
    }

    fn time(&self) -> u64 {
        u64::try_from((self.now - self.start).as_micros()).unwrap()
    }

    /// The pane prints.
    pub fn print(&mut self, bytes: &[u8]) -> bool {
        let is_taken = self.recorder.output(self.time(), bytes);
        self.turn();
        is_taken
    }

    /// What the daemon does each time that anything happens.
    fn turn(&mut self) {
        for _ in 0..100 {
            match self.sink.poll(self.now, &mut self.recorder) {
                Step::Run(job) => {
                    let is_sync = job.is_sync();
                    assert!(
                        self.jobs
                            .iter()
                            .all(|(_, other)| other.is_sync() != is_sync),
                        "one write and one sync at a time"
                    );
                    let takes = if is_sync {
                        self.latency.sync
                    } else {
                        self.latency.write
                    };
                    self.jobs.push((self.now + takes, job));
                }
                Step::Event(event) => self.on_event(event),
                Step::Wait(due) => {
                    self.due = due;
                    assert!(due.is_none_or(|due| due > self.now), "no idle turns");
                    return;
                }
                Step::Closed => {
                    assert!(self.jobs.is_empty());
                    self.is_closed = true;
                    return;
                }
            }
        }
        panic!("the sink never waits: {:?}", self.sink);
    }

    fn on_event(&mut self, event: FileEvent) {
        self.events.push(match &event {
            FileEvent::Failed(Trouble::Refused(why)) => why.clone(),
            FileEvent::Failed(Trouble::Removed) => "removed".to_owned(),
            FileEvent::Recovered(_) => "recovered".to_owned(),
            FileEvent::Replaceable => "replaceable".to_owned(),
            FileEvent::Replaced => "replaced".to_owned(),
            FileEvent::SyncFailed(_) => "sync failed".to_owned(),
        });
        match event {
            FileEvent::Recovered(why) => self.snapshot(&why),
            FileEvent::Replaceable => {
                self.recorder.restart(&header());
                self.recorder.gap(0, "removed");
                let lines = self.recorder.take_copy();
                self.sink.replace(lines, self.now);
            }
            FileEvent::Replaced => self.snapshot(""),
            FileEvent::Failed(_) | FileEvent::SyncFailed(_) => {}
        }
    }

    fn snapshot(&mut self, why: &str) {
        let time = self.time();
        if !why.is_empty() || self.recorder.has_overflowed() {
            self.recorder.gap(time, why);
        }
        self.recorder.snapshot(time, 80, 24, b"\x1bcagain");
    }

    /// The daemon ends a gap that the memory bound has made.
    pub fn end_overflow(&mut self) {
        if self.recorder.has_overflowed()
            && self.sink.trouble().is_none()
            && self.recorder.in_memory() * 2 < BOUND
        {
            self.snapshot("overload");
            self.turn();
        }
    }

    /// Lets time pass, up to a power cut.
    pub fn pass(&mut self, time: Duration) {
        self.pass_until(self.now + time);
    }

    fn pass_until(&mut self, end: Instant) {
        while !self.disk.lock().is_power_gone && !self.is_closed {
            let job = self.jobs.iter().map(|(done, _)| *done).min();
            let Some(next) = job
                .into_iter()
                .chain(self.due)
                .min()
                .filter(|next| *next <= end)
            else {
                break;
            };
            self.now = self.now.max(next);
            if let Some(at) = self.jobs.iter().position(|(done, _)| *done <= self.now) {
                let (_, job) = self.jobs.remove(at);
                let completion: Completion<SimulatedFile> = job.run();
                let (written, safe) = self.disk.lengths();
                self.lengths.push((self.now, written, safe));
                if let Some(event) = self.sink.complete(completion, self.now, &mut self.recorder) {
                    self.on_event(event);
                }
            }
            self.turn();
        }
        if !self.disk.lock().is_power_gone && !self.is_closed {
            self.now = end;
        }
    }

    /// Ends the recording.
    pub fn close(&mut self) {
        self.recorder.finish();
        self.sink.close();
        self.turn();
        self.pass(Duration::from_secs(600));
        assert!(self.is_closed || self.disk.lock().is_power_gone);
    }

    /// When the file was `length` bytes long, and when a power cut left them.
    pub fn reached(&self, length: usize) -> (Option<Instant>, Option<Instant>) {
        let first = |is_there: &dyn Fn(usize, usize) -> bool| {
            let mut all = self.lengths.iter();
            all.find(|(_, written, safe)| is_there(*written, *safe))
                .map(|(at, ..)| *at)
        };
        (
            first(&|written, _| written >= length),
            first(&|_, safe| safe >= length),
        )
    }
}

/// The memory bound of tests that reach it.
pub const BOUND: usize = 64 * 1024;
