//! A time as people say it: `TIME` of every verb.

use std::str::FromStr;

use jiff::civil::{self, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Timeline, TimelineError};
use crate::cast::Micros;

/// The longest time that is taken, in seconds.
const LONGEST: f64 = 1e9;

/// A time of a cast, not looked up in it so far.
///
/// | form | meaning |
/// |---|---|
/// | `90`, `90.5`, `1:23:45`, `1h2m3s` | after the start |
/// | `-10`, `-10s`, `-1:00:00` | before the end |
/// | `50%` | that part of the whole |
/// | `14:05` | the time of day, where the cast covers it; else minutes and seconds |
/// | `2026-11-26 14:05`, `2026-11-26T14:05:30` | the wall clock, in the local time zone |
/// | anything else | the label of a marker |
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// Microseconds after the start.
    FromStart(Micros),
    /// Microseconds before the end.
    FromEnd(Micros),
    /// Hundredths of the whole.
    Percent(f64),
    /// A time of day that may also be minutes and seconds after the start.
    Day(Time, Micros),
    Date(DateTime),
    /// The first marker with this label.
    Label(String),
}

/// Why a time does not fit a cast.
#[derive(Debug, thiserror::Error)]
pub enum MomentError {
    /// No marker has this label.
    #[error("{label:?} is no time, and no marker is called so{}", known(.markers))]
    NoMarker { label: String, markers: Vec<String> },
    /// More than one marker starts so.
    #[error("{label:?} fits several markers: {}", .markers.join(", "))]
    Ambiguous { label: String, markers: Vec<String> },
    /// The header has no time.
    #[error("the cast does not say when it was recorded, so a wall clock time means nothing in it")]
    NoStart,
    /// The cast does not cover it.
    #[error("{wanted} is not in this cast, which goes from {start} to {end}")]
    Outside {
        wanted: String,
        start: String,
        end: String,
    },
    /// The cast cannot be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
}

fn known(markers: &[String]) -> String {
    match markers {
        [] => "; the cast has no markers".to_owned(),
        some => format!("; markers are: {}", some.join(", ")),
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("a time is wanted: 90, 1:23:45, 1h2m, 50%, -10s, 14:05 or a marker".into());
        }
        if let Some(number) = text.strip_suffix('%') {
            return match plain_number(number) {
                Some(percent) if percent <= 100.0 => Ok(Moment::Percent(percent)),
                _ => Err("a part from 0% to 100% is wanted".into()),
            };
        }
        if let Some(rest) = text.strip_prefix('-')
            && let Some(seconds) = seconds(rest)
        {
            return Ok(Moment::FromEnd(micros(seconds)?));
        }
        if let Some(seconds) = seconds(text) {
            let micros = micros(seconds)?;
            return Ok(match time_of_day(text) {
                Some(time) => Moment::Day(time, micros),
                None => Moment::FromStart(micros),
            });
        }
        if let Ok(date) = text.parse::<DateTime>()
            && text.contains(':')
        {
            return Ok(Moment::Date(date));
        }
        Ok(Moment::Label(text.to_owned()))
    }
}

/// `90`, `90.5`, `1:30`, `1:23:45` and `1h2m3s` in seconds.
fn seconds(text: &str) -> Option<f64> {
    if text.contains(':') {
        let parts: Option<Vec<f64>> = text.split(':').map(plain_number).collect();
        let parts = parts.filter(|parts| parts.len() <= 3)?;
        return Some(parts.iter().fold(0.0, |sum, part| sum * 60.0 + part));
    }
    if !text.ends_with(['h', 'm', 's']) {
        return plain_number(text);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    for (unit, size) in [('h', 3600.0), ('m', 60.0), ('s', 1.0)] {
        if let Some((part, after)) = rest.split_once(unit) {
            seconds += plain_number(part)? * size;
            rest = after;
        }
    }
    rest.is_empty().then_some(seconds)
}

/// Digits, with a point or without.
fn plain_number(text: &str) -> Option<f64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let number = text.parse().ok()?;
    text.bytes().all(is_plain).then_some(number)
}

fn micros(seconds: f64) -> Result<Micros, String> {
    if seconds > LONGEST {
        return Err("that is longer than any recording".into());
    }
    Ok((seconds * 1e6).round() as Micros)
}

/// `14:05` as a time of day, if it can be one.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

impl Moment {
    /// Whether all of the cast must have been gone through to look it up: a caller
    /// that shows progress does that first, with [`Timeline::cover`].
    #[must_use]
    pub fn needs_all(&self) -> bool {
        match self {
            Moment::FromStart(_) => false,
            Moment::FromEnd(_) | Moment::Percent(_) | Moment::Label(_) => true,
            Moment::Day(..) | Moment::Date(_) => true,
        }
    }

    /// The time after the start, where that is all it says, or can say.
    #[must_use]
    pub fn after_start(&self) -> Option<Micros> {
        match self {
            Moment::FromStart(time) | Moment::Day(_, time) => Some(*time),
            _ => None,
        }
    }

    /// Looks it up: microseconds since the start, which may be after the end. Goes
    /// through the cast where it must.
    ///
    /// # Errors
    /// When the cast has no such time, or cannot be read.
    pub fn find(&self, timeline: &Timeline) -> Result<Micros, MomentError> {
        match self {
            Moment::FromStart(time) => Ok(*time),
            Moment::FromEnd(time) => Ok(timeline.duration()?.saturating_sub(*time)),
            Moment::Percent(percent) => {
                Ok((timeline.duration()? as f64 * percent / 100.0).round() as Micros)
            }
            Moment::Day(time, else_offset) => {
                Ok(Self::find_day(timeline, *time)?.unwrap_or(*else_offset))
            }
            Moment::Date(date) => find_date(timeline, *date),
            Moment::Label(label) => find_label(timeline, label),
        }
    }

