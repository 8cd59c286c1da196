//! Variables and home folders in texts.
//!
//! As a shell would expand them, and no more: what is not set stays as it is.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;

/// The variables and home folders that texts are expanded with.
#[derive(Clone, Debug)]
pub struct Variables {
    values: HashMap<String, String>,
    home: Option<String>,
    home_of: fn(&str) -> Option<String>,
}

impl Variables {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Variables {
        let values = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Variables {
            values,
            home: env::home_dir().and_then(|home| home.into_os_string().into_string().ok()),
            home_of: |user| {
                let user = nix::unistd::User::from_name(user).ok()??;
                user.dir.into_os_string().into_string().ok()
            },
        }
    }

    /// The given ones; `HOME` among them is the home folder.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Variables {
        let values: HashMap<String, String> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Variables {
            home: values.get("HOME").cloned(),
            values,
            home_of: |_| None,
        }
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        PathBuf::from(self.home.as_deref().unwrap_or("/"))
    }

    /// Expands a leading `~` or `~user`, and `$NAME` and `${NAME}` wherever
    /// they are; what is not set stays as it is.
    #[must_use]
    pub fn expand(&self, text: &str) -> String {
        self.variables(&self.tilde(text))
    }

    fn tilde(&self, text: &str) -> String {
        let Some(rest) = text.strip_prefix('~') else {
            return text.to_owned();
        };
        let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let home = if user.is_empty() {
            self.home.clone()
        } else {
            (self.home_of)(user)
        };
        match home {
            Some(home) => format!("{}{tail}", home.trim_end_matches('/')),
            None => text.to_owned(),
        }
    }

    fn variables(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let (name, length) = variable(rest);
            match self.values.get(name).filter(|_| length > 0) {
                Some(value) => out.push_str(value),
                None => out.push_str(&rest[..length.max(1)]),
            }
            rest = &rest[length.max(1)..];
        }
        out.push_str(rest);
        out
    }
}

/// The name and the length of the variable that a text starts with; length 0
/// when it starts with none.
fn variable(text: &str) -> (&str, usize) {
    let after = &text[1..];
    if let Some(braced) = after.strip_prefix('{') {
        return match braced.find('}') {
            Some(end) => (&braced[..end], end + 3),
            None => ("", 0),
        };
    }
    let end = after
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(after.len());
    (&after[..end], if end > 0 { end + 1 } else { 0 })
}

/// Whether a plain `$` of this text would be taken for a variable when the
/// text is expanded.
pub(super) fn has_variable(text: &str) -> bool {
    text.match_indices('$')
        .any(|(at, _)| variable(&text[at..]).1 > 0)
}

/// A line of shell words in which no `$` is taken for a variable when it is
/// expanded: empty quotes part it from what follows, and say nothing to a shell.
pub(super) fn break_variables(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        out.push(c);
        if c == '$' && variable(&line[at..]).1 > 0 {
            out.push_str("''");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::of([("HOME", "/home/ada"), ("USER", "ada"), ("EMPTY", "")])
    }

    #[test]
    fn variables_and_homes() {
        let cases = [
            ("~", "/home/ada"),
            ("~/x", "/home/ada/x"),
            ("a~", "a~"),
            ("~nobody-here/x", "~nobody-here/x"),
            ("$USER-${USER}", "ada-ada"),
            ("[$EMPTY]", "[]"),
            ("$UNSET ${UNSET} $ ${ $1 $", "$UNSET ${UNSET} $ ${ $1 $"),
            ("${USER", "${USER"),
        ];
        for (from, to) in cases {
            assert_eq!(variables().expand(from), to, "{from}");
        }
    }
}
