//! Showing a load while it goes on: a bar on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::workspace::{Observer, Progress};

/// Shows windows and panes as they are made, and passes on what programs
/// print.
pub struct BarObserver {
    name: String,
    bar: ProgressBar,
    windows: usize,
    panes: usize,
    interrupted: &'static AtomicBool,
}

impl BarObserver {
    /// For a load of the named session.
    pub fn new(name: &str, quiet: bool, interrupted: &'static AtomicBool) -> BarObserver {
        let bar = match !quiet && io::stderr().is_terminal() {
            true => ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len} panes")
        {
            bar.set_style(style);
        }
        BarObserver {
            name: name.to_owned(),
            bar,
            windows: 0,
            panes: 0,
            interrupted,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for BarObserver {
    fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Script => self
                .bar
                .set_message(format!("{}: before_script", self.name)),
            Progress::Session { windows, panes } => {
                self.windows = windows;
                self.bar.set_length(panes as u64);
            }
            Progress::Window { name, panes } => {
                self.panes += panes;
                self.bar.set_message(format!("{}: {name}", self.name));
            }
            Progress::Pane => self.bar.inc(1),
        }
    }

    fn output(&mut self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
