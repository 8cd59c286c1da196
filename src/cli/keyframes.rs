//! `tvmux keyframes`: goes through casts so that any moment of them is quick to
//! reach. The daemon starts it when a recording has ended; nobody else needs it.

use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use nix::libc;

use super::Outcome;
use super::screenshot::failure;
use super::signals::stop_flag;
use crate::packed::present;
use crate::timeline::{Timeline, TimelineOptions};

/// Go through casts, at low priority, and keep keyframes in the cache folder
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "FILE")]
    casts: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Outcome {
    yield_to_others();
    let stop = stop_flag()?;
    for cast in &args.casts {
        // Before the cache folder is made: the cast may be gone.
        let file = File::open(present(cast))?;
        let is_removed = || file.metadata().is_ok_and(|found| found.nlink() == 0);
        let goes_on = |_| match stop.load(Ordering::Relaxed) || is_removed() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let gone_through = Timeline::open(cast, TimelineOptions::of_user()).and_then(|timeline| {
            timeline.cover(None, goes_on)?;
            // Nobody looks at a cast that has been removed meanwhile.
            if !is_removed() {
                timeline.save();
            }
            Ok(())
        });
        gone_through.map_err(|error| failure(error, cast, stop))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lets every other process go first, to the processor and to the disk.
pub(super) fn yield_to_others() {
    /// `IOPRIO_CLASS_IDLE` in its place, and `IOPRIO_WHO_PROCESS`: linux/ioprio.h.
    const IDLE: libc::c_int = 3 << 13;
    const PROCESS: libc::c_int = 1;
    // SAFETY: both calls take numbers alone. What they cannot do is no harm.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, IDLE);
    }
}
