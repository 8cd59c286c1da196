//! Which tmux it is, and what that one can do.
//!
//! The version that counts is the server's (`#{version}`), not that of the
//! client binary: after an upgrade the old server goes on.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A version of tmux, such as `3.3a`.
///
/// Development versions order after the releases they build on: `next-3.5`
/// counts as 3.5, `master` as newer than everything. OpenBSD's own
/// (`openbsd-7.4`) are taken as current too.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    major: u16,
    minor: u16,
    /// 0 for none, 1 for `a`, 2 for `b`, …
    letter: u8,
    /// Whether it is a release, not something on the way to it.
    is_release: bool,
}

impl Version {
    /// What counts where versions are compared.
    fn key(self) -> (u16, u16, u8) {
        (self.major, self.minor, self.letter)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A text that is no version of tmux.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no tmux version that is known here")]
pub struct VersionError {
    pub text: String,
}

impl Version {
    /// The oldest version that is supported.
    pub const OLDEST: Version = Version::new(3, 0);
    const NEWEST: Version = Version::new(u16::MAX, 0);

    /// The release `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Version {
        Version {
            major,
            minor,
            letter: 0,
            is_release: true,
        }
    }

    #[must_use]
    pub const fn major(self) -> u16 {
        self.major
    }

    #[must_use]
    pub const fn minor(self) -> u16 {
        self.minor
    }

    /// Whether `display-popup` exists (3.2).
    #[must_use]
    pub fn has_popups(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether `display-message -c` takes a client: 3.2 knows the flag without a name
    /// behind it, and takes that for the message.
    #[must_use]
    pub fn has_message_client(self) -> bool {
        (self.major, self.minor) != (3, 2)
    }

    /// Whether `command-prompt -k` takes a single key (3.1).
    #[must_use]
    pub fn has_key_prompt(self) -> bool {
        self >= Version::new(3, 1)
    }

    /// Whether `capture-pane -N` keeps the blanks at the ends of rows (3.1).
    #[must_use]
    pub fn has_capture_blanks(self) -> bool {
        self >= Version::new(3, 1)
    }

    /// Whether a client's output comes to it in messages that are known here:
    /// the releases 3.2 to 3.7, on machines whose low byte comes first (see the
    /// wire). Neither versions to come nor those on the way to a release: a
    /// server may end itself over a message that it does not know.
    #[must_use]
    pub fn has_known_messages(self) -> bool {
        let is_known = self >= Version::new(3, 2) && self < Version::new(3, 8);
        is_known && self.is_release && cfg!(target_endian = "little")
    }

    /// Whether captures hold cells that were erased with a colour, and `-T`
    /// leaves them out (3.4).
    #[must_use]
    pub fn has_capture_erased(self) -> bool {
        self >= Version::new(3, 4)
    }

    /// Whether `show-hooks` has hooks of windows and panes apart: `-w` (3.2).
    #[must_use]
    pub fn has_window_hooks(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether sessions have their names stored escaped, as windows always have
    /// (3.2).
    #[must_use]
    pub fn has_escaped_session_names(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether `copy-mode -q` ends any mode (3.2).
    #[must_use]
    pub fn has_mode_exit(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether the size of a split may be a percentage: `-l 25%`, before that
    /// `-p 25` (3.1).
    #[must_use]
    pub fn has_split_percentages(self) -> bool {
        self >= Version::new(3, 1)
    }

    /// Whether the text colours of a pane can be read: `pane_fg`, `pane_bg`
    /// (3.2).
    #[must_use]
    pub fn has_pane_colours(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether the extended key mode can be read: `pane_key_mode` (3.5).
    #[must_use]
    pub fn has_key_mode(self) -> bool {
        self >= Version::new(3, 5)
    }

    /// Whether the cursor's look can be read: `cursor_shape` and others (3.6).
    #[must_use]
    pub fn has_cursor_style(self) -> bool {
        self >= Version::new(3, 6)
    }

    /// Whether bracketed paste and synchronized output can be read (3.7).
    #[must_use]
    pub fn has_paste_mode(self) -> bool {
        self >= Version::new(3, 7)
    }

    /// Whether a backslash in a title comes doubled (before 3.1, since 3.7).
    #[must_use]
    pub fn has_escaped_titles(self) -> bool {
        self < Version::new(3, 1) || self >= Version::new(3, 7)
    }

    /// Whether what a format gives is printed with a backslash before a `$`
    /// that a name follows (3.4 alone).
    #[must_use]
    pub fn has_escaped_dollars(self) -> bool {
        self >= Version::new(3, 4) && self < Version::new(3, 5)
    }

    /// Whether the `window-resized` hook exists (3.3).
    #[must_use]
    pub fn has_window_resized_hook(self) -> bool {
        self >= Version::new(3, 3)
    }

    /// Whether a hook knows the arguments of the command that has run it:
    /// `hook_argument_0` (3.2).
    #[must_use]
    pub fn has_hook_arguments(self) -> bool {
        self >= Version::new(3, 2)
    }

    /// Whether bytes that are no UTF-8 show as U+FFFD (3.6), or as nothing.
    #[must_use]
    pub fn shows_invalid_bytes(self) -> bool {
        self >= Version::new(3, 6)
    }

    /// How long after its last byte an unfinished string (OSC, DCS, …) may still
    /// be finished: 5 s, but 0.1 s before 3.1.
    #[must_use]
    pub fn string_timeout(self) -> Duration {
        Duration::from_millis(if self >= Version::new(3, 1) {
            5000
        } else {
            100
        })
    }

    /// Whether `kill-session` and `unlink-window -k` end the server where a
    /// window is zoomed (3.4 alone).
    #[must_use]
    pub fn dies_with_zoomed_windows(self) -> bool {
        self >= Version::new(3, 4) && self < Version::new(3, 5)
    }

    /// Whether `paste-buffer` writes control characters as they are only with
    /// `-S` (3.7).
    #[must_use]
    pub fn has_raw_paste(self) -> bool {
        self >= Version::new(3, 7)
    }

    /// Whether the layouts `main-*-mirrored` exist (3.5).
    #[must_use]
    pub fn has_mirrored_layouts(self) -> bool {
        self >= Version::new(3, 5)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Version, VersionError> {
        let text = text.trim();
        if text == "master" || text.starts_with("openbsd-") {
            return Ok(Version::NEWEST);
        }
        let number = text.strip_prefix("next-").unwrap_or(text);
        let parse = || {
            let (major, rest) = number.split_once('.')?;
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let end_of_number = &rest[end..];
            let letter = match end_of_number.bytes().next() {
                Some(letter @ b'a'..=b'z') => letter - b'a' + 1,
                // Release candidates (`3.4-rc`) behave as their release.
                Some(b'-') | None => 0,
                Some(_) => return None,
            };
            Some(Version {
                major: major.parse().ok()?,
                minor: rest[..end].parse().ok()?,
                letter,
                is_release: number == text && end_of_number.len() == usize::from(letter > 0),
            })
        };
        parse().ok_or_else(|| VersionError {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Version::NEWEST {
            return f.write_str("master");
        }
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.letter > 0 {
            write!(f, "{}", (b'a' + self.letter - 1) as char)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_order() {
        let ordered = [
            "2.9a", "3.0", "3.0a", "3.3", "3.3a", "3.4", "next-3.5", "3.5a", "master",
        ];
        for pair in ordered.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("3.4-rc2"), version("3.4"));
        assert!(version("openbsd-7.4") > version("3.7"));
        for text in ["3.2", "3.3a", "3.7c"] {
            assert!(version(text).has_known_messages(), "{text}");
        }
        for text in [
            "3.1c", "next-3.5", "3.4-rc2", "3.7-rc", "3.3a-rc", "3.8", "master",
        ] {
            assert!(!version(text).has_known_messages(), "{text}");
        }
        assert_eq!(version("3.3a").to_string(), "3.3a");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "three", "3", "3.x", ".3", "3.3%"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
