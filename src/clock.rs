//! The wall clock. Durations inside the program are measured with
//! `std::time::Instant`; this is for times that people and files see, and for
//! those that one process tells another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// Microseconds since the Unix epoch, now. A clock before 1970 reads 0.
#[must_use]
pub fn unix_micros() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0)
}

/// Whole seconds since the Unix epoch, now.
#[must_use]
pub fn unix_seconds() -> u64 {
    unix_micros() / 1_000_000
}

/// Microseconds on the clock of `std::time::Instant`, which all processes of
/// the machine share until it is started again: nobody sets it, and it stands
/// still while the machine is suspended.
#[must_use]
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// A file's time as seconds since the Unix epoch; one before 1970 is 0.
#[must_use]
pub fn unix_time(time: SystemTime) -> f64 {
    let age = time.duration_since(UNIX_EPOCH);
    age.map_or(0.0, |age| age.as_secs_f64())
}
