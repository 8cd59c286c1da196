//! Formats whose answers can be read back without doubt.
//!
//! TAB is between fields (3.4 and 3.5 rewrite other control characters). Names,
//! titles and paths may hold TAB and newline themselves, so a text ends with a
//! mark that nobody knows. (Its length before it, `#{n:pane_current_path}`, is
//! no help: what is not UTF-8 is counted and printed in two ways.)

use std::str::FromStr;

use super::name::decode;
use super::separator::random_text;
use super::{Error, Result, Version};

/// A `-F` format with named fields, and the reader of its answers.
///
/// This is the one reader of texts: each comes as it was given, in whatever
/// form the server's version stores and prints it.
#[derive(Clone, Debug)]
pub struct Fields {
    version: Version,
    format: String,
    columns: Vec<Column>,
    /// What ends a text: random, of this format alone.
    mark: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    /// Ids, numbers, flags: never holds a TAB or a newline.
    Plain,
    /// Anything, up to the mark; the variable that gives it.
    Text(String),
}

/// One line of an answer: its fields, in the order of the format.
#[derive(Clone, Debug)]
pub struct Row {
    values: std::vec::IntoIter<String>,
}

impl Fields {
    /// An empty format for a server of this version. The format itself is the
    /// same for all: [`Fields::read_as`] may say later which it is.
    #[must_use]
    pub fn new(version: Version) -> Fields {
        Fields {
            version,
            format: String::new(),
            columns: Vec::new(),
            // The first sign is none that a name of a variable begins with:
            // 3.4 would print a `$` before it escaped.
            mark: format!("/{}", random_text()),
        }
    }

    /// The same, for the answer of a server of this version.
    #[must_use]
    pub fn read_as(self, version: Version) -> Fields {
        Fields { version, ..self }
    }

    /// Adds ids, numbers or flags, by the names of their format variables.
    #[must_use]
    pub fn plain<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        for name in names {
            self.separate();
            self.columns.push(Column::Plain);
            self.format.push_str(&format!("#{{{name}}}"));
        }
        self
    }

    /// Adds texts that may hold anything, by the names of their variables.
    #[must_use]
    pub fn text<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Fields {
        for name in names {
            self.separate();
            self.columns.push(Column::Text(name.to_owned()));
            self.format.push_str(&format!("#{{{name}}}{}", self.mark));
        }
        self
    }

    fn separate(&mut self) {
        if !self.columns.is_empty() {
            self.format.push('\t');
        }
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
        let mut values = Vec::with_capacity(self.columns.len());
        for (i, column) in self.columns.iter().enumerate() {
            let last = i + 1 == self.columns.len();
            let (value, used) = match column {
                Column::Plain => {
                    let stop = if last { b'\n' } else { b'\t' };
                    let end = memchr::memchr(stop, rest).unwrap_or(rest.len());
                    (String::from_utf8_lossy(&rest[..end]).into_owned(), end)
                }
                Column::Text(variable) => {
                    let end = memchr::memmem::find(rest, self.mark.as_bytes())?;
                    let text = decode(self.version, variable, &rest[..end]);
                    (text, end + self.mark.len())
                }
            };
            values.push(value);
            rest = &rest[used..];
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
            .plain(["pane_id"])
            .text(["pane_title", "pane_current_path"]);
        let mark = fields.mark.clone();
        assert_ne!(mark, Fields::new(Version::new(3, 3)).mark);
        assert_eq!(
            fields.format(),
            format!("#{{pane_id}}\t#{{pane_title}}{mark}\t#{{pane_current_path}}{mark}")
        );
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
        let fields = Fields::new(Version::new(3, 4)).text(["pane_current_path", "host"]);
        let mark = &fields.mark;
        let answer = format!("\\\\$HOME \\$1{mark}\t\\$x $1 ${mark}\n");
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(rows[0].text(), r"\$HOME \$1");
        assert_eq!(rows[0].text(), "$x $1 $");
    }

    #[test]
    fn names_are_read_as_they_were_given() {
        let fields = Fields::new(Version::OLDEST).text(["session_name", "window_name"]);
        let answer = format!("\\$A\tb{0}\t\\$A\\tb{0}\n", fields.mark);
        // Before 3.2 only windows have their names in another form.
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(
            (rows[0].text(), rows[0].text()),
            ("\\$A\tb".into(), "$A\tb".into())
        );
        let answer = answer.replace("A\t", "A\\t");
        let fields = fields.read_as(Version::new(3, 3));
        let mut rows = fields.parse(answer.as_bytes()).unwrap();
        assert_eq!(
            (rows[0].text(), rows[0].text()),
            ("$A\tb".into(), "$A\tb".into())
        );
    }

    #[test]
    fn a_wrong_answer_is_an_error() {
        let fields = Fields::new(Version::new(3, 3)).plain(["a"]).text(["b"]);
        let mark = &fields.mark;
        for bad in ["x", "x\t", "x\ty", &format!("x\ty{mark}y\n")] {
            assert!(fields.parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
