//! `tvmux validate`: whether a reader takes a cast, and what is wrong with it.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Failure, Outcome, candidates, cast_input};
use crate::cast::{self, Finding, Foreign, Reader, Severity, Summary, ValidateOptions};
use crate::wording::counted;

/// Checks every byte of casts of any recorder, v1 to v3
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the reader takes every file whole, 1 it does not, \
                        2 something could not be read or wrong usage"
)]
pub(super) struct Args {
    /// Casts to look at; `-` is standard input
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(candidates::casts()))]
    pub(super) files: Vec<PathBuf>,
    /// Which reader has to take them
    #[arg(long = "for", value_name = "READER", default_value = "asciinema")]
    reader: ReaderName,
    /// Print one JSON object for each file, on a line of its own
    #[arg(long)]
    json: bool,
    /// Print nothing, only set the exit code
    #[arg(short, long)]
    quiet: bool,
    /// Print at most this many findings for each file; all are counted
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_findings: usize,
    /// Threads that look at a file; the findings do not depend on it
    #[arg(long, value_name = "N", default_value_t = threads(), value_parser = parse_threads)]
    threads: usize,
}

/// Names of readers on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReaderName {
    /// The format as it is written down
    Strict,
    /// asciinema 3
    Asciinema,
    /// asciinema-server
    Server,
    /// asciinema-player
    Player,
    /// asciinema 2, which reads no v3
    Asciinema2,
    /// agg up to 1.4, which reads v2 alone
    Agg,
}

impl ReaderName {
    fn reader(self) -> Reader {
        match self {
            ReaderName::Strict => Reader::Strict,
            ReaderName::Asciinema => Reader::Asciinema,
            ReaderName::Server => Reader::Server,
            ReaderName::Player => Reader::Player,
            ReaderName::Asciinema2 => Reader::Asciinema2,
            ReaderName::Agg => Reader::Agg,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ReaderName::Strict => "strict",
            ReaderName::Asciinema => "asciinema",
            ReaderName::Server => "server",
            ReaderName::Player => "player",
            ReaderName::Asciinema2 => "asciinema2",
            ReaderName::Agg => "agg",
        }
    }
}

/// Two threads keep up with any disk; more do not help.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// Each thread holds a few hundred kilobytes.
const MOST_THREADS: usize = 64;

/// Reads a number of threads.
pub(super) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=MOST_THREADS) => Ok(threads),
        _ => Err(format!("a number from 1 to {MOST_THREADS} is wanted")),
    }
}

pub(super) fn run(arguments: &Args) -> Outcome {
    let mut out = BufWriter::new(anstream::stdout().lock());
    let mut worst = 0;
    for path in &arguments.files {
        let code = match look_at(path, arguments, &mut out) {
            Ok(accepted) => u8::from(!accepted),
            Err(Trouble::Output(error)) => return Err(Failure::new(error)),
            Err(Trouble::Input(error)) => {
                out.flush()?;
                let error = format!("cannot read {}: {error}", shown(path));
                // Reported at once: other files are looked at all the same.
                let _ = Failure::usage(error).report();
                2
            }
        };
        worst = worst.max(code);
    }
    out.flush()?;
    Ok(ExitCode::from(worst))
}

enum Trouble {
    Input(io::Error),
    Output(io::Error),
}

fn look_at(path: &Path, arguments: &Args, out: &mut impl Write) -> Result<bool, Trouble> {
    let reader = arguments.reader.reader();
    let options = ValidateOptions {
        reader,
        threads: arguments.threads,
        max_findings: if arguments.quiet {
            0
        } else {
            arguments.max_findings
        },
    };
    let name = shown(path);
    let input = match cast_input::open(path, None) {
        Ok(input) => input,
        Err(error) => {
            if arguments.json && !arguments.quiet {
                let list = JsonList::start(out, &name);
                return list.finish(Err(error), arguments.reader);
            }
            return Err(Trouble::Input(error));
        }
    };
    if arguments.json && !arguments.quiet {
        let mut list = JsonList::start(out, &name);
        let summary = cast::validate(input, &options, &mut |finding| list.push(finding));
        return list.finish(summary, arguments.reader);
    }
    let mut given = 0;
    let mut failed = None;
    let summary = cast::validate(input, &options, &mut |finding| {
        given += 1;
        if failed.is_none() {
            failed = print_finding(out, &name, finding).err();
        }
    })
    .map_err(Trouble::Input)?;
    if let Some(error) = failed {
        return Err(Trouble::Output(error));
    }
    if !arguments.quiet {
        print_summary(out, &name, &summary, arguments.reader, given).map_err(Trouble::Output)?;
    }
    Ok(summary.accepted_by(reader))
}

/// A path as it may be shown on a terminal.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .flat_map(|c| {
            let escape = c.is_control();
            let escaped = escape.then(|| c.escape_default());
            let plain = (!escape).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

fn print_finding(out: &mut impl Write, name: &str, finding: &Finding) -> io::Result<()> {
    let colour = match finding.severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let dim = Style::new().dimmed();
    writeln!(
        out,
        "{name}:{}: {style}{}{style:#}: {} at byte {} {dim}[{}]{dim:#}",
        finding.line,
        finding.severity.name(),
        finding.kind,
        finding.offset,
        finding.kind.name(),
    )?;
    if !finding.excerpt.is_empty() {
        writeln!(out, "    {dim}{}{dim:#}", finding.excerpt)?;
    }
    Ok(())
}

