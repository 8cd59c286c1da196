//! Ids and file names.

use jiff::Zoned;

use crate::tmux::{Socket, WindowId};

/// Longest part of a file name, in characters.
const LONGEST: usize = 40;

/// A recording's id: `session:@window`, on a tmux server other than the
/// default one `socket.session:@window`, and for the `number`th server whose
/// socket has that name `socket~2.session:@window` and so on.
pub(super) fn recording_id(
    socket: &Socket,
    session: &str,
    window: WindowId,
    number: u32,
) -> String {
    // An id is a line of its own in `rec ls -q`.
    let session = session.replace(char::is_control, "_");
    if *socket == Socket::default_server() && number == 1 {
        return format!("{session}:{window}");
    }
    let name = socket.path().file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    match number {
        1 => format!("{name}.{session}:{window}"),
        _ => format!("{name}~{number}.{session}:{window}"),
    }
}

/// The name of a cast, without a folder:
/// `YYYY-MM-DD_HHMM_host_session_@3_window`, and `_2`, `_3` … for the `number`th
/// of that name.
pub(super) fn cast_name(
    now: &Zoned,
    host: &str,
    session: &str,
    window: WindowId,
    window_name: &str,
    number: u32,
) -> String {
    let parts = [
        now.strftime("%Y-%m-%d_%H%M").to_string(),
        safe_filename(host),
        safe_filename(session),
        window.to_string(),
        safe_filename(window_name),
    ];
    numbered(&parts, number)
}

/// The name of a command's cast: `YYYY-MM-DD_HHMM_host_command`.
pub(super) fn command_cast_name(now: &Zoned, host: &str, command: &str, number: u32) -> String {
    let parts = [
        now.strftime("%Y-%m-%d_%H%M").to_string(),
        safe_filename(host),
        safe_filename(command),
    ];
    numbered(&parts, number)
}

fn numbered(parts: &[String], number: u32) -> String {
    let mut name = parts.join("_");
    if number > 1 {
        name.push_str(&format!("_{number}"));
    }
    name.push_str(".cast");
    name
}

/// A text as part of a file name: letters, digits, `-`, `.` and `_` stay, the
/// rest becomes `_`; never empty, hidden or long.
#[must_use]
pub fn safe_filename(text: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "-._@".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(safe).take(LONGEST).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() {
        "_".to_owned()
    } else {
        name.to_owned()
    }
}

/// This machine's name, without its domain.
pub(super) fn host_name() -> String {
    let name = whole_host_name();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// This machine's names: with its domain, if it has one, and without.
pub(super) fn host_names() -> Vec<String> {
    let mut names = vec![whole_host_name(), host_name()];
    names.dedup();
    names
}

fn whole_host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe() {
        assert_eq!(safe_filename("a b/c:d"), "a_b_c_d");
        assert_eq!(safe_filename("..hidden"), "hidden");
        assert_eq!(safe_filename(""), "_");
        assert_eq!(safe_filename("../../etc"), "_.._etc");
        assert_eq!(safe_filename(&"x".repeat(300)).len(), LONGEST);
        assert_eq!(safe_filename("größe\u{1b}[1m"), "größe__1m");
    }

    #[test]
    fn a_cast_is_named_after_its_window() {
        let now: Zoned = "2026-03-04T05:06:07[UTC]".parse().unwrap();
        let name = |number| cast_name(&now, "box", "main", WindowId(3), "vim a.rs", number);
        assert_eq!(name(1), "2026-03-04_0506_box_main_@3_vim_a.rs.cast");
        assert_eq!(name(2), "2026-03-04_0506_box_main_@3_vim_a.rs_2.cast");
    }

    #[test]
    fn ids_name_other_servers() {
        let window = WindowId(3);
        assert_eq!(
            recording_id(&Socket::default_server(), "main", window, 1),
            "main:@3"
        );
        assert_eq!(
            recording_id(&Socket::at("/x/work.sock"), "main", window, 1),
            "work.sock.main:@3"
        );
        assert_eq!(
            recording_id(&Socket::default_server(), "a\tb", window, 1),
            "a_b:@3"
        );
    }
}
