//! When a command ends in a pane: what its shell says by OSC 133.
//!
//! The marks stand in what the pane prints, which tmux gives to one pipe alone.
//! A pane that is recorded has our pipe already: then its cast is read as it
//! grows. On any other, a pipe of our own runs as long as somebody waits; not on
//! the other panes of a recorded window, which the recording may need next.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

use crate::api::{PaneInput, Recording};
use crate::cast::{Code, EventReader, Position, ReadError, Strictness, TextBuffer};
use crate::daemon::Daemon;
use crate::http::error::{Failure, Result};
use crate::record::{Fifo, Read};
use crate::tmux::pipe::{self, Piped};
use crate::tmux::{Control, PaneId};

/// Time between two looks at a cast that grows.
const PACE: Duration = Duration::from_millis(50);

/// Waits for the end of commands in a pane.
pub(super) struct CommandEnd<'a> {
    daemon: &'a Daemon,
    tmux: &'a Control,
    pane: PaneId,
    source: Source,
    marks: Marks,
}

enum Source {
    Cast(Box<GrowingCast>),
    Pipe(OwnPipe),
}

impl<'a> CommandEnd<'a> {
    /// Watches from now on.
    ///
    /// # Errors
    /// When another program has the pane's pipe, or its program has ended.
    pub(super) async fn watch(
        daemon: &'a Daemon,
        tmux: &'a Control,
        pane: PaneId,
    ) -> Result<CommandEnd<'a>> {
        Ok(CommandEnd {
            daemon,
            tmux,
            pane,
            source: Self::open(daemon, tmux, pane).await?,
            marks: Marks::default(),
        })
    }

    async fn open(daemon: &Daemon, tmux: &Control, pane: PaneId) -> Result<Source> {
        match recorded_as(daemon, tmux, pane) {
            Some(path) => GrowingCast::open(path)
                .map(|cast| Source::Cast(Box::new(cast)))
                .map_err(Failure::internal),
            None => OwnPipe::start(daemon, tmux, pane).await.map(Source::Pipe),
        }
    }

    /// Waits for the next end; gives the command's exit status, if the shell
    /// told it. May be cancelled between two waits, and nothing is lost.
    ///
    /// # Errors
    /// When the pane can no longer be watched.
    pub(super) async fn next(&mut self) -> Result<Option<i32>> {
        loop {
            let is_recorded = recorded_as(self.daemon, self.tmux, self.pane);
            match &mut self.source {
                Source::Cast(cast) => {
                    // The recording has ended, or follows another pane now.
                    if is_recorded.as_ref() != Some(&cast.path) {
                        self.source = Self::open(self.daemon, self.tmux, self.pane).await?;
                        continue;
                    }
                    let marks = &mut self.marks;
                    let mut ended = None;
                    cast.read(|output| ended = ended.or(marks.feed(output.as_bytes())))
                        .map_err(Failure::internal)?;
                    if let Some(status) = ended {
                        return Ok(status);
                    }
                    tokio::time::sleep(PACE).await;
                }
                Source::Pipe(own) => {
                    let mut buffer = [0; 16 * 1024];
                    match own.fifo.read(&mut buffer).map_err(Failure::internal)? {
                        Read::Bytes(count) => {
                            if let Some(status) = self.marks.feed(&buffer[..count]) {
                                return Ok(status);
                            }
                        }
                        Read::Empty => own.fifo.readable().await.map_err(Failure::internal)?,
                        // The pane's program has ended, or a recording has
                        // taken the pipe.
                        Read::Closed => {
                            self.source = Self::open(self.daemon, self.tmux, self.pane).await?;
                        }
                    }
                }
            }
        }
    }
}

/// The cast into which a pane is recorded now, if it is.
fn recorded_as(daemon: &Daemon, tmux: &Control, pane: PaneId) -> Option<PathBuf> {
    let pane = pane.to_string();
    let socket = tmux.server().socket().path();
    let mut recordings = daemon.recordings().into_iter();
    let found = recordings.find(|recording| {
        recording.active_pane.as_ref() == Some(&pane) && recording.socket == socket
    });
    found.map(|recording| recording.cast_path)
}

/// A cast that a recording writes, from its end on.
struct GrowingCast {
    path: PathBuf,
    reader: EventReader<File>,
    text: TextBuffer,
}

impl GrowingCast {
    fn open(path: PathBuf) -> io::Result<GrowingCast> {
        let mut file = File::open(&path)?;
        // A line ends there: at every moment the file is whole lines.
        let end = Position {
            version: 2,
            offset: file.seek(SeekFrom::End(0))?,
            time: 0,
            base: 0,
        };
        Ok(GrowingCast {
            path,
            reader: EventReader::resume(file, end, Strictness::Forgiving),
            text: TextBuffer::default(),
        })
    }

    /// Gives the output of the events that are new.
    fn read(&mut self, mut output: impl FnMut(&str)) -> std::result::Result<(), ReadError> {
        while let Some(event) = self.reader.next()? {
            if event.code == Code::Output {
                output(event.data.decode(&mut self.text));
            }
        }
        Ok(())
    }
}

/// A pipe from the pane, as long as this lives.
struct OwnPipe {
    fifo: Fifo,
    tmux: Control,
    pane: PaneId,
}

