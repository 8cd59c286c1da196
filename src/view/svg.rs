//! A screen as a picture (SVG).
//!
//! Each piece of text says how wide it is, so that columns stay columns with any
//! font. Block elements are drawn as rectangles: fonts leave gaps between them.

use std::fmt::Write as _;

use super::html::{decoration, split};
use super::pieces::{Piece, is_drawn, pieces};
use super::theme::{Paint, Rgb, Theme};
use super::{FONTS, page_of, push_escaped};
use crate::screen::{Attributes, Cursor, Screen, Which};

/// Of a column and of a row, in pixels; the font's size with them.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 17.0;
const FONT: f64 = 14.0;
/// Where letters stand, from the top of their row.
const BASELINE: f64 = 13.0;
/// Around the screen.
const MARGIN: f64 = 12.0;

/// The screen as an SVG picture that needs nothing else.
#[must_use]
pub fn svg(screen: &Screen, theme: &Theme) -> String {
    let theme = theme.changed_by(screen);
    let mut out = String::new();
    push_start(screen.size(), screen.title(), &theme, &mut out);
    let cursor = screen.cursor();
    for row in 0..usize::from(screen.size().1) {
        let cursor = (cursor.visible && cursor.row == row).then_some(&cursor);
        push_row(screen, row, cursor, &theme, &mut out);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Pixels that a picture of a screen takes.
fn pixels((columns, rows): (u16, u16)) -> (f64, f64) {
    let width = f64::from(columns) * WIDTH + 2.0 * MARGIN;
    (width, f64::from(rows) * HEIGHT + 2.0 * MARGIN)
}

/// Everything before the first row.
pub(super) fn push_start(size: (u16, u16), title: &str, theme: &Theme, out: &mut String) {
    let (width, height) = pixels(size);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"{FONTS}\" font-size=\"{FONT}\" \
         role=\"img\">"
    );
    if !title.is_empty() {
        out.push_str("<title>");
        push_escaped(title, out);
        out.push_str("</title>\n");
    }
    let _ = write!(
        out,
        "<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\" fill=\"{}\" style=\"white-space:pre\">\n",
        theme.background, theme.foreground
    );
}

/// Appends what row `row` shows, and the cursor if that is in it.
pub(super) fn push_row(
    screen: &Screen,
    row: usize,
    cursor: Option<&Cursor>,
    theme: &Theme,
    out: &mut String,
) {
    let runs = screen.runs(Which::Shown, row);
    let top = row as f64 * HEIGHT;
    for run in &runs {
        if let Some(background) = theme.paint(&run.style).background {
            let columns = (run.column, run.width);
            push_rectangle(columns, top, (0.0, 1.0), (0.0, 1.0), background, out);
        }
    }
    let covered = cursor.and_then(|cursor| push_cursor(cursor, top, theme, out));
    for run in &runs {
        let page = page_of(run.link);
        if let Some(page) = page {
            out.push_str("<a rel=\"noopener noreferrer\" href=\"");
            push_escaped(page, out);
            out.push_str("\">");
        }
        let paint = theme.paint(&run.style);
        for piece in pieces(run) {
            let inside = covered.and_then(|covered| covered.checked_sub(piece.column));
            match inside.filter(|inside| *inside < piece.width) {
                Some(inside) => push_covered(&piece, inside, top, &paint, theme, out),
                None => push_piece(&piece, top, &paint, theme, out),
            }
        }
        if page.is_some() {
            out.push_str("</a>");
        }
    }
    out.push('\n');
}

/// Draws the cursor; gives its column when it is a block, which the text is on.
fn push_cursor(cursor: &Cursor, top: f64, theme: &Theme, out: &mut String) -> Option<usize> {
    let (across, down, is_block) = match cursor.style {
        3 | 4 => ((0.0, 1.0), (0.88, 0.12), false),
        5 | 6 => ((0.0, 0.15), (0.0, 1.0), false),
        _ => ((0.0, 1.0), (0.0, 1.0), true),
    };
    let columns = (cursor.column, 1);
    let colour = theme.cursor.unwrap_or(theme.foreground);
    push_rectangle(columns, top, across, down, colour, out);
    is_block.then_some(cursor.column)
}

/// A piece whose column `inside` is under the cursor.
fn push_covered(
    piece: &Piece<'_>,
    inside: usize,
    top: f64,
    paint: &Paint,
    theme: &Theme,
    out: &mut String,
) {
    let on_cursor = Paint {
        foreground: theme.background,
        ..*paint
    };
    if piece.text.chars().count() != piece.width {
        return push_piece(piece, top, &on_cursor, theme, out);
    }
    let (before, at, after) = split(piece.text, inside);
    let parts = [
        (before, piece.column, inside, paint),
        (at, piece.column + inside, 1, &on_cursor),
        (
            after,
            piece.column + inside + 1,
            piece.width - inside - 1,
            paint,
        ),
    ];
    for (text, column, width, paint) in parts {
        let part = Piece {
            column,
            width,
            text,
        };
        push_piece(&part, top, paint, theme, out);
    }
}

fn push_piece(piece: &Piece<'_>, top: f64, paint: &Paint, theme: &Theme, out: &mut String) {
    let decoration = decoration(paint);
    if is_drawn(piece.text) {
        return push_block(piece, top, paint, out);
    }
    // Blanks need no text, unless a line goes through them.
    let start = match piece.text.trim_start_matches(' ') {
        "" if decoration.is_empty() => return,
        text if decoration.is_empty() => piece.text.len() - text.len(),
        _ => 0,
    };
    let mut text = &piece.text[start..];
    let mut width = piece.width - start;
    if decoration.is_empty() {
        let trimmed = text.trim_end_matches(' ');
        width -= text.len() - trimmed.len();
        text = trimmed;
    }
    let x = (piece.column + start) as f64 * WIDTH;
    let y = top + BASELINE;
    let length = width as f64 * WIDTH;
    let _ = write!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\""
    );
    if width == 1 || piece.text.chars().count() != piece.width {
        out.push_str(" lengthAdjust=\"spacingAndGlyphs\"");
    }
    if paint.foreground != theme.foreground {
        let _ = write!(out, " fill=\"{}\"", paint.foreground);
    }
    if paint.attributes.contains(Attributes::BOLD) {
        out.push_str(" font-weight=\"bold\"");
    }
    if paint.attributes.contains(Attributes::ITALIC) {
        out.push_str(" font-style=\"italic\"");
    }
    if !decoration.is_empty() {
        let _ = write!(out, " style=\"{decoration}\"");
    }
    out.push('>');
    push_escaped(text, out);
    out.push_str("</text>");
}

