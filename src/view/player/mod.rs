//! The player: a state machine that shows a cast on a terminal.
//!
//! Keys, the mouse and the time go in ([`Player::on`], [`Player::advance`]); what
//! the terminal is to show ([`Player::draw`]) and now and then an [`Action`](super::frame::Action) come
//! out. It is pure: time is an argument, and work that takes long is done in steps
//! that its caller ends, so that a key is never waited for.
//!
//! `seek` and `search` do what takes long, `draw` makes a
//! [`Frame`](super::frame::Frame) of it all. [`Filter`] is for bytes that go to a
//! terminal as they were recorded.

mod bar;
mod commands;
mod draw;
mod filter;
mod find;
mod help;
mod keys;
mod prompt;
mod search;
mod seek;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use jiff::tz::TimeZone;

use bar::Tick;
use find::Pattern;
use prompt::Prompt;
use search::Search;
use seek::Seek;

use super::frame::Crop;
use crate::cast::{Marker, Micros};
use crate::screen::Screen;
use crate::timeline::{Command, Frames, Moment, Timeline, TimelineError};

pub use filter::Filter;
pub use seek::IsOver;

/// The longest pause that stays when idle time is folded and nobody says.
const IDLE: Micros = 2_000_000;

/// How long a message stays.
const MESSAGE: Duration = Duration::from_secs(4);

/// How often it is looked whether a cast has grown, and what is known of it.
const LOOK: Duration = Duration::from_millis(100);

/// How often markers and commands are listed while a cast is gone through.
const LIST: Duration = Duration::from_secs(1);

/// The longest time that is played at once.
const LONGEST: Duration = Duration::from_secs(2);

/// How fast a cast is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Times as fast as it was recorded.
    Times(f64),
    /// As fast as the terminal takes it.
    Max,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::Times(times) => write!(f, "{times}x"),
            Speed::Max => f.write_str("max"),
        }
    }
}

/// How a cast is played from the start on.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it starts; with none at the start, or when it follows at the end.
    pub at: Option<Moment>,
    pub speed: Speed,
    /// The longest pause that stays, in microseconds; all stay without.
    pub idle: Option<Micros>,
    /// Starts again at the end.
    pub is_looped: bool,
    /// Shows what comes as it comes.
    pub follows: bool,
    pub pauses_on_markers: bool,
    /// The time zone of the wall clock.
    pub zone: TimeZone,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            at: None,
            speed: Speed::Times(1.0),
            idle: None,
            is_looped: false,
            follows: false,
            pauses_on_markers: false,
            zone: TimeZone::UTC,
        }
    }
}

/// What is being done that takes long.
enum Task {
    Seek(Seek),
    Search(Box<Search>),
    /// The frame before this one.
    StepBack,
    Jump(Target, Direction),
    GoTo(Moment),
}

/// What can be jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Marker,
    Command,
    FailedCommand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Back,
    On,
}

/// A search that was made, to be made again.
#[derive(Clone)]
struct Searched {
    pattern: Pattern,
    way: Direction,
    is_shown: bool,
}

/// What is known of the cast, looked up now and then.
#[derive(Default)]
struct Known {
    markers: Vec<Marker>,
    commands: Vec<Command>,
    ticks: Vec<(Micros, Tick)>,
    /// Bytes of the cast that were gone through.
    bytes: u64,
    is_whole: bool,
    looked: Option<Duration>,
    listed: Option<Duration>,
    /// As many when markers and commands were listed.
    listed_bytes: u64,
}

/// A cast being played.
pub struct Player {
    timeline: Timeline,
    frames: Frames,
    /// All events up to this time are shown.
    position: Micros,
    /// The last event before it, or where seeking stopped in a pause.
    last_event: Micros,
    end: Micros,
    speed: Speed,
    idle: Micros,
    folds_idle: bool,
    is_looped: bool,
    follows: bool,
    pauses_on_markers: bool,
    is_paused: bool,
    /// Everything that is there was played.
    is_at_end: bool,
    /// When time was last looked at.
    now: Duration,
    task: Option<Task>,
    searched: Option<Searched>,
    uses_regex: bool,
    prompt: Option<Prompt>,
    /// The first line of the help, while it is shown.
    help: Option<usize>,
    message: Option<(String, Duration)>,
    known: Known,
    columns: usize,
    rows: usize,
    crop: Crop,
    shows_bar: bool,
    /// The columns of the bar that stand for times, as last drawn.
    progress: Range<usize>,
    is_dragging: bool,
    zone: TimeZone,
    started: Option<u64>,
}

