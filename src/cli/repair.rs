//! `tvmux repair`: makes casts valid again, saving what can be saved.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::ValueHint;
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::progress::Progress;
use super::signals::stop_flag;
use super::validate::{parse_threads, shown, threads};
use super::{Failure, Outcome, candidates, cast_input};
use crate::archive::repair_file::{
    Change, RepairFileError, RepairFileOptions, RepairedFile, repair_file, repair_stream,
};
use crate::cast::{Amount, Foreign, RepairOptions, Report, repair};
use crate::packed::ToDamage;
use crate::wording::counted;

/// Repairs casts of any recorder, v1 to v3
///
/// A valid cast is left untouched. Else every event that is intact stays byte
/// for byte, what is torn, glued or misspelt is saved where that is possible,
/// and the original is kept as FILE.backup.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every file is valid now, 1 nothing could be recovered from \
                        one, which is left as it was, 2 something could not be read or written, \
                        or wrong usage"
)]
pub(super) struct Args {
    /// Casts to repair; `-` is standard input, and wants --output
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(candidates::casts()))]
    pub(super) files: Vec<PathBuf>,
    /// Write the repaired cast here and leave FILE as it is; `-` is standard output
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Keep no backup of what is changed
    #[arg(long)]
    no_backup: bool,
    /// Change nothing, only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object for each file, on a line of its own
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
    /// Threads that look at a file; the result does not depend on it
    #[arg(long, value_name = "N", default_value_t = threads(), value_parser = parse_threads)]
    threads: usize,
}

pub(super) fn run(arguments: &Args) -> Outcome {
    let stdin = Path::new("-");
    if arguments.output.is_some() && arguments.files.len() > 1 {
        let failure = Failure::usage("--output takes the repaired form of one file");
        return Err(failure.hint("give one FILE, or leave out --output"));
    }
    let nowhere = arguments.output.is_none() && !arguments.dry_run;
    if nowhere && arguments.files.iter().any(|file| file == stdin) {
        let failure = Failure::usage("standard input cannot be repaired in place");
        return Err(failure.hint("say where the repaired cast goes with --output"));
    }
    let stop = stop_flag()?;
    let mut worst = 0;
    for path in &arguments.files {
        let code = match repair_one(path, arguments, stop) {
            Ok(repaired) => {
                let recovered = repaired.report.is_recovered();
                say(path, &repaired, arguments)?;
                u8::from(!recovered)
            }
            Err(Trouble::File(RepairFileError::Stopped)) => {
                let what = match &arguments.output {
                    Some(output) if is_target_special(output) => "the output is not whole",
                    _ => "nothing was changed",
                };
                anstream::eprintln!("{}: stopped; {what}", shown(path));
                // The shell's own code for a program ended by SIGINT.
                return Ok(ExitCode::from(130));
            }
            // `tvmux repair -o - FILE | head` ends here.
            Err(Trouble::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Err(Failure::new(error));
            }
            Err(trouble) => {
                // Reported at once: other files are repaired all the same.
                let failure = trouble.failure(path);
                if arguments.json && !arguments.quiet {
                    let error = json!({"file": shown(path), "error": failure.to_string()});
                    tell(&format!("{error}\n"), arguments)?;
                }
                let _ = failure.report();
                2
            }
        };
        worst = worst.max(code);
    }
    Ok(ExitCode::from(worst))
}

enum Trouble {
    File(RepairFileError),
    Stream(io::Error),
}

impl Trouble {
    fn failure(self, path: &Path) -> Failure {
        match self {
            Trouble::File(error @ RepairFileError::Busy { .. }) => Failure::usage(error).hint(
                "stop the recording first, or write the repaired cast elsewhere with --output",
            ),
            Trouble::File(error @ RepairFileError::Backup { .. }) => {
                Failure::usage(error).hint("make room, or keep no backup with --no-backup")
            }
            Trouble::File(error @ RepairFileError::NotAFile { .. }) => Failure::usage(error)
                .hint("what comes through a pipe is repaired with `-` and --output"),
            Trouble::File(error) => Failure::usage(error),
            Trouble::Stream(error) => {
                Failure::usage(format!("cannot repair {}: {error}", shown(path)))
            }
        }
    }
}

