//! The casts of a recording that was rotated, as one: by their names, where their
//! headers say the same ([`crate::chain`]).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Archive, ArchiveError, Condition, Entry};
use crate::chain::{number, part_path};
use crate::packed::packed_path;

impl Archive {
    /// The part of this number of a cast's chain.
    fn part(&self, cast: &Path, number: u32) -> Result<Option<Entry>, ArchiveError> {
        let path = part_path(cast, number);
        let found = match self.entry(&path)? {
            None => self.entry(&packed_path(&path))?,
            found => found,
        };
        Ok(found.filter(|found| part_number(found) == number))
    }

    /// A cast and the parts that follow it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn parts(&self, cast: &Entry) -> Result<Vec<Entry>, ArchiveError> {
        let mut parts = vec![cast.clone()];
        while let Some(last) = parts.last()
            && let Some(next) = self.part(&last.path, part_number(last) + 1)?
        {
            parts.push(next);
        }
        Ok(parts)
    }

    /// The first cast of a chain, as far back as its parts are there, and where in it
    /// `cast` begins, in microseconds.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_part(&self, cast: &Entry) -> Result<(Entry, u64), ArchiveError> {
        let (mut first, mut start) = (cast.clone(), 0);
        while part_number(&first) > 1
            && let Some(before) = self.part(&first.path, part_number(&first) - 1)?
        {
            start += before.duration_micros();
            first = before;
        }
        Ok((first, start))
    }
}

/// Which part of its chain a cast is; 1 for one that only has the name of a part.
pub(in crate::archive) fn part_number(cast: &Entry) -> u32 {
    match cast.part {
        part if part > 1 && part == number(&cast.path) => part,
        _ => 1,
    }
}

/// Whether the cast behind the one at this place is the next part of its chain.
#[must_use]
pub fn is_followed(casts: &[Entry], at: usize) -> bool {
    match casts.get(at..at + 2) {
        Some([cast, next]) => {
            part_number(next) == part_number(cast) + 1 && chain_of(cast) == chain_of(next)
        }
        _ => false,
    }
}

/// The chain that a cast is of: the path of its first part.
fn chain_of(cast: &Entry) -> PathBuf {
    match part_number(cast) {
        1 => part_path(&cast.path, number(&cast.path)),
        _ => part_path(&cast.path, 1),
    }
}

/// A title that a recording was given later is that of all its casts.
pub(super) fn share_titles(casts: &mut [Entry]) {
    let mut last: HashMap<PathBuf, (u32, String)> = HashMap::new();
    for cast in casts.iter().filter(|cast| part_number(cast) > 1) {
        let Some(title) = &cast.title else { continue };
        let number = part_number(cast);
        let known = last.entry(chain_of(cast)).or_default();
        if known.0 < number {
            *known = (number, title.clone());
        }
    }
    if last.is_empty() {
        return;
    }
    for cast in casts {
        if let Some((_, title)) = last.get(&chain_of(cast)) {
            cast.title = Some(title.clone());
        }
    }
}

/// Puts the parts of each chain together, in their order, where the first of them
/// stands.
pub fn sort_parts(casts: &mut [Entry]) {
    if casts.iter().all(|cast| part_number(cast) == 1) {
        return;
    }
    let mut places = HashMap::new();
    for (place, cast) in casts.iter().enumerate() {
        places.entry(chain_of(cast)).or_insert(place);
    }
    casts.sort_by_cached_key(|cast| (places[&chain_of(cast)], part_number(cast)));
}

/// One entry for each chain: that of its first part, with the figures of all.
#[must_use]
pub fn join_parts(mut casts: Vec<Entry>) -> Vec<Entry> {
    if casts.iter().all(|cast| part_number(cast) == 1) {
        return casts;
    }
    sort_parts(&mut casts);
    let mut joined: Vec<Entry> = Vec::with_capacity(casts.len());
    for cast in casts {
        match joined.last_mut() {
            Some(first) if part_number(&cast) > 1 && chain_of(first) == chain_of(&cast) => {
                join(first, cast);
            }
            _ => joined.push(cast),
        }
    }
    joined
}

fn join(first: &mut Entry, part: Entry) {
    first.parts += part.parts;
    first.bytes += part.bytes;
    first.modified = first.modified.max(part.modified);
    first.state = match (first.state, part.state) {
        (Condition::Running, _) | (_, Condition::Running) => Condition::Running,
        (Condition::Damaged, _) | (_, Condition::Damaged) => Condition::Damaged,
        _ => Condition::Finished,
    };
    // That of a title which the recording was given later.
    if part.title.is_some() {
        first.title = part.title;
    }
    first.finding = first.finding.take().or(part.finding);
    first.is_compressed &= part.is_compressed;
    first.duration += part.duration;
    first.events += part.events;
    first.gaps += part.gaps;
    first.lost_bytes += part.lost_bytes;
    first.markers += part.markers;
    first.commands += part.commands;
    first.lines += part.lines;
    if !part.last_commands.is_empty() {
        first.last_commands = part.last_commands;
    }
    first.indexed += part.indexed;
    first.is_due |= part.is_due;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_chain_are_one() {
        let entry = |path: &str, duration: f64| Entry {
            part: number(Path::new(path)),
            path: path.into(),
            duration,
            parts: 1,
            bytes: 10,
            ..Entry::default()
        };
        let casts = vec![
            entry("/a/x.part003.cast", 1.0),
            entry("/a/y.cast", 5.0),
            entry("/a/x.part002.cast.zst", 2.0),
            entry("/a/x.cast.zst", 4.0),
            entry("/b/x.cast", 6.0),
        ];
        let joined = join_parts(casts);
        let told: Vec<_> = joined
            .iter()
            .map(|cast| (cast.path.to_str().unwrap(), cast.parts, cast.duration))
            .collect();
        assert_eq!(
            told,
            [
                ("/a/x.cast.zst", 3, 7.0),
                ("/a/y.cast", 1, 5.0),
                ("/b/x.cast", 1, 6.0)
            ]
        );
        assert_eq!(joined[0].bytes, 30);
        // Only the name of one is that of a part.
        let alone = Entry {
            part: 1,
            ..entry("/a/x.part002.cast", 2.0)
        };
        assert_eq!(join_parts(vec![entry("/a/x.cast", 1.0), alone]).len(), 2);
    }

    #[test]
    fn a_title_that_was_given_later_is_that_of_the_chain() {
        let entry = |path: &str, title: &str| Entry {
            part: number(Path::new(path)),
            path: path.into(),
            title: Some(title.to_owned()).filter(|title| !title.is_empty()),
            ..Entry::default()
        };
        let parts = vec![
            entry("/a/x.cast", "first"),
            entry("/a/x.part002.cast", "later"),
            entry("/a/x.part003.cast", ""),
        ];
        assert_eq!(join_parts(parts)[0].title.as_deref(), Some("later"));
    }
}
