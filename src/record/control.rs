//! What stands beside the output of a recorded command: sizes, keys, losses.
//!
//! The command's output goes to the daemon through a FIFO, as a pane's does.
//! This goes through a second one, as a line of JSON for each message, and is
//! read before output that was written after it.

use serde::{Deserialize, Serialize};

/// A line of JSON that the client writes into the control FIFO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// The terminal's new size: columns, rows.
    Resize(u16, u16),
    /// The user typed this.
    Input(String),
    /// This many bytes of output could not be handed over.
    Lost(u64),
}

/// Longest text of a message, in bytes. As JSON it fits into `PIPE_BUF`, so that
/// it is written whole or not at all.
pub const LONGEST_INPUT: usize = 512;

/// Longest line that is gathered; more is no message.
const LONGEST_LINE: usize = 4096;

impl Control {
    /// The message as a line.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Puts messages together from pieces cut anywhere.
#[derive(Debug, Default)]
pub struct ControlReader {
    line: Vec<u8>,
}

impl ControlReader {
    /// Takes in more bytes; hands on the messages that are complete. What is
    /// none is skipped.
    pub fn feed(&mut self, bytes: &[u8], mut on_message: impl FnMut(Control)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                if let Ok(message) = serde_json::from_slice(&self.line) {
                    on_message(message);
                }
                self.line.clear();
            } else if self.line.len() > LONGEST_LINE {
                self.line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_through_however_they_are_cut() {
        let messages = [
            Control::Resize(100, 30),
            Control::Input("ls\r\u{1b}[A\n€".to_owned()),
            Control::Lost(7),
        ];
        let mut bytes: Vec<u8> = messages.iter().flat_map(Control::line).collect();
        bytes.splice(0..0, *b"no message\n");
        for size in 1..=bytes.len() {
            let mut reader = ControlReader::default();
            let mut seen = Vec::new();
            for chunk in bytes.chunks(size) {
                reader.feed(chunk, |message| seen.push(message));
            }
            assert_eq!(seen, messages);
        }
    }

    #[test]
    fn the_longest_message_is_written_at_once() {
        let worst = Control::Input("\u{1}".repeat(LONGEST_INPUT));
        assert!(worst.line().len() <= 4096);
    }
}
