//! Layouts as a workspace names them: by name, or as tmux's layout string.
//!
//! A name that tmux cannot parse ends a 3.3a server with all its sessions, so
//! nothing goes to `select-layout` that did not pass here.

use std::fmt;

use crate::api;

/// A layout that tmux will take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One of tmux's own.
    Named(&'static str),
    Custom(Custom),
}

/// A checked layout string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    root: Cell,
}

/// A cell of a layout: a pane, or cells beside or above each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    columns: u32,
    rows: u32,
    x: u32,
    y: u32,
    what: Contents,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Contents {
    Pane,
    Beside(Vec<Cell>),
    Above(Vec<Cell>),
}

/// A text that is no layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LayoutError(String);

/// The names that tmux knows from 3.5 on.
const MIRRORED: [&str; 2] = ["main-horizontal-mirrored", "main-vertical-mirrored"];

/// How deep cells nest at most in a layout that a person made.
const DEPTH: usize = 64;
/// tmux's bounds of a window (`WINDOW_MAXIMUM`).
const LARGEST: u32 = 10_000;

impl Layout {
    /// Reads a layout: a name, the start of exactly one name, or a layout
    /// string with its checksum.
    ///
    /// # Errors
    /// Saying what is wrong with it, and the nearest name.
    pub fn parse(text: &str) -> Result<Layout, LayoutError> {
        let looks_custom = text.as_bytes().get(4) == Some(&b',')
            && text.bytes().take(4).all(|b| b.is_ascii_hexdigit());
        if looks_custom {
            return Custom::parse(text).map(Layout::Custom);
        }
        let names = api::Layout::ALL.map(api::Layout::name);
        let all = || names.into_iter().chain(MIRRORED);
        if let Some(name) = all().find(|name| *name == text) {
            return Ok(Layout::Named(name));
        }
        let mut starting = names.into_iter().filter(|name| name.starts_with(text));
        if let (Some(name), None, false) = (starting.next(), starting.next(), text.is_empty()) {
            return Ok(Layout::Named(name));
        }
        Err(LayoutError(match crate::wording::nearest(text, all()) {
            Some(near) => format!("tmux has no layout `{text}`; did you mean `{near}`?"),
            None => format!("tmux has no layout `{text}`; it has {}", names.join(", ")),
        }))
    }

    /// Whether it is one of tmux's own with a main pane, which keeps its size
    /// when the window is resized.
    #[must_use]
    pub fn has_main(&self) -> bool {
        matches!(self, Layout::Named(name) if name.starts_with("main-"))
    }

    /// Whether only tmux 3.5 and newer know it.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        matches!(self, Layout::Named(name) if MIRRORED.contains(name))
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Named(name) => f.write_str(name),
            Layout::Custom(custom) => custom.fmt(f),
        }
    }
}

impl Custom {
    /// Reads a layout string: four hex digits of checksum, a comma, cells.
    ///
    /// # Errors
    /// When the checksum does not match, or the cells do not fit together.
    pub fn parse(text: &str) -> Result<Custom, LayoutError> {
        let wrong = |what: &str| LayoutError(format!("the layout string `{text}` {what}"));
        let (sum, cells) = text
            .split_once(',')
            .filter(|(sum, _)| sum.len() == 4)
            .ok_or_else(|| wrong("does not start with a checksum"))?;
        let sum = u16::from_str_radix(sum, 16).map_err(|_| wrong("has no checksum"))?;
        let right = checksum(cells.as_bytes());
        if sum != right {
            return Err(wrong(&format!(
                "has a wrong checksum: for these cells it is {right:04x}"
            )));
        }
        let mut rest = cells.as_bytes();
        let root = Cell::parse(&mut rest, 0).ok_or_else(|| wrong("is broken"))?;
        if !rest.is_empty() {
            return Err(wrong("goes on after its last cell"));
        }
        if !root.fits() {
            return Err(wrong("has cells whose sizes do not add up"));
        }
        Ok(Custom { root })
    }

    /// How many panes it has room for.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.root.cells()
    }
}

/// Writes it as tmux does, with panes numbered from 0 in their order: the
/// numbers mean nothing to `select-layout`.
impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cells = String::new();
        self.root.write(&mut cells, &mut 0);
        write!(f, "{:04x},{cells}", checksum(cells.as_bytes()))
    }
}

impl Cell {
    /// `80x24,0,0` then nothing, `,7` (a pane's number), `{…}` or `[…]`.
    fn parse(rest: &mut &[u8], depth: usize) -> Option<Cell> {
        if depth > DEPTH {
            return None;
        }
        let columns = number(rest)?;
        skip(rest, b'x')?;
        let rows = number(rest)?;
        skip(rest, b',')?;
        let x = number(rest)?;
        skip(rest, b',')?;
        let y = number(rest)?;
        if !(1..=LARGEST).contains(&columns) || !(1..=LARGEST).contains(&rows) {
            return None;
        }
        let what = match rest.first() {
            Some(b'{') => Contents::Beside(Cell::children(rest, b'}', depth)?),
            Some(b'[') => Contents::Above(Cell::children(rest, b']', depth)?),
            Some(b',') => {
                // A number here is the pane's, unless it starts the next cell.
                let mut ahead = &rest[1..];
                number(&mut ahead)?;
                if ahead.first() != Some(&b'x') {
                    *rest = ahead;
                }
                Contents::Pane
            }
            _ => Contents::Pane,
        };
        Some(Cell {
            columns,
            rows,
            x,
            y,
            what,
        })
    }

