//! What a load must know of the server it builds on.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::context::{AppendTo, PlanContext, Size};
use super::error::{Error, Result};
use crate::tmux::unattached::{DESTROY_UNATTACHED, ends_unattached};
use crate::tmux::{
    self, Batch, Fields, OptionNames, Separator, Server, SessionId, Socket, Version,
};

/// What a running tmux server says of itself before a session is built in it.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    pub version: Version,
    pub pid: u32,
    /// Its sessions, by id and name.
    pub sessions: Vec<(SessionId, String)>,
    pub options: OptionNames,
}

/// The question for [`ServerInfo`], and the reader of its answer.
pub(super) struct Query {
    separator: Separator,
    sessions: Fields,
}

impl Query {
    pub(super) fn new() -> Query {
        Query {
            separator: Separator::random(),
            // Which version it is, is part of the answer.
            sessions: Fields::new(Version::OLDEST)
                .plain(["session_id"])
                .text(["session_name"]),
        }
    }

    /// The commands that ask.
    pub(super) fn batch(&self) -> Batch {
        let mut batch = Batch::new();
        for command in [
            ["display-message", "-p", "#{version} #{pid}"],
            ["list-sessions", "-F", self.sessions.format()],
        ] {
            batch.push(command);
            self.separator.end(&mut batch);
        }
        batch.append(OptionNames::query(&self.separator));
        batch
    }

    pub(super) fn parse(self, answer: &[u8]) -> tmux::Result<ServerInfo> {
        let unexpected = || tmux::Error::Unexpected {
            what: format!(
                "info about the server: {:.80}",
                String::from_utf8_lossy(answer)
            ),
        };
        let mut answers = self.separator.answers(answer);
        let mut next = || answers.next().unwrap_or_default();
        let head = String::from_utf8_lossy(next());
        let (version, pid) = head.trim().split_once(' ').ok_or_else(unexpected)?;
        let found: Version = version.parse().map_err(|_| unexpected())?;
        if found < Version::OLDEST {
            return Err(tmux::Error::TooOld {
                found: version.to_owned(),
            });
        }
        let mut sessions = Vec::new();
        for mut row in self.sessions.clone().read_as(found).parse(next())? {
            sessions.push((row.get()?, row.text()));
        }
        Ok(ServerInfo {
            version: found,
            pid: pid.parse().map_err(|_| unexpected())?,
            sessions,
            options: OptionNames::parse(found, &mut answers),
        })
    }
}

impl ServerInfo {
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
        let query = Query::new();
        match server.run_blocking(&query.batch()) {
            Ok(answer) => match query.parse(&answer) {
                Ok(info) => Ok(Some(info)),
                Err(error) => Err(Error::Tmux(server.explain(error))),
            },
            Err(error) if error.is_no_server() => Ok(None),
            // Before 3.2 a server without a session tells nothing of itself. It
            // is asked again when there is one.
            Err(tmux::Error::Refused { message }) if message == "no current target" => Ok(None),
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
        // Before 3.2 a server without a session tells nothing of itself.
        let mut batch = Batch::of(["new-session", "-d", "--", "sleep", "60"]);
        let query = Query::new();
        batch.append(query.batch());
        batch.push(["kill-server"]);
        let info = query.parse(&fresh.run_blocking(&batch)?)?;
        Ok(ServerInfo {
            sessions: Vec::new(),
            ..info
        })
    }

    /// A session of that name, if there is one.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<SessionId> {
        let named = self.sessions.iter().find(|(_, known)| known == name);
        named.map(|(id, _)| *id)
    }

    /// The size that it gives the windows of a session which no client shows.
    #[must_use]
    pub fn default_size(&self) -> Size {
        let value = self.options.value("default-size").and_then(Size::parse);
        value.unwrap_or(Size {
            columns: 80,
            rows: 24,
        })
    }

    /// Whether it ends each session that no client shows.
    #[must_use]
    pub fn destroys_unattached(&self) -> bool {
        let value = self.options.value(DESTROY_UNATTACHED);
        value.is_some_and(|value| ends_unattached(DESTROY_UNATTACHED, value))
    }

    /// What a plan for a new session rests on.
    #[must_use]
    pub fn plan_context(&self, size: Option<Size>) -> PlanContext {
        let number = |name| {
            self.options
                .value(name)
                .and_then(|value| value.parse().ok())
        };
        PlanContext {
            version: self.version,
            size,
            default_size: self.default_size(),
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
        let windows = Fields::new(self.version)
            .plain(["window_id", "window_index", "window_active"])
            .plain(["base-index", "window_width", "window_height"])
            .text(["window_name"]);
        let list = ["list-windows", "-t", &target, "-F", windows.format()];
        let answer = server.run_blocking(&Batch::of(list))?;
        let mut session = AppendTo {
            skip_existing,
            ..AppendTo::default()
        };
        let mut current = None;
        for mut row in windows.parse(&answer)? {
            let id = row.get()?;
            session.taken.push(row.get()?);
            let is_current = row.flag();
            let base_index = row.get()?;
            let size = Size {
                columns: row.get()?,
                rows: row.get()?,
            };
            session.names.push(row.text());
            if is_current {
                session.current = Some(id);
                current = Some((base_index, size));
            }
        }
        let (base_index, size) = current.ok_or_else(|| tmux::Error::Unexpected {
            what: format!("session {target} without a current window"),
        })?;
        Ok(PlanContext {
            base_index,
            append_to: Some(session),
            ..self.plan_context(Some(size))
        })
    }
}
