//! The HTTP API: every route against a real tmux, who may come in, and what
//! may go through.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod archive;
mod asked;
mod cli;
mod document;
mod drive;
mod events;
mod floods;
mod injection;
mod remote;
mod routes;
mod walk;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use tvmux::client::Client;

use support::TestTmux;
use support::tvmux::Tvmux;

/// A daemon that serves a tmux server of the test's own.
pub struct Api {
    pub tvmux: Tvmux,
    pub tmux: TestTmux,
}

impl Api {
    /// Starts both; the session `main` runs a shell.
    pub fn start() -> Api {
        Api::with(&[])
    }

    /// The same with environment variables for the daemon.
    pub fn with(variables: &[(&str, &str)]) -> Api {
        let tmux = TestTmux::start("");
        let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
        let mut tvmux = Tvmux::new().with("TMUX", surrounding);
        for (name, value) in variables {
            tvmux = tvmux.with(name, value);
        }
        tvmux.start_server();
        Api { tvmux, tmux }
    }

    /// What `server status` says.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.tvmux.ok(["server", "status", "--json"])).unwrap()
    }

    /// Where the daemon listens on TCP.
    pub fn address(&self) -> SocketAddr {
        self.status()["address"].as_str().unwrap().parse().unwrap()
    }

    /// The token for TCP.
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.runtime().join("token")).unwrap()
    }

    /// The daemon's runtime folder.
    pub fn runtime(&self) -> PathBuf {
        self.tvmux.folder().join("run/tvmux")
    }

    /// A client over the Unix socket.
    pub async fn client(&self) -> Client {
        Client::connect(&self.tvmux.socket()).await.unwrap()
    }
}
