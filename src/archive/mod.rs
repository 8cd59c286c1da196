//! Casts on disk: known, looked at, kept in order, repaired.
//!
//! The files are the truth. The catalogue (`catalogue`) and what was read out of
//! the casts (`index`, which `search` looks into) are derived: they may be deleted, and are made again.
//! Knows no daemon and no recording: whoever has a path may use it.

mod catalogue;
mod compress;
mod index;
pub mod repair_file;
mod retention;
mod search;
mod title;
mod when;

pub use catalogue::{
    Archive, ArchiveError, Condition, Entry, Filter, Listed, Looked, NameError, Status, UpdateLock,
    is_followed, join_parts, sort_parts,
};
pub use compress::{CompressError, CompressOptions, Compressed, Form, compress_file};
pub use index::{
    Chain, ChainCommand, ChainPrinted, CommandRow, Indexed, LinePart, Printed, Verified,
};
pub use repair_file::RepairFileError;
pub use retention::{Candidate, Plan, Reason, Removed, Rules, is_pinned, pin};
pub use search::{Hit, Pattern, PatternError, PatternOptions, SearchOptions};
pub use title::set_title;
pub use when::{Edge, When, long_ago, time_of_day};
