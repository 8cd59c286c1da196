//! Keys and the mouse.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{List, Picker, Question, Wish};
use crate::view::frame::{Typed, paste, type_key};

/// Rows that a turn of the wheel goes.
const WHEEL: isize = 3;

impl Picker {
    /// Takes a key, a move of the mouse or pasted text.
    pub fn on(&mut self, event: &Event) -> Option<Wish> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.on_key(*key),
            Event::Mouse(mouse) => self.on_mouse(*mouse),
            Event::Paste(text) => match &mut self.question {
                Some(Question::Label(_, label)) => {
                    paste(label, text);
                    None
                }
                Some(Question::Remove(_)) => None,
                None => {
                    paste(&mut self.query, text);
                    self.on_query()
                }
            },
            Event::Resize(columns, rows) => {
                self.resize((*columns, *rows));
                None
            }
            _ => None,
        }
    }

    fn on_key(&mut self, key: KeyEvent) -> Option<Wish> {
        self.message = None;
        if self.question.is_some() {
            return self.answer(key);
        }
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let was_help = std::mem::take(&mut self.shows_help);
        match key.code {
            KeyCode::Esc if was_help => {}
            KeyCode::F(1) => self.shows_help = !was_help,
            KeyCode::Esc => return Some(Wish::Quit),
            KeyCode::Char('c' | 'd' | 'g') if has_control => return Some(Wish::Quit),
            KeyCode::Char('z') if has_control => return Some(Wish::Suspend),
            KeyCode::Char('l') if has_control => return Some(Wish::Redraw),
            KeyCode::Enter => return self.selected().cloned().map(Wish::Play),
            KeyCode::Tab => return self.turn(1),
            KeyCode::BackTab => return self.turn(List::ALL.len() - 1),
            KeyCode::Up => self.go(-1),
            KeyCode::Down => self.go(1),
            KeyCode::Char('p' | 'k') if has_control => self.go(-1),
            KeyCode::Char('n' | 'j') if has_control => self.go(1),
            KeyCode::PageUp => self.go(-(self.page as isize)),
            KeyCode::PageDown => self.go(self.page as isize),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Char('y') if has_control => return self.copy(),
            KeyCode::Char('s') if has_control => return self.stop(),
            KeyCode::Char('o') if has_control => return self.recording().map(Wish::Pause),
            KeyCode::Char('t') if has_control => self.ask_label(),
            KeyCode::Char('f') if has_control => return self.save(),
            KeyCode::Char('x') if has_control => self.ask_remove(),
            _ => {
                let before = self.query.clone();
                type_key(&mut self.query, key);
                if self.query != before {
                    return self.on_query();
                }
            }
        }
        None
    }

    /// Shows the list that is `by` places further.
    fn turn(&mut self, by: usize) -> Option<Wish> {
        self.list = List::ALL[(self.list as usize + by) % List::ALL.len()];
        let is_due = self.list == List::Hits && self.shown().all.is_empty();
        is_due.then(|| self.search())
    }

    fn go(&mut self, by: isize) {
        let items = self.shown();
        let last = items.fitting.len().saturating_sub(1);
        items.selected = items.selected.saturating_add_signed(by).min(last);
    }

    fn copy(&mut self) -> Option<Wish> {
        let path = self.selected()?.cast.display().to_string();
        self.say("copied the path");
        Some(Wish::Copy(path))
    }

    /// The recording that is selected; says so when it is none.
    fn recording(&mut self) -> Option<String> {
        let recording = self.selected()?.recording.clone();
        if recording.is_none() {
            self.say("this is not being recorded");
        }
        recording
    }

    fn stop(&mut self) -> Option<Wish> {
        self.recording().map(Wish::Stop)
    }

    fn save(&mut self) -> Option<Wish> {
        let recording = self.recording()?;
        if self.selected().is_some_and(|item| item.is_flashback) {
            return Some(Wish::Save(recording));
        }
        self.say("all of it is kept: there is nothing to save");
        None
    }

    fn ask_label(&mut self) {
        if let Some(recording) = self.recording() {
            self.question = Some(Question::Label(recording, String::new()));
        }
    }

    fn ask_remove(&mut self) {
        let Some(item) = self.selected().cloned() else {
            return;
        };
        match item.recording {
            Some(_) => self.say("it is being recorded: Ctrl-S ends that first"),
            None => self.question = Some(Question::Remove(item.cast)),
        }
    }

    /// Takes a key for what was asked.
    fn answer(&mut self, key: KeyEvent) -> Option<Wish> {
        match self.question.take()? {
            Question::Label(recording, mut label) => match type_key(&mut label, key) {
                Typed::More => {
                    self.question = Some(Question::Label(recording, label));
                    None
                }
                Typed::Done => Some(Wish::Mark(recording, label)),
                Typed::Cancelled => None,
            },
            Question::Remove(cast) => {
                matches!(key.code, KeyCode::Char('y' | 'Y')).then_some(Wish::Remove(cast))
            }
        }
    }

    fn on_mouse(&mut self, mouse: MouseEvent) -> Option<Wish> {
        if self.question.is_some() {
            return None;
        }
        match mouse.kind {
            MouseEventKind::ScrollUp => self.go(-WHEEL),
            MouseEventKind::ScrollDown => self.go(WHEEL),
            MouseEventKind::Down(MouseButton::Left) => {
                let place = self.place_of(mouse.column.into(), mouse.row.into())?;
                let items = self.shown();
                match items.selected == place {
                    // A second click on it.
                    true => return self.selected().cloned().map(Wish::Play),
                    false => items.selected = place,
                }
            }
            _ => {}
        }
        None
    }
}
