//! Recordings faster, slower, and without long pauses.

use crate::cast::event::Micros;

/// What becomes of times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeOptions {
    /// How many times as fast; above 0.
    pub speed: f64,
    /// The longest pause that stays, in microseconds of the original.
    pub idle: Option<Micros>,
    /// Events after this time are left out, in microseconds of the original.
    pub until: Option<Micros>,
}

impl Default for TimeOptions {
    fn default() -> TimeOptions {
        TimeOptions {
            speed: 1.0,
            idle: None,
            until: None,
        }
    }
}

/// Follows the times of one recording.
#[derive(Debug)]
pub(super) struct Pace<'a> {
    options: &'a TimeOptions,
    last: Micros,
    /// What was taken out of pauses so far.
    folded: Micros,
}

impl<'a> Pace<'a> {
    pub(super) fn new(options: &'a TimeOptions) -> Pace<'a> {
        Pace {
            options,
            last: 0,
            folded: 0,
        }
    }

    /// What was at `time` is now at 0.
    pub(super) fn skip(&mut self, time: Micros) {
        self.last = time;
        self.folded = time;
    }

    /// When what was at `time` is now. Times come in order.
    pub(super) fn at(&mut self, time: Micros) -> Micros {
        let time = time.max(self.last);
        if let Some(idle) = self.options.idle {
            self.folded += (time - self.last).saturating_sub(idle);
        }
        self.last = time;
        let time = time - self.folded;
        if self.options.speed == 1.0 {
            return time;
        }
        (time as f64 / self.options.speed).round() as Micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_folded_and_the_rest_is_faster() {
        let options = TimeOptions {
            speed: 2.0,
            idle: Some(1_000_000),
            until: None,
        };
        let mut pace = Pace::new(&options);
        let times = [0, 500_000, 5_500_000, 6_500_000, 6_400_000, 60_000_000];
        assert_eq!(
            times.map(|time| pace.at(time)),
            [0, 250_000, 750_000, 1_250_000, 1_250_000, 1_750_000]
        );
    }
}