fn print_summary(
    out: &mut impl Write,
    name: &str,
    summary: &Summary,
    reader: ReaderName,
    given: u64,
) -> io::Result<()> {
    if let Some(foreign) = summary.foreign {
        writeln!(out, "{name}: this is {}, not a cast", foreign.name())?;
        return match foreign.hint() {
            Some(hint) => writeln!(out, "{name}: {hint}"),
            None => Ok(()),
        };
    }
    let mut line = String::new();
    match summary.version {
        Some(version) => _ = write!(line, "v{version}"),
        None => line.push_str("no version"),
    }
    if let Some((cols, rows)) = summary.size {
        _ = write!(line, ", {cols}x{rows}");
    }
    _ = write!(line, ", {}", counted(summary.events.total(), "event"));
    let codes: Vec<String> = summary
        .events
        .iter()
        .map(|(code, count)| format!("{} {count}", code.letter().escape_default()))
        .collect();
    if !codes.is_empty() {
        _ = write!(line, " ({})", codes.join(", "));
    }
    let seconds = summary.duration as f64 / 1e6;
    _ = write!(line, ", {seconds:.3} s, {}", counted(summary.bytes, "byte"));
    let errors = summary.findings.total(reader.reader(), Severity::Error);
    let warnings = summary.findings.total(reader.reader(), Severity::Warning);
    let who = match reader {
        ReaderName::Strict => "the format",
        ReaderName::Asciinema => "asciinema",
        ReaderName::Server => "asciinema-server",
        ReaderName::Player => "asciinema-player",
        ReaderName::Asciinema2 => "asciinema 2",
        ReaderName::Agg => "agg",
    };
    let verdict = match (errors, reader) {
        (0, ReaderName::Strict) => "it is as the format wants it".to_owned(),
        (0, _) => format!("{who} takes it"),
        (_, ReaderName::Strict) => "it is not as the format wants it".to_owned(),
        _ => format!("{who} does not take it whole"),
    };
    writeln!(out, "{name}: {line}")?;
    write!(out, "{name}: {verdict}: ")?;
    let (errors, all) = (counted(errors, "error"), errors + warnings);
    write!(out, "{errors}, {}", counted(warnings, "warning"))?;
    if all > given {
        write!(out, " ({} not shown)", all - given)?;
    }
    writeln!(out)
}

/// The JSON object of a file, its findings written as they come.
struct JsonList<'a, W> {
    out: &'a mut W,
    failed: Option<io::Error>,
    any: bool,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    kind: &'a str,
    severity: &'a str,
    line: u64,
    offset: u64,
    message: &'a str,
    excerpt: &'a str,
}

impl<'a, W: Write> JsonList<'a, W> {
    fn start(out: &'a mut W, name: &str) -> JsonList<'a, W> {
        let failed = write!(out, "{{\"file\":{},\"findings\":[", json!(name)).err();
        JsonList {
            out,
            failed,
            any: false,
        }
    }

    fn push(&mut self, finding: &Finding) {
        if self.failed.is_some() {
            return;
        }
        let comma = if self.any { "," } else { "" };
        self.any = true;
        let finding = JsonFinding {
            kind: finding.kind.name(),
            severity: finding.severity.name(),
            line: finding.line,
            offset: finding.offset,
            message: finding.kind.message(),
            excerpt: &finding.excerpt,
        };
        let written = write!(self.out, "{comma}")
            .and_then(|()| Ok(serde_json::to_writer(&mut *self.out, &finding)?));
        self.failed = written.err();
    }

    fn finish(self, summary: io::Result<Summary>, reader: ReaderName) -> Result<bool, Trouble> {
        if let Some(error) = self.failed {
            return Err(Trouble::Output(error));
        }
        let (fields, outcome) = match summary {
            Ok(summary) => {
                let accepted = summary.accepted_by(reader.reader());
                (json_summary(&summary, reader), Ok(accepted))
            }
            // The object is closed all the same, so that what was printed is JSON.
            Err(error) => {
                let message = Value::from(error.to_string());
                let fields = Map::from_iter([("error".to_owned(), message)]);
                (fields, Err(Trouble::Input(error)))
            }
        };
        write!(self.out, "]").map_err(Trouble::Output)?;
        for (key, value) in fields {
            write!(self.out, ",{}:{value}", json!(key)).map_err(Trouble::Output)?;
        }
        writeln!(self.out, "}}").map_err(Trouble::Output)?;
        outcome
    }
}

fn json_summary(summary: &Summary, reader: ReaderName) -> Map<String, Value> {
    let counts: Map<String, Value> = summary
        .findings
        .iter()
        .map(|(kind, count)| (kind.name().to_owned(), count.into()))
        .collect();
    let events: Map<String, Value> = summary
        .events
        .iter()
        .map(|(code, count)| (code.to_string(), count.into()))
        .collect();
    let size = summary
        .size
        .map(|(cols, rows)| json!({"cols": cols, "rows": rows}));
    let severity = |severity| summary.findings.total(reader.reader(), severity);
    [
        ("for", json!(reader.name())),
        ("accepted", json!(summary.accepted_by(reader.reader()))),
        ("valid", json!(summary.is_valid())),
        ("errors", json!(severity(Severity::Error))),
        ("warnings", json!(severity(Severity::Warning))),
        ("counts", Value::Object(counts)),
        ("version", json!(summary.version)),
        ("size", json!(size)),
        ("events", Value::Object(events)),
        ("duration", json!(summary.duration as f64 / 1e6)),
        ("foreign", json!(summary.foreign.map(Foreign::name))),
        ("lines", json!(summary.lines)),
        ("bytes", json!(summary.bytes)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}
