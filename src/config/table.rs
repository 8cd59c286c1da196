//! The tables of a configuration file, as they stand there.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Field<'a, 'i> = (
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
);

/// The fields of a table, in the order of the file.
pub(super) fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Field<'a, 'i>> {
    let mut fields: Vec<_> = table.iter().collect();
    fields.sort_by_key(|(key, _)| key.span().start);
    fields
}

/// The line (from 1) of a byte offset.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
