//! What tmux tells of a pane: formats and captures, read into rows of characters.

use tvmux::screen::{Attributes, Colour, Rules, Style};
use tvmux::tmux::{Batch, Separator};

use super::support::{TestTmux, tmux_version};

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

impl Shown {
    /// The text of all rows.
    pub fn text(&self) -> String {
        let rows = self.rows.iter();
        rows.flat_map(|row| row.iter().map(|(c, _)| *c).chain(['\n']))
            .collect()
    }
}

/// Formats that are compared; the mark is in `pane_path` or in `pane_title`.
pub const FORMATS: &[&str] = &[
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

const FIELD: &str = "<|>";

/// The rules of the tmux that is tested.
pub fn rules() -> Rules {
    Rules::tmux(tmux_version().major(), tmux_version().minor())
}

/// What a format gives, as the program gave it.
fn decoded(name: &str, value: &str) -> String {
    let value = if tmux_version().has_escaped_dollars() {
        value.replace(r"\$", "$")
    } else {
        value.to_owned()
    };
    if name == "pane_title" && tmux_version().has_escaped_titles() {
        value.replace(r"\\", r"\")
    } else {
        value
    }
}

/// The server is gone: some bytes end some versions of tmux.
#[derive(Debug)]
pub struct ServerEnded;

/// What a pane shows.
pub fn capture(tmux: &TestTmux, pane: &str) -> Result<Shown, ServerEnded> {
    let rules = rules();
    let formats: Vec<String> = FORMATS.iter().map(|name| format!("#{{{name}}}")).collect();
    let formats = formats.join(FIELD);
    let commands: [&[&str]; 4] = [
        &["display-message", "-p", "-t", pane, &formats],
        &["capture-pane", "-p", "-e", "-N", "-S", "-", "-t", pane],
        &["capture-pane", "-p", "-a", "-q", "-e", "-N", "-t", pane],
        &["capture-pane", "-p", "-e", "-J", "-t", pane],
    ];
    let separator = Separator::random();
    let mut batch = Batch::new();
    for command in commands {
        batch.push(command);
        separator.end(&mut batch);
    }
    let answer = match tmux.server().run_blocking(&batch) {
        Err(error) if error.is_no_server() => return Err(ServerEnded),
        answer => answer.unwrap(),
    };
    let mut parts = separator.answers(&answer).map(String::from_utf8_lossy);
    let told = parts.next().unwrap();
    let values = told.trim_end_matches('\n').split(FIELD);
    let state = FORMATS.iter().zip(values);
    let state: Vec<_> = state
        .map(|(name, value)| (*name, decoded(name, value)))
        .collect();
    let rows = read_rows(&parts.next().unwrap(), rules);
    let mut normal = read_rows(&parts.next().unwrap(), rules);
    if state.contains(&("alternate_on", "0".to_owned())) {
        normal.clear();
    }
    let joined = read_rows(&parts.next().unwrap(), rules);
    let joined = joined.iter().map(|line| without_blanks(line)).collect();
    Ok(Shown {
        state,
        rows,
        normal,
        joined,
    })
}

/// Runs commands, `;` between them, and gives what they printed.
pub fn run(tmux: &TestTmux, commands: &[&str]) -> Result<String, ServerEnded> {
    let output = std::process::Command::new(super::support::program())
        .args(["-u", "-S"])
        .arg(tmux.socket())
        .args(commands)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    let ended = ["server exited", "lost server", "no server", "connecting to"];
    if ended.iter().any(|text| message.contains(text)) {
        return Err(ServerEnded);
    }
    assert!(output.status.success(), "{commands:?}: {message}");
    let answer = String::from_utf8_lossy(&output.stdout);
    Ok(answer.trim_end_matches('\n').to_owned())
}

/// The characters of a line that show something.
pub fn without_blanks(line: &[Char]) -> String {
    line.iter()
        .map(|(c, _)| *c)
        .filter(|c| !matches!(c, ' ' | '\t'))
        .collect()
}

/// The DEC line drawing set, from U+0060 on.
const DRAWN: &str = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

/// The zero width joiner.
const JOINER: char = '\u{200d}';

/// Characters of the cases that join the one before them.
const JOINING: &[char] = &[
    '\u{301}',
    '\u{308}',
    '\u{20dd}',
    '\u{200b}',
    JOINER,
    '\u{fe0f}',
    '\u{1f3fb}',
];

/// Reads what `capture-pane -e` prints.
fn read_rows(text: &str, rules: Rules) -> Vec<Vec<Char>> {
    let mut rows = Vec::new();
    let mut style = Style::default();
    let mut drawing = false;
    for line in text.split_terminator('\n') {
        let mut row = Vec::new();
        let mut rest = line.chars();
        let mut last = None;
        while let Some(c) = rest.next() {
            // In 3.3 a joiner binds whatever comes next to its cell.
            let bound = rules == Rules::TMUX_3_3 && last == Some(JOINER);
            last = Some(c);
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
                '`'..='~' if drawing && !bound && !rest.as_str().starts_with(JOINING) => {
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
