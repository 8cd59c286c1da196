//! `tvmux archive export`: what was run, and what it printed, as data.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;

use super::filter::{CommandFilter, CommandFilterArgs, FilterArgs};
use super::records::{CommandRecord, Format, LineRecord, Origin, Record, Records};
use super::{chains_with_commands, chosen_and_read, look, open, with_archive};
use crate::archive::{
    Archive, Chain, ChainCommand, ChainPrinted, CommandRow, Entry, is_followed, sort_parts,
};
use crate::cli::output_file::Output;
use crate::cli::progress::Progress;
use crate::cli::signals::stop_flag;
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome, candidates, warn};
use crate::wording::counted;

/// Write what was run, and what it printed, as data
///
/// One record for each command that a shell told of (see `tvmux init`): host, session,
/// window, folder, command, output, status, start, end, cast, number, time, until,
/// truncated. With --lines one for each line that was shown: host, session, window,
/// folder, command, status, line, start, end, cast, time, until, truncated. start and
/// end are times of the calendar in UTC, time and until seconds of the cast. The
/// oldest cast comes first. Blank lines are not kept.
///
/// Each FILTER must stand in the command, in either case. Where commands are asked
/// for, --lines gives the lines of those alone. Casts that were not read so far are
/// read first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 done, 1 a part is missing, 2 wrong usage")]
pub(super) struct Args {
    #[command(flatten)]
    commands: CommandFilterArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only of these casts: a path, a name or its start, `@latest`
    #[arg(long = "in", value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    casts: Vec<String>,
    /// One record for each line that was shown
    #[arg(long)]
    lines: bool,
    /// Without this the suffix of OUT says: .jsonl, .csv or .txt; else jsonl
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,
    /// Bytes of a command's output, or of a line, at most; `truncated` says that there
    /// was more. 0 leaves output out
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_output: usize,
    /// Compress it with zstd, as where the suffix of OUT is .zst
    #[arg(long)]
    zstd: bool,
    /// Where it goes; `-` is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Replace OUT if it is there
    #[arg(long)]
    overwrite: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// Names of formats on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// One JSON object a line
    #[value(alias = "json", alias = "ndjson")]
    Jsonl,
    /// To be read by people: each command and what it printed; with --lines the lines
    Text,
    /// Comma-separated values, the names of the fields first
    Csv,
}

