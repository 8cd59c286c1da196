//! tmux's ids: `$1` a session, `@2` a window, `%3` a pane.
//!
//! An id is never used twice while a server lives, whatever is renamed or
//! moved.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is no tmux id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind} id: expected `{sigil}` and a number")]
pub struct IdError {
    pub text: String,
    /// `session`, `window` or `pane`.
    pub kind: &'static str,
    /// The sign such an id starts with.
    pub sigil: char,
}

macro_rules! id {
    ($name:ident, $sigil:literal, $kind:literal) => {
        #[doc = concat!("The id of a tmux ", $kind, ": `", $sigil, "` and a number.")]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($sigil, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$name, IdError> {
                text.strip_prefix($sigil)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .map($name)
                    .ok_or_else(|| IdError {
                        text: text.to_owned(),
                        kind: $kind,
                        sigil: $sigil,
                    })
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<$name, IdError> {
                text.parse()
            }
        }
    };
}

id!(SessionId, '$', "session");
id!(WindowId, '@', "window");
id!(PaneId, '%', "pane");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        assert_eq!("%12".parse(), Ok(PaneId(12)));
        assert_eq!(WindowId(3).to_string(), "@3");
        for bad in ["", "%", "12", "%-1", "%+1", "%1x", "@1", "%99999999999"] {
            assert!(bad.parse::<PaneId>().is_err(), "{bad}");
        }
    }
}
