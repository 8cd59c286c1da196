//! What the terminal is to show.

use super::query::Query;
use super::{Item, List, Picker, Question};
use crate::screen::{Attributes, Colour, Style};
use crate::view::frame::{Crop, Frame, Line, ink, row_of};

/// Rows above the list, and below all.
const HEAD: usize = 2;
const FOOT: usize = 1;

/// Columns from which on the preview stands beside the list, and rows from which on
/// it stands below.
const WIDE: usize = 100;
const HIGH: usize = 20;

/// Columns in front of an item's text.
const WHEN: usize = 14;

/// Keys and what they do.
const KEYS: &[(&str, &str)] = &[
    ("Enter", "play it"),
    ("↑ ↓", "move; PageUp, PageDown, Home, End, the wheel, too"),
    ("Tab", "the next list: running, casts, hits"),
    ("Ctrl-Y", "copy the path"),
    ("Ctrl-S", "end the recording"),
    ("Ctrl-O", "pause the recording, or go on with it"),
    ("Ctrl-T", "mark the recording"),
    ("Ctrl-F", "save its last minutes, where only those are kept"),
    ("Ctrl-X", "remove the cast, after a question"),
    ("Ctrl-U", "clear what is typed; Ctrl-W the last word"),
    ("Esc", "leave"),
    ("", ""),
    (
        "'text",
        "that text as it stands; ^text at the start, text$ at the end",
    ),
    ("!text", "all without it"),
];

/// Where on the terminal things are.
struct Places {
    /// Columns and rows of the list.
    list: (usize, usize),
    /// Column, row, columns and rows of the preview.
    preview: Option<(usize, usize, usize, usize)>,
}

impl Picker {
    fn places(&self) -> Places {
        let rows = self.rows.saturating_sub(HEAD + FOOT);
        if self.columns >= WIDE && rows > 0 {
            let list = self.columns / 2;
            return Places {
                list: (list - 1, rows),
                preview: Some((list + 1, HEAD, self.columns - list - 1, rows)),
            };
        }
        if rows >= HIGH {
            let list = rows / 2;
            return Places {
                list: (self.columns, list),
                preview: Some((0, HEAD + list + 1, self.columns, rows - list - 1)),
            };
        }
        Places {
            list: (self.columns, rows),
            preview: None,
        }
    }

    /// Whether there is room for a preview.
    pub(super) fn shows_preview(&self) -> bool {
        self.places().preview.is_some()
    }

    /// Which item a click means, by its place among those that fit.
    pub(super) fn place_of(&self, column: usize, row: usize) -> Option<usize> {
        let (columns, rows) = self.places().list;
        let row = row.checked_sub(HEAD).filter(|row| *row < rows)?;
        let items = self.of(self.list);
        let place = items.top + row;
        (column < columns && place < items.fitting.len()).then_some(place)
    }

    /// What the terminal is to show.
    pub fn draw(&mut self) -> Frame {
        let places = self.places();
        self.page = places.list.1.max(1);
        let (query, column) = self.draw_query();
        let mut lines = vec![self.draw_head(), query];
        lines.extend(match self.shows_help {
            true => draw_help(places.list),
            false => self.draw_list(places.list),
        });
        if let Some((left, top, columns, rows)) = places.preview {
            lines.resize(lines.len().max(top + rows), Line::default());
            self.draw_preview(&mut lines, (left, top, columns, rows));
        }
        lines.resize(self.rows.saturating_sub(FOOT), Line::default());
        let (foot, asked) = self.draw_foot();
        lines.push(foot);
        lines.truncate(self.rows);
        let last = self.rows.saturating_sub(1);
        let cursor = asked.map_or((column, 1.min(last)), |column| (column, last));
        Frame {
            lines,
            columns: self.columns,
            cursor: Some(cursor).filter(|(column, _)| *column < self.columns),
        }
    }

    fn draw_head(&self) -> Line {
        let mut line = Line::default();
        let dim = ink(Colour::Default, Attributes::DIM);
        let strong = ink(Colour::Basic(6), Attributes::BOLD.with(Attributes::REVERSE));
        for list in List::ALL {
            let style = if list == self.list { strong } else { dim };
            line.append(&format!(" {} ", list.name()), style, self.columns);
            line.append(" ", Style::default(), self.columns);
        }
        let items = self.of(self.list);
        let more = if items.is_coming { " …" } else { "" };
        let count = match items.fitting.len() == items.all.len() {
            true => format!("{}{more}", items.all.len()),
            false => format!("{}/{}{more}", items.fitting.len(), items.all.len()),
        };
        let start = self.columns.saturating_sub(count.chars().count());
        if start > line.width() {
            line.append_at(start, &count, dim, self.columns);
        }
        line
    }

    /// The typed line, its end where it is too long; and the cursor's column.
    fn draw_query(&self) -> (Line, usize) {
        let mut line = Line::default();
        line.append("> ", ink(Colour::Basic(6), Attributes::BOLD), self.columns);
        let room = self.columns.saturating_sub(3);
        let skipped = self.query.chars().count().saturating_sub(room);
        let shown: String = self.query.chars().skip(skipped).collect();
        let column = line.append(&shown, Style::default(), self.columns);
        if self.query.is_empty() {
            let hint = match self.list {
                List::Hits => "type what was on a screen",
                _ => "type to narrow",
            };
            line.append(hint, ink(Colour::Default, Attributes::DIM), self.columns);
        }
        (line, column)
    }

