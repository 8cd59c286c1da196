//! What the labels of tvmux's own markers say.

use super::Micros;

/// What ends the label of a marker that was set late, around the number of seconds.
const LATE: (&str, &str) = ("(tvmux: ", " s before)");

/// What stands before a title.
const TITLE: &str = "tvmux: title: ";

/// Bytes of a label at most that is followed by how late it is.
const LONGEST: usize = 960;

/// The label of a marker for a moment that is `before` microseconds ago. A cast only grows: the
/// marker stands where it was written, and says which moment it names.
#[must_use]
pub fn late_label(label: &str, before: Micros) -> String {
    let label = &label[..label.floor_char_boundary(LONGEST)];
    let blank = if label.is_empty() { "" } else { " " };
    let seconds = before as f64 / 1e6;
    format!("{label}{blank}{}{seconds}{}", LATE.0, LATE.1)
}

/// The moment that a marker names, which was written at `time`, and its label
/// without that.
#[must_use]
pub fn named_moment(time: Micros, label: &str) -> (Micros, &str) {
    let late = || {
        let (label, seconds) = label.strip_suffix(LATE.1)?.rsplit_once(LATE.0)?;
        let is_number = seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let seconds: f64 = seconds.parse().ok().filter(|_| is_number)?;
        let before = (seconds * 1e6).round() as Micros;
        Some((
            time.saturating_sub(before),
            label.strip_suffix(' ').unwrap_or(label),
        ))
    };
    late().unwrap_or((time, label))
}

/// The label of a marker from which on a recording is called so.
#[must_use]
pub fn title_label(title: &str) -> String {
    format!("{TITLE}{title}")
}

/// The title that a marker's label gives.
#[must_use]
pub fn title_in(label: &str) -> Option<&str> {
    label.strip_prefix(TITLE)
}

/// The label of a note's marker.
#[must_use]
pub fn note_label(text: &str) -> String {
    format!("note: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_marker_names_its_moment() {
        for label in ["", "it broke", "a (tvmux: 3 s before)", "é )", "x "] {
            let late = late_label(label, 30_500_000);
            assert_eq!(
                named_moment(100_000_000, &late),
                (69_500_000, label),
                "{late}"
            );
        }
        assert_eq!(
            late_label("it broke", 30_000_000),
            "it broke (tvmux: 30 s before)"
        );
        // Before the cast there is nothing.
        assert_eq!(named_moment(5, &late_label("x", 7_000_000)), (0, "x"));
        for label in [
            "x",
            "(tvmux:  s before)",
            "(tvmux: -1 s before)",
            "(tvmux: inf s before)",
        ] {
            assert_eq!(named_moment(5, label), (5, label));
        }
        let long = late_label(&"é".repeat(1000), 1_000_000);
        assert!(long.len() <= 1024 && named_moment(2_000_000, &long).0 == 1_000_000);
    }

    #[test]
    fn a_title_is_read_as_it_was_given() {
        assert_eq!(title_in(&title_label("a: b")), Some("a: b"));
        assert_eq!(title_in("title: x"), None);
        assert_eq!(title_in(&note_label("x")), None);
    }
}