    fn children(rest: &mut &[u8], end: u8, depth: usize) -> Option<Vec<Cell>> {
        let mut cells = Vec::new();
        *rest = &rest[1..];
        loop {
            cells.push(Cell::parse(rest, depth + 1)?);
            let next = *rest.first()?;
            *rest = &rest[1..];
            if next == end {
                return Some(cells);
            }
            if next != b',' {
                return None;
            }
        }
    }

    /// Whether the cells inside fill each cell, with a border between them.
    /// tmux corrects a wrong outermost size itself.
    fn fits(&self) -> bool {
        self.inner(true)
    }

    fn inner(&self, outermost: bool) -> bool {
        let (cells, beside) = match &self.what {
            Contents::Pane => return true,
            Contents::Beside(cells) => (cells, true),
            Contents::Above(cells) => (cells, false),
        };
        let size = |cell: &Cell| {
            if beside {
                (cell.columns, cell.rows)
            } else {
                (cell.rows, cell.columns)
            }
        };
        let Some(across) = cells.last().map(|cell| size(cell).1) else {
            return false;
        };
        let along = cells.iter().map(|cell| size(cell).0 + 1).sum::<u32>() - 1;
        let own = if outermost {
            (along, across)
        } else {
            size(self)
        };
        own == (along, across)
            && cells
                .iter()
                .all(|cell| size(cell).1 == across && cell.inner(false))
    }

    fn cells(&self) -> usize {
        match &self.what {
            Contents::Pane => 1,
            Contents::Beside(cells) | Contents::Above(cells) => cells.iter().map(Cell::cells).sum(),
        }
    }

    fn write(&self, out: &mut String, pane: &mut usize) {
        out.push_str(&format!(
            "{}x{},{},{}",
            self.columns, self.rows, self.x, self.y
        ));
        let (cells, start, end) = match &self.what {
            Contents::Pane => {
                out.push_str(&format!(",{pane}"));
                *pane += 1;
                return;
            }
            Contents::Beside(cells) => (cells, '{', '}'),
            Contents::Above(cells) => (cells, '[', ']'),
        };
        out.push(start);
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            cell.write(out, pane);
        }
        out.push(end);
    }
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (text, tail) = rest.split_at(digits);
    *rest = tail;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn skip(rest: &mut &[u8], byte: u8) -> Option<()> {
    let tail = rest.strip_prefix(&[byte])?;
    *rest = tail;
    Some(())
}

/// tmux's checksum of what follows it (`layout_checksum`): rotate right by
/// one, then add.
fn checksum(cells: &[u8]) -> u16 {
    cells.iter().fold(0u16, |sum, byte| {
        sum.rotate_right(1).wrapping_add(u16::from(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_strings_read_back() {
        let text = "bb62,159x48,0,0{79x48,0,0,79x48,80,0}";
        let Ok(Layout::Custom(layout)) = Layout::parse(text) else {
            panic!("{:?}", Layout::parse(text));
        };
        assert_eq!(layout.cells(), 2);
        let renumbered = layout.to_string();
        assert!(
            renumbered.ends_with(",159x48,0,0{79x48,0,0,0,79x48,80,0,1}"),
            "{renumbered}"
        );
        assert_eq!(Custom::parse(&renumbered), Ok(layout));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "main",
            "even",
            "tiles",
            "xyz",
            "0000,80x24,0,0",
            "bb62,159x48,0,0{79x48,0,0,1",
            "bb62",
            "bb62,",
            "main-vertical ",
            "Tiled",
            "d,80x24,0,0",
            "-1",
            "99999",
        ] {
            assert!(Layout::parse(bad).is_err(), "{bad}");
        }
        let sized = |cells: &str| format!("{:04x},{cells}", checksum(cells.as_bytes()));
        for bad in [
            "80x24,0,0{10x24,0,0,1,10x24,11,0[10x5,11,0,2,10x5,11,6,3]}",
            "0x24,0,0",
            "80x24,0,0{}",
            "80x24,0,0{40x24,0,0]",
            "80x24,0,0,1,2",
            "80x24,0",
            "99999999999x1,0,0",
            "80x24,0,0{40x24,0,0,39x23,41,0}",
        ] {
            assert!(Layout::parse(&sized(bad)).is_err(), "{bad}");
        }
        assert!(Layout::parse(&sized("80x24,0,0{40x24,0,0,39x24,41,0}")).is_ok());
    }

    #[test]
    fn the_start_of_one_name_is_enough() {
        assert_eq!(Layout::parse("ti"), Ok(Layout::Named("tiled")));
        assert_eq!(Layout::parse("main-v"), Ok(Layout::Named("main-vertical")));
        let error = Layout::parse("main-vertikal").unwrap_err().to_string();
        assert!(error.contains("did you mean `main-vertical`"), "{error}");
    }
}
