//! Recordings of commands that a client runs on terminals of their own.
//!
//! The client hands over what the terminal prints through a FIFO, as the pipe
//! process of a pane does, and sizes and keys through another. There is no tmux
//! in it: nothing is followed and no screen is asked for.

mod task;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use self::task::{SpawnArgs, header, spawn};
use super::create::{Asked, cast_folder, create_cast, create_cast_at, local_time};
use super::names::{command_cast_name, host_name};
use super::recording::{About, OpenCast};
use super::registry::Key;
use super::{Daemon, Error, Result};
use crate::api;
use crate::archive::repair_file::{RepairFileOptions, repair_file};
use crate::cast::Micros;
use crate::clock::unix_micros;
use crate::record::{DiskFile, Fifo, Recorder, cut_tail};
use crate::wording::chain;

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
        };
        tracing::info!(id = about.id, path = %about.cast_path.display(), "recording");
        let handle = spawn(SpawnArgs {
            context: context.clone(),
            about,
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

/// Makes a new cast.
fn begin(
    request: &api::CommandRecording,
    settings: &crate::config::Output,
    started_micros: u64,
    bound: usize,
) -> Result<(PathBuf, OpenCast)> {
    let mut recorder = Recorder::new(&header(request, started_micros / 1_000_000), bound);
    recorder.blank(0);
    let lines = recorder.take(Vec::new());
    let (path, file) = match &request.file {
        Some(path) => create_cast_at(path, &lines)?,
        None => {
            let (started, host) = (local_time(started_micros), host_name());
            let folder = cast_folder(request.directory.as_deref(), settings, &started)?;
            create_cast(&folder, &lines, |number| {
                command_cast_name(&started, &host, &request.name, number)
            })?
        }
    };
    recorder.written(lines.len());
    let cast = OpenCast {
        recorder,
        file,
        length: lines.len() as u64,
        now: 0,
    };
    Ok((path, cast))
}

/// Opens a cast that is there, and puts a marker behind what it holds.
fn go_on(
    path: &Path,
    request: &api::CommandRecording,
    bound: usize,
) -> Result<(PathBuf, OpenCast)> {
    let failed = |source: io::Error| Error::Output {
        path: path.to_owned(),
        source,
    };
    let is_there = path.try_exists().map_err(failed)?;
    if !is_there {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    repair_file(path, &RepairFileOptions::default()).map_err(|error| Error::Invalid {
        message: format!(
            "{} cannot be gone on with: {}",
            path.display(),
            chain(&error)
        ),
    })?;
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let tail = cut_tail(&file).map_err(failed)?;
    let mut recorder = Recorder::resume(tail.length, tail.last, tail.size, tail.events, bound);
    let asked = request.resume_at.map_or(0, |at| (at * 1e6) as Micros);
    let now = tail.last.max(asked);
    match &request.gap {
        Some(why) => recorder.gap(now, &format!("tvmux: gap: {why}")),
        None => recorder.marker(now, "tvmux: goes on"),
    }
    recorder.resize(now, request.columns, request.rows);
    let cast = OpenCast {
        recorder,
        file: DiskFile::new(file, path),
        length: tail.length,
        now,
    };
    Ok((path.to_owned(), cast))
}
