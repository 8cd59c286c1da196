//! A character with its style in eight bytes.

/// A colour as the program asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// SGR 30–37 and 90–97 (40–47 and 100–107): 0–15.
    Basic(u8),
    /// SGR 38;5: 0–255.
    Indexed(u8),
    /// SGR 38;2: red, green, blue.
    Rgb(u8, u8, u8),
}

impl Colour {
    /// Four bytes, one value per colour.
    pub(super) const fn packed(self) -> u32 {
        match self {
            Colour::Default => 0,
            Colour::Basic(n) => 1 << 24 | n as u32,
            Colour::Indexed(n) => 2 << 24 | n as u32,
            Colour::Rgb(r, g, b) => 3 << 24 | u32::from_be_bytes([0, r, g, b]),
        }
    }

    pub(super) fn unpacked(packed: u32) -> Option<Colour> {
        let [kind, r, g, b] = packed.to_be_bytes();
        match kind {
            0 if packed == 0 => Some(Colour::Default),
            1 if r == 0 && g == 0 && b < 16 => Some(Colour::Basic(b)),
            2 if r == 0 && g == 0 => Some(Colour::Indexed(b)),
            3 => Some(Colour::Rgb(r, g, b)),
            _ => None,
        }
    }
}

/// How a character is drawn beside its colours: a set of the constants here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub(super) u16);

impl Attributes {
    /// SGR 1.
    pub const BOLD: Attributes = Attributes(1);
    /// SGR 2.
    pub const DIM: Attributes = Attributes(1 << 1);
    /// SGR 3.
    pub const ITALIC: Attributes = Attributes(1 << 2);
    /// SGR 4.
    pub const UNDERLINE: Attributes = Attributes(1 << 3);
    /// SGR 4:2 and 21.
    pub const DOUBLE_UNDERLINE: Attributes = Attributes(1 << 4);
    /// SGR 4:3.
    pub const CURLY_UNDERLINE: Attributes = Attributes(1 << 5);
    /// SGR 4:4.
    pub const DOTTED_UNDERLINE: Attributes = Attributes(1 << 6);
    /// SGR 4:5.
    pub const DASHED_UNDERLINE: Attributes = Attributes(1 << 7);
    /// Any of the five underlines.
    pub const UNDERLINES: Attributes = Attributes(0b1_1111 << 3);
    /// SGR 5 and 6.
    pub const BLINK: Attributes = Attributes(1 << 8);
    /// SGR 7.
    pub const REVERSE: Attributes = Attributes(1 << 9);
    /// SGR 8.
    pub const HIDDEN: Attributes = Attributes(1 << 10);
    /// SGR 9.
    pub const STRIKE: Attributes = Attributes(1 << 11);
    /// SGR 53.
    pub const OVERLINE: Attributes = Attributes(1 << 12);
    /// Written while the line drawing set was on. The text of a row has the
    /// drawn character already.
    pub(super) const DRAWING: Attributes = Attributes(1 << 13);

    /// Whether all of `others` are set.
    pub const fn contains(self, others: Attributes) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether any of `others` is set.
    pub const fn intersects(self, others: Attributes) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and `others`.
    #[must_use]
    pub const fn with(self, others: Attributes) -> Attributes {
        Attributes(self.0 | others.0)
    }

    /// These without `others`.
    #[must_use]
    pub const fn without(self, others: Attributes) -> Attributes {
        Attributes(self.0 & !others.0)
    }
}

/// Colours and attributes of a run of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    pub fg: Colour,
    pub bg: Colour,
    /// The colour of an underline (SGR 58).
    pub underline: Colour,
    pub attributes: Attributes,
}

/// What a character is written with: packed colours, so that two are compared
/// quickly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ink {
    pub fg: u32,
    pub bg: u32,
    pub underline: u32,
    /// 0, or one more than the link's place in the pool.
    pub link: u32,
    pub attributes: Attributes,
}

