//! The same bytes into a running tmux and into the library's screen.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Instant;

use tvmux::screen::{Colour, Mode, Rules, Screen, Style, Which};

use super::captures::{Char, FORMATS, ServerEnded, Shown, capture, run, without_blanks};
use super::support::{DEADLINE, TestTmux};

/// One part of a case.
#[derive(Clone, Debug)]
pub enum Step {
    Bytes(Vec<u8>),
    /// Columns and rows.
    Resize(u16, u16),
}

/// Bytes for a terminal of some size.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub columns: u16,
    pub rows: u16,
    pub steps: Vec<Step>,
}

/// Whether the mark of a case is in the title: when the case is about the path.
fn marks_title(case: &Case) -> bool {
    case.name.starts_with("path")
}

/// Bytes that end whatever sequence is open and set a mark.
fn mark(case: &Case, number: usize) -> Vec<u8> {
    let which = if marks_title(case) { 2 } else { 7 };
    format!("\x1b\\\x1b\\\x1b]{which};mark{number}\x07").into_bytes()
}

/// Bytes that come before a case: a folder outlives the program of a pane.
const BEFORE: &[u8] = b"\x1b]7;\x07";

/// What the library's screen shows after a case.
pub fn ours(case: &Case, rules: Rules) -> Shown {
    let mut screen = Screen::new(case.columns, case.rows, rules);
    screen.feed(BEFORE);
    for (number, step) in case.steps.iter().enumerate() {
        match step {
            Step::Bytes(bytes) => {
                let bytes = [&bytes[..], &mark(case, number)].concat();
                screen.feed(&bytes);
            }
            Step::Resize(columns, rows) => screen.resize(*columns, *rows),
        }
    }
    shown(&screen)
}

/// What a screen shows.
pub fn shown(screen: &Screen) -> Shown {
    let flag = |mode| u8::from(screen.mode(mode)).to_string();
    let cursor = screen.cursor();
    let (columns, rows) = screen.size();
    let x = if cursor.wrap_pending {
        usize::from(columns)
    } else {
        cursor.column
    };
    let saved = screen
        .normal_cursor()
        .map_or((u32::MAX, u32::MAX), |(x, y)| (x as u32, y as u32));
    let tabs: Vec<String> = screen.tab_stops().map(|x| x.to_string()).collect();
    let (top, bottom) = screen.region();
    let values = [
        x.to_string(),
        cursor.row.to_string(),
        flag(Mode::Cursor),
        flag(Mode::Insert),
        flag(Mode::CursorKeys),
        flag(Mode::Keypad),
        flag(Mode::Wrap),
        flag(Mode::Origin),
        flag(Mode::MouseStandard),
        flag(Mode::MouseButton),
        flag(Mode::MouseAll),
        flag(Mode::MouseUtf8),
        flag(Mode::MouseSgr),
        u8::from(screen.is_alternate()).to_string(),
        saved.0.to_string(),
        saved.1.to_string(),
        top.to_string(),
        bottom.to_string(),
        tabs.join(","),
        screen.title().to_owned(),
        screen.folder_uri().to_owned(),
        screen.history().to_string(),
        columns.to_string(),
        rows.to_string(),
    ];
    let history = (0..screen.history()).map(|index| screen.history_runs(index));
    let shown = (0..usize::from(rows)).map(|y| screen.runs(Which::Shown, y));
    let flat = |runs: Vec<tvmux::screen::Run>| {
        let chars = runs
            .iter()
            .flat_map(|run| run.text.chars().map(|c| (c, run.style)));
        chars.collect::<Vec<Char>>()
    };
    let mut joined = Vec::new();
    let mut line: Vec<Char> = Vec::new();
    for y in 0..usize::from(rows) {
        line.extend(flat(screen.runs(Which::Shown, y)));
        if !screen.is_wrapped(Which::Shown, y) {
            joined.push(without_blanks(&std::mem::take(&mut line)));
        }
    }
    if !line.is_empty() {
        joined.push(without_blanks(&line));
    }
    let normal = (0..1000).take_while(|_| screen.is_alternate());
    Shown {
        state: FORMATS.iter().copied().zip(values).collect(),
        rows: history.chain(shown).map(flat).collect(),
        normal: normal
            .map_while(|y| {
                screen
                    .has_row(Which::Normal, y)
                    .then(|| flat(screen.runs(Which::Normal, y)))
            })
            .collect(),
        joined,
    }
}

/// A tmux with some panes to feed.
pub struct Oracle {
    tmux: TestTmux,
    panes: Vec<String>,
    fifos: usize,
    marks: usize,
    /// What the panes read from: at its end they would be gone.
    writers: Vec<File>,
}

impl Oracle {
    /// Starts a tmux with `panes` panes, each in a window of its own.
    pub fn start(panes: usize) -> Oracle {
        let tmux = TestTmux::start("exec sleep 100000");
        tmux.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
        for _ in 1..panes {
            tmux.tmux(&["new-window", "-d", "exec sleep 100000"]);
        }
        let list = tmux.tmux(&["list-panes", "-s", "-F", "#{pane_id}"]);
        Oracle {
            panes: list.lines().map(str::to_owned).collect(),
            tmux,
            fifos: 0,
            marks: 0,
            writers: Vec::new(),
        }
    }

