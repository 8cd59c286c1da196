//! Plays a cast that is being written, up to a byte that is asked for, and tells the
//! screen there: what the next part of a recording that is rotated begins with.
//!
//! It says `ready` once little of the cast is left: a flood is never read to its end. Then each line of its
//! standard input asks for the screen at a byte of the cast; the answer is
//! `screen LENGTH` and as many bytes of output that paint it, or `inside` where the
//! cast ends within an escape sequence there. It ends with its standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cast::{Code, EventReader, ReadError, Strictness, TextBuffer};
use crate::daemon::SCREEN_VERB;
use crate::screen::Screen;
use crate::timeline::rules_of;
use crate::view;

/// Bytes of a cast that are played in a moment.
const NEAR: u64 = 256 << 10;

/// Whether the process was started for this: `verb` is its first argument.
pub(super) fn is_part_screen(verb: Option<&OsStr>) -> bool {
    verb.is_some_and(|verb| verb == SCREEN_VERB)
}

/// Answers until standard input ends.
pub(super) fn run() -> ExitCode {
    let cast = std::env::args_os().nth(2).unwrap_or_default();
    match answer(Path::new(&cast)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(cast: &Path) -> Result<(), ReadError> {
    let file = File::open(cast)?;
    let mut player = Player::open(cast)?;
    let mut out = io::stdout().lock();
    player.come_near(&file)?;
    writeln!(out, "ready")?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let length = line?.parse().map_err(io::Error::other)?;
        player.play(length)?;
        if player.reader.position().offset != length {
            let error = io::Error::other("the cast is shorter, or longer");
            return Err(error.into());
        }
        if player.screen.is_between_sequences() {
            let painted = view::paint(&player.screen);
            writeln!(out, "screen {}", painted.len())?;
            out.write_all(painted.as_bytes())?;
        } else {
            writeln!(out, "inside")?;
        }
        out.flush()?;
    }
    Ok(())
}

/// A cast, and the screen behind what was read of it.
struct Player {
    reader: EventReader<File>,
    screen: Screen,
    text: TextBuffer,
}

impl Player {
    fn open(cast: &Path) -> Result<Player, ReadError> {
        let reader = EventReader::new(File::open(cast)?, Strictness::Forgiving)?;
        let header = reader.header();
        Ok(Player {
            screen: Screen::new(header.width, header.height, rules_of(header)),
            text: TextBuffer::default(),
            reader,
        })
    }

    /// Plays up to near the end of a cast that may grow.
    fn come_near(&mut self, cast: &File) -> Result<(), ReadError> {
        loop {
            let near = cast.metadata()?.len().saturating_sub(NEAR);
            let before = self.reader.position().offset;
            self.play(near)?;
            // No event: that is as near as it goes.
            if before >= near || self.reader.position().offset == before {
                return Ok(());
            }
        }
    }

    /// Plays up to `length` bytes of the cast, or as many as there are.
    fn play(&mut self, length: u64) -> Result<(), ReadError> {
        while self.reader.position().offset < length {
            let Some(event) = self.reader.next()? else {
                break;
            };
            if event.code == Code::Output {
                let text = event.data.decode(&mut self.text);
                self.screen.feed(text.as_bytes());
                self.screen.take_marks();
            } else if let Some((columns, rows)) = event.size() {
                self.screen.resize(columns, rows);
            }
        }
        Ok(())
    }
}