impl Ink {
    /// Whether tmux keeps cells of it in its long form.
    pub fn is_long(&self) -> bool {
        const LONG: Attributes = Attributes::UNDERLINES
            .without(Attributes::UNDERLINE)
            .with(Attributes::STRIKE)
            .with(Attributes::OVERLINE);
        let is_rgb = |colour: u32| colour >> 24 == 3;
        is_rgb(self.fg)
            || is_rgb(self.bg)
            || self.underline != 0
            || self.link != 0
            || self.attributes.intersects(LONG)
    }

    /// The style of text whose drawn characters are resolved and whose link is
    /// given apart.
    pub fn shown(&self) -> Style {
        let colour = |packed| Colour::unpacked(packed).unwrap_or_default();
        Style {
            fg: colour(self.fg),
            bg: colour(self.bg),
            underline: colour(self.underline),
            attributes: self.attributes.without(Attributes::DRAWING),
        }
    }
}

/// One column of a row. Bits 0–23 hold a scalar value or a place in the pool's
/// clusters, 24–30 the flags, 32–63 a place in the pool's styles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell(pub u64);

impl Cell {
    const CODE: u64 = (1 << 24) - 1;
    /// The code is a place in the pool's clusters.
    const CLUSTER: u64 = 1 << 24;
    /// The first of two columns.
    const WIDE: u64 = 1 << 25;
    /// A column that the character before it covers.
    const PADDING: u64 = 1 << 26;
    /// Never written, or erased.
    const ERASED: u64 = 1 << 27;
    /// A tab that tmux keeps; the code is how many columns it takes.
    const TAB: u64 = 1 << 28;

    /// tmux keeps what stands here in its long form, in which it also keeps what is
    /// written here later.
    const LONG: u64 = 1 << 29;
    /// A covered column that counts where soft wraps move: one that newer tmux did
    /// not keep in its long form at some time.
    const COUNTS: u64 = 1 << 30;

    /// Columns that a tab takes at most to be kept.
    pub const LONGEST_TAB: usize = 32;

    /// A column that nothing was written to.
    pub const BLANK: Cell = Cell(b' ' as u64 | Cell::ERASED);

    /// An erased column. Style 0 is the default one.
    pub const fn erased(style: u32) -> Cell {
        Cell(Cell::BLANK.0 | (style as u64) << 32)
    }

    pub const fn narrow(code: u32, style: u32) -> Cell {
        Cell(code as u64 | (style as u64) << 32)
    }

    pub const fn wide(code: u32, style: u32) -> Cell {
        Cell(code as u64 | Cell::WIDE | (style as u64) << 32)
    }

    /// The first of `columns` columns that a tab takes.
    pub const fn tab(columns: usize, style: u32) -> Cell {
        Cell(columns as u64 | Cell::TAB | (style as u64) << 32)
    }

    const fn padding(style: u32) -> Cell {
        Cell(b' ' as u64 | Cell::PADDING | (style as u64) << 32)
    }

    /// A covered column in the place of `old`.
    pub const fn covered(style: u32, old: Cell) -> Cell {
        Cell::padding(style).again_over(old)
    }

    /// This covered column, written again in the place of `old`.
    pub const fn again_over(self, old: Cell) -> Cell {
        if old.is_long() {
            self.in_form(true)
        } else {
            Cell(self.in_form(false).0 | Cell::COUNTS)
        }
    }

    pub const fn counts(self) -> bool {
        self.0 & Cell::COUNTS != 0
    }

    /// This cell with a cluster as its text.
    pub const fn with_cluster(self, place: u32) -> Cell {
        Cell(self.0 & !(Cell::CODE | Cell::ERASED | Cell::TAB) | Cell::CLUSTER | place as u64)
    }

    /// This cell as the first of two columns.
    pub const fn widened(self) -> Cell {
        Cell(self.0 | Cell::WIDE)
    }

