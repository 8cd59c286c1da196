//! The times of a cast that is being repaired.

use std::ops::Range;

use crate::cast::json::is_blank;
use crate::cast::seconds::{LONGEST, any_seconds, push_time};

/// What an event's time becomes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NewTime {
    /// Its own text stays.
    Same,
    /// This text takes its place.
    Text(Vec<u8>),
}

/// Turns the times that are read into those that are written: never backwards,
/// going on after the last one when a second header starts them over.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// The version that is written, 2 or 3.
    written: u8,
    /// The version that is read; a second header may change it.
    read: u8,
    /// Added to what is read.
    shift: f64,
    /// The last time written, in seconds since the start; not kept up
    /// where v3 is both read and written.
    last: f64,
    /// The last absolute time read, where intervals are written.
    last_read: f64,
    /// Intervals of events that were lost since the last one that was written:
    /// what follows must not move forward.
    lost: f64,
}

impl Clock {
    pub(super) fn new(version: u8) -> Clock {
        Clock {
            written: version,
            read: version,
            shift: 0.0,
            last: 0.0,
            last_read: 0.0,
            lost: 0.0,
        }
    }

    /// Whether times are written as they are read, as long as they run forward.
    pub(super) fn is_plain(&self) -> bool {
        self.read == self.written && (self.written == 3 || self.shift == 0.0) && self.lost == 0.0
    }

    /// Whether the order of times matters: in v3 it cannot be wrong.
    pub(super) fn is_ordered(&self) -> bool {
        self.written == 2
    }

    /// The last time, in seconds since the start.
    pub(super) fn last(&self) -> f64 {
        self.last
    }

    /// What a time that is read stands for, in seconds since the start.
    pub(super) fn absolute(&self, time: f64) -> f64 {
        if self.read == 2 {
            time + self.shift
        } else {
            self.last + self.lost + time
        }
    }

    /// An event with that time, if it is one, was lost.
    pub(super) fn lose(&mut self, time: Option<f64>) {
        if self.read == 3 {
            self.lost += time.unwrap_or(0.0);
        }
    }

    /// A second header, of that version, starts the times over.
    pub(super) fn restart(&mut self, version: u8) {
        self.read = version;
        self.shift = self.last;
        self.last_read = 0.0;
    }

    /// Accepts times up to `time`, all of which were written as they stand.
    pub(super) fn pass(&mut self, time: f64) {
        self.last = time;
    }

    /// The new time of an event. `time` is missing when it is no time, and
    /// then becomes the one before. `ceiling` is the time of an event that
    /// comes later: what is above it but need not be is damaged.
    pub(super) fn settle(&mut self, time: Option<f64>, ceiling: f64) -> NewTime {
        if self.written == 3 {
            let interval = match (time, self.read) {
                (None, _) => 0.0,
                (Some(time), 3) => time,
                (Some(time), _) => {
                    let interval = (time - self.last_read).max(0.0);
                    self.last_read = self.last_read.max(time);
                    interval
                }
            };
            let lost = std::mem::take(&mut self.lost);
            let interval = with_lost(interval, lost);
            self.last += interval;
            return if time.is_some() && self.read == 3 && lost == 0.0 {
                NewTime::Same
            } else {
                text(interval)
            };
        }
        let time_now = time.map(|time| self.absolute(time));
        self.lost = 0.0;
        let new = match time_now {
            Some(time) if time < self.last => self.last,
            Some(time) if time > ceiling && ceiling >= self.last => self.last,
            Some(time) => time,
            None => self.last,
        };
        // Rounding to what is written must not run backwards either.
        let new = if self.is_plain() {
            new
        } else {
            round(new).max(self.last)
        };
        self.last = new;
        if self.is_plain() && time == Some(new) {
            NewTime::Same
        } else {
            text(new)
        }
    }
}

/// An interval that takes in what lost events took: microseconds, where there
/// are any, so that sums of decimals stay short.
pub(super) fn with_lost(interval: f64, lost: f64) -> f64 {
    if lost > 0.0 {
        return round(interval + lost);
    }
    interval
}

fn round(seconds: f64) -> f64 {
    (seconds.min(LONGEST) * 1e6).round() / 1e6
}

fn text(seconds: f64) -> NewTime {
    let mut text = Vec::new();
    push_time(seconds, &mut text);
    NewTime::Text(text)
}

