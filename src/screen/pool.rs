//! What cells share: styles, clusters of several code points, links.
//!
//! An entry is there once; those that no cell uses any more are dropped when
//! their number has doubled, so that the pool is never larger than the screen
//! needs, whatever a program prints.

use std::collections::HashMap;

use super::cell::{Attributes, Cell, Ink};

/// A hyperlink (OSC 8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// As the program gave it; empty when it gave none.
    pub id: Box<str>,
    pub uri: Box<str>,
}

/// Entries that may stay before unused ones are looked for.
const FEW: usize = 4096;

#[derive(Clone)]
pub(super) struct Pool {
    /// Each with whether tmux keeps cells of it in its long form.
    styles: Vec<(Ink, bool)>,
    /// There is a style whose small letters are lines.
    draws: bool,
    places: HashMap<Ink, u32>,
    /// The last place of a style with this hash.
    recent: Box<[u32; 2048]>,
    clusters: Vec<Box<str>>,
    cluster_places: HashMap<Box<str>, u32>,
    /// The last place of a cluster with this hash.
    recent_clusters: Box<[u32; 256]>,
    links: Vec<Link>,
    link_places: HashMap<Link, u32>,
    /// Number of entries at which unused ones are dropped.
    limit: usize,
}

impl Pool {
    pub fn new() -> Pool {
        Pool {
            styles: vec![(Ink::default(), false)],
            draws: false,
            places: HashMap::from([(Ink::default(), 0)]),
            recent: Box::new([0; 2048]),
            clusters: Vec::new(),
            cluster_places: HashMap::new(),
            recent_clusters: Box::new([0; 256]),
            links: Vec::new(),
            link_places: HashMap::new(),
            limit: FEW,
        }
    }

    /// Whether unused entries must be dropped before another one is added.
    pub fn is_full(&self) -> bool {
        self.styles.len() + self.clusters.len() + self.links.len() > self.limit
    }

    /// The place of `style`, if it is one of those that were asked for last.
    #[inline]
    pub fn recent_style(&self, style: &Ink) -> Option<u32> {
        let recent = self.recent[Pool::hash(style)];
        (self.styles[recent as usize].0 == *style).then_some(recent)
    }

