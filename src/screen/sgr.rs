//! Colours and attributes (SGR).

use super::cell::{Attributes, Colour, Ink};
use super::parse::{Parameter, Parameters};

const UNDERLINE_KINDS: [Attributes; 5] = [
    Attributes::UNDERLINE,
    Attributes::DOUBLE_UNDERLINE,
    Attributes::CURLY_UNDERLINE,
    Attributes::DOTTED_UNDERLINE,
    Attributes::DASHED_UNDERLINE,
];

/// Applies the parameters of one sequence.
pub(super) fn apply(style: &mut Ink, parameters: &Parameters) {
    let len = parameters.len();
    if len == 0 {
        reset(style);
        return;
    }
    let mut at = 0;
    while at < len {
        let number = match parameters.at(at) {
            Parameter::Text(text) => {
                with_subparameters(style, text);
                at += 1;
                continue;
            }
            Parameter::Missing => 0,
            Parameter::Number(number) => number,
        };
        at += 1;
        if matches!(number, 38 | 48 | 58) {
            let kind = parameters.get(at, 0, 0);
            let first = at;
            let part = |index: usize| match parameters.at(first + index) {
                Parameter::Number(number) => Some(number),
                _ => None,
            };
            at += 1;
            match kind {
                Some(2) => {
                    if let Some(colour) = rgb(part(1), part(2), part(3)) {
                        set_colour(style, number, colour);
                        at += 3;
                    }
                }
                Some(5) => {
                    set_indexed(style, number, part(1));
                    at += 1;
                }
                _ => {}
            }
            continue;
        }
        simple(style, number);
    }
}

fn reset(style: &mut Ink) {
    *style = Ink {
        link: style.link,
        ..Ink::default()
    };
}

fn simple(style: &mut Ink, number: u32) {
    let low = |base: u32| Colour::Basic((number - base) as u8);
    let attributes = style.attributes;
    match number {
        0 => reset(style),
        1 => style.attributes = attributes.with(Attributes::BOLD),
        2 => style.attributes = attributes.with(Attributes::DIM),
        3 => style.attributes = attributes.with(Attributes::ITALIC),
        4 => underline(style, Some(Attributes::UNDERLINE)),
        5 | 6 => style.attributes = attributes.with(Attributes::BLINK),
        7 => style.attributes = attributes.with(Attributes::REVERSE),
        8 => style.attributes = attributes.with(Attributes::HIDDEN),
        9 => style.attributes = attributes.with(Attributes::STRIKE),
        21 => underline(style, Some(Attributes::DOUBLE_UNDERLINE)),
        22 => style.attributes = attributes.without(Attributes::BOLD.with(Attributes::DIM)),
        23 => style.attributes = attributes.without(Attributes::ITALIC),
        24 => underline(style, None),
        25 => style.attributes = attributes.without(Attributes::BLINK),
        27 => style.attributes = attributes.without(Attributes::REVERSE),
        28 => style.attributes = attributes.without(Attributes::HIDDEN),
        29 => style.attributes = attributes.without(Attributes::STRIKE),
        30..=37 => style.fg = low(30).packed(),
        39 => style.fg = Colour::Default.packed(),
        40..=47 => style.bg = low(40).packed(),
        49 => style.bg = Colour::Default.packed(),
        53 => style.attributes = attributes.with(Attributes::OVERLINE),
        55 => style.attributes = attributes.without(Attributes::OVERLINE),
        59 => style.underline = Colour::Default.packed(),
        90..=97 => style.fg = low(82).packed(),
        100..=107 => style.bg = low(92).packed(),
        _ => {}
    }
}

fn underline(style: &mut Ink, kind: Option<Attributes>) {
    let without = style.attributes.without(Attributes::UNDERLINES);
    style.attributes = kind.map_or(without, |kind| without.with(kind));
}

fn with_subparameters(style: &mut Ink, text: &[u8]) {
    let mut parts = [None; 8];
    let mut count = 0;
    for part in text.split(|byte| *byte == b':') {
        if count == parts.len() {
            return;
        }
        if !part.is_empty() {
            let number = std::str::from_utf8(part)
                .ok()
                .and_then(|part| part.parse::<i32>().ok());
            let Some(number) = number else {
                return;
            };
            parts[count] = Some(number as u32);
        }
        count += 1;
    }
    let which = match parts[0] {
        Some(4) if count == 2 => {
            match parts[1] {
                Some(0) => underline(style, None),
                Some(kind @ 1..=5) => underline(style, Some(UNDERLINE_KINDS[kind as usize - 1])),
                _ => {}
            }
            return;
        }
        Some(which @ (38 | 48 | 58)) if count >= 3 => which,
        _ => return,
    };
    match parts[1] {
        Some(2) => {
            let first = if count == 5 { 2 } else { 3 };
            if count >= first + 3
                && let Some(colour) = rgb(parts[first], parts[first + 1], parts[first + 2])
            {
                set_colour(style, which, colour);
            }
        }
        Some(5) => set_indexed(style, which, parts[2]),
        _ => {}
    }
}

fn rgb(r: Option<u32>, g: Option<u32>, b: Option<u32>) -> Option<Colour> {
    let part = |part: Option<u32>| u8::try_from(part?).ok();
    Some(Colour::Rgb(part(r)?, part(g)?, part(b)?))
}

/// What is no colour sets the default, of an underline nothing.
fn set_indexed(style: &mut Ink, which: u32, index: Option<u32>) {
    match index.and_then(|index| u8::try_from(index).ok()) {
        Some(index) => set_colour(style, which, Colour::Indexed(index)),
        None if which != 58 => set_colour(style, which, Colour::Default),
        None => {}
    }
}

fn set_colour(style: &mut Ink, which: u32, colour: Colour) {
    match which {
        38 => style.fg = colour.packed(),
        48 => style.bg = colour.packed(),
        _ => style.underline = colour.packed(),
    }
}