    /// How many cases are run at once.
    pub fn width(&self) -> usize {
        self.panes.len()
    }

    /// What tmux shows after each of these cases: as many as there are panes, or
    /// fewer. Nothing for those that end the server.
    pub fn run(&mut self, cases: &[Case]) -> Vec<Option<Shown>> {
        if let Ok(shown) = self.try_run(cases) {
            return shown.into_iter().map(Some).collect();
        }
        let one_by_one = cases.iter().map(|case| {
            *self = Oracle::start(self.panes.len());
            self.try_run(std::slice::from_ref(case)).ok()?.pop()
        });
        let shown = one_by_one.collect();
        *self = Oracle::start(self.panes.len());
        shown
    }

    fn try_run(&mut self, cases: &[Case]) -> Result<Vec<Shown>, ServerEnded> {
        let mut setup: Vec<String> = Vec::new();
        let mut command = |parts: &[&str]| {
            setup.extend(parts.iter().map(|part| (*part).to_owned()));
            setup.push(";".to_owned());
        };
        let mut writers: Vec<File> = Vec::new();
        for (pane, case) in self.panes.iter().zip(cases) {
            self.fifos += 1;
            let fifo = self.tmux.folder().join(format!("fifo{}", self.fifos));
            make_fifo(&fifo);
            writers.push(
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(&fifo)
                    .unwrap(),
            );
            let (columns, rows) = (case.columns.to_string(), case.rows.to_string());
            let cat = format!("stty raw -echo; exec cat '{}'", fifo.display());
            // Another width on the way: tab stops outlive the program of a pane.
            let other = (case.columns + 1).to_string();
            command(&["resize-window", "-t", pane, "-x", &other, "-y", &rows]);
            command(&["resize-window", "-t", pane, "-x", &columns, "-y", &rows]);
            // Once more than enough: leaving the alternate screen at the start moves
            // the cursor.
            command(&["respawn-pane", "-k", "-t", pane, "exec sleep 100000"]);
            command(&["respawn-pane", "-k", "-t", pane, &cat]);
            command(&["clear-history", "-t", pane]);
            command(&["select-pane", "-t", pane, "-T", ""]);
        }
        setup.pop();
        run(
            &self.tmux,
            &setup.iter().map(String::as_str).collect::<Vec<_>>(),
        )?;
        self.writers = writers;
        let steps = cases.iter().map(|case| case.steps.len()).max().unwrap_or(0);
        for number in 0..steps {
            let mut waiting = Vec::new();
            let mut resizes: Vec<String> = Vec::new();
            for (at, case) in cases.iter().enumerate() {
                match case.steps.get(number) {
                    Some(Step::Bytes(bytes)) => {
                        let before = if number == 0 { BEFORE } else { b"" };
                        let bytes = [before, bytes, &mark(case, self.marks)].concat();
                        self.writers[at].write_all(&bytes).unwrap();
                        waiting.push(at);
                    }
                    Some(Step::Resize(columns, rows)) => resizes.extend([
                        "resize-window".to_owned(),
                        "-t".to_owned(),
                        self.panes[at].clone(),
                        "-x".to_owned(),
                        columns.to_string(),
                        "-y".to_owned(),
                        rows.to_string(),
                        ";".to_owned(),
                    ]),
                    None => {}
                }
            }
            if resizes.pop().is_some() {
                run(
                    &self.tmux,
                    &resizes.iter().map(String::as_str).collect::<Vec<_>>(),
                )?;
            }
            self.await_marks(cases, &waiting)?;
            self.marks += 1;
        }
        (0..cases.len()).map(|at| self.capture(at)).collect()
    }

    fn await_marks(&self, cases: &[Case], waiting: &[usize]) -> Result<(), ServerEnded> {
        let end = Instant::now() + DEADLINE;
        let mut left = waiting.to_vec();
        while !left.is_empty() {
            let mut command = Vec::new();
            for at in &left {
                let which = if marks_title(&cases[*at]) {
                    "title"
                } else {
                    "path"
                };
                let format = format!("#{{pane_{which}}}");
                command.extend(["display-message", "-p", "-t"].map(str::to_owned));
                command.extend([self.panes[*at].clone(), format, ";".to_owned()]);
            }
            command.pop();
            let answer = run(
                &self.tmux,
                &command.iter().map(String::as_str).collect::<Vec<_>>(),
            )?;
            let mark = format!("mark{}", self.marks);
            let mut answers = answer.split('\n');
            left.retain(|_| answers.next() != Some(&mark));
            assert!(
                left.is_empty() || Instant::now() < end,
                "marks of {left:?} {:?}",
                cases[left[0]]
            );
        }
        Ok(())
    }

    fn capture(&self, at: usize) -> Result<Shown, ServerEnded> {
        capture(&self.tmux, &self.panes[at])
    }
}

