//! From a pane's FIFO to a cast file.
//!
//! The way of a byte: [`Fifo`] reads what `tmux pipe-pane` delivers,
//! [`Recorder`] turns it into lines, [`CastFile`] puts whole lines into the
//! file. The recorder is a state machine without I/O; the file is behind the
//! [`Storage`] trait, so that disks that fail can be simulated.
//!
//! Invariants:
//! - Only whole lines reach a file, and no line crosses a page of 4,096 bytes:
//!   wherever the kernel stops in the middle of a write (a kill, a full disk),
//!   it stops at the end of a line.
//! - Draining a FIFO never waits for the disk.

mod cast_file;
mod fifo;
mod pages;
mod recorder;
pub mod relay;
mod storage;
mod tail;

pub use cast_file::{Appended, CastFile};
pub use fifo::{Fifo, Read};
pub use pages::PAGE;
pub use recorder::{Recorder, Stats};
pub use storage::{DiskFile, Storage};
pub use tail::{Tail, cut_tail, find_tail};
