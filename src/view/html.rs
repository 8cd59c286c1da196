//! A screen as a page of its own.

use std::fmt::Write as _;

use super::pieces::pieces;
use super::theme::{Paint, Theme};
use super::{FONTS, page_of, push_escaped};
use crate::screen::{Attributes, Run, Screen, Which};

/// The screen as an HTML page that needs nothing else. Its text can be selected;
/// http and https links can be followed.
#[must_use]
pub fn html(screen: &Screen, theme: &Theme) -> String {
    let theme = theme.changed_by(screen);
    let mut out = String::new();
    push_head(screen.title(), &theme, "", &mut out);
    out.push_str("<pre>");
    let cursor = screen.cursor();
    for row in 0..usize::from(screen.size().1) {
        let runs = screen.runs(Which::Shown, row);
        let at = (cursor.visible && cursor.row == row).then_some(cursor.column);
        for run in &runs {
            push_run(run, &theme, at, &mut out);
        }
        let end = runs.last().map_or(0, |run| run.column + run.width);
        if let Some(at) = at.filter(|at| *at >= end) {
            out.extend(std::iter::repeat_n(' ', at - end));
            out.push_str("<span class=c> </span>");
        }
        out.push('\n');
    }
    out.push_str("</pre>\n</body>\n</html>\n");
    out
}

/// Everything before the content; `style` is CSS of its own.
pub(super) fn push_head(title: &str, theme: &Theme, style: &str, out: &mut String) {
    out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    push_escaped(if title.is_empty() { "tvmux" } else { title }, out);
    let (foreground, background) = (theme.foreground, theme.background);
    let cursor = theme.cursor.unwrap_or(foreground);
    let _ = write!(
        out,
        "</title>\n<style>\n\
         body {{ margin: 1em; color: {foreground}; background: {background}; }}\n\
         pre {{ margin: 0; font: 14px/1.2 {FONTS}; }}\n\
         pre a {{ color: inherit; }}\n\
         .w {{ display: inline-block; width: 2ch; }}\n\
         .c {{ color: {background}; background: {cursor}; }}\n\
         {style}</style>\n</head>\n<body>\n"
    );
}

fn push_run(run: &Run<'_>, theme: &Theme, cursor: Option<usize>, out: &mut String) {
    let page = page_of(run.link);
    if let Some(page) = page {
        out.push_str("<a rel=\"noopener noreferrer\" href=\"");
        push_escaped(page, out);
        out.push_str("\">");
    }
    let style = css(&theme.paint(&run.style), theme);
    if !style.is_empty() {
        let _ = write!(out, "<span style=\"{style}\">");
    }
    for piece in pieces(run) {
        let inside = cursor.and_then(|cursor| cursor.checked_sub(piece.column));
        match inside.filter(|inside| *inside < piece.width) {
            Some(inside) => {
                let is_narrow = piece.text.chars().count() == piece.width;
                let (before, at, after) = if is_narrow {
                    split(piece.text, inside)
                } else {
                    ("", piece.text, "")
                };
                push_escaped(before, out);
                let wide = if is_narrow { "" } else { " w" };
                let _ = write!(out, "<span class=\"c{wide}\">");
                push_escaped(at, out);
                out.push_str("</span>");
                push_escaped(after, out);
            }
            None if piece.width == 2 && piece.text.chars().count() != 2 => {
                out.push_str("<span class=w>");
                push_escaped(piece.text, out);
                out.push_str("</span>");
            }
            None => push_escaped(piece.text, out),
        }
    }
    if !style.is_empty() {
        out.push_str("</span>");
    }
    if page.is_some() {
        out.push_str("</a>");
    }
}

/// A text around its character `at`.
pub(super) fn split(text: &str, at: usize) -> (&str, &str, &str) {
    let mut places = text.char_indices().map(|(place, _)| place).skip(at);
    let start = places.next().unwrap_or(text.len());
    let end = places.next().unwrap_or(text.len());
    (&text[..start], &text[start..end], &text[end..])
}

/// A style as CSS declarations; empty for plain text.
fn css(paint: &Paint, theme: &Theme) -> String {
    let has = |attribute| paint.attributes.intersects(attribute);
    let mut css = String::new();
    if paint.foreground != theme.foreground {
        let _ = write!(css, "color:{};", paint.foreground);
    }
    if let Some(background) = paint.background {
        let _ = write!(css, "background:{background};");
    }
    if has(Attributes::BOLD) {
        css.push_str("font-weight:bold;");
    }
    if has(Attributes::ITALIC) {
        css.push_str("font-style:italic;");
    }
    css.push_str(&decoration(paint));
    css
}

/// Lines under, through and over text as CSS; empty where there are none.
pub(super) fn decoration(paint: &Paint) -> String {
    let has = |attribute| paint.attributes.intersects(attribute);
    let lines = [
        (Attributes::UNDERLINES, " underline"),
        (Attributes::STRIKE, " line-through"),
        (Attributes::OVERLINE, " overline"),
    ];
    let lines: String = lines
        .into_iter()
        .filter_map(|(attribute, name)| has(attribute).then_some(name))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    let mut css = format!("text-decoration:{}", lines.trim_start());
    let shapes = [
        (Attributes::DOUBLE_UNDERLINE, " double"),
        (Attributes::CURLY_UNDERLINE, " wavy"),
        (Attributes::DOTTED_UNDERLINE, " dotted"),
        (Attributes::DASHED_UNDERLINE, " dashed"),
    ];
    if let Some((_, shape)) = shapes.into_iter().find(|(attribute, _)| has(*attribute)) {
        css.push_str(shape);
    }
    if let Some(colour) = paint.underline {
        let _ = write!(css, " {colour}");
    }
    css.push(';');
    css
}
