//! Settings that may be off: lengths of time and numbers of bytes, as people write
//! them.

use std::time::Duration;

use super::schema::{Setting, Value};

/// What stands for no limit.
const OFF: &str = "off";

/// A length of time, or none: `90s`, `15m`, `12h`, `1d`, `2w`, `1y` (365 days), also
/// several as `1d12h`; `off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period(pub Option<Duration>);

/// A number of bytes, or none: `500MB`, `1.5GB`, `2TB`, `64MiB`, `1000`; `off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteLimit(pub Option<u64>);

/// Units of time and their seconds, the longest first.
const TIMES: [(&str, u64); 6] = [
    ("y", 365 * 86_400),
    ("w", 7 * 86_400),
    ("d", 86_400),
    ("h", 3600),
    ("m", 60),
    ("s", 1),
];

/// Units of bytes, the largest first.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl Setting for Period {
    fn expected() -> String {
        "a length of time longer than 0, such as \"12h\" or \"365d\", or \"off\"".into()
    }

    fn from_value(value: Value) -> Option<Period> {
        match value {
            Value::Text(text) => Period::from_text(&text),
            Value::Flag(_) | Value::Number(_) | Value::List(_) => None,
        }
    }

    fn from_text(text: &str) -> Option<Period> {
        if is_off(text) {
            return Some(Period(None));
        }
        let mut rest = text.trim();
        let mut seconds = 0u64;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = rest.split_at(digits);
            let (unit, length) = TIMES.iter().find(|(unit, _)| behind.starts_with(unit))?;
            let more = number.parse::<u64>().ok()?.checked_mul(*length)?;
            seconds = seconds.checked_add(more)?;
            rest = behind[unit.len()..].trim_start();
        }
        (seconds > 0).then_some(Period(Some(Duration::from_secs(seconds))))
    }

    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        Period::from_text(text).ok_or_else(|| format!("expected {}", Period::expected()))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(length) = self.0 else {
            return f.write_str(OFF);
        };
        let seconds = length.as_secs();
        let whole = TIMES.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
        let (name, unit) = whole.unwrap_or(&("s", 1));
        write!(f, "{}{name}", seconds / unit)
    }
}

impl Setting for ByteLimit {
    fn expected() -> String {
        "a number of bytes above 0, such as \"500MB\" or \"50GB\", or \"off\"".into()
    }

    fn from_value(value: Value) -> Option<ByteLimit> {
        match value {
            Value::Text(text) => ByteLimit::from_text(&text),
            Value::Number(number) => (number > 0).then_some(ByteLimit(Some(number))),
            Value::Flag(_) | Value::List(_) => None,
        }
    }

    fn from_text(text: &str) -> Option<ByteLimit> {
        if is_off(text) {
            return Some(ByteLimit(None));
        }
        let text = text.trim().to_ascii_lowercase();
        let unit = SIZES.iter().find_map(|(unit, length)| {
            let number = text.strip_suffix(&unit.to_ascii_lowercase())?;
            Some((number, *length))
        });
        let (number, length) = unit.unwrap_or((&text, 1));
        let number = number.trim_end();
        let is_plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let number: f64 = number.parse().ok().filter(|_| is_plain)?;
        let bytes = number * length as f64;
        let is_number = bytes >= 1.0 && bytes < u64::MAX as f64;
        is_number.then_some(ByteLimit(Some(bytes as u64)))
    }

    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl std::fmt::Display for ByteLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(bytes) = self.0 else {
            return f.write_str(OFF);
        };
        let whole = SIZES.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
        let (name, unit) = whole.unwrap_or(&("B", 1));
        write!(f, "{}{name}", bytes / unit)
    }
}

fn is_off(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        let read = |text| Period::from_text(text).and_then(|period| period.0);
        let seconds = |text| read(text).map(|length| length.as_secs());
        assert_eq!(Period::from_text("off"), Some(Period(None)));
        for (text, wanted) in [
            ("90s", 90),
            ("15m", 900),
            ("1d", 86_400),
            (" 2w ", 1_209_600),
            ("1d12h", 129_600),
            ("1d 12h", 129_600),
            ("1y", 31_536_000),
        ] {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "0d",
            "d",
            "1",
            "1x",
            "-1d",
            "1d2",
            "99999999999999999y",
            "1.5d",
        ] {
            assert_eq!(Period::from_text(text), None, "{text}");
        }
        for text in ["90s", "36h", "1d", "2w", "365s", "off"] {
            let period = Period::from_text(text).unwrap();
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn numbers_of_bytes_are_read_and_written() {
        let bytes = |text| ByteLimit::from_text(text).and_then(|limit| limit.0);
        assert_eq!(ByteLimit::from_text("OFF"), Some(ByteLimit(None)));
        for (text, wanted) in [
            ("50GB", 50_000_000_000),
            ("1.5 gb", 1_500_000_000),
            ("64MiB", 64 << 20),
            ("1000", 1000),
            ("7B", 7),
        ] {
            assert_eq!(bytes(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "0",
            "0GB",
            "GB",
            "-1GB",
            "5XB",
            "1e3",
            "99999999999TB",
            "nan",
        ] {
            assert_eq!(ByteLimit::from_text(text), None, "{text}");
        }
        for text in ["50GB", "1500MB", "64MiB", "7B", "off"] {
            assert_eq!(ByteLimit::from_text(text).unwrap().to_string(), text);
        }
    }
}
