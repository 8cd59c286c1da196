//! Starts a recording.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::capture::Shown;
use super::destination::{base_folder, cast_folder};
use super::earlier::Earlier;
use super::flashback::{Flashback, ring_folder};
use super::journal::{Journal, JournalFile};
use super::names::{cast_name, host_name, recording_id};
use super::recording::{OpenCast, Opening};
use super::registry::Key;
use super::spec::RecordingSpec;
use super::{Daemon, Error, Result};
use crate::api;
use crate::atomic_file::Durability;
use crate::clock::{monotonic_micros, unix_micros};
use crate::config::{self, AutoRecord, AutoRule, expand_home};
use crate::record::{self, AttachError, AttachOptions, Attached, Carry, DiskFile, Kept, Recorder};
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

/// What tmux says of the window to record.
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

/// Counts a recording that was asked for once it runs or has failed.
pub(super) struct Asked<'a>(pub(super) &'a Daemon);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let counts = &self.0.shared.counts;
        counts.send_modify(|counts| counts.asked += 1);
    }
}

impl Daemon {
    /// Starts to record a window, unless it is recorded already.
    ///
    /// # Errors
    /// When there is no such window, its pane is piped by somebody else, or
    /// the cast cannot be made.
    pub async fn create(&self, request: &api::RecordingCreate) -> Result<Created> {
        let _asked = Asked(self);
        check(request)?;
        let tmux = self
            .control(request.socket.as_ref().map(Socket::at))
            .await?;
        let found = find(&tmux, request).await?;
        let (socket, window) = (tmux.server().socket(), found.window);
        self.shared.auto.set_stopped(socket, window, false);
        let created = self.create_found(request, &tmux, found, false).await?;
        match (&created, &request.title) {
            (Created::Present(recording), Some(title))
                if recording.title.as_ref() != Some(title) =>
            {
                let recording = self.set_title(&recording.id, title).await?;
                Ok(Created::Present(recording))
            }
            _ => Ok(created),
        }
    }

    /// Starts to record a window as a rule says, from what tmux has in its history
    /// where the window is new; unless it is recorded already.
    ///
    /// # Errors
    /// As [`Daemon::create`].
    pub(super) async fn create_by_rule(
        &self,
        tmux: &Control,
        window: WindowId,
        rule: &AutoRule,
        is_new: bool,
    ) -> Result<()> {
        let request = api::RecordingCreate {
            window_id: window.to_string(),
            directory: rule.directory.as_deref().map(expand_home),
            title: rule.title.clone(),
            idle_time_limit: rule.idle_time_limit,
            follow_active_pane: rule.follow,
            flashback: (rule.record == AutoRecord::Flashback)
                .then(|| self.config().recording.flashback_length().as_secs()),
            ..api::RecordingCreate::default()
        };
        let found = find(tmux, &request).await?;
        self.create_found(&request, tmux, found, is_new).await?;
        Ok(())
    }

    /// Starts to record a window that was found.
    async fn create_found(
        &self,
        request: &api::RecordingCreate,
        tmux: &Control,
        found: Found,
        with_history: bool,
    ) -> Result<Created> {
        let (server, version) = (tmux.server().clone(), tmux.version());
        let _creating = self.shared.creating.lock().await;
        if self.registry().is_closing {
            return Err(Error::ShuttingDown);
        }
        let key = Key::Window(server.socket().clone(), found.window);
        let present = self.registry().recordings.get(&key).cloned();
        if let Some(handle) = present {
            return Ok(Created::Present(handle.report.to_api()));
        }
        let attached = self.attach(tmux, &found, with_history).await?;
        let pane = found.pane;
        let fifo = attached.stream.as_ref().ok();
        let fifo = fifo.map(|stream| stream.fifo.path().to_owned());
        let started = self
            .start(request, (server.clone(), version), found, attached)
            .await;
        if let (Err(_), Some(fifo)) = (&started, fifo) {
            // Fails when the pane is gone, and the pipe with it.
            let _ = server.run(&pipe::stop(pane, &fifo)).await;
        }
        started.map(Created::New)
    }

