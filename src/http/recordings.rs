//! `/recordings`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::error::Failure;
use crate::api::{MarkerCreate, Recording, RecordingCreate, RecordingStopped, StoppedStatus};
use crate::daemon::{Created, Daemon};

pub(super) async fn list(State(daemon): State<Daemon>) -> Json<Vec<Recording>> {
    Json(daemon.recordings())
}

pub(super) async fn create(
    State(daemon): State<Daemon>,
    Json(request): Json<RecordingCreate>,
) -> Result<(StatusCode, Json<Recording>), Failure> {
    Ok(match daemon.create(&request).await? {
        Created::New(recording) => (StatusCode::CREATED, Json(recording)),
        Created::Present(recording) => (StatusCode::ACCEPTED, Json(recording)),
    })
}

pub(super) async fn get(
    State(daemon): State<Daemon>,
    Path(id): Path<String>,
) -> Result<Json<Recording>, Failure> {
    Ok(Json(daemon.recording(&id).await?))
}

pub(super) async fn stop(
    State(daemon): State<Daemon>,
    Path(id): Path<String>,
) -> Result<Json<RecordingStopped>, Failure> {
    let recording = daemon.stop(&id).await?;
    Ok(Json(RecordingStopped {
        status: StoppedStatus::Stopped,
        recording_id: recording.id.clone(),
        cast_path: recording.cast_path.clone(),
        recording,
    }))
}

pub(super) async fn mark(
    State(daemon): State<Daemon>,
    Path(id): Path<String>,
    Json(marker): Json<MarkerCreate>,
) -> Result<(StatusCode, Json<Recording>), Failure> {
    let recording = daemon.mark(&id, &marker.label).await?;
    Ok((StatusCode::CREATED, Json(recording)))
}