fn make_fifo(path: &std::path::Path) {
    let status = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// How the two differ; nothing when they are the same.
pub fn difference(tmux: &Shown, ours: &Shown, rules: Rules) -> Option<String> {
    let mut out = String::new();
    for ((name, theirs), (_, value)) in tmux.state.iter().zip(&ours.state) {
        // Behind the last column after a resize without reflow.
        let mut sizes = tmux.state.iter().filter(|(name, _)| *name == "pane_width");
        let width: u32 = sizes.next().unwrap().1.parse().unwrap();
        let behind = |text: &str| text.parse::<u32>().is_ok_and(|x| x >= width);
        if *name == "cursor_x" && behind(theirs) && behind(value) {
            continue;
        }
        let is_mark = theirs.starts_with("mark") && value.starts_with("mark");
        if theirs != value && !is_mark {
            let _ = writeln!(out, "  {name}: tmux {theirs:?}, ours {value:?}");
        }
    }
    let mut rows = |what: &str, theirs: &[Vec<Char>], ours: &[Vec<Char>]| {
        if theirs.len() != ours.len() {
            let _ = writeln!(
                out,
                "  {what}: tmux {} rows, ours {}",
                theirs.len(),
                ours.len()
            );
        }
        for (y, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
            if !same_row(theirs, ours, rules) {
                let _ = writeln!(
                    out,
                    "  {what} {y}:\n    tmux {}\n    ours {}",
                    printed(theirs),
                    printed(ours)
                );
            }
        }
    };
    rows("row", &tmux.rows, &ours.rows);
    rows("normal", &tmux.normal, &ours.normal);
    if tmux.joined != ours.joined {
        let _ = writeln!(
            out,
            "  joined:\n    tmux {:?}\n    ours {:?}",
            tmux.joined, ours.joined
        );
    }
    (!out.is_empty()).then_some(out)
}

/// The capture of 3.3a does not tell backgrounds behind the last character that
/// was written; that of later versions has blanks there which nothing wrote.
fn same_row(theirs: &[Char], ours: &[Char], rules: Rules) -> bool {
    if rules != Rules::TMUX_3_3 {
        // A row with tab characters in it does not tell its columns.
        if theirs.iter().any(|(c, _)| *c == '\t') {
            let dark = |row: &[Char]| {
                let inked = row.iter().filter(|(c, _)| !matches!(c, ' ' | '\t'));
                inked.copied().collect::<Vec<Char>>()
            };
            return dark(theirs) == dark(ours);
        }
        let blank = |char: &Char| *char == (' ', Style::default());
        let used = |row: &[Char]| {
            row.iter()
                .rposition(|char| !blank(char))
                .map_or(0, |x| x + 1)
        };
        return theirs[..used(theirs)] == ours[..used(ours)];
    }
    if ours.len() <= theirs.len() {
        return theirs == ours;
    }
    let (known, behind) = ours.split_at(theirs.len());
    let erased = |(c, style): &Char| *c == ' ' && style.bg != Colour::Default;
    known == theirs && behind.last().is_some_and(erased) && behind.iter().all(|(c, _)| *c == ' ')
}

fn printed(row: &[Char]) -> String {
    let mut out = String::new();
    let mut last = Style::default();
    for (c, style) in row {
        if *style != last {
            let _ = write!(
                out,
                "<{:?},{:?},{:?},{:x?}>",
                style.fg, style.bg, style.underline, style.attributes
            );
            last = *style;
        }
        let _ = write!(out, "{}", c.escape_debug());
    }
    out
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} {}x{}", self.name, self.columns, self.rows)?;
        for step in &self.steps {
            match step {
                Step::Bytes(bytes) => write!(f, " b\"{}\"", bytes.escape_ascii())?,
                Step::Resize(columns, rows) => write!(f, " -> {columns}x{rows}")?,
            }
        }
        Ok(())
    }
}

/// A pane whose program's output is written to a file from its first byte on.
pub struct Pane {
    tmux: TestTmux,
}

impl Pane {
    /// Starts `program`, a shell command, in a pane of this size.
    pub fn start(program: &str, (columns, rows): (u16, u16)) -> Pane {
        let tmux = TestTmux::start("exec sleep 100000");
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let pipe = format!("exec cat >'{}/output'", tmux.folder().display());
        run(
            &tmux,
            &[
                "resize-window",
                "-x",
                &columns,
                "-y",
                &rows,
                ";",
                "select-pane",
                "-T",
                "",
                ";",
                "pipe-pane",
                &pipe,
                ";",
                "respawn-pane",
                "-k",
                program,
            ],
        )
        .unwrap();
        Pane { tmux }
    }

    pub fn type_keys(&self, keys: &[&str]) {
        if !keys.is_empty() {
            run(&self.tmux, &[&["send-keys"], keys].concat()).unwrap();
        }
    }

    pub fn shown(&self) -> Shown {
        capture(&self.tmux, "%0").unwrap()
    }

    /// What the program printed so far.
    pub fn output(&self) -> Vec<u8> {
        std::fs::read(self.tmux.folder().join("output")).unwrap_or_default()
    }
}
