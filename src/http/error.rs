//! What the daemon and tmux refuse, as replies.

use axum::http::StatusCode;

use crate::api::PaneInput;
pub(super) use crate::serving::{Failure, Result};
use crate::tmux::PaneId;
use crate::{daemon, tmux};

impl Failure {
    /// What is typed into a pane would not reach its program.
    pub(super) fn no_input(pane: PaneId, input: PaneInput) -> Failure {
        let (code, why) = match &input {
            PaneInput { dead: true, .. } => ("pane_dead", "its program has ended".to_owned()),
            PaneInput { off: true, .. } => (
                "pane_input_off",
                format!(
                    "its input is switched off; `tmux select-pane -e -t {pane}` switches it on"
                ),
            ),
            PaneInput { mode, .. } => {
                let mode = mode.as_deref().unwrap_or("a mode");
                let why = format!("it is in {mode}; `leave_mode: true` makes it leave that first");
                ("pane_in_mode", why)
            }
        };
        let message = format!("pane {pane} hands nothing on to its program: {why}");
        let mut failure = Failure::new(StatusCode::CONFLICT, code, message);
        failure.body.pane = Some(input);
        failure
    }
}

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Failure {
        match error {
            daemon::Error::Tmux(error) => error.into(),
            error => Failure::of(&error, classify(&error)),
        }
    }
}

impl From<tmux::Error> for Failure {
    fn from(error: tmux::Error) -> Failure {
        Failure::of(&error, classify_tmux(&error))
    }
}

/// The status and the code of an error of the daemon.
fn classify(error: &daemon::Error) -> (StatusCode, &'static str) {
    use daemon::Error as E;
    match error {
        E::NoRecording { .. } => (StatusCode::NOT_FOUND, "no_recording"),
        E::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
        E::NoWindow { .. } => (StatusCode::NOT_FOUND, "no_window"),
        E::PaneBusy { .. } => (StatusCode::CONFLICT, "pane_busy"),
        E::Output { source, .. } => match source.kind() {
            std::io::ErrorKind::PermissionDenied => (StatusCode::FORBIDDEN, "output"),
            std::io::ErrorKind::AlreadyExists => (StatusCode::CONFLICT, "file_exists"),
            _ => (StatusCode::BAD_REQUEST, "output"),
        },
        E::NoRoom { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_room"),
        E::Capture { .. } => (StatusCode::SERVICE_UNAVAILABLE, "capture"),
        E::NoSocket { .. } => (StatusCode::NOT_FOUND, "no_tmux_server"),
        E::NoFlashback { .. } => (StatusCode::CONFLICT, "no_flashback"),
        E::NoCast { .. } => (StatusCode::NOT_FOUND, "no_cast"),
        E::NoEvent { .. } => (StatusCode::NOT_FOUND, "no_event"),
        E::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        E::Settings(_) => (StatusCode::UNPROCESSABLE_ENTITY, "settings"),
        E::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
        E::Tmux(error) => classify_tmux(error),
    }
}

/// The status and the code of an error of tmux.
fn classify_tmux(error: &tmux::Error) -> (StatusCode, &'static str) {
    match error {
        tmux::Error::Refused { .. } => (StatusCode::BAD_REQUEST, "tmux"),
        tmux::Error::Missing { kind, .. } => (
            StatusCode::NOT_FOUND,
            match kind {
                tmux::ObjectKind::Session => "no_session",
                tmux::ObjectKind::Window => "no_window",
                tmux::ObjectKind::Pane => "no_pane",
                tmux::ObjectKind::Hook => "no_hook",
            },
        ),
        tmux::Error::InvalidName { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        tmux::Error::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
        tmux::Error::TooOld { .. } => (StatusCode::BAD_REQUEST, "tmux_too_old"),
        tmux::Error::NoServer { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_tmux_server"),
        tmux::Error::ProgramMissing { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_tmux"),
        tmux::Error::TimedOut { .. } => (StatusCode::SERVICE_UNAVAILABLE, "tmux_timeout"),
        tmux::Error::Stopped { .. } => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
        tmux::Error::VersionMismatch(_) => (StatusCode::SERVICE_UNAVAILABLE, "tmux_mismatch"),
        tmux::Error::Io { .. } | tmux::Error::Unexpected { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, "tmux_failed")
        }
    }
}
