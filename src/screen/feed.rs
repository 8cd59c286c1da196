//! Bytes in: text in runs, the rest through the parser.

use super::parse::{Action, PARAMETERS, Parameters, State};
use super::terminal::Screen;
use super::utf8::{decode, length_of};

/// The length of the printable ASCII that `bytes` start with.
#[inline]
fn printable(bytes: &[u8]) -> usize {
    // Eight bytes in one step: a branch for each byte guesses wrong at the end of
    // each short run.
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let below = word.wrapping_sub(0x20 * ONES);
        let above = word.wrapping_add(ONES);
        // What a byte carries into the next one matters only behind it.
        let others = (below | above | word) & (0x80 * ONES);
        if others != 0 {
            return at * 8 + others.trailing_zeros() as usize / 8;
        }
    }
    let is_printable = |byte: &&u8| byte.wrapping_sub(0x20) < 0x5f;
    bytes.len() - rest.len() + rest.iter().take_while(is_printable).count()
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
                    self.end_partial();
                    self.print_ascii(&rest[..length]);
                    length
                }
                0x80.. => self.characters(rest),
                0x1b => self.sequence(rest),
                byte @ 0x07..=0x0f => {
                    self.end_partial();
                    self.control(byte);
                    1
                }
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
            let mut parameters = Parameters::new();
            let length = parameters.read(body);
            if let Some(last @ 0x40..=0x7e) = body.get(length)
                && length <= PARAMETERS
            {
                self.csi(&parameters, &[], *last);
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
            Action::Ignored => self.last = None,
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
                let bytes = std::mem::take(&mut self.parser.parameters);
                let intermediates = std::mem::take(&mut self.parser.intermediates);
                let mut parameters = Parameters::new();
                parameters.read(&bytes);
                self.csi(&parameters, &intermediates, byte);
                self.parser.parameters = bytes;
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
                at += match self.print_run(&bytes[at..]) {
                    0 => {
                        self.print_char(code);
                        length
                    }
                    read => read,
                };
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
        // An unfinished character already ends what REP repeats.
        self.last = None;
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
            // Beyond the last code point: one character of four.
            Err(_) if matches!(whole, [0xf4, 0x90..=0xbf, 0x80..=0xbf, 0x80..=0xbf]) => {
                if self.rules.shows_beyond {
                    self.print_char(char::REPLACEMENT_CHARACTER);
                    for _ in 1..length {
                        self.append(char::REPLACEMENT_CHARACTER);
                    }
                    self.last = None;
                }
            }
            Err(_) => self.invalid(),
        }
    }

    fn invalid(&mut self) {
        if self.rules.shows_invalid {
            self.print_char(char::REPLACEMENT_CHARACTER);
        }
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn printable_ascii_ends_at_the_first_other_byte() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'~'; length];
                    bytes[at] = byte;
                    bytes[length - 1] = b' ';
                    let is_printable = |byte: &&u8| (0x20..0x7f).contains(*byte);
                    let expected = bytes.iter().take_while(is_printable).count();
                    assert_eq!(printable(&bytes), expected, "{bytes:?}");
                }
            }
        }
    }
}
