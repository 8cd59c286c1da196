//! The state machine that tells text from control sequences.
//!
//! It holds what of a sequence came so far, so a stream may be cut anywhere.
//! What a sequence does is not known here.

/// Where in a sequence the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Ground,
    Escape,
    EscapeIntermediate,
    CsiEntry,
    CsiParameter,
    CsiIntermediate,
    CsiIgnore,
    DcsEntry,
    DcsParameter,
    DcsIntermediate,
    DcsData,
    DcsEscape,
    DcsIgnore,
    /// OSC: ended by BEL, too.
    Osc,
    Apc,
    /// SOS, PM and `ESC k`: read and not used.
    Ignored,
}

impl State {
    pub const ALL: [State; 16] = [
        State::Ground,
        State::Escape,
        State::EscapeIntermediate,
        State::CsiEntry,
        State::CsiParameter,
        State::CsiIntermediate,
        State::CsiIgnore,
        State::DcsEntry,
        State::DcsParameter,
        State::DcsIntermediate,
        State::DcsData,
        State::DcsEscape,
        State::DcsIgnore,
        State::Osc,
        State::Apc,
        State::Ignored,
    ];
}

/// What a byte completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    /// A string that is not used.
    Ignored,
    Control,
    /// An escape sequence; the byte is its last.
    Escape,
    /// A control sequence; the byte is its last.
    Csi,
    /// An operating system command ended.
    Osc,
    /// An application program command ended.
    Apc,
}

/// Bytes of parameters that a sequence may have.
pub(super) const PARAMETERS: usize = 63;
/// Intermediates that a sequence may have.
pub(super) const INTERMEDIATES: usize = 3;
/// Bytes that a string may have; a longer one is ignored.
pub(super) const STRING: usize = 1 << 20;

#[derive(Clone, Debug, Default)]
pub(super) struct Parser {
    pub state: State,
    pub parameters: Vec<u8>,
    pub intermediates: Vec<u8>,
    pub string: Vec<u8>,
    /// Too long: it is read to its end and ignored.
    pub overlong: bool,
    /// The first bytes of a character.
    pub partial: Vec<u8>,
}

impl Parser {
    fn enter(&mut self, state: State) -> Action {
        self.state = state;
        Action::Nothing
    }

    fn finish(&mut self, action: Action) -> Action {
        self.state = State::Ground;
        if self.overlong {
            Action::Nothing
        } else {
            action
        }
    }

    fn clear(&mut self) {
        self.parameters.clear();
        self.intermediates.clear();
        self.string.clear();
        self.overlong = false;
    }

    fn collect(&mut self, byte: u8) {
        if self.intermediates.len() < INTERMEDIATES {
            self.intermediates.push(byte);
        } else {
            self.overlong = true;
        }
    }

    fn parameter(&mut self, byte: u8) {
        if self.parameters.len() < PARAMETERS {
            self.parameters.push(byte);
        } else {
            self.overlong = true;
        }
    }

