//! The user's terminal: keys as they are typed, all of it to draw on, and as it
//! was before, whatever ends the program.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::panic;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp, ttyname};

/// How long a terminal that takes nothing is waited for at the end.
const LAST: Duration = Duration::from_millis(500);

/// Bytes written at once to a terminal that cannot say how many it takes.
const CHUNK: usize = 512;

/// The size of the user's terminal: columns, rows.
pub(super) fn terminal_size() -> Option<(u16, u16)> {
    let (width, height) =
        terminal_size::terminal_size().or_else(|| terminal_size::terminal_size_of(io::stdin()))?;
    Some((width.0, height.0)).filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

/// A terminal that hands on every key as it is, while this is on.
pub(super) struct RawMode<T: AsFd> {
    tty: T,
    /// How it was, while it is raw.
    before: Option<Termios>,
}

impl<T: AsFd> RawMode<T> {
    pub(super) fn new(tty: T) -> RawMode<T> {
        RawMode { tty, before: None }
    }

    pub(super) fn is_on(&self) -> bool {
        self.before.is_some()
    }

    /// Not in the background, where the terminal is another job's.
    pub(super) fn turn_on(&mut self) {
        if self.is_on() || tcgetpgrp(&self.tty) != Ok(getpgrp()) {
            return;
        }
        let Ok(before) = tcgetattr(&self.tty) else {
            return;
        };
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        if tcsetattr(&self.tty, SetArg::TCSADRAIN, &raw).is_ok() {
            self.before = Some(before);
        }
    }

    /// Puts the terminal back as it was.
    pub(super) fn turn_off(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = tcsetattr(&self.tty, SetArg::TCSADRAIN, &before);
        }
    }
}

impl<T: AsFd> Drop for RawMode<T> {
    fn drop(&mut self) {
        self.turn_off();
    }
}

/// The terminal that keys are read from: standard input, or the one that the
/// program runs in where that is something else.
pub(super) fn keyboard() -> io::Result<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(stdin.as_fd().try_clone_to_owned()?.into());
    }
    File::options().read(true).write(true).open("/dev/tty")
}

/// Standard output, a terminal, without ever waiting for it.
pub(super) struct Output {
    file: File,
    waits: bool,
    waiting: Vec<u8>,
    written: usize,
}

impl Output {
    pub(super) fn new() -> io::Result<Output> {
        let stdout = io::stdout();
        // Opened again, so that others who write to it are not affected.
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let again = ttyname(&stdout)
            .map_err(io::Error::from)
            .and_then(|path| File::options().write(true).custom_flags(flags).open(path));
        let waits = again.is_err();
        let file = match again {
            Ok(file) => file,
            Err(_) => stdout.as_fd().try_clone_to_owned()?.into(),
        };
        Ok(Output {
            file,
            waits,
            waiting: Vec::new(),
            written: 0,
        })
    }

    /// Another handle to write with.
    pub(super) fn try_clone(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Whether all was written.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is written next, to append to.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Forgets what was not written.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.written = 0;
    }

    /// Writes as much as the terminal takes at present.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.written < self.waiting.len() {
            if self.waits && !is_writable(&self.file, Duration::ZERO) {
                return Ok(());
            }
            let rest = &self.waiting[self.written..];
            let rest = if self.waits {
                &rest[..rest.len().min(CHUNK)]
            } else {
                rest
            };
            match self.file.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.clear();
        Ok(())
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn is_writable(file: &File, patience: Duration) -> bool {
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
    matches!(poll(&mut fds, patience), Ok(1..))
}

/// A terminal that is in use, and how it is given back.
struct Taken {
    keys: RawMode<File>,
    screen: File,
    leave: Vec<u8>,
}

/// The terminal in use. A panic of any thread gives it back, too.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

/// The terminal is raw and shows what the program draws, as long as this lives.
pub(super) struct TakenTerminal(());

impl TakenTerminal {
    /// Takes the terminal: `enter` is written to it now, `leave` at the end.
    pub(super) fn take(keys: File, screen: File, enter: &[u8], leave: &[u8]) -> TakenTerminal {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                // First, so that the message is seen.
                give_back();
                usual(panic);
            }));
        });
        let mut keys = RawMode::new(keys);
        keys.turn_on();
        let taken = Taken {
            keys,
            screen,
            leave: leave.to_owned(),
        };
        write_within(&taken.screen, enter, LAST);
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
        TakenTerminal(())
    }

    /// Whether it was given back meanwhile: something has panicked.
    pub(super) fn is_lost(&self) -> bool {
        TAKEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// What is written at the end from now on.
    pub(super) fn set_leave(&mut self, leave: &str) {
        if let Some(taken) = &mut *TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
            && taken.leave != leave.as_bytes()
        {
            taken.leave = leave.as_bytes().to_owned();
        }
    }
}

impl Drop for TakenTerminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut taken) = taken {
        // Ends a sequence that may have been cut.
        write_within(&taken.screen, b"\x1b\\", LAST);
        write_within(&taken.screen, &taken.leave, LAST);
        taken.keys.turn_off();
    }
}

/// Writes all of it, or what the terminal takes in time.
fn write_within(mut file: &File, mut bytes: &[u8], patience: Duration) {
    let end = Instant::now() + patience;
    while !bytes.is_empty() {
        if !is_writable(file, end.saturating_duration_since(Instant::now())) {
            return;
        }
        match file.write(&bytes[..bytes.len().min(CHUNK)]) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EINTR | Errno::EAGAIN) => {}
                _ => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use nix::pty::openpty;
    use nix::sys::termios::LocalFlags;

    use super::*;

    /// One test, since a process has one terminal in use.
    #[test]
    fn the_terminal_is_given_back_at_the_end_and_by_a_panic() {
        for panics in [false, true] {
            let pty = openpty(None, None).unwrap();
            let (mut master, slave) = (File::from(pty.master), File::from(pty.slave));
            // The test's own terminal is another one, so this one has no
            // foreground; what is written tells.
            let before = tcgetattr(&slave).unwrap();
            assert!(before.local_flags.contains(LocalFlags::ICANON));
            let (keys, screen) = (slave.try_clone().unwrap(), slave.try_clone().unwrap());
            let ended = std::thread::spawn(move || {
                let _taken = TakenTerminal::take(keys, screen, b"<enter>", b"<leave>");
                assert!(!panics, "on purpose");
            })
            .join();
            assert_eq!(ended.is_err(), panics);
            assert_eq!(tcgetattr(&slave).unwrap(), before);
            let mut written = [0; 64];
            let count = master.read(&mut written).unwrap();
            assert_eq!(&written[..count], b"<enter>\x1b\\<leave>");
        }
    }
}
