//! What the terminal is to show.

use super::bar::{Bar, Doing};
use super::find;
use super::prompt::Prompt;
use super::{Player, Speed, Task, help};
use crate::screen::{Attributes, Colour, Style};
use crate::view::frame::{Frame, Line, ink, row_of};

impl Player {
    /// Rows for the screen: all but the one of the bar.
    pub(super) fn screen_rows(&self) -> usize {
        let has_bar = self.shows_bar || self.prompt.is_some() || self.message.is_some();
        self.rows.saturating_sub(usize::from(has_bar))
    }

    pub fn draw(&mut self) -> Frame {
        let rows = self.screen_rows();
        let mut cursor = None;
        let mut lines = match self.help {
            Some(top) => help::draw(top, self.columns, rows),
            None => {
                let screen = self.frames.screen();
                self.crop.follow(screen, self.columns, rows);
                cursor = self.cursor(rows);
                self.draw_screen(rows)
            }
        };
        if lines.len() < self.rows {
            match &self.prompt {
                Some(prompt) => {
                    let (line, column) = draw_prompt(prompt, self.columns);
                    lines.push(line);
                    cursor = Some((column, self.rows - 1));
                    self.progress = 0..0;
                }
                None => {
                    let line = self.draw_bar();
                    lines.push(line);
                }
            }
        }
        Frame {
            lines,
            columns: self.columns,
            cursor,
        }
    }

    /// Where the cast's cursor is on the terminal, if it is seen.
    fn cursor(&self, rows: usize) -> Option<(usize, usize)> {
        let cursor = self.frames.screen().cursor();
        let column = cursor.column.checked_sub(self.crop.left)?;
        let row = cursor.row.checked_sub(self.crop.top)?;
        (cursor.visible && column < self.columns && row < rows).then_some((column, row))
    }

    fn draw_screen(&self, rows: usize) -> Vec<Line> {
        let screen = self.frames.screen();
        let (width, height) = screen.size();
        let (width, height) = (usize::from(width), usize::from(height));
        let shown = width.saturating_sub(self.crop.left).min(self.columns);
        let dim = ink(Colour::Default, Attributes::DIM);
        let mut lines: Vec<Line> = (0..rows)
            .map(|row| {
                let y = self.crop.top + row;
                let mut line = Line::default();
                if y < height {
                    line = row_of(screen, y, self.crop.left, self.columns);
                    // The edge of a smaller screen.
                    line.append_at(shown, "│", dim, self.columns);
                } else if y == height {
                    line.append(&"─".repeat(shown), dim, self.columns);
                    line.append_at(shown, "┘", dim, self.columns);
                }
                line
            })
            .collect();
        if let Some(searched) = self.searched.as_ref().filter(|searched| searched.is_shown) {
            for (y, columns) in find::places(screen, &searched.pattern) {
                let left = self.crop.left;
                let line = y
                    .checked_sub(self.crop.top)
                    .and_then(|row| lines.get_mut(row));
                if let Some(line) = line {
                    let columns =
                        columns.start.saturating_sub(left)..columns.end.saturating_sub(left);
                    line.restyle(columns, highlighted);
                }
            }
        }
        lines
    }

    fn draw_bar(&mut self) -> Line {
        let doing = match (self.is_paused, self.is_at_end) {
            (true, _) => Doing::Paused,
            (false, true) if self.follows || self.timeline.is_coming() => Doing::Live,
            (false, true) => Doing::Ended,
            (false, false) => Doing::Playing,
        };
        let mut flags = Vec::new();
        let (width, height) = self.frames.screen().size();
        if usize::from(width) > self.columns || usize::from(height) > self.screen_rows() {
            flags.push(format!("{width}x{height}"));
        }
        if self.folds_idle {
            flags.push(format!("idle {}s", self.idle as f64 / 1e6));
        }
        if self.is_looped {
            flags.push("loop".to_owned());
        }
        let waits = match &self.task {
            Some(Task::Seek(_) | Task::Jump(..) | Task::GoTo(_) | Task::StepBack)
                if !self.known.is_whole =>
            {
                let length = self.timeline.length().unwrap_or(self.known.bytes);
                let part = self.known.bytes as f64 * 100.0 / length.max(1) as f64;
                Some(format!("reading … {part:.0} %"))
            }
            _ => None,
        };
        let message = self.message.as_ref().map(|(message, _)| message.as_str());
        let drawn = Bar {
            doing,
            position: self.position(),
            end: self.end,
            started: self.started,
            zone: &self.zone,
            speed: (self.speed != Speed::Times(1.0)).then(|| self.speed.to_string()),
            flags: &flags,
            ticks: &self.known.ticks,
            message: message.or(waits.as_deref()),
        }
        .draw(self.columns);
        self.progress = drawn.progress;
        drawn.line
    }
}

/// The typed line, its end where it is too long; and the cursor's column.
fn draw_prompt(prompt: &Prompt, columns: usize) -> (Line, usize) {
    let shown = prompt.shown();
    let room = columns.saturating_sub(1);
    let mut line = Line::default();
    let skipped = shown.chars().count().saturating_sub(room);
    let shown: String = shown.chars().skip(skipped).collect();
    let column = line.append(&shown, ink(Colour::Default, Attributes::BOLD), room);
    line.append(
        &format!(" {}", prompt.hint()),
        ink(Colour::Default, Attributes::DIM),
        columns,
    );
    (line, column.min(room))
}

fn highlighted(_: Style) -> Style {
    Style {
        fg: Colour::Basic(0),
        bg: Colour::Basic(3),
        ..Style::default()
    }
}
