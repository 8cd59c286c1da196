//! `api/casts`: which recordings there are, and what is known of one.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::api::{CastFilter, Check};
use crate::archive::{Edge, Filter, When};
use crate::serving::{Failure, Query, Result};
use crate::timeline::{Command, Timeline};
use crate::view::Theme;
use crate::web::app::{App, blocking};
use crate::web::catalogue::CastDocument;
use crate::web::timelines::unreadable;

/// How long a reply waits for a cast to be gone through.
const PATIENCE: Duration = Duration::from_millis(150);

/// Slices of activity without a number, and at most.
const SLICES: usize = 200;
const MOST_SLICES: usize = 2000;

#[derive(Serialize)]
struct CastList<'a> {
    casts: Vec<CastDocument<'a>>,
}

/// List recordings, the newest first.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts",
    params(CastFilter),
    responses((status = 200, body = crate::web::described::CastList))
))]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<CastFilter>,
) -> Result<Response> {
    let filter = filter_of(&query)?;
    let casts = app.catalogue.casts().await?;
    let fitting = casts.iter().filter(|cast| filter.lets_through(&cast.entry));
    let most = query.limit.map_or(usize::MAX, |limit| limit as usize);
    let casts = fitting
        .take(most)
        .map(|cast| cast.document(app.catalogue.output()))
        .collect();
    Ok(Json(CastList { casts }).into_response())
}

fn filter_of(query: &CastFilter) -> Result<Filter> {
    let when = |text: &Option<String>, edge| {
        let when = text.as_deref().map(When::parse).transpose();
        let when = when.map_err(Failure::invalid)?;
        Ok::<_, Failure>(when.map(|when| when.seconds(edge)))
    };
    Ok(Filter {
        words: query.filter.clone().into_iter().collect(),
        since: when(&query.since, Edge::Start)?,
        until: when(&query.until, Edge::End)?,
        session: query.session.clone(),
        window: query.window.clone(),
        host: query.host.clone(),
        title: query.title.clone(),
        only_running: query.running,
    })
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct MarkerDocument {
    /// Seconds since the start of the cast.
    pub time: f64,
    /// What it is called; may be empty.
    pub label: String,
}

/// A command that a shell told of.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct CommandDocument {
    /// From 1, in the order of their start.
    number: usize,
    /// What was typed, if that is known.
    text: Option<String>,
    /// The folder it was started in, if that is known.
    folder: Option<String>,
    /// Seconds since the start of the cast.
    start: f64,
    /// Seconds since the start of the cast; none while it runs.
    end: Option<f64>,
    /// Its exit status, if that is known.
    status: Option<i32>,
}

impl CommandDocument {
    pub(super) fn new(at: usize, command: &Command) -> CommandDocument {
        let folder = command.folder.as_ref();
        CommandDocument {
            number: at + 1,
            text: command.text.clone(),
            folder: folder.map(|folder| folder.to_string_lossy().into_owned()),
            start: seconds(command.start),
            end: command.end.map(seconds),
            status: command.status,
        }
    }
}

/// A change of the terminal's size.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct ResizeDocument {
    /// Seconds since the start of the cast.
    time: f64,
    columns: u16,
    rows: u16,
}

/// The colours of a terminal, each as `#rrggbb`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct ThemeDocument {
    fg: String,
    bg: String,
    /// The first 16 colours.
    palette: Vec<String>,
}

