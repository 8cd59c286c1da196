//! A style as the sequence that sets it.

use std::fmt::Write as _;

use super::cell::{Attributes, Colour, Style};

/// The SGR parameters of attributes.
const ATTRIBUTES: [(Attributes, &str); 13] = [
    (Attributes::BOLD, "1"),
    (Attributes::DIM, "2"),
    (Attributes::ITALIC, "3"),
    (Attributes::UNDERLINE, "4"),
    (Attributes::DOUBLE_UNDERLINE, "4:2"),
    (Attributes::CURLY_UNDERLINE, "4:3"),
    (Attributes::DOTTED_UNDERLINE, "4:4"),
    (Attributes::DASHED_UNDERLINE, "4:5"),
    (Attributes::BLINK, "5"),
    (Attributes::REVERSE, "7"),
    (Attributes::HIDDEN, "8"),
    (Attributes::STRIKE, "9"),
    (Attributes::OVERLINE, "53"),
];

impl Style {
    /// Appends the sequence (SGR) after which text has this style, whatever it had
    /// before. Links are not in it.
    pub fn push_sgr(&self, out: &mut String) {
        out.push_str("\x1b[0");
        for (attribute, parameter) in ATTRIBUTES {
            if self.attributes.contains(attribute) {
                out.push(';');
                out.push_str(parameter);
            }
        }
        push_colour(self.fg, 30, out);
        push_colour(self.bg, 40, out);
        match self.underline {
            Colour::Default => {}
            Colour::Basic(n) | Colour::Indexed(n) => {
                let _ = write!(out, ";58:5:{n}");
            }
            Colour::Rgb(r, g, b) => {
                let _ = write!(out, ";58:2::{r}:{g}:{b}");
            }
        }
        out.push('m');
    }
}

/// `base`: 30 for the text, 40 for what is behind it.
fn push_colour(colour: Colour, base: u8, out: &mut String) {
    let _ = match colour {
        Colour::Default => Ok(()),
        Colour::Basic(n @ 0..8) => write!(out, ";{}", base + n),
        Colour::Basic(n) => write!(out, ";{}", base + 60 + n - 8),
        Colour::Indexed(n) => write!(out, ";{};5;{n}", base + 8),
        Colour::Rgb(r, g, b) => write!(out, ";{};2;{r};{g};{b}", base + 8),
    };
}
