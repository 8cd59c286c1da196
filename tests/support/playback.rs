//! What a pane shows, and terminals that bytes or casts are played to.
//!
//! Two [`Screen`]s are equal when the panes look and behave the same as far
//! as tmux can tell. The reading of captures is of its own here: it shares
//! nothing with the code under test.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::termios::{self, SetArg};
use tvmux::cast::{Code, Event, EventReader, Strictness};
use tvmux::tmux::{Batch, Separator};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{TestTmux, wait_for, wait_until};

/// Formats that say how a pane behaves. Those that a tmux does not know come
/// out empty.
const STATE: &[&str] = &[
    "pane_width",
    "pane_height",
    "cursor_x",
    "cursor_y",
    "cursor_flag",
    "insert_flag",
    "origin_flag",
    "wrap_flag",
    "keypad_flag",
    "keypad_cursor_flag",
    "mouse_any_flag",
    "mouse_standard_flag",
    "mouse_button_flag",
    "mouse_all_flag",
    "mouse_utf8_flag",
    "mouse_sgr_flag",
    "alternate_on",
    "#{?alternate_on,#{alternate_saved_x} #{alternate_saved_y},}",
    "scroll_region_upper",
    "scroll_region_lower",
    "pane_tabs",
    "pane_title",
    "pane_path",
    "pane_fg",
    "pane_bg",
    "pane_key_mode",
    "cursor_shape",
    "cursor_blinking",
    "cursor_very_visible",
    "cursor_colour",
    "bracket_paste_flag",
    "synchronized_output_flag",
];

/// What a pane shows and how it behaves, in a form that can be compared.
#[derive(Clone)]
pub struct Screen {
    /// The screen that is shown: a row a text, styles in `⟦…⟧` before what
    /// has them, blanks at the end that look untouched left out, `↩` at the
    /// end where a full row goes on in the next.
    pub shown: Vec<String>,
    /// The normal screen while the alternate one is shown.
    pub saved: Vec<String>,
    /// The shown screen's lines: wrapped rows joined, no styles. Not compared.
    pub lines: Vec<String>,
    /// Whether a row is wider than the screen: tmux erased half of a wide
    /// character, and shows the other still. Not compared.
    pub overfull: bool,
    /// Name and value of each of the formats.
    pub state: Vec<(String, String)>,
}

