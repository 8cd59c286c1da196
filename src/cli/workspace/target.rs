//! Which tmux server a workspace verb talks to.

use std::env;
use std::path::PathBuf;

use clap::Args;

use super::super::{Context, Failure};
use crate::tmux::{Server, Socket};

/// The server, as tmux's own flags name it.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// tmux server by name, as `tmux -L`
    #[arg(short = 'L', value_name = "NAME", conflicts_with = "socket_path")]
    socket_name: Option<String>,
    /// tmux server by its socket, as `tmux -S`
    #[arg(short = 'S', value_name = "PATH")]
    socket_path: Option<PathBuf>,
}

impl ServerArgs {
    /// The server that is meant: the named one, else the one around this
    /// process, else the default one.
    pub fn server(&self, context: &Context) -> Result<Server, Failure> {
        let program = &context.config.tmux.command;
        let socket = match (&self.socket_name, &self.socket_path) {
            (Some(name), _) => Socket::named(name),
            (None, Some(path)) => Socket::at(std::path::absolute(path)?),
            (None, None) => context.tmux_socket(),
        };
        Ok(Server::new(program, socket))
    }
}

/// Whether the server is the one around this process.
pub fn is_surrounding(server: &Server) -> bool {
    let around = Socket::surrounding();
    let same = |a: &PathBuf, b: &PathBuf| a == b || a.canonicalize().ok() == b.canonicalize().ok();
    around.is_some_and(|around| {
        same(
            &around.path().to_owned(),
            &server.socket().path().to_owned(),
        )
    })
}

/// The pane around this process.
pub fn surrounding_pane() -> Option<String> {
    env::var("TMUX_PANE")
        .ok()
        .filter(|pane| pane.starts_with('%'))
}
