//! `tvmux archive verify`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{look, with_archive};
use crate::archive::{Archive, ArchiveError, Entry, Filter, Verified};
use crate::cast::{Reader, Severity, ValidateOptions, validate};
use crate::cli::signals::stop_flag;
use crate::cli::table::printable;
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome, cast_input};
use crate::wording::counted;

/// Check the database, and every byte of every cast
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 something is damaged or not read so far")]
pub(super) struct Args {
    /// Print one JSON object for each thing that is wrong, on a line of its own
    #[arg(long)]
    json: bool,
}

/// Something that is wrong.
struct Wrong {
    what: String,
    why: String,
    hint: &'static str,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let stop = stop_flag()?;
    let (verified, entries, mut wrong) = with_archive(|archive| {
        look(context, archive, true)?;
        let verified = archive.verify(&mut || !stop.load(Ordering::Relaxed));
        let verified = verified.map_err(|error| match error {
            error @ ArchiveError::Stopped => Failure::stopped(error),
            error => error.into(),
        })?;
        let entries = archive.entries(&Filter::default())?;
        let wrong = of_database(archive, &verified, &entries);
        Ok((verified, entries, wrong))
    })?;
    for entry in &entries {
        wrong.extend(of_cast(entry, stop)?);
    }
    let mut out = anstream::stdout().lock();
    for Wrong { what, why, hint } in &wrong {
        match args.json {
            true => writeln!(
                out,
                "{}",
                json!({"path": what, "problem": why, "hint": hint})
            )?,
            false => writeln!(out, "{}: {}; {hint}", printable(what), printable(why))?,
        }
    }
    if !args.json {
        writeln!(
            out,
            "{} and {} of the archive were checked: {}",
            counted(entries.len() as u64, "cast"),
            counted(verified.lines, "line"),
            match wrong.len() {
                0 => "all is well.".to_owned(),
                count => format!("{}.", counted(count as u64, "problem")),
            }
        )?;
    }
    Ok(ExitCode::from(u8::from(!wrong.is_empty())))
}

fn of_database(archive: &Archive, verified: &Verified, entries: &[Entry]) -> Vec<Wrong> {
    let rebuild = "`tvmux archive rebuild` makes it again";
    let database = archive.path().to_string_lossy();
    let damage = verified.damage.iter().map(|why| Wrong {
        what: database.to_string(),
        why: why.clone(),
        hint: rebuild,
    });
    let broken = verified.broken.iter().map(|id| {
        let entry = entries.iter().find(|entry| entry.id == *id);
        Wrong {
            what: entry.map_or(database.to_string(), |entry| {
                entry.path.to_string_lossy().into()
            }),
            why: "what was read of it cannot be unpacked".to_owned(),
            hint: rebuild,
        }
    });
    damage.chain(broken).collect()
}

fn of_cast(entry: &Entry, stop: &'static AtomicBool) -> Result<Option<Wrong>, Failure> {
    let wrong = |why: String, hint| {
        Some(Wrong {
            what: shown(&entry.path),
            why,
            hint,
        })
    };
    let mut first = None;
    let checked = (|| {
        let options = ValidateOptions {
            threads: crate::cli::validate::threads(),
            ..ValidateOptions::default()
        };
        let input = cast_input::open(&entry.path, Some(stop))?;
        validate(input, &options, &mut |finding| {
            if finding.severity == Severity::Error && first.is_none() {
                first = Some(finding.kind.message());
            }
        })
    })();
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::stopped("stopped"));
    }
    Ok(match checked {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            wrong(error.to_string(), "`tvmux repair` repairs it")
        }
        Err(error) => wrong(format!("it cannot be read: {error}"), "look at its file"),
        Ok(summary) if !summary.accepted_by(Reader::Asciinema) => wrong(
            first.unwrap_or("it is damaged").to_owned(),
            "`tvmux repair` repairs it",
        ),
        Ok(_) if entry.is_due => wrong(
            "not all of it was read".to_owned(),
            "`tvmux archive update` does it",
        ),
        Ok(_) => None,
    })
}
