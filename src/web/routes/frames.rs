//! `frames`: a stretch of a recording, as changes of its rows.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::casts::seconds;
use super::moments::{check_time, micros};
use crate::api::Check;
use crate::cast::Micros;
use crate::screen::Screen;
use crate::serving::{Query, Result};
use crate::timeline::{Folding, Frame, Frames, FramesBack, Timeline, TimelineError};
use crate::view::{Links, colours_json, cursor_json, json, row_json};
use crate::web::app::{App, blocking};
use crate::web::timelines::unreadable;

/// Frames each second without a rate, and at most.
const RATE: f64 = 30.0;
const MOST: f64 = 60.0;

/// How much is made before it is sent, in bytes; and for how long it is made.
const PIECE: usize = 64 * 1024;
const PIECE_TIME: std::time::Duration = std::time::Duration::from_millis(20);

/// `api/casts/{id}/frames`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct FramesQuery {
    /// Where it starts, in seconds since the start of the cast; at the start without.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    from: Option<f64>,
    /// Where it ends; at the end of the cast without, at its start with `back`.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    until: Option<f64>,
    /// Frames each second of the cast at most, at least 0.01; 30 without. 0: each
    /// change is a frame.
    #[cfg_attr(test, param(minimum = 0, maximum = 60))]
    rate: Option<f64>,
    /// Frames after the first screen at most; all without.
    #[cfg_attr(test, param(minimum = 1))]
    limit: Option<u32>,
    /// The longest pause that stays in the playing time `at`, in seconds.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    idle: Option<f64>,
    /// 1: backwards, from `from` down to `until`.
    #[cfg_attr(test, param(minimum = 0, maximum = 1))]
    back: Option<u8>,
}