/// Appends a rectangle in columns (`(first, count)`) of the row at `top`. `across`
/// and `down` say which part of them: where it starts and how long it is.
fn push_rectangle(
    columns: (usize, usize),
    top: f64,
    across: (f64, f64),
    down: (f64, f64),
    colour: Rgb,
    out: &mut String,
) {
    let whole = columns.1 as f64 * WIDTH;
    let x = columns.0 as f64 * WIDTH + across.0 * whole;
    let y = top + down.0 * HEIGHT;
    let (width, height) = (across.1 * whole, down.1 * HEIGHT);
    let _ = write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\" \
         shape-rendering=\"crispEdges\"/>"
    );
}

/// A block element (U+2580–U+259F).
fn push_block(piece: &Piece<'_>, top: f64, paint: &Paint, out: &mut String) {
    let Some(block) = piece.text.chars().next() else {
        return;
    };
    let number = block as u32 - 0x2580;
    let eighths = |n: u32| f64::from(n) / 8.0;
    let columns = (piece.column, piece.width);
    let mut draw = |across, down, colour| push_rectangle(columns, top, across, down, colour, out);
    let whole = (0.0, 1.0);
    let colour = paint.foreground;
    match number {
        0 => draw(whole, (0.0, 0.5), colour),
        1..=8 => draw(whole, (1.0 - eighths(number), eighths(number)), colour),
        9..=15 => draw((0.0, eighths(16 - number)), whole, colour),
        16 => draw((0.5, 0.5), whole, colour),
        17..=19 => {
            let _ = write!(out, "<g opacity=\"0.{}\">", (number - 16) * 25);
            push_rectangle(columns, top, whole, whole, colour, out);
            out.push_str("</g>");
        }
        20 => draw(whole, (0.0, 0.125), colour),
        21 => draw((0.875, 0.125), whole, colour),
        _ => {
            // Upper left, upper right, lower left, lower right.
            const QUARTERS: [u8; 10] = [
                0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111,
            ];
            let quarters = QUARTERS[(number - 22) as usize % QUARTERS.len()];
            for place in 0..4 {
                if quarters >> (3 - place) & 1 != 0 {
                    let half = |second| if second { (0.5, 0.5) } else { (0.0, 0.5) };
                    draw(half(place % 2 == 1), half(place >= 2), colour);
                }
            }
        }
    }
}
