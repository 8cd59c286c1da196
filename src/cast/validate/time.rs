//! The time of an event: what readers take for one.

use super::finding::FindingKind;
use crate::cast::seconds::{LONGEST, any_seconds};

/// Judges a number's raw text: its value in seconds if it is a time, and what is
/// wrong with it. Of `NaN` and `Infinity` nothing is said: the lexer did.
pub(in crate::cast) fn judge_time(raw: &[u8]) -> (Option<f64>, Option<FindingKind>) {
    if raw.ends_with(b"NaN") || raw.ends_with(b"Infinity") {
        return (None, None);
    }
    match any_seconds(raw.trim_ascii_end()) {
        // A number cut where it could not end: too long to be a time.
        None => (None, Some(FindingKind::TimeTooLarge)),
        Some(time) if time == 0.0 && raw.starts_with(b"-") => {
            (Some(0.0), Some(FindingKind::TimeNegativeZero))
        }
        Some(time) if time.is_infinite() => (None, Some(FindingKind::TimeInfinite)),
        Some(time) if time < 0.0 => (None, Some(FindingKind::TimeNegative)),
        Some(time) if time >= LONGEST => (None, Some(FindingKind::TimeTooLarge)),
        Some(time) => (Some(time), None),
    }
}