    /// Takes the first snapshot and starts the pipe.
    async fn attach(&self, tmux: &Control, found: &Found, with_history: bool) -> Result<Attached> {
        let pipes = Arc::clone(&self.shared.pipes);
        let tmux = (tmux.server().clone(), tmux.version());
        let options = AttachOptions {
            own: None,
            with_history,
        };
        let attached = pipes
            .attach(tmux, found.identity.pid, found.pane, options)
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
        Ok(attached)
    }

    /// Makes the cast and the journal, and starts the recording's task.
    async fn start(
        &self,
        request: &api::RecordingCreate,
        (server, version): (Server, Version),
        found: Found,
        attached: Attached,
    ) -> Result<api::Recording> {
        let context = &self.context();
        let shown = Shown {
            pane: found.pane,
            pid: found.pid,
            size: (attached.snapshot.columns(), attached.snapshot.rows()),
            is_dead: found.is_dead,
            has_status: false,
        };
        let is_alternate = attached.snapshot.is_alternate();
        let stream = attached.stream.ok();

        let spec = self.spec(request, (&server, version), &found);
        let header = spec.header(shown.size, spec.started());
        let mut recorder = Recorder::new(&header, context.memory_bound());
        if !attached.history.is_empty() {
            recorder.output(0, &attached.history);
        }
        let painted = context.paint(attached.snapshot);
        recorder.snapshot(0, header.width, header.height, &painted);
        let lines = recorder.take_copy();
        let length = lines.len();

        let window = found.window;
        let journal_file = JournalFile::new(self.shared.folders.state(), &spec);
        let files = Files {
            folder: request.directory.clone(),
            file: request.file.clone(),
            output: self.config().output.clone(),
            window_name: found.window_name,
            journal_file: journal_file.clone(),
            kept: context.kept_base(&journal_file.stem()),
        };
        let origin = monotonic_micros() as i64;
        let (file, journal, kept) = tokio::task::spawn_blocking(move || files.create(spec, &lines))
            .await
            .expect("creating files does not panic")?;
        journal_file.write_later(journal.clone());
        recorder.written(length);
        let kept = match (kept, file.id()) {
            (Some(kept), Ok(id)) => Some(recorder.keep(kept, id, origin)),
            _ => None,
        };
        // A status line that lacks the mark is no reason to fail.
        let _ = server
            .run(&pipe::flag_window(window, Some(pipe::RECORDED)))
            .await;

        if let Some(stream) = &stream {
            let fifo = stream.fifo.path();
            context.pipes.acquired(&server, stream.pane, fifo);
            recorder.begin_stream(&shown.record(fifo), is_alternate);
        }
        let cast = OpenCast {
            recorder,
            file,
            length: length as u64,
            now: 0,
            kept,
        };
        let opening = Opening::Started {
            shown,
            is_alternate,
            stream,
        };
        let spec = journal.spec;
        tracing::info!(id = spec.id, path = %spec.cast_path.display(), "recording");
        Ok(self.start_recording((server, version), spec, journal_file, cast, (opening, 0)))
    }

    /// What the recording is about; its cast has no path yet.
    fn spec(
        &self,
        request: &api::RecordingCreate,
        (server, version): (&Server, Version),
        found: &Found,
    ) -> RecordingSpec {
        let follow = request
            .follow_active_pane
            .unwrap_or(self.config().recording.follow_active_pane);
        let window_name = Some(&found.window_name).filter(|name| !name.is_empty());
        RecordingSpec {
            id: self.free_id(server.socket(), &found.session_name, found.window),
            cast_path: PathBuf::new(),
            socket: server.socket().path().to_owned(),
            server: found.identity,
            window: found.window,
            pane: (!follow).then_some(found.pane),
            session_name: found.session_name.clone(),
            started_micros: unix_micros(),
            title: request.title.as_ref().or(window_name).cloned(),
            command: request.command.clone(),
            idle_time_limit: request.idle_time_limit,
            env: BTreeMap::from([
                ("SHELL".to_owned(), found.shell.clone()),
                ("TERM".to_owned(), found.terminal.clone()),
                // As tmux tells its panes: versions show the same bytes differently.
                ("TERM_PROGRAM".to_owned(), "tmux".to_owned()),
                ("TERM_PROGRAM_VERSION".to_owned(), version.to_string()),
            ]),
            earlier: Earlier::default(),
            flashback: request.flashback.map(|seconds| Flashback {
                length: seconds.saturating_mul(1_000_000),
                folder: request.directory.clone(),
                goes_on: None,
            }),
            paused: None,
            withheld: None,
        }
    }

