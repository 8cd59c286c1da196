//! What a request must keep to beyond its types.
//!
//! The same bounds stand in the OpenAPI document, beside each field: what fits
//! the document is never refused for its form. They are what tmux and the
//! system can take: no NUL, and together no more than the 16 KiB of one tmux
//! message.

use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A request body that can be looked through before it is acted on.
pub trait Check {
    /// Looks through all fields.
    ///
    /// # Errors
    /// With a sentence that names the field that does not fit.
    fn check(&self) -> Result<(), String>;
}

/// Reads a whole number, which JSON may also write as `5.0`.
pub(super) fn whole<'de, D: Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(value)?;
    let float = || number.as_f64().filter(|float| float.fract() == 0.0);
    let found = number.as_u64().or_else(|| match float() {
        // Exact below 2^53; beyond it is out of bounds anyway.
        Some(float) if (0.0..=9e15).contains(&float) => Some(float as u64),
        _ => None,
    });
    let found = found.and_then(|found| u32::try_from(found).ok());
    found.ok_or_else(|| {
        D::Error::custom(format!(
            "`{number}` is not a whole number from 0 to 2^32 - 1"
        ))
    })
}

/// The same where it may be left out.
pub(super) fn maybe_whole<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] u32);
    let value = Option::<Whole>::deserialize(value)?;
    Ok(value.map(|Whole(number)| number))
}

/// Reads what may be left out; a format of tmux's that says nothing is empty.
pub(super) fn maybe_filled<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<String>, D::Error> {
    let value = Option::<String>::deserialize(value)?;
    Ok(value.filter(|text| !text.is_empty()))
}

/// Longest name, in characters.
pub(super) const NAME: usize = 256;
/// Longest path, in characters.
pub(super) const PATH: usize = 1024;
/// Longest shell command, in characters.
pub(super) const COMMAND: usize = 2048;
/// Longest text that is typed at once, in characters.
pub(super) const KEYS: usize = 65_536;

/// Any text without NUL, of at most `longest` characters.
pub(super) fn text(field: &str, text: &str, longest: usize) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{field} must not hold NUL"));
    }
    // Counting characters is only worth while where bytes do not tell.
    if text.len() > longest && text.chars().count() > longest {
        return Err(format!(
            "{field} must not have more than {longest} characters"
        ));
    }
    Ok(())
}

/// The same; must not be empty.
pub(super) fn filled(field: &str, value: &str, longest: usize) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("{field} must not be empty"));
    }
    text(field, value, longest)
}

/// A name that tmux takes as it is for a session.
pub(super) fn session_name(field: &str, name: &str) -> Result<(), String> {
    filled(field, name, NAME)?;
    let altered = |c: char| c == ':' || c == '.' || c.is_ascii_control();
    match name.chars().find(|c| altered(*c)) {
        Some(c) => Err(format!(
            "{field} must not hold {c:?}: tmux would store another name"
        )),
        None => Ok(()),
    }
}

/// An absolute path.
pub(super) fn path(field: &str, path: &Path) -> Result<(), String> {
    let value = path.to_string_lossy();
    text(field, &value, PATH)?;
    if path.is_absolute() {
        Ok(())
    } else {
        Err(format!("{field} must be an absolute path"))
    }
}

/// An absolute path, or `.` for the home folder.
pub(super) fn start_directory(value: &Option<String>) -> Result<(), String> {
    match value.as_deref() {
        None | Some(".") => Ok(()),
        Some(value) => path("start_directory", Path::new(value)),
    }
}

/// Seconds, as the header of a cast takes them.
pub(super) fn idle_time_limit(limit: Option<f64>) -> Result<(), String> {
    match limit {
        Some(limit) if !(limit.is_finite() && limit > 0.0) => {
            Err("idle_time_limit must be a positive number of seconds".to_owned())
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks a field that may be left out.
pub(super) fn maybe(
    value: &Option<String>,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Result<(), String> {
    value.as_deref().map_or(Ok(()), check)
}

/// A number within bounds.
pub(super) fn within<T: PartialOrd + std::fmt::Display>(
    field: &str,
    value: T,
    least: T,
    most: T,
) -> Result<(), String> {
    if value < least || value > most {
        return Err(format!("{field} must be between {least} and {most}"));
    }
    Ok(())
}