impl Player {
    /// Shows `timeline` on a terminal of `size` (columns, rows).
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn new(
        timeline: Timeline,
        options: Options,
        size: (u16, u16),
        now: Duration,
    ) -> Result<Player, TimelineError> {
        let header = timeline.header();
        let limit = header.idle_time_limit.filter(|limit| *limit >= 0.0);
        let limit = limit.map(|seconds| (seconds * 1e6) as Micros);
        let started = header
            .timestamp
            .and_then(|time| time.checked_mul(1_000_000));
        let mut player = Player {
            frames: timeline.all_frames(0)?,
            position: 0,
            last_event: 0,
            end: timeline.likely_duration(),
            speed: options.speed,
            idle: options.idle.or(limit).unwrap_or(IDLE),
            folds_idle: options.idle.is_some() || limit.is_some(),
            is_looped: options.is_looped,
            follows: options.follows,
            pauses_on_markers: options.pauses_on_markers,
            is_paused: false,
            is_at_end: false,
            now,
            task: None,
            searched: None,
            uses_regex: false,
            prompt: None,
            help: None,
            message: None,
            known: Known::default(),
            columns: size.0.into(),
            rows: size.1.into(),
            crop: Crop::default(),
            shows_bar: true,
            progress: 0..0,
            is_dragging: false,
            zone: options.zone,
            started,
            timeline,
        };
        match options.at {
            Some(moment) => player.task = Some(Task::GoTo(moment)),
            None if options.follows => player.go_live(),
            None => {}
        }
        Ok(player)
    }

    /// The time that is shown, in microseconds; from 0 to [`Player::end`].
    #[must_use]
    pub fn position(&self) -> Micros {
        match &self.task {
            Some(Task::Seek(seek)) => seek.goal.min(self.end),
            _ => self.position,
        }
    }

    /// The end of the cast, as far as it is known.
    #[must_use]
    pub fn end(&self) -> Micros {
        self.end
    }

