//! What casts that grow show now: each is followed once, for all who look.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::timelines::{blocking, unreadable};
use crate::cast::{Marker, Micros};
use crate::screen::Screen;
use crate::serving::Result;
use crate::timeline::{Command, Frames, Timeline};
use crate::view::{Links, colours_json, cursor_json, row_json};

/// How often a cast is looked at for more: 30 times a second.
const LOOK: Duration = Duration::from_millis(33);

/// How long what floods is gone through before it is shown how far that is.
const FLOOD: Duration = Duration::from_millis(25);

/// How often it is looked whether there are new markers and commands.
const LIST: Duration = Duration::from_millis(500);

/// The casts that are followed.
pub(super) struct Lives(Mutex<HashMap<String, Weak<Shared>>>);

struct Shared {
    now: watch::Sender<Now>,
}

/// What a cast shows now, in pieces of JSON with the number of the change that made
/// each. Viewers take what came after the last change that they have seen: whoever
/// is slow leaves changes out, and nothing waits for anybody.
#[derive(Default)]
pub(super) struct Now {
    /// The number of the last change; 0 before the first screen.
    pub change: u64,
    /// The change that gave the screen another size.
    pub resized: u64,
    pub time: Micros,
    size: (u16, u16),
    is_alternate: bool,
    rows: Vec<(u64, Arc<str>)>,
    cursor: (u64, Arc<str>),
    colours: (u64, Arc<str>),
    title: (u64, Arc<str>),
    pub markers: Vec<(u64, Marker)>,
    pub commands: Vec<(u64, Command)>,
    /// Why it is not followed any more.
    pub failed: bool,
}

/// A viewer's end.
pub(super) struct Live {
    _shared: Arc<Shared>,
    pub now: watch::Receiver<Now>,
}

impl Lives {
    pub(super) fn new() -> Lives {
        Lives(Mutex::default())
    }

    /// Follows a cast; everybody who looks at it gets the same.
    pub(super) fn follow(&self, id: &str, timeline: Timeline) -> Live {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, shared| shared.strong_count() > 0);
        let shared = all.get(id).and_then(Weak::upgrade);
        let shared = shared.filter(|shared| !shared.now.borrow().failed);
        let shared = shared.unwrap_or_else(|| {
            let shared = Arc::new(Shared {
                now: watch::Sender::new(Now::default()),
            });
            all.insert(id.to_owned(), Arc::downgrade(&shared));
            tokio::spawn(follow(Arc::downgrade(&shared), timeline));
            shared
        });
        Live {
            now: shared.now.subscribe(),
            _shared: shared,
        }
    }
}

/// Follows a cast as long as somebody looks.
async fn follow(shared: Weak<Shared>, timeline: Timeline) {
    let of_start = timeline.clone();
    let mut following = blocking(move || Following::start(of_start)).await.ok();
    while let Some(shared) = shared.upgrade() {
        let Some(mut one) = following.take() else {
            shared.now.send_modify(|now| {
                now.change += 1;
                now.failed = true;
            });
            return;
        };
        let to = Arc::clone(&shared);
        let stepped = blocking(move || one.step(&to.now).map(|()| one));
        following = stepped.await.ok();
        drop(shared);
        tokio::time::sleep(LOOK).await;
    }
}

/// A cast that is followed.
struct Following {
    timeline: Timeline,
    frames: Frames,
    /// The file's length when all of it was shown; `None` while there is more.
    shown: Option<u64>,
    /// When markers and commands were looked for.
    listed: Option<Instant>,
}

impl Following {
    fn start(timeline: Timeline) -> Result<Following> {
        let last = timeline.duration().map_err(unreadable)?;
        let frames = timeline.frames(last, Micros::MAX, 0).map_err(unreadable)?;
        Ok(Following {
            timeline,
            frames,
            shown: None,
            listed: None,
        })
    }