/// Reads the time of an event: its value if it is a time, and whether every
/// reader takes its text.
pub(super) fn read_time(raw: &[u8]) -> (Option<f64>, bool) {
    let quoted = raw
        .strip_prefix(b"\"")
        .and_then(|raw| raw.strip_suffix(b"\""));
    let number = quoted.unwrap_or(raw).trim_ascii();
    match any_seconds(number) {
        Some(time) if time == 0.0 && number.starts_with(b"-") => (Some(0.0), false),
        Some(time) if (0.0..LONGEST).contains(&time) => {
            let short = raw.len() <= 64;
            (Some(time), quoted.is_none() && short)
        }
        _ => (None, false),
    }
}

/// The time with which what is left of an event starts: `[7.0`, whatever
/// follows, as long as the number is whole.
pub(super) fn time_of_rest(junk: &[u8]) -> Option<f64> {
    let rest = junk.trim_ascii_start().strip_prefix(b"[")?;
    let number = time_range(junk.trim_ascii_start());
    let text = junk.trim_ascii_start().get(number.clone())?;
    let digits = text.iter().take_while(|b| !b"]}\"".contains(b)).count();
    let whole = digits < text.len() || rest.len() >= number.end;
    read_time(&text[..digits]).0.filter(|_| whole)
}

/// Where the number stands in an event that is JSON: after its bracket.
pub(super) fn time_range(event: &[u8]) -> Range<usize> {
    let space = |bytes: &[u8]| bytes.iter().take_while(|b| is_blank(b)).count();
    let bracket = space(event) + 1;
    let start = bracket + event.get(bracket..).map_or(0, space);
    let rest = event.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|b| !is_blank(b) && **b != b',')
        .count();
    start..start + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(clock: &mut Clock, time: f64) -> String {
        match clock.settle(Some(time), f64::INFINITY) {
            NewTime::Same => "same".to_owned(),
            NewTime::Text(text) => String::from_utf8(text).unwrap(),
        }
    }

    #[test]
    fn times_run_forward() {
        let mut clock = Clock::new(2);
        assert_eq!(settle(&mut clock, 1.5), "same");
        assert_eq!(settle(&mut clock, 1.0), "1.5");
        assert_eq!(clock.settle(None, f64::INFINITY), text(1.5));
        assert_eq!(clock.settle(Some(99.0), 2.0), text(1.5));
        assert_eq!(settle(&mut clock, 2.0), "same");
    }

    #[test]
    fn a_second_header_goes_on_after_the_first() {
        let mut clock = Clock::new(2);
        settle(&mut clock, 10.0);
        clock.restart(2);
        assert_eq!(settle(&mut clock, 0.25), "10.25");
        assert_eq!(settle(&mut clock, 1.0), "11.0");
        clock.restart(3);
        assert_eq!(settle(&mut clock, 0.5), "11.5");
        assert_eq!(settle(&mut clock, 0.5), "12.0");
    }

    #[test]
    fn intervals_stay() {
        let mut clock = Clock::new(3);
        assert_eq!(settle(&mut clock, 10.0), "same");
        clock.restart(2);
        assert_eq!(settle(&mut clock, 1.0), "1.0");
        assert_eq!(settle(&mut clock, 1.5), "0.5");
        assert_eq!(settle(&mut clock, 1.0), "0.0");
    }

    #[test]
    fn what_is_lost_took_its_time() {
        let mut clock = Clock::new(3);
        assert_eq!(settle(&mut clock, 1.0), "same");
        clock.lose(Some(5.0));
        clock.lose(None);
        assert!(!clock.is_plain());
        assert_eq!(settle(&mut clock, 1.0), "6.0");
        assert!(clock.is_plain());
        assert_eq!(settle(&mut clock, 1.0), "same");
        // Absolute times say themselves when it was.
        let mut clock = Clock::new(2);
        clock.lose(Some(5.0));
        assert_eq!(settle(&mut clock, 1.0), "same");
    }

    #[test]
    fn times_are_found() {
        assert_eq!(time_range(b"[1.5, \"o\""), 1..4);
        assert_eq!(time_range(b" [ 1.5 , \"o\""), 3..6);
        assert_eq!(time_of_rest(b" [7.0]x"), Some(7.0));
        assert_eq!(time_of_rest(b"[7.0, \"o"), Some(7.0));
        assert_eq!(time_of_rest(b"[7.0"), None);
        assert_eq!(time_of_rest(b"[\"o\", 7.0]"), None);
        assert_eq!(read_time(b"1.5"), (Some(1.5), true));
        assert_eq!(read_time(b"-0.0"), (Some(0.0), false));
        assert_eq!(read_time(b"\"1.5\""), (Some(1.5), false));
        assert_eq!(read_time(b"NaN"), (None, false));
    }
}
