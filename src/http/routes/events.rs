//! `/events`: the live feed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::app::App;
use super::extract::{Query, TmuxSocket};
use crate::api::EventsAfter;
use crate::http::error::{Failure, Result};

/// An empty message is sent this often when nothing happens, so that a client
/// that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Listen to what happens: sessions, windows and panes of one tmux server, and
/// all recordings.
///
/// Server-sent events, each with its number, its kind, and an `Event` as JSON.
/// The first is `ready`, or `reset` when events are missing: then ask for
/// everything again.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/events",
    params(
        EventsAfter,
        TmuxSocket,
        ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this event."),
    ),
    responses((status = 200, body = crate::api::Event, content_type = "text/event-stream"))
))]
pub(super) async fn events(
    State(app): State<App>,
    TmuxSocket(socket): TmuxSocket,
    Query(query): Query<EventsAfter>,
    headers: HeaderMap,
) -> Result<Response> {
    let after = match headers.get("last-event-id") {
        Some(value) => {
            let number = value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse().ok());
            let message = "Last-Event-ID must be the number of an event";
            Some(number.ok_or_else(|| Failure::invalid(message))?)
        }
        None => query.after,
    };
    let Ok(place) = Arc::clone(&app.streams).try_acquire_owned() else {
        return Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_streams",
            "too many clients listen to events",
        ));
    };
    let feed = app.daemon.listen(socket, after).await?;
    let events = stream::unfold((feed, place), |(mut feed, place)| async {
        let event = feed.next().await?;
        let data = serde_json::to_string(&*event).ok()?;
        let sent = sse::Event::default()
            .id(event.sequence.to_string())
            .event(event.kind.name())
            .data(data);
        Some((Ok::<_, Infallible>(sent), (feed, place)))
    });
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}
