//! What a picker is given: lists and screens, read beside it so that it never waits.

use std::collections::HashMap;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use jiff::Zoned;

use crate::api::{MarkerCreate, Recording, RecordingPause, RecordingSave, State};
use crate::archive::{
    Archive, Entry, Filter, Pattern, PatternOptions, SearchOptions, join_parts, long_ago,
    sort_parts,
};
use crate::cast::Micros;
use crate::chain;
use crate::cli::archive::{look, with_archive};
use crate::cli::search::Whole;
use crate::cli::table::{duration, printable};
use crate::cli::{Context, Failure, background, rm, runtime};
use crate::screen::Screen;
use crate::timeline::{Timeline, TimelineOptions};
use crate::view::picker::{Item, List, Picker};

/// Hits that are given at most: nobody goes through more.
const MOST_HITS: usize = 1000;

/// Hits that are given at once, but for the first.
const AT_ONCE: usize = 50;

pub(super) enum Job {
    /// Read what is being recorded, and the casts.
    Lists,
    /// Read what is being recorded.
    Running,
    Search(String),
    Stop(String),
    Pause(String),
    Mark(String, String),
    Save(String),
    Remove(PathBuf),
}

/// What came of it.
enum Done {
    Listed(List, Vec<Item>),
    /// Hits of the search of that number, and whether more come.
    Found(u64, Vec<Item>, bool),
    Shown(PathBuf, Option<Micros>, Box<Result<Screen, String>>),
    Said(String),
}

/// The screen that is wanted.
type Wanted = (PathBuf, Option<Micros>);

/// The picker's other hands: one thread for lists and jobs, one for
/// screens. They end with the program.
pub(super) struct Worker {
    jobs: Sender<(u64, Job)>,
    previews: Sender<(u64, Wanted)>,
    done: Receiver<Done>,
    bell: PipeReader,
    /// The number of the last search, and of the last screen that is wanted.
    search: Arc<AtomicU64>,
    preview: Arc<AtomicU64>,
    wanted: Option<Wanted>,
}

/// Hands back what is done.
#[derive(Clone)]
struct Ringer {
    done: Sender<Done>,
    bell: Arc<Mutex<PipeWriter>>,
}

impl Ringer {
    fn give(&self, done: Done) {
        if self.done.send(done).is_ok() {
            let mut bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = bell.write_all(&[0]);
        }
    }
}

