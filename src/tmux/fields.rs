//! Formats whose answers can be read back without doubt.
//!
//! TAB parts fields (3.4 and 3.5 rewrite other control characters). Names,
//! titles and paths may hold TAB and newline themselves, so a text goes with
//! its length in bytes before it: `#{n:window_name}:#{window_name}`; or, where
//! expanding it twice would take long, with a mark after it that nobody knows.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;

use super::name::{decode_name, read_printed};
use super::{Error, Result, Version};

/// A `-F` format with named fields, and the reader of its answers.
#[derive(Clone, Debug)]
pub struct Fields {
    version: Version,
    format: String,
    kinds: Vec<Kind>,
    /// Which of them come in the form in which tmux stores names.
    stored: Vec<usize>,
    /// What ends a marked text: random, of this format alone.
    mark: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Ids, numbers, flags: never holds a TAB or a newline.
    Plain,
    /// Anything; its length in bytes comes first.
    Measured,
    /// Anything; ends with the mark.
    Marked,
}

/// One line of an answer: its fields, in the order of the format.
#[derive(Clone, Debug)]
pub struct Row {
    values: std::vec::IntoIter<String>,
}

impl Fields {
    /// An empty format for a server of this version.
    #[must_use]
    pub fn new(version: Version) -> Fields {
        Fields {
            version,
            format: String::new(),
            kinds: Vec::new(),
            stored: Vec::new(),
            mark: String::new(),
        }
    }

    /// Adds ids, numbers or flags, by the names of their format variables.
    #[must_use]
    pub fn plain<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        for name in names {
            self.part(Kind::Plain);
            self.format.push_str(&format!("#{{{name}}}"));
        }
        self
    }

    /// Adds texts that may hold anything, by the names of their variables.
    #[must_use]
    pub fn text<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        // 3.4 counts the text as it is and prints it escaped.
        let measured = self.version.has_length_modifier() && !self.version.has_escaped_dollars();
        for name in names {
            if measured {
                self.part(Kind::Measured);
                self.format.push_str(&format!("#{{n:{name}}}:#{{{name}}}"));
            } else {
                self = self.marked([name]);
            }
        }
        self
    }

    /// Adds names of sessions and windows, by the names of their variables. They
    /// are read as they were given, not as tmux stores them.
    #[must_use]
    pub fn names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        for name in names {
            self = self.text([name]);
            if name != "session_name" || self.version.has_escaped_session_names() {
                self.stored.push(self.kinds.len() - 1);
            }
        }
        self
    }

    /// Adds texts that may hold anything and that tmux takes long to find out,
    /// by the names of their variables. Each is expanded once.
    #[must_use]
    pub fn marked<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        if self.mark.is_empty() {
            // Seeded anew for each: no program in a pane can have guessed it.
            // The first sign is none that a name of a variable begins with: 3.4
            // would print a `$` before it escaped.
            self.mark = format!("/{:016x}", RandomState::new().build_hasher().finish());
        }
        for name in names {
            self.part(Kind::Marked);
            self.format.push_str(&format!("#{{{name}}}{}", self.mark));
        }
        self
    }

    fn part(&mut self, kind: Kind) {
        if !self.kinds.is_empty() {
            self.format.push('\t');
        }
        self.kinds.push(kind);
    }

    /// The format, for `-F` or `display-message -p`.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Reads every line of an answer.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when the answer does not have the format's shape.
    pub fn parse(&self, answer: &[u8]) -> Result<Vec<Row>> {
        Ok(self.parse_while(answer, |_| true)?.0)
    }

    /// Reads the lines of an answer as long as their first byte is one of this
    /// format's; gives them and what follows. So the answers of two commands
    /// are read apart, where ids of different kinds come first in them.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when the answer does not have the format's shape.
    pub fn parse_while<'a>(
        &self,
        answer: &'a [u8],
        is_own: impl Fn(u8) -> bool,
    ) -> Result<(Vec<Row>, &'a [u8])> {
        let mut rows = Vec::new();
        let mut rest = answer;
        while rest.first().is_some_and(|first| is_own(*first)) {
            let (row, tail) = self.row(rest).ok_or_else(|| Error::Unexpected {
                what: format!(
                    "line {} of an answer to `{}`: {:?}",
                    rows.len() + 1,
                    self.format,
                    String::from_utf8_lossy(&rest[..rest.len().min(200)])
                ),
            })?;
            rows.push(row);
            rest = tail;
        }
        Ok((rows, rest))
    }

    /// Reads one line; gives it and what follows.
    fn row<'a>(&self, mut rest: &'a [u8]) -> Option<(Row, &'a [u8])> {
        let mut values = Vec::with_capacity(self.kinds.len());
        for (i, kind) in self.kinds.iter().enumerate() {
            let last = i + 1 == self.kinds.len();
            let mut after = 0;
            let end = match kind {
                Kind::Plain => {
                    let stop = if last { b'\n' } else { b'\t' };
                    rest.iter().position(|b| *b == stop).unwrap_or(rest.len())
                }
                Kind::Measured => {
                    let colon = rest.iter().position(|b| *b == b':')?;
                    let length = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
                    rest = &rest[colon + 1..];
                    length
                }
                Kind::Marked => {
                    after = self.mark.len();
                    memchr::memmem::find(rest, self.mark.as_bytes())?
                }
            };
            let value = String::from_utf8_lossy(rest.get(..end)?);
            let value = read_printed(self.version, &value);
            values.push(if self.stored.contains(&i) {
                decode_name(&value)
            } else {
                value
            });
            rest = &rest[end + after..];
            match (rest.first(), last) {
                (Some(b'\n'), true) | (Some(b'\t'), false) => rest = &rest[1..],
                (None, true) => {}
                _ => return None,
            }
        }
        Some((
            Row {
                values: values.into_iter(),
            },
            rest,
        ))
    }
}

