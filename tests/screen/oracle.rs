//! The same bytes into a running tmux and into the library's screen.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Instant;

use tvmux::screen::{Attributes, Colour, Mode, Rules, Screen, Style, Which};

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

/// A character with its style.
pub type Char = (char, Style);

/// What a terminal shows, and how it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Name and value of what formats tell.
    pub state: Vec<(&'static str, String)>,
    /// History and screen.
    pub rows: Vec<Vec<Char>>,
    /// The normal screen while the alternate one is shown.
    pub normal: Vec<Vec<Char>>,
    /// Texts of the screen, soft wraps joined, without blanks: captures differ in those
    /// that were erased.
    pub joined: Vec<String>,
}

/// Formats that are compared; the mark is in `pane_path` or in `pane_title`.
const FORMATS: &[&str] = &[
    "cursor_x",
    "cursor_y",
    "cursor_flag",
    "insert_flag",
    "keypad_cursor_flag",
    "keypad_flag",
    "wrap_flag",
    "origin_flag",
    "mouse_standard_flag",
    "mouse_button_flag",
    "mouse_all_flag",
    "mouse_utf8_flag",
    "mouse_sgr_flag",
    "alternate_on",
    "alternate_saved_x",
    "alternate_saved_y",
    "scroll_region_upper",
    "scroll_region_lower",
    "pane_tabs",
    "pane_title",
    "pane_path",
    "history_size",
    "pane_width",
    "pane_height",
];

const PART: &str = "== part of an answer ==";
const FIELD: &str = "<|>";

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

fn without_blanks(line: &[Char]) -> String {
    line.iter()
        .map(|(c, _)| *c)
        .filter(|c| !matches!(c, ' ' | '\t'))
        .collect()
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
    /// fewer.
    pub fn run(&mut self, cases: &[Case]) -> Vec<Shown> {
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
        );
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
                );
            }
            self.await_marks(cases, &waiting);
            self.marks += 1;
        }
        (0..cases.len()).map(|at| self.capture(at)).collect()
    }

    fn await_marks(&self, cases: &[Case], waiting: &[usize]) {
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
            );
            let mark = format!("mark{}", self.marks);
            let mut answers = answer.split('\n');
            left.retain(|_| answers.next() != Some(&mark));
            assert!(
                Instant::now() < end,
                "marks of {left:?} {:?}",
                cases[left[0]]
            );
        }
    }

    fn capture(&self, at: usize) -> Shown {
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

/// The DEC line drawing set, from U+0060 on.
const DRAWN: &str = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

/// Characters of the cases that join the one before them.
const JOINING: &[char] = &[
    '\u{301}',
    '\u{308}',
    '\u{20dd}',
    '\u{200b}',
    '\u{200d}',
    '\u{fe0f}',
    '\u{1f3fb}',
];

/// Reads what `capture-pane -e` prints.
fn read_rows(text: &str) -> Vec<Vec<Char>> {
    let mut rows = Vec::new();
    let mut style = Style::default();
    let mut drawing = false;
    for line in text.split_terminator('\n') {
        let mut row = Vec::new();
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            match c {
                '\x0e' => drawing = true,
                '\x0f' => drawing = false,
                '\x1b' => {
                    let after = rest.as_str();
                    if let Some(body) = after.strip_prefix('[') {
                        let end = body.find('m').unwrap();
                        read_sgr(&body[..end], &mut style);
                        rest = body[end + 1..].chars();
                    } else if let Some(body) = after.strip_prefix(']') {
                        let end = body.find("\x1b\\").unwrap();
                        rest = body[end + 2..].chars();
                    } else {
                        rest.next();
                        rest.next();
                    }
                }
                // What joins with a drawn character undoes the drawing.
                '`'..='~' if drawing && !rest.as_str().starts_with(JOINING) => {
                    let drawn = DRAWN.chars().nth(c as usize - '`' as usize).unwrap();
                    row.push((drawn, style));
                }
                c => row.push((c, style)),
            }
        }
        rows.push(row);
    }
    rows
}

