//! Which terminal a cast was made in.

use crate::cast::Header;
use crate::screen::Rules;

/// The rules that a header suggests: those of tmux when its `TERM` is one of
/// tmux's; of its version, where `TERM_PROGRAM_VERSION` says it.
pub(super) fn of(header: &Header) -> Rules {
    let variable = |name: &str| header.env.get(name).map(String::as_str);
    let term = header.term_type.as_deref().or_else(|| variable("TERM"));
    let is_tmux = variable("TERM_PROGRAM") == Some("tmux")
        || term.is_some_and(|term| term.starts_with("tmux") || term.starts_with("screen"));
    if !is_tmux {
        return Rules::OTHER;
    }
    let version = variable("TERM_PROGRAM_VERSION").and_then(version);
    version.map_or(Rules::TMUX_3_3, |(major, minor)| Rules::tmux(major, minor))
}

/// `3.3a` and `next-3.8` as numbers.
fn version(text: &str) -> Option<(u16, u16)> {
    let text = text.trim_start_matches("next-");
    let (major, minor) = text.split_once('.')?;
    let digits = minor.find(|c: char| !c.is_ascii_digit());
    let minor = &minor[..digits.unwrap_or(minor.len())];
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_the_terminal() {
        for (term, program, rules) in [
            ("xterm-256color", None, Rules::OTHER),
            ("screen", None, Rules::TMUX_3_3),
            ("tmux-256color", Some("3.3a"), Rules::TMUX_3_3),
            ("tmux-256color", Some("3.7c"), Rules::TMUX_3_7),
            ("tmux-256color", Some("next-3.8"), Rules::TMUX_3_7),
            ("tmux-256color", Some("openbsd"), Rules::TMUX_3_3),
        ] {
            let mut header = Header::default();
            header.env.insert("TERM".into(), term.into());
            if let Some(version) = program {
                header.env.insert("TERM_PROGRAM".into(), "tmux".into());
                let name = "TERM_PROGRAM_VERSION".into();
                header.env.insert(name, version.into());
            }
            assert_eq!(of(&header), rules, "{term} {program:?}");
        }
    }
}
