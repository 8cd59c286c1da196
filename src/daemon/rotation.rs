//! The way of a recording from one cast into the next, without a byte lost or
//! doubled.
//!
//! ```text
//!        due           the helper has read        all is written, and
//!                      nearly all of the cast     its screen is told
//!   [Idle] --> [Reading] -----------------> [Sealed] ----------> [Making] --> [Idle]
//!     ^            ^                          |  |                  |
//!     |            '-- inside of a sequence --'  |                  |
//!     '----- later: a switch, trouble, too slow -+-- more has come -'
//! ```
//!
//! The pane's pipe, or the command's, is not touched. While the cast is sealed its
//! FIFO is not read, for a second at most: the pipe process holds what comes. So the
//! cast ends at a byte of the stream, and the next one goes on with the one behind.
//! What stands in it first is the screen at that byte. tmux cannot be asked for it
//! (it has gone on by then, and a pipe that is replaced drops output), so a process
//! of its own plays the cast: no emulator runs in the daemon.
//!
//! # A kill at any moment
//! First the new file is there, with its screen; then the journal names it; then the
//! kept state says that lines go there, in one commit. Until that, the cast before is
//! gone on with and the new file, which holds nothing of its own, is removed.

use std::fs;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::earlier::Earlier;
use super::flashback::Limits;
use crate::cast::{EventReader, Header, Micros, ReadError, Strictness};
use crate::chain;
use crate::record::{Carry, DiskFile, Recorder, Stats, file_id};

/// The argument that makes the program the process that plays a cast up to a byte
/// and tells its screen; the cast's path follows. Not for users.
pub const SCREEN_VERB: &str = "part-screen";

/// How long a FIFO may be left alone.
const SEALED: Duration = Duration::from_secs(1);

/// How long the rest of a sequence is waited for before it is looked again.
const INSIDE: Duration = Duration::from_millis(20);

/// When it is tried again after something came between, or went wrong.
const AGAIN: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(60);

/// How a recording stands with its next cast.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    state: State,
    not_before: Option<Instant>,
    /// Bytes at the start of the cast that are its header and its screen.
    opening: u64,
    /// When it is due though nothing happens.
    at: Option<Instant>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Reading {
        helper: Helper,
        is_ready: bool,
    },
    Sealed {
        helper: Helper,
        by: Instant,
        /// Bytes of the cast whose screen the helper was asked for.
        asked: Option<u64>,
    },
    Making {
        by: Instant,
        sealed: u64,
        made: JoinHandle<io::Result<Made>>,
    },
}

/// A cast that was made for a recording to go on in.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) path: PathBuf,
    pub(super) file: DiskFile,
    /// Device and inode.
    pub(super) id: (u64, u64),
    pub(super) length: u64,
    pub(super) events: u64,
    pub(super) earlier: Earlier,
}

/// What has happened that a rotation waits for.
#[derive(Debug)]
pub(super) enum Progress {
    Answer(Answer),
    Made(io::Result<Made>),
}

#[derive(Debug)]
pub(super) enum Next {
    /// Make the next cast, beginning with this screen ([`Rotation::make`]).
    Make(Vec<u8>),
    /// Go on in it.
    GoOn(Made),
    /// Take it back: something was recorded meanwhile.
    TakeBack(Made),
}

/// What a rotation works on.
pub(super) struct Writing<'a> {
    pub(super) cast: &'a Path,
    pub(super) recorder: &'a Recorder,
    /// The cast's time at this moment.
    pub(super) time: Micros,
    /// Nothing else is under way, and the file takes what comes.
    pub(super) is_calm: bool,
}

impl Writing<'_> {
    /// Bytes of the cast that are in the file.
    pub(super) fn length_written(recorder: &Recorder) -> u64 {
        recorder.stats().bytes - recorder.in_memory() as u64
    }

    /// Bytes of the cast, where all of them are in the file.
    fn written(recorder: &Recorder) -> Option<u64> {
        (recorder.in_memory() == 0).then(|| recorder.stats().bytes)
    }
}

