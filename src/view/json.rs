//! A screen for programs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::cast::Micros;
use crate::screen::{Attributes, Colour, Screen, Which};

/// The screen of a moment. README has the same list.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Seconds since the start of the cast.
    time: f64,
    columns: u16,
    rows: u16,
    title: &'a str,
    /// The alternate screen is shown.
    alternate: bool,
    cursor: CursorDocument,
    #[serde(skip_serializing_if = "ColoursDocument::is_empty")]
    colours: ColoursDocument,
    /// From the top to the bottom.
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct CursorDocument {
    /// From 0.
    column: usize,
    row: usize,
    visible: bool,
    /// `block`, `underline` or `bar`.
    shape: &'static str,
}

/// What programs changed of the terminal's own colours (OSC 4, 10, 11 and 12), each as
/// `"#rrggbb"`.
#[derive(Debug, Default, PartialEq, Serialize)]
struct ColoursDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    fg: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bg: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Value>,
    /// By their numbers from 0 to 255.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    palette: BTreeMap<u8, Value>,
}

impl ColoursDocument {
    fn is_empty(&self) -> bool {
        *self == ColoursDocument::default()
    }
}

#[derive(Debug, Serialize)]
struct Line {
    text: String,
    /// It goes on in the next one.
    wrapped: bool,
    runs: Vec<RunDocument>,
}

/// Text of one style.
#[derive(Debug, Serialize)]
struct RunDocument {
    /// Its first column, from 0.
    column: usize,
    /// Columns that it takes.
    width: usize,
    text: String,
    /// A number from 0 to 255, `"#rrggbb"`, or missing: the terminal's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    fg: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bg: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    underline_colour: Option<Value>,
    /// Names out of [`NAMES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<&'static str>,
    /// Where a link goes (OSC 8), as the program said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

const NAMES: [(Attributes, &str); 13] = [
    (Attributes::BOLD, "bold"),
    (Attributes::DIM, "dim"),
    (Attributes::ITALIC, "italic"),
    (Attributes::UNDERLINE, "underline"),
    (Attributes::DOUBLE_UNDERLINE, "double-underline"),
    (Attributes::CURLY_UNDERLINE, "curly-underline"),
    (Attributes::DOTTED_UNDERLINE, "dotted-underline"),
    (Attributes::DASHED_UNDERLINE, "dashed-underline"),
    (Attributes::BLINK, "blink"),
    (Attributes::REVERSE, "reverse"),
    (Attributes::HIDDEN, "hidden"),
    (Attributes::STRIKE, "strike"),
    (Attributes::OVERLINE, "overline"),
];

/// Which links are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// As the program said them, whatever they are.
    All,
    /// Those that are pages: http and https.
    Pages,
}

/// The screen at `time` as one JSON object, without a newline.
#[must_use]
pub fn json(screen: &Screen, time: Micros, links: Links) -> String {
    let (columns, rows) = screen.size();
    let document = Document {
        time: time as f64 / 1e6,
        columns,
        rows,
        title: screen.title(),
        alternate: screen.is_alternate(),
        cursor: cursor(screen),
        colours: colours(screen),
        lines: (0..usize::from(rows))
            .map(|row| line(screen, row, links))
            .collect(),
    };
    text(&document)
}

/// Row `row` of the screen, as it is in `lines` of [`json`].
#[must_use]
pub fn row_json(screen: &Screen, row: usize, links: Links) -> String {
    text(&line(screen, row, links))
}

/// The screen's cursor, as it is in [`json`].
#[must_use]
pub fn cursor_json(screen: &Screen) -> String {
    text(&cursor(screen))
}

/// The colours that programs changed, as they are in [`json`]; `{}` where there are none.
#[must_use]
pub fn colours_json(screen: &Screen) -> String {
    text(&colours(screen))
}

fn text(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

fn cursor(screen: &Screen) -> CursorDocument {
    let cursor = screen.cursor();
    CursorDocument {
        column: cursor.column,
        row: cursor.row,
        visible: cursor.visible,
        shape: match cursor.style {
            3 | 4 => "underline",
            5 | 6 => "bar",
            _ => "block",
        },
    }
}

fn colours(screen: &Screen) -> ColoursDocument {
    let [fg, bg, cursor] = screen.default_colours();
    let palette = screen.palette().iter();
    ColoursDocument {
        fg: fg.and_then(colour),
        bg: bg.and_then(colour),
        cursor: cursor.and_then(colour),
        palette: palette
            .filter_map(|(index, changed)| Some((*index, colour(*changed)?)))
            .collect(),
    }
}

fn line(screen: &Screen, row: usize, links: Links) -> Line {
    Line {
        text: screen.text(Which::Shown, row),
        wrapped: screen.is_wrapped(Which::Shown, row),
        runs: runs(screen, row, links),
    }
}

fn runs(screen: &Screen, row: usize, links: Links) -> Vec<RunDocument> {
    let document = |run: crate::screen::Run<'_>| {
        let has = |(attribute, name)| run.style.attributes.contains(attribute).then_some(name);
        RunDocument {
            column: run.column,
            width: run.width,
            fg: colour(run.style.fg),
            bg: colour(run.style.bg),
            underline_colour: colour(run.style.underline),
            attributes: NAMES.into_iter().filter_map(has).collect(),
            link: match links {
                Links::All => run.link.map(|link| link.uri.to_string()),
                Links::Pages => super::page_of(run.link).map(str::to_owned),
            },
            text: run.text,
        }
    };
    let all = screen.runs(Which::Shown, row);
    all.into_iter().map(document).collect()
}

fn colour(colour: Colour) -> Option<Value> {
    match colour {
        Colour::Default => None,
        Colour::Basic(n) | Colour::Indexed(n) => Some(n.into()),
        Colour::Rgb(r, g, b) => Some(super::Rgb(r, g, b).to_string().into()),
    }
}
