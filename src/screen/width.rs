//! How many columns a character takes, as tmux says.
//!
//! Most of it comes from the C library, so no rule gives it: the lists beside
//! this file were made by asking a running tmux about every code point
//! (`TVMUX_UPDATE_FIXTURES=1 cargo test --test screen widths`).

use std::sync::OnceLock;

/// A list of widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Widths {
    Tmux33,
    Tmux34,
    Tmux37,
}

/// Neither printed nor joined.
pub(super) const DROPPED: u8 = 3;

/// Block numbers by code point / 256, and the blocks.
pub(super) struct Table {
    blocks: Vec<u16>,
    widths: Vec<[u8; 256]>,
}

impl Table {
    /// 0 for what joins the cell before, 1, 2, or [`DROPPED`].
    pub fn of(&self, code: u32) -> u8 {
        let block = self.blocks.get(code as usize >> 8).copied().unwrap_or(0);
        self.widths[usize::from(block)][code as usize & 0xff]
    }

    /// Reads lines of `first width`: a width holds up to the next line's first.
    fn parse(list: &str) -> Table {
        let mut changes = list.lines().filter_map(|line| {
            let (first, width) = line.split_once(' ')?;
            Some((u32::from_str_radix(first, 16).ok()?, width.parse().ok()?))
        });
        let mut next: Option<(u32, u8)> = changes.next();
        let mut table = Table {
            blocks: Vec::new(),
            widths: Vec::new(),
        };
        let mut width = DROPPED;
        for start in (0..0x11_0000).step_by(256) {
            let mut block = [width; 256];
            while let Some((first, new)) = next
                && first < start + 256
            {
                block[(first - start) as usize..].fill(new);
                width = new;
                next = changes.next();
            }
            let known = table.widths.iter().rposition(|known| *known == block);
            let place = known.unwrap_or_else(|| {
                table.widths.push(block);
                table.widths.len() - 1
            });
            table.blocks.push(place as u16);
        }
        table
    }
}

impl Widths {
    pub fn table(self) -> &'static Table {
        static TMUX_3_3: OnceLock<Table> = OnceLock::new();
        static TMUX_3_4: OnceLock<Table> = OnceLock::new();
        static TMUX_3_7: OnceLock<Table> = OnceLock::new();
        let (table, list) = match self {
            Widths::Tmux33 => (&TMUX_3_3, include_str!("widths/tmux-3.3.txt")),
            Widths::Tmux34 => (&TMUX_3_4, include_str!("widths/tmux-3.4.txt")),
            Widths::Tmux37 => (&TMUX_3_7, include_str!("widths/tmux-3.7.txt")),
        };
        table.get_or_init(|| Table::parse(list))
    }
}