impl FormatName {
    fn of(path: &Path) -> Option<FormatName> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" | "json" => Some(FormatName::Jsonl),
            "txt" | "text" => Some(FormatName::Text),
            "csv" => Some(FormatName::Csv),
            _ => None,
        }
    }

    fn format(self) -> Format {
        match self {
            FormatName::Jsonl => Format::Jsonl,
            FormatName::Text => Format::Text,
            FormatName::Csv => Format::Csv,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let is_packed_name = args.output.extension().is_some_and(|end| end == "zst");
    let name = match is_packed_name {
        true => args.output.with_extension(""),
        false => args.output.clone(),
    };
    let format = args.format.or_else(|| FormatName::of(&name));
    let format = match format {
        Some(format) => format.format(),
        None if name == Path::new("-") => Format::Jsonl,
        None => {
            let name = shown(&args.output);
            let error = format!("the name {name} does not say which format is wanted");
            return Err(Failure::usage(error).hint("say it with --format jsonl, text or csv"));
        }
    };
    let is_packed = args.zstd || is_packed_name;
    let is_to_terminal = args.output == Path::new("-") && io::stdout().is_terminal();
    if is_packed && is_to_terminal {
        return Err(Failure::usage("compressed data is not for a terminal")
            .hint("-o OUT.jsonl.zst writes it into a file"));
    }
    let stop = stop_flag()?;
    let mut casts = with_archive(|archive| {
        look(context, archive, true)?;
        let filter = args.filter.filter();
        chosen_and_read(archive, &filter, &args.casts, u64::MAX, stop)
    })?;
    // As they come after each other.
    casts.reverse();
    sort_parts(&mut casts);
    let output = Packed::new(Output::open(&args.output, args.overwrite, stop)?, is_packed)?;
    let archive = open()?;
    let chains = match args.lines {
        true => Vec::new(),
        false => chains_with_commands(&archive, &casts)?,
    };
    let total = match args.lines {
        true => casts.iter().map(|cast| cast.bytes).sum(),
        false => chains.iter().map(|chain| chain.entry().bytes).sum(),
    };
    let fields = match args.lines {
        true => LineRecord::FIELDS,
        false => CommandRecord::FIELDS,
    };
    let records = Records::new(output, format, fields);
    let mut export = Export {
        archive: &archive,
        meant: casts.iter().map(|cast| cast.id).collect(),
        chain: None,
        held: None,
        wanted: args.commands.is_given().then(|| args.commands.filter()),
        most: args.max_output,
        name: &args.output,
        records: records.map_err(|error| writing(error, &args.output, stop))?,
        progress: (!is_to_terminal).then(|| Progress::new(Some(total))),
        stop,
    };
    let mut is_whole = true;
    for chain in &chains {
        is_whole &= export.commands(chain)?;
    }
    for (at, cast) in casts.iter().enumerate().filter(|_| args.lines) {
        is_whole &= export.lines(cast, is_followed(&casts, at))?;
    }
    let Export {
        records, progress, ..
    } = export;
    drop(progress);
    let finished = (|| {
        let (written, packed) = records.finish()?;
        Ok((written, packed.finish()?))
    })();
    let (written, output) = finished.map_err(|error| writing(error, &args.output, stop))?;
    if stop.load(Ordering::Relaxed) {
        return Err(stopped());
    }
    let is_file = matches!(output, Output::File(..));
    let published = output.publish(&args.output);
    published.map_err(|error| writing(error, &args.output, stop))?;
    if is_file && !args.quiet {
        let what = if args.lines { "line" } else { "command" };
        anstream::println!(
            "{}: {} of {}",
            shown(&args.output),
            counted(written, what),
            counted(casts.len() as u64, "cast")
        );
    }
    if !is_whole {
        warn(
            "some of what was read is damaged and left out; `tvmux archive update` reads it \
             again from the casts",
        );
    }
    Ok(ExitCode::from(u8::from(!is_whole)))
}

/// An export on its way.
struct Export<'a> {
    archive: &'a Archive,
    /// The casts that are asked for.
    meant: HashSet<i64>,
    /// That of the last line.
    chain: Option<Rc<Chain>>,
    /// The last line of a cast, with which the next one may go on.
    held: Option<Line>,
    /// Which commands are asked for.
    wanted: Option<CommandFilter>,
    /// Bytes of an output, or of a line.
    most: usize,
    /// Where it goes, for messages.
    name: &'a Path,
    records: Records<Packed>,
    progress: Option<Progress>,
    stop: &'static AtomicBool,
}