    #[inline]
    fn hash(style: &Ink) -> usize {
        let mixed = u64::from(style.fg)
            ^ u64::from(style.bg).rotate_left(20)
            ^ u64::from(style.underline ^ style.link).rotate_left(40)
            ^ u64::from(style.attributes.0) << 8;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53) as usize
    }

    /// The place of `style`.
    pub fn style(&mut self, style: &Ink) -> u32 {
        let place = *self.places.entry(*style).or_insert_with(|| {
            self.draws |= style.attributes.contains(Attributes::DRAWING);
            self.styles.push((*style, style.is_long()));
            self.styles.len() as u32 - 1
        });
        self.recent[Pool::hash(style)] = place;
        place
    }

    /// The place of a cluster.
    pub fn cluster(&mut self, text: &str) -> u32 {
        let mix = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = (text.bytes().fold(0x811c_9dc5, mix) >> 24) as usize;
        let recent = self.recent_clusters[hash];
        let known = self.clusters.get(recent as usize);
        if known.is_some_and(|known| **known == *text) {
            return recent;
        }
        let place = self.find_cluster(text);
        self.recent_clusters[hash] = place;
        place
    }

    #[cold]
    fn find_cluster(&mut self, text: &str) -> u32 {
        if let Some(place) = self.cluster_places.get(text) {
            return *place;
        }
        let place = self.clusters.len() as u32;
        self.clusters.push(text.into());
        self.cluster_places.insert(text.into(), place);
        place
    }

    /// The place of a link, plus one.
    pub fn link(&mut self, link: Link) -> u32 {
        *self.link_places.entry(link).or_insert_with_key(|link| {
            self.links.push(link.clone());
            self.links.len() as u32
        })
    }

    pub fn style_at(&self, place: u32) -> &Ink {
        &self.styles[place as usize].0
    }

    /// Whether tmux keeps cells of that style in its long form.
    pub fn is_long(&self, place: u32) -> bool {
        self.styles[place as usize].1
    }

    /// Whether two styles differ in the colour of the underline at most.
    pub fn look_same(&self, one: u32, other: u32) -> bool {
        one == other || {
            let of = |place| Ink {
                underline: 0,
                ..*self.style_at(place)
            };
            of(one) == of(other)
        }
    }

    pub fn link_at(&self, place: u32) -> Option<&Link> {
        self.links.get((place as usize).checked_sub(1)?)
    }

    /// Appends the text of cells, as they are drawn.
    pub fn push_texts(&self, cells: &[Cell], out: &mut String) {
        out.reserve(cells.len());
        let rest = self.push_pieces::<16>(cells, out);
        let rest = self.push_pieces::<4>(rest, out);
        rest.iter().for_each(|cell| self.push_text(*cell, out));
    }

    /// The same, `N` cells at once; gives those that are left.
    #[inline]
    fn push_pieces<'a, const N: usize>(&self, cells: &'a [Cell], out: &mut String) -> &'a [Cell] {
        let (pieces, rest) = cells.as_chunks::<N>();
        for piece in pieces {
            let is_drawn = || piece.iter().any(|cell| self.is_drawing(cell.style()));
            match Cell::ascii_of(piece) {
                Some(signs) if !self.draws || !is_drawn() => {
                    debug_assert!(signs.is_ascii());
                    // SAFETY: all of them are ASCII. To look at that again takes longer
                    // than to copy them.
                    out.push_str(unsafe { std::str::from_utf8_unchecked(&signs) });
                }
                _ => piece.iter().for_each(|cell| self.push_text(*cell, out)),
            }
        }
        rest
    }

    /// Whether small letters of that style are lines.
    fn is_drawing(&self, style: u32) -> bool {
        self.style_at(style)
            .attributes
            .contains(Attributes::DRAWING)
    }

    /// Appends the text of a cell, as it is drawn.
    #[inline]
    pub fn push_text(&self, cell: Cell, out: &mut String) {
        if cell.is_padding() {
            return;
        }
        // Of those that are not ASCII most are one character.
        if let Some(character) = cell.character_beyond() {
            out.push(character);
            return;
        }
        if cell.is_cluster() {
            out.push_str(&self.clusters[cell.code() as usize]);
            return;
        }
        if cell.is_tab() {
            out.extend(std::iter::repeat_n(' ', cell.width()));
            return;
        }
        let mut code = cell.code();
        if (0x60..0x7f).contains(&code) && self.is_drawing(cell.style()) {
            code = LINE_DRAWING[code as usize - 0x60] as u32;
        }
        out.push(char::from_u32(code).unwrap_or(' '));
    }

    /// Appends the bytes that were written to a cell.
    pub fn push_code(&self, cell: Cell, out: &mut String) {
        if cell.is_cluster() {
            out.push_str(&self.clusters[cell.code() as usize]);
        } else if cell.is_tab() {
            out.extend(std::iter::repeat_n(' ', cell.width()));
        } else {
            out.push(char::from_u32(cell.code()).unwrap_or(' '));
        }
    }

    /// Drops what neither `cells` nor `styles` use and gives each the new places.
    pub fn keep_only<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a mut Cell>,
        styles: &mut [&mut Ink],
    ) {
        let old = std::mem::replace(self, Pool::new());
        let mut new_styles = vec![u32::MAX; old.styles.len()];
        let mut new_clusters = vec![u32::MAX; old.clusters.len()];
        for style in styles {
            style.link = self.adopt_link(&old, style.link);
        }
        for cell in cells {
            let style = &mut new_styles[cell.style() as usize];
            if *style == u32::MAX {
                let mut value = *old.style_at(cell.style());
                value.link = self.adopt_link(&old, value.link);
                *style = self.style(&value);
            }
            *cell = cell.with_style(*style);
            if cell.is_cluster() {
                let place = &mut new_clusters[cell.code() as usize];
                if *place == u32::MAX {
                    *place = self.cluster(&old.clusters[cell.code() as usize]);
                }
                *cell = cell.with_cluster(*place);
            }
        }
        let live = self.styles.len() + self.clusters.len() + self.links.len();
        self.limit = FEW + 2 * live;
    }

    fn adopt_link(&mut self, old: &Pool, place: u32) -> u32 {
        old.link_at(place).map_or(0, |link| self.link(link.clone()))
    }
}

/// The DEC line drawing set, from U+0060 on.
const LINE_DRAWING: [char; 31] = [
    '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];
