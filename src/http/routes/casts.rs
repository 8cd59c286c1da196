//! `/casts`: what has been recorded.

use std::io::{self, Read};

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::app::App;
use super::extract::{PathTail, Query};
use super::helper::{Arguments, answer, answer_within};
use crate::api::CastFilter;
use crate::daemon::{CastBytes, CastFile};
use crate::http::error::Result;
use crate::serving::COPY_TIME;

/// The media type of asciicast files.
const ASCIICAST: &str = "application/x-asciicast";

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

/// Get a recording as it is by now: unpacked, and its casts as one.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/casts/{path}",
    responses((status = 200, body = String, content_type = "application/x-asciicast"))
))]
pub(super) async fn get(State(app): State<App>, PathTail(path): PathTail) -> Result<Response> {
    let CastBytes { input, length } = match app.daemon.cast(&path).await? {
        CastFile::One(bytes) => bytes,
        CastFile::First(path) => {
            let arguments = Arguments::of_chain(path);
            return answer_within(COPY_TIME, &app, arguments, ASCIICAST).await;
        }
    };
    let chunks = stream::unfold(Some(input), |input| async {
        let input = input?;
        let read = tokio::task::spawn_blocking(move || read_chunk(input)).await;
        read.expect("reading a cast does not panic")
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(ASCIICAST));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

type Input = Box<dyn Read + Send>;

/// The next bytes, and the input for those behind them; `None` at the end.
fn read_chunk(mut input: Input) -> Option<(io::Result<Bytes>, Option<Input>)> {
    let mut chunk = vec![0; CHUNK];
    match input.read(&mut chunk) {
        Ok(0) => None,
        Ok(count) => {
            chunk.truncate(count);
            Some((Ok(chunk.into()), Some(input)))
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Some((Ok(Bytes::new()), Some(input)))
        }
        Err(error) => Some((Err(error), None)),
    }
}
