//! What keys and the mouse ask for.

use std::ops::ControlFlow;

use super::find::Pattern;
use super::search::{Found, Search};
use super::seek::{self, IsOver, Seek};
use super::{Direction, Player, Searched, Speed, Target, Task};
use crate::cast::Micros;
use crate::timeline::{Moment, TimelineError};

/// Speeds that `+` and `-` go through.
const SPEEDS: [f64; 15] = [
    0.0625, 0.125, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0,
];

/// While it plays, a step back from just behind something goes to what is before
/// that. Microseconds at the recorded speed.
const JUST_BEHIND: f64 = 1_000_000.0;

impl Player {
    pub(super) fn toggle_pause(&mut self) {
        if self.is_at_end && !self.follows {
            self.is_paused = false;
            self.seek(0);
            return;
        }
        self.is_paused = !self.is_paused;
        self.is_at_end = false;
    }

    pub(super) fn seek_by(&mut self, micros: i64) {
        self.seek(self.position().saturating_add_signed(micros));
    }

    pub(super) fn seek_to_part(&mut self, part: Micros, of: Micros) {
        let time = u128::from(self.end) * u128::from(part) / u128::from(of);
        self.seek(time as Micros);
    }

    /// To the end, and on with what comes.
    pub(super) fn go_live(&mut self) {
        self.is_paused = false;
        self.is_at_end = false;
        self.task = Some(Task::Seek(Seek::new(Micros::MAX)));
    }

    pub(super) fn change_speed(&mut self, way: Direction) {
        let now = match self.speed {
            Speed::Times(times) => times,
            Speed::Max => f64::INFINITY,
        };
        let speed = match way {
            Direction::On => SPEEDS.into_iter().find(|speed| *speed > now),
            Direction::Back => SPEEDS.into_iter().rev().find(|speed| *speed < now),
        };
        self.speed = match (speed, way) {
            (Some(speed), _) => Speed::Times(speed),
            (None, Direction::On) => Speed::Max,
            (None, Direction::Back) => self.speed,
        };
    }

    pub(super) fn toggle_idle(&mut self) {
        self.folds_idle = !self.folds_idle;
        let seconds = self.idle as f64 / 1e6;
        self.say(if self.folds_idle {
            format!("pauses take {seconds} s at most")
        } else {
            "pauses as recorded".to_owned()
        });
    }

    /// Shows the next frame, and pauses.
    pub(super) fn step_on(&mut self) -> Result<(), TimelineError> {
        self.is_paused = true;
        self.is_at_end = false;
        if let Some(Task::Seek(_)) = self.task {
            return Ok(());
        }
        match self.frames.next_time()? {
            Some(next) => self.show_next(next).map(drop),
            None => {
                self.say("this is the last frame");
                Ok(())
            }
        }
    }

    /// Finds the frame before this one.
    pub(super) fn step_back(&mut self, is_over: IsOver<'_>) -> Result<(), TimelineError> {
        if !seek::cover(&self.timeline, self.position, is_over)? {
            self.task = Some(Task::StepBack);
            return Ok(());
        }
        // A time that is not known for sure would be waited for.
        let known = self.timeline.coverage().time;
        let from = match known.checked_sub(1) {
            Some(known) => self.position.min(known),
            None => 0,
        };
        match self.timeline.frames_back(from, 0, 0)?.next()? {
            Some(frame) => self.seek(frame.time),
            None if self.position > 0 => self.seek(0),
            None => self.say("this is the first frame"),
        }
        Ok(())
    }

    /// Goes to what is nearest on that way, once enough of the cast is known.
    pub(super) fn jump_on(
        &mut self,
        target: Target,
        way: Direction,
        is_over: IsOver<'_>,
    ) -> Result<(), TimelineError> {
        if let Some((time, what)) = self.nearest(target, way) {
            self.say(what);
            self.seek(time);
            return Ok(());
        }
        let behind = match way {
            Direction::On => Micros::MAX,
            Direction::Back => self.position,
        };
        let is_known = seek::cover(&self.timeline, behind, is_over)?;
        self.list();
        if !is_known {
            self.task = Some(Task::Jump(target, way));
        } else if let Some((time, what)) = self.nearest(target, way) {
            self.say(what);
            self.seek(time);
        } else {
            let place = match way {
                Direction::On => "after",
                Direction::Back => "before",
            };
            let what = match target {
                Target::Marker => "marker",
                Target::Command => "command",
                Target::FailedCommand => "failed command",
            };
            self.say(format!("no {what} {place} this"));
        }
        Ok(())
    }