    /// An id that no running recording has: two tmux servers may have sockets
    /// of the same name in different folders.
    fn free_id(&self, socket: &Socket, session: &str, window: WindowId) -> String {
        let registry = self.registry();
        let is_taken = |id: &String| {
            let mut taken = registry.recordings.values();
            taken.any(|handle| handle.report.about().id == *id)
        };
        (1..)
            .map(|number| recording_id(socket, session, window, number))
            .find(|id| !is_taken(id))
            .expect("there are more numbers than recordings")
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
    for mut row in fields.parse(&answer.map_err(no_window)?)? {
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

/// The files of a new recording. They are made on a thread that may wait for
/// the disk.
struct Files {
    /// The folder that was asked for; the configured one without.
    folder: Option<PathBuf>,
    /// The file that was asked for.
    file: Option<PathBuf>,
    output: config::Output,
    window_name: String,
    journal_file: JournalFile,
    /// Where the recording's state is kept.
    kept: Option<PathBuf>,
}

impl Files {
    /// Makes the cast, with its first lines, and its journal.
    fn create(
        self,
        mut spec: RecordingSpec,
        lines: &[u8],
    ) -> Result<(DiskFile, Journal, Option<Kept>)> {
        let (path, file) = self.create_cast(&spec, lines)?;
        spec.cast_path.clone_from(&path);
        let journal = Journal::new(spec, 0, 0, 0);
        if let Err(source) = self.journal_file.write(&journal, Durability::Kill) {
            let _ = fs::remove_file(&path);
            return Err(Error::Output { path, source });
        }
        let kept = self.kept.as_deref().and_then(create_kept);
        Ok((file, journal, kept))
    }

    /// Makes the cast's file under a name that is free.
    fn create_cast(&self, spec: &RecordingSpec, lines: &[u8]) -> Result<(PathBuf, DiskFile)> {
        if let Some(path) = &self.file {
            return create_cast_at(path, lines);
        }
        let started = local_time(spec.started_micros);
        let folder = match &spec.flashback {
            Some(_) => {
                let casts = base_folder(self.folder.as_deref(), &self.output)?;
                ring_folder(&casts, &self.journal_file.stem())
            }
            None => cast_folder(self.folder.as_deref(), &self.output, &started)?,
        };
        let host = host_name();
        let (session, window) = (&spec.session_name, spec.window);
        create_cast(&folder, lines, |number| {
            cast_name(&started, &host, session, window, &self.window_name, number)
        })
    }
}

/// Makes the files that a recording's state is kept in. Without them it is
/// recorded all the same.
pub(super) fn create_kept(base: &Path) -> Option<Kept> {
    let kept = Carry::create(base);
    let kept = kept.inspect_err(|error| {
        let path = base.display();
        tracing::warn!(%path, %error, "a kill would lose what waits to be written");
    });
    kept.ok()
}

/// A wall clock time from microseconds since the Unix epoch.
pub(super) fn local_time(micros: u64) -> Zoned {
    let micros = i64::try_from(micros).unwrap_or_default();
    let time = Timestamp::from_microsecond(micros).unwrap_or_default();
    time.to_zoned(TimeZone::system())
}

/// Makes a cast's file, with its first lines, under the name that was asked for.
/// A file that is there is not touched.
pub(super) fn create_cast_at(path: &Path, lines: &[u8]) -> Result<(PathBuf, DiskFile)> {
    let failed = |source: io::Error| Error::Output {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let new_folders = record::create_folder(folder).map_err(failed)?;
    let file = DiskFile::create(path, lines).map_err(failed)?;
    Ok((path.to_owned(), file.in_new_folders(new_folders)))
}

/// Makes a cast's file, with its first lines, under the first of the names of a
/// number that is free.
pub(super) fn create_cast(
    folder: &Path,
    lines: &[u8],
    name: impl Fn(u32) -> String,
) -> Result<(PathBuf, DiskFile)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source: io::Error| Error::Output { path, source }
    };
    let new_folders = record::create_folder(folder).map_err(failed(folder))?;
    for number in 1.. {
        let path = folder.join(name(number));
        match DiskFile::create(&path, lines) {
            Ok(file) => return Ok((path, file.in_new_folders(new_folders))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
    unreachable!("there are more numbers than files")
}
