//! `live`: what a recording shows now, as it changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::casts::{CommandDocument, MarkerDocument, seconds};
use super::moments::{check_time, micros};
use crate::api::Check;
use crate::archive::Condition;
use crate::cast::Micros;
use crate::serving::{Failure, Query, Result};
use crate::web::app::App;
use crate::web::catalogue::{Cast, RecordingDocument};
use crate::web::live::Live;

/// Frames each second without a rate, and at most.
const RATE: f64 = 10.0;
const MOST: f64 = 30.0;

/// A comment is sent this often, so that a client that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often it is looked how the recording is.
const LOOK: Duration = Duration::from_secs(2);

/// `api/casts/{id}/live`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct LiveQuery {
    /// Frames each second at most; 10 without.
    #[cfg_attr(test, param(minimum = 0.1, maximum = 30))]
    rate: Option<f64>,
    /// Markers and commands after this time are told, in seconds since the start of
    /// the cast; without, those that come from now on.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    from: Option<f64>,
}

impl Check for LiveQuery {
    fn check(&self) -> Result<(), String> {
        check_time("from", self.from)?;
        match self.rate {
            Some(rate) if !(0.1..=MOST).contains(&rate) => {
                Err(format!("rate must be between 0.1 and {MOST}"))
            }
            _ => Ok(()),
        }
    }
}

/// Watch a recording as it is made.
///
/// Server-sent events, each with the time in microseconds as its id: `screen` first
/// and after a change of the size, `rows` with what has changed, `marker`, `command`
/// when one starts or ends, `state` when the recording is otherwise than before, and
/// `end` when it is over. After `Last-Event-ID` the screen comes whole, with the
/// markers and commands that were missed.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/live",
    params(
        LiveQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this time, in microseconds."),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"))
))]
pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<LiveQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let place = app.stream()?;
    let since = match headers.get("last-event-id") {
        Some(value) => {
            let time = value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse().ok());
            let message = "Last-Event-ID must be a time in microseconds";
            Some(time.ok_or_else(|| Failure::invalid(message))?)
        }
        None => query.from.map(micros),
    };
    let (cast, timeline) = app.open_now(&id).await?;
    let watching = Watching {
        live: app.lives.follow(&id, timeline),
        app,
        id,
        since,
        seen: 0,
        pause: Duration::from_secs_f64(1.0 / query.rate.unwrap_or(RATE)),
        sent: None,
        looked: Instant::now(),
        state: None,
        waiting: VecDeque::new(),
        is_over: false,
        _place: place,
    };
    let events = stream::unfold((watching, Some(cast)), |(mut watching, cast)| async {
        if let Some(cast) = cast {
            watching.tell_state(&cast);
        }
        let event = watching.next().await?;
        Some((Ok::<_, Infallible>(event), (watching, None)))
    });
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// One who watches.
struct Watching {
    app: App,
    id: String,
    live: Live,
    /// Markers and commands after it are told.
    since: Option<Micros>,
    /// The last change that was told.
    seen: u64,
    pause: Duration,
    /// When the last frame was sent.
    sent: Option<Instant>,
    /// When it was looked how the recording is, and how it was.
    looked: Instant,
    state: Option<(Condition, Option<RecordingDocument>)>,
    waiting: VecDeque<Event>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        let mut ending = self.app.ending.clone();
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                _ = ending.wait_for(|is_ending| *is_ending) => return None,
                () = self.wait() => {}
            }
        }
    }

    /// Waits for something to tell, or for the time to look at the recording.
    async fn wait(&mut self) {
        if let Some(sent) = self.sent {
            sleep_until(sent + self.pause).await;
        }
        let seen = self.seen;
        let look = self.looked + LOOK;
        let changed = self.live.now.wait_for(|now| now.change > seen);
        let changed = timeout_at(look, changed).await;
        match changed.map(|changed| changed.is_ok()) {
            Ok(true) => {}
            Ok(false) => {
                self.is_over = true;
                return;
            }
            Err(_) => return self.look().await,
        }
        self.sent = Some(Instant::now());
        self.tell();
        if Instant::now() > look {
            self.look().await;
        }
    }

    /// Tells what has changed.
    fn tell(&mut self) {
        let now = self.live.now.borrow_and_update();
        let event = |kind: &str, data: String| {
            Event::default()
                .id(now.time.to_string())
                .event(kind)
                .data(data)
        };
        if now.failed {
            self.is_over = true;
            let end = json!({ "time": seconds(now.time) });
            self.waiting.push_back(event("end", end.to_string()));
            return;
        }
        let is_first = self.seen == 0;
        if is_first || now.resized > self.seen {
            self.waiting.push_back(event("screen", now.screen()));
        } else {
            self.waiting
                .push_back(event("rows", now.changes_since(self.seen)));
        }
        let since = match is_first {
            true => self.since.or(Some(now.time)),
            false => None,
        };
        let is_new = |change: u64, time: Micros| match since {
            Some(since) => time > since,
            None => change > self.seen,
        };
        for (change, marker) in &now.markers {
            if is_new(*change, marker.time) {
                let told = MarkerDocument {
                    time: seconds(marker.time),
                    label: marker.label.clone(),
                };
                let data = serde_json::to_string(&told).unwrap_or_default();
                self.waiting.push_back(event("marker", data));
            }
        }
        for (at, (change, command)) in now.commands.iter().enumerate() {
            if is_new(*change, command.end.unwrap_or(command.start)) {
                let told = CommandDocument::new(at, command);
                let data = serde_json::to_string(&told).unwrap_or_default();
                self.waiting.push_back(event("command", data));
            }
        }
        let seen = now.change;
        drop(now);
        self.seen = seen;
    }

    /// Looks how the recording is.
    async fn look(&mut self) {
        self.looked = Instant::now();
        match self.app.catalogue.cast(&self.id).await {
            Ok(cast) => {
                self.tell_state(&cast);
                if cast.is_running() {
                    return;
                }
            }
            // The list cannot be made at present.
            Err(failure) if failure.is_fault() => return,
            Err(_) => {}
        }
        let is_told = self.live.now.borrow().change == self.seen;
        if is_told {
            let time = self.live.now.borrow().time;
            let end = json!({ "time": seconds(time) }).to_string();
            let event = Event::default().id(time.to_string()).event("end").data(end);
            self.waiting.push_back(event);
            self.is_over = true;
        }
    }

    fn tell_state(&mut self, cast: &Cast) {
        let recording = cast.recording_document();
        let state = (cast.entry.state, recording);
        if self.state.as_ref() == Some(&state) {
            return;
        }
        let mut told = match &state.1 {
            Some(recording) => json!(recording),
            None => json!({ "state": state.0 }),
        };
        told["duration"] = cast.entry.duration.into();
        let event = Event::default().event("state").data(told.to_string());
        self.waiting.push_back(event);
        self.state = Some(state);
    }
}
