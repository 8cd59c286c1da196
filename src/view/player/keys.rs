//! Keys and the mouse.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::prompt::{Prompt, Question};
use super::{Direction, Player, Speed, Target, Task, bar, help};
use crate::view;
use crate::view::frame::{Action, Typed, paste};

/// Microseconds that an arrow goes, and with Shift.
const STEP: i64 = 5_000_000;
const LONG_STEP: i64 = 60_000_000;

/// Columns and rows that the view moves by.
const PAN: (isize, isize) = (8, 1);
/// Rows, and lines of the help, that the wheel moves by.
const WHEEL: isize = 3;

impl Player {
    /// Takes a key, a move of the mouse, pasted text or another size.
    pub fn on(&mut self, event: &Event) -> Option<Action> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.on_key(*key),
            Event::Mouse(mouse) => {
                self.on_mouse(*mouse);
                None
            }
            Event::Paste(text) => {
                if let Some(prompt) = &mut self.prompt {
                    paste(&mut prompt.text, text);
                }
                None
            }
            Event::Resize(columns, rows) => {
                self.resize((*columns, *rows));
                None
            }
            _ => None,
        }
    }

    fn on_key(&mut self, key: KeyEvent) -> Option<Action> {
        let has = |modifier| key.modifiers.contains(modifier);
        if self.prompt.is_some() {
            self.type_key(key);
            return None;
        }
        match key.code {
            KeyCode::Char('c' | 'd') if has(KeyModifiers::CONTROL) => return Some(Action::Quit),
            KeyCode::Char('z') if has(KeyModifiers::CONTROL) => return Some(Action::Suspend),
            KeyCode::Char('l') if has(KeyModifiers::CONTROL) => return Some(Action::Redraw),
            KeyCode::Char('q') => return Some(Action::Quit),
            KeyCode::Char(_) if has(KeyModifiers::CONTROL) || has(KeyModifiers::ALT) => {}
            KeyCode::Char('y') => {
                self.say("copied the screen's text");
                return Some(Action::Copy(view::text(self.screen())));
            }
            KeyCode::Esc => self.escape(),
            KeyCode::Up if self.help.is_some() => self.scroll_help(-1),
            KeyCode::Down if self.help.is_some() => self.scroll_help(1),
            KeyCode::Left | KeyCode::Right | KeyCode::Up | KeyCode::Down => self.on_arrow(key),
            KeyCode::Home => self.seek(0),
            KeyCode::End => self.go_live(),
            KeyCode::Backspace => self.speed = Speed::Times(1.0),
            KeyCode::Char(c) => self.on_char(c),
            _ => {}
        }
        None
    }

    fn on_char(&mut self, c: char) {
        match c {
            ' ' => self.toggle_pause(),
            '0'..='9' => self.seek_to_part(u64::from(c as u8 - b'0'), 10),
            '.' => {
                if let Err(error) = self.step_on() {
                    self.on_error(&error);
                }
            }
            ',' => {
                self.is_paused = true;
                self.is_at_end = false;
                self.task = Some(Task::StepBack);
            }
            '[' => self.jump(Target::Marker, Direction::Back),
            ']' => self.jump(Target::Marker, Direction::On),
            '{' => self.jump(Target::Command, Direction::Back),
            '}' => self.jump(Target::Command, Direction::On),
            'F' => self.jump(Target::FailedCommand, Direction::Back),
            'f' => self.jump(Target::FailedCommand, Direction::On),
            '+' => self.change_speed(Direction::On),
            '-' => self.change_speed(Direction::Back),
            '=' => self.speed = Speed::Times(1.0),
            'i' => self.toggle_idle(),
            'l' => self.is_looped = !self.is_looped,
            '/' => self.ask(Question::Search(true)),
            '?' => self.ask(Question::Search(false)),
            'g' => self.ask(Question::Time),
            'n' | 'N' => {
                let way = self
                    .searched
                    .as_ref()
                    .map_or(Direction::On, |searched| searched.way);
                self.search_again(if c == 'n' { way } else { way.turned() });
            }
            'h' => self.help = self.help.is_none().then_some(0),
            'b' => self.shows_bar = !self.shows_bar,
            'c' => self.crop.release(),
            _ => self.say("h shows the keys"),
        }
    }

    /// Ends what is under way, closes what is open.
    fn escape(&mut self) {
        self.message = None;
        self.help = None;
        if let Some(searched) = &mut self.searched {
            searched.is_shown = false;
        }
        if !matches!(self.task, Some(Task::Seek(_))) {
            self.task = None;
        }
    }

    fn jump(&mut self, target: Target, way: Direction) {
        self.is_at_end = false;
        self.task = Some(Task::Jump(target, way));
    }

    fn on_arrow(&mut self, key: KeyEvent) {
        let (columns, rows) = match key.code {
            KeyCode::Left => (-1, 0),
            KeyCode::Right => (1, 0),
            KeyCode::Up => (0, -1),
            _ => (0, 1),
        };
        let moves = KeyModifiers::CONTROL | KeyModifiers::ALT;
        if rows != 0 || key.modifiers.intersects(moves) {
            self.crop.move_by(columns * PAN.0, rows * PAN.1);
        } else if key.modifiers.contains(KeyModifiers::SHIFT) {
            self.seek_by(columns as i64 * LONG_STEP);
        } else {
            self.seek_by(columns as i64 * STEP);
        }
    }

    fn scroll_help(&mut self, lines: isize) {
        let last = help::ROWS.saturating_sub(self.screen_rows());
        self.help = self
            .help
            .map(|top| top.saturating_add_signed(lines).min(last));
    }

    fn ask(&mut self, question: Question) {
        self.message = None;
        self.prompt = Some(Prompt::new(question, self.uses_regex));
    }

    fn type_key(&mut self, key: KeyEvent) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        match prompt.key(key) {
            Typed::More => {}
            Typed::Cancelled => self.prompt = None,
            Typed::Done => {
                let Some(prompt) = self.prompt.take() else {
                    return;
                };
                self.uses_regex = prompt.is_regex;
                match prompt.question {
                    Question::Time if prompt.text.is_empty() => {}
                    Question::Time => self.go_to(&prompt.text),
                    Question::Search(is_forward) => {
                        let way = if is_forward {
                            Direction::On
                        } else {
                            Direction::Back
                        };
                        self.search(&prompt.text, prompt.is_regex, way);
                    }
                }
            }
        }
    }

    fn on_mouse(&mut self, mouse: MouseEvent) {
        let column = usize::from(mouse.column);
        let is_on_bar = usize::from(mouse.row) >= self.screen_rows();
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.is_dragging = is_on_bar && self.progress.contains(&column);
                if self.is_dragging {
                    // It would cover where that is.
                    self.message = None;
                }
            }
            MouseEventKind::Drag(MouseButton::Left) => {}
            MouseEventKind::Up(_) => {
                self.is_dragging = false;
                return;
            }
            MouseEventKind::ScrollUp => return self.on_wheel(-1, is_on_bar, mouse.modifiers),
            MouseEventKind::ScrollDown => return self.on_wheel(1, is_on_bar, mouse.modifiers),
            MouseEventKind::ScrollLeft => return self.crop.move_by(-PAN.0, 0),
            MouseEventKind::ScrollRight => return self.crop.move_by(PAN.0, 0),
            _ => return,
        }
        if self.is_dragging && !self.progress.is_empty() {
            self.seek(bar::time_of(column, self.end, &self.progress));
        }
    }

    fn on_wheel(&mut self, way: isize, is_on_bar: bool, modifiers: KeyModifiers) {
        if self.help.is_some() {
            self.scroll_help(way * WHEEL);
        } else if is_on_bar {
            self.seek_by(way as i64 * STEP);
        } else if modifiers.is_empty() {
            self.crop.move_by(0, way * WHEEL);
        } else {
            self.crop.move_by(way * PAN.0, 0);
        }
    }
}

impl Direction {
    fn turned(self) -> Direction {
        match self {
            Direction::On => Direction::Back,
            Direction::Back => Direction::On,
        }
    }
}
