//! Keys and the mouse, as a channel and a descriptor that can be waited for.

use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crossterm::event::{self, Event};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

/// What was typed since the program has the terminal.
///
/// A thread reads it: the library waits for the rest of a sequence that is not
/// whole, and a screen must not stand still meanwhile. It ends with the program.
pub(in crate::cli) struct Keyboard {
    events: Receiver<Event>,
    bell: PipeReader,
}

impl Keyboard {
    pub(in crate::cli) fn start() -> io::Result<Keyboard> {
        let (sender, events) = mpsc::channel();
        let (bell, mut ringer) = io::pipe()?;
        thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                while let Ok(event) = event::read() {
                    if sender.send(event).is_err() || ringer.write_all(&[0]).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Keyboard { events, bell })
    }

    /// What was typed, if anything. To be called when the descriptor is readable.
    pub(in crate::cli) fn read(&mut self) -> io::Result<Vec<Event>> {
        // One byte an event, which is in the channel before it.
        let _ = self.bell.read(&mut [0; 64])?;
        Ok(self.events.try_iter().collect())
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Stops a job in the background, until it is in the foreground: the terminal is
/// another's.
pub(super) fn wait_for_foreground(keys: &File) -> io::Result<()> {
    if tcgetpgrp(keys).is_ok_and(|group| group != getpgrp()) {
        kill(Pid::from_raw(0), Signal::SIGTTIN)?;
    }
    Ok(())
}

/// Stops this job as Ctrl-Z does, and returns when it goes on. Where no shell
/// controls jobs, the kernel lets it pass.
pub(in crate::cli) fn stop_job() -> io::Result<()> {
    let stop = SigSet::from_iter([Signal::SIGTSTP]);
    stop.thread_unblock()?;
    kill(Pid::from_raw(0), Signal::SIGTSTP)?;
    stop.thread_block()?;
    Ok(())
}
