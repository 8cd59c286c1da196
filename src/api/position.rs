//! Places and sizes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

/// A place or a size, in character cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Position {
    /// Columns, from the left.
    pub x: u32,
    /// Rows, from the top.
    pub y: u32,
}

impl Position {
    /// Columns and rows.
    #[must_use]
    pub fn as_tuple(self) -> (u32, u32) {
        (self.x, self.y)
    }
}

impl From<(u16, u16)> for Position {
    fn from((x, y): (u16, u16)) -> Position {
        Position {
            x: x.into(),
            y: y.into(),
        }
    }
}

/// A text that is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: expected COLUMNSxROWS")]
pub struct PositionError(String);

/// Reads tmux's `80x24`.
impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        let parse = || {
            let (x, y) = text.split_once('x')?;
            Some(Position {
                x: x.parse().ok()?,
                y: y.parse().ok()?,
            })
        };
        parse().ok_or_else(|| PositionError(text.to_owned()))
    }
}

/// Writes tmux's `80x24`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_tmux_does() {
        let size: Position = "80x24".parse().unwrap();
        assert_eq!(
            (size.as_tuple(), size.to_string()),
            ((80, 24), "80x24".into())
        );
        for bad in ["", "80", "x", "80x", "-1x2"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
