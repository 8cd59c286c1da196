//! Recordings of commands that a client runs on terminals of their own.
//!
//! The client hands over what the terminal prints through a FIFO, as the pipe
//! process of a pane does, and sizes and keys through another. There is no tmux
//! in it: nothing is followed and no screen is asked for.

mod cast;
mod journal;
mod pause;
mod pausing;
mod task;

use std::path::{Path, PathBuf};

use self::cast::{Pipes, begin, carry_on, go_on, keep};
use self::journal::{CommandJournal, Left, kept_base, left_by};
use self::pause::Pause;
use self::task::{SpawnArgs, spawn};
use super::create::Asked;
use super::earlier::Earlier;
use super::recording::{About, OpenCast, Report};
use super::registry::Key;
use super::rotation::{remove_unused, take_back_unfinished};
use super::{Daemon, Error, Result};
use crate::api;
use crate::chain;
use crate::clock::unix_micros;
use crate::config;
use crate::record::{Carry, Fifo, PipeEnd, StreamRecord, make_fifo, orders_path};

pub(super) use self::journal::{close_orphans, interrupted, is_kept};

impl Daemon {
    /// Starts to record a command; says where its output is to go.
    ///
    /// # Errors
    /// When the cast cannot be made or gone on with, or the FIFOs not made.
    pub async fn record_command(
        &self,
        request: &api::CommandRecording,
    ) -> Result<api::CommandStarted> {
        let _asked = Asked(self);
        let _creating = self.shared.creating.lock().await;
        if self.registry().is_closing {
            return Err(Error::ShuttingDown);
        }
        let key = Key::Command(request.pid);
        let context = &self.context();
        let is_recorded = |path: &Path| {
            let registry = self.registry();
            let mut all = registry.recordings.values();
            all.any(|handle| handle.report.cast_path() == path)
        };
        if self.registry().recordings.contains_key(&key) {
            return Err(Error::Invalid {
                message: format!("process {} is recorded already", request.pid),
            });
        }
        if let Some(path) = &request.append
            && is_recorded(path)
        {
            let path = path.display();
            return Err(Error::Invalid {
                message: format!("{path} is being recorded to"),
            });
        }
        let started_micros = unix_micros();
        let bound = context.memory_bound();
        let (request, settings) = (request.clone(), self.config().output.clone());
        let state = self.shared.folders.state().to_owned();
        let base = kept_base(context, request.pid);
        let opened = tokio::task::spawn_blocking({
            let (request, state) = (request.clone(), state.clone());
            move || open(&request, &settings, started_micros, bound, &state, base)
        });
        let Opened {
            path,
            mut cast,
            pipes,
            before,
        } = opened.await.expect("creating files does not panic")?;
        let is_new = pipes.is_none();
        let (output, control) = match pipes {
            Some(pipes) => pipes,
            None => self.command_pipes(request.pid)?,
        };
        let paths = (output.fifo.path().to_owned(), control.path().to_owned());
        if is_new {
            let record = StreamRecord {
                fifo: paths.0.clone(),
                control: Some(paths.1.clone()),
                pane: 0,
                pid: request.pid,
                size: cast.recorder.size(),
            };
            cast.recorder.begin_stream(&record, false);
        }
        let (carried, started, earlier, pause) = match before {
            Some(Left {
                recording,
                earlier,
                paused,
                withheld,
            }) => {
                let pause = Pause::left(paused, withheld);
                (recording.carried + 1, recording.started, earlier, pause)
            }
            None => {
                let started = started_micros / 1_000_000;
                (0, started, Earlier::default(), Pause::default())
            }
        };
        let about = About {
            id: format!("command:{}", request.pid),
            session_id: "command".to_owned(),
            window_id: String::new(),
            title: request.title.clone(),
            socket: PathBuf::new(),
            started,
            carried,
        };
        tracing::info!(carried, id = about.id, path = %path.display(), "recording");
        let report = Report::about_command(about, (path, earlier), cast.recorder.stats());
        let pid = request.pid;
        let recording = report.to_api();
        let left = Left {
            recording,
            earlier,
            paused: pause.asked,
            withheld: pause.withheld.as_deref().map(str::to_owned),
        };
        let journal =
            tokio::task::spawn_blocking(move || CommandJournal::write(&state, pid, &left));
        let handle = spawn(SpawnArgs {
            context: context.clone(),
            report,
            journal: journal.await.expect("writing a journal does not panic"),
            request,
            cast,
            output,
            control,
            pause,
        });
        let recording = handle.report.to_api();
        self.adopt(key, handle);
        let (output, control) = paths;
        let orders = Some(orders_path(&output)).filter(|orders| orders.exists());
        Ok(api::CommandStarted {
            recording,
            output,
            control,
            orders,
        })
    }

