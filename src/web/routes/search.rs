//! `api/search`: where something was seen.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use serde_json::Value;
use tokio::process::Command;

use crate::api::SearchQuery;
use crate::serving::{ANSWER_TIME, Answer, Arguments, Query, Result, too_many};
use crate::web::app::App;
use crate::web::catalogue::{Cast, id_of};

/// Search in all that was ever on a screen.
///
/// One JSON object a line for each hit, as they are found, with the id of its cast; no
/// line where nothing is. `cast` may be an id, too. An answer takes at most 30
/// seconds; whoever goes away ends it.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/search",
    params(SearchQuery),
    responses((
        status = 200,
        body = crate::web::described::Hit,
        content_type = "application/x-ndjson",
    ))
))]
pub(super) async fn search(
    State(app): State<App>,
    Query(mut query): Query<SearchQuery>,
) -> Result<Response> {
    if let Some(id) = query.cast.as_ref().filter(|name| is_id(name)) {
        let cast = app.catalogue.cast(id).await?;
        query.cast = Some(cast.entry.path.to_string_lossy().into_owned());
    }
    let arguments = Arguments::of_search(query);
    let place = Arc::clone(&app.searches).try_acquire_owned();
    let place = place.map_err(|_| too_many())?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("answer")
        .envs(app.settings.config.archive_variables())
        .kill_on_drop(true);
    let answer = Answer::start(command, &arguments, ANSWER_TIME).await?;
    let hits = Hits {
        titles: titles(&app),
        answer,
        rest: BytesMut::new(),
        is_over: false,
    };
    let lines = stream::unfold(Some((hits, place)), |going| async {
        let (mut hits, place) = going?;
        let next = hits.next().await?;
        let going = next.is_ok().then_some((hits, place));
        Some((next, going))
    });
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The titles of casts, by their ids, as they were listed last: no search waits for it.
fn titles(app: &App) -> HashMap<String, String> {
    let casts = app.catalogue.listed();
    let title = |cast: &Cast| Some((cast.id.clone(), cast.entry.title.clone()?));
    casts.iter().filter_map(title).collect()
}

/// Hits as they are found.
struct Hits {
    titles: HashMap<String, String>,
    answer: Answer,
    /// The start of a line.
    rest: BytesMut,
    is_over: bool,
}

impl Hits {
    /// The next whole lines, with ids and titles.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        while !self.is_over {
            match self.answer.next().await {
                Ok(Some(more)) => self.rest.extend_from_slice(&more),
                Ok(None) => self.is_over = true,
                Err(error) => return Some(Err(error)),
            }
            let end = memchr::memrchr(b'\n', &self.rest).map_or(0, |end| end + 1);
            let mut out = Vec::new();
            let lines = self.rest.split_to(end);
            for line in lines.as_ref().split(|byte| *byte == b'\n') {
                self.push(line, &mut out);
            }
            if !out.is_empty() {
                return Some(Ok(out.into()));
            }
        }
        None
    }

    fn push(&self, line: &[u8], out: &mut Vec<u8>) {
        let Ok(mut hit) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let id = hit["cast"].as_str().map(|path| id_of(path.as_ref()));
        let title = id.as_ref().and_then(|id| self.titles.get(id));
        hit["title"] = title.cloned().into();
        hit["id"] = id.into();
        out.extend_from_slice(hit.to_string().as_bytes());
        out.push(b'\n');
    }
}
