//! Reads casts into the database: each on one of a few threads, while the caller's own
//! thread writes what they give.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::outlet::{Closed, Indexed, News, Outlet, What};
use super::pack::Packing;
use super::read::{Trouble, read};
use super::shelf;
use crate::archive::catalogue::{Archive, ArchiveError, Condition, Entry, LATELY, UpdateLock};

/// Casts that are read at once at most: each takes some megabytes of memory.
const MOST: usize = 4;

/// Bytes of text that are held back before they are written, by all threads together.
const MUCH: usize = 32 << 20;

impl Archive {
    /// The casts of which not all was read, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn due(&self) -> Result<Vec<Entry>, ArchiveError> {
        let all = self.entries(&Default::default())?;
        Ok(all.into_iter().filter(|entry| entry.is_due).collect())
    }

    /// Forgets how to go on with casts that will hardly grow any more, and what is of no
    /// cast any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn tidy(&mut self, _: &UpdateLock) -> Result<(), ArchiveError> {
        let now = crate::clock::unix_micros() as i64;
        let before = now - LATELY.as_micros() as i64;
        self.change(|connection| {
            connection.execute(
                "DELETE FROM progress WHERE cast_id IN
                     (SELECT id FROM casts WHERE is_due = 0 AND condition != ? AND modified < ?)",
                [Condition::Running.number(), before],
            )?;
            shelf::tidy(connection)
        })
    }

    /// Reads what was not read of some casts, several at once; gives what became of
    /// each. `watch` is told how many bytes were read since the last call, and may end
    /// it: those of which nothing was read so far are `Stopped`, too.
    ///
    /// # Errors
    /// When the database cannot be written; a cast that cannot be read is none.
    pub fn index(
        &mut self,
        _: &UpdateLock,
        casts: &[&Entry],
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Vec<Indexed>, ArchiveError> {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        let threads = cores.min(MOST).min(casts.len());
        let work = Work {
            casts,
            next: AtomicUsize::new(0),
            is_stopped: AtomicBool::new(false),
            are_gone: casts.iter().map(|_| AtomicBool::new(false)).collect(),
            much: MUCH / threads.max(1),
        };
        // Whoever has more than fits waits until it was written: memory is bounded.
        let (give, news) = sync_channel(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                let (give, work) = (give.clone(), &work);
                let started = Packing::new().and_then(|packing| {
                    let thread = thread::Builder::new().name("read".into());
                    thread.spawn_scoped(scope, move || work.run(&give, packing))
                });
                if let Err(source) = started {
                    work.is_stopped.store(true, Ordering::Relaxed);
                    let path = self.path().to_owned();
                    return Err(ArchiveError::Io { path, source });
                }
            }
            drop(give);
            let became = self.take(news, &work, watch);
            // Where writing failed the others need not go on.
            work.is_stopped.store(true, Ordering::Relaxed);
            became
        })
    }

    /// Writes what the threads give, until they have ended.
    fn take(
        &mut self,
        news: Receiver<News>,
        work: &Work<'_>,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Vec<Indexed>, ArchiveError> {
        let mut became = vec![Indexed::Stopped; work.casts.len()];
        for News { at, read, what } in news {
            if read > 0 && watch(read).is_break() {
                work.is_stopped.store(true, Ordering::Relaxed);
            }
            let is_gone = &work.are_gone[at];
            match what {
                What::Read => {}
                What::Asked(cast, file, answer) => {
                    // It waits for that alone.
                    let _ = answer.send(self.progress(cast, file)?);
                }
                What::Batch(batch, end) => {
                    if is_gone.load(Ordering::Relaxed) || !self.write(&batch)? {
                        is_gone.store(true, Ordering::Relaxed);
                        became[at] = Indexed::Unreadable;
                    } else if let Some(end) = end {
                        became[at] = end;
                    }
                }
                What::Unreadable(why) => {
                    self.set_unreadable(work.casts[at].id, &why)?;
                    became[at] = Indexed::Unreadable;
                }
            }
        }
        Ok(became)
    }
}

/// The casts that several threads read.
struct Work<'a> {
    casts: &'a [&'a Entry],
    /// The first that nobody reads so far.
    next: AtomicUsize,
    is_stopped: AtomicBool,
    /// Those that were taken out of the catalogue meanwhile.
    are_gone: Vec<AtomicBool>,
    /// Bytes of text after which a thread has its own written.
    much: usize,
}

impl Work<'_> {
    /// Reads one cast after the other.
    fn run(&self, news: &SyncSender<News>, mut packing: Packing) {
        while !self.is_stopped.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = self.casts.get(at) else {
                break;
            };
            let ends = [&self.is_stopped, &self.are_gone[at]];
            let mut outlet = Outlet::new(at, news, ends);
            let done = match read(entry, &mut outlet, &mut packing, self.much) {
                Err(Trouble::Cast(why)) => outlet.send(What::Unreadable(why)),
                Err(Trouble::Closed) => Err(Closed),
                Ok(()) => Ok(()),
            };
            if done.is_err() {
                break;
            }
        }
    }
}
