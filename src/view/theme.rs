//! Colours as numbers.

use std::fmt;

use crate::cast::Header;
use crate::screen::{Attributes, Colour, Screen, Style};

/// Red, green and blue, 0–255 each. Shown as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colours of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub foreground: Rgb,
    pub background: Rgb,
    pub palette: [Rgb; 16],
    /// The cursor's, where it is not that of the text.
    pub cursor: Option<Rgb>,
    /// Colours of the palette from 16 on that a program changed, by index.
    pub changed: Vec<(u8, Rgb)>,
}

impl Default for Theme {
    fn default() -> Theme {
        let palette = [
            0x1c1f26, 0xd95757, 0x5fb05f, 0xcf9f3f, 0x568fd8, 0xb077c9, 0x46a9a9, 0xc5c8d0,
            0x6a7080, 0xff7b7b, 0x86d586, 0xf2c55c, 0x7fb3ff, 0xd69ff0, 0x6fd3d3, 0xffffff,
        ];
        Theme {
            foreground: of_number(0xd5d8df),
            background: of_number(0x14171c),
            palette: palette.map(of_number),
            cursor: None,
            changed: Vec::new(),
        }
    }
}

fn of_number(number: u32) -> Rgb {
    let [_, r, g, b] = number.to_be_bytes();
    Rgb(r, g, b)
}

/// `#rrggbb`.
fn of_text(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#')?;
    let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_hex.then(|| u32::from_str_radix(digits, 16).ok())?;
    number.map(of_number)
}

/// What a run is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    pub foreground: Rgb,
    /// `None` where the screen's own background shows.
    pub background: Option<Rgb>,
    /// Of underlines, where it is not that of the text.
    pub underline: Option<Rgb>,
    pub attributes: Attributes,
}

impl Theme {
    /// The colours that a cast's header has; usual ones where it has none.
    #[must_use]
    pub fn of(header: &Header) -> Theme {
        let mut theme = Theme::default();
        let Some(own) = &header.theme else {
            return theme;
        };
        let colour = |name: &str| of_text(own.get(name)?.as_str()?);
        if let (Some(foreground), Some(background)) = (colour("fg"), colour("bg")) {
            theme.foreground = foreground;
            theme.background = background;
        }
        let palette = own.get("palette").and_then(|palette| palette.as_str());
        let palette: Option<Vec<Rgb>> =
            palette.and_then(|palette| palette.split(':').map(of_text).collect());
        match palette.as_deref() {
            Some(all) if all.len() == 16 => theme.palette.copy_from_slice(all),
            Some(all) if all.len() == 8 => {
                theme.palette[..8].copy_from_slice(all);
                theme.palette[8..].copy_from_slice(all);
            }
            _ => {}
        }
        theme
    }

    /// These colours with what a program changed (OSC 4, 10, 11, 12).
    #[must_use]
    pub fn changed_by(&self, screen: &Screen) -> Theme {
        let mut theme = self.clone();
        let [foreground, background, cursor] = screen.default_colours();
        if let Some(colour) = foreground {
            theme.foreground = self.rgb(colour, self.foreground);
        }
        if let Some(colour) = background {
            theme.background = self.rgb(colour, self.background);
        }
        theme.cursor = cursor.map(|colour| self.rgb(colour, theme.foreground));
        for (index, colour) in screen.palette() {
            let colour = self.rgb(*colour, theme.foreground);
            match theme.palette.get_mut(usize::from(*index)) {
                Some(place) => *place = colour,
                None => theme.changed.push((*index, colour)),
            }
        }
        theme
    }

