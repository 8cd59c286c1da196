//! Recordings of commands that a client runs on terminals of their own.
//!
//! The client hands over what the terminal prints through a FIFO, as the pipe
//! process of a pane does, and sizes and keys through another. There is no tmux
//! in it: nothing is followed and no screen is asked for.

mod cast;
mod journal;
mod task;

use std::path::{Path, PathBuf};

use self::cast::{begin, go_on};
use self::journal::CommandJournal;
use self::task::{SpawnArgs, spawn};
use super::create::Asked;
use super::recording::{About, Report};
use super::registry::Key;
use super::{Daemon, Error, Result};
use crate::api;
use crate::clock::unix_micros;
use crate::record::Fifo;

pub(super) use self::journal::{close_orphans, interrupted};

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
            all.any(|handle| handle.report.about().cast_path == path)
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
        let (output, control) = self.command_pipes(request.pid)?;
        let paths = (output.path().to_owned(), control.path().to_owned());

        let started_micros = unix_micros();
        let bound = context.memory_bound();
        let (request, settings) = (request.clone(), self.config().output.clone());
        let opened = tokio::task::spawn_blocking({
            let request = request.clone();
            move || match &request.append {
                Some(path) => go_on(path, &request, bound),
                None => begin(&request, &settings, started_micros, bound),
            }
        });
        let (path, cast) = opened.await.expect("creating files does not panic")?;
        let about = About {
            id: format!("command:{}", request.pid),
            session_id: "command".to_owned(),
            window_id: String::new(),
            cast_path: path,
            title: request.title.clone(),
            socket: PathBuf::new(),
            started: started_micros / 1_000_000,
            carried: 0,
        };
        tracing::info!(id = about.id, path = %about.cast_path.display(), "recording");
        let report = Report::about_command(about, cast.recorder.stats());
        let (state, pid) = (self.shared.folders.state().to_owned(), request.pid);
        let started = report.to_api();
        let journal =
            tokio::task::spawn_blocking(move || CommandJournal::write(&state, pid, &started));
        let handle = spawn(SpawnArgs {
            context: context.clone(),
            report,
            journal: journal.await.expect("writing a journal does not panic"),
            request,
            cast,
            output,
            control,
        });
        let recording = handle.report.to_api();
        self.adopt(key, handle);
        let (output, control) = paths;
        Ok(api::CommandStarted {
            recording,
            output,
            control,
        })
    }

    /// The FIFOs of a command.
    fn command_pipes(&self, pid: u32) -> Result<(Fifo, Fifo)> {
        let make = |what: &str| {
            let path = self.shared.pipes.command_path(pid, what);
            Fifo::create(&path).map_err(|source| Error::Capture {
                message: format!("cannot make the pipe {}: {source}", path.display()),
            })
        };
        Ok((make("output")?, make("control")?))
    }
}
