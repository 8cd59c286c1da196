//! Tells apart the answers of several commands in one invocation.
//!
//! Every answer ends with a line that is the separator alone. It is random:
//! what commands print (names, screens, options) may hold anything else, and no
//! program in a pane can have guessed it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::Batch;

/// What ends each of several answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Separator(String);

impl Separator {
    /// A separator that was never used before.
    #[must_use]
    pub fn random() -> Separator {
        Separator(format!("tvmux{}", random_text()))
    }

    /// Ends the answer of the commands that `batch` holds so far.
    pub fn end(&self, batch: &mut Batch) {
        // On a line of its own even where the answer lacks its last newline, as
        // some captures do in 3.0.
        batch.push(["display-message", "-p", &format!("\n{}", self.0)]);
    }

    /// The first answer, with its last newline if it has one, and what follows
    /// the separator. `None` where there is no separator (yet).
    #[must_use]
    pub fn split<'a>(&self, printed: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let line = format!("\n{}\n", self.0);
        let end = memchr::memmem::find(printed, line.as_bytes())?;
        Some((&printed[..end], &printed[end + line.len()..]))
    }

    /// The answers of commands that each were ended by the separator. What is
    /// not there is empty.
    pub fn answers<'a>(&'a self, mut printed: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        std::iter::repeat_with(move || match self.split(printed) {
            Some((answer, rest)) => {
                printed = rest;
                answer
            }
            None => std::mem::take(&mut printed),
        })
    }
}

/// Sixteen letters and digits that nobody can guess.
pub(super) fn random_text() -> String {
    // Keyed by the system, and differently each time.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let separator = Separator("END".into());
        let printed = b"one\n\nEND\n\nEND\nno newline\nEND\nthe rest\nEND";
        let answers: Vec<_> = separator.answers(printed).take(5).collect();
        let expected: [&[u8]; 5] = [b"one\n", b"", b"no newline", b"the rest\nEND", b""];
        assert_eq!(answers, expected);
        assert_eq!(separator.split(b"one\n\nEND"), None);
    }

    #[test]
    fn no_two_are_the_same() {
        assert_ne!(Separator::random(), Separator::random());
    }
}
