//! Events to lines of asciicast v2 and v3.

use super::buffer::Buffer;
use super::event::{Code, Micros};
use super::json::{escape_bounded, escape_into};

/// Appends one event to `out`, which the caller reuses: no allocation per event
/// once it has grown.
///
/// `time` is written as it is: since the start in v2, since the last event in v3.
pub fn encode_event(time: Micros, code: Code, data: &str, out: &mut Vec<u8>) {
    open(time, code, out);
    escape_into(data, out);
    close(out);
}

/// Starts a line: everything up to the data.
pub(crate) fn open(time: Micros, code: Code, out: &mut impl Buffer) {
    out.push(b'[');
    push_seconds(time, out);
    out.extend_from_slice(b", \"");
    match code {
        Code::Other(letter) => {
            let mut utf8 = [0; 4];
            escape_bounded(letter.encode_utf8(&mut utf8), out, usize::MAX);
        }
        known => out.push(known.letter() as u8),
    }
    out.extend_from_slice(b"\", \"");
}

/// Ends a line that [`open`] started.
pub(super) fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"]\n");
}

/// Appends microseconds as decimal seconds with six places: exact, and the
/// precision that asciinema writes.
pub(super) fn push_seconds(time: Micros, out: &mut impl Buffer) {
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

    #[test]
    fn an_event_is_a_line() {
        let mut out = Vec::new();
        encode_event(1_234_567, Code::Output, "\x1b[1mhi\r\n", &mut out);
        encode_event(2_000_000, Code::Resize, "65535x65535", &mut out);
        encode_event(2_000_000, Code::Other('"'), "", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "[1.234567, \"o\", \"\\u001b[1mhi\\r\\n\"]\n[2.000000, \"r\", \"65535x65535\"]\n\
             [2.000000, \"\\\"\", \"\"]\n"
        );
    }

    proptest! {
        #[test]
        fn an_event_reads_back(time in 0u64..1_000_000_000_000_000, data in any::<String>()) {
            let mut out = Vec::new();
            encode_event(time, Code::Marker, &data, &mut out);
            let (seconds, code, text): (f64, char, String) = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!((seconds * 1e6).round() as u64, time);
            prop_assert_eq!((code, text), ('m', data));
        }
    }
}
