//! What is known of a cast so far, and how more of it becomes known.

use std::io;

use super::cache::{self, Loaded};
use super::index::{Index, KeptPosition};
use super::scan::{Keeper, Progress, Scan};
use super::source::Bytes;
use super::store::Store;
use super::{Coverage, Shared, TimelineError, blank};
use crate::cast::{EventReader, Strictness};
use crate::screen::Screen;

pub(super) struct State {
    pub index: Index,
    pub store: Store,
    scan: ScanState,
    /// What was read so far.
    pub covered: KeptPosition,
    /// All that was there was read, the last time.
    pub is_whole: bool,
    /// Why keyframes are not kept any more.
    trouble: Option<io::Error>,
}

enum ScanState {
    /// Not begun, or kept by an earlier process: its place and screen.
    Kept(Progress, Vec<u8>),
    Running(Box<Scan>),
}

impl State {
    /// What an earlier process has kept.
    pub fn kept(kept: Loaded) -> State {
        State {
            index: kept.index,
            store: kept.store,
            covered: kept.progress.place,
            scan: ScanState::Kept(kept.progress, kept.screen),
            is_whole: false,
            trouble: None,
        }
    }

    pub fn new(reader: EventReader<Bytes>, screen: Screen) -> State {
        let scan = Scan::new(reader, screen);
        State {
            index: Index::default(),
            store: Store::new(),
            covered: scan.place(),
            scan: ScanState::Running(Box::new(scan)),
            is_whole: false,
            trouble: None,
        }
    }

    pub fn coverage(&self) -> Coverage {
        Coverage {
            bytes: self.covered.offset(),
            time: self.covered.time(),
            is_whole: self.is_whole,
        }
    }

    /// Goes on a bit; gives whether there may be more.
    pub fn step(&mut self, shared: &Shared) -> Result<bool, TimelineError> {
        if let ScanState::Kept(progress, screen) = &self.scan {
            let offset = progress.place.offset();
            let bytes = shared.source.bytes_from(offset);
            match Scan::resume(bytes, progress.clone(), screen) {
                Ok(scan) => self.scan = ScanState::Running(Box::new(scan)),
                Err(_) => {
                    let bytes = shared.source.bytes_from(0);
                    let reader = EventReader::new(bytes, Strictness::Forgiving)?;
                    *self = State::new(reader, blank(&shared.header, shared.rules));
                }
            }
        }
        let ScanState::Running(scan) = &mut self.scan else {
            return Ok(false);
        };
        let mut keeper = Keeper {
            store: &mut self.store,
            cache: shared.cache.as_deref(),
            trouble: &mut self.trouble,
        };
        let more = scan.step(&mut self.index, &mut keeper);
        self.covered = scan.place();
        Ok(more?)
    }

    /// Keeps what is known, if there is something new. A cache that cannot be
    /// written is no reason to fail.
    pub fn save(&mut self, shared: &Shared) {
        let ScanState::Running(scan) = &self.scan else {
            return;
        };
        let Some(path) = shared.cache.as_deref() else {
            return;
        };
        if self.trouble.is_some() || !self.store.is_changed() {
            return;
        }
        let known = (&self.index, &mut self.store);
        if let Err(error) = cache::save(path, &shared.source, shared.rules, known, scan.save()) {
            self.trouble = Some(error);
        }
    }
}