impl Check for FramesQuery {
    fn check(&self) -> Result<(), String> {
        check_time("from", self.from)?;
        check_time("until", self.until)?;
        check_time("idle", self.idle)?;
        match self.rate {
            Some(rate) if rate != 0.0 && !(0.01..=MOST).contains(&rate) => {
                Err(format!("rate must be 0, or between 0.01 and {MOST}"))
            }
            _ if self.limit == Some(0) => Err("limit must be 1 or more".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Get a stretch of a recording: a screen, and what changes in it.
///
/// One JSON object a line: `{"screen": …}` first and after a change of the size, then
/// `{"time", "rows", "cursor", "title", "colours", "markers"}` with what has changed, `at` as the
/// time without long pauses where `idle` is given, and `{"end": true, "time"}` last.
/// What is not taken is not made.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/frames",
    params(FramesQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
))]
pub(super) async fn frames(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<FramesQuery>,
) -> Result<Response> {
    let place = app.stream()?;
    let (_, timeline) = app.open(&id).await?;
    let play = blocking(move || Play::start(&timeline, &query)).await?;
    let lines = stream::unfold(Some((play, place)), |going| async {
        let (mut play, place) = going?;
        let made = tokio::task::spawn_blocking(move || {
            let piece = play.piece();
            (piece, play)
        });
        let (piece, play) = made.await.ok()?;
        let going = (!play.is_over).then_some((play, place));
        Some((Ok::<_, Infallible>(Bytes::from(piece)), going))
    });
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

enum Playback {
    Forwards(Box<Frames>),
    Backwards(Box<FramesBack>),
}

/// A stretch that is being gone through.
struct Play {
    way: Playback,
    folding: Option<Folding>,
    last: Micros,
    /// Frames that may still be told.
    left: Option<u32>,
    cursor: String,
    colours: String,
    title: String,
    is_first: bool,
    is_over: bool,
}

impl Play {
    fn start(timeline: &Timeline, query: &FramesQuery) -> Result<Play> {
        let from = micros(query.from.unwrap_or(0.0));
        let is_back = query.back == Some(1);
        let until = match query.until {
            Some(until) => micros(until),
            None if is_back => 0,
            None => Micros::MAX,
        };
        let interval = match query.rate.unwrap_or(RATE) {
            0.0 => 0,
            rate => (1e6 / rate) as Micros,
        };
        let folding = match query.idle {
            Some(limit) => {
                let end = (until < Micros::MAX).then_some(until.max(from));
                let go_on = |_| std::ops::ControlFlow::Continue(());
                timeline.cover(end, go_on).map_err(unreadable)?;
                Some(timeline.folding(micros(limit)))
            }
            None => None,
        };
        let way = match is_back {
            false => timeline
                .frames(from, until, interval)
                .map(|frames| Playback::Forwards(Box::new(frames))),
            true => timeline
                .frames_back(from, until, interval)
                .map(|frames| Playback::Backwards(Box::new(frames))),
        };
        Ok(Play {
            way: way.map_err(unreadable)?,
            folding,
            last: from,
            left: query.limit,
            cursor: String::new(),
            colours: String::new(),
            title: String::new(),
            is_first: true,
            is_over: false,
        })
    }

    fn next(&mut self) -> Result<Option<Frame>, TimelineError> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        match &mut self.way {
            Playback::Forwards(frames) => frames.next(),
            Playback::Backwards(frames) => frames.next(),
        }
    }

    fn screen(&self) -> &Screen {
        match &self.way {
            Playback::Forwards(frames) => frames.screen(),
            Playback::Backwards(frames) => frames.screen(),
        }
    }

    /// The next lines; the last of them all when `is_over`.
    fn piece(&mut self) -> String {
        let mut out = String::new();
        if std::mem::take(&mut self.is_first) {
            self.push_screen(&mut out);
        }
        let end = std::time::Instant::now() + PIECE_TIME;
        while out.len() < PIECE && (out.is_empty() || std::time::Instant::now() < end) {
            match self.next() {
                Ok(Some(frame)) => self.push(&frame, &mut out),
                Ok(None) => {
                    let time = seconds(self.last);
                    let _ = writeln!(out, "{{\"end\":true,\"time\":{time}}}");
                    self.is_over = true;
                    break;
                }
                Err(error) => {
                    let body = crate::api::ErrorBody::new("unreadable", error.to_string());
                    let body = serde_json::to_string(&body).unwrap_or_default();
                    let _ = writeln!(out, "{{\"error\":{body}}}");
                    self.is_over = true;
                    break;
                }
            }
        }
        out
    }

    fn push_screen(&mut self, out: &mut String) {
        let text = json(self.screen(), self.last, Links::Pages);
        self.cursor = cursor_json(self.screen());
        self.colours = colours_json(self.screen());
        self.title = self.screen().title().to_owned();
        let _ = write!(out, "{{\"screen\":{text}");
        self.push_playing_time(out);
        out.push_str("}\n");
    }

    fn push_playing_time(&self, out: &mut String) {
        if let Some(folding) = &self.folding {
            let _ = write!(out, ",\"at\":{}", seconds(folding.folded(self.last)));
        }
    }

    fn push(&mut self, frame: &Frame, out: &mut String) {
        self.last = frame.time;
        if frame.is_resized {
            return self.push_screen(out);
        }
        let _ = write!(out, "{{\"time\":{}", seconds(frame.time));
        self.push_playing_time(out);
        out.push_str(",\"rows\":{");
        for (i, row) in frame.changed.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let line = row_json(self.screen(), *row, Links::Pages);
            let _ = write!(out, "{comma}\"{row}\":{line}");
        }
        out.push('}');
        let cursor = cursor_json(self.screen());
        if cursor != self.cursor {
            let _ = write!(out, ",\"cursor\":{cursor}");
            self.cursor = cursor;
        }
        let colours = colours_json(self.screen());
        if colours != self.colours {
            let _ = write!(out, ",\"colours\":{colours}");
            self.colours = colours;
        }
        if self.screen().title() != self.title {
            self.title = self.screen().title().to_owned();
            let title = serde_json::to_string(&self.title).unwrap_or_default();
            let _ = write!(out, ",\"title\":{title}");
        }
        if !frame.markers.is_empty() {
            let markers = serde_json::to_string(&frame.markers).unwrap_or_default();
            let _ = write!(out, ",\"markers\":{markers}");
        }
        out.push_str("}\n");
    }
}
