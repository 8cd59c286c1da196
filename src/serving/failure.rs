//! Errors as replies.

use std::error::Error;

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::api::ErrorBody;
use crate::wording::chain;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    pub(crate) body: ErrorBody,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Failure {
        Failure {
            status,
            body: ErrorBody::new(code, message),
        }
    }

    /// A fault of this program's own.
    pub(crate) fn internal(error: impl Error) -> Failure {
        Failure::of(&error, (StatusCode::INTERNAL_SERVER_ERROR, "internal"))
    }

    pub(crate) fn of(error: &dyn Error, (status, code): (StatusCode, &str)) -> Failure {
        let message = chain(error);
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(error = message, "a request failed");
        }
        Failure::new(status, code, message)
    }

    /// A well-formed request whose values do not fit.
    pub(crate) fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    /// Whether it is this program's own fault, not that of who asks.
    pub(crate) fn is_fault(&self) -> bool {
        self.status.is_server_error()
    }

    /// An error of another server, which is handed on as it is.
    pub(crate) fn handed_on(status: StatusCode, body: ErrorBody) -> Failure {
        Failure { status, body }
    }
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

pub(crate) async fn no_route(uri: Uri) -> Failure {
    let message = format!("there is nothing at {}", uri.path());
    Failure::new(StatusCode::NOT_FOUND, "no_route", message)
}

pub(crate) async fn no_method(method: Method, uri: Uri) -> Failure {
    let message = format!("{method} cannot be done at {}", uri.path());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "no_method", message)
}
