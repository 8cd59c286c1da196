//! What a thread that reads a cast has to say, and to whom.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::batch::Batch;

/// What became of a cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// All that was there was read: bytes.
    Read(u64),
    /// It is gone, or cannot be read.
    Unreadable,
    /// It was to stop; the next time goes on there.
    Stopped,
}

/// What a thread says of the cast that it reads.
pub(super) struct News {
    /// Its place among those that are read.
    pub at: usize,
    /// Bytes of it that were read since the last news.
    pub read: u64,
    pub what: What,
}

pub(super) enum What {
    Read,
    /// How to go on with it, if it is still the file with this device and inode.
    Asked(i64, (u64, u64), SyncSender<Option<Vec<u8>>>),
    /// To be written; with the last one what became of the cast.
    Batch(Box<Batch>, Option<Indexed>),
    Unreadable(String),
}

/// Nobody takes what is read any more.
pub(super) struct Closed;

/// Where a thread gives what it reads of a cast.
pub(super) struct Outlet<'a> {
    at: usize,
    news: &'a SyncSender<News>,
    /// Each of them ends the reading once it is set.
    ends: [&'a AtomicBool; 2],
    /// Bytes that were not told so far.
    read: u64,
}

impl<'a> Outlet<'a> {
    pub fn new(at: usize, news: &'a SyncSender<News>, ends: [&'a AtomicBool; 2]) -> Outlet<'a> {
        Outlet {
            at,
            news,
            ends,
            read: 0,
        }
    }

    /// `bytes` more were read; gives whether to go on.
    pub fn advance(&mut self, bytes: u64) -> ControlFlow<()> {
        self.read += bytes;
        let news = self.news_of(What::Read);
        // While others are written it is told later.
        if self.news.try_send(news).is_ok() {
            self.read = 0;
        }
        match self.ends.iter().any(|end| end.load(Ordering::Relaxed)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// How to go on with a cast, if it is still that file.
    pub fn progress(&mut self, cast: i64, file: (u64, u64)) -> Result<Option<Vec<u8>>, Closed> {
        let (answer, answered) = sync_channel(1);
        self.send(What::Asked(cast, file, answer))?;
        answered.recv().map_err(|_| Closed)
    }

    /// Has it written; with the last one what became of the cast.
    pub fn write(&mut self, batch: Batch, end: Option<Indexed>) -> Result<(), Closed> {
        self.send(What::Batch(Box::new(batch), end))
    }

    pub fn send(&mut self, what: What) -> Result<(), Closed> {
        let news = self.news_of(what);
        self.read = 0;
        self.news.send(news).map_err(|_| Closed)
    }

    fn news_of(&self, what: What) -> News {
        News {
            at: self.at,
            read: self.read,
            what,
        }
    }
}
