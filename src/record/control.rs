//! What stands beside the output of a recorded command: sizes, keys, losses, pauses.
//!
//! The command's output goes to the daemon through a FIFO, as a pane's does.
//! This goes through a second one, as a line of JSON for each message, and is
//! read before output that was written after it. What the daemon orders comes back
//! through a third.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use serde::de::DeserializeOwned;
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
    /// All output before the pause of this number is handed over, and no more comes.
    Paused(u64),
    /// Output is handed over again.
    Resumed,
    /// Nothing is handed over, by the settings, and why; `None` ends that.
    Withheld(Option<String>),
}

/// A line of JSON that the daemon writes into the FIFO for orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Hand over nothing more; answered by [`Control::Paused`] of the same number.
    Pause(u64),
    /// Hand over what comes from now on; answered by [`Control::Resumed`].
    Resume,
    /// Hand over what the settings keep out at present, too.
    Allow,
}

/// Where the orders for a command's recording come: beside the FIFO of its output,
/// with which it is kept and removed.
#[must_use]
pub fn orders_path(output: &Path) -> PathBuf {
    let mut path = output.as_os_str().to_owned();
    path.push(".orders");
    path.into()
}

impl Order {
    /// Writes the order, without waiting.
    ///
    /// # Errors
    /// When nobody has opened the FIFO for reading, or it is full.
    pub fn send(self, orders: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits())
            .open(orders)?;
        file.write_all(&line(&self))
    }
}

fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
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
        line(self)
    }
}

/// Puts messages of one type together from pieces cut anywhere.
#[derive(Debug)]
pub struct LineReader<T> {
    line: Vec<u8>,
    of: PhantomData<T>,
}

impl<T> Default for LineReader<T> {
    fn default() -> LineReader<T> {
        LineReader {
            line: Vec::new(),
            of: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> LineReader<T> {
    /// Takes in more bytes; hands on the messages that are complete. What is
    /// none is skipped.
    pub fn feed(&mut self, bytes: &[u8], mut on_message: impl FnMut(T)) {
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
            Control::Paused(12),
            Control::Resumed,
            Control::Withheld(Some("it".to_owned())),
            Control::Withheld(None),
        ];
        let mut bytes: Vec<u8> = messages.iter().flat_map(Control::line).collect();
        bytes.splice(0..0, *b"no message\n");
        for size in 1..=bytes.len() {
            let mut reader = LineReader::<Control>::default();
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