    /// The FIFOs of a command.
    fn command_pipes(&self, pid: u32) -> Result<Pipes> {
        let make = |what: &str| {
            let path = self.shared.pipes.command_path(pid, what);
            Fifo::create(&path).map_err(|source| Error::Capture {
                message: format!("cannot make the pipe {}: {source}", path.display()),
            })
        };
        let (output, control) = (make("output")?, make("control")?);
        if let Err(error) = make_fifo(&orders_path(output.path())) {
            let path = output.path().display();
            tracing::warn!(%path, %error, "the recording cannot be paused");
        }
        Ok((PipeEnd::new(output), control))
    }
}

/// A command's cast that is open, and where it stands.
struct Opened {
    path: PathBuf,
    cast: OpenCast,
    /// Those of a daemon before, where they are gone on with.
    pipes: Option<Pipes>,
    /// The recording as a daemon before has left it.
    before: Option<Left>,
}

/// Makes the cast of a command, or goes on with one: that of a daemon that died
/// where it has stopped.
fn open(
    request: &api::CommandRecording,
    settings: &config::Output,
    started_micros: u64,
    bound: usize,
    state: &Path,
    base: Option<PathBuf>,
) -> Result<Opened> {
    let append = request.append.as_deref();
    // Its client has lost another daemon, and knows the cast that it began with.
    let is_of = |left: &Left, cast| {
        let first = |cast| chain::part_path(cast, 1);
        first(&left.recording.cast_path) == first(cast)
    };
    let mut before = append
        .filter(|_| request.gap.is_some())
        .and_then(|path| left_by(state, request.pid).filter(|left| is_of(left, path)));
    if let Some(left) = &mut before
        && let Some(kept) = base.as_deref().and_then(|base| Carry::find(base).ok())
    {
        take_back_unfinished(&kept, &mut left.recording.cast_path, &mut left.earlier);
    }
    if let Some(left) = &before {
        remove_unused(&left.recording.cast_path);
    }
    let carried = before
        .as_ref()
        .zip(base.as_deref())
        .and_then(|(left, base)| {
            let path = &left.recording.cast_path;
            let carried = carry_on(path, base, request.pid, bound).inspect_err(|error| {
                tracing::info!(path = %path.display(), %error, "nothing is left of what was kept");
            });
            Some((path.clone(), carried.ok()?))
        });
    let (path, mut cast, pipes) = match (carried, append) {
        (Some((path, (cast, pipes))), _) => (path, cast, pipes),
        (None, Some(path)) => {
            let (path, earlier) = match &before {
                Some(left) => (left.recording.cast_path.as_path(), left.earlier),
                None => (path, Earlier::default()),
            };
            let (path, cast) = go_on(path, earlier, request, bound)?;
            (path, cast, None)
        }
        (None, None) => {
            let (path, cast) = begin(request, settings, started_micros, bound)?;
            (path, cast, None)
        }
    };
    if let Some(base) = &base {
        keep(&mut cast, base);
    }
    Ok(Opened {
        path,
        cast,
        pipes,
        before,
    })
}