    /// The time and the name of the nearest of these.
    fn nearest(&self, target: Target, way: Direction) -> Option<(Micros, String)> {
        let behind = match self.speed {
            Speed::Times(times) if !self.is_paused && !self.is_at_end => JUST_BEHIND * times,
            _ => 0.0,
        };
        let position = self.position;
        let is_there = |time: Micros| match way {
            Direction::On => time > position,
            Direction::Back => time < position.saturating_sub(behind as Micros),
        };
        let one = |mut all: Box<dyn DoubleEndedIterator<Item = (Micros, String)> + '_>| match way {
            Direction::On => all.find(|(time, _)| is_there(*time)),
            Direction::Back => all.rfind(|(time, _)| is_there(*time)),
        };
        let commands = self.known.commands.iter();
        match target {
            Target::Marker => one(Box::new(self.known.markers.iter().map(|marker| {
                let label = marker.label.as_str();
                let label = if label.is_empty() { "marker" } else { label };
                (marker.time, label.to_owned())
            }))),
            Target::Command => one(Box::new(commands.map(|command| {
                let text = command.text.as_deref().unwrap_or("a command");
                (command.start, format!("$ {text}"))
            }))),
            Target::FailedCommand => one(Box::new(
                commands
                    .filter(|command| command.has_failed())
                    .map(|command| {
                        let text = command.text.as_deref().unwrap_or("a command");
                        let status = command.status.unwrap_or_default();
                        let end = command.end.unwrap_or(command.start);
                        (end, format!("exit status {status}: {text}"))
                    }),
            )),
        }
    }

    /// Goes to the time that was typed.
    pub(super) fn go_to(&mut self, text: &str) {
        match text.parse::<Moment>() {
            Ok(moment) => self.task = Some(Task::GoTo(moment)),
            Err(error) => self.say(error),
        }
    }

    pub(super) fn go_to_on(
        &mut self,
        moment: Moment,
        is_over: IsOver<'_>,
    ) -> Result<(), TimelineError> {
        self.end = self.end.max(self.timeline.likely_duration());
        match moment {
            Moment::FromStart(time) => self.seek(time),
            Moment::FromEnd(time) => self.seek(self.end.saturating_sub(time)),
            Moment::Percent(part) => self.seek((self.end as f64 * part / 100.0) as Micros),
            // The rest may need all of the cast, which a pipe does not give yet.
            _ if self.timeline.is_coming() => {
                self.say("only when all of the cast has come");
            }
            moment => {
                let coverage = self.timeline.cover(None, |_| match is_over() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                })?;
                if !coverage.is_whole {
                    self.task = Some(Task::GoTo(moment));
                    return Ok(());
                }
                match moment.find(&self.timeline) {
                    Ok(time) => {
                        self.end = self.end.max(coverage.time);
                        self.seek(time);
                    }
                    Err(error) => self.say(error.to_string()),
                }
            }
        }
        Ok(())
    }

    /// Searches for what was typed; for what was last searched for where nothing was.
    pub(super) fn search(&mut self, text: &str, is_regex: bool, way: Direction) {
        let pattern = match (text, &self.searched) {
            ("", Some(searched)) => searched.pattern.clone(),
            ("", None) => return,
            (text, _) => match Pattern::new(text, is_regex) {
                Ok(pattern) => pattern,
                Err(error) => return self.say(error),
            },
        };
        self.searched = Some(Searched {
            pattern,
            way,
            is_shown: true,
        });
        self.search_again(way);
    }

    pub(super) fn search_again(&mut self, way: Direction) {
        let Some(searched) = &mut self.searched else {
            self.say("nothing was searched for yet");
            return;
        };
        searched.is_shown = true;
        let pattern = searched.pattern.clone();
        let origin = self.position();
        self.is_at_end = false;
        self.task = Some(Task::Search(Box::new(Search::new(
            pattern,
            origin,
            way == Direction::On,
        ))));
    }

    pub(super) fn search_on(
        &mut self,
        mut search: Box<Search>,
        is_over: IsOver<'_>,
    ) -> Result<(), TimelineError> {
        match search.step(&self.timeline, self.end, is_over)? {
            Found::At(time) => {
                self.end = self.end.max(time);
                self.is_paused = true;
                self.seek(time);
            }
            Found::Nowhere => {
                let text = &search.pattern().text;
                self.say(format!("not found: {text}"));
            }
            Found::Searching(hundredths) => {
                self.say(format!("searching … {hundredths} % (Esc ends it)"));
                self.task = Some(Task::Search(search));
            }
        }
        Ok(())
    }
}
