//! `tvmux search`: where something was seen.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;
use jiff::Zoned;
use serde_json::json;

use super::archive::{FilterArgs, READ_FIRST, chosen_and_read, look, with_archive};
use super::signals::stop_flag;
use super::table::{duration, printable};
use super::{Context, Failure, Outcome, candidates, play};
use crate::archive::{
    Archive, Entry, Hit, Pattern, PatternOptions, SearchOptions, long_ago, sort_parts,
};
use crate::chain;
use crate::workspace::abbreviate_home;

/// Hits are seen at least that often while they come.
const OFTEN: Duration = Duration::from_millis(50);

/// Hits that are put in order by how well they fit.
const RANKED: usize = 100_000;

/// Search in all that was ever on a screen
///
/// Finds the lines that were shown, in every cast that the archive knows: what
/// scrolled by, and what stood still for a second in vim, less or htop. Redraws and
/// progress bars count once. Without a capital letter in PATTERN, capitals do not
/// count. What is being recorded is searched up to its last flush.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 found, 1 not found")]
pub(super) struct Args {
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// PATTERN is a regular expression
    #[arg(short = 'E', long)]
    regex: bool,
    /// Only whole words
    #[arg(short, long)]
    word: bool,
    /// At most N hits
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Lines that a command printed which has this in it (see `tvmux init`)
    #[arg(long, value_name = "TEXT")]
    command: Option<String>,
    /// Lines of commands that failed
    #[arg(long)]
    failed: bool,
    /// Only in these casts: a path, a name or its start, `@latest`
    #[arg(long = "in", value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    casts: Vec<String>,
    /// Which hits come first
    #[arg(long, value_name = "ORDER", default_value = "time")]
    by: Order,
    /// Show N lines before and after each hit
    #[arg(short = 'C', long, value_name = "N", default_value_t = 0)]
    context: usize,
    /// One JSON object a line for each hit: cast, time and until in seconds of the
    /// cast, line, command, session, window, started
    #[arg(long)]
    json: bool,
    /// Only cast and time, as words for others: `tvmux play $(tvmux search -q1 TEXT)`
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Only the first hit
    #[arg(short = '1', long, conflicts_with = "limit")]
    one: bool,
    /// Play the first hit from its moment on
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// The newest cast first
    Time,
    /// What fits best first: whole words, and letters of the same case
    Relevance,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let options = PatternOptions {
        is_regex: args.regex,
        is_word: args.word,
    };
    let pattern = Pattern::new(&args.pattern, options).map_err(Failure::usage)?;
    let limit = match args.open || args.one {
        true => 1,
        false => args.limit.unwrap_or(usize::MAX),
    };
    let stop = stop_flag()?;
    let mut printer = Printer::new(args);
    let mut found = 0;
    let mut first = None;
    with_archive(|archive| {
        look(context, archive, false)?;
        let casts = casts(archive, args, stop)?;
        let options = SearchOptions {
            context: args.context,
            command: args.command.clone(),
            only_failed: args.failed,
        };
        let mut ranked = Vec::new();
        let mut trouble: Option<Failure> = None;
        let mut whole = Whole::default();
        archive.search(&pattern, &casts, &options, &mut |at, hit| {
            if stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            if args.by == Order::Relevance {
                ranked.push((relevance(&hit, &args.pattern), at, hit));
                return match ranked.len() < RANKED {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                };
            }
            found += 1;
            let (cast, hit) = match whole.place(archive, &casts[at], hit) {
                Ok(placed) => placed,
                Err(error) => {
                    trouble = Some(error);
                    return ControlFlow::Break(());
                }
            };
            first.get_or_insert_with(|| (cast.path.clone(), hit.time));
            match printer.print(&cast, &hit) {
                Err(error) => trouble = Some(error.into()),
                Ok(()) if found < limit => return ControlFlow::Continue(()),
                Ok(()) => {}
            }
            ControlFlow::Break(())
        })?;
        // The best first, of those the newest.
        ranked.sort_by_key(|(rank, at, hit)| (std::cmp::Reverse(*rank), *at, hit.time));
        for (_, at, hit) in ranked.into_iter().take(limit) {
            found += 1;
            let (cast, hit) = whole.place(archive, &casts[at], hit)?;
            first.get_or_insert_with(|| (cast.path.clone(), hit.time));
            printer.print(&cast, &hit)?;
        }
        match trouble {
            Some(error) => Err(error),
            None => Ok(()),
        }
    })?;
    printer.out.flush()?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::stopped("stopped"));
    }
    match first {
        Some((cast, time)) if args.open => play::open_at(context, &cast, time),
        Some(_) => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(1)),
    }
}

/// The casts that are searched; what is new in them is read first, where that is
/// soon done.
fn casts(
    archive: &mut Archive,
    args: &Args,
    stop: &'static AtomicBool,
) -> Result<Vec<Entry>, Failure> {
    let filter = args.filter.filter();
    let mut casts = chosen_and_read(archive, &filter, &args.casts, READ_FIRST, stop)?;
    sort_parts(&mut casts);
    Ok(casts)
}

/// Where hits are in recordings that went on in further casts: these are searched one
/// by one, and told as one.
#[derive(Default)]
pub(super) struct Whole {
    /// The first cast of the chain of each, and where in it that begins.
    known: HashMap<i64, (Entry, u64)>,
}

