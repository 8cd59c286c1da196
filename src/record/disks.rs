//! Work on files, off the thread that drains, a batch at a time.
//!
//! To hand work to another thread and wait for it costs more than to write a
//! few lines, or to find that they are on the disk already. So what recordings
//! want at one moment goes to another thread together, and the results come
//! back together.
//!
//! Each file system has one batch of writes under way and one of syncs: what
//! hangs holds up nobody but those whose files are on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// At most this many syncs of a batch go to one thread. A sync mostly waits for the disk,
/// and those that wait together are often done by one write to it.
const SYNCS_A_THREAD: usize = 16;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    Write,
    /// What was written is made safe.
    Sync,
}

/// Work, which gives what handles its result on the thread that
/// waits for it.
type Job = Box<dyn FnOnce() -> Reply + Send>;
type Reply = Box<dyn FnOnce() + Send>;

/// A file system, by its device number, and what is done there.
type Lane = (u64, Work);

/// All file systems that recordings are on.
pub struct Disks {
    /// What waits for the batch under way. A lane without one is not here.
    lanes: Mutex<HashMap<Lane, Vec<Job>>>,
    tick: Instant,
}

impl Default for Disks {
    fn default() -> Disks {
        Disks {
            lanes: Mutex::default(),
            tick: Instant::now(),
        }
    }
}

impl Disks {
    /// A moment from which the ticks of all files are counted.
    #[must_use]
    pub fn tick(&self) -> Instant {
        self.tick
    }

    /// Does `act` on a file of the file system `device`. Work of one kind on
    /// one device should be about as long as any other.
    pub fn submit<T: Send + 'static>(
        self: &Arc<Self>,
        work: Work,
        device: u64,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            let result = act();
            // Nobody waits any more: then nobody needs it.
            Box::new(move || drop(sender.send(result)))
        });
        let lane = (device, work);
        let mut lanes = self.lock();
        match lanes.get_mut(&lane) {
            Some(waiting) => waiting.push(job),
            None => {
                lanes.insert(lane, vec![job]);
                // Runs after everybody else who is awake now.
                tokio::spawn(Arc::clone(self).run(lane));
            }
        }
        receiver
    }

    /// Does what is in a lane, until there is nothing.
    async fn run(self: Arc<Self>, lane: Lane) {
        loop {
            let batch = {
                let mut lanes = self.lock();
                match lanes.get_mut(&lane) {
                    Some(waiting) if !waiting.is_empty() => std::mem::take(waiting),
                    _ => {
                        lanes.remove(&lane);
                        return;
                    }
                }
            };
            let share = match lane.1 {
                Work::Write => batch.len(),
                Work::Sync => SYNCS_A_THREAD,
            };
            let mut batch = batch.into_iter();
            let mut parts = Vec::new();
            while batch.len() > 0 {
                let part: Vec<Job> = batch.by_ref().take(share).collect();
                parts.push(spawn_blocking(move || {
                    part.into_iter().map(|job| job()).collect::<Vec<Reply>>()
                }));
            }
            for part in parts {
                for reply in part.await.into_iter().flatten() {
                    reply();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, Vec<Job>>> {
        self.lanes.lock().unwrap_or_else(|error| error.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn what_is_wanted_together_is_done_on_one_thread() {
        let disks = Arc::new(Disks::default());
        let wanted = (0..100).map(|_| disks.submit(Work::Write, 1, || thread::current().id()));
        let wanted: Vec<_> = wanted.collect();
        let mut threads = Vec::new();
        for done in wanted {
            threads.push(done.await.unwrap());
        }
        threads.dedup();
        assert_eq!(threads.len(), 1);
        assert_ne!(threads[0], thread::current().id());
    }

    #[tokio::test]
    async fn a_file_system_that_hangs_holds_up_no_other() {
        let disks = Arc::new(Disks::default());
        let (release, hang) = mpsc::channel::<()>();
        let hung = disks.submit(Work::Write, 1, move || hang.recv().is_ok());
        let behind = disks.submit(Work::Write, 1, || 2);
        assert_eq!(disks.submit(Work::Write, 3, || 3).await, Ok(3));
        assert_eq!(disks.submit(Work::Sync, 1, || 4).await, Ok(4));
        release.send(()).unwrap();
        assert_eq!(hung.await, Ok(true));
        assert_eq!(behind.await, Ok(2));
    }

    #[tokio::test]
    async fn what_comes_meanwhile_is_done_next() {
        let disks = Arc::new(Disks::default());
        for round in 0..100 {
            let one = disks.submit(Work::Sync, 7, move || round);
            let many: Vec<_> = (0..40)
                .map(|number| disks.submit(Work::Sync, 7, move || number))
                .collect();
            assert_eq!(one.await, Ok(round));
            for (number, done) in many.into_iter().enumerate() {
                assert_eq!(done.await, Ok(number));
            }
        }
        // The lane goes with its last batch.
        while !disks.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
