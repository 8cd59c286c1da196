//! Columns for people.

use std::borrow::Cow;
use std::io::{BufWriter, Write as _};

use anstyle::Style;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Blanks between two columns.
const GAP: usize = 2;

/// The narrowest that a cell is cut to.
const NARROWEST: usize = 8;

/// A moment of the day here, to the second: `14:05:09`.
pub(super) fn clock_time(unix_seconds: u64) -> String {
    let seconds = i64::try_from(unix_seconds).unwrap_or_default();
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// The cells of a table, row by row, all in one text. Each row has as many as the
/// header that it is printed under.
#[derive(Default)]
pub(super) struct Cells {
    text: String,
    /// Where each ends in the text, and how many columns of a terminal it takes.
    ends: Vec<(usize, usize)>,
}

impl Cells {
    /// Adds the cells of a row, the first of them first.
    pub(super) fn add<T: AsRef<str>>(&mut self, row: impl IntoIterator<Item = T>) {
        for cell in row {
            let cell = cell.as_ref();
            self.text.push_str(cell);
            self.ends.push((self.text.len(), width(cell)));
        }
    }

    /// Adds the rows of another table of as many columns.
    pub(super) fn append(&mut self, other: &Cells) {
        let before = self.text.len();
        self.text.push_str(&other.text);
        let ends = other.ends.iter().map(|(end, width)| (before + end, *width));
        self.ends.extend(ends);
    }

    /// A cell, and how many columns of a terminal it takes.
    fn at(&self, at: usize) -> (&str, usize) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, width) = self.ends[at];
        (&self.text[start..end], width)
    }
}

/// Prints rows under a header, in columns as wide as their widest cell.
///
/// On a terminal no line is longer than that is wide: the last column is cut at
/// its start, where paths say least, and those of `flexible` at their ends; then
/// whole columns go, those of `dispensable` in its order; then the first is cut.
/// A column that says nothing in any row is left out.
pub(super) fn print(
    header: &[&str],
    rows: &Cells,
    flexible: &[&str],
    dispensable: &[&str],
) -> std::io::Result<()> {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let width = terminal.map(|(width, _)| usize::from(width.0));
    // Only the header has colours: what comes of many rows is not searched for them.
    let stdout = std::io::stdout().lock();
    let bold = match anstream::AutoStream::choice(&stdout) {
        anstream::ColorChoice::Never => Style::new(),
        _ => Style::new().bold(),
    };
    let mut out = BufWriter::with_capacity(64 << 10, stdout);
    let mut is_header = true;
    each_line(
        header,
        rows,
        (flexible, dispensable),
        width,
        |line| match std::mem::take(&mut is_header) {
            true => writeln!(out, "{bold}{line}{bold:#}"),
            false => writeln!(out, "{line}"),
        },
    )?;
    out.flush()
}

