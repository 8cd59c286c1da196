//! The picker: a state machine that lets a user pick out of lists.
//!
//! Keys go in ([`Picker::on`]), a [`Frame`](super::frame::Frame) and now and then a
//! [`Wish`] come out. It is pure: lists and screens are given to it by whoever reads
//! them, in any order, as they come.

mod draw;
mod keys;
mod query;

use std::path::{Path, PathBuf};

use self::query::Query;
use crate::cast::Micros;
use crate::screen::Screen;

/// What can be picked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// What is being recorded.
    Running,
    /// All casts, the newest first.
    Casts,
    /// Lines that were shown, found by what is typed.
    Hits,
}

impl List {
    /// All, in the order in which Tab goes through them.
    pub const ALL: [List; 3] = [List::Running, List::Casts, List::Hits];

    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            List::Running => "running",
            List::Casts => "casts",
            List::Hits => "hits",
        }
    }
}

/// What can be picked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    pub cast: PathBuf,
    /// The moment that is shown, in microseconds since the start of the cast; its end
    /// without.
    pub time: Option<Micros>,
    /// The recording's id, while it runs.
    pub recording: Option<String>,
    /// Whether only its last minutes are kept.
    pub is_flashback: bool,
    /// A few columns in front: how long ago, or how far in.
    pub when: String,
    /// What is shown and matched.
    pub text: String,
}

/// What the user wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Quit,
    Suspend,
    Redraw,
    /// Put this on the clipboard.
    Copy(String),
    Play(Item),
    /// Hits of this are wanted, in place of all others; empty: none.
    Search(String),
    /// End the recording.
    Stop(String),
    /// Pause the recording, or go on with it.
    Pause(String),
    /// Mark the recording with a label.
    Mark(String, String),
    /// Save what is kept of the recording.
    Save(String),
    Remove(PathBuf),
}

/// What a list has.
#[derive(Default)]
struct Items {
    all: Vec<Item>,
    /// Places of those that fit, the best first.
    fitting: Vec<usize>,
    /// More may come.
    is_coming: bool,
    /// The place in `fitting`.
    selected: usize,
    /// The first one that is shown.
    top: usize,
}

/// What is asked before something is done.
enum Question {
    /// The label of a marker for that recording.
    Label(String, String),
    /// Whether that cast is to go.
    Remove(PathBuf),
}

/// What is looked at beside the list.
struct Preview {
    cast: PathBuf,
    time: Option<Micros>,
    /// The screen, or why there is none.
    shown: Result<Screen, String>,
}

/// Lists to pick from.
pub struct Picker {
    list: List,
    items: [Items; 3],
    query: String,
    preview: Option<Preview>,
    question: Option<Question>,
    message: Option<String>,
    shows_help: bool,
    columns: usize,
    rows: usize,
    /// Rows of the list, as last drawn.
    page: usize,
}

impl Picker {
    /// Starts with a list, on a terminal of `size` (columns, rows).
    #[must_use]
    pub fn new(list: List, size: (u16, u16)) -> Picker {
        let coming = || Items {
            is_coming: true,
            ..Items::default()
        };
        Picker {
            list,
            items: [coming(), coming(), Items::default()],
            query: String::new(),
            preview: None,
            question: None,
            message: None,
            shows_help: false,
            columns: size.0.into(),
            rows: size.1.into(),
            page: 1,
        }
    }

    /// The terminal has another size: columns, rows.
    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        (self.columns, self.rows) = (columns.into(), rows.into());
    }

    /// What a list has, all of it. The item that was selected stays so, but for the
    /// first one: nobody has moved to that.
    pub fn set(&mut self, list: List, items: Vec<Item>) {
        let known = self.of(list);
        let selected = known
            .selected_item()
            .filter(|_| known.selected > 0)
            .cloned();
        let known = &mut self.items[list as usize];
        known.all = items;
        known.is_coming = false;
        self.fit(list);
        let known = &mut self.items[list as usize];
        if let Some(selected) = selected {
            let is_it = |item: &Item| item.cast == selected.cast && item.time == selected.time;
            let place = known.fitting.iter().position(|at| is_it(&known.all[*at]));
            known.selected = place.unwrap_or(known.selected);
        }
    }

    /// More hits, and whether still more may come.
    pub fn add_hits(&mut self, hits: Vec<Item>, is_coming: bool) {
        let known = &mut self.items[List::Hits as usize];
        let first = known.all.len();
        known.all.extend(hits);
        known.fitting.extend(first..known.all.len());
        known.is_coming = is_coming;
    }

    /// Tells the user something, until the next key.
    pub fn say(&mut self, message: impl Into<String>) {
        self.message = Some(message.into());
    }

    /// The preview that belongs beside the list, if that is not there.
    #[must_use]
    pub fn wanted_preview(&self) -> Option<(&Path, Option<Micros>)> {
        let item = self.selected()?;
        let is_there = self
            .preview
            .as_ref()
            .is_some_and(|preview| preview.cast == item.cast && preview.time == item.time);
        (!is_there && self.shows_preview()).then_some((&*item.cast, item.time))
    }

    /// The screen of a cast at a moment, or why there is none. Another one than is
    /// wanted by now is not shown.
    pub fn set_preview(
        &mut self,
        cast: PathBuf,
        time: Option<Micros>,
        shown: Result<Screen, String>,
    ) {
        let is_wanted = self
            .selected()
            .is_some_and(|item| item.cast == cast && item.time == time);
        if is_wanted {
            self.preview = Some(Preview { cast, time, shown });
        }
    }

    /// What is shown of casts that grow is looked at again.
    pub fn refresh_preview(&mut self) {
        if self.selected().is_some_and(|item| item.recording.is_some()) {
            self.preview = None;
        }
    }

    /// The list that is shown.
    #[must_use]
    pub fn list(&self) -> List {
        self.list
    }

    /// What is selected, if the list has anything.
    #[must_use]
    pub fn selected(&self) -> Option<&Item> {
        self.of(self.list).selected_item()
    }

    fn of(&self, list: List) -> &Items {
        &self.items[list as usize]
    }

    fn shown(&mut self) -> &mut Items {
        &mut self.items[self.list as usize]
    }

    /// Finds which items fit what is typed. Hits do by themselves.
    fn fit(&mut self, list: List) {
        let query = self.query.trim();
        let items = &mut self.items[list as usize];
        items.fitting = match query {
            "" => (0..items.all.len()).collect(),
            _ if list == List::Hits => (0..items.all.len()).collect(),
            query => Query::new(query).fitting(items.all.iter().map(|item| &*item.text)),
        };
        items.selected = items.selected.min(items.fitting.len().saturating_sub(1));
    }

    /// What was typed is another text now.
    fn on_query(&mut self) -> Option<Wish> {
        for list in [List::Running, List::Casts] {
            self.items[list as usize].selected = 0;
            self.fit(list);
        }
        (self.list == List::Hits).then(|| self.search())
    }

    /// Starts over with what is typed.
    fn search(&mut self) -> Wish {
        let query = self.query.trim().to_owned();
        self.items[List::Hits as usize] = Items {
            is_coming: !query.is_empty(),
            ..Items::default()
        };
        Wish::Search(query)
    }
}

impl Items {
    fn selected_item(&self) -> Option<&Item> {
        self.all.get(*self.fitting.get(self.selected)?)
    }
}