impl Rotation {
    /// Whether nobody may read the FIFO at present.
    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.state, State::Sealed { .. } | State::Making { .. })
    }

    /// Whether the journal is being written by the rotation.
    pub(super) fn is_making(&self) -> bool {
        matches!(self.state, State::Making { .. })
    }

    /// When to call [`Rotation::turn`] though nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Sealed { by, .. } => Some(*by),
            State::Reading { is_ready: true, .. } => self.not_before,
            State::Idle => self.at,
            State::Reading { .. } | State::Making { .. } => None,
        }
    }

    /// Goes on as far as that is possible now: call it whenever something has
    /// happened to the recording. Gives whether its lines are written as they
    /// come.
    pub(super) fn turn(&mut self, limits: Limits, writing: Writing<'_>) -> bool {
        let now = Instant::now();
        let is_early = self.not_before.is_some_and(|at| now < at);
        match &mut self.state {
            State::Idle => {
                if !is_early && writing.is_calm && self.is_due(limits, &writing) {
                    let helper = Helper::start(writing.cast);
                    self.state = State::Reading {
                        helper,
                        is_ready: false,
                    };
                }
                self.at = self.becomes_due(limits, &writing);
            }
            State::Reading { is_ready, .. } => {
                if *is_ready && !is_early && writing.is_calm {
                    if let State::Reading { helper, .. } = std::mem::take(&mut self.state) {
                        self.state = State::Sealed {
                            helper,
                            by: now + SEALED,
                            asked: None,
                        };
                    }
                    self.ask(writing.recorder);
                }
            }
            State::Sealed { by, .. } => {
                if !writing.is_calm || *by <= now {
                    let (cast, is_calm) = (writing.cast.display(), writing.is_calm);
                    tracing::debug!(%cast, is_calm, "a rotation is put off");
                    self.put_off(AGAIN);
                } else {
                    self.ask(writing.recorder);
                }
            }
            State::Making { .. } => {}
        }
        self.is_sealed()
    }

    /// When the time of a cast is up in which something is, where that counts though
    /// nothing happens.
    fn becomes_due(&self, limits: Limits, writing: &Writing<'_>) -> Option<Instant> {
        let is_worth = limits.is_strict && writing.recorder.stats().bytes > self.opening;
        let every = limits.every.filter(|_| is_worth)?;
        let left = every.checked_sub(Duration::from_micros(writing.time))?;
        Some(Instant::now() + left).max(self.not_before)
    }

    fn is_due(&self, limits: Limits, writing: &Writing<'_>) -> bool {
        let bytes = writing.recorder.stats().bytes;
        let is_large = |size: u64| bytes >= size.saturating_add(self.opening);
        let is_old = |every: Duration| u128::from(writing.time) >= every.as_micros();
        limits.is_now
            || limits.size.is_some_and(is_large)
            || (bytes > self.opening && limits.every.is_some_and(is_old))
    }

    /// Asks for the screen once all lines are written.
    fn ask(&mut self, recorder: &Recorder) {
        if let State::Sealed { helper, asked, .. } = &mut self.state
            && asked.is_none()
            && let Some(bytes) = Writing::written(recorder)
        {
            *asked = Some(bytes);
            helper.ask(bytes);
        }
    }

    fn put_off(&mut self, time: Duration) {
        self.state = State::Idle;
        self.not_before = Some(Instant::now() + time);
    }

    /// Waits for what comes next. Cancel safe.
    pub(super) async fn next(&mut self) -> Progress {
        match &mut self.state {
            State::Idle => pending().await,
            State::Reading { helper, .. } | State::Sealed { helper, .. } => {
                Progress::Answer(helper.answer().await)
            }
            State::Making { made, .. } => {
                let made = made.await;
                Progress::Made(made.unwrap_or_else(|error| Err(io::Error::other(error))))
            }
        }
    }

    /// Takes in what [`Rotation::next`] has waited for.
    pub(super) fn on(&mut self, progress: Progress, recorder: &Recorder) -> Option<Next> {
        match (std::mem::take(&mut self.state), progress) {
            (State::Reading { helper, .. }, Progress::Answer(Answer::Ready)) => {
                self.state = State::Reading {
                    helper,
                    is_ready: true,
                };
            }
            (State::Sealed { helper, .. }, Progress::Answer(Answer::Inside)) => {
                self.state = State::Reading {
                    helper,
                    is_ready: true,
                };
                self.not_before = Some(Instant::now() + INSIDE);
            }
            (State::Sealed { helper, by, asked }, Progress::Answer(Answer::Screen(painted))) => {
                if asked.is_some() && asked == Writing::written(recorder) {
                    return Some(Next::Make(painted));
                }
                self.state = State::Sealed {
                    helper,
                    by,
                    asked: None,
                };
                self.ask(recorder);
            }
            (State::Making { sealed, by, .. }, Progress::Made(made)) => {
                let is_same = Writing::written(recorder) == Some(sealed) && Instant::now() < by;
                match made {
                    Ok(made) if is_same => {
                        self.opening = made.length;
                        self.not_before = None;
                        return Some(Next::GoOn(made));
                    }
                    Ok(made) => {
                        self.put_off(AGAIN);
                        return Some(Next::TakeBack(made));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the next cast cannot be made");
                        self.put_off(LATER);
                    }
                }
            }
            (_, Progress::Answer(Answer::Failed(error))) => {
                tracing::warn!(error, "a cast is not rotated: its screen is not told");
                self.put_off(LATER);
            }
            (_, progress) => {
                tracing::warn!(?progress, "a cast is not rotated: its screen is not told");
                self.put_off(LATER);
            }
        }
        None
    }

    /// The cast was removed, and one in its place starts over: what was read of it
    /// counts no more. A next one that is being made is taken back in the end, since
    /// lines have come.
    pub(super) fn start_over(&mut self) {
        self.opening = 0;
        if !self.is_making() {
            self.state = State::Idle;
        }
    }

    /// Makes the next cast with `work`, off the thread that drains.
    pub(super) fn make(
        &mut self,
        recorder: &Recorder,
        work: impl FnOnce() -> io::Result<Made> + Send + 'static,
    ) {
        self.state = State::Making {
            by: Instant::now() + SEALED,
            sealed: recorder.stats().bytes,
            made: tokio::task::spawn_blocking(work),
        };
    }

    /// Ends it; gives a cast that was made and is not used.
    pub(super) async fn abandon(&mut self) -> Option<Made> {
        match std::mem::take(&mut self.state) {
            State::Making { made, .. } => made.await.ok()?.ok(),
            State::Idle | State::Reading { .. } | State::Sealed { .. } => None,
        }
    }
}

