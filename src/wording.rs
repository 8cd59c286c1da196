//! How messages put an error and a number: shared by the command line, the
//! HTTP API and the daemon's log.

use std::error::Error;

/// The error and its causes, outermost first, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// `1 event`, `2 events`: a number with its noun.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let all = [0, 1, 2].map(|count| counted(count, "gap"));
        assert_eq!(all, ["0 gaps", "1 gap", "2 gaps"]);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot save")]
    struct CannotSave {
        source: std::io::Error,
    }

    #[test]
    fn causes_follow_their_error() {
        let error = CannotSave {
            source: std::io::Error::other("the disk is gone"),
        };
        assert_eq!(chain(&error), "cannot save: the disk is gone");
    }
}
