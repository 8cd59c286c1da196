//! The options a tmux server knows, and reading their values back.

use std::collections::BTreeMap;

use super::name::{next_byte, read_printed};
use super::{Batch, Separator, Version};

/// The names and global values of a server's options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionNames {
    server: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    window: BTreeMap<String, String>,
}

impl OptionNames {
    /// The commands that ask for them; their answers go to
    /// [`OptionNames::parse`].
    #[must_use]
    pub fn query(separator: &Separator) -> Batch {
        let mut batch = Batch::new();
        for scope in ["-sH", "-gH", "-gwH"] {
            batch.push(["show-options", scope]);
            separator.end(&mut batch);
        }
        batch
    }

    /// Takes the answers to [`OptionNames::query`].
    #[must_use]
    pub fn parse<'a>(
        version: Version,
        answers: &mut impl Iterator<Item = &'a [u8]>,
    ) -> OptionNames {
        let mut next = || settings(version, answers.next().unwrap_or_default());
        OptionNames {
            server: next(),
            session: next(),
            window: next(),
        }
    }

    /// Whether there is an option of that name. tmux takes the start of a
    /// name for the whole, `name[2]` for a part, and any `@name`.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        let name = base(name);
        name.starts_with('@') || self.all().any(|known| known.starts_with(name))
    }

    /// Whether an option belongs to windows or panes, not to sessions.
    #[must_use]
    pub fn is_of_windows(&self, name: &str) -> bool {
        let name = base(name);
        let starts =
            |map: &BTreeMap<String, String>| map.keys().any(|known| known.starts_with(name));
        self.window.contains_key(name)
            || starts(&self.window) && !starts(&self.session) && !starts(&self.server)
    }

    pub fn all(&self) -> impl Iterator<Item = &str> {
        let names = self
            .server
            .keys()
            .chain(self.session.keys())
            .chain(self.window.keys());
        names.map(|name| base(name))
    }

    /// The global value of an option, if it is there.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let maps = [&self.session, &self.window, &self.server];
        maps.into_iter()
            .find_map(|map| map.get(name))
            .map(String::as_str)
    }

    /// The global values of an option that is a list.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let maps = [&self.session, &self.window, &self.server]
            .into_iter()
            .flatten();
        maps.filter(move |(key, _)| base(key) == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The name without the index of a part of it.
fn base(name: &str) -> &str {
    name.split_once('[').map_or(name, |(name, _)| name)
}

/// Reads what a server of this version prints for `show-options`: a name and a
/// quoted value a line.
///
/// An option that is shown without a value has an empty one.
#[must_use]
pub fn settings(version: Version, answer: &[u8]) -> BTreeMap<String, String> {
    read_printed(version, answer)
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(' ') {
            Some((name, value)) => (name.to_owned(), unquote(value)),
            None => (line.to_owned(), String::new()),
        })
        .collect()
}

/// Splits a text that tmux has quoted (`args_escape`, joined by spaces) into
/// its arguments.
#[must_use]
pub fn arguments(text: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
        if rest.is_empty() {
            return arguments;
        }
        let mut argument = Vec::new();
        let mut quote = None;
        // tmux escapes inside single quotes too, with the same signs.
        while let Some((byte, tail)) = next_byte(rest) {
            let first = rest[0];
            rest = tail;
            match (first, quote) {
                (b' ', None) => break,
                (b'"' | b'\'', None) => quote = Some(first),
                (_, Some(open)) if first == open => quote = None,
                _ => argument.push(byte),
            }
        }
        arguments.push(String::from_utf8_lossy(&argument).into_owned());
    }
}

/// A whole value of `show-options` as it was set.
fn unquote(value: &str) -> String {
    arguments(value).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_set() {
        let read = settings(
            Version::new(3, 3),
            b"a b\nc \"x \\\" \\$y\"\nd ''\ne \\~x\nf '\"'\ng\nh \\;\ni \"a\\nb\\033\\303\\251\"\n",
        );
        let values: Vec<_> = read.values().map(String::as_str).collect();
        assert_eq!(
            values,
            ["b", "x \" $y", "", "~x", "\"", "", ";", "a\nb\u{1b}é"]
        );
    }

    #[test]
    fn arguments_are_parted() {
        assert_eq!(arguments("sleep 100"), ["sleep", "100"]);
        assert_eq!(
            arguments("\"sleep 1; echo \\\"a  b\\\"\" ''"),
            ["sleep 1; echo \"a  b\"", ""]
        );
    }
}
