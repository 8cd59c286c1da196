//! Recording the windows that a workspace asks to be recorded.
//!
//! The workspace module knows no daemon: it asks a [`Recorder`] once a window
//! has its panes and nothing is typed yet. This is the one the command line
//! brings: it asks the daemon, which is started when none runs.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::background;
use super::super::{Context, Failure, runtime};
use crate::api::RecordingCreate;
use crate::workspace::{RecordRequest, Recorder};

/// How often it is looked whether the load is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Starts recordings for a load.
pub struct Recordings<'a> {
    context: &'a Context,
    interrupted: &'static AtomicBool,
    started: Vec<String>,
}

impl Recordings<'_> {
    pub fn new<'a>(context: &'a Context, interrupted: &'static AtomicBool) -> Recordings<'a> {
        Recordings {
            context,
            interrupted,
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
        let stopped = async {
            while !self.interrupted.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let (_, recording) = runtime()?.block_on(async {
            tokio::select! {
                recorded = record => recorded.map_err(Failure::into_error),
                () = stopped => Err("stopped while the tvmux server had not answered".into()),
            }
        })?;
        self.started.push(recording.id);
        Ok(())
    }
}