impl Screen {
    /// Reads what `pane` shows now, in one moment.
    pub fn of(tmux: &TestTmux, pane: &str) -> Screen {
        let format = |name: &&str| match name.starts_with('#') {
            true => (*name).to_owned(),
            false => format!("#{{{name}}}"),
        };
        let state: Vec<String> = STATE.iter().map(format).collect();
        let separator = Separator::random();
        let mut batch = Batch::new();
        let version = tmux.server().version_blocking().unwrap();
        // Old versions have no `-N`, and until `-T` came all captures ended
        // where the written cells do.
        let blanks = if version.has_capture_blanks() {
            "-peN"
        } else {
            "-pe"
        };
        let written = if version.has_capture_erased() {
            "-pNT"
        } else {
            &blanks.replace('e', "")
        };
        for capture in [&[blanks][..], &["-aq", blanks], &[written], &["-pJ"]] {
            let command = ["capture-pane", "-t", pane].into_iter();
            batch.push(command.chain(capture.iter().copied()));
            separator.end(&mut batch);
        }
        batch.push(["display-message", "-p", "-t", pane, &state.join("\n")]);
        let answer = tmux.server().run_blocking(&batch).unwrap();
        let mut answers = separator.answers(&answer);
        let mut next = || {
            let part = std::str::from_utf8(answers.next().unwrap()).unwrap();
            part.strip_suffix('\n').unwrap_or(part)
        };
        let (shown, saved, written, joined, values) = (next(), next(), next(), next(), next());
        let columns = values.split('\n').next().unwrap().parse().unwrap();
        let mut texts = shown.split('\n').chain(saved.split('\n'));
        let overfull = texts.any(|text| plain(text).width() > columns);
        let mut shown = rows(shown);
        if version.has_capture_blanks() {
            mark_wrapped(&mut shown, written, joined, columns);
        }
        Screen {
            shown,
            saved: rows(saved),
            overfull,
            lines: joined
                .lines()
                .map(|line| line.trim_end().to_owned())
                .collect(),
            state: STATE
                .iter()
                .zip(values.split('\n'))
                .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// The value of a format.
    pub fn value(&self, name: &str) -> &str {
        let found = self.state.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The text of the shown screen, without styles.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The same, with the formats of these names left out of the comparison.
    pub fn without(mut self, names: &[&str]) -> Screen {
        self.state
            .retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The same, not telling rows that go on in the next from others.
    pub fn without_wraps(mut self) -> Screen {
        for row in &mut self.shown {
            *row = row.trim_end_matches('↩').to_owned();
        }
        self
    }

    /// What differs, a line each; nothing when all is the same.
    pub fn difference(&self, other: &Screen) -> Option<String> {
        let mut found = Vec::new();
        for (name, one, two) in [
            ("shown", &self.shown, &other.shown),
            ("saved", &self.saved, &other.saved),
        ] {
            let empty = String::new();
            for i in 0..one.len().max(two.len()) {
                let one = one.get(i).unwrap_or(&empty);
                let two = two.get(i).unwrap_or(&empty);
                if one != two {
                    found.push(format!("{name} {i}:\n  {one:?}\n  {two:?}"));
                }
            }
        }
        for (one, two) in self.state.iter().zip(&other.state) {
            if one != two {
                found.push(format!("{}: {:?} / {:?}", one.0, one.1, two.1));
            }
        }
        (!found.is_empty()).then(|| found.join("\n"))
    }

    /// Fails with what differs, `what` before it.
    #[track_caller]
    pub fn assert_same(&self, other: &Screen, what: &str) {
        if let Some(difference) = self.difference(other) {
            panic!("{what}: the screens differ\n{difference}");
        }
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.shown {
            writeln!(f, "|{row}")?;
        }
        write!(f, "{:?}", self.state)
    }
}

/// Marks the full rows that go on in the next one: in `joined` no newline
/// follows them. (tmux may take a row for wrapped that was erased since; no
/// output brings a terminal there again.)
fn mark_wrapped(rows: &mut [String], written: &str, joined: &str, columns: usize) {
    let texts: Vec<&str> = written.split('\n').collect();
    let mut rest = joined;
    let mut at = 0;
    while at < texts.len() {
        let text = texts[at];
        rest = rest
            .strip_prefix(text)
            .expect("joined rows are the same rows");
        // A wide character goes to the next row whole.
        let next = rest.chars().next().and_then(UnicodeWidthChar::width);
        let full = next.is_some_and(|next| text.width() + next > columns);
        let touched = texts.get(at + 1).is_some_and(|text| !text.is_empty());
        if full && touched && text.width() <= columns {
            rows[at].push('↩');
        }
        // Of rows never written to, tmux may take any for wrapped.
        at += 1;
        rest = rest.strip_prefix('\n').unwrap_or(rest);
        while at < texts.len() && texts[at].is_empty() {
            at += 1;
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
}

/// The rows of a capture with escape sequences.
fn rows(capture: &str) -> Vec<String> {
    let mut pen = Pen::default();
    capture.split('\n').map(|line| pen.row(line)).collect()
}

/// A row of a capture without escape sequences.
fn plain(row: &str) -> String {
    let mut parts = row.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let text_after = match part.strip_prefix('[') {
            Some(codes) => codes.split_once('m').map(|(_, text)| text),
            None => part.strip_prefix('\\'),
        };
        text + text_after.unwrap_or_default()
    })
}

/// The state of SGR, charset and link over a capture.
#[derive(Default)]
struct Pen {
    attributes: BTreeSet<String>,
    colours: [String; 3],
    shifted: bool,
    link: String,
}

impl Pen {
    fn row(&mut self, line: &str) -> String {
        let mut cells: Vec<(String, char)> = Vec::new();
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            match c {
                '\x0e' => self.shifted = true,
                '\x0f' => self.shifted = false,
                '\x1b' if rest.as_str().starts_with('[') => {
                    let end = rest.as_str().find('m').unwrap();
                    self.sgr(&rest.as_str()[1..end]);
                    rest = rest.as_str()[end + 1..].chars();
                }
                '\x1b' => {
                    let end = rest.as_str().find("\x1b\\").unwrap();
                    let link = rest.as_str()[..end].strip_prefix("]8;").unwrap();
                    self.link = if link == ";" { "" } else { link }.to_owned();
                    rest = rest.as_str()[end + 2..].chars();
                }
                _ => cells.push((self.style(), c)),
            }
        }
        while cells
            .last()
            .is_some_and(|(style, c)| style.is_empty() && *c == ' ')
        {
            cells.pop();
        }
        let mut row = String::new();
        let mut last = String::new();
        for (style, c) in cells {
            if style != last {
                row.push_str(&format!("⟦{style}⟧"));
                last = style;
            }
            row.push(c);
        }
        row
    }

    fn sgr(&mut self, parameters: &str) {
        let parameters: Vec<&str> = parameters.split(';').collect();
        let first = parameters[0];
        let slot = match first {
            "38" | "39" => Some(0),
            "48" | "49" => Some(1),
            "58" | "59" => Some(2),
            _ => first.parse().ok().and_then(|code: u8| match code {
                30..=37 | 90..=97 => Some(0),
                40..=47 | 100..=107 => Some(1),
                _ => None,
            }),
        };
        // tmux gives each colour a sequence of its own.
        if let Some(slot) = slot {
            self.colours[slot] = match first {
                "39" | "49" | "59" => String::new(),
                _ => parameters.join(";"),
            };
            return;
        }
        for code in parameters {
            if code == "0" {
                self.attributes.clear();
                self.colours = Default::default();
            } else if !code.is_empty() {
                self.attributes.insert(code.to_owned());
            }
            // An empty one is what 3.0 prints for a bright background.
        }
    }

    fn style(&self) -> String {
        let mut parts: Vec<&str> = self.attributes.iter().map(String::as_str).collect();
        parts.extend(self.colours.iter().map(String::as_str));
        parts.push(if self.shifted { "SO" } else { "" });
        parts.push(&self.link);
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

/// A pane whose terminal a test writes to itself.
///
/// The pane's program reads what the terminal answers and prints nothing. A
/// pipe copies what tmux reads from the pane, so that the test knows when all
/// it wrote has been taken in.
pub struct Player<'a> {
    tmux: &'a TestTmux,
    /// The pane's id.
    pub pane: String,
    tty: File,
    copy: PathBuf,
    written: u64,
}

impl<'a> Player<'a> {
    /// Opens a pane of this size in a window of its own.
    pub fn start(tmux: &'a TestTmux, columns: u16, rows: u16) -> Player<'a> {
        let command = ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "main:"];
        let mut command = command.to_vec();
        command.push("exec cat >/dev/null");
        let pane = tmux.tmux(&command);
        let copy = tmux.folder().join(format!("copy-{}", &pane[1..]));
        let pipe = format!("exec cat >'{}'", copy.display());
        tmux.tmux(&["pipe-pane", "-t", &pane, &pipe]);
        let tty = open_raw(&tmux.ask(&pane, "#{pane_tty}"));
        let player = Player {
            tmux,
            pane,
            tty,
            copy,
            written: 0,
        };
        player.resize(columns, rows);
        player
    }

    /// Writes to the terminal; returns when tmux has parsed all of it.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.tty.write_all(bytes).unwrap();
        self.written += bytes.len() as u64;
        wait_until("tmux takes in what was played", || {
            std::fs::metadata(&self.copy).is_ok_and(|copy| copy.len() >= self.written)
        });
    }

    /// Resizes the pane.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux.tmux(&[
            "resize-window",
            "-t",
            &self.pane,
            "-x",
            &columns,
            "-y",
            &rows,
        ]);
    }

