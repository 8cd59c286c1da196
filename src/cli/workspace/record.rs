//! Recording the windows that a workspace asks to be recorded.
//!
//! The workspace module knows no daemon: it asks a [`Recorder`] once a window
//! has its panes and nothing is typed yet. This is the one the command line
//! brings.

use std::error::Error;

use crate::tmux::Server;
use crate::workspace::{RecordRequest, Recorder};

/// Starts recordings for a load.
pub struct Recordings<'a> {
    _server: &'a Server,
}

impl Recordings<'_> {
    /// For a load on a server.
    pub fn new(server: &Server) -> Recordings<'_> {
        Recordings { _server: server }
    }
}

impl Recorder for Recordings<'_> {
    fn start(
        &mut self,
        request: RecordRequest<'_>,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        // The one place to connect: create a recording of `request.window` on
        // `request.server`, with the title and folder of `request.record`.
        Ok(Some(format!(
            "`record` is not carried out: window {} is not recorded; start it by hand with `tvmux rec start`",
            request.window
        )))
    }
}