fn read_sgr(body: &str, style: &mut Style) {
    let parts: Vec<&str> = body.split([';', ':']).collect();
    let number = |at: usize| {
        parts
            .get(at)
            .and_then(|part| part.parse::<u16>().ok())
            .unwrap_or(0)
    };
    // Overline is written as `5:3`.
    if body.ends_with("5:3") {
        if body != "5:3" {
            read_sgr(body.trim_end_matches("5:3").trim_end_matches(';'), style);
        }
        style.attributes = style.attributes.with(Attributes::OVERLINE);
        return;
    }
    let mut at = 0;
    while at < parts.len() {
        let value = number(at);
        let subs = body.contains(':');
        let a = style.attributes;
        at += 1;
        match value {
            0 => *style = Style::default(),
            1 => style.attributes = a.with(Attributes::BOLD),
            2 => style.attributes = a.with(Attributes::DIM),
            3 => style.attributes = a.with(Attributes::ITALIC),
            4 if subs && !body.starts_with("38") && next_is_sub(body, at - 1) => {
                style.attributes = a.with(match number(at) {
                    2 => Attributes::DOUBLE_UNDERLINE,
                    3 => Attributes::CURLY_UNDERLINE,
                    4 => Attributes::DOTTED_UNDERLINE,
                    5 => Attributes::DASHED_UNDERLINE,
                    _ => Attributes::UNDERLINE,
                });
                at += 1;
            }
            4 => style.attributes = a.with(Attributes::UNDERLINE),
            5 => style.attributes = a.with(Attributes::BLINK),
            7 => style.attributes = a.with(Attributes::REVERSE),
            8 => style.attributes = a.with(Attributes::HIDDEN),
            9 => style.attributes = a.with(Attributes::STRIKE),
            53 => style.attributes = a.with(Attributes::OVERLINE),
            30..=37 => style.fg = Colour::Basic(value as u8 - 30),
            39 => style.fg = Colour::Default,
            40..=47 => style.bg = Colour::Basic(value as u8 - 40),
            49 => style.bg = Colour::Default,
            59 => style.underline = Colour::Default,
            90..=97 => style.fg = Colour::Basic(value as u8 - 82),
            100..=107 => style.bg = Colour::Basic(value as u8 - 92),
            38 | 48 | 58 => {
                let colour = if number(at) == 5 {
                    at += 2;
                    Colour::Indexed(number(at - 1) as u8)
                } else {
                    at += if parts.get(at + 1) == Some(&"") { 5 } else { 4 };
                    let part = |back: usize| number(at - back) as u8;
                    Colour::Rgb(part(3), part(2), part(1))
                };
                match value {
                    38 => style.fg = colour,
                    48 => style.bg = colour,
                    _ => style.underline = colour,
                }
            }
            _ => panic!("an unknown SGR in a capture: {body}"),
        }
    }
}

/// Whether part `at` of an SGR is followed by `:`.
fn next_is_sub(body: &str, at: usize) -> bool {
    body.match_indices([';', ':'])
        .nth(at)
        .is_some_and(|(_, mark)| mark == ":")
}

/// How the two differ; nothing when they are the same.
pub fn difference(tmux: &Shown, ours: &Shown, rules: Rules) -> Option<String> {
    let mut out = String::new();
    for ((name, theirs), (_, value)) in tmux.state.iter().zip(&ours.state) {
        // Behind the last column after a resize without reflow.
        let width = |shown: &Shown| shown.state[FORMATS.len() - 2].1.parse::<u32>().unwrap();
        let behind = |text: &str| text.parse::<u32>().is_ok_and(|x| x >= width(tmux));
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

/// What a pane shows.
fn capture(tmux: &TestTmux, pane: &str) -> Shown {
    let formats: Vec<String> = FORMATS.iter().map(|name| format!("#{{{name}}}")).collect();
    let formats = formats.join(FIELD);
    let answer = run(
        tmux,
        &[
            "display-message",
            "-p",
            "-t",
            pane,
            &formats,
            ";",
            "display-message",
            "-p",
            PART,
            ";",
            "capture-pane",
            "-p",
            "-e",
            "-N",
            "-S",
            "-",
            "-t",
            pane,
            ";",
            "display-message",
            "-p",
            PART,
            ";",
            "capture-pane",
            "-p",
            "-a",
            "-q",
            "-e",
            "-N",
            "-t",
            pane,
            ";",
            "display-message",
            "-p",
            PART,
            ";",
            "capture-pane",
            "-p",
            "-e",
            "-J",
            "-t",
            pane,
            ";",
            "display-message",
            "-p",
            PART,
        ],
    );
    let mut parts = answer
        .split(PART)
        .map(|part| part.strip_prefix('\n').unwrap_or(part));
    let state = parts.next().unwrap().trim_end_matches('\n').split(FIELD);
    let state = FORMATS
        .iter()
        .copied()
        .zip(state.map(str::to_owned))
        .collect();
    let rows = read_rows(parts.next().unwrap());
    let mut normal = read_rows(parts.next().unwrap());
    if run(
        tmux,
        &["display-message", "-p", "-t", pane, "#{alternate_on}"],
    ) == "0"
    {
        normal.clear();
    }
    let joined = read_rows(parts.next().unwrap());
    let joined = joined.iter().map(|line| without_blanks(line)).collect();
    Shown {
        state,
        rows,
        normal,
        joined,
    }
}

/// Runs commands, `;` between them, and gives what they printed.
fn run(tmux: &TestTmux, commands: &[&str]) -> String {
    let output = std::process::Command::new(super::support::program())
        .args(["-u", "-S"])
        .arg(tmux.socket())
        .args(commands)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands:?}: {message}");
    let answer = String::from_utf8_lossy(&output.stdout);
    answer.trim_end_matches('\n').to_owned()
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
        );
        Pane { tmux }
    }

    pub fn type_keys(&self, keys: &[&str]) {
        if !keys.is_empty() {
            run(&self.tmux, &[&["send-keys"], keys].concat());
        }
    }

    pub fn shown(&self) -> Shown {
        capture(&self.tmux, "%0")
    }

    /// What the program printed so far.
    pub fn output(&self) -> Vec<u8> {
        std::fs::read(self.tmux.folder().join("output")).unwrap_or_default()
    }
}

impl Shown {
    /// The text of all rows.
    pub fn text(&self) -> String {
        let rows = self.rows.iter();
        rows.flat_map(|row| row.iter().map(|(c, _)| *c).chain(['\n']))
            .collect()
    }
}
