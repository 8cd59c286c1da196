//! Runs cut so that each piece can be put where its columns are, whatever font
//! draws it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::screen::Run;

/// Characters next to each other: narrow ones, or one that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The column of its first character.
    pub column: usize,
    /// Columns it takes.
    pub width: usize,
    pub text: &'a str,
}

/// The pieces of a run. Where it cannot be told which character has which columns,
/// that is the whole run.
pub(super) fn pieces<'a>(run: &'a Run<'_>) -> Vec<Piece<'a>> {
    let whole = || {
        vec![Piece {
            column: run.column,
            width: run.width,
            text: &run.text,
        }]
    };
    if run.text.is_ascii() {
        return whole();
    }
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut column = run.column;
    // Of the last piece: it is of narrow characters alone.
    let mut is_narrow = false;
    let mut at = 0;
    // Where the last piece starts.
    let mut start = 0;
    for cluster in clusters(&run.text) {
        let width = cluster.width().min(2);
        let end = at + cluster.len();
        let simple = width == 1 && cluster.chars().count() == 1 && !is_drawn(cluster);
        match pieces.last_mut() {
            Some(last) if simple && is_narrow => {
                last.text = &run.text[start..end];
                last.width += width;
            }
            _ => {
                start = at;
                pieces.push(Piece {
                    column,
                    width,
                    text: cluster,
                });
            }
        }
        at = end;
        is_narrow = simple;
        column += width;
    }
    if column == run.column + run.width {
        pieces
    } else {
        whole()
    }
}

/// Whether it is drawn, not written: block elements.
pub(super) fn is_drawn(text: &str) -> bool {
    let mut characters = text.chars();
    matches!(characters.next(), Some('\u{2580}'..='\u{259f}')) && characters.next().is_none()
}

/// Characters with what joins them.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        characters.next()?;
        let mut end = rest.len();
        let mut joins = false;
        for (at, c) in characters {
            let extends = c.width() == Some(0) || ('\u{1f3fb}'..='\u{1f3ff}').contains(&c);
            if !extends && !joins {
                end = at;
                break;
            }
            joins = c == '\u{200d}';
        }
        let (cluster, after) = rest.split_at(end);
        rest = after;
        Some(cluster)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Style;

    fn cut(text: &str, width: usize) -> Vec<(usize, usize, String)> {
        let run = Run {
            column: 3,
            width,
            text: text.to_owned(),
            style: Style::default(),
            link: None,
        };
        let of = |piece: Piece<'_>| (piece.column, piece.width, piece.text.to_owned());
        pieces(&run).into_iter().map(of).collect()
    }

    #[test]
    fn wide_and_joined_characters_stand_alone() {
        let pieces = cut("ab漢é 👩\u{200d}👧x█y", 11);
        let texts: Vec<_> = pieces.iter().map(|(_, _, text)| text.as_str()).collect();
        assert_eq!(texts, ["ab", "漢", "é ", "👩\u{200d}👧", "x", "█", "y"]);
        assert_eq!(pieces[1].0, 5);
        assert_eq!(pieces[6].0, 13);
        // Widths that are not those of the terminal.
        assert_eq!(cut("漢", 1), [(3, 1, "漢".to_owned())]);
    }
}