    /// Shows what has come since.
    fn step(&mut self, now: &watch::Sender<Now>) -> Result<()> {
        let length = self.timeline.length().unwrap_or(0);
        if self.shown == Some(length) && self.listed.is_none() {
            return Ok(());
        }
        let mut changed = BTreeSet::new();
        let mut is_resized = now.borrow().change == 0;
        let mut time = is_resized.then(|| self.timeline.coverage().time);
        let end = Instant::now() + FLOOD;
        self.shown = loop {
            let Some(frame) = self.frames.next().map_err(unreadable)? else {
                break Some(length);
            };
            time = Some(frame.time);
            is_resized |= frame.is_resized;
            changed.extend(frame.changed);
            if Instant::now() > end {
                break None;
            }
        };
        if time.is_some() {
            // What came is listed once more after the last of it.
            self.listed.get_or_insert_with(Instant::now);
        }
        let lists = match self.listed {
            Some(since) if is_resized || since.elapsed() > LIST => {
                self.listed = None;
                let go_on = |_| ControlFlow::Continue(());
                self.timeline.cover(None, go_on).map_err(unreadable)?;
                Some((self.timeline.markers_as_written(), self.timeline.commands()))
            }
            _ => None,
        };
        if time.is_none() && lists.is_none() {
            return Ok(());
        }
        let screen = self.frames.screen();
        now.send_modify(|now| {
            now.change += 1;
            if let Some(time) = time {
                now.time = time;
            }
            now.show(screen, changed, is_resized);
            if let Some((markers, commands)) = lists {
                now.list(markers, commands);
            }
        });
        Ok(())
    }
}

impl Now {
    fn show(&mut self, screen: &Screen, mut changed: BTreeSet<usize>, is_resized: bool) {
        let change = self.change;
        if is_resized {
            self.resized = change;
            self.size = screen.size();
            let count = usize::from(self.size.1);
            self.rows = vec![(0, "".into()); count];
            changed = (0..count).collect();
        }
        for row in changed {
            if let Some(own) = self.rows.get_mut(row) {
                set(own, change, row_json(screen, row, Links::Pages));
            }
        }
        self.is_alternate = screen.is_alternate();
        set(&mut self.cursor, change, cursor_json(screen));
        set(&mut self.colours, change, colours_json(screen));
        let title = serde_json::to_string(screen.title()).unwrap_or_default();
        set(&mut self.title, change, title);
    }

    fn list(&mut self, markers: Vec<Marker>, commands: Vec<Command>) {
        let change = self.change;
        for marker in markers.into_iter().skip(self.markers.len()) {
            self.markers.push((change, marker));
        }
        for (at, command) in commands.into_iter().enumerate() {
            match self.commands.get_mut(at) {
                Some((_, known)) if *known == command => {}
                Some(known) => *known = (change, command),
                None => self.commands.push((change, command)),
            }
        }
    }

    /// The whole screen, as JSON.
    pub(super) fn screen(&self) -> String {
        let (columns, rows) = self.size;
        let lines: Vec<&str> = self.rows.iter().map(|(_, text)| &**text).collect();
        format!(
            "{{\"time\":{},\"columns\":{columns},\"rows\":{rows},\"title\":{},\
             \"alternate\":{},\"cursor\":{},\"colours\":{},\"lines\":[{}]}}",
            self.time as f64 / 1e6,
            self.title.1,
            self.is_alternate,
            self.cursor.1,
            self.colours.1,
            lines.join(",")
        )
    }
}

fn set(own: &mut (u64, Arc<str>), change: u64, text: String) {
    if *own.1 != *text {
        *own = (change, text.into());
    }
}

impl Now {
    /// What has changed after the change `seen`: as one line of frames.
    pub(super) fn changes_since(&self, seen: u64) -> String {
        let mut out = format!("{{\"time\":{}", self.time as f64 / 1e6);
        let rows: Vec<String> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, (change, _))| *change > seen)
            .map(|(row, (_, text))| format!("\"{row}\":{text}"))
            .collect();
        out += &format!(",\"rows\":{{{}}}", rows.join(","));
        if self.cursor.0 > seen {
            out += &format!(",\"cursor\":{}", self.cursor.1);
        }
        if self.colours.0 > seen {
            out += &format!(",\"colours\":{}", self.colours.1);
        }
        if self.title.0 > seen {
            out += &format!(",\"title\":{}", self.title.1);
        }
        out + "}"
    }
}