    /// The first time that the clock shows `time` in the cast, if it does.
    fn find_day(timeline: &Timeline, time: Time) -> Result<Option<Micros>, TimelineError> {
        let Some(start) = start_of(timeline) else {
            return Ok(None);
        };
        // The minute in which it starts counts.
        let minute = start.with().second(0).subsec_nanosecond(0).build();
        let first = minute.unwrap_or_else(|_| start.clone());
        let on = |date: civil::Date| {
            date.to_datetime(time)
                .to_zoned(start.time_zone().clone())
                .ok()
        };
        let today = on(start.date());
        let found = match today {
            Some(today) if today >= first => Some(today),
            _ => start.date().tomorrow().ok().and_then(on),
        };
        let offset = found.map(|found| offset_of(&start, &found));
        let duration = timeline.duration()?;
        Ok(offset.filter(|offset| *offset <= duration))
    }
}

fn find_date(timeline: &Timeline, date: DateTime) -> Result<Micros, MomentError> {
    let start = start_of(timeline).ok_or(MomentError::NoStart)?;
    let duration = timeline.duration()?;
    let length = SignedDuration::from_micros(i64::try_from(duration).unwrap_or(i64::MAX));
    let end = start.checked_add(length).unwrap_or_else(|_| start.clone());
    let zone = start.time_zone().clone();
    let wanted = date.to_zoned(zone).ok();
    let minute = date.second() == 0;
    let is_inside = |wanted: &Zoned| {
        let last = if minute {
            SignedDuration::from_secs(59)
        } else {
            SignedDuration::ZERO
        };
        let reaches = wanted.checked_add(last).is_ok_and(|last| last >= start);
        reaches && *wanted <= end
    };
    match wanted.filter(is_inside) {
        Some(wanted) => Ok(offset_of(&start, &wanted)),
        None => {
            let show = |time: &Zoned| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            Err(MomentError::Outside {
                wanted: date.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                start: show(&start),
                end: show(&end),
            })
        }
    }
}

/// The marker with exactly this label, else with it in another case, else the only
/// one that starts so.
fn find_label(timeline: &Timeline, label: &str) -> Result<Micros, MomentError> {
    timeline.duration()?;
    let markers = timeline.markers();
    let lower = label.to_lowercase();
    let exact = markers.iter().find(|marker| marker.label == label);
    let other_case = || {
        markers
            .iter()
            .find(|marker| marker.label.to_lowercase() == lower)
    };
    if let Some(marker) = exact.or_else(other_case) {
        return Ok(marker.time);
    }
    let starts_so = |marker: &&_| {
        let marker: &crate::cast::Marker = marker;
        marker.label.to_lowercase().starts_with(&lower)
    };
    let fitting: Vec<_> = markers.iter().filter(starts_so).collect();
    let labels = |of: &[&crate::cast::Marker]| {
        let some = of.iter().take(20);
        some.map(|marker| format!("{:?}", marker.label)).collect()
    };
    let label = label.to_owned();
    match fitting.as_slice() {
        [only] => Ok(only.time),
        [] => Err(MomentError::NoMarker {
            label,
            markers: labels(&markers.iter().collect::<Vec<_>>()),
        }),
        several => Err(MomentError::Ambiguous {
            label,
            markers: labels(several),
        }),
    }
}

/// When the cast starts, in the local time zone.
fn start_of(timeline: &Timeline) -> Option<Zoned> {
    let seconds = i64::try_from(timeline.header().timestamp?).ok()?;
    let start = Timestamp::from_second(seconds).ok()?;
    Some(start.to_zoned(TimeZone::system()))
}

fn offset_of(start: &Zoned, time: &Zoned) -> Micros {
    let since = time.timestamp().as_microsecond() - start.timestamp().as_microsecond();
    Micros::try_from(since).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", 90.0),
            ("0.5", 0.5),
            ("1:23:45", 5025.0),
            ("1:30.5", 90.5),
            ("99:30", 5970.0),
            ("1h2m3s", 3723.0),
            ("1h", 3600.0),
            ("2m", 120.0),
            ("1.5s", 1.5),
        ] {
            let time = Moment::FromStart((seconds * 1e6) as Micros);
            assert_eq!(text.parse(), Ok(time), "{text}");
        }
        let half_past_one = Time::constant(1, 30, 0, 0);
        assert_eq!("1:30".parse(), Ok(Moment::Day(half_past_one, 90_000_000)));
        assert_eq!("-10s".parse(), Ok(Moment::FromEnd(10_000_000)));
        assert_eq!("-1:00:00".parse(), Ok(Moment::FromEnd(3_600_000_000)));
        assert_eq!("12.5%".parse(), Ok(Moment::Percent(12.5)));
        for text in ["2026-11-26 14:05", "2026-11-26T14:05:00"] {
            let date = civil::date(2026, 11, 26).at(14, 5, 0, 0);
            assert_eq!(text.parse(), Ok(Moment::Date(date)), "{text}");
        }
        for text in [
            "x",
            "1:2:3:4",
            "1m2h",
            "nan",
            "inf",
            "1:",
            "-x",
            "2026-11-26",
        ] {
            assert_eq!(text.parse(), Ok(Moment::Label(text.to_owned())), "{text}");
        }
        for text in ["", "101%", "x%", "99999999999"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
