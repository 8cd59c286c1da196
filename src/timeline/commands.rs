//! The commands of a shell, out of its marks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cast::Micros;
use crate::screen::{Mark, Marked};

/// Commands at most, and bytes of the text of one.
const MOST: usize = 100_000;
const LONGEST: usize = 4096;

/// A command that a shell ran and told of (OSC 133).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// When it started: microseconds since the start of the cast.
    pub start: Micros,
    /// When it ended; `None` while it runs.
    pub end: Option<Micros>,
    /// What was typed, if the shell says so or the screen shows it.
    pub text: Option<String>,
    /// Its exit status, if the shell says so.
    pub status: Option<i32>,
    /// The folder it was started in, if the shell says so.
    pub folder: Option<PathBuf>,
    /// The rows of the normal screen that its output begins in and ends before,
    /// counted from the first that the terminal ever had; other rows after a change
    /// of the width.
    pub rows: (u64, Option<u64>),
}

impl Command {
    /// Whether it ran at a time.
    pub(crate) fn contains(&self, time: Micros) -> bool {
        self.start <= time && self.end.is_none_or(|end| time < end.max(self.start + 1))
    }

    /// Whether it ended with a status other than 0.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status.is_some_and(|status| status != 0)
    }
}

/// Pairs marks. Shells leave out some of them, and two integrations in one shell
/// double them: a second start or end of the same command is none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Commands {
    all: Vec<Command>,
    /// The last command runs.
    is_open: bool,
    /// That is the one that may run from the part before on, of which nothing was told
    /// so far.
    #[serde(default)]
    may_be_none: bool,
}

impl Commands {
    /// Those of a cast in which a recording goes on: the first is the one that ran as
    /// the part before ended, if one did. Only who knows that part can say.
    pub fn of_part() -> Commands {
        let before = Command {
            start: 0,
            end: None,
            text: None,
            status: None,
            folder: None,
            rows: (0, None),
        };
        Commands {
            all: vec![before],
            is_open: true,
            may_be_none: true,
        }
    }

    pub fn all(&self) -> &[Command] {
        &self.all
    }

    /// What the shell said at `time`.
    pub fn add(&mut self, time: Micros, marked: Marked) {
        let end = marked.row + u64::from(marked.column > 0);
        match marked.mark {
            Mark::Output { command } => self.start(time, command, marked.folder, marked.row),
            Mark::Finished { status } => self.finish(time, status, end),
            // A new prompt ends what never said that it ended.
            Mark::Prompt => self.finish(time, None, end),
            Mark::Input => {}
        }
    }

    fn start(&mut self, time: Micros, text: Option<String>, folder: Option<PathBuf>, row: u64) {
        let text = text.map(|text| shortened(&text));
        if self.may_be_none {
            self.finish(time, None, row);
        }
        if self.is_open {
            if let (Some(last), Some(_)) = (self.all.last_mut(), &text)
                && last.text.is_none()
            {
                last.text = text;
            }
            return;
        }
        if self.all.len() < MOST {
            self.is_open = true;
            self.all.push(Command {
                start: time,
                end: None,
                text,
                status: None,
                folder,
                rows: (row, None),
            });
        }
    }

    fn finish(&mut self, time: Micros, status: Option<i32>, end_row: u64) {
        self.may_be_none = false;
        let Some(last) = self.all.last_mut() else {
            return;
        };
        if std::mem::take(&mut self.is_open) {
            last.end = Some(time);
            last.status = status;
            last.rows.1 = Some(end_row);
        } else if last.end == Some(time) && last.status.is_none() {
            last.status = status;
        }
    }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(marks: &[(Micros, Mark)]) -> Vec<(Micros, Option<Micros>, Option<i32>)> {
        let mut commands = Commands::default();
        for (time, mark) in marks {
            let mark = mark.clone();
            let marked = Marked {
                mark,
                row: 0,
                column: 0,
                folder: None,
            };
            commands.add(*time, marked);
        }
        let all = commands.all().iter();
        all.map(|one| (one.start, one.end, one.status)).collect()
    }

    #[test]
    fn a_part_begins_with_what_may_run_from_the_one_before_on() {
        let output = || Mark::Output { command: None };
        let marked = |mark| Marked {
            mark,
            row: 3,
            column: 0,
            folder: None,
        };
        for (mark, status) in [
            (output(), None),
            (Mark::Prompt, None),
            (Mark::Finished { status: Some(1) }, Some(1)),
        ] {
            let mut commands = Commands::of_part();
            let is_start = mark == output();
            commands.add(5, marked(mark));
            let first = &commands.all()[0];
            assert_eq!((first.start, first.end, first.status), (0, Some(5), status));
            assert_eq!(commands.all().len(), 1 + usize::from(is_start));
        }
    }

    #[test]
    fn starts_and_ends_are_paired() {
        let output = || Mark::Output { command: None };
        let finished = |status| Mark::Finished { status };
        let all = paired(&[
            // An empty line at the first prompt.
            (0, finished(Some(0))),
            (0, Mark::Prompt),
            (1, Mark::Input),
            (2, output()),
            // The other integration.
            (2, output()),
            (5, finished(Some(1))),
            (5, finished(Some(1))),
            (5, Mark::Prompt),
            // One that never said that it ended.
            (6, output()),
            (8, Mark::Prompt),
            (9, output()),
        ]);
        let expected = [(2, Some(5), Some(1)), (6, Some(8), None), (9, None, None)];
        assert_eq!(all, expected);
    }
}
