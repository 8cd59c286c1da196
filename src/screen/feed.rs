//! Bytes in: text in runs, the rest through the parser.

use super::parse::{Action, PARAMETERS, State};
use super::terminal::Screen;

/// The length of the printable ASCII that `bytes` start with.
#[inline]
fn printable(bytes: &[u8]) -> usize {
    let is_printable = |byte: u8| byte.wrapping_sub(0x20) < 0x5f;
    let mut at = 0;
    for chunk in bytes.chunks_exact(16) {
        if !chunk
            .iter()
            .fold(true, |all, byte| all & is_printable(*byte))
        {
            break;
        }
        at += 16;
    }
    let rest = &bytes[at..];
    at + rest.iter().take_while(|byte| is_printable(**byte)).count()
}

impl Screen {
    /// Takes bytes that a program printed.
    ///
    /// Sequences and characters may be cut anywhere. One call stands for one
    /// read of the terminal, which matters in one case: a zero width joiner at
    /// the end of a read does not join with the next read, as in tmux.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.parser.state != State::Ground {
                at += self.in_sequence(rest);
                continue;
            }
            at += match rest[0] {
                0x20..=0x7e => {
                    let length = printable(rest);
                    self.parser.partial.clear();
                    self.print_ascii(&rest[..length]);
                    length
                }
                0x80.. => self.characters(rest),
                0x1b => self.sequence(rest),
                byte => {
                    self.step(byte);
                    1
                }
            };
        }
        self.joining = false;
    }

    /// An escape character and, when all of it is there, the control sequence
    /// that follows. Gives the bytes read.
    #[inline]
    fn sequence(&mut self, bytes: &[u8]) -> usize {
        if bytes.get(1) == Some(&b'[') {
            let body = &bytes[2..];
            let length = body
                .iter()
                .take(PARAMETERS)
                .position(|byte| !(0x30..=0x3b).contains(byte));
            if let Some(length) = length
                && (0x40..=0x7e).contains(&body[length])
            {
                self.csi(&body[..length], &[], body[length]);
                return length + 3;
            }
        }
        self.parser.escape();
        1
    }

    /// Bytes inside of a sequence. Gives the bytes read.
    fn in_sequence(&mut self, bytes: &[u8]) -> usize {
        let state = self.parser.state;
        // The inside of a string at once.
        let skipped = match state {
            State::Osc | State::Apc | State::Ignored | State::DcsIgnore => {
                let is_text = |byte: &u8| *byte >= 0x20;
                bytes.iter().take_while(|byte| is_text(byte)).count()
            }
            State::DcsData => memchr::memchr(0x1b, bytes).unwrap_or(bytes.len()),
            _ => 0,
        };
        if skipped == 0 {
            self.step(bytes[0]);
            return 1;
        }
        if matches!(state, State::Osc | State::Apc) {
            self.parser.append(&bytes[..skipped]);
        }
        skipped
    }

    fn step(&mut self, byte: u8) {
        match self.parser.step(byte) {
            Action::Nothing => {}
            Action::Control => {
                self.end_partial();
                self.control(byte);
            }
            Action::Escape => {
                self.last = None;
                let intermediates = std::mem::take(&mut self.parser.intermediates);
                self.escape(&intermediates, byte);
                self.parser.intermediates = intermediates;
            }
            Action::Csi => {
                let parameters = std::mem::take(&mut self.parser.parameters);
                let intermediates = std::mem::take(&mut self.parser.intermediates);
                self.csi(&parameters, &intermediates, byte);
                self.parser.parameters = parameters;
                self.parser.intermediates = intermediates;
            }
            Action::Osc => {
                self.last = None;
                let string = std::mem::take(&mut self.parser.string);
                self.osc(&string);
                self.parser.string = string;
                self.parser.string.clear();
            }
            Action::Apc => {
                if let Ok(text) = std::str::from_utf8(&self.parser.string) {
                    text.clone_into(&mut self.title);
                }
                self.parser.string.clear();
            }
        }
    }

    /// A character of several bytes that was cut short by something else.
    fn end_partial(&mut self) {
        if !self.parser.partial.is_empty() {
            self.parser.partial.clear();
            if self.rules.shows_invalid {
                self.print_char(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Characters that are not ASCII. Gives the bytes read.
    fn characters(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.parser.partial.is_empty() {
            while let Some((code, length)) = decode(&bytes[at..]) {
                self.print_char(code);
                at += length;
            }
            if at > 0 {
                return at;
            }
        }
        self.character_byte(bytes[0]);
        1
    }

    /// One byte of a character that is cut or invalid.
    fn character_byte(&mut self, byte: u8) {
        let partial = &mut self.parser.partial;
        if partial.is_empty() {
            match byte {
                0xc2..=0xf4 => partial.push(byte),
                _ => self.invalid(),
            }
            return;
        }
        partial.push(byte);
        let length = length_of(partial[0]);
        if partial.len() < length {
            return;
        }
        let mut whole = [0; 4];
        whole[..length].copy_from_slice(&partial[..length]);
        partial.clear();
        match std::str::from_utf8(&whole[..length]) {
            Ok(text) => text.chars().for_each(|c| self.print_char(c)),
            Err(_) => self.invalid(),
        }
    }

    fn invalid(&mut self) {
        self.last = None;
        if self.rules.shows_invalid {
            self.print_char(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// The bytes of a character that starts with `first`.
fn length_of(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}

/// The character that `bytes` start with, if it is a whole one and not ASCII.
#[inline]
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    let more = |at: usize| {
        let byte = *bytes.get(at)?;
        (byte & 0xc0 == 0x80).then_some(u32::from(byte & 0x3f))
    };
    let first = u32::from(first);
    let (code, length, least) = match first {
        0xc2..=0xdf => ((first & 0x1f) << 6 | more(1)?, 2, 0x80),
        0xe0..=0xef => ((first & 0xf) << 12 | more(1)? << 6 | more(2)?, 3, 0x800),
        0xf0..=0xf4 => (
            (first & 7) << 18 | more(1)? << 12 | more(2)? << 6 | more(3)?,
            4,
            0x1_0000,
        ),
        _ => return None,
    };
    if code < least {
        return None;
    }
    Some((char::from_u32(code)?, length))
}
