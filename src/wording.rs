//! How messages put an error, a number and a guess: shared by the command line,
//! the HTTP API and the daemon's log.

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

/// The known name that a mistyped one is nearest to, if it is near at all.
/// Case does not count, nor whether words are joined by `-` or `_`.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let text = plain(text);
    let ranked = names
        .into_iter()
        .map(|name| (closeness(&text, &plain(name)), name));
    let (score, name) = ranked.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.7).then_some(name)
}

/// How alike two names are: 1 when they are the same, 0 when nothing is.
#[must_use]
pub fn closeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b).max(strsim::jaro_winkler(a, b) - 0.1)
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