impl Row {
    /// The next field as text.
    pub fn text(&mut self) -> String {
        self.values.next().unwrap_or_default()
    }

    /// The next field, read as a number or an id.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when it is none.
    pub fn get<T: FromStr>(&mut self) -> Result<T> {
        let text = self.text();
        text.parse().map_err(|_| Error::Unexpected {
            what: format!(
                "`{text}` where a {} was expected",
                std::any::type_name::<T>()
            ),
        })
    }

    /// The next field as a flag: tmux prints 1, 0 or nothing.
    pub fn flag(&mut self) -> bool {
        !matches!(self.text().as_str(), "" | "0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_may_hold_anything() {
        let fields = Fields::new(Version::new(3, 3))
            .plain(["window_id"])
            .text(["window_name", "pane_path"]);
        assert_eq!(
            fields.format(),
            "#{window_id}\t#{n:window_name}:#{window_name}\t#{n:pane_path}:#{pane_path}"
        );
        let rows = fields
            .parse("@1\t5:a\tb\nc\t0:\n@2\t2:é\t3:/:\n\n".as_bytes())
            .unwrap();
        let all: Vec<Vec<String>> = rows.into_iter().map(|row| row.values.collect()).collect();
        assert_eq!(all, [["@1", "a\tb\nc", ""], ["@2", "é", "/:\n"]]);
    }

    #[test]
    fn marked_texts_may_hold_anything() {
        let fields = Fields::new(Version::new(3, 3))
            .plain(["pane_id"])
            .marked(["pane_title", "pane_path"]);
        let mark = fields.mark.clone();
        assert_ne!(mark, Fields::new(Version::new(3, 3)).marked([]).mark);
        let answer = format!("%1\ta\tb\n%9{mark}\t{mark}\n%2\t{mark}\té{mark}\n@3 other");
        let (rows, rest) = fields
            .parse_while(answer.as_bytes(), |first| first == b'%')
            .unwrap();
        let all: Vec<Vec<String>> = rows.into_iter().map(|row| row.values.collect()).collect();
        assert_eq!(all, [["%1", "a\tb\n%9", ""], ["%2", "", "é"]]);
        assert_eq!(rest, b"@3 other");
        assert!(fields.parse(b"%1\tno mark\t\n").is_err());
    }

    #[test]
    fn dollars_are_read_as_they_were_before_they_were_printed() {
        let fields = Fields::new(Version::new(3, 4))
            .text(["window_name"])
            .marked(["pane_title"]);
        let mark = &fields.mark;
        let answer = format!("\\\\$HOME \\$1{mark}\t\\$x $1 ${mark}\n");
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(rows[0].text(), r"\$HOME \$1");
        assert_eq!(rows[0].text(), "$x $1 $");
    }

    #[test]
    fn names_are_read_as_they_were_given() {
        let both = ["session_name", "window_name"];
        let fields = Fields::new(Version::new(3, 3)).names(both);
        let mut rows = fields.parse(b"6:\\$A\\tb\t6:\\$A\\tb\n").unwrap();
        assert_eq!(
            (rows[0].text(), rows[0].text()),
            ("$A\tb".into(), "$A\tb".into())
        );
        // Before 3.2 only windows have their names in another form.
        let fields = Fields::new(Version::new(3, 1)).names(both);
        let answer = format!("\\$A\tb{0}\t\\$A\\tb{0}\n", fields.mark);
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(
            (rows[0].text(), rows[0].text()),
            ("\\$A\tb".into(), "$A\tb".into())
        );
    }

    #[test]
    fn old_servers_give_no_lengths() {
        let fields = Fields::new(Version::new(3, 1))
            .plain(["pane_id"])
            .text(["pane_path"]);
        let mark = &fields.mark;
        assert_eq!(
            fields.format(),
            format!("#{{pane_id}}\t#{{pane_path}}{mark}")
        );
        let answer = format!("%1\t/a\tb{mark}\n%2\t\n{mark}\n");
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(rows[0].text(), "%1");
        assert_eq!(rows[0].text(), "/a\tb");
        assert_eq!(rows[1].text(), "%2");
        assert_eq!(rows[1].text(), "\n");
    }

    #[test]
    fn a_wrong_answer_is_an_error() {
        let fields = Fields::new(Version::new(3, 3)).plain(["a"]).text(["b"]);
        for bad in ["x", "x\t", "x\ty", "x\t9:y", "x\t1:yy\n"] {
            assert!(fields.parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