/// Makes the cast that follows `before`, which has got all its lines.
///
/// # Errors
/// When it cannot be made or written. Blocks.
pub(super) fn make_part(
    before: &Path,
    earlier: Earlier,
    mut header: Header,
    painted: &[u8],
) -> io::Result<Made> {
    let path = chain::part_path(before, earlier.part());
    header.part = earlier.header_part(&path, painted.len() as u64);
    let mut recorder = Recorder::new(&header, usize::MAX);
    recorder.snapshot(0, header.width, header.height, painted);
    let lines = recorder.take_copy();
    let file = match DiskFile::create(&path, &lines) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && make_way(before) => {
            DiskFile::create(&path, &lines)
        }
        created => created,
    }?;
    Ok(Made {
        id: file.id()?,
        path,
        file,
        length: lines.len() as u64,
        events: recorder.stats().events,
        earlier,
    })
}

/// Takes what a daemon that was killed, or a power cut, has left of the next cast out of
/// the way. Gives whether there was something.
fn make_way(cast: &Path) -> bool {
    remove_unused(cast) || set_aside(&chain::part_path(cast, chain::number(cast) + 1))
}

/// Takes a file that is no cast, since its header cannot be read, out of the way of one:
/// it goes where it holds nothing, and else gets another name.
fn set_aside(next: &Path) -> bool {
    let is_file = next.symlink_metadata().is_ok_and(|found| found.is_file());
    let Some(file) = fs::File::open(next).ok().filter(|_| is_file) else {
        return false;
    };
    let read = EventReader::new(&file, Strictness::Forgiving);
    if !matches!(read, Err(ReadError::NotACast | ReadError::Invalid { .. })) {
        return false;
    }
    // A power cut may leave the length of a file alone.
    if fs::read(next).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0)) {
        return fs::remove_file(next).is_ok();
    }
    let mut names = (1..1000).map(|number| next.with_extension(format!("cast.damaged-{number}")));
    let aside = names.find(|name| !name.exists());
    let Some(aside) = aside.filter(|aside| fs::rename(next, aside).is_ok()) else {
        return false;
    };
    let (path, aside) = (next.display(), aside.display());
    tracing::warn!(%path, %aside, "what is no cast was in the way of the next one");
    true
}

