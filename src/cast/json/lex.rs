//! A JSON lexer that takes its input in pieces of any size.
//!
//! It keeps a few bytes of state and one bit for each open bracket, so a line
//! of gigabytes costs no more memory than a short one. It checks every byte:
//! grammar, escapes, control characters, UTF-8, surrogates. What is wrong
//! inside a string is reported and reading goes on; after an error of grammar
//! the rest is not looked at.
//!
//! Invariant: what it reports does not depend on where the input was cut.

use super::digits::Digits;
use super::text::{Utf8Check, is_blank, text_run};

/// The deepest nesting that is followed, in brackets.
const DEEPEST: usize = 1 << 20;

/// Something wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cast) enum Fault {
    /// A byte that cannot stand here. Nothing after it is looked at.
    Unexpected,
    /// More after the end of the value. Nothing of it is looked at.
    Trailing,
    /// Too many open brackets. Nothing after it is looked at.
    TooDeep,
    /// The input ends before the value does.
    Torn,
    /// There is no value at all.
    Empty,
    /// `NaN`, `Infinity` or `-Infinity`: no JSON, but some programs write it.
    NotANumber,
    /// A backslash before what is no escape.
    BadEscape,
    /// A raw control character inside a string.
    Control,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// Half of a surrogate pair without the other.
    LoneSurrogate,
}

/// The kind of a value that has no parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cast) enum Scalar {
    /// A string, or the key of a member.
    Text,
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// Takes what the lexer finds, in order. Offsets are those given to
/// [`Lexer::feed`].
pub(in crate::cast) trait Sink {
    /// An array (`[`) or object (`{`) starts.
    fn open(&mut self, bracket: u8, at: u64);
    /// An array or object ends; `at` is its last byte.
    fn close(&mut self, bracket: u8, at: u64);
    /// A comma between elements or members.
    fn comma(&mut self) {}
    fn start(&mut self, scalar: Scalar, key: bool, at: u64);
    /// Raw bytes of the scalar, without quotes, in pieces.
    fn piece(&mut self, bytes: &[u8]);
    /// The scalar ends; `at` is the first byte that is not part of it.
    fn end(&mut self, scalar: Scalar, key: bool, at: u64);
    /// Something is wrong at `at`.
    fn fault(&mut self, fault: Fault, at: u64);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value must come.
    Value,
    /// A value or the end of the array must come.
    FirstValue,
    /// A key must come.
    Key,
    /// A key or the end of the object must come.
    FirstKey,
    Colon,
    CommaOrEnd,
    Text,
    Escape,
    /// Inside `\uXXXX`: digits seen and their value.
    Hex(u8, u16),
    Number(Digits),
    /// Inside a word: which, and how many of its letters have been seen.
    Word(&'static str, u8),
    Done,
    /// After an error of grammar.
    Dead,
}

/// The lexer. One value, then only white space.
#[derive(Clone, Debug)]
pub(in crate::cast) struct Lexer {
    state: State,
    key: bool,
    /// One bit for each open bracket: set for an object.
    brackets: Vec<u64>,
    depth: usize,
    /// Where the escape being read starts.
    escape_at: u64,
    /// Where a high surrogate stands that still wants its other half.
    high: Option<u64>,
    utf8: Utf8Check,
    /// Where the last raw control character ended.
    after_control: Option<u64>,
}

impl Lexer {
    pub(in crate::cast) fn new() -> Lexer {
        Lexer {
            state: State::Value,
            key: false,
            brackets: Vec::new(),
            depth: 0,
            escape_at: 0,
            high: None,
            utf8: Utf8Check::default(),
            after_control: None,
        }
    }

    /// Whether an error of grammar ended the reading.
    pub(in crate::cast) fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Whether the value is complete.
    pub(in crate::cast) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads `bytes`, the first of which stands at offset `at`.
    pub(in crate::cast) fn feed(&mut self, bytes: &[u8], at: u64, sink: &mut impl Sink) {
        let mut i = 0;
        while i < bytes.len() {
            match self.state {
                State::Text => i = self.text(bytes, i, at, sink),
                State::Dead => return,
                _ => {
                    if self.byte(bytes[i], at + i as u64, sink) {
                        i += 1;
                    }
                }
            }
        }
    }

