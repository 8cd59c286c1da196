//! Starts a recording.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::journal::{Journal, JournalFile};
use super::names::{cast_name, host_name, recording_id};
use super::recording::{self, Start, Subject, Target};
use super::{Daemon, Error, Result};
use crate::api;
use crate::atomic_file::Durability;
use crate::cast::Header;
use crate::record::{self, AttachError, Attached, DiskFile, Recorder};
use crate::tmux::pipe::{self, Piped};
use crate::tmux::{
    self, Batch, Control, Fields, PaneId, Resolved, Server, ServerIdentity, Socket, Version,
    WindowId,
};
use crate::wording::chain;

/// A recording that was asked for.
#[derive(Debug)]
pub enum Created {
    /// It has just started.
    New(api::Recording),
    /// The window is recorded already.
    Present(api::Recording),
}

/// What tmux says of the window that is to be recorded.
struct Found {
    window: WindowId,
    pane: PaneId,
    pid: u32,
    is_dead: bool,
    identity: ServerIdentity,
    session_name: String,
    window_name: String,
    shell: String,
    terminal: String,
}

impl Daemon {
    /// Starts to record a window, unless it is recorded already.
    ///
    /// # Errors
    /// When there is no such window, its pane is piped by somebody else, or
    /// the cast cannot be made.
    pub async fn create(&self, request: &api::RecordingCreate) -> Result<Created> {
        check(request)?;
        let tmux = self
            .control(request.socket.as_ref().map(Socket::at))
            .await?;
        let (server, version) = (tmux.server().clone(), tmux.version());
        let found = find(&tmux, request).await?;
        let _creating = self.shared.creating.lock().await;
        if self.registry().is_closing {
            return Err(Error::ShuttingDown);
        }
        let key = (server.socket().clone(), found.window);
        if let Some(handle) = self.registry().recordings.get(&key) {
            return Ok(Created::Present(handle.info()));
        }
        let directory = self.cast_directory(request)?;
        let (attached, path_of_pipe) = self.capture(&server, version, &found).await?;
        let pane = found.pane;
        let started = self
            .begin(request, server.clone(), version, found, attached, directory)
            .await;
        if started.is_err() {
            // Fails when the pane is gone, and the pipe with it.
            let _ = server.run(&pipe::stop(pane, &path_of_pipe)).await;
        }
        started
    }

    /// Takes the first snapshot and starts the pipe.
    async fn capture(
        &self,
        server: &Server,
        version: Version,
        found: &Found,
    ) -> Result<(Attached, PathBuf)> {
        let path = self
            .shared
            .context
            .pipes
            .path(found.identity.pid, found.pane);
        let relay = self.shared.context.pipes.relay();
        let attached = record::attach_pipe(
            server.clone(),
            version,
            found.pane,
            path.clone(),
            None,
            relay,
        )
        .await
        .map_err(|error| match error {
            AttachError::Tmux(error) => Error::Tmux(error),
            other => Error::Capture {
                message: chain(&other),
            },
        })?;
        if matches!(attached.stream, Err(Piped::Busy)) {
            return Err(Error::PaneBusy {
                pane: found.pane.to_string(),
            });
        }
        Ok((attached, path))
    }

