//! The unfinished escape sequence that a pane's parser holds.
//!
//! `capture-pane -P` prints every byte since the parser left its ground state.
//! That is more than the sequence: controls that were obeyed on the way, and
//! sequences that were given up for the last one, stand there too.

/// Where a parser is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    Sequence,
    /// OSC, APC, PM, SOS, or screen's title.
    Text,
    /// DCS: escapes and controls are data.
    Device,
}

/// The part of `pending` that is still to be finished by the output to come.
///
/// With `expired` an unfinished string (OSC, DCS, …) is dropped: tmux gives
/// one up after five seconds, but goes on printing it as pending.
pub(super) fn unfinished(pending: &[u8], expired: bool) -> Vec<u8> {
    let mut state = State::Ground;
    let mut held = Vec::new();
    for &byte in pending {
        match (state, byte) {
            (_, 0x18 | 0x1a) => {
                held.clear();
                state = State::Ground;
            }
            (State::Device, _) => held.push(byte),
            (_, 0x1b) => {
                held.clear();
                held.push(byte);
                state = State::Escape;
            }
            // Obeyed within a sequence, ignored within a string.
            (_, 0x00..=0x1f) | (State::Ground, _) => {}
            (State::Escape, _) => {
                held.push(byte);
                state = match byte {
                    b'P' => State::Device,
                    b']' | b'_' | b'^' | b'X' | b'k' => State::Text,
                    _ => State::Sequence,
                };
            }
            (State::Sequence | State::Text, _) => held.push(byte),
        }
    }
    if expired && matches!(state, State::Text | State::Device) {
        held.clear();
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_stays() {
        for whole in [
            &b"\x1b"[..],
            b"\x1b[",
            b"\x1b[38;5",
            b"\x1b[?",
            b"\x1b(",
            b"\x1b]0;a title",
            b"\x1bPtmux;\x1b\x1b[1m",
            b"\x1b_x",
        ] {
            assert_eq!(unfinished(whole, false), whole);
        }
    }

    #[test]
    fn what_was_obeyed_or_given_up_goes() {
        assert_eq!(unfinished(b"", false), b"");
        assert_eq!(unfinished(b"\x1b[3\n\r1", false), b"\x1b[31");
        assert_eq!(unfinished(b"\x1b]0;abc\x1b", false), b"\x1b");
        assert_eq!(unfinished(b"\x1b[3\x1b[4", false), b"\x1b[4");
        assert_eq!(unfinished(b"\x1b[3\x18", false), b"");
    }

    #[test]
    fn an_old_string_swallows_nothing() {
        assert_eq!(unfinished(b"\x1b]0;abc", true), b"");
        assert_eq!(unfinished(b"\x1bPq#", true), b"");
        assert_eq!(unfinished(b"\x1b[3", true), b"\x1b[3");
    }
}
