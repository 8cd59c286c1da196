//! Answers that a short-lived process of this program gives: what takes the archive
//! is not done in the process that records.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::app::App;
use crate::http::error::Result;
use crate::serving::{ANSWER_TIME, Answer, too_many};

pub(super) use crate::serving::Arguments;

/// What the verb prints, as the reply.
pub(super) async fn answer(
    app: &App,
    arguments: Arguments,
    content_type: &'static str,
) -> Result<Response> {
    answer_within(ANSWER_TIME, app, arguments, content_type).await
}

/// The same to its end, within a time.
pub(super) async fn answer_within(
    time: Duration,
    app: &App,
    arguments: Arguments,
    content_type: &'static str,
) -> Result<Response> {
    let place = Arc::clone(&app.helpers).try_acquire_owned();
    let place = place.map_err(|_| too_many())?;
    let answer = Answer::start(app.daemon.helper(&["answer"]), &arguments, time).await?;
    let body = answer.into_body(place);
    Ok(([(CONTENT_TYPE, content_type)], body).into_response())
}
