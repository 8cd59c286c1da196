//! `/casts`: what has been recorded.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::stream;
use tokio::io::AsyncReadExt;

use super::app::App;
use super::extract::{PathTail, Query};
use super::helper::{Arguments, answer};
use crate::api::CastFilter;
use crate::daemon::Daemon;
use crate::http::error::Result;

/// The media type of asciicast files.
const ASCIICAST: &str = "application/x-asciicast";

/// The same of compressed ones.
const ZSTD: &str = "application/zstd";

/// Most of a cast in memory at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// List the casts that the archive knows, the newest first.
///
/// They are those below the output folder and in `archive.directories`, as `tvmux ls`
/// lists them.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/casts",
    params(CastFilter),
    responses((status = 200, body = Vec<crate::api::Cast>))
))]
pub(super) async fn list(
    State(app): State<App>,
    Query(filter): Query<CastFilter>,
) -> Result<Response> {
    let arguments = Arguments::of("ls")
        .field("since", filter.since)
        .field("until", filter.until)
        .field("session", filter.session)
        .field("window", filter.window)
        .field("host", filter.host)
        .field("title", filter.title)
        .flag("running", filter.running)
        .field("limit", filter.limit)
        .word(filter.filter);
    answer(&app, arguments, "application/json").await
}

/// Get a cast: as much of it as there is now; of one that is compressed, its file.
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
    let kind = match path.ends_with(".zst") {
        true => ZSTD,
        false => ASCIICAST,
    };
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