    /// A colour as a number; `default` where it is the terminal's own.
    #[must_use]
    pub fn rgb(&self, colour: Colour, default: Rgb) -> Rgb {
        if let Colour::Indexed(n) = colour
            && let Some((_, colour)) = self.changed.iter().find(|(index, _)| *index == n)
        {
            return *colour;
        }
        match colour {
            Colour::Default => default,
            Colour::Basic(n) => self.palette[usize::from(n & 15)],
            Colour::Indexed(n @ 0..=15) => self.palette[usize::from(n)],
            // The cube of xterm, and its greys.
            Colour::Indexed(n @ 16..=231) => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = n - 16;
                Rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            Colour::Indexed(n) => {
                let grey = 8 + 10 * (n - 232);
                Rgb(grey, grey, grey)
            }
            Colour::Rgb(r, g, b) => Rgb(r, g, b),
        }
    }

    /// What a style looks like.
    pub(super) fn paint(&self, style: &Style) -> Paint {
        let has = |attribute| style.attributes.contains(attribute);
        let mut foreground = self.rgb(style.fg, self.foreground);
        let own = self.rgb(style.bg, self.background);
        let mut background = (style.bg != Colour::Default).then_some(own);
        if has(Attributes::REVERSE) {
            background = Some(foreground);
            foreground = own;
        }
        let behind = background.unwrap_or(self.background);
        if has(Attributes::DIM) {
            let half = |a: u8, b: u8| ((u16::from(a) + u16::from(b)) / 2) as u8;
            foreground = Rgb(
                half(foreground.0, behind.0),
                half(foreground.1, behind.1),
                half(foreground.2, behind.2),
            );
        }
        if has(Attributes::HIDDEN) {
            foreground = behind;
        }
        Paint {
            foreground,
            background,
            underline: (style.underline != Colour::Default)
                .then(|| self.rgb(style.underline, foreground)),
            attributes: style.attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_header_brings_its_colours() {
        let header = Header {
            theme: Some(json!({
                "fg": "#010203", "bg": "#040506",
                "palette": "#000000:#110000:#220000:#330000:#440000:#550000:#660000:#770000",
            })),
            ..Header::default()
        };
        let theme = Theme::of(&header);
        assert_eq!(theme.foreground.to_string(), "#010203");
        assert_eq!(theme.palette[9], Rgb(0x11, 0, 0));
        let bad = Header {
            theme: Some(json!({"fg": "#\"><x", "bg": 1, "palette": "red"})),
            ..Header::default()
        };
        assert_eq!(Theme::of(&bad), Theme::default());
    }

    #[test]
    fn a_program_changes_any_of_the_colours() {
        let mut screen = Screen::new(20, 2, crate::screen::Rules::TMUX_3_3);
        let own = Theme::default();
        assert_eq!(own.changed_by(&screen), own);
        screen.feed(b"\x1b]4;1;#010203;200;rgb:0a/0b/0c\x07\x1b]10;#111111\x07");
        screen.feed(b"\x1b]11;#222222\x07\x1b]12;#333333\x07");
        let theme = own.changed_by(&screen);
        assert_eq!(theme.rgb(Colour::Basic(1), own.foreground), Rgb(1, 2, 3));
        let of = |n| theme.rgb(Colour::Indexed(n), own.foreground);
        assert_eq!(
            (of(200), of(201)),
            (
                Rgb(10, 11, 12),
                own.rgb(Colour::Indexed(201), own.foreground)
            )
        );
        let others = (theme.foreground, theme.background, theme.cursor);
        assert_eq!(
            others,
            (Rgb(17, 17, 17), Rgb(34, 34, 34), Some(Rgb(51, 51, 51)))
        );
        screen.feed(b"\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07");
        assert_eq!(own.changed_by(&screen), own);
    }

    #[test]
    fn indexed_colours_are_those_of_xterm() {
        let theme = Theme::default();
        let of = |n| theme.rgb(Colour::Indexed(n), Rgb(0, 0, 0));
        assert_eq!(of(16), Rgb(0, 0, 0));
        assert_eq!(of(196), Rgb(255, 0, 0));
        assert_eq!(of(231), Rgb(255, 255, 255));
        assert_eq!(of(232), Rgb(8, 8, 8));
        assert_eq!(of(255), Rgb(238, 238, 238));
    }
}
