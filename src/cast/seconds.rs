//! Times as they stand in a cast: decimal seconds.

use std::io::Write;

use super::event::Micros;

/// Powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The longest time that readers take, in seconds: microseconds still fit a
/// `u64`, which asciinema 3 counts in.
pub(super) const LONGEST: f64 = 18_446_744_073_709.0;

/// Reads a plain decimal number (no sign, no exponent) at the start of
/// `bytes`: its value, and how many bytes it takes.
///
/// `None` when it is not that plain, or has more digits than can be read
/// exactly without care.
#[inline]
pub(super) fn plain_seconds(bytes: &[u8]) -> Option<(f64, usize)> {
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
    // Both sides of the division are exact, so its result is the nearest f64.
    if at > 16 || mantissa >= 1 << 53 {
        return None;
    }
    Some((mantissa as f64 / POWERS[places], at))
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

/// The same for a plain time, which is at least 0. Exact for what has up to
/// six decimals and is below 285 years.
#[inline(always)]
pub(super) fn to_micros_fast(seconds: f64) -> Micros {
    // `round` is a call where the processor need not have an instruction for it.
    (seconds * 1e6 + 0.5) as Micros
}

/// Appends `seconds` as a decimal number with at most six places, no fewer
/// than one, never below the value itself by rounding.
pub(super) fn push_time(seconds: f64, out: &mut Vec<u8>) {
    let micros = to_micros(seconds);
    // The shortest text that reads back as the same value keeps the order of
    // times that are finer than a microsecond.
    let exact = micros as f64 / 1e6;
    if exact == seconds || !(0.0..LONGEST).contains(&seconds) {
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
            assert_eq!(plain_seconds(text.as_bytes()), value, "{text}");
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
            if let Some((value, length)) = plain_seconds(text.as_bytes()) {
                prop_assert_eq!(value, text.parse::<f64>().unwrap());
                prop_assert_eq!(length, text.len());
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
