//! The options a tmux server knows, and reading their values back.

use std::collections::BTreeMap;

use super::name::read_printed;
use super::{Batch, Version};

/// The names and global values of a server's options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionNames {
    server: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    window: BTreeMap<String, String>,
}

/// Parts the answers of several commands in one invocation.
const MARK: &str = "=tvmux=";

impl OptionNames {
    /// The commands that ask for them; their answer goes to
    /// [`OptionNames::parse`].
    #[must_use]
    pub fn query() -> Batch {
        let mut batch = Batch::of(["show-options", "-sH"]);
        batch.push(["display-message", "-p", MARK]);
        batch.push(["show-options", "-gH"]);
        batch.push(["display-message", "-p", MARK]);
        batch.push(["show-options", "-gwH"]);
        batch
    }

    /// Reads the answer to [`OptionNames::query`].
    #[must_use]
    pub fn parse(version: Version, answer: &str) -> OptionNames {
        let mark = format!("{MARK}\n");
        let mut parts = answer.split(&mark).map(|part| settings(version, part));
        OptionNames {
            server: parts.next().unwrap_or_default(),
            session: parts.next().unwrap_or_default(),
            window: parts.next().unwrap_or_default(),
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

    /// Every name.
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
pub fn settings(version: Version, answer: &str) -> BTreeMap<String, String> {
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
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if_eq(&' ').is_some() {}
        if rest.peek().is_none() {
            return arguments;
        }
        let mut argument = String::new();
        let mut quote = None;
        while let Some(c) = rest.next() {
            match (c, quote) {
                (' ', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                // tmux escapes inside single quotes too, with the same signs.
                ('\\', _) => argument.extend(escaped(&mut rest)),
                (c, _) => argument.push(c),
            }
        }
        arguments.push(argument);
    }
}

/// A whole value of `show-options` as it was set.
fn unquote(value: &str) -> String {
    arguments(value).join(" ")
}

/// What an escape of tmux's (`vis` with C style and octal) stands for.
fn escaped(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let c = rest.next()?;
    Some(match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'v' => '\u{b}',
        'f' => '\u{c}',
        's' => ' ',
        '0'..='3' => {
            let mut code = c.to_digit(8)?;
            let mut digits = 1;
            while digits < 3
                && let Some(digit) = rest.peek().and_then(|c| c.to_digit(8))
            {
                rest.next();
                code = code * 8 + digit;
                digits += 1;
            }
            char::from_u32(code)?
        }
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_set() {
        let read = settings(
            Version::new(3, 3),
            "a b\nc \"x \\\" \\$y\"\nd ''\ne \\~x\nf '\"'\ng\nh \\;\ni \"a\\nb\\033\"\n",
        );
        let values: Vec<_> = read.values().map(String::as_str).collect();
        assert_eq!(
            values,
            ["b", "x \" $y", "", "~x", "\"", "", ";", "a\nb\u{1b}"]
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