impl Whole {
    pub(super) fn place(
        &mut self,
        archive: &Archive,
        cast: &Entry,
        hit: Hit,
    ) -> Result<(Entry, Hit), Failure> {
        if chain::number(&cast.path) == 1 {
            return Ok((cast.clone(), hit));
        }
        let (first, start) = match self.known.get(&cast.id) {
            Some(known) => known,
            None => {
                let found = archive.first_part(cast)?;
                self.known.entry(cast.id).or_insert(found)
            }
        };
        let hit = Hit {
            time: hit.time + start,
            until: hit.until + start,
            ..hit
        };
        Ok((first.clone(), hit))
    }
}

/// How well a hit fits: more is better.
fn relevance(hit: &Hit, pattern: &str) -> u32 {
    let line = &hit.line;
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let whole_word = hit.found.iter().any(|found| {
        !is_word(line[..found.start].chars().next_back())
            && !is_word(line[found.end..].chars().next())
    });
    let is_command = hit
        .command
        .as_ref()
        .and_then(|command| command.text.as_ref());
    u32::from(line.trim() == pattern) * 8
        + u32::from(whole_word) * 4
        + u32::from(line.contains(pattern)) * 2
        + u32::from(is_command.is_some_and(|text| text.contains(pattern)))
}

/// Prints hits as they come.
struct Printer {
    out: BufWriter<anstream::AutoStream<io::StdoutLock<'static>>>,
    /// When what was printed was seen last.
    flushed: Option<Instant>,
    json: bool,
    quiet: bool,
    silent: bool,
    /// The cast whose hits are being printed.
    cast: i64,
    has_context: bool,
    now: Zoned,
}

impl Printer {
    fn new(args: &Args) -> Printer {
        Printer {
            out: BufWriter::new(anstream::stdout().lock()),
            flushed: None,
            json: args.json,
            quiet: args.quiet,
            silent: args.open,
            cast: -1,
            has_context: args.context > 0,
            now: Zoned::now(),
        }
    }

    fn print(&mut self, cast: &Entry, hit: &Hit) -> io::Result<()> {
        self.write(cast, hit)?;
        if self.flushed.is_none_or(|at| at.elapsed() > OFTEN) {
            self.out.flush()?;
            self.flushed = Some(Instant::now());
        }
        Ok(())
    }

    fn write(&mut self, cast: &Entry, hit: &Hit) -> io::Result<()> {
        let seconds = |micros: u64| micros as f64 / 1e6;
        if self.silent {
            return Ok(());
        }
        if self.quiet {
            return writeln!(self.out, "{} --at {}", word(cast), seconds(hit.time));
        }
        if self.json {
            let command = hit.command.as_ref();
            let mut object = json!({
                "cast": cast.path.to_string_lossy(),
                "time": seconds(hit.time),
                "until": seconds(hit.until),
                "line": hit.line,
                "command": command.and_then(|command| command.text.as_ref()),
                "status": command.and_then(|command| command.status),
                "session": cast.session,
                "window": cast.window,
                "started": cast.started,
            });
            if self.has_context {
                object["before"] = json!(hit.before);
                object["after"] = json!(hit.after);
            }
            return writeln!(self.out, "{object}");
        }
        self.print_for_people(cast, hit)
    }

    fn print_for_people(&mut self, cast: &Entry, hit: &Hit) -> io::Result<()> {
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        if self.cast != cast.id {
            if self.cast >= 0 {
                writeln!(self.out)?;
            }
            self.cast = cast.id;
            let path = printable(&abbreviate_home(&cast.path));
            let when = long_ago(cast.started, &self.now);
            writeln!(self.out, "{bold}{path}{bold:#}  {dim}{when}{dim:#}")?;
        }
        for line in &hit.before {
            writeln!(self.out, "{dim}{:>10}  {}{dim:#}", "", printable(line))?;
        }
        let mut shown = String::new();
        let mut at = 0;
        for found in &hit.found {
            shown += &printable(&hit.line[at..found.start]);
            shown += &format!("{red}{}{red:#}", printable(&hit.line[found.clone()]));
            at = found.end;
        }
        shown += &printable(&hit.line[at..]);
        let time = duration(hit.time as f64 / 1e6);
        write!(self.out, "{bold}{time:>10}{bold:#}  {shown}")?;
        let text = hit
            .command
            .as_ref()
            .and_then(|command| command.text.as_ref());
        match text.and_then(|text| text.lines().next()) {
            Some(text) if !hit.line.contains(text) => {
                writeln!(self.out, "  {dim}({}){dim:#}", printable(text))?;
            }
            _ => writeln!(self.out)?,
        }
        for line in &hit.after {
            writeln!(self.out, "{dim}{:>10}  {}{dim:#}", "", printable(line))?;
        }
        Ok(())
    }
}

/// A cast's path as one word of a shell; its name where the path has blanks.
fn word(cast: &Entry) -> String {
    let path = super::validate::shown(&cast.path);
    match path.contains(char::is_whitespace) {
        true if !cast.name().contains(char::is_whitespace) => cast.name(),
        _ => path,
    }
}
