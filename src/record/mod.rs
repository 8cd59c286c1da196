//! From a pane's FIFO to a cast file.
//!
//! The way of a byte, top to bottom:
//!
//! ```text
//! relay      the process between a pane and its FIFO (backlog: what it holds
//!            while nobody reads; ledger: what it and the daemon tell each
//!            other; recall: calls the daemon back)
//! fifo       the FIFO's reading end, drained without blocking
//! stream     one pane's output, from its snapshot on
//! intake     reads the stream in turns (alternate: sees it leave that screen;
//!            recent: keeps its end for the next snapshot)
//! recorder   bytes and times become lines (pages: that cross no page; carry,
//!            lines, read_buffer: where a kill does not take them)
//! sink       decides when lines are written and synced (disk_sink: has it done)
//! disks      does it off the thread that drains, in batches
//! cast_file  puts whole lines into the file (storage: a disk, or a simulated one)
//! ```
//!
//! The recorder is a state machine without I/O. Nothing here knows what is
//! recorded and why: that is the daemon's.
//!
//! Invariants:
//! - Only whole lines reach a file, and no line crosses a page of 4,096 bytes:
//!   wherever the kernel stops in the middle of a write (a kill, a full disk),
//!   it stops at the end of a line.
//! - Draining a FIFO never waits for the disk.

mod alternate;
mod backlog;
mod carry;
mod cast_file;
mod control;
mod disk_sink;
mod disks;
mod fifo;
mod intake;
mod ledger;
mod lines;
mod pages;
mod read_buffer;
mod recall;
mod recent;
mod recorder;
pub mod relay;
mod shared_memory;
mod sink;
mod storage;
mod stream;
mod tail;

pub use carry::{Carry, Kept, StreamRecord, remove_files};
pub use cast_file::{Appended, CastFile};
pub use control::{Control, LONGEST_INPUT, LineReader, Order, orders_path};
pub use disk_sink::DiskSink;
pub use disks::Disks;
pub use fifo::{Fifo, Read, make_fifo};
pub use intake::{Intake, Taken};
pub use lines::Lines;
pub use pages::PAGE;
pub use read_buffer::ReadBuffer;
pub use recall::{MOST_STARTS, MOST_TRIES, RecallPlan};
pub use recent::{RECENT, Recent, Told};
pub use recorder::{Recorder, Stats};
pub use sink::{Completion, FileEvent, Intervals, Job, Sink, Step, Trouble};
pub use storage::{DiskFile, Storage, create_folder, file_id};
pub use stream::{
    AttachOptions, Attached, Buffer, Error as AttachError, PipeEnd, RelayProgram, Stream,
    attach_pipe, let_go, lost_behind, wake_relays, was_cut_off,
};
pub use tail::{Tail, cut_tail, find_tail, last_output};