fn repair_one(
    path: &Path,
    arguments: &Args,
    stop: &'static AtomicBool,
) -> Result<RepairedFile, Trouble> {
    let output = arguments.output.as_deref();
    let special = output.is_some_and(is_target_special);
    let standard_input = path == Path::new("-");
    let threads = arguments.threads;
    if arguments.dry_run && standard_input || special && !arguments.dry_run {
        let repaired = stream(path, arguments, stop);
        return repaired.map_err(|error| {
            if stop.load(Ordering::Relaxed) {
                return Trouble::File(RepairFileError::Stopped);
            }
            Trouble::Stream(error)
        });
    }
    let options = RepairFileOptions {
        threads,
        backup: !arguments.no_backup,
        output,
        dry_run: arguments.dry_run,
        stop: Some(stop),
        progress: None,
    };
    if let (true, Some(output)) = (standard_input, output) {
        let input = cast_input::open(path, Some(stop)).map_err(Trouble::Stream)?;
        let mut input = ToDamage::new(input);
        let mut repaired = repair_stream(&mut input, output, &options).map_err(Trouble::File)?;
        repaired.damaged_frames = u64::from(input.is_damaged());
        return Ok(repaired);
    }
    let total = fs::metadata(path).ok().map(|metadata| metadata.len());
    let progress = Mutex::new(Progress::new(total));
    let advance = |bytes| {
        progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .advance(bytes);
    };
    let options = RepairFileOptions {
        progress: Some(&advance),
        ..options
    };
    repair_file(path, &options).map_err(Trouble::File)
}

/// Whether output goes to something that is written to as it comes.
fn is_target_special(output: &Path) -> bool {
    output == Path::new("-") || is_special(output)
}

/// Whether something other than a regular file is there: a pipe, a terminal.
/// Such a thing is written to, not replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Repairs into a pipe or a terminal, where nothing can be atomic, or only for
/// the report.
fn stream(path: &Path, arguments: &Args, stop: &'static AtomicBool) -> io::Result<RepairedFile> {
    let input = cast_input::open(path, Some(stop))?;
    let output: Box<dyn Write> = match arguments.output.as_deref() {
        _ if arguments.dry_run => Box::new(io::sink()),
        Some(output) if output == Path::new("-") => Box::new(io::stdout().lock()),
        Some(output) => Box::new(File::options().write(true).open(output)?),
        None => Box::new(io::sink()),
    };
    let options = RepairOptions {
        threads: arguments.threads,
    };
    let mut input = ToDamage::new(input);
    let output = BufWriter::with_capacity(256 * 1024, output);
    let mut output = HeldBack::new(output);
    let report = repair(&mut input, &mut output, &options)?;
    if report.is_recovered() {
        output.release()?;
    }
    Ok(RepairedFile {
        report,
        change: if arguments.dry_run || !report.is_recovered() {
            Change::None
        } else {
            Change::Rewritten
        },
        backup: None,
        damaged_frames: u64::from(input.is_damaged()),
    })
}

/// Holds back the start of what is written, since only the end shows whether
/// anything could be recovered. Of what is longer, something could.
struct HeldBack<W> {
    output: W,
    held: Option<Vec<u8>>,
}

impl<W: Write> HeldBack<W> {
    /// More than a header that was made of nothing takes, in bytes.
    const MOST: usize = 1 << 20;

    fn new(output: W) -> HeldBack<W> {
        HeldBack {
            output,
            held: Some(Vec::new()),
        }
    }

    fn release(&mut self) -> io::Result<()> {
        if let Some(held) = self.held.take() {
            self.output.write_all(&held)?;
        }
        self.output.flush()
    }
}

impl<W: Write> Write for HeldBack<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.held {
            Some(held) if held.len() + bytes.len() <= Self::MOST => {
                held.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            Some(_) => self.release()?,
            None => {}
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.held {
            Some(_) => Ok(()),
            None => self.output.flush(),
        }
    }
}

