//! `at`, `thumb`, `download`: what a recording showed at a moment, or all of it.

use std::io::{self, Read};
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    IF_NONE_MATCH,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use crate::api::Check;
use crate::cast::Micros;
use crate::screen::Screen;
use crate::serving::{Failure, Query, Result};
use crate::timeline::Timeline;
use crate::view::{self, Links, Theme};
use crate::web::app::{App, blocking};
use crate::web::timelines::unreadable;

/// A picture of its own styles, and nothing else, where it is opened as a page.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Most of a cast in memory at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// The longest time that is taken, in seconds.
pub(super) const LONGEST: f64 = 1e9;

/// A moment of a recording.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct At {
    /// Seconds since the start of the cast; its end without.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    t: Option<f64>,
}

impl Check for At {
    fn check(&self) -> Result<(), String> {
        check_time("t", self.t)
    }
}

/// A time in seconds that may be left out.
pub(super) fn check_time(name: &str, time: Option<f64>) -> Result<(), String> {
    match time {
        Some(time) if !(0.0..=LONGEST).contains(&time) => {
            Err(format!("{name} must be between 0 and {LONGEST} seconds"))
        }
        _ => Ok(()),
    }
}

/// Seconds as microseconds.
pub(super) fn micros(seconds: f64) -> Micros {
    (seconds * 1e6).round() as Micros
}

impl At {
    /// The screen then, and the time.
    fn screen(&self, timeline: &Timeline) -> Result<(Screen, Micros)> {
        let time = match self.t {
            Some(seconds) => micros(seconds),
            None => timeline.duration().map_err(unreadable)?,
        };
        Ok((timeline.at(time).map_err(unreadable)?, time))
    }
}

/// Get the screen at a moment.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/at",
    params(At),
    responses((status = 200, body = Object, content_type = "application/json"))
))]
pub(super) async fn at(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(at): Query<At>,
) -> Result<Response> {
    let (_, timeline) = app.open(&id).await?;
    let screen = blocking(move || {
        let (screen, time) = at.screen(&timeline)?;
        Ok(view::json(&screen, time, Links::Pages))
    });
    Ok(reply("application/json", screen.await?))
}

fn reply(content_type: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, content_type)], text).into_response()
}

/// Get a picture of a moment.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/thumb",
    params(At),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 304, description = "It has not changed."),
    )
))]
pub(super) async fn thumb(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(at): Query<At>,
    headers: HeaderMap,
) -> Result<Response> {
    let (_, timeline) = app.open(&id).await?;
    let length = timeline.length().map_err(Failure::internal)?;
    let tag = format!("\"{length}-{:?}\"", at.t);
    let known = headers.get(IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let picture = blocking(move || picture(&timeline, &at)).await?;
    let mut response = svg(picture);
    let headers = response.headers_mut();
    headers.extend(tag.parse().ok().map(|tag| (ETAG, tag)));
    headers.insert(CACHE_CONTROL, header("no-cache"));
    Ok(response)
}

fn picture(timeline: &Timeline, at: &At) -> Result<String> {
    let (screen, _) = at.screen(timeline)?;
    Ok(view::svg(&screen, &Theme::of(timeline.header())))
}

fn svg(picture: String) -> Response {
    let mut response = reply("image/svg+xml", picture);
    let policy = header(PICTURE_POLICY);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn header(text: &'static str) -> axum::http::HeaderValue {
    axum::http::HeaderValue::from_static(text)
}

/// What a recording is taken away as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// The whole cast, unpacked.
    Cast,
    /// The screen of a moment as text.
    Text,
    /// The screen of a moment as a picture.
    Svg,
}

/// `api/casts/{id}/download`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct DownloadQuery {
    /// What it is taken away as.
    #[cfg_attr(test, param(inline))]
    format: Format,
    /// The moment of a text or a picture, in seconds since the start of the cast; its
    /// end without.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    t: Option<f64>,
}

impl Check for DownloadQuery {
    fn check(&self) -> Result<(), String> {
        check_time("t", self.t)
    }
}

/// Take a recording away, or a moment of it.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/download",
    params(DownloadQuery),
    responses(
        (status = 200, content(
            (String = "application/x-asciicast"),
            (String = "text/plain"),
            (String = "image/svg+xml"),
        ))
    )
))]
pub(super) async fn download(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response> {
    let (cast, timeline) = app.open(&id).await?;
    let at = At { t: query.t };
    let (mut response, suffix) = match query.format {
        Format::Cast => (whole(timeline), "cast"),
        Format::Text => {
            let text = blocking(move || Ok(view::text(&at.screen(&timeline)?.0)));
            (reply("text/plain; charset=utf-8", text.await?), "txt")
        }
        Format::Svg => {
            let picture = blocking(move || picture(&timeline, &at));
            (svg(picture.await?), "svg")
        }
    };
    let name = file_name(&cast.entry.path, suffix);
    let value = format!("attachment; filename=\"{name}\"").parse();
    let headers = response.headers_mut();
    headers.extend(value.ok().map(|value| (CONTENT_DISPOSITION, value)));
    Ok(response)
}

/// The name of a cast with another suffix, of plain characters alone.
fn file_name(path: &std::path::Path, suffix: &str) -> String {
    let name = PathBuf::from(path.file_name().unwrap_or_default());
    let name = name.to_string_lossy();
    let stem = name.split(".cast").next().unwrap_or_default();
    let safe = |c: char| match c.is_ascii_alphanumeric() || "-_@.".contains(c) {
        true => c,
        false => '_',
    };
    let stem: String = stem.chars().map(safe).collect();
    format!("{stem}.{suffix}")
}

/// The plain bytes of a cast, as they are read.
fn whole(timeline: Timeline) -> Response {
    let chunks = stream::unfold(Some(timeline.bytes()), |input| async {
        let mut input = input?;
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK];
            let count = input.read(&mut chunk);
            count.map(|count| (Bytes::from(chunk).slice(..count), input))
        });
        match read.await.map_err(io::Error::other).flatten() {
            Ok((chunk, _)) if chunk.is_empty() => None,
            Ok((chunk, input)) => Some((Ok(chunk), Some(input))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let kind: HeaderName = CONTENT_TYPE;
    let headers = [(kind, "application/x-asciicast")];
    (headers, Body::from_stream(chunks)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        let name = |path: &str| file_name(std::path::Path::new(path), "svg");
        assert_eq!(name("/a/one_@3.cast"), "one_@3.svg");
        assert_eq!(name("/a/two.cast.zst"), "two.svg");
        assert_eq!(name("/a/x\"; y\r\n.cast"), "x___y__.svg");
    }
}