    /// Reads one array or object from the start of `bytes`, which stand at
    /// offset `at`, whatever follows it. Gives how long it is; `None` when it
    /// is not whole.
    pub(in crate::cast) fn whole(
        mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut impl Sink,
    ) -> Option<usize> {
        let mut i = 0;
        while i < bytes.len() {
            match self.state {
                State::Text => i = self.text(bytes, i, at, sink),
                State::Dead => return None,
                State::Done => return Some(i),
                _ => {
                    if self.byte(bytes[i], at + i as u64, sink) {
                        i += 1;
                    }
                }
            }
        }
        if self.is_done() {
            return Some(i);
        }
        sink.fault(Fault::Torn, at + i as u64);
        None
    }

    /// Ends the input at offset `at`.
    pub(in crate::cast) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        match self.state {
            State::Done | State::Dead => return,
            State::Number(digits) if self.depth == 0 && digits.may_end() => {
                sink.end(Scalar::Number, false, at);
            }
            State::Value if self.depth == 0 => sink.fault(Fault::Empty, at),
            _ => sink.fault(Fault::Torn, at),
        }
        self.state = State::Dead;
    }

    /// The inside of a string from `bytes[i]` on; gives the first byte that is
    /// not looked at yet.
    fn text(&mut self, bytes: &[u8], mut i: usize, at: u64, sink: &mut impl Sink) -> usize {
        let start = i;
        let run = text_run(&bytes[i..]);
        if run > 0 {
            let here = &bytes[i..i + run];
            self.lone_high(sink);
            let mut bad = |at| sink.fault(Fault::NotUtf8, at);
            self.utf8.push(here, at + i as u64, &mut bad);
            i += run;
        }
        let Some(&byte) = bytes.get(i) else {
            sink.piece(&bytes[start..i]);
            return i;
        };
        self.utf8.finish(&mut |at| sink.fault(Fault::NotUtf8, at));
        match byte {
            b'"' => {
                self.lone_high(sink);
                sink.piece(&bytes[start..i]);
                sink.end(Scalar::Text, self.key, at + i as u64 + 1);
                self.after_scalar();
            }
            b'\\' => {
                sink.piece(&bytes[start..=i]);
                self.escape_at = at + i as u64;
                self.state = State::Escape;
            }
            _ => {
                self.lone_high(sink);
                // Of several in a row only the first is told.
                let place = at + i as u64;
                if self.after_control != Some(place) {
                    sink.fault(Fault::Control, place);
                }
                self.after_control = Some(place + 1);
                sink.piece(&bytes[start..=i]);
            }
        }
        i + 1
    }

    /// A high surrogate is not followed by a low one.
    fn lone_high(&mut self, sink: &mut impl Sink) {
        if let Some(at) = self.high.take() {
            sink.fault(Fault::LoneSurrogate, at);
        }
    }

    fn after_scalar(&mut self) {
        self.state = if self.key {
            State::Colon
        } else {
            self.after_value()
        };
        self.key = false;
    }

    fn after_value(&self) -> State {
        if self.depth == 0 {
            State::Done
        } else {
            State::CommaOrEnd
        }
    }

    fn in_object(&self) -> bool {
        let top = self.depth - 1;
        self.brackets[top / 64] >> (top % 64) & 1 == 1
    }