    /// The screen of the time that is shown.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        self.frames.screen()
    }

    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Whether everything was played.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Whether something is being looked for.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.task.is_some()
    }

    /// The terminal has another size: columns, rows.
    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        (self.columns, self.rows) = (columns.into(), rows.into());
    }

    /// It is `now`: goes on until `is_over`, or until there is nothing to do before
    /// another time comes.
    pub fn advance(&mut self, now: Duration, is_over: IsOver<'_>) {
        // What is longer, the computer or the job slept.
        let elapsed = now.saturating_sub(self.now).min(LONGEST);
        self.now = now;
        if self.message.as_ref().is_some_and(|(_, end)| *end <= now) {
            self.message = None;
        }
        let result = if self.task.is_some() {
            self.work(is_over)
        } else if self.is_paused || self.is_dragging {
            Ok(())
        } else {
            self.play(elapsed, is_over)
        };
        if let Err(error) = result {
            self.on_error(&error);
        }
        self.look();
    }

    /// How long nothing changes unless something is done; `None` forever.
    pub fn wait(&mut self) -> Option<Duration> {
        if self.task.is_some() {
            return Some(Duration::ZERO);
        }
        let mut wait = self
            .message
            .as_ref()
            .map(|(_, end)| end.saturating_sub(self.now));
        let mut at_most = |time: Duration| {
            wait = Some(wait.map_or(time, |wait| wait.min(time)));
        };
        if !self.known.is_whole {
            at_most(LOOK);
        }
        if self.is_paused || self.is_dragging {
            return wait;
        }
        if self.is_at_end {
            at_most(LOOK);
            return wait;
        }
        let Speed::Times(speed) = self.speed else {
            return Some(Duration::ZERO);
        };
        let next = self
            .frames
            .next_time()
            .ok()
            .flatten()
            .unwrap_or(self.position);
        let micros = self.cost_of(next) / speed;
        // The clock in the bar goes on meanwhile.
        let second = 1_000_000 - self.position % 1_000_000;
        let tick = second as f64 / (speed * self.folding_factor(next));
        at_most(Duration::from_secs_f64(
            (micros.min(tick.max(50_000.0)) / 1e6).clamp(0.0, 1.0),
        ));
        wait
    }

    /// How many times as fast a pause up to the event at `next` passes.
    fn folding_factor(&self, next: Micros) -> f64 {
        let pause = next.saturating_sub(self.last_event);
        if self.folds_idle && pause > self.idle {
            pause as f64 / self.idle.max(1) as f64
        } else {
            1.0
        }
    }

    /// Microseconds of playing at the recorded speed before `next` is shown.
    fn cost_of(&self, next: Micros) -> f64 {
        next.saturating_sub(self.position) as f64 / self.folding_factor(next)
    }

    /// Plays what `elapsed` is worth.
    fn play(&mut self, elapsed: Duration, is_over: IsOver<'_>) -> Result<(), TimelineError> {
        let mut budget = match self.speed {
            // At the end what comes is shown as it comes.
            _ if self.is_at_end => f64::INFINITY,
            Speed::Times(times) => elapsed.as_secs_f64() * 1e6 * times,
            Speed::Max => f64::INFINITY,
        };
        loop {
            let Some(next) = self.frames.next_time()? else {
                self.reach_end();
                return Ok(());
            };
            // A cast may have grown.
            self.end = self.end.max(next);
            let cost = self.cost_of(next);
            if cost > budget {
                let passed = budget * self.folding_factor(next);
                self.position = next.min(self.position + passed as Micros);
                return Ok(());
            }
            budget -= cost;
            let markers = self.show_next(next)?;
            if self.pauses_on_markers && !markers.is_empty() {
                self.is_paused = true;
                self.say(markers.join(", "));
                return Ok(());
            }
            if is_over() {
                return Ok(());
            }
        }
    }

    /// Shows the frame at `next`; gives the labels of its markers.
    fn show_next(&mut self, next: Micros) -> Result<Vec<String>, TimelineError> {
        let frame = self.frames.next()?;
        self.position = frame.as_ref().map_or(next, |frame| frame.time);
        self.last_event = self.position;
        self.end = self.end.max(self.position);
        Ok(frame.map(|frame| frame.markers).unwrap_or_default())
    }

    fn reach_end(&mut self) {
        if self.is_looped && !self.follows && self.end > 0 {
            self.seek(0);
            return;
        }
        self.is_at_end = true;
    }

    /// Does a step of what takes long.
    fn work(&mut self, is_over: IsOver<'_>) -> Result<(), TimelineError> {
        match self.task.take() {
            Some(Task::Seek(mut seek)) => match seek.step(&self.timeline, is_over)? {
                Some(frames) => {
                    self.frames = frames;
                    self.arrive(seek.goal)?;
                }
                None => self.task = Some(Task::Seek(seek)),
            },
            Some(Task::Search(search)) => self.search_on(search, is_over)?,
            Some(Task::StepBack) => self.step_back(is_over)?,
            Some(Task::Jump(target, way)) => self.jump_on(target, way, is_over)?,
            Some(Task::GoTo(moment)) => self.go_to_on(moment, is_over)?,
            None => {}
        }
        Ok(())
    }

    fn arrive(&mut self, goal: Micros) -> Result<(), TimelineError> {
        // Where the goal is the end, that is known now.
        let known = self.timeline.coverage().time;
        let time = if goal == Micros::MAX { known } else { goal };
        self.end = self.end.max(time);
        self.position = time;
        self.last_event = time;
        self.is_at_end = self.frames.next_time()?.is_none() && !self.is_paused;
        Ok(())
    }

    /// Goes to a time, the end at most.
    fn seek(&mut self, time: Micros) {
        let time = time.min(self.end);
        self.is_at_end = false;
        self.task = Some(Task::Seek(Seek::new(time)));
    }

    /// Looks up what is known of the cast, now and then.
    fn look(&mut self) {
        let is_due = self
            .known
            .looked
            .is_none_or(|looked| self.now >= looked + LOOK);
        if !is_due {
            return;
        }
        self.known.looked = Some(self.now);
        let coverage = self.timeline.coverage();
        self.known.is_whole = coverage.is_whole;
        self.known.bytes = coverage.bytes;
        if self.known.listed_bytes == coverage.bytes {
            return;
        }
        // There may be many.
        let is_due = self
            .known
            .listed
            .is_none_or(|listed| self.now >= listed + LIST);
        if is_due || coverage.is_whole {
            self.known.listed = Some(self.now);
            self.list();
        }
    }

    fn list(&mut self) {
        self.known.listed_bytes = self.timeline.coverage().bytes;
        self.end = self.end.max(self.timeline.likely_duration());
        self.known.markers = self.timeline.markers();
        self.known.commands = self.timeline.commands();
        let markers = self.known.markers.iter();
        let failed = self
            .known
            .commands
            .iter()
            .filter(|command| command.has_failed());
        self.known.ticks = markers
            .map(|marker| (marker.time, Tick::Marker))
            .chain(failed.map(|command| (command.end.unwrap_or(command.start), Tick::Failed)))
            .collect();
    }

    /// Shows a message for a while.
    fn say(&mut self, message: impl Into<String>) {
        self.message = Some((message.into(), self.now + MESSAGE));
    }

    fn on_error(&mut self, error: &dyn std::error::Error) {
        self.task = None;
        self.is_paused = true;
        self.say(crate::wording::chain(error));
    }
}
