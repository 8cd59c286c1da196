//! The line at the bottom: what the player does, how far it is, and the ticks
//! of markers and failed commands on the way.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use crate::cast::Micros;
use crate::screen::{Attributes, Colour, Style};
use crate::view::frame::{Line, ink};

/// Columns of progress below which it is left out.
const SHORTEST: usize = 8;

/// What the player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Playing,
    Paused,
    /// At the end of a cast that is whole.
    Ended,
    /// At the end of one that grows.
    Live,
}

/// What a tick stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tick {
    Marker,
    Failed,
}

/// What the line shows.
#[derive(Clone, Debug)]
pub struct Bar<'a> {
    pub doing: Doing,
    pub position: Micros,
    /// The end, as far as it is known.
    pub end: Micros,
    /// When the cast starts, in microseconds since the Unix epoch.
    pub started: Option<u64>,
    pub zone: &'a TimeZone,
    /// How fast, if not as recorded: `2x`, `max`.
    pub speed: Option<String>,
    /// What else is on: idle folding, the loop.
    pub flags: &'a [String],
    pub ticks: &'a [(Micros, Tick)],
    /// Shown where the progress is otherwise.
    pub message: Option<&'a str>,
}

/// The drawn line, and the columns that stand for the time from 0 to the end.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    pub line: Line,
    pub progress: Range<usize>,
}

impl Bar<'_> {
    /// Draws it `columns` wide. A message stands where the progress is otherwise, and
    /// takes the place of less important things too where it needs that.
    #[must_use]
    pub fn draw(&self, columns: usize) -> Drawn {
        let mut line = self.head(columns, true);
        let start = line.width();
        let progress = match columns < start + SHORTEST {
            true => 0..0,
            false => start..columns,
        };
        if let Some(message) = self.message {
            if start + message.width() > columns {
                line = self.head(columns, false);
            }
            line.append(message, ink(Colour::Default, Attributes::BOLD), columns);
        } else if !progress.is_empty() {
            self.draw_progress(&mut line, progress.clone());
        }
        Drawn { line, progress }
    }

    /// What it does and the position; with all else that is not progress.
    fn head(&self, columns: usize, with_all: bool) -> Line {
        let mut line = Line::default();
        let (sign, colour) = match self.doing {
            Doing::Playing => ("▶", Colour::Basic(2)),
            Doing::Paused => ("‖", Colour::Basic(3)),
            Doing::Ended => ("■", Colour::Basic(4)),
            Doing::Live => ("●", Colour::Basic(1)),
        };
        line.append(sign, ink(colour, Attributes::BOLD), columns);
        let plain = Style::default();
        let dim = ink(Colour::Default, Attributes::DIM);
        let aside = ink(Colour::Basic(6), Attributes::default());
        let is_long = self.end >= 3_600_000_000;
        let has_fraction = self.doing != Doing::Playing && columns >= 40 && with_all;
        line.append(
            &format!(" {}", clock(self.position, is_long, has_fraction)),
            ink(Colour::Default, Attributes::BOLD),
            columns,
        );
        if with_all {
            if columns >= 30 {
                let end = clock(self.end, is_long, false);
                line.append(&format!("/{end}"), dim, columns);
            }
            if let Some(wall) = self.wall_clock(columns >= 80).filter(|_| columns >= 50) {
                line.append(&format!(" {wall}"), dim, columns);
            }
            for part in self.speed.iter().chain(self.flags) {
                line.append(&format!(" {part}"), aside, columns);
            }
        }
        line.append(" ", plain, columns);
        line
    }

    fn draw_progress(&self, line: &mut Line, columns: Range<usize>) {
        let here = column_of(self.position, self.end, &columns);
        let mut ticks = vec![None; columns.len()];
        for (time, tick) in self.ticks {
            let at = &mut ticks[column_of(*time, self.end, &columns) - columns.start];
            *at = (*at).max(Some(*tick));
        }
        for (tick, column) in ticks.into_iter().zip(columns.clone()) {
            let (sign, style) = match tick {
                _ if column == here => ("█", ink(Colour::Basic(6), Attributes::BOLD)),
                Some(Tick::Failed) => ("┃", ink(Colour::Basic(1), Attributes::BOLD)),
                Some(Tick::Marker) => ("┃", ink(Colour::Basic(3), Attributes::BOLD)),
                None if column < here => ("━", ink(Colour::Basic(6), Attributes::default())),
                None => ("─", ink(Colour::Default, Attributes::DIM)),
            };
            line.append(sign, style, columns.end);
        }
    }

    fn wall_clock(&self, with_day: bool) -> Option<String> {
        let micros = self.started?.checked_add(self.position)?;
        let time = Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
        let time = time.to_zoned(self.zone.clone());
        let format = if with_day {
            "%Y-%m-%d %H:%M:%S"
        } else {
            "%H:%M:%S"
        };
        Some(time.strftime(format).to_string())
    }
}

