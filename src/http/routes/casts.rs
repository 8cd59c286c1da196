//! `/casts`: what has been recorded.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::stream;
use tokio::io::AsyncReadExt;

use super::extract::PathTail;
use crate::api::Cast;
use crate::daemon::Daemon;
use crate::http::error::Result;

/// The media type of asciicast files.
const ASCIICAST: &str = "application/x-asciicast";

/// Most of a cast in memory at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// List the casts below the output folder.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/casts",
    responses((status = 200, body = Vec<Cast>))
))]
pub(super) async fn list(State(daemon): State<Daemon>) -> Result<Json<Vec<Cast>>> {
    Ok(Json(daemon.casts().await?))
}

/// Get a cast: as much of it as there is now.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/casts/{path}",
    responses((status = 200, body = String, content_type = "application/x-asciicast"))
))]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    PathTail(path): PathTail,
) -> Result<Response> {
    let (file, length) = daemon.cast(&path).await?;
    let file = tokio::fs::File::from_std(file).take(length);
    let chunks = stream::unfold((file, BytesMut::new()), |(mut file, mut buffer)| async {
        buffer.reserve(CHUNK);
        match file.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.split().freeze()), (file, buffer))),
            Err(error) => Some((Err(error), (file, buffer))),
        }
    });
    let headers = [
        (CONTENT_TYPE, ASCIICAST.to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
