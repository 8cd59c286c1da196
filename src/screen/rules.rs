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
    /// A number beyond the last code point shows U+FFFD for each of its bytes;
    /// otherwise it is as any invalid UTF-8.
    pub(super) shows_beyond: bool,
    pub(super) joining: Joining,
    /// What variation selector 16 widens covers a second column; otherwise that one
    /// stays as it was.
    pub(super) covers_widened: bool,
    /// REP repeats any character; otherwise ASCII only.
    pub(super) repeats_all: bool,
    /// A character in another underline's colour is another one.
    pub(super) tells_underlines: bool,
    /// REP forgets the line drawing set.
    pub(super) repeats_undrawn: bool,
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
    Tmux34,
    Tmux35,
    Tmux36,
    Tmux37,
    Other,
}

/// How characters join the one before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joining {
    /// A zero width joiner waits for the next character of the same read.
    Waits,
    /// As emoji do: a joiner is written at once, variation selector 16 makes two
    /// columns. Modifiers of skin and letters of flags join any character but ASCII.
    Loose,
    /// The same; a modifier joins characters of a list, a letter of a flag those
    /// before it.
    Listed,
    /// The same; letters of flags join in pairs.
    Paired,
}

/// Whether it is one of the two letters of a flag.
fn is_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Whether it gives a character a colour of skin.
fn modifies(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

impl Joining {
    /// Whether a character with a width of its own joins some character.
    pub(super) fn may_join(c: char) -> bool {
        is_letter(c) || modifies(c)
    }

    /// Whether `c`, which has a width of its own, joins a character and what joined
    /// that one already.
    pub(super) fn joins(self, before: &str, c: char) -> bool {
        let Some(first) = before.chars().next() else {
            return false;
        };
        if !Joining::may_join(c) {
            return false;
        }
        match self {
            Joining::Waits | Joining::Loose => !first.is_ascii(),
            _ if modifies(c) => takes_modifier(first),
            Joining::Listed => is_letter(first),
            Joining::Paired => {
                is_letter(first) && before.chars().filter(|c| is_letter(*c)).count() == 1
            }
        }
    }
}

/// Whether a modifier of skin joins a character: the list is what tmux 3.7 does.
fn takes_modifier(c: char) -> bool {
    matches!(u32::from(c),
        0x1f44b..=0x1f450 | 0x1f466..=0x1f469 | 0x1f46e | 0x1f470..=0x1f478 | 0x1f47c
        | 0x1f481..=0x1f483 | 0x1f485..=0x1f487 | 0x1f4aa | 0x1f575 | 0x1f57a | 0x1f590
        | 0x1f595 | 0x1f596 | 0x1f645..=0x1f647 | 0x1f64b..=0x1f64f | 0x1f6b4..=0x1f6b6
        | 0x1f926 | 0x1f937..=0x1f939 | 0x1f93d | 0x1f93e | 0x1f9b5 | 0x1f9b6 | 0x1f9b8
        | 0x1f9b9 | 0x1f9cd..=0x1f9cf | 0x1f9d1..=0x1f9df)
}

impl Rules {
    /// tmux 3.3a, and older ones.
    pub const TMUX_3_3: Rules = Rules {
        kind: Kind::Tmux33,
        widths: Widths::Tmux33,
        cluster_bytes: 21,
        shows_invalid: false,
        shows_beyond: false,
        joining: Joining::Waits,
        covers_widened: false,
        repeats_all: false,
        tells_underlines: false,
        repeats_undrawn: false,
        blanks_first: false,
        keeps_tabs: false,
        flows_alternate: true,
        has_long_cells: false,
        erases_in_form: false,
        more_sequences: false,
    };

    /// tmux 3.4.
    pub const TMUX_3_4: Rules = Rules {
        kind: Kind::Tmux34,
        widths: Widths::Tmux34,
        shows_beyond: true,
        joining: Joining::Loose,
        tells_underlines: true,
        flows_alternate: false,
        ..Rules::TMUX_3_3
    };

    /// tmux 3.5a.
    pub const TMUX_3_5: Rules = Rules {
        kind: Kind::Tmux35,
        covers_widened: true,
        tells_underlines: false,
        repeats_all: true,
        repeats_undrawn: true,
        ..Rules::TMUX_3_4
    };

    /// tmux 3.6b.
    pub const TMUX_3_6: Rules = Rules {
        kind: Kind::Tmux36,
        widths: Widths::Tmux37,
        cluster_bytes: 32,
        shows_invalid: true,
        joining: Joining::Listed,
        repeats_undrawn: false,
        blanks_first: true,
        keeps_tabs: true,
        has_long_cells: true,
        erases_in_form: true,
        ..Rules::TMUX_3_5
    };

    /// tmux 3.7.
    pub const TMUX_3_7: Rules = Rules {
        kind: Kind::Tmux37,
        joining: Joining::Paired,
        ..Rules::TMUX_3_6
    };

    /// A terminal other than tmux: its newest rules, and what most terminals
    /// know beside them.
    pub const OTHER: Rules = Rules {
        kind: Kind::Other,
        more_sequences: true,
        ..Rules::TMUX_3_7
    };

    /// All rules there are.
    pub const ALL: [Rules; 6] = [
        Rules::TMUX_3_3,
        Rules::TMUX_3_4,
        Rules::TMUX_3_5,
        Rules::TMUX_3_6,
        Rules::TMUX_3_7,
        Rules::OTHER,
    ];

    /// The rules nearest to a version of tmux.
    pub const fn tmux(major: u16, minor: u16) -> Rules {
        match (major, minor) {
            (..3, _) | (3, ..=3) => Rules::TMUX_3_3,
            (3, 4) => Rules::TMUX_3_4,
            (3, 5) => Rules::TMUX_3_5,
            (3, 6) => Rules::TMUX_3_6,
            _ => Rules::TMUX_3_7,
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
        self.kind as u8
    }

    pub(super) fn of_number(number: u8) -> Option<Rules> {
        Rules::ALL
            .into_iter()
            .find(|rules| rules.number() == number)
    }
}
