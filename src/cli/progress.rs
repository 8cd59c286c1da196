//! How far a long reading has come, on a terminal.

use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before this has passed.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is shown is changed no sooner than this.
const PERIOD: Duration = Duration::from_millis(100);

/// Shows bytes, rate and time left on standard error once a quarter of a second has passed,
/// if that is a terminal. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    terminal: bool,
    total: Option<u64>,
    bytes: u64,
    /// When there will be something new to show, in time since the start.
    due: Duration,
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
            due: PATIENCE,
            bar: None,
        }
    }

    /// Counts bytes and, when it is time, shows how far the reading has come.
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
        if !self.terminal {
            return;
        }
        let elapsed = self.started.elapsed();
        if elapsed < self.due {
            return;
        }
        self.due = elapsed + PERIOD;
        let bar = self.bar.get_or_insert_with(|| bar(self.total));
        bar.set_message(speed(self.bytes, self.total, elapsed));
        bar.set_position(self.bytes);
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bytes} of {total_bytes} [{bar:30}] {msg}",
        ),
        None => (ProgressBar::new_spinner(), "{bytes} read, {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// The rate since the start, and the time left if that can be told.
fn speed(bytes: u64, total: Option<u64>, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let rate = bytes as f64 / seconds;
    let rate_shown = HumanBytes(rate as u64);
    match total.and_then(|total| total.checked_sub(bytes)) {
        Some(left) if rate >= 1.0 => {
            let left = Duration::from_secs_f64((left as f64 / rate).min(1e9));
            format!("{rate_shown}/s, {} left", FormattedDuration(left))
        }
        _ => format!("{rate_shown}/s, {}", FormattedDuration(elapsed)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_those_since_the_start() {
        let elapsed = Duration::from_secs(2);
        assert_eq!(
            speed(1 << 21, Some(3 << 21), elapsed),
            "1.00 MiB/s, 00:00:04 left"
        );
        assert_eq!(speed(1 << 21, None, elapsed), "1.00 MiB/s, 00:00:02");
        assert_eq!(speed(0, Some(9), elapsed), "0 B/s, 00:00:02");
        // The file has grown meanwhile.
        assert_eq!(speed(1 << 21, Some(9), elapsed), "1.00 MiB/s, 00:00:02");
    }
}
