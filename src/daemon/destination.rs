//! The folder that a cast goes to.

use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::{Error, Result};
use crate::config;

/// The folder for a cast: that which was asked for, else the configured one.
pub(super) fn cast_folder(
    asked: Option<&Path>,
    output: &config::Output,
    started: &Zoned,
) -> Result<PathBuf> {
    let base = base_folder(asked, output)?;
    if asked.is_some() {
        return Ok(base);
    }
    let month = jiff::fmt::strtime::format(&output.date_format, started);
    Ok(base.join(month.unwrap_or_default()))
}

/// The folder that was asked for, else that of all casts.
pub(super) fn base_folder(asked: Option<&Path>, output: &config::Output) -> Result<PathBuf> {
    let base = asked.map_or_else(|| output.directory(), Path::to_owned);
    match base.is_absolute() {
        true => Ok(base),
        false => Err(Error::Invalid {
            message: format!("the folder {} is not an absolute path", base.display()),
        }),
    }
}