    async fn begin(
        &self,
        request: &api::RecordingCreate,
        server: Server,
        version: Version,
        found: Found,
        attached: Attached,
        directory: PathBuf,
    ) -> Result<Created> {
        let context = self.shared.context.clone();
        let now = Zoned::now();
        let header = Header {
            width: attached.snapshot.columns(),
            height: attached.snapshot.rows(),
            timestamp: u64::try_from(now.timestamp().as_second()).ok(),
            idle_time_limit: request.idle_time_limit,
            command: request.command.clone(),
            title: request
                .title
                .clone()
                .or_else(|| Some(found.window_name.clone()).filter(|name| !name.is_empty())),
            env: BTreeMap::from([
                ("SHELL".to_owned(), found.shell.clone()),
                ("TERM".to_owned(), found.terminal.clone()),
            ]),
        };
        let bound = usize::try_from(context.config.recording.max_buffer_bytes);
        let mut recorder = Recorder::new(&header, bound.unwrap_or(usize::MAX));
        let is_alternate = attached.snapshot.is_alternate();
        let painted = context.paint(attached.snapshot);
        recorder.snapshot(0, header.width, header.height, &painted);

        let lines = recorder.take(Vec::new());
        let length = lines.len();
        let follow = request
            .follow_active_pane
            .unwrap_or(context.config.recording.follow_active_pane);
        let mut journal = Journal {
            format: Journal::FORMAT,
            id: self.free_id(server.socket(), &found.session_name, found.window),
            cast_path: PathBuf::new(),
            socket: server.socket().path().to_owned(),
            server: found.identity,
            window: found.window,
            pane: (!follow).then_some(found.pane),
            session_name: found.session_name.clone(),
            started_micros: u64::try_from(now.timestamp().as_microsecond()).unwrap_or_default(),
            title: header.title.clone(),
            command: header.command.clone(),
            idle_time_limit: header.idle_time_limit,
            env: header.env.clone(),
            gaps: 0,
            lost_bytes: 0,
        };
        let place = JournalFile::new(self.shared.folders.state(), &journal);
        let names = Names {
            now: now.clone(),
            session: found.session_name.clone(),
            window: found.window,
            window_name: found.window_name.clone(),
        };
        let (file, journal) = tokio::task::spawn_blocking({
            let place = place.clone();
            move || -> Result<(DiskFile, Journal)> {
                let (path, file) = create_cast(&directory, &names, &lines)?;
                journal.cast_path = path;
                if let Err(source) = place.write(&journal, Durability::Kill) {
                    let _ = fs::remove_file(&journal.cast_path);
                    let path = journal.cast_path;
                    return Err(Error::Output { path, source });
                }
                Ok((file, journal))
            }
        })
        .await
        .expect("creating files does not panic")?;
        place.write_later(&journal);
        recorder.written(length);
        // A status line that lacks the mark is no reason to fail.
        let _ = server.run(&pipe::flag_window(found.window, true)).await;

        let info = api::Recording {
            id: journal.id.clone(),
            session_id: found.session_name,
            window_id: found.window.to_string(),
            active: true,
            cast_path: journal.cast_path.clone(),
            active_pane: Some(found.pane.to_string()),
            state: api::State::Recording,
            reason: None,
            title: header.title.clone(),
            socket: journal.socket.clone(),
            started: header.timestamp.unwrap_or_default(),
            duration: 0.0,
            bytes: recorder.stats().bytes,
            events: recorder.stats().events,
            gaps: 0,
            lost_bytes: 0,
        };
        tracing::info!(id = info.id, path = %info.cast_path.display(), "recording");
        let target = Target {
            pane: found.pane,
            pid: found.pid,
            size: (header.width, header.height),
            is_dead: found.is_dead,
            has_status: false,
        };
        let stream = attached.stream.ok();
        if let Some(stream) = &stream {
            context.pipes.took(&server, stream.pane, stream.fifo.path());
        }
        let key = (server.socket().clone(), found.window);
        let handle = recording::spawn(Start {
            context,
            watcher: self.watcher(&server, version),
            subject: Subject {
                version,
                identity: found.identity,
                window: found.window,
                pane: journal.pane,
                header,
                server,
            },
            info: info.clone(),
            journal: (journal, place),
            recorder,
            file,
            length: length as u64,
            now: 0,
            stream,
            target: Some(target),
            is_alternate,
            gap: None,
        });
        self.adopt(key, handle);
        Ok(Created::New(info))
    }

    /// An id that no running recording has: two tmux servers may have sockets
    /// of the same name in different folders.
    fn free_id(&self, socket: &Socket, session: &str, window: WindowId) -> String {
        let registry = self.registry();
        let is_taken = |id: &String| {
            let mut taken = registry.recordings.values();
            taken.any(|handle| handle.info().id == *id)
        };
        (1..)
            .map(|number| recording_id(socket, session, window, number))
            .find(|id| !is_taken(id))
            .expect("there are more numbers than recordings")
    }

    /// The folder for a new cast.
    fn cast_directory(&self, request: &api::RecordingCreate) -> Result<PathBuf> {
        let output = &self.config().output;
        let base = request
            .directory
            .clone()
            .unwrap_or_else(|| output.directory());
        if !base.is_absolute() {
            return Err(Error::Invalid {
                message: format!("the folder {} is not an absolute path", base.display()),
            });
        }
        if request.directory.is_some() {
            return Ok(base);
        }
        let month = jiff::fmt::strtime::format(&output.date_format, &Zoned::now());
        Ok(base.join(month.unwrap_or_default()))
    }
}

