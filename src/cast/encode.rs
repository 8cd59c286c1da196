//! Events to lines of asciicast v2.

use super::event::{Code, Micros};
use super::json::escape_into;
use super::utf8::Utf8Carry;

/// Encodes events as asciicast v2 lines, straight into a buffer that the
/// caller reuses: no allocation per event once that buffer has grown.
///
/// Output arrives as raw bytes cut anywhere; a character that is not complete
/// is held back until the next output, and bytes that are not UTF-8 become
/// U+FFFD.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    utf8: Utf8Carry,
}

impl Encoder {
    /// An encoder with nothing held back.
    #[must_use]
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// Appends one output event with `bytes` to `out`.
    ///
    /// Returns whether a line was written: none is when `bytes` completes no
    /// character.
    pub fn output(&mut self, time: Micros, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        open(time, Code::Output, out);
        let text_start = out.len();
        self.utf8.push(bytes, |text| escape_into(text, out));
        if out.len() == text_start {
            out.truncate(start);
            return false;
        }
        close(out);
        true
    }

    /// Gives up on a held-back incomplete character: it becomes an output
    /// event with one U+FFFD. Returns whether there was one.
    pub fn flush(&mut self, time: Micros, out: &mut Vec<u8>) -> bool {
        let mut pending = false;
        self.utf8.finish(|text| {
            event(time, Code::Output, text, out);
            pending = true;
        });
        pending
    }

    /// Appends one event with whole text to `out`. Held-back bytes stay so.
    pub fn event(&self, time: Micros, code: Code, data: &str, out: &mut Vec<u8>) {
        event(time, code, data, out);
    }
}

fn event(time: Micros, code: Code, data: &str, out: &mut Vec<u8>) {
    open(time, code, out);
    escape_into(data, out);
    close(out);
}

/// Starts a line: everything up to the data.
pub(crate) fn open(time: Micros, code: Code, out: &mut Vec<u8>) {
    out.push(b'[');
    push_seconds(time, out);
    out.extend_from_slice(b", \"");
    match code {
        Code::Other(letter) => {
            let mut utf8 = [0; 4];
            escape_into(letter.encode_utf8(&mut utf8), out);
        }
        known => out.push(known.letter() as u8),
    }
    out.extend_from_slice(b"\", \"");
}

/// Ends a line that [`open`] started.
pub(crate) fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"]\n");
}

/// Appends microseconds as decimal seconds with six places: exact, and the
/// precision that asciinema writes.
fn push_seconds(time: Micros, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    out.extend_from_slice(buffer.format(time / 1_000_000).as_bytes());
    let mut digits = *b".000000";
    let mut fraction = (time % 1_000_000) as u32;
    for digit in digits[1..].iter_mut().rev() {
        *digit += (fraction % 10) as u8;
        fraction /= 10;
    }
    out.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> Vec<(f64, String, String)> {
        std::str::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn an_event_is_a_line() {
        let mut out = Vec::new();
        let mut encoder = Encoder::new();
        encoder.output(1_234_567, b"\x1b[1mhi\r\n", &mut out);
        encoder.event(2_000_000, Code::Resize, "65535x65535", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "[1.234567, \"o\", \"\\u001b[1mhi\\r\\n\"]\n[2.000000, \"r\", \"65535x65535\"]\n"
        );
    }

    #[test]
    fn an_incomplete_character_makes_no_event() {
        let mut out = Vec::new();
        let mut encoder = Encoder::new();
        assert!(!encoder.output(0, &[0xf0, 0x9f], &mut out));
        assert!(out.is_empty());
        assert!(encoder.flush(5, &mut out));
        assert!(!encoder.flush(5, &mut out));
        assert_eq!(lines(&out), [(0.000005, "o".into(), "\u{FFFD}".into())]);
    }

    proptest! {
        #[test]
        fn chunking_does_not_change_the_text(bytes in any::<Vec<u8>>(), size in 1usize..20) {
            let mut out = Vec::new();
            let mut encoder = Encoder::new();
            for (i, chunk) in bytes.chunks(size).enumerate() {
                encoder.output(i as Micros, chunk, &mut out);
            }
            encoder.flush(1_000_000, &mut out);
            let text: String = lines(&out).into_iter().map(|(_, _, data)| data).collect();
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn times_keep_their_microseconds(time in 0u64..1_000_000_000_000_000) {
            let mut out = Vec::new();
            Encoder::new().event(time, Code::Marker, "", &mut out);
            let (seconds, ..) = lines(&out).remove(0);
            prop_assert_eq!((seconds * 1e6).round() as u64, time);
        }
    }
}
