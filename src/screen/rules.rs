//! Where versions of tmux, and other terminals, differ.

use super::width::Widths;

/// What the terminal does that printed the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub(super) kind: Kind,
    pub(super) widths: Widths,
    /// Bytes of text that a cell holds.
    pub(super) cluster_bytes: usize,
    /// Invalid UTF-8 shows U+FFFD; otherwise nothing.
    pub(super) shows_invalid: bool,
    /// Characters join as emoji do: a zero width joiner is written at once,
    /// variation selector 16 makes two columns, modifiers of skin join.
    pub(super) joins_emoji: bool,
    /// REP repeats any character; otherwise ASCII only.
    pub(super) repeats_all: bool,
    /// ASCII over the second half of a wide character in the first column blanks the
    /// first half.
    pub(super) blanks_first: bool,
    /// HT over blank columns writes a character that is as wide.
    pub(super) keeps_tabs: bool,
    /// Leaving the alternate screen moves its soft wraps to the normal width first.
    pub(super) flows_alternate: bool,
    /// The form in which tmux keeps a cell decides what a covered column counts for.
    pub(super) has_long_cells: bool,
    /// An erased cell keeps its form.
    pub(super) erases_in_form: bool,
    /// Sequences that tmux does not know and most terminals do: CHT, HPR, VPR,
    /// DECSTR, mode 1048.
    pub(super) more_sequences: bool,
}

/// Rules that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tmux33,
    Tmux37,
    Other,
}

impl Rules {
    /// tmux 3.3a, and older ones.
    pub const TMUX_3_3: Rules = Rules {
        kind: Kind::Tmux33,
        widths: Widths::Tmux33,
        cluster_bytes: 21,
        shows_invalid: false,
        joins_emoji: false,
        repeats_all: false,
        blanks_first: false,
        keeps_tabs: false,
        flows_alternate: true,
        has_long_cells: false,
        erases_in_form: false,
        more_sequences: false,
    };

    /// tmux 3.7.
    pub const TMUX_3_7: Rules = Rules {
        kind: Kind::Tmux37,
        widths: Widths::Tmux37,
        cluster_bytes: 32,
        shows_invalid: true,
        joins_emoji: true,
        repeats_all: true,
        blanks_first: true,
        keeps_tabs: true,
        flows_alternate: false,
        has_long_cells: true,
        erases_in_form: true,
        ..Rules::TMUX_3_3
    };

    /// A terminal other than tmux: its newest rules, and what most terminals
    /// know beside them.
    pub const OTHER: Rules = Rules {
        kind: Kind::Other,
        more_sequences: true,
        ..Rules::TMUX_3_7
    };

    /// The rules nearest to a version of tmux.
    pub const fn tmux(major: u16, minor: u16) -> Rules {
        if major > 3 || major == 3 && minor > 3 {
            Rules::TMUX_3_7
        } else {
            Rules::TMUX_3_3
        }
    }

    /// The rules of the terminal that a cast was made in, by what its header says
    /// of the environment: tmux sets `TERM_PROGRAM` and its version, and `TERM` to
    /// `tmux…` or `screen…`.
    pub fn of_env<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Rules {
        let version = || {
            let text = value("TERM_PROGRAM_VERSION")?.trim_start_matches("next-");
            let (major, minor) = text.split_once('.')?;
            let digits = minor.bytes().take_while(u8::is_ascii_digit).count();
            Some((major.parse().ok()?, minor[..digits].parse().ok()?))
        };
        let is_tmux = value("TERM_PROGRAM") == Some("tmux");
        let term = value("TERM").unwrap_or_default();
        let is_tmux_term = term.starts_with("tmux") || term.starts_with("screen");
        match version() {
            Some((major, minor)) if is_tmux || is_tmux_term => Rules::tmux(major, minor),
            _ if is_tmux || is_tmux_term => Rules::TMUX_3_3,
            _ => Rules::OTHER,
        }
    }

    pub(super) fn number(self) -> u8 {
        match self.kind {
            Kind::Tmux33 => 0,
            Kind::Tmux37 => 1,
            Kind::Other => 2,
        }
    }

    pub(super) fn of_number(number: u8) -> Option<Rules> {
        [Rules::TMUX_3_3, Rules::TMUX_3_7, Rules::OTHER]
            .get(usize::from(number))
            .copied()
    }
}
