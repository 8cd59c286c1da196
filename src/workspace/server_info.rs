//! What a load must know of the server it builds on.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::context::{AppendTo, PlanContext, Size};
use super::error::{Error, Result};
use crate::tmux::{self, Batch, Fields, OptionNames, Row, Server, SessionId, Socket, Version};

/// A running server.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Its version.
    pub version: Version,
    /// Its process.
    pub pid: u32,
    /// Its sessions, by id and name.
    pub sessions: Vec<(SessionId, String)>,
    /// Its options.
    pub options: OptionNames,
}

/// Parts the answers of several commands in one invocation.
const MARK: &str = "=tvmux-part=";

impl ServerInfo {
    /// The commands that ask for them.
    pub(super) fn query() -> Batch {
        let mut batch = Batch::of(["display-message", "-p", "#{version} #{pid}"]);
        // Without a length: the version is not known yet, and a name is the
        // last field of its line.
        batch.push(["list-sessions", "-F", "#{session_id} #{session_name}"]);
        batch.push(["display-message", "-p", MARK]);
        batch.append(OptionNames::query());
        batch
    }

    /// Reads the answer to [`ServerInfo::query`].
    pub(super) fn parse(answer: &[u8]) -> tmux::Result<ServerInfo> {
        let answer = String::from_utf8_lossy(answer);
        let unexpected = || tmux::Error::Unexpected {
            what: format!("info about the server: {:.80}", answer),
        };
        let (head, options) = answer
            .split_once(&format!("{MARK}\n"))
            .ok_or_else(unexpected)?;
        let mut lines = head.lines();
        let (version, pid) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .ok_or_else(unexpected)?;
        let found: Version = version.parse().map_err(|_| unexpected())?;
        if found < Version::OLDEST {
            return Err(tmux::Error::TooOld {
                found: version.to_owned(),
            });
        }
        let session = |line: &str| {
            let (id, name) = line.split_once(' ')?;
            Some((id.parse().ok()?, name.to_owned()))
        };
        Ok(ServerInfo {
            version: found,
            pid: pid.trim().parse().map_err(|_| unexpected())?,
            sessions: lines.filter_map(session).collect(),
            options: OptionNames::parse(found, options),
        })
    }

    /// Asks a server; `None` when it does not run.
    ///
    /// # Errors
    /// When it runs but cannot be asked.
    pub fn ask(server: &Server) -> Result<Option<ServerInfo>> {
        // Cheaper than a tmux that finds the same.
        if let Err(error) = UnixStream::connect(server.socket().path())
            && matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            )
        {
            return Ok(None);
        }
        match server.run_blocking(&Self::query()) {
            Ok(answer) => Ok(Some(Self::parse(&answer)?)),
            Err(error) if error.is_no_server() => Ok(None),
            Err(error) => Err(Error::Tmux(error)),
        }
    }

    /// What a server of this program would say that nobody has configured:
    /// one is started beside the user's for the question alone.
    ///
    /// # Errors
    /// When tmux cannot be run.
    pub fn of_fresh_server(server: &Server) -> Result<ServerInfo> {
        let folder = tempfile::Builder::new()
            .prefix("tvmux-")
            .tempdir()
            .map_err(|source| Error::File {
                path: std::env::temp_dir(),
                what: "cannot be written to",
                source,
            })?;
        let fresh = server.beside(Socket::at(folder.path().join("tmux")));
        let mut batch = Batch::of(["start-server"]);
        batch.append(Self::query());
        Ok(Self::parse(&fresh.run_blocking(&batch)?)?)
    }

    /// A session of that name, if there is one.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<SessionId> {
        // tmux keeps backslashes doubled.
        let kept = name.replace('\\', "\\\\");
        let named = self
            .sessions
            .iter()
            .find(|(_, known)| *known == kept || known == name);
        named.map(|(id, _)| *id)
    }

    /// What a plan for a new session rests on.
    #[must_use]
    pub fn plan_context(&self, size: Size) -> PlanContext {
        let number = |name| {
            self.options
                .value(name)
                .and_then(|value| value.parse().ok())
        };
        PlanContext {
            version: self.version,
            size,
            base_index: number("base-index").unwrap_or(0),
            pane_base_index: number("pane-base-index").unwrap_or(0),
            borders: self
                .options
                .value("pane-border-status")
                .is_some_and(|value| value != "off"),
            synchronized: self.options.value("synchronize-panes") == Some("on"),
            options: self.options.clone(),
            append_to: None,
            current_directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }

    /// What a plan for windows in a session that is there rests on.
    ///
    /// # Errors
    /// When the session is gone or the server cannot be asked.
    pub fn plan_context_in(
        &self,
        server: &Server,
        session: SessionId,
        skip_existing: bool,
    ) -> Result<PlanContext> {
        let target = format!("{session}:");
        let whole =
            Fields::new(self.version).plain(["base-index", "window_width", "window_height"]);
        let windows = Fields::new(self.version)
            .plain(["window_index"])
            .names(["window_name"]);
        let one = server.run_blocking(&Batch::of([
            "display-message",
            "-p",
            "-t",
            &target,
            whole.format(),
        ]))?;
        let all = server.run_blocking(&Batch::of([
            "list-windows",
            "-t",
            &target,
            "-F",
            windows.format(),
        ]))?;
        let mut head = whole.parse(&one)?.into_iter();
        let mut row = head.next().ok_or_else(|| tmux::Error::Unexpected {
            what: format!("nothing about session {session}"),
        })?;
        let base_index = row.get()?;
        let size = Size {
            columns: row.get()?,
            rows: row.get()?,
        };
        let mut session = AppendTo {
            skip_existing,
            ..AppendTo::default()
        };
        for mut row in windows.parse(&all)? {
            session.taken.push(Row::get(&mut row)?);
            session.names.push(row.text());
        }
        Ok(PlanContext {
            base_index,
            append_to: Some(session),
            ..self.plan_context(size)
        })
    }
}
