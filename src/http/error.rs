//! The daemon's errors as replies.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::ErrorBody;
use crate::{daemon, tmux};

/// An error on its way out.
pub(super) struct Failure(daemon::Error);

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Failure {
        Failure(error)
    }
}

/// The status and the code of an error.
fn classify(error: &daemon::Error) -> (StatusCode, &'static str) {
    use daemon::Error as E;
    match error {
        E::NoRecording { .. } => (StatusCode::NOT_FOUND, "no_recording"),
        E::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
        E::NoWindow { .. } => (StatusCode::NOT_FOUND, "no_window"),
        E::PaneBusy { .. } => (StatusCode::CONFLICT, "pane_busy"),
        E::Output { .. } => (StatusCode::BAD_REQUEST, "output"),
        E::Capture { .. } => (StatusCode::SERVICE_UNAVAILABLE, "capture"),
        E::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        E::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
        E::Tmux(error) => match error {
            tmux::Error::Refused { .. } => (StatusCode::BAD_REQUEST, "tmux"),
            tmux::Error::Missing { .. } => (StatusCode::NOT_FOUND, "not_found"),
            tmux::Error::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            tmux::Error::TooOld { .. } => (StatusCode::BAD_REQUEST, "tmux_too_old"),
            tmux::Error::NoServer { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_tmux_server"),
            tmux::Error::ProgramMissing { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_tmux"),
            tmux::Error::Io { .. } | tmux::Error::Unexpected { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "tmux_failed")
            }
        },
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code) = classify(&self.0);
        let mut message = self.0.to_string();
        let mut cause = std::error::Error::source(&self.0);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        (status, Json(ErrorBody::new(code, message))).into_response()
    }
}