    pub const fn with_style(self, style: u32) -> Cell {
        Cell(self.0 & 0xffff_ffff | (style as u64) << 32)
    }

    pub const fn style(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub const fn code(self) -> u32 {
        (self.0 & Cell::CODE) as u32
    }

    pub const fn is_cluster(self) -> bool {
        self.0 & Cell::CLUSTER != 0
    }

    pub const fn is_wide(self) -> bool {
        self.0 & Cell::WIDE != 0
    }

    /// This cell in the place of `old`, whose form it takes.
    pub const fn over(self, old: Cell) -> Cell {
        Cell(self.0 | old.0 & Cell::LONG)
    }

    /// This cell in that form.
    pub const fn in_form(self, long: bool) -> Cell {
        Cell(self.0 & !Cell::LONG | if long { Cell::LONG } else { 0 })
    }

    pub const fn is_long(self) -> bool {
        self.0 & Cell::LONG != 0
    }

    /// The same with another character.
    pub const fn with_code(self, code: u32) -> Cell {
        Cell(self.0 & !Cell::CODE | code as u64)
    }

    /// Whether it is a column that nothing was written to, in whatever form.
    pub const fn is_blank(self) -> bool {
        self.0 & !Cell::LONG == Cell::BLANK.0
    }

    pub const fn is_tab(self) -> bool {
        self.0 & Cell::TAB != 0
    }

    /// What decides which text a cell has, beside its style.
    const TEXT: u64 = Cell::CODE | Cell::CLUSTER | Cell::WIDE | Cell::PADDING | Cell::TAB;

    /// Whether it shows nothing, written or not.
    pub const fn is_space(self) -> bool {
        self.0 & Cell::TEXT == b' ' as u64
    }

    /// The characters of cells that have ASCII alone.
    #[inline]
    pub fn ascii_of<const N: usize>(cells: &[Cell; N]) -> Option<[u8; N]> {
        // Each without a branch, so that many are looked at in one step.
        let all = cells.iter().fold(0, |all, cell| all | cell.0);
        (all & Cell::TEXT < 0x80).then(|| cells.map(|cell| cell.0 as u8))
    }

    /// The character of a cell that has one beyond ASCII and nothing else.
    #[inline]
    pub const fn character_beyond(self) -> Option<char> {
        let is_other = self.0 & (Cell::CLUSTER | Cell::TAB) != 0;
        match is_other || self.code() < 0x80 {
            true => None,
            false => char::from_u32(self.code()),
        }
    }

    pub const fn is_padding(self) -> bool {
        self.0 & Cell::PADDING != 0
    }

    /// The columns this cell takes: 0 for a covered one.
    pub const fn width(self) -> usize {
        if self.is_padding() {
            0
        } else if self.is_tab() {
            self.code() as usize
        } else if self.is_wide() {
            2
        } else {
            1
        }
    }

    /// The flags, for a saved state.
    pub const fn flags(self) -> u8 {
        (self.0 >> 24) as u8 & 0x7f
    }

    /// Whether flags are those of a cluster.
    pub const fn flags_of_cluster(flags: u8) -> bool {
        (flags as u64) << 24 & Cell::CLUSTER != 0
    }

    /// A cell of its parts, if they fit together.
    pub fn from_parts(code: u32, flags: u8, style: u32) -> Option<Cell> {
        let cell = Cell(u64::from(code) | u64::from(flags) << 24 | u64::from(style) << 32);
        let kinds = [cell.is_wide(), cell.is_padding(), cell.is_tab()];
        let is_one = kinds.into_iter().filter(|kind| *kind).count() < 2;
        let known = if cell.is_tab() {
            !cell.is_cluster() && (1..=Cell::LONGEST_TAB as u32).contains(&code)
        } else {
            code < 1 << 24 && (cell.is_cluster() || char::from_u32(code).is_some())
        };
        (is_one && known && flags < 128).then_some(cell)
    }
}