/// Hands over the header, then each row, as lines.
fn each_line<'a>(
    header: &[&'a str],
    cells: &'a Cells,
    (flexible, dispensable): (&[&str], &[&str]),
    limit: Option<usize>,
    mut take: impl FnMut(&str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let limit = limit.unwrap_or(usize::MAX);
    let rows = 0..cells.ends.len() / header.len();
    let at = |row: usize, column: usize| cells.at(row * header.len() + column);
    let natural = |column: usize| {
        let widths = rows.clone().map(|row| at(row, column).1);
        widths.chain([width(header[column])]).max().unwrap_or(0)
    };
    let natural: Vec<usize> = (0..header.len()).map(natural).collect();
    let says_something = |column: &usize| rows.clone().any(|row| at(row, *column).0 != "-");
    let mut columns: Vec<(usize, usize)> = (0..header.len())
        .filter(says_something)
        .map(|column| (column, natural[column]))
        .collect();
    let total = |columns: &[(usize, usize)]| {
        let widths: usize = columns.iter().map(|(_, width)| width).sum();
        widths + GAP * columns.len().saturating_sub(1)
    };
    let last = header.len() - 1;
    for name in std::iter::once(&"").chain(dispensable) {
        columns.retain(|(column, _)| header[*column] != *name);
        for (column, width) in &mut columns {
            *width = natural[*column];
        }
        // The last one first: its start says least.
        for at in (0..columns.len()).rev() {
            let excess = total(&columns).saturating_sub(limit);
            let (column, width) = &mut columns[at];
            let least = match *column == last {
                true => 2 * NARROWEST,
                false if flexible.contains(&header[*column]) => NARROWEST,
                false => *width,
            };
            *width -= excess.min(width.saturating_sub(least));
        }
        if total(&columns) <= limit {
            break;
        }
    }
    let excess = total(&columns).saturating_sub(limit);
    columns[0].1 = columns[0].1.saturating_sub(excess).max(NARROWEST);
    let mut text = String::new();
    let mut line = |cell: &dyn Fn(usize) -> (&'a str, usize)| {
        text.clear();
        for (column, most) in &columns {
            let (cell, own) = cell(*column);
            let mut pad = most.saturating_sub(own) + GAP;
            if own <= *most {
                text.push_str(cell);
            } else {
                let cell = cut(cell, *most, *column == last);
                text.push_str(&cell);
                pad = most.saturating_sub(width(&cell)) + GAP;
            }
            text.extend(std::iter::repeat_n(' ', pad));
        }
        take(text.trim_end())
    };
    line(&|column| (header[column], width(header[column])))?;
    rows.clone()
        .try_for_each(|row| line(&|column| at(row, column)))
}

/// How many columns a text takes; that of most is told at once.
fn width(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.width(),
    }
}

/// A cell that is wider, in `most` columns; `…` stands for what is cut.
fn cut(cell: &str, most: usize, at_start: bool) -> String {
    let mut left = most.saturating_sub(1);
    let mut fits = |c: &char| {
        let needed = c.width().unwrap_or(0);
        let fits = needed <= left;
        left = left.saturating_sub(needed);
        fits
    };
    match at_start {
        true => {
            let kept: Vec<char> = cell.chars().rev().take_while(|c| fits(c)).collect();
            std::iter::once('…').chain(kept.into_iter().rev()).collect()
        }
        false => cell.chars().take_while(|c| fits(c)).chain(['…']).collect(),
    }
}

/// `1.5 MB`: a size as people read it, in powers of 1000.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `1:02:03`: a duration as people read it.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// Text from elsewhere, safe on a terminal: control characters are shown, not
/// obeyed.
pub(super) fn printable(text: &str) -> String {
    shown(text).into_owned()
}

/// The same, of a text that most often is safe as it is.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    // That of most is told at once.
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.bytes().all(is_plain) || !text.contains(char::is_control) {
        return text.into();
    }
    let mut shown = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_their_terminal() {
        let header = ["ID", "NAME", "STATE", "SIZE", "CAST"];
        let row = [
            "main:@12",
            "édition 日本",
            "recording",
            "1.5 MB",
            "~/Videos/tmux/2026-11/2026-11-26_1200_host_main_@12_x.cast",
        ];
        let mut rows = Cells::default();
        rows.add(row);
        let columns = (&["NAME"][..], &["CAST", "SIZE", "NAME"][..]);
        let shown = |width| {
            let mut lines = Vec::new();
            each_line(&header, &rows, columns, width, |line| {
                lines.push(line.to_owned());
                Ok(())
            })
            .unwrap();
            lines
        };
        assert!(shown(None)[1].ends_with("_x.cast"));
        for width in [120, 100, 80, 60, 40, 20, 10] {
            for line in shown(Some(width)) {
                assert!(line.width() <= width.max(19), "{width}: {line}");
            }
        }
        let row = &shown(Some(80))[1];
        assert!(row.contains("  …") && row.ends_with("_x.cast"), "{row}");
        assert_eq!(
            shown(Some(40))[1],
            "main:@12  édition 日…  recording  1.5 MB"
        );
        assert_eq!(shown(Some(20))[1], "main:@12  recording");
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500_000), "1.5 MB");
        assert_eq!(duration(3723.9), "1:02:03");
        assert_eq!(duration(59.9), "0:59");
        assert_eq!(printable("a\x1b[1mé"), "a\\u{1b}[1mé");
    }
}