impl Worker {
    pub(super) fn start(context: &Context) -> io::Result<Worker> {
        let (give, done) = mpsc::channel();
        let (bell, ring) = io::pipe()?;
        let ringer = Ringer {
            done: give,
            bell: Arc::new(Mutex::new(ring)),
        };
        let (jobs, taken) = mpsc::channel::<(u64, Job)>();
        let search = Arc::new(AtomicU64::new(0));
        let lists = Lists {
            context: context.clone(),
            ringer: ringer.clone(),
            search: Arc::clone(&search),
        };
        thread::Builder::new()
            .name("lists".to_owned())
            .spawn(move || {
                for (number, job) in taken {
                    if let Err(failure) = lists.run(number, job) {
                        lists.ringer.give(Done::Said(failure.to_string()));
                    }
                }
            })?;
        let (previews, taken) = mpsc::channel();
        let preview = Arc::new(AtomicU64::new(0));
        let newest = Arc::clone(&preview);
        thread::Builder::new()
            .name("preview".to_owned())
            .spawn(move || show_all(&taken, &newest, &ringer))?;
        Ok(Worker {
            jobs,
            previews,
            done,
            bell,
            search,
            preview,
            wanted: None,
        })
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Has something done.
    pub(super) fn ask(&self, job: Job) {
        let number = match job {
            Job::Search(_) => self.search.fetch_add(1, Ordering::Relaxed) + 1,
            _ => 0,
        };
        let _ = self.jobs.send((number, job));
    }

    /// Has the screen read that the picker wants.
    pub(super) fn ask_preview(&mut self, picker: &Picker) {
        let wanted = picker
            .wanted_preview()
            .map(|(cast, time)| (cast.to_owned(), time));
        if let Some(wanted) = wanted
            && self.wanted.as_ref() != Some(&wanted)
        {
            let number = self.preview.fetch_add(1, Ordering::Relaxed) + 1;
            let _ = self.previews.send((number, wanted.clone()));
            self.wanted = Some(wanted);
        }
    }

    /// Gives the picker all that came.
    pub(super) fn hand_over(&mut self, picker: &mut Picker) {
        for done in self.done.try_iter() {
            match done {
                Done::Listed(list, items) => picker.set(list, items),
                Done::Found(number, items, is_coming) => {
                    if number == self.search.load(Ordering::Relaxed) {
                        picker.add_hits(items, is_coming);
                    }
                }
                Done::Shown(cast, time, shown) => {
                    self.wanted = None;
                    picker.set_preview(cast, time, *shown);
                }
                Done::Said(text) => picker.say(text),
            }
            // One byte for each, which comes right behind it.
            let _ = self.bell.read(&mut [0]);
        }
    }
}

/// Reads lists and does what is asked.
struct Lists {
    context: Context,
    ringer: Ringer,
    search: Arc<AtomicU64>,
}

impl Lists {
    fn run(&self, number: u64, job: Job) -> Result<(), Failure> {
        match job {
            Job::Lists => {
                // The top of the list is there before the whole of a long one.
                let newest = with_archive(|archive| Ok(archive.newest_entries()?))?;
                self.give_casts(newest, &[]);
                self.list()
            }
            Job::Running => {
                self.list_running()?;
                Ok(())
            }
            Job::Search(text) => self.find(number, &text),
            Job::Stop(id) => {
                runtime()?.block_on(async {
                    let mut client = background::client().await?;
                    client.stop_recording(&id).await?;
                    Ok::<_, Failure>(())
                })?;
                self.ringer.give(Done::Said(format!("stopped {id}")));
                self.list()
            }
            Job::Pause(id) => {
                let recording = runtime()?.block_on(async {
                    let mut client = background::client().await?;
                    let recording = client.recording(&id).await?;
                    let turned = match recording.state {
                        State::Paused => client.resume(&id).await?,
                        _ => client.pause(&id, &RecordingPause::default()).await?,
                    };
                    Ok::<_, Failure>(turned)
                })?;
                let said = match recording.state {
                    State::Paused => "paused",
                    _ => "resumed",
                };
                self.ringer.give(Done::Said(format!("{said} {id}")));
                self.list()
            }
            Job::Mark(id, label) => {
                runtime()?.block_on(async {
                    let mut client = background::client().await?;
                    client.mark(&id, &MarkerCreate { label, ago: None }).await?;
                    Ok::<_, Failure>(())
                })?;
                self.ringer.give(Done::Said(format!("marked {id}")));
                Ok(())
            }
            Job::Save(id) => {
                let saved = runtime()?.block_on(async {
                    let mut client = background::client().await?;
                    let saved = client
                        .save_recording(&id, &RecordingSave::default())
                        .await?;
                    Ok::<_, Failure>(saved)
                })?;
                let path = printable(&saved.cast_path.to_string_lossy());
                self.ringer
                    .give(Done::Said(format!("saved {id} to {path}")));
                self.list()
            }
            Job::Remove(cast) => {
                let path = cast.to_string_lossy();
                with_archive(|archive| {
                    let entries = rm::find(archive, std::slice::from_ref(&path.to_string()))?;
                    entries
                        .iter()
                        .try_for_each(|entry| rm::remove(archive, entry))
                })?;
                let name = cast.file_name().unwrap_or_default().to_string_lossy();
                self.ringer.give(Done::Said(format!("removed {name}")));
                self.list_casts(&[])
            }
        }
    }

    fn list(&self) -> Result<(), Failure> {
        // What is known is shown at once, then what has changed on the disk.
        self.list_casts(&[])?;
        let running = self.list_running()?;
        with_archive(|archive| look(&self.context, archive, false))?;
        self.list_casts(&running)
    }

    fn list_casts(&self, running: &[Recording]) -> Result<(), Failure> {
        let entries = with_archive(|archive| Ok(archive.entries(&Filter::default())?))?;
        self.give_casts(entries, running);
        Ok(())
    }

    fn give_casts(&self, entries: Vec<Entry>, running: &[Recording]) {
        let entries = join_parts(entries);
        let ids: HashMap<PathBuf, &str> = running
            .iter()
            .filter_map(|recording| {
                Some((
                    chain::first(&recording.cast_path.canonicalize().ok()?),
                    &*recording.id,
                ))
            })
            .collect();
        let now = Zoned::now();
        let item = |entry: &Entry| Item {
            recording: ids.get(&entry.path).map(|id| (*id).to_owned()),
            ..item_of(entry, &now)
        };
        let items = entries.iter().map(item).collect();
        self.ringer.give(Done::Listed(List::Casts, items));
    }

    /// Lists what is being recorded, and gives it.
    fn list_running(&self) -> Result<Vec<Recording>, Failure> {
        let asked = async { background::client().await.ok()?.recordings().await.ok() };
        let mut recordings = runtime()?.block_on(asked).unwrap_or_default();
        recordings.retain(|recording| recording.state != State::Finished);
        let items = recordings.iter().map(running_item).collect();
        self.ringer.give(Done::Listed(List::Running, items));
        Ok(recordings)
    }

