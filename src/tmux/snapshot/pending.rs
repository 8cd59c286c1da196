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
    /// OSC, APC, PM, SOS, or screen's title; or a DCS that is ignored.
    Text,
    /// The parameters of a DCS.
    DeviceHead,
    /// The data of a DCS: escapes and controls are data too.
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
            // tmux takes them for data; any other terminal would leave the
            // string that tmux is still in.
            (State::Device, 0x18 | 0x1a) => {}
            (State::Device, _) => held.push(byte),
            (_, 0x18 | 0x1a) => {
                held.clear();
                state = State::Ground;
            }
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
                    b'P' => State::DeviceHead,
                    b']' | b'_' | b'^' | b'X' | b'k' => State::Text,
                    _ => State::Sequence,
                };
            }
            (State::DeviceHead, _) => {
                held.push(byte);
                match byte {
                    0x40..=0x7e => state = State::Device,
                    b':' => state = State::Text,
                    _ => {}
                }
            }
            (State::Sequence | State::Text, _) => held.push(byte),
        }
    }
    if expired && matches!(state, State::Text | State::DeviceHead | State::Device) {
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
    fn a_device_string_goes_on_after_a_cancel() {
        assert_eq!(unfinished(b"\x1bPq#1\x18 2\x1a3", false), b"\x1bPq#1 23");
        assert_eq!(unfinished(b"\x1bP1;2q\x1b\x18x", false), b"\x1bP1;2q\x1bx");
        // Not before its data, nor in one that is ignored.
        assert_eq!(unfinished(b"\x1bP1;2\x18", false), b"");
        assert_eq!(unfinished(b"\x1bP:q\x1a", false), b"");
        assert_eq!(unfinished(b"\x1bP1\x1b[3", false), b"\x1b[3");
    }

    #[test]
    fn an_old_string_swallows_nothing() {
        assert_eq!(unfinished(b"\x1b]0;abc", true), b"");
        assert_eq!(unfinished(b"\x1bPq#", true), b"");
        assert_eq!(unfinished(b"\x1b[3", true), b"\x1b[3");
    }
}
