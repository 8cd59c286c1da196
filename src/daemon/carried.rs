//! A recording that goes on where a daemon that died, or was replaced, has
//! stopped: its lines that were not written yet, and its stream.

use std::fs::File;
use std::io;
use std::path::Path;

use super::recording::OpenCast;
use crate::cast::Micros;
use crate::clock::monotonic_micros;
use crate::record::{
    self, Carry, DiskFile, PipeEnd, RECENT, Recorder, StreamRecord, file_id, last_output,
};

/// A recording's cast that is open again.
pub(super) struct Reopened {
    pub(super) cast: OpenCast,
    /// Seconds since its last event.
    pub(super) silent: f64,
    pub(super) left: Left,
}

/// What the last daemon has left of a recording's stream.
pub(super) enum Left {
    Stream {
        record: StreamRecord,
        end: Box<PipeEnd>,
        is_alternate: bool,
        /// The end of what it has printed so far.
        recent: Vec<u8>,
    },
    /// Nothing, and why there is a gap.
    Nothing(String),
}

/// A stream, and how many of its bytes are out of the FIFO, where that is known.
type TakenOver = (PipeEnd, Option<u64>);

/// Goes on with what was kept of the recording to `path` in the files whose names
/// begin with `base`. Its stream is what `take_over` makes of what is known of it
/// and the number of bytes that were taken from it.
///
/// # Errors
/// When nothing was kept, or it does not fit the cast.
pub(super) fn go_on(
    path: &Path,
    base: &Path,
    bound: usize,
    take_over: impl FnOnce(&StreamRecord, u64) -> io::Result<TakenOver>,
) -> io::Result<Reopened> {
    let carry = Carry::find(base)?;
    let cast = File::options().read(true).write(true).open(path)?;
    let length = carry.write_lines(&cast, file_id(&cast)?)?;
    let (taken, is_alternate) = (carry.taken(), carry.is_alternate());
    let last = carry.last();
    let (origin, record) = (carry.origin(), carry.stream());
    let time_of = |monotonic: u64| {
        let time = Micros::try_from((monotonic as i64).saturating_sub(origin));
        time.unwrap_or(0).max(last)
    };
    let now = time_of(monotonic_micros());
    let (mut recorder, spare, mut read) = Recorder::go_on(carry.take_over(length)?, length, bound);
    let left = match record {
        None => Err("it had no stream".to_owned()),
        Some(record) => match take_over(&record, taken) {
            Ok((end, consumed)) => Ok((record, Box::new(end), consumed)),
            Err(error) => {
                recorder.count_lost(record::lost_behind(&record.fifo, taken));
                Err(error.to_string())
            }
        },
    };
    let consumed = left.as_ref().ok().and_then(|(_, _, consumed)| *consumed);
    let unread = read.unread(taken, consumed);
    if !unread.is_empty() {
        let held = left.as_ref().ok().and_then(|(_, end, _)| end.held_since());
        recorder.output(held.map_or(last, time_of), &unread);
    }
    read.clear();
    let mut recent = last_output(&cast, length, 4 * RECENT)?;
    recent.extend_from_slice(&unread);
    let left = match left {
        Ok((record, mut end, consumed)) => {
            let read = taken + unread.len() as u64;
            let missing = consumed.map_or(0, |consumed| consumed.saturating_sub(read));
            end.skip(unread.len() as u64 + missing);
            match missing {
                0 => Left::Stream {
                    record,
                    end,
                    is_alternate,
                    recent,
                },
                _ => {
                    recorder.count_lost(missing);
                    Left::Nothing(interrupted(now - last))
                }
            }
        }
        Err(why) => {
            tracing::info!(path = %path.display(), why, "its stream cannot go on");
            Left::Nothing(interrupted(now - last))
        }
    };
    Ok(Reopened {
        cast: OpenCast {
            recorder,
            file: DiskFile::new(cast, path),
            length,
            now,
            kept: Some((spare, read)),
        },
        silent: (now - last) as f64 / 1e6,
        left,
    })
}

/// What a marker says where the stream could not go on.
pub(super) fn interrupted(missing: Micros) -> String {
    let missing = missing as f64 / 1e6;
    format!("the recorder was interrupted; up to {missing:.1} s are missing")
}