fn check(request: &api::RecordingCreate) -> Result<()> {
    let invalid = |message: &str| {
        Err(Error::Invalid {
            message: message.to_owned(),
        })
    };
    if let Some(limit) = request.idle_time_limit
        && !(limit.is_finite() && limit > 0.0)
    {
        return invalid("idle_time_limit must be a positive number of seconds");
    }
    if request
        .socket
        .as_ref()
        .is_some_and(|path| !path.is_absolute())
    {
        return invalid("socket must be an absolute path");
    }
    Ok(())
}

/// The window that a request names. The pane is its active one, or that which
/// the recording is to stay on.
async fn resolve(tmux: &Control, request: &api::RecordingCreate) -> Result<Resolved> {
    let at = |target: String| async move { tmux::resolve(tmux.server(), &target).await };
    let window = &request.window_id;
    let mut resolved = match &request.session_id {
        // An id needs no session, and is looked for wherever it is.
        Some(session) if !window.starts_with(['@', '%']) => {
            match tmux.find_window(session, window).await {
                Ok((session, window)) => at(format!("{session}:{window}")).await?,
                // tmux knows more: the beginnings of names, patterns, `{last}`.
                Err(tmux::Error::Missing { .. }) => at(format!("{session}:{window}")).await?,
                Err(error) => return Err(error.into()),
            }
        }
        _ => at(window.clone()).await?,
    };
    if let Some(pane) = &request.pane_id {
        let named = at(pane.clone()).await?;
        if named.window != resolved.window {
            return Err(Error::Invalid {
                message: format!(
                    "active_pane {pane} is in window {}, not in {}",
                    named.window, resolved.window
                ),
            });
        }
        resolved.pane = named.pane;
    }
    if request.pane_id.is_none() || request.follow_active_pane != Some(false) {
        resolved.pane = resolved.active_pane;
    }
    Ok(resolved)
}

async fn find(tmux: &Control, request: &api::RecordingCreate) -> Result<Found> {
    let no_window = |error: tmux::Error| match error {
        tmux::Error::Refused { .. } | tmux::Error::Missing { .. } => Error::NoWindow {
            target: match &request.session_id {
                Some(session) => format!("{session}:{}", request.window_id),
                None => request.window_id.clone(),
            },
            message: error.to_string(),
        },
        other => Error::Tmux(other),
    };
    let resolved = match resolve(tmux, request).await {
        Err(Error::Tmux(error)) => return Err(no_window(error)),
        other => other?,
    };
    let fields = Fields::new(tmux.version())
        .plain(["pane_id", "pane_pid", "pane_dead", "pid", "start_time"])
        .text([
            "session_name",
            "window_name",
            "default-shell",
            "default-terminal",
        ]);
    let ask = Batch::of([
        "list-panes",
        "-t",
        &resolved.target(),
        "-F",
        fields.format(),
    ]);
    let answer = tmux.server().run(&ask).await;
    for mut row in fields.parse(&answer.map_err(|error| no_window(error))?)? {
        let pane = row.get()?;
        if pane == resolved.pane {
            return Ok(Found {
                window: resolved.window,
                pane,
                pid: row.text().parse().unwrap_or(0),
                is_dead: row.flag(),
                identity: ServerIdentity {
                    pid: row.get()?,
                    start_time: row.get()?,
                },
                session_name: row.text(),
                window_name: row.text(),
                shell: row.text(),
                terminal: row.text(),
            });
        }
    }
    Err(Error::NoWindow {
        target: resolved.target(),
        message: format!("pane {} has just closed", resolved.pane),
    })
}

struct Names {
    now: Zoned,
    session: String,
    window: WindowId,
    window_name: String,
}

/// Makes the cast's file, with its first lines, under a name that is free.
fn create_cast(directory: &Path, names: &Names, lines: &[u8]) -> Result<(PathBuf, DiskFile)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source: io::Error| Error::Output { path, source }
    };
    let folders = record::create_folder(directory).map_err(failed(directory))?;
    let host = host_name();
    for number in 1.. {
        let Names {
            now,
            session,
            window,
            window_name,
        } = names;
        let name = cast_name(now, &host, session, *window, window_name, number);
        let path = directory.join(name);
        match DiskFile::create(&path, lines) {
            Ok(file) => return Ok((path, file.in_new_folders(folders))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
    unreachable!("there are more numbers than files")
}

impl recording::Handle {
    /// How the recording is now.
    pub(super) fn info(&self) -> api::Recording {
        let info = self.info.lock().unwrap_or_else(|error| error.into_inner());
        info.clone()
    }
}