    /// Appends to a string.
    pub fn append(&mut self, bytes: &[u8]) {
        let room = STRING - self.string.len();
        self.overlong |= bytes.len() > room;
        self.string
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Starts an escape sequence: ESC was read.
    pub fn escape(&mut self) -> Action {
        let ended = self.leave();
        self.clear_for_escape(ended);
        self.state = State::Escape;
        ended
    }

    /// The text of a string that ended is still read after this.
    fn clear_for_escape(&mut self, ended: Action) {
        if ended == Action::Nothing {
            self.clear();
        }
    }

    /// Whether leaving the state completes a string.
    fn leave(&mut self) -> Action {
        match self.state {
            State::Osc if !self.overlong => Action::Osc,
            State::Apc if !self.overlong => Action::Apc,
            _ => Action::Nothing,
        }
    }

    /// One byte outside of plain text; the state is not [`State::Ground`] or
    /// the byte is not printable.
    pub fn step(&mut self, byte: u8) -> Action {
        use State::*;
        let in_dcs = matches!(self.state, DcsData | DcsEscape);
        match byte {
            0x1b if !in_dcs => return self.escape(),
            0x18 | 0x1a if !in_dcs => {
                let ended = self.leave();
                self.state = Ground;
                return match ended {
                    Action::Nothing => Action::Control,
                    ended => ended,
                };
            }
            _ => {}
        }
        let control = byte < 0x20;
        match self.state {
            Ground if control => Action::Control,
            Ground => Action::Nothing,
            Escape | EscapeIntermediate | CsiEntry | CsiParameter | CsiIntermediate | CsiIgnore
                if control =>
            {
                Action::Control
            }
            Escape => self.in_escape(byte),
            EscapeIntermediate => match byte {
                0x20..=0x2f => {
                    self.collect(byte);
                    Action::Nothing
                }
                0x30..=0x7e => self.finish(Action::Escape),
                _ => Action::Nothing,
            },
            CsiEntry | CsiParameter | CsiIntermediate | CsiIgnore => self.in_csi(byte),
            DcsEntry | DcsParameter | DcsIntermediate => self.in_dcs(byte),
            DcsData if byte == 0x1b => self.enter(DcsEscape),
            DcsData => Action::Nothing,
            DcsEscape if byte == b'\\' => {
                self.state = Ground;
                Action::Ignored
            }
            DcsEscape => self.enter(DcsData),
            Osc => {
                match byte {
                    0x07 => return self.finish(Action::Osc),
                    0x20.. => self.append(&[byte]),
                    _ => {}
                }
                Action::Nothing
            }
            Apc => {
                if !control {
                    self.append(&[byte]);
                }
                Action::Nothing
            }
            Ignored | DcsIgnore => Action::Nothing,
        }
    }

    fn in_escape(&mut self, byte: u8) -> Action {
        // The text of a string that this escape ended.
        self.string.clear();
        self.overlong = false;
        self.parameters.clear();
        match byte {
            0x20..=0x2f => {
                self.intermediates.clear();
                self.collect(byte);
                self.enter(State::EscapeIntermediate)
            }
            b'[' => {
                self.clear();
                self.enter(State::CsiEntry)
            }
            b']' => {
                self.clear();
                self.enter(State::Osc)
            }
            b'P' => {
                self.clear();
                self.enter(State::DcsEntry)
            }
            b'X' | b'^' | b'k' => self.enter(State::Ignored),
            b'_' => {
                self.clear();
                self.enter(State::Apc)
            }
            0x30..=0x7e => {
                self.intermediates.clear();
                self.finish(Action::Escape)
            }
            _ => Action::Nothing,
        }
    }

    fn in_csi(&mut self, byte: u8) -> Action {
        use State::*;
        match (byte, self.state) {
            (0x40..=0x7e, CsiIgnore) => self.enter(Ground),
            (0x40..=0x7e, _) => self.finish(Action::Csi),
            (0x20..=0x2f, CsiEntry | CsiParameter | CsiIntermediate) => {
                self.collect(byte);
                self.enter(CsiIntermediate)
            }
            (0x30..=0x3b, CsiEntry | CsiParameter) => {
                self.parameter(byte);
                self.enter(CsiParameter)
            }
            (0x3c..=0x3f, CsiEntry) => {
                self.collect(byte);
                self.enter(CsiParameter)
            }
            (0x30..=0x3f, _) => self.enter(CsiIgnore),
            _ => Action::Nothing,
        }
    }

    fn in_dcs(&mut self, byte: u8) -> Action {
        use State::*;
        match (byte, self.state) {
            (0x40..=0x7e, _) => self.enter(DcsData),
            (0x20..=0x2f, _) => {
                self.collect(byte);
                self.enter(DcsIntermediate)
            }
            (0x30..=0x39 | 0x3b, DcsEntry | DcsParameter) => {
                self.parameter(byte);
                self.enter(DcsParameter)
            }
            (0x3c..=0x3f, DcsEntry) => {
                self.collect(byte);
                self.enter(DcsParameter)
            }
            (0x30..=0x3f, _) => self.enter(DcsIgnore),
            _ => Action::Nothing,
        }
    }
}

/// One parameter of a control sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter<'a> {
    Missing,
    Number(u32),
    /// It has subparameters.
    Text(&'a [u8]),
}

/// The parameters of a control sequence: 23 at most.
#[derive(Clone, Debug)]
pub(super) struct Parameters<'a> {
    bytes: &'a [u8],
    /// Numbers, [`MISSING`] or [`TEXT`].
    list: [u32; 23],
    len: usize,
    ignored: bool,
}

const MISSING: u32 = u32::MAX;
const TEXT: u32 = u32::MAX - 1;
const LARGE: u32 = u32::MAX - 2;
/// Below this another digit fits.
const MOST: u32 = i32::MAX as u32 / 10;

/// A number with one more digit: at most `i32::MAX`.
#[cold]
fn large(value: u32, digit: u8) -> u32 {
    match u64::from(value) * 10 + u64::from(digit) {
        number if value != LARGE && number <= i32::MAX as u64 => number as u32,
        _ => LARGE,
    }
}

/// The number of one to three digits that `bytes` start with, and how many they
/// are. Without a branch for each: lengths cannot be guessed.
#[inline(always)]
fn short_number(bytes: [u8; 4]) -> Option<(u32, usize)> {
    const ONES: u32 = u32::from_ne_bytes([1; 4]);
    let values = u32::from_le_bytes(bytes) ^ (u32::from(b'0') * ONES);
    // The highest bit of each byte that is no digit.
    let others = (values.wrapping_add(0x76 * ONES) | values) & (0x80 * ONES);
    let digits = others.trailing_zeros() / 8;
    // Moved up, so that the last digit stands in the highest of three bytes.
    let aligned = (u64::from(values) << (8 * (3 - digits.min(3)))) as u32;
    let [hundreds, tens, ones, _] = aligned.to_le_bytes().map(u32::from);
    let number = hundreds * 100 + tens * 10 + ones;
    matches!(digits, 1..=3).then_some((number, digits as usize))
}

