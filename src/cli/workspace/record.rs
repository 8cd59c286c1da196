//! Recording the windows that a workspace asks to be recorded.
//!
//! The workspace module knows no daemon: it asks a [`Recorder`] once a window
//! has its panes and nothing is typed yet. This is the one the command line
//! brings: it asks the daemon, which is started when none runs.

use std::error::Error;

use super::super::background;
use super::super::{Context, Failure, runtime};
use crate::api::RecordingCreate;
use crate::workspace::{RecordRequest, Recorder};

/// Starts recordings for a load.
pub struct Recordings<'a> {
    context: &'a Context,
    started: Vec<String>,
}

impl Recordings<'_> {
    pub fn new(context: &Context) -> Recordings<'_> {
        Recordings {
            context,
            started: Vec::new(),
        }
    }

    /// The ids of those that were started.
    pub fn started(&self) -> &[String] {
        &self.started
    }
}

impl Recorder for Recordings<'_> {
    fn start(&mut self, request: RecordRequest<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let create = RecordingCreate {
            window_id: request.window.to_string(),
            socket: Some(request.server.socket().path().to_owned()),
            directory: request.record.directory.clone(),
            title: request.record.title.clone(),
            ..RecordingCreate::default()
        };
        let record = background::record(self.context, &create, Failure::new);
        let (_, recording) = runtime()?
            .block_on(record)
            .map_err(|failure| failure.into_error())?;
        self.started.push(recording.id);
        Ok(())
    }
}
