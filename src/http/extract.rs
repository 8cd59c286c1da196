//! What handlers take out of a request.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::error::Failure;
use super::gate::MOST_BODY;
use crate::api::{Check, SocketQuery};
use crate::tmux::{PaneId, Socket};

/// A body is to be there within this time.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A JSON body that fits its schema. (The gate has looked at its type.)
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Check> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Failure> {
        let bytes = read(request).await?;
        if bytes.is_empty() {
            let message = "a JSON body is wanted";
            return Err(Failure::new(StatusCode::BAD_REQUEST, "no_body", message));
        }
        parse(&bytes).map(Body)
    }
}

/// The same where the body may be left out.
pub(super) struct MaybeBody<T>(pub(super) Option<T>);

impl<S: Send + Sync, T: DeserializeOwned + Check> FromRequest<S> for MaybeBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<MaybeBody<T>, Failure> {
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(MaybeBody(None));
        }
        parse(&bytes).map(|value| MaybeBody(Some(value)))
    }
}

async fn read(request: Request) -> Result<bytes::Bytes, Failure> {
    let body = Limited::new(request.into_body(), MOST_BODY);
    let Ok(read) = tokio::time::timeout(BODY_TIME, body.collect()).await else {
        let message = "the body did not come in time";
        return Err(Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            message,
        ));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(super::gate::too_large()),
        Err(error) => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "bad_body",
            format!("the body cannot be read: {error}"),
        )),
    }
}

fn parse<T: DeserializeOwned + Check>(bytes: &[u8]) -> Result<T, Failure> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            return Failure::invalid(format!("the body does not fit: {error}"));
        }
        let message = format!("the body is no JSON: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "bad_json", message)
    })?;
    // serde takes an array for a record, too: its fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::invalid("the body must be a JSON object"));
    }
    value.check().map_err(Failure::invalid)?;
    Ok(value)
}

/// Values of the query.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Params(value)),
            Err(error) => {
                let why = std::error::Error::source(&error);
                let why = why.map_or_else(|| error.body_text(), ToString::to_string);
                Err(Failure::invalid(format!("the query does not fit: {why}")))
            }
        }
    }
}

/// The tmux server that the query names.
pub(super) struct At(pub(super) Option<Socket>);

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<At, Failure> {
        let Params(query) = Params::<SocketQuery>::from_request_parts(parts, state).await?;
        query.check().map_err(Failure::invalid)?;
        Ok(At(query.socket.map(Socket::at)))
    }
}

/// The id in `/things/{id}/…`. What is no UTF-8 stays percent-encoded; it then
/// names nothing.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Id, Failure> {
        Ok(Id(decode(segment(&parts.uri))))
    }
}

/// The id in `/panes/{id}/…`. `%` begins a pane's id as well as an escape: a
/// client may send `%0` as `%250` or as it is. What is an id when decoded is
/// taken so; else what is one as it stands.
pub(super) struct PaneSegment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PaneSegment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PaneSegment, Failure> {
        Ok(PaneSegment(pane(segment(&parts.uri))))
    }
}

fn pane(raw: &str) -> String {
    let decoded = decode(raw);
    if decoded.parse::<PaneId>().is_err() && raw.parse::<PaneId>().is_ok() {
        return raw.to_owned();
    }
    decoded
}

/// Everything after the first segment.
pub(super) struct Rest(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Rest {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Rest, Failure> {
        let path = parts.uri.path().trim_start_matches('/');
        let rest = path.split_once('/').map_or("", |(_, rest)| rest);
        Ok(Rest(decode(rest)))
    }
}

/// The second segment of a path, as it was sent.
fn segment(uri: &Uri) -> &str {
    uri.path().split('/').nth(2).unwrap_or_default()
}

fn decode(raw: &str) -> String {
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) => text.into_owned(),
        Err(_) => raw.to_owned(),
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
            ("x%20y", "x y"),
        ] {
            assert_eq!(pane(raw), id, "{raw}");
        }
        assert_eq!(decode("main%3A%403"), "main:@3");
        assert_eq!(decode("main:@3"), "main:@3");
        assert_eq!(decode("a%2Fb"), "a/b");
    }
}