impl Export<'_> {
    /// One record for each command of a recording that ran in casts that are asked for;
    /// gives whether all could be read.
    fn commands(&mut self, chain: &Rc<Chain>) -> Result<bool, Failure> {
        let is_wanted = |command: &&ChainCommand| {
            let wanted = self.wanted.as_ref();
            wanted.is_none_or(|wanted| wanted.lets_through(&command.row))
                && command.ran_in(chain, |part| self.meant.contains(&part.id))
        };
        let commands: Vec<_> = chain.commands().iter().filter(is_wanted).collect();
        let entry = chain.entry();
        let mut meter = Meter::new(entry.bytes, commands.len());
        let mut printed = match (self.most, commands.len()) {
            (0, _) | (_, 0) => None,
            _ => Some(self.archive.printed_by(Rc::clone(chain))),
        };
        let cast = Origin::of(&entry);
        for command in commands {
            if self.stop.load(Ordering::Relaxed) {
                return Err(stopped());
            }
            let mut output = Bounded::new(self.most);
            if let Some(printed) = &mut printed {
                let mut is_next = false;
                printed.of_command(command, &mut |line| {
                    let is_taken = output.push(line.text, is_next);
                    is_next = !line.continues;
                    is_taken
                })?;
            }
            let record = CommandRecord::new(&cast, &command.row, &output.text, output.is_cut);
            let written = self.records.write(&record);
            written.map_err(|error| writing(error, self.name, self.stop))?;
            meter.step(&mut self.progress);
        }
        meter.end(&mut self.progress);
        Ok(printed.map_or(Ok(true), ChainPrinted::finish)?)
    }

    /// The chain that a cast is of.
    fn chain(&mut self, cast: &Entry) -> Result<Rc<Chain>, Failure> {
        let is_part = |chain: &&Rc<Chain>| chain.parts().any(|part| part.id == cast.id);
        let chain = match self.chain.as_ref().filter(is_part) {
            Some(chain) => Rc::clone(chain),
            None => Rc::new(self.archive.chain(cast)?),
        };
        self.chain = Some(Rc::clone(&chain));
        Ok(chain)
    }

    /// One record for each line of a cast; gives whether all could be read. Where the
    /// recording goes on in the next cast, the last line waits: that one may begin with
    /// it, and it is one record then, as it was in the end.
    fn lines(&mut self, cast: &Entry, is_followed: bool) -> Result<bool, Failure> {
        if self.wanted.is_some() && !cast.may_have_commands() && self.held.is_none() {
            return Ok(true);
        }
        let chain = self.chain(cast)?;
        let (commands, start) = (chain.commands_of(cast.id), chain.start_of(cast.id));
        let is_wanted = |command: &Option<CommandRow>| match (&self.wanted, command) {
            (Some(wanted), Some(command)) => wanted.lets_through(command),
            (wanted, _) => wanted.is_none(),
        };
        let is_wanted: Vec<bool> = commands.iter().map(is_wanted).collect();
        let at = |number: Option<u64>| usize::try_from(number?.checked_sub(1)?).ok();
        let in_chain = |number| at(commands.get(at(number)?)?.as_ref().map(|row| row.number));
        let has_wish = self.wanted.is_some();
        let mut printed = self.archive.printed(cast.id)?;
        let mut meter = Meter::new(cast.bytes, printed.blocks());
        let whole = chain.entry();
        let cast = Origin::of(&whole);
        let (records, progress, stop) = (&mut self.records, &mut self.progress, self.stop);
        let most = self.most;
        let mut write = |line: &Line| {
            let text = (&*line.text.text, line.text.is_cut);
            let command = line.command.and_then(|at| chain.commands().get(at));
            let command = command.map(|command| &command.row);
            records.write(&LineRecord::new(
                &cast,
                command,
                text,
                (line.first, line.last),
            ))
        };
        let mut held = self.held.take();
        let mut is_first = true;
        let mut end = |line: Line| {
            let goes_on = |held: &Line| line.text.text.starts_with(&held.text.text);
            let is_same = line.begins_cast && held.as_ref().is_some_and(goes_on);
            match held.replace(line) {
                Some(before) if !is_same => write(&before),
                _ => Ok(()),
            }
        };
        let mut written = Ok(());
        let mut open: Option<Line> = None;
        printed.each(&mut |part| {
            let Some(part) = part else {
                meter.step(progress);
                return !stop.load(Ordering::Relaxed);
            };
            let of_wanted = at(part.command).and_then(|at| is_wanted.get(at));
            if has_wish && of_wanted != Some(&true) {
                return true;
            }
            let line = open.get_or_insert_with(|| Line {
                text: Bounded::new(most),
                first: part.time + start,
                last: part.until + start,
                command: in_chain(part.command),
                begins_cast: std::mem::take(&mut is_first) && part.first == 0,
            });
            line.text.push(part.text, false);
            line.last = part.until + start;
            if !part.continues
                && let Some(line) = open.take()
            {
                written = end(line);
            }
            written.is_ok()
        })?;
        if let (Some(line), Ok(())) = (open, &written) {
            written = end(line);
        }
        match is_followed {
            true => self.held = held,
            false => written = written.and_then(|()| held.as_ref().map_or(Ok(()), write)),
        }
        meter.end(progress);
        written.map_err(|error| writing(error, self.name, self.stop))?;
        if stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        Ok(printed.finish()?)
    }
}

