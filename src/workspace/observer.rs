//! Who takes part in a build beside tmux: an observer that watches it and may
//! break it off, and a recorder that records its windows.

use super::spec::Record;
use crate::tmux::{Server, SessionId, WindowId};

/// What happens while a workspace is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    Script,
    /// The session is there; windows and panes follow.
    Session {
        windows: usize,
        panes: usize,
    },
    /// A window is there with all its panes.
    Window {
        /// Its name, or its index.
        name: &'a str,
        panes: usize,
    },
    /// A pane got all its commands.
    Pane,
}

/// Watches a build. Each method has a default that does nothing.
pub trait Observer {
    fn progress(&mut self, _progress: Progress<'_>) {}
    /// A program of the workspace printed a line.
    fn output(&mut self, _line: &str) {}
    /// Whether to break the build off and take it back.
    fn interrupted(&self) -> bool {
        false
    }
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

/// A recording that a workspace asks for.
#[derive(Clone, Copy, Debug)]
pub struct RecordRequest<'a> {
    pub server: &'a Server,
    pub session: SessionId,
    pub window: WindowId,
    /// Title and folder, as far as the file names them.
    pub record: &'a Record,
}

/// Records windows for a workspace.
///
/// Called once a window has all its panes and before anything is typed into
/// them. An error ends the load, which is then taken back.
pub trait Recorder {
    /// Starts a recording.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(
        &mut self,
        request: RecordRequest<'_>,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;
}
