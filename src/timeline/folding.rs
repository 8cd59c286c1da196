//! A cast without its long pauses.

use crate::cast::Micros;

/// Two clocks: that of the cast, and one on which no pause is longer than a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folding {
    /// What is cut out: its start on the clock of the cast, its length, and the sum
    /// of those before.
    cuts: Vec<(Micros, Micros, Micros)>,
}

impl Folding {
    /// From the pauses of a cast, in order: their starts and ends. `limit` is the
    /// longest that stays, in microseconds.
    #[must_use]
    pub fn new(pauses: &[(Micros, Micros)], limit: Micros) -> Folding {
        let mut cuts = Vec::new();
        let mut sum = 0;
        for (start, end) in pauses {
            let over = end.saturating_sub(*start).saturating_sub(limit);
            if over > 0 {
                cuts.push((start + limit, over, sum));
                sum += over;
            }
        }
        Folding { cuts }
    }

    /// What a time of the cast is on the folded clock.
    #[must_use]
    pub fn folded(&self, time: Micros) -> Micros {
        let count = self.cuts.partition_point(|(start, ..)| *start < time);
        match self.cuts[..count].last() {
            Some((start, over, before)) => time - before - (*over).min(time - start),
            None => time,
        }
    }

    /// The time of the cast that a time on the folded clock stands for; where
    /// something is cut out, its end.
    #[must_use]
    pub fn original(&self, folded: Micros) -> Micros {
        let count = self
            .cuts
            .partition_point(|(start, _, before)| start - before < folded);
        match self.cuts[..count].last() {
            Some((_, over, before)) => folded + before + over,
            None => folded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_agree() {
        let pauses = [(10, 110), (200, 203), (300, 400)];
        let folding = Folding::new(&pauses, 5);
        for (time, folded) in [
            (0, 0),
            (10, 10),
            (15, 15),
            (50, 15),
            (110, 15),
            (203, 108),
            (305, 210),
            (400, 210),
            (401, 211),
        ] {
            assert_eq!(folding.folded(time), folded, "{time}");
        }
        for (folded, time) in [(10, 10), (15, 15), (16, 111), (108, 203), (211, 401)] {
            assert_eq!(folding.original(folded), time, "{folded}");
        }
    }
}
