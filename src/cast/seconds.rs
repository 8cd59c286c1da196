//! Times as they stand in a cast: decimal seconds.

use std::io::Write;

use super::event::Micros;

/// Powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten, for at most 16 digits.
const TENS: [u64; 11] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// The longest time that readers take, in seconds: microseconds still fit a
/// `u64`, which asciinema 3 counts in.
pub(super) const LONGEST: f64 = 18_446_744_073_709.0;

/// A number of seconds as it stands in a cast, exactly: below 2^53 units of
/// `10^-places`, with at most 16 digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlainSeconds {
    units: u64,
    places: u8,
}

impl PlainSeconds {
    /// The nearest `f64`.
    #[inline(always)]
    pub(super) fn value(self) -> f64 {
        // Both sides of the division are exact, so its result is the nearest.
        self.units as f64 / POWERS[usize::from(self.places)]
    }

    /// Whether no part of a microsecond is told.
    #[inline(always)]
    pub(super) fn is_whole_micros(self) -> bool {
        self.places <= 6
    }

    /// Microseconds, rounded; what is too long is the longest time.
    #[inline(always)]
    pub(super) fn micros(self) -> Micros {
        match 6u8.checked_sub(self.places) {
            Some(missing) => self.units.saturating_mul(TENS[usize::from(missing)]),
            None => {
                let unit = TENS[usize::from(self.places - 6)];
                (self.units + unit / 2) / unit
            }
        }
    }
}

/// Reads a plain decimal number (no sign, no exponent) at the start of
/// `bytes`, and how many bytes it takes.
///
/// `None` when it is not that plain, or has more digits than can be read
/// exactly without care.
#[inline]
pub(super) fn plain_seconds(bytes: &[u8]) -> Option<(PlainSeconds, usize)> {
    let mut mantissa = 0u64;
    let mut at = 0;
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0'))
        && digit < 10
    {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    if at == 0 || at > 1 && bytes[0] == b'0' {
        return None;
    }
    let mut places = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let start = at;
        while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0'))
            && digit < 10
        {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        places = at - start;
        if places == 0 {
            return None;
        }
    }
    if at > 16 || mantissa >= 1 << 53 {
        return None;
    }
    let plain = PlainSeconds {
        units: mantissa,
        places: places as u8,
    };
    Some((plain, at))
}

/// Reads any JSON number. `None` when it is none; infinite when it is too large.
pub(super) fn any_seconds(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        && text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    number.then(|| text.parse().ok())?
}

/// Seconds as microseconds, rounded; what is no time becomes the nearest one.
pub(super) fn to_micros(seconds: f64) -> Micros {
    (seconds.clamp(0.0, LONGEST) * 1e6).round() as Micros
}

/// Whether these seconds are the nearest to a whole number of microseconds.
pub(super) fn is_whole_micros(seconds: f64) -> bool {
    to_micros(seconds) as f64 / 1e6 == seconds
}

/// Appends `seconds` as a decimal number with at most six places, no fewer
/// than one, never below the value itself by rounding.
pub(super) fn push_time(seconds: f64, out: &mut Vec<u8>) {
    let micros = to_micros(seconds);
    // The shortest text that reads back as the same value keeps the order of
    // times that are finer than a microsecond.
    if is_whole_micros(seconds) || !(0.0..LONGEST).contains(&seconds) {
        let written = write!(out, "{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        debug_assert!(written.is_ok());
        while out.ends_with(b"0") && !out.ends_with(b".0") {
            out.pop();
        }
    } else {
        let written = write!(out, "{seconds}");
        debug_assert!(written.is_ok());
        if !out.contains(&b'.') {
            out.extend_from_slice(b".0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_numbers_are_plain() {
        for (text, value) in [
            ("0", Some((0.0, 1))),
            ("0.0,", Some((0.0, 3))),
            ("12.5,", Some((12.5, 4))),
            ("1.234567890123, ", Some((1.234567890123, 14))),
            ("01", None),
            ("1.", None),
            (".5", None),
            ("-1", None),
            ("", None),
            ("12345678901234567890", None),
        ] {
            let read = plain_seconds(text.as_bytes());
            let read = read.map(|(plain, length)| (plain.value(), length));
            assert_eq!(read, value, "{text}");
        }
    }

    #[test]
    fn any_number_of_json_is_read() {
        for (text, value) in [
            ("1e3", Some(1000.0)),
            ("-0.5", Some(-0.5)),
            ("1e400", Some(f64::INFINITY)),
            ("NaN", None),
            ("\"1\"", None),
            ("", None),
        ] {
            assert_eq!(any_seconds(text.as_bytes()), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_is_what_the_library_reads(text in "(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?") {
            if let Some((plain, length)) = plain_seconds(text.as_bytes()) {
                let value = text.parse::<f64>().unwrap();
                prop_assert_eq!(plain.value(), value);
                prop_assert_eq!(length, text.len());
                // Of half a microsecond, the nearest f64 may be below.
                prop_assert!(plain.micros().abs_diff(to_micros(value)) <= u64::from(text.len() > 8));
            }
        }

        #[test]
        fn written_times_read_back(seconds in 0.0f64..1e9) {
            let mut out = Vec::new();
            push_time(seconds, &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(any_seconds(text.as_bytes()), Some(seconds), "{}", text);
        }
    }
}