/// Removes the cast that a daemon which was killed has made to follow `cast`, and in
/// which nothing was recorded. Gives whether there was one.
pub(super) fn remove_unused(cast: &Path) -> bool {
    let next = chain::part_path(cast, chain::number(cast) + 1);
    let name = cast.file_name().unwrap_or_default().to_string_lossy();
    let is_ours = chain::part_of(&next).is_some_and(|part| part.previous == *name);
    let is_unused = is_ours && has_screen_alone(&next).unwrap_or(false);
    is_unused && fs::remove_file(&next).is_ok()
}

/// Where a rotation was cut off: takes `cast` and `earlier`, as a journal has them,
/// back to the cast that the kept lines belong to.
pub(super) fn take_back_unfinished(kept: &Carry, cast: &mut PathBuf, earlier: &mut Earlier) {
    let is_of = |path: &Path| {
        let id = fs::File::open(path).and_then(|file| file_id(&file));
        id.is_ok_and(|id| id == kept.file())
    };
    let before = chain::part_path(cast, earlier.casts);
    if earlier.casts > 0 && !is_of(cast) && is_of(&before) {
        *cast = before;
        let (bytes, events) = kept.written();
        *earlier = earlier.without(Stats {
            bytes,
            events,
            duration: kept.last(),
            ..Stats::default()
        });
    }
}

/// Whether a part holds nothing but the screen that it begins with.
fn has_screen_alone(cast: &Path) -> io::Result<bool> {
    // Behind an empty cast, the screen that a part begins with is passed over.
    const BEFORE: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";
    let joined = io::Read::chain(BEFORE, fs::File::open(cast)?);
    let reader = EventReader::new(joined, Strictness::Forgiving);
    let first = reader.and_then(|mut reader| Ok(reader.next()?.is_none()));
    first.map_err(io::Error::other)
}

/// What the helper says.
#[derive(Debug)]
pub(super) enum Answer {
    /// It has read nearly all of the cast.
    Ready,
    /// Output that paints the screen.
    Screen(Vec<u8>),
    /// The cast ends inside of a sequence.
    Inside,
    Failed(String),
}

/// The process that plays a cast. It ends when this is dropped.
#[derive(Debug)]
struct Helper {
    questions: mpsc::UnboundedSender<u64>,
    answers: mpsc::Receiver<Answer>,
}

impl Helper {
    fn start(cast: &Path) -> Helper {
        let (questions, asked) = mpsc::unbounded_channel();
        let (sender, answers) = mpsc::channel(1);
        let child = Command::new("/proc/self/exe")
            .arg(SCREEN_VERB)
            .arg(cast)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        tokio::spawn(async move {
            let error = match child {
                Ok(child) => talk(child, asked, &sender).await.err(),
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                let _ = sender.send(Answer::Failed(error.to_string())).await;
            }
        });
        Helper { questions, answers }
    }

    fn ask(&self, length: u64) {
        // Where it has ended, its answer says so.
        let _ = self.questions.send(length);
    }

    async fn answer(&mut self) -> Answer {
        let gone = || Answer::Failed("it has ended".to_owned());
        self.answers.recv().await.unwrap_or_else(gone)
    }
}

/// Hands on questions and answers, until nobody has one.
async fn talk(
    mut child: Child,
    mut questions: mpsc::UnboundedReceiver<u64>,
    answers: &mpsc::Sender<Answer>,
) -> io::Result<()> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut output = BufReader::new(output);
    loop {
        let answer = tokio::select! {
            answer = read_answer(&mut output) => answer?,
            // Whoever has asked does so no more.
            () = answers.closed() => return Ok(()),
        };
        if answers.send(answer).await.is_err() {
            return Ok(());
        }
        let Some(length) = questions.recv().await else {
            return Ok(());
        };
        input.write_all(format!("{length}\n").as_bytes()).await?;
    }
}

async fn read_answer(output: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Answer> {
    let mut line = String::new();
    output.read_line(&mut line).await?;
    match line.trim_end() {
        "ready" => Ok(Answer::Ready),
        "inside" => Ok(Answer::Inside),
        line => {
            let length = line.strip_prefix("screen ");
            let length = length.and_then(|length| length.parse().ok());
            let length = length.ok_or_else(|| io::Error::other("the helper has ended"))?;
            let mut painted = vec![0; length];
            output.read_exact(&mut painted).await?;
            Ok(Answer::Screen(painted))
        }
    }
}

#[cfg(test)]
mod tests;
