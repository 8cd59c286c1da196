//! Times of the calendar: as people say them, and as they read them.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, Timestamp, Unit, Zoned};

/// A time of the calendar: a moment, or a stretch of time such as a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// Seconds since the Unix epoch.
    start: f64,
    end: f64,
}

/// Which end of a stretch of time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Start,
    End,
}

impl When {
    /// Reads `2h`, `3d`, `today`, `mon`, `14:05`, `2026-11-26`, `2026-11-26 14:05`.
    ///
    /// # Errors
    /// What is wanted, when it is something else.
    pub fn parse(text: &str) -> Result<When, String> {
        When::parse_at(text, &Zoned::now())
    }

    fn parse_at(text: &str, now: &Zoned) -> Result<When, String> {
        let unknown = || {
            format!(
                "`{text}` is no time: 2h or 3d ago, today, yesterday, mon, 14:05, 2026-11-26 or \
                 '2026-11-26 14:05' is wanted"
            )
        };
        let text = text.trim().to_lowercase();
        if let Some(ago) = ago(&text) {
            let start = now.timestamp().as_second() as f64 - ago;
            return Ok(When { start, end: start });
        }
        let date = match &*text {
            "today" => Some(now.date()),
            "yesterday" => now.date().yesterday().ok(),
            _ => weekday(&text)
                .and_then(|day| now.date().tomorrow().ok()?.nth_weekday(-1, day).ok())
                .or_else(|| text.parse::<Date>().ok().filter(|_| !text.contains(':'))),
        };
        let seconds = |time: DateTime| {
            let zoned = time.to_zoned(now.time_zone().clone());
            zoned
                .map(|zoned| zoned.timestamp().as_second() as f64)
                .map_err(|_| unknown())
        };
        if let Some(date) = date {
            let next = date.tomorrow().map_err(|_| unknown())?;
            return Ok(When {
                start: seconds(date.at(0, 0, 0, 0))?,
                end: seconds(next.at(0, 0, 0, 0))?,
            });
        }
        let time = match text.parse::<DateTime>() {
            Ok(time) if text.contains(':') => time,
            _ => {
                let time: Time = text.parse().map_err(|_| unknown())?;
                let today = now.date().to_datetime(time);
                match today > now.datetime() {
                    true => now
                        .date()
                        .yesterday()
                        .map_err(|_| unknown())?
                        .to_datetime(time),
                    false => today,
                }
            }
        };
        let start = seconds(time)?;
        Ok(When { start, end: start })
    }

    /// One of its ends, in seconds since the Unix epoch.
    #[must_use]
    pub fn seconds(self, edge: Edge) -> f64 {
        match edge {
            Edge::Start => self.start,
            Edge::End => self.end,
        }
    }
}

/// `90s`, `5m`, `2h`, `3d`, `1w` in seconds.
fn ago(text: &str) -> Option<f64> {
    let units = [
        ('s', 1.0),
        ('m', 60.0),
        ('h', 3600.0),
        ('d', 86_400.0),
        ('w', 604_800.0),
    ];
    let (unit, length) = units.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = text.strip_suffix(unit)?;
    let is_plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    Some(number * length)
}

fn weekday(text: &str) -> Option<Weekday> {
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let is_it = |name: &str| text.len() >= 3 && name.starts_with(text);
    days.into_iter()
        .find(|(name, _)| is_it(name))
        .map(|(_, day)| day)
}

/// How long ago a time is, as people say it: `5 min ago`, `yesterday 14:05`,
/// `Mon 14:05`, `26 Nov 14:05`, `2025-11-26`. `time` is in seconds since the Unix
/// epoch.
#[must_use]
pub fn long_ago(time: f64, now: &Zoned) -> String {
    let Ok(timestamp) = Timestamp::from_second(time as i64) else {
        return "-".to_owned();
    };
    let then = timestamp.to_zoned(now.time_zone().clone());
    let passed = now.timestamp().as_second() - timestamp.as_second();
    let days = (&then.date(), &now.date());
    let days: Span = days.0.until((Unit::Day, *days.1)).unwrap_or_default();
    match (passed, days.get_days()) {
        (..-60, _) => then.strftime("%Y-%m-%d %H:%M").to_string(),
        (..60, _) => "now".to_owned(),
        (60..3600, _) => format!("{} min ago", passed / 60),
        (_, 0) => then.strftime("%H:%M").to_string(),
        (_, 1) => then.strftime("yesterday %H:%M").to_string(),
        (_, 2..7) => then.strftime("%a %H:%M").to_string(),
        (_, 7..300) => then.strftime("%-d %b %H:%M").to_string(),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// A time of the calendar in full. `time` is in seconds since the Unix epoch.
#[must_use]
pub fn time_of_day(time: f64, format: &str) -> String {
    let timestamp = Timestamp::from_second(time as i64).unwrap_or_default();
    let zoned = timestamp.to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_say_them() {
        // A Friday.
        let now: Zoned = "2026-11-27T10:00:00[UTC]".parse().unwrap();
        let seconds = |text: &str| {
            let zoned: Zoned = format!("{text}[UTC]").parse().unwrap();
            zoned.timestamp().as_second() as f64
        };
        for (text, start, end) in [
            ("2h", "2026-11-27T08:00:00", "2026-11-27T08:00:00"),
            ("1.5d", "2026-11-25T22:00:00", "2026-11-25T22:00:00"),
            ("today", "2026-11-27T00:00:00", "2026-11-28T00:00:00"),
            ("yesterday", "2026-11-26T00:00:00", "2026-11-27T00:00:00"),
            ("fri", "2026-11-27T00:00:00", "2026-11-28T00:00:00"),
            ("Saturday", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
            ("09:05", "2026-11-27T09:05:00", "2026-11-27T09:05:00"),
            ("14:05", "2026-11-26T14:05:00", "2026-11-26T14:05:00"),
            ("2026-02-03", "2026-02-03T00:00:00", "2026-02-04T00:00:00"),
            (
                "2026-02-03 14:05",
                "2026-02-03T14:05:00",
                "2026-02-03T14:05:00",
            ),
        ] {
            let when = When::parse_at(text, &now).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                (when.start, when.end),
                (seconds(start), seconds(end)),
                "{text}"
            );
        }
        for text in ["", "soon", "25:00", "-2h", "2026-13-01", "h"] {
            assert!(When::parse_at(text, &now).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        let now: Zoned = "2026-11-27T10:00:00[UTC]".parse().unwrap();
        let told = |text: &str| {
            let then: Zoned = format!("{text}[UTC]").parse().unwrap();
            long_ago(then.timestamp().as_second() as f64, &now)
        };
        for (time, expected) in [
            ("2026-11-27T09:59:30", "now"),
            ("2026-11-27T09:50:00", "10 min ago"),
            ("2026-11-27T01:05:00", "01:05"),
            ("2026-11-26T23:05:00", "yesterday 23:05"),
            ("2026-11-24T14:05:00", "Tue 14:05"),
            ("2026-10-04T14:05:00", "4 Oct 14:05"),
            ("2024-10-04T14:05:00", "2024-10-04"),
        ] {
            assert_eq!(told(time), expected);
        }
    }
}
