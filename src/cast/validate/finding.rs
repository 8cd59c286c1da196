//! What can be wrong with a cast, and who minds.

use std::fmt;

/// A reader of casts, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// The format as it is written down, and times that never run backwards.
    Strict,
    /// The asciinema command line, 3.2: `play`, `cat` and `convert`.
    Asciinema,
    /// asciinema-server, as of early 2026: what an upload must be.
    Server,
    /// asciinema-player 3.17, in a web page.
    Player,
    /// The asciinema command line, 2.4, which knows no v3.
    Asciinema2,
    /// agg up to 1.4, which makes pictures of v2 alone.
    Agg,
}

/// How bad a finding is for the reader that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The reader takes it; it is not as it should be.
    Warning,
    /// The reader refuses the file, stops here, drops it or misreads it.
    Error,
}

impl Reader {
    /// Whether it knows that version of the format.
    pub(super) fn knows(self, version: u8) -> bool {
        match self {
            Reader::Asciinema2 => version < 3,
            Reader::Agg => version == 2,
            _ => true,
        }
    }
}

impl Severity {
    /// `warning` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Who minds a kind of finding.
struct Minds {
    strict: bool,
    asciinema: bool,
    server: bool,
    player: bool,
    asciinema_2: bool,
    /// Whether repair changes the file for it.
    repair: bool,
}

/// Reads a row of the table: one letter for each who minds.
const fn minds(row: &str) -> Minds {
    let row = row.as_bytes();
    Minds {
        strict: row[0] == b'S',
        asciinema: row[1] == b'A',
        server: row[2] == b'V',
        player: row[3] == b'P',
        asciinema_2: row[4] == b'2',
        repair: row[5] == b'R',
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal $minds:literal $message:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum FindingKind {
            $(#[doc = $message] $(#[$doc])* $kind,)*
        }

        impl FindingKind {
            /// Every kind, in the order of this list.
            pub const ALL: &[FindingKind] = &[$(FindingKind::$kind,)*];

            /// The name that `--json` gives; it stays the same between versions.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FindingKind::$kind => $name,)* }
            }

            /// One phrase for people.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(FindingKind::$kind => $message,)* }
            }

            fn minds(self) -> Minds {
                match self { $(FindingKind::$kind => const { minds($minds) },)* }
            }
        }
    };
}

// S strict, A asciinema, V server, P player, 2 asciinema 2: cannot take it; R: repair fixes it.
kinds! {
    EmptyFile "empty-file" "SAVP2R" "the file is empty";
    ByteOrderMark "byte-order-mark" "SAV.2R" "byte-order mark";
    NoFinalNewline "no-final-newline" "S....R" "the last line has no newline";
    CarriageReturn "carriage-return" "S....." "the line ends with CR LF";
    BlankLine "blank-line" "S...2R" "blank line";
    BlankCrLf "blank-line-crlf" "S.V.2R" "blank line that ends with CR LF";
    WhiteSpaceLine "white-space-line" "SAV.2R" "line of white space";
    NulLine "nul-bytes" "SAV.2R" "line of NUL bytes";
    LeadingSpace "leading-space" "S..P.R" "white space before the event";
    CommentInV2 "comment" "SAV.2R" "comment, which only v3 has";
    BadUtf8Comment "comment-not-utf-8" "SA..2R" "comment that is not UTF-8";
    NotAnEvent "not-an-event" "SAV.2R" "the line is no event";
    Torn "torn-event" "SAVP2R" "the line ends inside the event";
    Trailing "trailing-text" "SAVP2R" "more on the line after the event";
    Syntax "not-json" "SAVP2R" "not JSON";
    TooDeep "too-deep" "SAVP2R" "nested too deeply";
    NotUtf8 "not-utf-8" "SAV.2R" "bytes that are not UTF-8";
    Control "control-character" "SAVP2R" "raw control character in a string";
    BadEscape "bad-escape" "SAVP2R" "backslash before what is no escape";
    LoneSurrogate "lone-surrogate" "SAV..R" "half of a surrogate pair";
    ObjectEvent "object-event" "S.VP2R" "event written as an object";
    SecondHeader "second-header" "SAV.2R" "second header";
    NoElements "no-elements" "SAVP2R" "event without elements";
    Arity "arity" "SAV.2R" "event without exactly three elements";
    TimeNotANumber "time-nan" "SAVP.R" "time that is no number of JSON";
    TimeInfinite "time-infinite" "SAVP.R" "time too large for any reader";
    TimeTooLarge "time-too-large" "SA...R" "time too large for asciinema";
    TimeType "time-type" "SAV.2R" "time that is not a number";
    TimeNegative "time-negative" "SAV..R" "negative time";
    TimeNegativeZero "time-negative-zero" "SA...R" "time of minus zero";
    TimeBackward "time-backward" "SA...R" "time runs backwards";
    CodeType "code-type" "SAV.2R" "code that is not a string";
    CodeEmpty "code-empty" "SA...R" "empty code";
    CodeLong "code-long" "S....." "code longer than a letter";
    CodeUnknown "code-unknown" "......" "unknown code";
    CodeEscaped "code-escaped" "SA...R" "code written with an escape";
    DataType "data-type" "SAV.2R" "data that is not a string";
    BadResize "bad-resize" "SAV..R" "resize data that is not COLSxROWS";
    ZeroResize "zero-resize" "S.V..." "resize to no columns or rows";
    BadExit "bad-exit" "SA...R" "exit status that is not an integer";
    HeaderMissing "header-missing" "SAVP2R" "no header on the first line";
    HeaderBlank "header-blank" "SAVP2R" "the first line is blank";
    HeaderTooLong "header-too-long" "SAVP2R" "header longer than a mebibyte";
    VersionUnknown "version-unknown" "SAVP2R" "header without a version from 1 to 3";
    VersionType "version-type" "SAV..R" "version that is not an integer";
    TermMissing "term-missing" "SAVP2R" "v3 header without term";
    SizeMissing "size-missing" "SAV..R" "header without the terminal's size";
    SizeType "size-type" "SAV..R" "size that is not an integer up to 65535";
    SizeZero "size-zero" "S.V..." "size of no columns or rows";
    SizeServer "size-server" "..V..." "more than 720 columns or 200 rows, which the server refuses";
    FieldType "field-type" "SAV..R" "header field of the wrong type";
    ThemeInvalid "theme-invalid" "SAV..R" "theme without fg, bg or 8 or 16 palette colours";
    ThemeServer "theme-server" "..V..." "theme that is not lowercase #rrggbb, which the server refuses";
    EnvServer "env-server" "..V..." "environment name other than A-Z, 0-9 and _, which the server refuses";
    DuplicateKey "duplicate-key" "SA...R" "header key that stands twice";
    NoEvents "no-events" "..VP.R" "no event";
    SingleLineV1 "v1-single-line" "...P.R" "v1 on one line, which the player takes for another version";
    DocumentSyntax "v1-not-json" "SAVP2R" "the v1 document is not JSON";
    DocumentTorn "v1-torn" "SAVP2R" "the v1 document ends too early";
    StdoutMissing "v1-stdout" "SAVP2R" "v1 document without a list of events";
    V1Arity "v1-arity" "SAV.2R" "v1 event without exactly two elements";
    HeaderNotANumber "header-nan" "SAVP.R" "NaN or Infinity in the header, which is no JSON";
    NotACast "not-a-cast" "SAVP2R" "this is not a cast";
    WideText "utf-16" "SAVP2R" "UTF-16 or UTF-32, not UTF-8";
    OtherVersion "other-version" "......" "a version of the format that this reader does not know";
    TitleSequence "title-sequence" "......" "ESC k … ST, a title for tmux, which the player shows as text";
    V1EventType "v1-event-type" "SAVP2R" "v1 event that is not a list";
}

