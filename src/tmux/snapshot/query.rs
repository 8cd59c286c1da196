//! The commands that ask for a screen, and the sections of their answer.
//!
//! [`SECTIONS`] is the one place that says which sections there are and in
//! which order, for asking and for reading.

use super::super::{Batch, Error, Fields, PaneId, Result, Row, Separator, Version};

/// A part of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Numbers and flags: [`State`].
    State,
    Title,
    Path,
    /// What time it is for tmux, and when the window had output last.
    Clock,
    Pending,
    Styled,
    Written,
    SavedStyled,
    SavedWritten,
    SavedJoined,
    Joined,
    /// [`State`] once more: equal if nothing came between.
    StateAgain,
}

const SECTIONS: [Section; 12] = [
    Section::State,
    Section::Title,
    Section::Path,
    Section::Clock,
    Section::Pending,
    Section::Styled,
    Section::Written,
    Section::SavedStyled,
    Section::SavedWritten,
    Section::SavedJoined,
    Section::Joined,
    Section::StateAgain,
];

/// tmux's value of a saved cursor position that was never set.
const UNSET: u32 = u32::MAX;

/// The commands whose answer [`Snapshot::parse`](super::Snapshot::parse)
/// reads. They go first in a larger batch, so that nothing is parsed between
/// the screen and, say, the start of a pipe.
///
/// `separator` stands between the sections of the answer.
#[must_use]
pub fn query(version: Version, pane: PaneId, separator: &Separator) -> Batch {
    let mut batch = Batch::new();
    let pane = pane.to_string();
    for section in sections(version) {
        let blanks = if version.has_capture_blanks() {
            "-peN"
        } else {
            "-pe"
        };
        let format = |format: &str| {
            let command = ["display-message", "-p", "-t", &pane, format];
            command.map(str::to_owned).to_vec()
        };
        let capture = |flags: &[&str]| {
            let start = ["capture-pane"].into_iter();
            let command = start.chain(flags.iter().copied()).chain(["-t", &pane]);
            command.map(str::to_owned).collect()
        };
        batch.push(match section {
            Section::State | Section::StateAgain => format(State::fields(version).format()),
            Section::Title => format("#{pane_title}"),
            Section::Path => format("#{pane_path}"),
            Section::Clock => format("%s\t#{window_activity}"),
            Section::Pending => capture(&["-pP"]),
            Section::Styled => capture(&[blanks]),
            Section::Written => capture(&["-pNT"]),
            // `-q`: there is none unless the alternate screen is on.
            Section::SavedStyled => capture(&["-aq", blanks]),
            Section::SavedWritten => capture(&["-aq", "-pNT"]),
            Section::SavedJoined => capture(&["-aq", "-pJ"]),
            Section::Joined => capture(&["-pJ"]),
        });
        separator.end(&mut batch);
    }
    batch
}

fn sections(version: Version) -> impl Iterator<Item = Section> {
    SECTIONS.into_iter().filter(move |section| match section {
        Section::Written | Section::SavedWritten => version.has_capture_erased(),
        _ => true,
    })
}

/// The sections of an answer.
pub(super) struct Sections<'a> {
    found: Vec<(Section, &'a [u8])>,
}

impl<'a> Sections<'a> {
    /// Splits an answer; gives what follows the last section too.
    pub(super) fn read(
        version: Version,
        separator: &Separator,
        answer: &'a [u8],
    ) -> Result<(Sections<'a>, &'a [u8])> {
        let mut rest = answer;
        let mut found = Vec::new();
        for section in sections(version) {
            let (text, tail) = separator.split(rest).ok_or_else(|| Error::Unexpected {
                what: format!("a snapshot without its part {section:?}"),
            })?;
            found.push((section, text.strip_suffix(b"\n").unwrap_or(text)));
            rest = tail;
        }
        Ok((Sections { found }, rest))
    }

    /// A section's text, without the newline that ends it; `None` where this
    /// version has no such section.
    pub(super) fn find(&self, section: Section) -> Option<&'a [u8]> {
        let known = self.found.iter().find(|(name, _)| *name == section);
        known.map(|(_, text)| *text)
    }

    /// A section's text; empty where there is none.
    pub(super) fn get(&self, section: Section) -> &'a [u8] {
        self.find(section).unwrap_or_default()
    }
}

/// The mouse events a program asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mouse {
    #[default]
    Off,
    /// Presses and releases: mode 1000.
    Standard,
    /// Movement with a button down too: mode 1002.
    Button,
    /// All movement: mode 1003.
    All,
}

/// How the cursor looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CursorStyle {
    /// `default`, `block`, `underline` or `bar`.
    pub(super) shape: String,
    pub(super) blinking: bool,
    pub(super) very_visible: bool,
    /// As tmux names colours: `#rrggbb`, or a name.
    pub(super) colour: String,
}

