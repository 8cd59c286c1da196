//! Values out of a request that fit their schema.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::gate::{MAX_BODY, too_large};
use crate::api::Check;

/// Time allowed for a request's body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A JSON body that fits its schema. ([`super::gate`] has looked at its type.)
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Check> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Failure> {
        let bytes = read(request).await?;
        if bytes.is_empty() {
            let message = "a JSON body is required";
            return Err(Failure::new(StatusCode::BAD_REQUEST, "no_body", message));
        }
        parse(&bytes).map(Body)
    }
}

/// The same where the body may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<S: Send + Sync, T: DeserializeOwned + Check> FromRequest<S> for OptionalBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<OptionalBody<T>, Failure> {
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(OptionalBody(None));
        }
        parse(&bytes).map(|value| OptionalBody(Some(value)))
    }
}

async fn read(request: Request) -> Result<bytes::Bytes, Failure> {
    let body = Limited::new(request.into_body(), MAX_BODY);
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
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
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
        let message = format!("the body is not JSON: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "bad_json", message)
    })?;
    // serde takes an array for a record, too: its fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::invalid("the body must be a JSON object"));
    }
    value.check().map_err(Failure::invalid)?;
    Ok(value)
}

/// Values of the query that fit their schema.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Check> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Failure> {
        let value: T = match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => value,
            Err(error) => {
                let why = std::error::Error::source(&error);
                let why = why.map_or_else(|| error.body_text(), ToString::to_string);
                return Err(Failure::invalid(format!("the query does not fit: {why}")));
            }
        };
        value.check().map_err(Failure::invalid)?;
        Ok(Query(value))
    }
}
