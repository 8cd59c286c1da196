//! What a pane has printed before its screen: tmux's history of it, as output.

use super::super::{Batch, PaneId, Separator};

/// The commands whose answer [`split`] reads: to stand right before those of a
/// snapshot.
#[must_use]
pub fn query(pane: PaneId, separator: &Separator) -> Batch {
    let pane = pane.to_string();
    // Where there is no history, the capture is of the screen's first row.
    let mut batch = Batch::of(["display-message", "-p", "-t", &pane, "#{history_size}"]);
    separator.end(&mut batch);
    let history = ["-S", "-", "-E", "-1"];
    let capture = ["capture-pane", "-peJ", "-t", &pane]
        .into_iter()
        .chain(history);
    batch.push(capture);
    separator.end(&mut batch);
    batch
}

/// Splits an answer into the history, if there is one, and what the rest of the
/// batch printed.
#[must_use]
pub fn split<'a>(separator: &Separator, answer: &'a [u8]) -> (Option<&'a [u8]>, &'a [u8]) {
    let Some((size, rest)) = separator.split(answer) else {
        return (None, answer);
    };
    let Some((text, rest)) = separator.split(rest) else {
        return (None, rest);
    };
    let is_there = size.iter().any(|digit| (b'1'..=b'9').contains(digit));
    (is_there.then_some(text), rest)
}

/// Output that prints a history on a screen of `rows` rows, and moves all of it off
/// its top.
#[must_use]
pub fn output(history: &[u8], rows: u16) -> Vec<u8> {
    let mut output = Vec::with_capacity(history.len() + history.len() / 8);
    let lines = history.strip_suffix(b"\n").unwrap_or(history);
    for line in lines.split(|byte| *byte == b'\n') {
        output.extend_from_slice(line);
        output.extend_from_slice(b"\r\n");
    }
    output.extend_from_slice(b"\x1b[0m");
    output.extend(b"\r\n".repeat(usize::from(rows).saturating_sub(1)));
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_output_and_none_is_nothing() {
        let separator = Separator::random();
        let mut end = Batch::new();
        separator.end(&mut end);
        let end = end.commands()[0][2].to_str().unwrap().to_owned();
        let answer = |size: &str, text: &str| format!("{size}\n{end}\n{text}{end}\nrest");
        let some = answer("12", "one\n\u{1b}[1mtwo\n");
        let (history, rest) = split(&separator, some.as_bytes());
        let output = output(history.unwrap(), 3);
        assert_eq!(output, b"one\r\n\x1b[1mtwo\r\n\x1b[0m\r\n\r\n");
        assert_eq!(rest, b"rest");
        let none = answer("0", "the screen's first row\n");
        assert_eq!(split(&separator, none.as_bytes()), (None, &b"rest"[..]));
    }
}
