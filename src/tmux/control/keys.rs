//! What is typed into a pane, as commands of tmux.
//!
//! Invariant: the commands type the text as it is, whole and in order. tmux
//! drops characters whose width it does not know and encodes control
//! characters in its own way, so such go byte by byte; but a byte that goes so is an
//! argument of its own, and costs tmux as much as a long stretch of plain text.

use crate::tmux::Batch;

/// Longest stretch of plain text in one command, in bytes.
const LONGEST_TEXT: usize = 4096;

/// Most bytes in one command.
const MOST_BYTES: usize = 400;

/// Shortest stretch of plain text between other bytes that has a command of its
/// own.
const WORTH_WHILE: usize = 16;

/// The commands that type `keys` into the pane `target`: as a key where it is
/// tmux's name for one and not `literal`, else as text; then Enter, if wanted.
#[must_use]
pub fn typing(target: &str, keys: &str, literal: bool, enter: bool) -> Batch {
    let mut batch = Batch::new();
    let literal = literal || keys.len() > LONGEST_TEXT || !keys.bytes().all(is_plain);
    if !literal && !keys.is_empty() {
        batch.push(["send-keys", "-t", target, "--", keys]);
    } else {
        for stretch in stretches(keys) {
            if stretch.bytes().all(is_plain) {
                batch.push(["send-keys", "-t", target, "-l", "--", stretch]);
            } else {
                let command = ["send-keys", "-t", target, "-H"].map(str::to_owned);
                let bytes = stretch.bytes().map(|byte| format!("{byte:02x}"));
                batch.push(command.into_iter().chain(bytes));
            }
        }
    }
    if enter {
        batch.push(["send-keys", "-t", target, "Enter"]);
    }
    batch
}

/// Whether tmux types this byte as it is. The names of keys have no other.
fn is_plain(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}

/// Cuts a text, between characters, into what one command each types.
fn stretches(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let length = match next_plain(text) {
            0 => {
                let end = text.bytes().position(|byte| !is_plain(byte));
                end.unwrap_or(text.len()).min(LONGEST_TEXT)
            }
            start => text.floor_char_boundary(start.min(MOST_BYTES)),
        };
        let (stretch, rest) = text.split_at(length);
        text = rest;
        Some(stretch)
    })
}

/// Where the first stretch of plain text begins that is worth while, or takes
/// up all of the text. Looks no further than one command goes: a long text is
/// looked at once, not once for each of its commands.
fn next_plain(text: &str) -> usize {
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate().take(MOST_BYTES + WORTH_WHILE) {
        run = if is_plain(byte) { run + 1 } else { 0 };
        if run == WORTH_WHILE {
            return at + 1 - run;
        }
    }
    if run == text.len() { 0 } else { text.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(keys: &str, literal: bool, enter: bool) -> Vec<String> {
        let typing = typing("%1", keys, literal, enter);
        let commands = typing.commands().iter();
        commands
            .map(|command| {
                let words = command.iter().skip(3).map(|word| word.to_string_lossy());
                words.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    #[test]
    fn keys_go_by_name_and_text_as_it_is() {
        assert_eq!(commands("C-c", false, false), ["-- C-c"]);
        assert_eq!(commands("C-c", true, true), ["-l -- C-c", "Enter"]);
        assert_eq!(commands("é\t", false, false), ["-H c3 a9 09"]);
        assert_eq!(commands("", false, true), ["Enter"]);
        assert!(commands("", true, false).is_empty());
        let script = "echo one two three\necho four five six\n";
        assert_eq!(
            commands(script, false, false),
            [
                "-l -- echo one two three",
                "-H 0a",
                "-l -- echo four five six",
                "-H 0a"
            ]
        );
        assert_eq!(commands("é ü", true, false), ["-H c3 a9 20 c3 bc"]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let plain = "and some plain text";
        for text in [
            "aé😀".repeat(3000),
            format!("é{plain}").repeat(900),
            plain.repeat(3000),
            "\u{1}".repeat(5000),
        ] {
            let cut: Vec<_> = stretches(&text).collect();
            assert_eq!(cut.concat(), text);
            for message in typing("%1", &text, true, true).into_messages() {
                assert!(message.fits_command_line());
            }
        }
    }
}