/// What tmux tells about a screen in numbers and flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) columns: u16,
    pub(super) rows: u16,
    /// Column and row, from 0; the column is `columns` when the next
    /// character wraps.
    pub(super) cursor: (u32, u32),
    pub(super) alternate: bool,
    /// The cursor of the normal screen, where the program had it saved.
    pub(super) saved_cursor: Option<(u32, u32)>,
    /// First and last row, from 0.
    pub(super) region: (u32, u32),
    pub(super) cursor_shown: bool,
    pub(super) insert: bool,
    pub(super) origin: bool,
    pub(super) wrap: bool,
    pub(super) keypad: bool,
    pub(super) keypad_cursor: bool,
    pub(super) mouse: Mouse,
    pub(super) mouse_utf8: bool,
    pub(super) mouse_sgr: bool,
    pub(super) tabs: Vec<u32>,
    /// Set by the program, as tmux names colours.
    pub(super) foreground: Option<String>,
    pub(super) background: Option<String>,
    /// 0, 1 or 2 of xterm's modifyOtherKeys.
    pub(super) extended_keys: u8,
    pub(super) cursor_style: Option<CursorStyle>,
    pub(super) bracketed_paste: bool,
    pub(super) synchronized: bool,
    /// Only to see that something came between.
    history: u32,
}

impl State {
    fn fields(version: Version) -> Fields {
        let mut fields = Fields::new(version).plain([
            "pane_width",
            "pane_height",
            "cursor_x",
            "cursor_y",
            "alternate_on",
            "alternate_saved_x",
            "alternate_saved_y",
            "scroll_region_upper",
            "scroll_region_lower",
            "cursor_flag",
            "insert_flag",
            "origin_flag",
            "wrap_flag",
            "keypad_flag",
            "keypad_cursor_flag",
            "mouse_standard_flag",
            "mouse_button_flag",
            "mouse_all_flag",
            "mouse_utf8_flag",
            "mouse_sgr_flag",
            "pane_tabs",
            "history_size",
            "pane_in_mode",
        ]);
        if version.has_pane_colours() {
            fields = fields.plain(["pane_fg", "pane_bg", "window-style", "window-active-style"]);
        }
        if version.has_key_mode() {
            fields = fields.plain(["pane_key_mode"]);
        }
        if version.has_cursor_style() {
            fields = fields.plain([
                "cursor_shape",
                "cursor_blinking",
                "cursor_very_visible",
                "cursor_colour",
            ]);
        }
        if version.has_paste_mode() {
            fields = fields.plain(["bracket_paste_flag", "synchronized_output_flag"]);
        }
        fields
    }

    /// Reads the answer to [`State::fields`].
    pub(super) fn parse(version: Version, answer: &[u8]) -> Result<State> {
        let rows = State::fields(version).parse(answer)?;
        let mut row = rows.into_iter().next().ok_or_else(|| Error::Unexpected {
            what: "a snapshot without its state".into(),
        })?;
        let row = &mut row;
        let mut state = State {
            columns: row.get()?,
            rows: row.get()?,
            cursor: (row.get()?, row.get()?),
            alternate: row.flag(),
            saved_cursor: match (row.get()?, row.get()?) {
                (UNSET, _) | (_, UNSET) => None,
                position => Some(position),
            },
            region: (row.get()?, row.get()?),
            cursor_shown: row.flag(),
            insert: row.flag(),
            origin: row.flag(),
            wrap: row.flag(),
            keypad: row.flag(),
            keypad_cursor: row.flag(),
            mouse: mouse(row),
            mouse_utf8: row.flag(),
            mouse_sgr: row.flag(),
            tabs: row.text().split(',').flat_map(str::parse).collect(),
            history: row.get()?,
            ..State::default()
        };
        let in_mode = row.flag();
        if version.has_pane_colours() {
            let colours = [row.text(), row.text()];
            // A window's style is the user's decoration, not the program's
            // doing; with one, the two cannot be told apart.
            let styled = [row.text(), row.text()]
                .iter()
                .any(|style| !matches!(style.as_str(), "" | "default"));
            if !styled {
                [state.foreground, state.background] = colours.map(Some);
            }
        }
        if version.has_key_mode() {
            state.extended_keys = match row.text().as_str() {
                "Ext 1" => 1,
                "Ext 2" => 2,
                _ => 0,
            };
        }
        if version.has_cursor_style() {
            state.cursor_style = Some(CursorStyle {
                shape: row.text(),
                blinking: row.flag(),
                very_visible: row.flag(),
                colour: row.text(),
            });
        }
        if version.has_paste_mode() {
            state.bracketed_paste = row.flag();
            state.synchronized = row.flag();
        }
        if in_mode {
            // In copy mode these tell of the mode's own screen.
            state.extended_keys = 0;
            state.cursor_style = None;
            state.bracketed_paste = false;
        }
        Ok(state)
    }
}

fn mouse(row: &mut Row) -> Mouse {
    let standard = row.flag();
    let button = row.flag();
    let all = row.flag();
    match (standard, button, all) {
        (_, _, true) => Mouse::All,
        (_, true, _) => Mouse::Button,
        (true, ..) => Mouse::Standard,
        _ => Mouse::Off,
    }
}

/// Whether an unfinished string was given up by tmux's timer: the window had no
/// output for longer.
pub(super) fn expired(version: Version, clock: &[u8]) -> bool {
    let clock = String::from_utf8_lossy(clock);
    let seconds = clock.split_once('\t').and_then(|(now, last)| {
        let now: u64 = now.parse().ok()?;
        let last: u64 = last.trim().parse().ok()?;
        Some(now.saturating_sub(last))
    });
    // Both are cut to whole seconds.
    seconds.is_some_and(|seconds| seconds > version.string_timeout().as_secs())
}
