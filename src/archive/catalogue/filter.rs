//! Which casts are meant.

use std::cmp::Reverse;

use super::{Condition, Entry};

/// Which casts are meant: all that is given must fit. Texts fit in either case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Each stands somewhere in the file's name, the title, the session, the program
    /// or the last commands.
    pub words: Vec<String>,
    /// It had not ended by then: seconds since the Unix epoch.
    pub since: Option<f64>,
    /// It had started by then: seconds since the Unix epoch.
    pub until: Option<f64>,
    pub session: Option<String>,
    /// `@3`, or a part of the window's name.
    pub window: Option<String>,
    pub host: Option<String>,
    /// A part of the title.
    pub title: Option<String>,
    pub only_running: bool,
}

impl Filter {
    /// The casts that fit, the newest first.
    pub(super) fn of(&self, mut casts: Vec<Entry>) -> Vec<Entry> {
        casts.retain(|cast| self.lets_through(cast));
        // Each is moved once: that is what takes time.
        casts.sort_by_cached_key(|cast| Reverse(((cast.started * 1e6) as i64, cast.id)));
        casts
    }

    /// Whether a cast fits.
    #[must_use]
    pub fn lets_through(&self, entry: &Entry) -> bool {
        if self.only_running && entry.state != Condition::Running
            || self
                .since
                .is_some_and(|since| entry.started + entry.duration < since)
            || self.until.is_some_and(|until| entry.started > until)
        {
            return false;
        }
        let is_same = |wanted: &Option<String>, own: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| {
                own.as_ref()
                    .is_some_and(|own| folded(own) == folded(&file_part(wanted)))
            })
        };
        let has = |own: &str, part: &str| folded(own).contains(&folded(part));
        is_same(&self.session, &entry.session)
            && is_same(&self.host, &entry.host)
            && self
                .window
                .as_ref()
                .is_none_or(|wanted| match wanted.strip_prefix('@') {
                    Some(_) => entry.window.as_ref() == Some(wanted),
                    None => has(&window_name(entry), &file_part(wanted)),
                })
            && self
                .title
                .as_ref()
                .is_none_or(|wanted| entry.title.as_ref().is_some_and(|title| has(title, wanted)))
            && self.words.iter().all(|word| {
                let texts = [&entry.title, &entry.session, &entry.program];
                has(&entry.name(), word)
                    || texts
                        .iter()
                        .any(|text| text.as_ref().is_some_and(|text| has(text, word)))
                    || entry.last_commands.iter().any(|command| has(command, word))
            })
    }
}

/// The part of a file's name behind the window's id; of other casts the whole name.
fn window_name(entry: &Entry) -> String {
    let name = entry.name();
    let id = entry.window.as_ref().map(|window| format!("_{window}_"));
    match id.and_then(|id| name.split_once(&id).map(|(_, window)| window.to_owned())) {
        Some(window) => window,
        None => name,
    }
}

/// A name as it stands in a file's name, as far as that can be told.
fn file_part(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "-._@".contains(c);
    name.chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect()
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}