impl ThemeDocument {
    fn new(theme: &Theme) -> ThemeDocument {
        ThemeDocument {
            fg: theme.foreground.to_string(),
            bg: theme.background.to_string(),
            palette: theme.palette.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What is known of a cast, as far as it was gone through.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct Details {
    /// Seconds; of a cast that was not gone through, as far as its end tells.
    duration: f64,
    /// Whether it is being recorded.
    running: bool,
    /// All of it was gone through.
    covered: bool,
    theme: ThemeDocument,
    markers: Vec<MarkerDocument>,
    commands: Vec<CommandDocument>,
    resizes: Vec<ResizeDocument>,
}

#[derive(Serialize)]
struct DetailedCast<'a> {
    #[serde(flatten)]
    cast: CastDocument<'a>,
    /// It has the later word on what both have.
    #[serde(flatten)]
    details: Details,
}

/// The same as the document tells of it.
#[cfg(test)]
mod described {
    use utoipa::ToSchema;

    use super::Details;
    use crate::web::described::ListedCast;

    /// A cast, and what is known of it: lists take the place of their numbers.
    #[derive(ToSchema)]
    #[allow(dead_code, reason = "only described")]
    pub(super) struct DetailedCast {
        #[serde(flatten)]
        cast: ListedCast,
        #[serde(flatten)]
        details: Details,
    }
}

/// Get what is known of a recording.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}",
    responses((status = 200, body = described::DetailedCast))
))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let (cast, timeline) = app.open_now(&id).await?;
    let is_running = cast.is_running();
    let details = blocking(move || details(&timeline, is_running)).await?;
    let cast = cast.document(app.catalogue.output());
    // Through a value: of fields that come twice the last one counts.
    let value = serde_json::to_value(DetailedCast { cast, details });
    Ok(Json(value.map_err(Failure::internal)?).into_response())
}

fn details(timeline: &Timeline, running: bool) -> Result<Details> {
    let covered = cover_for_a_while(timeline)?;
    let marker = |marker: crate::cast::Marker| MarkerDocument {
        time: seconds(marker.time),
        label: marker.label,
    };
    let resize = |resize: crate::timeline::Resize| ResizeDocument {
        time: seconds(resize.time),
        columns: resize.columns,
        rows: resize.rows,
    };
    let commands = timeline.commands();
    let commands = commands.iter().enumerate();
    Ok(Details {
        duration: seconds(timeline.likely_duration()),
        running,
        covered,
        theme: ThemeDocument::new(&Theme::of(timeline.header())),
        markers: timeline.markers().into_iter().map(marker).collect(),
        commands: commands
            .map(|(at, command)| CommandDocument::new(at, command))
            .collect(),
        resizes: timeline.resizes().into_iter().map(resize).collect(),
    })
}

/// Goes through a cast for a moment; gives whether that was all of it.
fn cover_for_a_while(timeline: &Timeline) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    let covered = timeline.cover(None, |_| match Instant::now() < end {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    });
    Ok(covered.map_err(unreadable)?.is_whole)
}

/// `api/casts/{id}/activity`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct ActivityQuery {
    /// How many slices; 200 without.
    #[cfg_attr(test, param(minimum = 1, maximum = 2000))]
    slices: Option<usize>,
}

impl Check for ActivityQuery {
    fn check(&self) -> Result<(), String> {
        match self.slices {
            Some(slices) if !(1..=MOST_SLICES).contains(&slices) => {
                Err(format!("slices must be between 1 and {MOST_SLICES}"))
            }
            _ => Ok(()),
        }
    }
}

/// How much was printed when.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct ActivityStrip {
    /// Seconds.
    duration: f64,
    /// All of it was gone through.
    covered: bool,
    /// Bytes of output in each of as many parts of the duration, all of one length.
    slices: Vec<u64>,
}

/// Get how much was printed when.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/activity",
    params(ActivityQuery),
    responses((status = 200, body = ActivityStrip))
))]
pub(super) async fn activity(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<ActivityStrip>> {
    let (_, timeline) = app.open(&id).await?;
    let slices = query.slices.unwrap_or(SLICES);
    blocking(move || {
        let covered = cover_for_a_while(&timeline)?;
        let duration = timeline.likely_duration();
        Ok(Json(ActivityStrip {
            duration: seconds(duration),
            covered,
            slices: timeline.activity().strip(duration, slices),
        }))
    })
    .await
}

/// Microseconds as seconds.
pub(super) fn seconds(time: crate::cast::Micros) -> f64 {
    time as f64 / 1e6
}