    /// One byte outside of a string's text; gives whether it was used up.
    fn byte(&mut self, byte: u8, at: u64, sink: &mut impl Sink) -> bool {
        match self.state {
            State::Escape => return self.escape(byte, sink),
            State::Hex(count, value) => return self.hex(byte, count, value, sink),
            State::Number(digits) => {
                if let Some(next) = digits.then(byte) {
                    self.state = State::Number(next);
                    sink.piece(&[byte]);
                    return true;
                }
                if digits == Digits::Minus && byte == b'I' {
                    sink.fault(Fault::NotANumber, at);
                    sink.piece(b"I");
                    self.state = State::Word("Infinity", 1);
                    return true;
                }
                if !digits.may_end() {
                    return self.die(Fault::Unexpected, at, sink);
                }
                sink.end(Scalar::Number, false, at);
                self.after_scalar();
                return false;
            }
            State::Word(word, seen) => {
                if word.as_bytes()[usize::from(seen)] != byte {
                    return self.die(Fault::Unexpected, at, sink);
                }
                sink.piece(&[byte]);
                if usize::from(seen) + 1 == word.len() {
                    let scalar = if word == "NaN" || word == "Infinity" {
                        Scalar::Number
                    } else {
                        Scalar::Word
                    };
                    sink.end(scalar, false, at + 1);
                    self.after_scalar();
                } else {
                    self.state = State::Word(word, seen + 1);
                }
                return true;
            }
            _ => {}
        }
        if is_blank(&byte) {
            return true;
        }
        match (self.state, byte) {
            (State::FirstValue, b']') | (State::FirstKey, b'}') => self.close(byte, at, sink),
            (State::Value | State::FirstValue, _) => return self.value(byte, at, sink),
            (State::Key | State::FirstKey, b'"') => {
                self.key = true;
                self.state = State::Text;
                sink.start(Scalar::Text, true, at);
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::CommaOrEnd, b',') => {
                sink.comma();
                self.state = if self.in_object() {
                    State::Key
                } else {
                    State::Value
                };
            }
            (State::CommaOrEnd, b']') if !self.in_object() => self.close(byte, at, sink),
            (State::CommaOrEnd, b'}') if self.in_object() => self.close(byte, at, sink),
            (State::Done, _) => return self.die(Fault::Trailing, at, sink),
            _ => return self.die(Fault::Unexpected, at, sink),
        }
        true
    }

    fn close(&mut self, byte: u8, at: u64, sink: &mut impl Sink) {
        self.depth -= 1;
        sink.close(byte, at);
        self.state = self.after_value();
    }

    fn value(&mut self, byte: u8, at: u64, sink: &mut impl Sink) -> bool {
        let (scalar, state) = match byte {
            b'"' => (Scalar::Text, State::Text),
            b'[' | b'{' => {
                if self.depth == DEEPEST {
                    return self.die(Fault::TooDeep, at, sink);
                }
                let (word, bit) = (self.depth / 64, self.depth % 64);
                if word == self.brackets.len() {
                    self.brackets.push(0);
                }
                self.brackets[word] &= !(1 << bit);
                self.brackets[word] |= u64::from(byte == b'{') << bit;
                self.depth += 1;
                self.state = if byte == b'{' {
                    State::FirstKey
                } else {
                    State::FirstValue
                };
                sink.open(byte, at);
                return true;
            }
            b'-' => (Scalar::Number, State::Number(Digits::Minus)),
            b'0' => (Scalar::Number, State::Number(Digits::Zero)),
            b'1'..=b'9' => (Scalar::Number, State::Number(Digits::Whole)),
            b't' => (Scalar::Word, State::Word("true", 1)),
            b'f' => (Scalar::Word, State::Word("false", 1)),
            b'n' => (Scalar::Word, State::Word("null", 1)),
            b'N' => (Scalar::Number, State::Word("NaN", 1)),
            b'I' => (Scalar::Number, State::Word("Infinity", 1)),
            _ => return self.die(Fault::Unexpected, at, sink),
        };
        sink.start(scalar, false, at);
        if matches!(byte, b'N' | b'I') {
            sink.fault(Fault::NotANumber, at);
        }
        if scalar != Scalar::Text {
            sink.piece(&[byte]);
        }
        self.state = state;
        true
    }

