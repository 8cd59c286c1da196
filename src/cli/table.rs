//! Columns for people.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// Prints rows under a header, in columns as wide as their widest cell.
pub(super) fn print(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    use std::io::Write as _;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([header[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            let pad = width.saturating_sub(cell.width()) + 2;
            text.extend(std::iter::repeat_n(' ', pad));
        }
        text.trim_end().to_owned()
    };
    let bold = Style::new().bold();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{bold}{}{bold:#}", line(&mut header.iter().copied()))?;
    for row in rows {
        let cells = &mut row.iter().map(String::as_str);
        writeln!(out, "{}", line(cells))?;
    }
    Ok(())
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
    let show = |c: char| {
        if c.is_control() {
            c.escape_default().collect::<String>()
        } else {
            c.to_string()
        }
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500_000), "1.5 MB");
        assert_eq!(duration(3723.9), "1:02:03");
        assert_eq!(duration(59.9), "0:59");
        assert_eq!(printable("a\x1b[1mé"), "a\\u{1b}[1mé");
    }
}