    /// What it shows.
    pub fn screen(&self) -> Screen {
        Screen::of(self.tmux, &self.pane)
    }
}

/// Opens a pane's terminal for writing, set so that bytes pass unchanged.
pub fn open_raw(path: &str) -> File {
    let tty = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NOCTTY)
        .open(path)
        .unwrap();
    let mut modes = termios::tcgetattr(tty.as_fd()).unwrap();
    termios::cfmakeraw(&mut modes);
    termios::tcsetattr(tty.as_fd(), SetArg::TCSANOW, &modes).unwrap();
    tty
}

/// What `pane` shows, and the part of its output that is piped to `file` up
/// to that very moment.
///
/// A sequence that shows nothing is written to the pane's terminal before and
/// after the look: when nothing stands between the two in the file, the
/// program was quiet meanwhile, and all that it printed before is in the file.
pub fn settled(tmux: &TestTmux, pane: &str, file: &Path) -> (Screen, Vec<u8>) {
    let mut tty = OpenOptions::new()
        .write(true)
        .custom_flags(nix::libc::O_NOCTTY)
        .open(tmux.ask(pane, "#{pane_tty}"))
        .unwrap();
    static MARKS: AtomicU32 = AtomicU32::new(0);
    let mut mark = || {
        let number = MARKS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("\x1b]7777;{number}\x1b\\").into_bytes();
        tty.write_all(&mark).unwrap();
        let output = wait_for("the pane's output is piped", || {
            let output = std::fs::read(file).ok()?;
            memchr::memmem::rfind(&output, &mark).map(|at| output[..at + mark.len()].to_vec())
        });
        (output, mark.len())
    };
    wait_for("the pane is quiet", || {
        let (before, _) = mark();
        let screen = Screen::of(tmux, pane);
        let (after, length) = mark();
        (before.len() + length == after.len()).then_some((screen, before))
    })
}

/// Plays a cast file to the end, on a tmux of its own: the header's size,
/// output, and resizes.
pub fn replay_cast(path: &Path) -> Screen {
    replay_cast_for(path, |_| true)
}

/// Plays a cast file up to the first event that `wanted` does not take.
pub fn replay_cast_for(path: &Path, mut wanted: impl FnMut(&Event<'_>) -> bool) -> Screen {
    let file = File::open(path).unwrap();
    let mut reader = EventReader::new(file, Strictness::Strict).unwrap();
    let (columns, rows) = (reader.header().width, reader.header().height);
    let tmux = TestTmux::start("exec cat >/dev/null");
    let mut player = Player::start(&tmux, columns, rows);
    let mut output = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        if !wanted(&event) {
            break;
        }
        if event.code == Code::Output {
            output.extend_from_slice(event.data.to_str().as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            player.feed(&std::mem::take(&mut output));
            player.resize(columns, rows);
        }
    }
    player.feed(&output);
    player.screen()
}
