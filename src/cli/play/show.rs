//! A cast on this terminal, until its user has enough of it.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crossterm::event::Event;
use nix::sys::signalfd::SignalFd;

use crate::cli::Outcome;
use crate::cli::stage::{Program, Stage};
use crate::cli::terminal::terminal_size;
use crate::timeline::{Timeline, TimelineError};
use crate::view::frame::{Action, Frame};
use crate::view::player::{Options, Player};

/// How often what is known of a growing cast is brought up to date.
const GROWTH: Duration = Duration::from_millis(500);

/// A cast that is played.
pub(in crate::cli) struct Show {
    player: Player,
    /// What is gone through once the first picture is there, and whether it grows.
    rest: Option<(Timeline, bool)>,
}

impl Show {
    /// At `now` of the stage that it comes to.
    pub(in crate::cli) fn new(
        timeline: &Timeline,
        options: Options,
        now: Duration,
    ) -> Result<Show, TimelineError> {
        let size = terminal_size().unwrap_or((80, 24));
        let follows = options.follows;
        Ok(Show {
            player: Player::new(timeline.clone(), options, size, now)?,
            rest: Some((timeline.clone(), follows)),
        })
    }
}

/// Plays on this terminal.
pub(super) fn show(timeline: &Timeline, options: Options, signals: &SignalFd) -> Outcome {
    let mut show = Show::new(timeline, options, Duration::ZERO)?;
    let mut stage = Stage::open(signals)
        .map_err(|failure| failure.hint("`tvmux play --raw` needs no keyboard"))?;
    Ok(stage.run(&mut show)?.unwrap_or(ExitCode::SUCCESS))
}

impl Program for Show {
    fn advance(&mut self, now: Duration, is_over: &mut dyn FnMut() -> bool) {
        self.player.advance(now, is_over);
    }

    fn wait(&mut self) -> Option<Duration> {
        self.player.wait()
    }

    fn draw(&mut self) -> Frame {
        self.player.draw()
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.player.resize(size);
    }

    fn on(&mut self, event: &Event) -> Option<Action> {
        self.player.on(event)
    }

    fn on_shown(&mut self) {
        if let Some((timeline, follows)) = self.rest.take() {
            go_through(timeline, follows);
        }
    }
}

/// Makes every moment quick to reach, while nobody else needs the processor.
fn go_through(timeline: Timeline, follows: bool) {
    let _ = thread::Builder::new()
        .name("cover".to_owned())
        .spawn(move || {
            // Of this thread alone, on Linux.
            let _ = rustix::process::setpriority_process(None, 10);
            while timeline.cover(None, |_| ControlFlow::Continue(())).is_ok() && follows {
                thread::sleep(GROWTH);
            }
        });
}
