//! What draws a screen: for terminals, as text, for programs, as pictures.
//!
//! Pure: a [`Screen`](crate::screen::Screen) goes in, text comes out. Everything
//! that a cast brings along is escaped for where it goes; links other than http and
//! https are left out.

mod animation;
mod ansi;
mod cropped;
pub mod frame;
mod html;
mod json;
mod paint;
pub mod picker;
mod pieces;
pub mod player;
mod svg;
mod theme;
mod transcript;

pub use animation::{Animation, Page};
pub use ansi::{ansi, text};
pub use cropped::Cropped;
pub use html::html;
pub use json::{Links, colours_json, cursor_json, json, row_json};
pub use paint::paint;
pub use svg::svg;
pub use theme::{Rgb, Theme};
pub use transcript::Transcript;

use crate::screen::Link;

/// Fonts for pages and pictures: some system has each of them, none is loaded.
const FONTS: &str = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', \
    'Noto Sans Mono', 'Noto Sans Mono CJK SC', 'Noto Color Emoji', monospace";

/// Where a link goes, if that is a page.
fn page_of(link: Option<&Link>) -> Option<&str> {
    let uri = &*link?.uri;
    let is_page = |scheme: &str| {
        let start = uri.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let is_plain = uri.bytes().all(|byte| byte > 0x20 && byte != 0x7f);
    (is_plain && (is_page("https://") || is_page("http://"))).then_some(uri)
}

/// Appends `text` as the text or a quoted attribute of HTML and XML.
fn push_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no place for these, not even escaped.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
