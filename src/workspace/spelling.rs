//! Misspelt names: which known one is meant.

/// The known name that a misspelt one is nearest to, if it is near at all.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase().replace('-', "_");
    let ranked = names
        .into_iter()
        .map(|name| (closeness(&lower, name), name));
    let (score, name) = ranked.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.7).then_some(name)
}

/// How alike two names are, from 0 to 1.
pub(super) fn closeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b).max(strsim::jaro_winkler(a, b) - 0.1)
}
