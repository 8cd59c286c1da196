//! Names on their way into tmux and back.
//!
//! tmux expands formats in most names and folders that it is given (`#{…}`,
//! and `#(…)` runs a command), and stores names in an escaped form
//! (`utf8_stravis`: `\t` for a TAB, `\\` for a backslash, `\$HOME` up to 3.4; those
//! of sessions since 3.2).
//! What goes through here comes back as it was.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::Version;

/// `text` so that tmux's format expansion gives it back as it is.
///
/// `##` stands for `#`; but since 3.2 any run of `#` before `[` is a style, which
/// expansion leaves alone (`format_expand1`). So what expands to nothing goes
/// between them.
#[must_use]
pub fn escape_format(text: &str) -> String {
    text.replace('#', "##").replace("#[", "##{l:}[")
}

/// The same for a path, whatever its bytes.
#[must_use]
pub fn escape_path(path: &Path) -> OsString {
    let mut escaped = Vec::new();
    // What is no UTF-8 has none of the signs that matter.
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        escaped.extend_from_slice(escape_format(chunk.valid()).as_bytes());
        escaped.extend_from_slice(chunk.invalid());
    }
    OsString::from_vec(escaped)
}

/// A text as it was given, from what a server of this version prints of a format
/// variable.
#[must_use]
pub(super) fn decode(version: Version, variable: &str, printed: &[u8]) -> String {
    let printed = read_printed(version, printed);
    match variable {
        "window_name" => decode_name(&printed),
        "session_name" if version.has_escaped_session_names() => decode_name(&printed),
        "pane_title" if version.has_escaped_titles() => unescape(&printed, r"\"),
        "pane_path" => unescape(&printed, r"\"),
        _ => printed,
    }
}

/// The name that was given, from the form in which tmux stores it.
fn decode_name(stored: &str) -> String {
    if !stored.contains('\\') {
        return stored.to_owned();
    }
    let mut bytes = Vec::with_capacity(stored.len());
    let mut rest = stored.as_bytes();
    while let Some((byte, tail)) = next_byte(rest) {
        bytes.push(byte);
        rest = tail;
    }
    // What is no UTF-8 is not what tmux writes: better as it stands than repaired.
    String::from_utf8(bytes).unwrap_or_else(|_| stored.to_owned())
}

/// The byte that a text begins with, from the form that `vis` (with
/// `VIS_OCTAL | VIS_CSTYLE`) gives it, and what follows.
pub(super) fn next_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, tail) = text.split_first()?;
    if *first != b'\\' {
        return Some((*first, tail));
    }
    let octal = tail
        .iter()
        .take(3)
        .take_while(|b| (b'0'..=b'7').contains(b));
    let (byte, used) = match (octal.count(), tail) {
        (3, [a, b, c, ..]) => {
            let value = u32::from(a - b'0') * 64 + u32::from(b - b'0') * 8 + u32::from(c - b'0');
            (u8::try_from(value).unwrap_or(b'?'), 3)
        }
        (_, [b'0', ..]) => (0, 1),
        (_, [b'a', ..]) => (0x07, 1),
        (_, [b'b', ..]) => (0x08, 1),
        (_, [b't', ..]) => (b'\t', 1),
        (_, [b'n', ..]) => (b'\n', 1),
        (_, [b'v', ..]) => (0x0b, 1),
        (_, [b'f', ..]) => (0x0c, 1),
        (_, [b'r', ..]) => (b'\r', 1),
        (_, [b's', ..]) => (b' ', 1),
        (_, [other, ..]) => (*other, 1),
        (_, []) => (b'\\', 0),
    };
    Some((byte, &tail[used..]))
}

/// `text` without the backslashes that tmux puts into some texts, when it takes
/// them from a program or when it prints them: before a `$` that a name
/// follows, and before the signs in `plain`. (Control characters it refuses
/// there in the first place.)
pub(super) fn unescape(text: &str, plain: &str) -> String {
    let starts_name = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '{';
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let mut ahead = rest.clone();
        let escaped = ahead.next().filter(|_| c == '\\');
        match escaped {
            Some(sign) if plain.contains(sign) => {
                out.push(sign);
                rest = ahead;
            }
            Some('$') if ahead.next().is_some_and(starts_name) => {}
            _ => out.push(c),
        }
    }
    out
}

/// A text as it is, from what a server of this version prints of it. Bytes that
/// are no UTF-8 become U+FFFD.
#[must_use]
pub fn read_printed(version: Version, printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    if version.has_escaped_dollars() {
        unescape(&printed, "")
    } else {
        printed.into_owned()
    }
}

/// Whether a new window that is given `name` needs to be renamed to have it.
/// `rename-window` expands formats and stores what `decode` reads; but
/// `new-window -n` and `new-session -n` store a name as it is up to 3.3, where
/// it would then be read for something else, and expand nothing before 3.1.
#[must_use]
pub fn needs_renaming(name: &str) -> bool {
    name.contains(|c: char| c == '\\' || c == '#' || c.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_escaped() {
        for (plain, escaped) in [
            ("a", "a"),
            ("#{pid}", "##{pid}"),
            ("#(id)", "##(id)"),
            ("#[fg=red]#S", "###{l:}[fg=red]##S"),
            ("##[x", "#####{l:}[x"),
            ("a##", "a####"),
            ("#}#,", "##}##,"),
        ] {
            assert_eq!(escape_format(plain), escaped);
        }
        let path = OsString::from_vec(b"/#(id)/\xe9#[".to_vec());
        let escaped = escape_path(Path::new(&path));
        assert_eq!(escaped.as_bytes(), b"/##(id)/\xe9###{l:}[");
    }

    #[test]
    fn printed_texts_are_read() {
        for (printed, text) in [
            (r"\$HOME \${x} \$_", "$HOME ${x} $_"),
            (r"\\$HOME \$1 \", r"\$HOME \$1 \"),
            (r"$ $1 é", "$ $1 é"),
        ] {
            assert_eq!(unescape(printed, ""), text, "{printed}");
        }
        assert_eq!(unescape(r"\\a \\\$b", r"\"), r"\a \$b");
    }

    #[test]
    fn stored_names_are_read() {
        for (stored, name) in [
            (r"a\tb\nc", "a\tb\nc"),
            (r"\\\\ \\n", r"\\ \n"),
            (r"\$HOME", "$HOME"),
            (r"\033[1m\177", "\u{1b}[1m\u{7f}"),
            (r"\303\251", "é"),
            ("\\", "\\"),
            ("plain é", "plain é"),
        ] {
            assert_eq!(decode_name(stored), name, "{stored}");
        }
    }
}
