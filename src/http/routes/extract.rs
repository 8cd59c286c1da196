//! What handlers take out of a request.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::Uri;
use axum::http::request::Parts;

use crate::api::SocketQuery;
use crate::api::path::decode;
use crate::daemon::Daemon;
use crate::http::error::Failure;
pub(super) use crate::serving::{Body, OptionalBody, Query};
use crate::tmux::{self, Control, ObjectKind, PaneId, Socket, WindowId};

/// The tmux server that the query names.
pub(super) struct TmuxSocket(pub(super) Option<Socket>);

impl<S: Send + Sync> FromRequestParts<S> for TmuxSocket {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<TmuxSocket, Failure> {
        let Query(query) = Query::<SocketQuery>::from_request_parts(parts, state).await?;
        Ok(TmuxSocket(query.socket.map(Socket::at)))
    }
}

/// The tmux server that the query names, ready to be controlled.
pub(super) struct Tmux(pub(super) Control);

impl<S: Send + Sync> FromRequestParts<S> for Tmux
where
    Daemon: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Tmux, Failure> {
        let TmuxSocket(socket) = TmuxSocket::from_request_parts(parts, state).await?;
        Ok(Tmux(Daemon::from_ref(state).control(socket).await?))
    }
}

/// The id in `/things/{id}/…`. What is not UTF-8 stays percent-encoded; it then
/// names nothing.
pub(super) struct PathId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PathId, Failure> {
        Ok(PathId(decode(segment(&parts.uri))))
    }
}

/// The window in `/windows/{id}/…`.
pub(super) struct PathWindow(pub(super) WindowId);

impl<S: Send + Sync> FromRequestParts<S> for PathWindow {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PathWindow, Failure> {
        window_id(&decode(segment(&parts.uri))).map(PathWindow)
    }
}

/// The pane in `/panes/{id}/…`. `%` opens a pane's id as well as an escape: a
/// client may send `%0` as `%250` or as it is. What is an id when decoded is
/// taken so; else what is one as it stands.
pub(super) struct PathPane(pub(super) PaneId);

impl<S: Send + Sync> FromRequestParts<S> for PathPane {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PathPane, Failure> {
        pane_of(segment(&parts.uri)).map(PathPane)
    }
}

fn pane_of(raw: &str) -> Result<PaneId, Failure> {
    let decoded = pane_id(&decode(raw));
    decoded.or_else(|error| raw.parse().map_err(|_| error))
}

/// A pane's id; any other text names no pane.
pub(super) fn pane_id(text: &str) -> Result<PaneId, Failure> {
    text.parse().map_err(|_| missing(ObjectKind::Pane, text))
}

/// A window's id; any other text names no window.
pub(super) fn window_id(text: &str) -> Result<WindowId, Failure> {
    text.parse().map_err(|_| missing(ObjectKind::Window, text))
}

/// What a request names is not there.
pub(super) fn missing(kind: ObjectKind, target: &str) -> Failure {
    let target = target.to_owned();
    tmux::Error::Missing { kind, target }.into()
}

/// Everything after the first segment.
pub(super) struct PathTail(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathTail {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PathTail, Failure> {
        let path = parts.uri.path().trim_start_matches('/');
        let tail = path.split_once('/').map_or("", |(_, tail)| tail);
        Ok(PathTail(decode(tail)))
    }
}

/// The second segment of a path, as it was sent.
fn segment(uri: &Uri) -> &str {
    uri.path().split('/').nth(2).unwrap_or_default()
}

/// In the document, both are the query that names the server.
#[cfg(test)]
mod document {
    use utoipa::IntoParams;
    use utoipa::openapi::path::{Parameter, ParameterIn};

    use super::{SocketQuery, Tmux, TmuxSocket};

    impl IntoParams for TmuxSocket {
        fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
            SocketQuery::into_params(place)
        }
    }

    impl IntoParams for Tmux {
        fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
            SocketQuery::into_params(place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pane_ids_are_read_however_they_are_sent() {
        for (raw, id) in [
            ("%250", "%0"),
            ("%0", "%0"),
            ("%2510", "%10"),
            ("%10", "%10"),
            ("%25", "%25"),
            ("%80", "%80"),
            ("%2580", "%80"),
            ("%41", "%41"),
        ] {
            assert_eq!(pane_of(raw).unwrap().to_string(), id, "{raw}");
        }
        for none in ["x%20y", "", "@0", "%", "%x"] {
            assert!(pane_of(none).is_err(), "{none}");
        }
    }
}