    fn find(&self, number: u64, text: &str) -> Result<(), Failure> {
        let is_over = || self.search.load(Ordering::Relaxed) != number;
        if text.is_empty() || is_over() {
            return Ok(());
        }
        let pattern = Pattern::new(text, PatternOptions::default()).map_err(Failure::usage)?;
        let mut waiting = Vec::new();
        let mut count = 0;
        with_archive(|archive: &mut Archive| {
            let mut casts = archive.entries(&Filter::default())?;
            sort_parts(&mut casts);
            let mut whole = Whole::default();
            let mut trouble = None;
            let options = SearchOptions::default();
            archive.search(&pattern, &casts, &options, &mut |at, hit| {
                if is_over() {
                    return ControlFlow::Break(());
                }
                let (cast, hit) = match whole.place(archive, &casts[at], hit) {
                    Ok(placed) => placed,
                    Err(failure) => {
                        trouble = Some(failure);
                        return ControlFlow::Break(());
                    }
                };
                let words: Vec<&str> = hit.line.split_whitespace().collect();
                waiting.push(Item {
                    cast: cast.path.clone(),
                    time: Some(hit.time),
                    when: duration(hit.time as f64 / 1e6),
                    text: format!("{}  · {}", printable(&words.join(" ")), name_of(&cast)),
                    ..Item::default()
                });
                count += 1;
                if count == 1 || waiting.len() >= AT_ONCE {
                    let items = std::mem::take(&mut waiting);
                    self.ringer.give(Done::Found(number, items, true));
                }
                match count < MOST_HITS {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
            trouble.map_or(Ok(()), Err)
        })?;
        self.ringer.give(Done::Found(number, waiting, false));
        Ok(())
    }
}

fn name_of(cast: &Entry) -> String {
    let session = cast.session.as_ref().map(|session| match &cast.window {
        Some(window) => format!("{session}:{window}"),
        None => session.clone(),
    });
    printable(&session.unwrap_or_else(|| cast.name()))
}

fn item_of(entry: &Entry, now: &Zoned) -> Item {
    let done = match entry.last_commands.is_empty() {
        true => entry.program.clone(),
        false => Some(entry.last_commands.join(" · ")),
    };
    let parts = [
        Some(name_of(entry)),
        entry.title.clone(),
        done,
        Some(entry.name()),
    ];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    let mut parts: Vec<String> = parts.map(|part| printable(&part)).collect();
    parts.dedup();
    Item {
        cast: entry.path.clone(),
        when: long_ago(entry.started, now),
        text: parts.join("  "),
        ..Item::default()
    }
}

fn running_item(recording: &Recording) -> Item {
    let state = match recording.state {
        State::Recording => None,
        _ => Some(match &recording.reason {
            Some(reason) => format!("({}: {reason})", recording.state.name()),
            None => format!("({})", recording.state.name()),
        }),
    };
    let parts = [Some(recording.id.clone()), recording.title.clone(), state];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| printable(&part))
        .collect();
    Item {
        cast: recording.cast_path.clone(),
        time: None,
        recording: Some(recording.id.clone()),
        is_flashback: recording.flashback.is_some(),
        when: duration(recording.duration),
        text: parts.join("  "),
    }
}

/// Reads the screens that are wanted, the newest at a time.
fn show_all(taken: &Receiver<(u64, Wanted)>, newest: &AtomicU64, ringer: &Ringer) {
    while let Ok((number, wanted)) = taken.recv() {
        let is_over = || newest.load(Ordering::Relaxed) != number;
        if is_over() {
            continue;
        }
        let (cast, time) = wanted;
        if let Some(shown) = screen_at(&cast, time, &is_over) {
            ringer.give(Done::Shown(cast, time, Box::new(shown)));
        }
    }
}

/// The screen of a moment, or why there is none; nothing when it is no more wanted.
fn screen_at(
    cast: &Path,
    time: Option<Micros>,
    is_over: &dyn Fn() -> bool,
) -> Option<Result<Screen, String>> {
    let read = || {
        let timeline = Timeline::open(cast, TimelineOptions::of_user())?;
        let covered = timeline.cover(time, |_| match is_over() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        covered?;
        match is_over() {
            true => Ok(None),
            false => timeline.at(time.unwrap_or(Micros::MAX)).map(Some),
        }
    };
    match read() {
        Ok(screen) => screen.map(Ok),
        Err(error) => Some(Err(crate::wording::chain(&error))),
    }
}