impl FindingKind {
    /// How bad this is for `reader`.
    #[must_use]
    pub fn severity(self, reader: Reader) -> Severity {
        let minds = self.minds();
        if self == FindingKind::OtherVersion {
            return Severity::Error;
        }
        let error = match reader {
            Reader::Strict => minds.strict,
            // agg reads lines as asciinema does.
            Reader::Asciinema | Reader::Agg => minds.asciinema,
            Reader::Asciinema2 => minds.asciinema_2,
            Reader::Server => minds.server,
            Reader::Player => minds.player,
        };
        if error {
            Severity::Error
        } else {
            Severity::Warning
        }
    }

    /// Whether a file with this is not *valid* as repairing
    /// understands it.
    #[must_use]
    pub fn needs_repair(self) -> bool {
        self.minds().repair
    }

    /// Whether only one reader's own limits make this a finding.
    pub(crate) fn only_for(self) -> Option<Reader> {
        match self {
            FindingKind::SizeServer | FindingKind::ThemeServer | FindingKind::EnvServer => {
                Some(Reader::Server)
            }
            FindingKind::TitleSequence => Some(Reader::Player),
            _ => None,
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Something wrong at a place in a cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// How bad that is for the reader that was asked about.
    pub severity: Severity,
    /// The line it is on, from 1.
    pub line: u64,
    /// The byte it is at, from 0.
    pub offset: u64,
    /// The text around it; printable ASCII alone, so safe on a terminal.
    pub excerpt: String,
}

/// How many of each kind were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    by_kind: [u64; FindingKind::ALL.len()],
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            by_kind: [0; FindingKind::ALL.len()],
        }
    }
}

impl Counts {
    /// How many findings are of `kind`.
    #[must_use]
    pub fn of(&self, kind: FindingKind) -> u64 {
        self.by_kind[kind as usize]
    }

    /// Each kind that was found, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (FindingKind, u64)> + '_ {
        FindingKind::ALL
            .iter()
            .map(|kind| (*kind, self.of(*kind)))
            .filter(|(_, count)| *count > 0)
    }

    /// How many findings are of that severity for `reader`.
    #[must_use]
    pub fn total(&self, reader: Reader, severity: Severity) -> u64 {
        self.iter()
            .filter(|(kind, _)| kind.severity(reader) == severity)
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn add(&mut self, kind: FindingKind) {
        self.by_kind[kind as usize] += 1;
    }

    pub(crate) fn merge(&mut self, other: &Counts) {
        for (mine, theirs) in self.by_kind.iter_mut().zip(&other.by_kind) {
            *mine += theirs;
        }
    }
}

/// Bytes shown on each side of the place.
const BEFORE: usize = 16;
const AFTER: usize = 40;

/// The text around `at` in `bytes`, on one line and in printable ASCII.
pub(crate) fn excerpt(bytes: &[u8], at: usize) -> String {
    let at = at.min(bytes.len());
    let line_start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
    let start = line_start.max(at.saturating_sub(BEFORE));
    let end = bytes.len().min(at + AFTER);
    let end = memchr::memchr(b'\n', &bytes[at..end]).map_or(end, |newline| at + newline);
    let mut text = String::new();
    for &byte in &bytes[start..end] {
        match byte {
            // JSON's own backslashes would double if they were escaped.
            b' '..=b'~' => text.push(byte as char),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}