impl OwnPipe {
    async fn start(daemon: &Daemon, tmux: &Control, pane: PaneId) -> Result<OwnPipe> {
        let window = tmux.pane(pane).await?.window.to_string();
        let socket = tmux.server().socket().path();
        let mut recordings = daemon.recordings().into_iter();
        let is_recorded = |recording: Recording| {
            recording.window_id == window && recording.socket == socket && recording.active
        };
        if recordings.any(is_recorded) {
            return Err(busy(format!(
                "window {window} is recorded, and pane {pane} is not its active one: \
                 its pipe is kept for the recording"
            )));
        }
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-wait-{serial}", std::process::id());
        let path = daemon.folders().pipes().join(name);
        let own = OwnPipe {
            fifo: Fifo::create(&path).map_err(Failure::internal)?,
            tmux: tmux.clone(),
            pane,
        };
        let batch = pipe::start(pane, &path, None, None).map_err(Failure::internal)?;
        let answer = tmux.server().run(&batch).await?;
        match pipe::parse(&answer) {
            Some(Piped::Yes) => Ok(own),
            Some(Piped::Dead) => {
                let input = PaneInput {
                    dead: true,
                    ..PaneInput::default()
                };
                Err(Failure::no_input(pane, input))
            }
            Some(Piped::Busy) | None => Err(busy(format!(
                "pane {pane} is piped by another program (tmux pipe-pane), and tmux allows one pipe"
            ))),
        }
    }
}

fn busy(message: String) -> Failure {
    Failure::new(StatusCode::CONFLICT, "pane_busy", message)
}

impl Drop for OwnPipe {
    fn drop(&mut self) {
        let stop = pipe::stop(self.pane, self.fifo.path());
        let server = self.tmux.server().clone();
        tokio::spawn(async move {
            // A pane that is gone has no pipe.
            let _ = server.run(&stop).await;
        });
    }
}

/// Finds the marks of commands in what a pane prints, in parts of any size.
#[derive(Debug, Default)]
struct Marks {
    /// What of a mark has come; empty outside of one.
    mark: Vec<u8>,
}

/// How a mark starts: OSC 133.
const START: &[u8] = b"\x1b]133;";

/// Longest mark, in bytes; a longer one is not a mark.
const LONGEST: usize = 256;

impl Marks {
    /// Takes the next bytes. Gives the exit status of the last command that has
    /// ended in them, `Some(None)` when the shell does not tell it.
    fn feed(&mut self, bytes: &[u8]) -> Option<Option<i32>> {
        let mut ended = None;
        for byte in bytes {
            if self.mark.len() < START.len() {
                if *byte == START[self.mark.len()] {
                    self.mark.push(*byte);
                } else {
                    self.mark.clear();
                    if *byte == START[0] {
                        self.mark.push(*byte);
                    }
                }
                continue;
            }
            match byte {
                // BEL ends it, and so does the ESC of a string terminator.
                0x07 | 0x1b => {
                    ended = end_of_command(&self.mark[START.len()..]).or(ended);
                    self.mark.clear();
                    if *byte == 0x1b {
                        self.mark.push(*byte);
                    }
                }
                // CAN and SUB take it back.
                0x18 | 0x1a => self.mark.clear(),
                _ if self.mark.len() == LONGEST => self.mark.clear(),
                _ => self.mark.push(*byte),
            }
        }
        ended
    }
}

/// The exit status in a mark `D`, `D;STATUS` or `D;STATUS;…`.
fn end_of_command(mark: &[u8]) -> Option<Option<i32>> {
    let mark = std::str::from_utf8(mark).ok()?;
    let mut parts = mark.split(';');
    (parts.next() == Some("D")).then(|| parts.next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRINTED: &str = "\x1b]133;A\x07$ \x1b]133;B\x07false\r\n\x1b]133;C\x07out\x1b]13\
                           \x1b]133;D;1\x1b\\\x1b]133;A\x07$ ";

    #[test]
    fn the_end_of_a_command_is_found() {
        for (printed, ended) in [
            (PRINTED, Some(Some(1))),
            ("\x1b]133;D\x07", Some(None)),
            ("\x1b]133;D;\x07", Some(None)),
            ("\x1b]133;D;130;aid=7\x1b\\", Some(Some(130))),
            ("\x1b\x1b]133;D;0\x07", Some(Some(0))),
            ("\x1b]133;D;1\x07\x1b]133;D;2\x07", Some(Some(2))),
            ("\x1b]133;C\x07", None),
            ("\x1b]133;D;1", None),
            ("\x1b]133;D;1\x18\x07", None),
            ("\x1b]0;133;D;1\x07", None),
            ("]133;D;1\x07", None),
            ("\x1b]133;Dx\x07", None),
        ] {
            assert_eq!(
                Marks::default().feed(printed.as_bytes()),
                ended,
                "{printed:?}"
            );
        }
    }

    #[test]
    fn a_mark_without_an_end_takes_no_memory() {
        let mut marks = Marks::default();
        marks.feed(START);
        marks.feed(&[b'D'; 100_000]);
        assert!(marks.mark.capacity() <= 2 * LONGEST);
        assert_eq!(marks.feed(b"\x1b]133;D;3\x07"), Some(Some(3)));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(cuts in prop::collection::vec(1usize..7, 1..80)) {
            let mut marks = Marks::default();
            let (mut rest, mut found) = (PRINTED.as_bytes(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, more) = rest.split_at((*cut).min(rest.len()));
                found.extend(marks.feed(part));
                rest = more;
            }
            prop_assert_eq!(found, [Some(1)]);
        }
    }
}
