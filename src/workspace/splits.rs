//! How to split a window so that all its panes fit.

/// How to split windows so that the panes fit.
///
/// tmux halves the newest pane with every split, and refuses where no room is
/// left. Gives, for each pane from the second on, whether the panes must be
/// tiled before it is made, and whether it must go beside the last one rather
/// than below. `None` when they do not fit at all.
#[must_use]
pub fn splits(panes: usize, columns: u32, rows: u32, borders: bool) -> Option<Vec<Split>> {
    // A pane has one row, and one more when its border has text in it.
    let needed = if borders { 4 } else { 3 };
    let (mut width, mut height) = (columns, rows);
    let mut splits = Vec::with_capacity(panes.saturating_sub(1));
    for made in 1..panes {
        let mut split = Split {
            tile_first: false,
            beside: false,
        };
        if height < needed {
            split.tile_first = true;
            (width, height) = tiled(made as u32, columns, rows);
        }
        if height >= needed {
            height = height.div_ceil(2).saturating_sub(1).max(1);
        } else if width >= 3 {
            split.beside = true;
            width = width.div_ceil(2).saturating_sub(1).max(1);
        } else {
            return None;
        }
        splits.push(split);
    }
    Some(splits)
}

/// How one more pane is made; see [`splits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Tile the panes there are before this one is made.
    pub tile_first: bool,
    /// Put it beside the last one, not below.
    pub beside: bool,
}

/// The smallest size a pane has when `panes` of them are tiled.
fn tiled(panes: u32, columns: u32, rows: u32) -> (u32, u32) {
    let (mut across, mut down) = (1, 1);
    while across * down < panes {
        down += 1;
        if across * down < panes {
            across += 1;
        }
    }
    let size = |whole: u32, parts: u32| (whole.saturating_sub(parts - 1) / parts).max(1);
    (size(columns, across), size(rows, down))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_are_tiled_where_halving_ends() {
        let tiles = |panes| {
            let splits = splits(panes, 80, 24, false).unwrap();
            splits
                .iter()
                .map(|split| split.tile_first)
                .collect::<Vec<_>>()
        };
        assert_eq!(tiles(4), [false, false, false]);
        assert_eq!(tiles(5), [false, false, false, true]);
        assert!(splits(40, 80, 24, false).is_some());
        assert!(splits(5000, 80, 24, false).is_none());
    }
}
