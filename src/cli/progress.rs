//! How far a long reading has come, on a terminal.

use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before this has passed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows bytes, rate and time left on standard error once a second has passed,
/// if that is a terminal. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    terminal: bool,
    total: Option<u64>,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For a reading of `total` bytes; `None` when nobody knows.
    pub(crate) fn new(total: Option<u64>) -> Progress {
        Progress {
            started: Instant::now(),
            terminal: io::stderr().is_terminal(),
            total,
            bytes: 0,
            bar: None,
        }
    }

    /// Counts bytes.
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
        if !self.terminal {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes);
        } else if self.started.elapsed() >= PATIENCE {
            self.bar = Some(self.show());
        }
    }

    fn show(&self) -> ProgressBar {
        let (bar, template) = match self.total {
            Some(total) => (
                ProgressBar::new(total),
                "{bytes} of {total_bytes} [{bar:30}] {bytes_per_sec}, {eta} left",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{bytes} read, {bytes_per_sec}, {elapsed}",
            ),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.with_elapsed(self.started.elapsed())
            .with_position(self.bytes)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A reader that shows how far it has come.
#[derive(Debug)]
pub(crate) struct Metered<R> {
    inner: R,
    progress: Progress,
}

impl<R> Metered<R> {
    pub(crate) fn new(inner: R, total: Option<u64>) -> Metered<R> {
        Metered {
            inner,
            progress: Progress::new(total),
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}