/// Tells what was done. On standard error when the cast is on standard output.
fn say(path: &Path, repaired: &RepairedFile, arguments: &Args) -> io::Result<()> {
    let name = shown(path);
    if !repaired.report.is_recovered() {
        let left = match (name.as_str(), &arguments.output) {
            (_, Some(output)) if repaired.change == Change::None => {
                format!("{} is not written", shown(output))
            }
            ("-", _) => "it holds no event and no header".to_owned(),
            _ => "it is left as it was".to_owned(),
        };
        match repaired.report.foreign {
            Some(foreign) => {
                anstream::eprintln!("{name}: this is {}, not a cast; {left}", foreign.name());
                if let Some(hint) = foreign.hint() {
                    anstream::eprintln!("hint: {hint}");
                }
            }
            None => anstream::eprintln!("{name}: nothing could be recovered; {left}"),
        }
    }
    if arguments.quiet {
        return Ok(());
    }
    let text = if arguments.json {
        format!("{}\n", json_report(&name, repaired, arguments))
    } else {
        sentences(&name, repaired, arguments)
    };
    tell(&text, arguments)
}

/// Writes to where reports go.
fn tell(text: &str, arguments: &Args) -> io::Result<()> {
    if arguments.output.as_deref() == Some(Path::new("-")) {
        io::stderr().lock().write_all(text.as_bytes())
    } else {
        io::stdout().lock().write_all(text.as_bytes())
    }
}

fn sentences(name: &str, repaired: &RepairedFile, arguments: &Args) -> String {
    let report = &repaired.report;
    if !report.is_recovered() {
        return String::new();
    }
    let events = counted(report.events(), "event");
    if !report.differs {
        let written = match &arguments.output {
            Some(output) if !arguments.dry_run => format!(", copied to {}", shown(output)),
            _ => String::new(),
        };
        return format!("{name}: valid, {events}{written}\n");
    }
    let done = if arguments.dry_run {
        "would be repaired"
    } else {
        "repaired"
    };
    let mut parts = vec![format!("v{}", report.version)];
    if repaired.damaged_frames > 0 {
        let places = counted(repaired.damaged_frames, "place");
        parts.push(format!("compressed data damaged at {places}"));
    }
    parts.push(format!("header {}", report.header.name()));
    parts.push(format!("{} kept", amount(report.kept)));
    for (what, done) in [
        (report.changed, "changed"),
        (report.saved, "saved"),
        (report.lost, "lost"),
    ] {
        if what != Amount::default() {
            parts.push(format!("{} {done}", amount(what)));
        }
    }
    if report.headers_merged > 0 {
        parts.push(format!(
            "{} merged",
            counted(report.headers_merged, "further header")
        ));
    }
    if report.removed > 0 {
        parts.push(format!("{} removed", counted(report.removed, "other byte")));
    }
    let mut text = format!("{name}: {done}: {}\n", parts.join(", "));
    if let Some(backup) = &repaired.backup {
        text.push_str(&format!(
            "{name}: the original is kept as {}\n",
            shown(backup)
        ));
    }
    text
}

fn amount(amount: Amount) -> String {
    if amount.events == 0 {
        return counted(amount.bytes, "byte");
    }
    format!(
        "{} ({})",
        counted(amount.events, "event"),
        counted(amount.bytes, "byte")
    )
}

fn json_report(name: &str, repaired: &RepairedFile, arguments: &Args) -> Value {
    let Report {
        version,
        header,
        kept,
        changed,
        saved,
        lost,
        removed,
        headers_merged,
        bytes_read,
        bytes_written,
        differs,
        foreign,
    } = repaired.report;
    let amount = |amount: Amount| json!({"events": amount.events, "bytes": amount.bytes});
    json!({
        "file": name,
        "recovered": repaired.report.is_recovered(),
        "differs": differs,
        "dry_run": arguments.dry_run,
        "foreign": foreign.map(Foreign::name),
        "change": match repaired.change {
            Change::None => "none",
            Change::InPlace => "in-place",
            Change::Rewritten => "rewritten",
        },
        "output": arguments.output.as_deref().map(shown),
        "backup": repaired.backup.as_deref().map(shown),
        "version": version,
        "header": header.name(),
        "kept": amount(kept),
        "changed": amount(changed),
        "saved": amount(saved),
        "lost": amount(lost),
        "removed": removed,
        "headers_merged": headers_merged,
        "bytes_read": bytes_read,
        "bytes_written": bytes_written,
        "damaged_frames": repaired.damaged_frames,
    })
}
