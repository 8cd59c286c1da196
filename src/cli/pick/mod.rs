//! `tvmux pick`: lists to pick from, with a look at what is picked.

mod worker;

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use crossterm::event::Event;
use jiff::tz::TimeZone;

use self::worker::{Job, Worker};
use super::play::Show;
use super::signals::take_signals;
use super::stage::{self, Program, Stage};
use super::terminal::terminal_size;
use super::{Context, Failure, Outcome};
use crate::timeline::{Moment, Timeline, TimelineOptions};
use crate::view::frame::{Action, Frame};
use crate::view::picker::{Item, List, Picker, Wish};
use crate::view::player::Options;

/// How often what is being recorded is looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// Pick a cast, a recording or a line that was shown, and play it
///
/// Typing narrows the list, or searches in what was shown; Tab goes to the next
/// list. The screen of what is selected stands beside it. Enter plays, and q comes
/// back; F1 shows all keys. In tmux: `bind / display-popup -E -w 90% -h 90% 'tvmux
/// pick hits'`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The list to begin with
    #[arg(value_name = "LIST", default_value = "casts")]
    list: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// What is being recorded
    Running,
    /// All casts, the newest first
    Casts,
    /// Lines that were shown, found by what is typed
    Hits,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    if !io::stdout().is_terminal() {
        return Err(Failure::usage("standard output is no terminal")
            .hint("`tvmux ls` and `tvmux search` print the same lists"));
    }
    // Before any thread starts: one that took no part would be ended by them.
    let signals = take_signals(&stage::SIGNALS)?;
    let list = match args.list {
        Which::Running => List::Running,
        Which::Casts => List::Casts,
        Which::Hits => List::Hits,
    };
    let worker = Worker::start(context)?;
    worker.ask(Job::Lists);
    let mut picking = Picking {
        picker: Picker::new(list, terminal_size().unwrap_or((80, 24))),
        worker,
        picked: None,
        now: Duration::ZERO,
        looked: Duration::ZERO,
    };
    let mut stage = Stage::open(&signals)?;
    loop {
        if let Some(code) = stage.run(&mut picking)? {
            return Ok(code);
        }
        let Some(item) = picking.picked.take() else {
            return Ok(ExitCode::SUCCESS);
        };
        match open(&item, stage.now()) {
            Ok(mut show) => {
                if let Some(code) = stage.run(&mut show)? {
                    return Ok(code);
                }
            }
            Err(failure) => picking.picker.say(failure.to_string()),
        }
        picking.resize(terminal_size().unwrap_or((80, 24)));
    }
}

/// The player of what was picked.
fn open(item: &Item, now: Duration) -> Result<Show, Failure> {
    let timeline = Timeline::open(&item.cast, TimelineOptions::of_user())?;
    let options = Options {
        at: item.time.map(Moment::FromStart),
        follows: item.recording.is_some(),
        zone: TimeZone::system(),
        ..Options::default()
    };
    Ok(Show::new(&timeline, options, now)?)
}

/// The picker, on a stage.
struct Picking {
    picker: Picker,
    worker: Worker,
    picked: Option<Item>,
    now: Duration,
    /// When what is being recorded was asked for last.
    looked: Duration,
}

impl Program for Picking {
    fn advance(&mut self, now: Duration, _: &mut dyn FnMut() -> bool) {
        self.now = now;
        self.worker.hand_over(&mut self.picker);
        if self.picker.list() == List::Running && now >= self.looked + AGAIN {
            self.looked = now;
            self.worker.ask(Job::Running);
            self.picker.refresh_preview();
        }
        self.worker.ask_preview(&self.picker);
    }

    fn wait(&mut self) -> Option<Duration> {
        let is_running = self.picker.list() == List::Running;
        is_running.then(|| (self.looked + AGAIN).saturating_sub(self.now))
    }

    fn draw(&mut self) -> Frame {
        self.picker.draw()
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.picker.resize(size);
    }

    fn on(&mut self, event: &Event) -> Option<Action> {
        match self.picker.on(event)? {
            Wish::Quit => return Some(Action::Quit),
            Wish::Suspend => return Some(Action::Suspend),
            Wish::Redraw => return Some(Action::Redraw),
            Wish::Copy(text) => return Some(Action::Copy(text)),
            Wish::Play(item) => {
                self.picked = Some(item);
                return Some(Action::Quit);
            }
            Wish::Search(text) => self.worker.ask(Job::Search(text)),
            Wish::Stop(id) => self.worker.ask(Job::Stop(id)),
            Wish::Pause(id) => self.worker.ask(Job::Pause(id)),
            Wish::Mark(id, label) => self.worker.ask(Job::Mark(id, label)),
            Wish::Save(id) => self.worker.ask(Job::Save(id)),
            Wish::Remove(cast) => self.worker.ask(Job::Remove(cast)),
        }
        None
    }

    fn bell(&self) -> Option<BorrowedFd<'_>> {
        Some(self.worker.bell())
    }
}
