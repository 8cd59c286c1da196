//! `segments`: a recording in parts, as asciinema-player from 3.17 on takes it
//! (`format: "segmented"`): a jump fetches one part.
//!
//! The index names each part by the times that it covers, so that a recording that
//! grows meanwhile has the parts that its index told of.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::casts::seconds;
use super::moments::{check_time, micros};
use crate::api::Check;
use crate::cast::{Code, Micros, ReadError};
use crate::serving::{Failure, Query, Result};
use crate::timeline::{Folding, Timeline};
use crate::view::{Theme, paint};
use crate::web::app::{App, blocking};
use crate::web::timelines::unreadable;

/// Parts are not shorter, in microseconds of the cast.
const SHORTEST: Micros = 250_000;

/// `api/casts/{id}/segments/{part}`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub(super) struct SegmentsQuery {
    /// The longest pause that stays, in seconds; all stay as they are without.
    #[cfg_attr(test, param(minimum = 0, maximum = 1_000_000_000))]
    idle: Option<f64>,
}

impl Check for SegmentsQuery {
    fn check(&self) -> Result<(), String> {
        check_time("idle", self.idle)
    }
}

/// What is asked for: the index, or a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Index,
    /// From a time on, up to another; the last one with it.
    Piece {
        start: Micros,
        end: Micros,
        is_last: bool,
    },
}

impl Part {
    fn read(name: &str) -> Option<Part> {
        let name = name.strip_suffix(".json")?;
        if name == "index" {
            return Some(Part::Index);
        }
        let (name, is_last) = match name.strip_suffix("-last") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (start, end) = name.split_once('-')?;
        let (start, end) = (start.parse().ok()?, end.parse().ok()?);
        (start < end).then_some(Part::Piece {
            start,
            end,
            is_last,
        })
    }

    fn name(start: Micros, end: Micros, is_last: bool) -> String {
        let last = if is_last { "-last" } else { "" };
        format!("{start}-{end}{last}.json")
    }
}

/// Get a recording in parts for asciinema-player: `index.json`, and the parts that it
/// names.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/casts/{id}/segments/{part}",
    params(SegmentsQuery),
    responses((status = 200, body = Object, content_type = "application/json"))
))]
pub(super) async fn part(
    State(app): State<App>,
    Path((id, part)): Path<(String, String)>,
    Query(query): Query<SegmentsQuery>,
) -> Result<Json<Value>> {
    let part = Part::read(&part).ok_or_else(|| {
        let message = "the index is index.json; it names the parts";
        Failure::new(StatusCode::NOT_FOUND, "no_part", message)
    })?;
    let (_, timeline) = app.open(&id).await?;
    blocking(move || {
        let duration = timeline.duration().map_err(unreadable)?;
        let folding = match query.idle {
            Some(limit) => timeline.folding(micros(limit)),
            None => Folding::default(),
        };
        match part {
            Part::Index => index(&timeline, duration, &folding, query.idle),
            Part::Piece {
                start,
                end,
                is_last,
            } => piece(&timeline, (start, end.min(duration)), is_last, &folding),
        }
        .map(Json)
    })
    .await
}

fn index(
    timeline: &Timeline,
    duration: Micros,
    folding: &Folding,
    idle: Option<f64>,
) -> Result<Value> {
    if duration == 0 {
        return Err(Failure::invalid("the recording has no length so far"));
    }
    let at = |time| seconds(folding.folded(time));
    let mut starts = vec![0];
    for time in timeline.keyframe_times() {
        let last = starts.last().copied().unwrap_or(0);
        let is_apart = folding.folded(time) >= folding.folded(last) + SHORTEST;
        if is_apart && folding.folded(time) < folding.folded(duration) {
            starts.push(time);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([duration]);
    let query = idle.map_or_else(String::new, |idle| format!("?idle={idle}"));
    let segment = |(start, end): (&Micros, Micros)| {
        let name = Part::name(*start, end, end == duration);
        json!({ "start": at(*start), "url": format!("{name}{query}") })
    };
    let segments: Vec<Value> = starts.iter().zip(ends).map(segment).collect();
    let markers = timeline.markers().into_iter();
    let markers = markers.filter(|marker| marker.time <= duration);
    let markers: Vec<Value> = markers
        .map(|marker| json!([at(marker.time), marker.label]))
        .collect();
    let header = timeline.header();
    let theme = Theme::of(header);
    let palette = theme.palette.map(|colour| colour.to_string()).join(":");
    Ok(json!({
        "version": 1,
        "duration": at(duration),
        "term": {
            "cols": header.width,
            "rows": header.height,
            "theme": {
                "fg": theme.foreground.to_string(),
                "bg": theme.background.to_string(),
                "palette": palette,
            },
        },
        "markers": markers,
        "segments": segments,
    }))
}

fn piece(
    timeline: &Timeline,
    (start, end): (Micros, Micros),
    is_last: bool,
    folding: &Folding,
) -> Result<Value> {
    let at = |time| seconds(folding.folded(time));
    let read = |error: ReadError| unreadable(error.into());
    let (screen, mut reader) = timeline.cut_events(start).map_err(unreadable)?;
    let (columns, rows) = screen.size();
    let init = paint(&screen);
    // The player wants an event at the very start and, of the last part, at the end.
    let mut events = vec![json!([at(start), "o", ""])];
    let of_start = timeline.markers().into_iter();
    for marker in of_start.filter(|marker| marker.time == start) {
        events.push(json!([at(start), "m", marker.label]));
    }
    while let Some(event) = reader.next().map_err(read)? {
        if event.time > end || event.time == end && !is_last {
            break;
        }
        let is_told = matches!(event.code, Code::Output | Code::Resize)
            || event.code == Code::Marker && event.time > start;
        if is_told {
            let letter = event.code.letter();
            events.push(json!([at(event.time), letter, event.data.to_str()]));
        }
    }
    if is_last {
        events.push(json!([at(end), "o", ""]));
    }
    Ok(json!({
        "snapshot": { "cols": columns, "rows": rows, "init": init },
        "events": events,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_by_their_times() {
        let piece = |start, end, is_last| Part::Piece {
            start,
            end,
            is_last,
        };
        for part in [(0, 5, false), (5, 900, true)] {
            let name = Part::name(part.0, part.1, part.2);
            assert_eq!(Part::read(&name), Some(piece(part.0, part.1, part.2)));
        }
        assert_eq!(Part::read("index.json"), Some(Part::Index));
        for none in [
            "", "index", "1.json", "5-5.json", "9-5.json", "a-b.json", "../x",
        ] {
            assert_eq!(Part::read(none), None, "{none}");
        }
    }
}