/// A line of which parts may still come.
struct Line {
    text: Bounded,
    /// When it was there first and last, in microseconds of the chain.
    first: u64,
    last: u64,
    /// Its place in those of the chain.
    command: Option<usize>,
    /// It is the first line of its cast, and began as that did.
    begins_cast: bool,
}

/// A text that takes `most` bytes and no more.
struct Bounded {
    text: String,
    most: usize,
    is_cut: bool,
}

impl Bounded {
    fn new(most: usize) -> Bounded {
        Bounded {
            text: String::new(),
            most,
            is_cut: false,
        }
    }

    /// Adds a text, on a line of its own where that is wanted; gives whether there is
    /// room for more.
    fn push(&mut self, text: &[u8], on_own_line: bool) -> bool {
        let text = String::from_utf8_lossy(text);
        let parts = match on_own_line {
            true => ["\n", &text],
            false => ["", &text],
        };
        for part in parts {
            let room = self.most - self.text.len();
            let end = part.floor_char_boundary(room);
            self.text.push_str(&part[..end]);
            self.is_cut |= end < part.len();
        }
        !self.is_cut
    }
}

/// Spreads the bytes of a cast over its parts, for the progress.
struct Meter {
    left: u64,
    each: u64,
}

impl Meter {
    fn new(bytes: u64, parts: usize) -> Meter {
        Meter {
            left: bytes,
            each: bytes / parts.max(1) as u64,
        }
    }

    fn step(&mut self, progress: &mut Option<Progress>) {
        self.advance(self.each, progress);
    }

    fn end(&mut self, progress: &mut Option<Progress>) {
        self.advance(self.left, progress);
    }

    fn advance(&mut self, bytes: u64, progress: &mut Option<Progress>) {
        self.left -= bytes.min(self.left);
        if let Some(progress) = progress {
            progress.advance(bytes);
        }
    }
}

/// Output, compressed or not; gathered first, since records come in small pieces.
enum Packed {
    Plain(io::BufWriter<Output>),
    Zstd(io::BufWriter<zstd::Encoder<'static, Output>>),
}

impl Packed {
    fn new(output: Output, is_packed: bool) -> io::Result<Packed> {
        const GATHERED: usize = 1 << 17;
        Ok(match is_packed {
            true => {
                let encoder = zstd::Encoder::new(output, 3)?;
                Packed::Zstd(io::BufWriter::with_capacity(GATHERED, encoder))
            }
            false => Packed::Plain(io::BufWriter::with_capacity(GATHERED, output)),
        })
    }

    fn finish(self) -> io::Result<Output> {
        match self {
            Packed::Plain(output) => output.into_inner().map_err(io::IntoInnerError::into_error),
            Packed::Zstd(encoder) => {
                let encoder = encoder.into_inner();
                encoder.map_err(io::IntoInnerError::into_error)?.finish()
            }
        }
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packed::Plain(output) => output.write(bytes),
            Packed::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packed::Plain(output) => output.flush(),
            Packed::Zstd(encoder) => encoder.flush(),
        }
    }
}

fn stopped() -> Failure {
    Failure::stopped("stopped")
}

fn writing(error: io::Error, output: &Path, stop: &AtomicBool) -> Failure {
    match error.kind() {
        _ if stop.load(Ordering::Relaxed) => stopped(),
        io::ErrorKind::BrokenPipe => Failure::new(error),
        _ => Failure::usage(format!("cannot write {}: {error}", shown(output))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut text = Bounded::new(6);
        assert!(text.push("aé".as_bytes(), false));
        assert!(text.push(b"", true));
        assert!(!text.push("漢".as_bytes(), true));
        assert_eq!((&*text.text, text.is_cut), ("aé\n\n", true));
        let mut exact = Bounded::new(2);
        assert!(exact.push(b"ab", false));
        assert!(!exact.is_cut);
        assert!(!exact.push(b"c", false));
    }
}