    fn draw_list(&mut self, (columns, rows): (usize, usize)) -> Vec<Line> {
        let list = self.list;
        let items = self.shown();
        let lowest = items.selected.saturating_sub(rows.saturating_sub(1));
        items.top = items.top.clamp(lowest, items.selected);
        let items = self.of(list);
        let shown: Vec<(usize, &Item)> = items
            .fitting
            .iter()
            .enumerate()
            .skip(items.top)
            .take(rows)
            .map(|(place, at)| (place, &items.all[*at]))
            .collect();
        if shown.is_empty() {
            return vec![self.draw_nothing(columns)];
        }
        let mut query = match list {
            List::Hits => None,
            _ => Some(Query::new(self.query.trim())),
        };
        let draw = |(place, item): (usize, &Item)| {
            let found = query.as_mut().map(|query| query.found_in(&item.text));
            let found = found.unwrap_or_default();
            draw_item(item, place == items.selected, &found, columns)
        };
        shown.into_iter().map(draw).collect()
    }

    fn draw_nothing(&self, columns: usize) -> Line {
        let items = self.of(self.list);
        let text = match (self.list, items.is_coming, items.all.is_empty()) {
            (List::Hits, false, _) if self.query.trim().is_empty() => "",
            (_, true, _) => "…",
            (List::Running, _, true) => "nothing is being recorded: `tvmux rec` records a window",
            (List::Casts, _, true) => "no casts so far: `tvmux rec` records a window",
            _ => "nothing fits",
        };
        let mut line = Line::default();
        line.append("  ", Style::default(), columns);
        line.append(text, ink(Colour::Default, Attributes::DIM), columns);
        line
    }

    fn draw_preview(&self, lines: &mut [Line], place: (usize, usize, usize, usize)) {
        let (left, top, columns, rows) = place;
        let dim = ink(Colour::Default, Attributes::DIM);
        if left > 0 {
            for line in &mut lines[top..top + rows] {
                line.append_at(left - 1, "│", dim, left);
            }
        } else {
            lines[top - 1].append(&"─".repeat(columns), dim, columns);
        }
        let wanted = self.selected();
        let preview = self.preview.as_ref().filter(|preview| {
            wanted.is_some_and(|item| item.cast == preview.cast && item.time == preview.time)
        });
        match preview.map(|preview| &preview.shown) {
            Some(Ok(screen)) => {
                let mut crop = Crop::default();
                crop.follow(screen, columns, rows);
                let height = usize::from(screen.size().1);
                for (row, line) in lines[top..top + rows].iter_mut().enumerate() {
                    if crop.top + row < height {
                        line.append_line(left, row_of(screen, crop.top + row, crop.left, columns));
                    }
                }
            }
            Some(Err(why)) => lines[top].append_at(left + 1, why, dim, left + columns),
            None if wanted.is_some() => lines[top].append_at(left + 1, "…", dim, left + columns),
            None => {}
        }
    }

    /// The last line, and the cursor's column where something is typed in it.
    fn draw_foot(&self) -> (Line, Option<usize>) {
        let mut line = Line::default();
        let bold = ink(Colour::Default, Attributes::BOLD);
        let dim = ink(Colour::Default, Attributes::DIM);
        match &self.question {
            Some(Question::Label(_, label)) => {
                let column = line.append(&format!("mark as: {label}"), bold, self.columns);
                return (line, Some(column));
            }
            Some(Question::Remove(cast)) => {
                let name = cast.file_name().unwrap_or_default().to_string_lossy();
                let text = format!("remove {name} forever? y/n ");
                let column = line.append(&text, bold, self.columns);
                return (line, Some(column));
            }
            None => {}
        }
        match &self.message {
            Some(message) => line.append(message, bold, self.columns),
            None => {
                let is_flashback = self.selected().is_some_and(|item| item.is_flashback);
                let key = if is_flashback {
                    "Ctrl-F save"
                } else {
                    "Ctrl-Y path"
                };
                let keys =
                    format!("Enter plays  Tab next list  {key}  Ctrl-S stop  Ctrl-T mark  F1 help");
                line.append(&keys, dim, self.columns)
            }
        };
        (line, None)
    }
}

fn draw_item(item: &Item, is_selected: bool, found: &[u32], columns: usize) -> Line {
    let mut line = Line::default();
    let base = if is_selected {
        Attributes::REVERSE
    } else {
        Attributes::default()
    };
    let plain = ink(Colour::Default, base);
    let dim = ink(Colour::Default, base.with(Attributes::DIM));
    let (sign, style) = match &item.recording {
        Some(_) => ("● ", ink(Colour::Basic(1), base.with(Attributes::BOLD))),
        None => ("  ", plain),
    };
    line.append(sign, style, columns);
    line.append(&item.when, dim, WHEN);
    let pad = WHEN.saturating_sub(line.width());
    line.append(&" ".repeat(pad), plain, columns);
    let strong = ink(Colour::Basic(3), base.with(Attributes::BOLD));
    let mut buffer = [0; 4];
    for (at, c) in (0..).zip(item.text.chars()) {
        let is_found = found.contains(&at);
        let style = if is_found { strong } else { plain };
        line.append(c.encode_utf8(&mut buffer), style, columns);
    }
    if is_selected {
        let rest = columns.saturating_sub(line.width());
        line.append(&" ".repeat(rest), plain, columns);
    }
    line
}

fn draw_help((columns, rows): (usize, usize)) -> Vec<Line> {
    let row = |(key, what): &(&str, &str)| {
        let mut line = Line::default();
        let bold = ink(Colour::Basic(6), Attributes::BOLD);
        line.append(&format!("  {key}"), bold, columns);
        let pad = 11_usize.saturating_sub(line.width());
        line.append(&" ".repeat(pad), Style::default(), columns);
        line.append(what, Style::default(), columns);
        line
    };
    KEYS.iter().take(rows).map(row).collect()
}