    fn escape(&mut self, byte: u8, sink: &mut impl Sink) -> bool {
        if byte == b'u' {
            self.state = State::Hex(0, 0);
            sink.piece(b"u");
            return true;
        }
        self.lone_high(sink);
        self.state = State::Text;
        let good = matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't');
        if good {
            sink.piece(&[byte]);
        } else {
            sink.fault(Fault::BadEscape, self.escape_at);
        }
        good
    }

    fn hex(&mut self, byte: u8, count: u8, value: u16, sink: &mut impl Sink) -> bool {
        let Some(digit) = (byte as char).to_digit(16) else {
            self.lone_high(sink);
            sink.fault(Fault::BadEscape, self.escape_at);
            self.state = State::Text;
            return false;
        };
        sink.piece(&[byte]);
        let value = value << 4 | digit as u16;
        if count < 3 {
            self.state = State::Hex(count + 1, value);
            return true;
        }
        self.state = State::Text;
        match (value, self.high) {
            (0xdc00..=0xdfff, Some(_)) => self.high = None,
            (0xdc00..=0xdfff, None) => sink.fault(Fault::LoneSurrogate, self.escape_at),
            (0xd800..=0xdbff, _) => {
                self.lone_high(sink);
                self.high = Some(self.escape_at);
            }
            _ => self.lone_high(sink),
        }
        true
    }

    fn die(&mut self, fault: Fault, at: u64, sink: &mut impl Sink) -> bool {
        sink.fault(fault, at);
        self.state = State::Dead;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq)]
    struct Log {
        faults: Vec<(Fault, u64)>,
        shape: String,
    }

    impl Sink for Log {
        fn open(&mut self, bracket: u8, _: u64) {
            self.shape.push(bracket as char);
        }
        fn close(&mut self, bracket: u8, _: u64) {
            self.shape.push(bracket as char);
        }
        fn start(&mut self, scalar: Scalar, key: bool, at: u64) {
            self.shape.push_str(&format!("<{scalar:?}{key}{at}:"));
        }
        fn piece(&mut self, bytes: &[u8]) {
            self.shape.extend(bytes.iter().map(|b| *b as char));
        }
        fn end(&mut self, _: Scalar, _: bool, at: u64) {
            self.shape.push_str(&format!("{at}>"));
        }
        fn fault(&mut self, fault: Fault, at: u64) {
            self.faults.push((fault, at));
        }
    }

    fn read(bytes: &[u8], size: usize) -> Log {
        let (mut lexer, mut log) = (Lexer::new(), Log::default());
        for (i, chunk) in bytes.chunks(size).enumerate() {
            lexer.feed(chunk, (i * size) as u64, &mut log);
        }
        lexer.finish(bytes.len() as u64, &mut log);
        log
    }

    #[test]
    fn faults_are_found_where_they_are() {
        use Fault::*;
        for (text, faults) in [
            (&b"[1, \"a\"]"[..], &[][..]),
            (b"", &[(Empty, 0)]),
            (b"  ", &[(Empty, 2)]),
            (b"[1", &[(Torn, 2)]),
            (b"[1] x", &[(Trailing, 4)]),
            (b"[1,]", &[(Unexpected, 3)]),
            (b"[01]", &[(Unexpected, 2)]),
            (b"[NaN, -Infinity]", &[(NotANumber, 1), (NotANumber, 7)]),
            (b"[\"\\q\"]", &[(BadEscape, 2)]),
            (b"[\"\\u12\"]", &[(BadEscape, 2)]),
            (b"[\"a\tb\"]", &[(Control, 3)]),
            (b"[\"a\xff\xe2\x82\"]", &[(NotUtf8, 3), (NotUtf8, 4)]),
            (b"[\"\\ud83d\\ude00\"]", &[]),
            (
                b"[\"\\ud83dx\\ude00\"]",
                &[(LoneSurrogate, 2), (LoneSurrogate, 9)],
            ),
            (b"{\"a\" 1}", &[(Unexpected, 5)]),
            (b"{\"a\": [1, {}], \"b\": null}", &[]),
        ] {
            assert_eq!(read(text, 1000).faults, faults, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = vec![b'['; DEEPEST + 2];
        assert_eq!(read(&deep, 4096).faults, [(Fault::TooDeep, DEEPEST as u64)]);
    }

    fn nasty() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|b| vec![b]),
            prop::sample::select(vec![
                "[",
                "]",
                "{",
                "}",
                "\"",
                "\\",
                "\\u",
                "d83d",
                "de00",
                ",",
                ":",
                "1.5",
                "-",
                "é",
                "😀",
                "NaN",
                "null",
                "\\n",
                "[1.0, \"o\", \"",
                "\"]",
                " ",
            ])
            .prop_map(|s| s.as_bytes().to_vec()),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_cut_finds_the_same(bytes in nasty(), size in 1usize..9) {
            prop_assert_eq!(read(&bytes, size), read(&bytes, 1000));
        }

        #[test]
        fn what_it_takes_is_json(bytes in nasty()) {
            let log = read(&bytes, 1000);
            let json = serde_json::from_slice::<serde_json::Value>(&bytes);
            // Out of range and too deep are serde_json's own limits.
            if log.faults.is_empty() {
                prop_assert!(json.is_ok(), "{}", bytes.escape_ascii());
            } else {
                prop_assert!(json.is_err(), "{} {:?}", bytes.escape_ascii(), log.faults);
            }
        }
    }
}
