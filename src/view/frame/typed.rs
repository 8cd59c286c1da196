//! A line that is typed, edited as in a shell.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key did to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    More,
    Done,
    Cancelled,
}

/// Takes a key for the end of a line.
pub fn type_key(line: &mut String, key: KeyEvent) -> Typed {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Enter => return Typed::Done,
        KeyCode::Esc => return Typed::Cancelled,
        KeyCode::Char('c' | 'd' | 'g') if has_control => return Typed::Cancelled,
        KeyCode::Char('j' | 'm') if has_control => return Typed::Done,
        KeyCode::Char('u') if has_control => line.clear(),
        KeyCode::Char('w') if has_control => {
            let kept = line.trim_end();
            let end = kept.rfind(' ').map_or(0, |space| space + 1);
            line.truncate(end);
        }
        KeyCode::Char('h') if has_control => drop(line.pop()),
        // An empty line is left as others leave one.
        KeyCode::Backspace if line.is_empty() => return Typed::Cancelled,
        KeyCode::Backspace => drop(line.pop()),
        KeyCode::Char(c) if !has_control => line.push(c),
        _ => {}
    }
    Typed::More
}

/// Takes pasted text, up to the end of its first line.
pub fn paste(line: &mut String, text: &str) {
    let first = text.split(['\n', '\r']).next().unwrap_or_default();
    line.extend(first.chars().filter(|c| !c.is_control()));
}
