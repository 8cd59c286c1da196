//! `tvmux cat`: the output of recordings, or several as one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::convert::{FormatName, failure, finish, open};
use super::output_file::Output;
use super::signals::stop_flag;
use super::{Failure, Outcome};
use crate::cast::{Format, TimeOptions, Writer, convert};
use crate::chain;
use crate::packed::present;

/// Prints what recordings printed, or joins them into one
///
/// Without --output these are the bytes that the terminal got. With it, the
/// recordings follow each other in one cast; where the size of the terminal
/// changes between two of them, it changes there. A recording that was rotated is
/// named by its first cast: the others follow it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tvmux cat day.cast | less -R
  tvmux cat monday.cast tuesday.cast -o week.cast
  tvmux cat first.cast -o whole.cast.zst")]
pub(super) struct Args {
    /// Recordings: casts v1 to v3, ttyrecs; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Write one cast of them all here; its suffix says its format as for convert, and
    /// .zst behind that compresses it
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The format of OUT
    #[arg(long, value_name = "FORMAT", requires = "output")]
    to: Option<FormatName>,
    /// Replace OUT if it is there
    #[arg(long, requires = "output")]
    overwrite: bool,
}

impl Args {
    /// Whether it writes no file.
    pub(super) fn is_to_standard_output(&self) -> bool {
        self.output.as_deref().is_none_or(|output| output == "-")
    }
}

pub(super) fn run(arguments: &Args) -> Outcome {
    let stop = stop_flag()?;
    let (path, format) = match &arguments.output {
        None => (Path::new("-"), Format::Output),
        Some(path) => {
            let format = arguments.to.or_else(|| FormatName::of(path));
            let format = format.and_then(FormatName::format);
            let failure = || Failure::usage("the name of OUT does not say which format is wanted");
            let hint = "say it with --to v1, v2, v3 or raw";
            (&**path, format.ok_or_else(|| failure().hint(hint))?)
        }
    };
    let mut writer = Writer::new(
        Output::open_by_name(path, arguments.overwrite, stop)?,
        format,
    );
    let mut joined = Vec::new();
    for file in &arguments.files {
        // `*.cast` names the parts of a recording, too, which its first one stands for.
        if joined.contains(&present(file)) {
            continue;
        }
        if file.is_file() {
            joined.extend(chain::from(&present(file)).into_iter().skip(1));
        }
        let mut source = open(file, None, stop)?;
        convert(&mut source, &mut writer, &TimeOptions::default(), &[])
            .map_err(|error| failure(error, file, stop))?;
    }
    finish(writer, path, stop)?;
    Ok(ExitCode::SUCCESS)
}