/// The column that stands for a time.
fn column_of(time: Micros, end: Micros, columns: &Range<usize>) -> usize {
    let last = columns.len().saturating_sub(1) as u128;
    let place = u128::from(time.min(end)) * last / u128::from(end.max(1));
    columns.start + place as usize
}

/// The time that a column stands for; the first and the last are start and end.
#[must_use]
pub fn time_of(column: usize, end: Micros, columns: &Range<usize>) -> Micros {
    let last = columns.len().saturating_sub(1).max(1) as u128;
    let at = column.saturating_sub(columns.start).min(last as usize) as u128;
    (u128::from(end) * at / last) as Micros
}

/// `1:23` or `0:01:23`, with milliseconds where they are wanted.
#[must_use]
pub fn clock(time: Micros, with_hours: bool, with_fraction: bool) -> String {
    let seconds = time / 1_000_000;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    let mut text = if with_hours || minutes >= 60 {
        format!("{}:{:02}:{rest:02}", minutes / 60, minutes % 60)
    } else {
        format!("{minutes}:{rest:02}")
    };
    if with_fraction {
        text.push_str(&format!(".{:03}", time / 1000 % 1000));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bar<'a>(ticks: &'a [(Micros, Tick)], zone: &'a TimeZone) -> Bar<'a> {
        Bar {
            doing: Doing::Playing,
            position: 30_000_000,
            end: 60_000_000,
            started: Some(1_764_165_900_000_000),
            zone,
            speed: Some("2x".to_owned()),
            flags: &[],
            ticks,
            message: None,
        }
    }

    #[test]
    fn the_line_has_times_speed_progress_and_ticks() {
        let ticks = [
            (0, Tick::Marker),
            (60_000_000, Tick::Marker),
            (60_000_000, Tick::Failed),
        ];
        let drawn = bar(&ticks, &TimeZone::UTC).draw(60);
        assert_eq!(
            drawn.line.text(),
            "▶ 0:30/1:00 14:05:30 2x ┃━━━━━━━━━━━━━━━━█─────────────────┃"
        );
        assert_eq!(drawn.progress, 24..60);
        let last = drawn.line.spans.last().map(|span| span.style.fg);
        assert_eq!(
            last,
            Some(Colour::Basic(1)),
            "a failure is seen before a marker"
        );
        let drawn = bar(&[], &TimeZone::UTC).draw(20);
        assert_eq!(drawn.line.text(), "▶ 0:30 2x ━━━━█─────");
    }

    #[test]
    fn a_message_has_the_room_that_it_needs_and_the_progress_keeps_its_place() {
        let zone = TimeZone::UTC;
        let short = Bar {
            message: Some("marker 5"),
            ..bar(&[], &zone)
        };
        let drawn = short.draw(60);
        assert_eq!(drawn.line.text(), "▶ 0:30/1:00 14:05:30 2x marker 5");
        assert_eq!(drawn.progress, 24..60);
        let long = Bar {
            message: Some("\"nonsense\" is no time, and no marker has that label"),
            ..short
        };
        let drawn = long.draw(60);
        assert_eq!(
            drawn.line.text(),
            "▶ 0:30 \"nonsense\" is no time, and no marker has that label"
        );
        assert_eq!(drawn.progress, 24..60);
    }

    #[test]
    fn times_are_short_where_they_can_be() {
        let all = [(59, false, false), (61, true, false), (3_661, false, false)];
        let all = all.map(|(seconds, hours, fraction)| clock(seconds * 1_000_000, hours, fraction));
        assert_eq!(all, ["0:59", "0:01:01", "1:01:01"]);
        assert_eq!(clock(1_234_567, false, true), "0:01.234");
    }

    proptest! {
        #[test]
        fn a_column_stands_for_its_time(end in 1_u64..1 << 50, width in 8_usize..300, column in 0_usize..300) {
            let columns = 10..10 + width;
            let column = 10 + column % width;
            let time = time_of(column, end, &columns);
            prop_assert!(time <= end);
            if end > 1000 {
                let back = column_of(time, end, &columns);
                prop_assert!(back == column || back + 1 == column, "{column} {back}");
            }
        }

        #[test]
        fn no_width_is_too_small(columns in 0_usize..200, position in any::<u64>(), end in any::<u64>()) {
            let zone = TimeZone::UTC;
            let bar = Bar { position, end, ..bar(&[(7, Tick::Failed)], &zone) };
            let drawn = bar.draw(columns);
            prop_assert!(drawn.line.width() <= columns);
        }
    }
}