impl<'a> Parameters<'a> {
    #[inline(always)]
    pub fn new() -> Parameters<'a> {
        Parameters {
            bytes: &[],
            list: [MISSING; 23],
            len: 0,
            ignored: false,
        }
    }

    /// Reads the parameters that `bytes` start with, `;` between them, and gives
    /// how many bytes they are. It reads in place: a copy costs more than parsing.
    #[inline(always)]
    pub fn read(&mut self, bytes: &'a [u8]) -> usize {
        let mut value = MISSING;
        let mut at = 0;
        loop {
            if value == MISSING
                && let Some(window) = bytes[at..].first_chunk()
                && let Some((number, digits)) = short_number(*window)
            {
                value = number;
                at += digits;
            }
            match bytes.get(at) {
                Some(digit @ b'0'..=b'9') => {
                    if value < MOST {
                        value = value * 10 + u32::from(digit - b'0');
                    } else if value == MISSING {
                        value = u32::from(digit - b'0');
                    } else if value != TEXT {
                        value = large(value, digit - b'0');
                    }
                }
                Some(b';') => {
                    self.push(value);
                    value = MISSING;
                }
                Some(b':') => {
                    self.ignored |= value == LARGE;
                    value = TEXT;
                }
                _ => break,
            }
            at += 1;
        }
        self.bytes = &bytes[..at];
        if at > 0 {
            self.push(value);
        }
        at
    }

    #[inline(always)]
    fn push(&mut self, value: u32) {
        if value == LARGE || self.len == self.list.len() {
            self.ignored = true;
        } else {
            self.list[self.len] = value;
            self.len += 1;
        }
    }

    /// There are too many of them, or one is too large.
    pub fn are_ignored(&self) -> bool {
        self.ignored
    }

    pub fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub fn at(&self, index: usize) -> Parameter<'a> {
        match self.list[..self.len].get(index) {
            None | Some(&MISSING) => Parameter::Missing,
            Some(&TEXT) => {
                let mut parts = self.bytes.split(|byte| *byte == b';');
                Parameter::Text(parts.nth(index).unwrap_or_default())
            }
            Some(number) => Parameter::Number(*number),
        }
    }

    /// A parameter, at least `least`; `default` when it is missing. Nothing
    /// when it has subparameters.
    #[inline]
    pub fn get(&self, index: usize, least: u32, default: u32) -> Option<u32> {
        match self.list[..self.len].get(index) {
            None | Some(&MISSING) => Some(default),
            Some(&TEXT) => None,
            Some(number) => Some((*number).max(least)),
        }
    }

    /// A count: at least 1.
    #[inline]
    pub fn count(&self, index: usize) -> Option<usize> {
        self.get(index, 1, 1).map(|count| count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameter, Parameters, short_number};

    #[test]
    fn short_numbers_end_at_what_is_no_digit() {
        for number in 0..1000_u32 {
            for zeros in ["", "0", "00"] {
                let digits = format!("{zeros}{number}");
                for byte in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
                    let mut window = [byte; 4];
                    let length = digits.len().min(4);
                    window[..length].copy_from_slice(&digits.as_bytes()[..length]);
                    let expected = (length < 4).then_some((number, length));
                    assert_eq!(short_number(window), expected, "{window:?}");
                }
            }
        }
        for byte in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
            assert_eq!(short_number([byte, b'1', b'2', b'3']), None);
        }
    }

    #[test]
    fn numbers_of_any_length_are_read_wherever_they_end() {
        let lists: [(&[u8], &[Option<u32>]); 6] = [
            (
                b"1;22;333;4444m",
                &[Some(1), Some(22), Some(333), Some(4444)],
            ),
            (b"2147483647;7m", &[Some(2_147_483_647), Some(7)]),
            (b"00000012;;1m", &[Some(12), None, Some(1)]),
            (b"9", &[Some(9)]),
            (b"38;5;255m", &[Some(38), Some(5), Some(255)]),
            (b";12m", &[None, Some(12)]),
        ];
        for (text, expected) in lists {
            let mut parameters = Parameters::new();
            let read = parameters.read(text);
            assert_eq!(read, text.iter().take_while(|byte| **byte != b'm').count());
            let numbers = (0..parameters.len()).map(|index| match parameters.at(index) {
                Parameter::Number(number) => Some(number),
                _ => None,
            });
            assert_eq!(numbers.collect::<Vec<_>>(), expected);
        }
    }
}
