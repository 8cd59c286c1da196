//! `/recordings`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{Body, PathId, Query, TmuxSocket};
use crate::api::{
    CommandRecording, CommandStarted, MarkerCreate, NoteCreate, Recording, RecordingCreate,
    RecordingFilter, RecordingPause, RecordingSave, RecordingSaved, RecordingStopped,
    RecordingUpdate, StoppedStatus,
};
use crate::cast::{Micros, note_label};
use crate::config::expand_home;
use crate::daemon::{Created, Daemon};
use crate::http::error::Result;

/// List the recordings that run.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/recordings",
    params(RecordingFilter),
    responses((status = 200, body = Vec<Recording>))
))]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    Query(filter): Query<RecordingFilter>,
) -> Json<Vec<Recording>> {
    Json(daemon.list(filter.ended).await)
}

/// Record a window.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings",
    params(TmuxSocket),
    request_body = RecordingCreate,
    responses(
        (status = 201, body = Recording),
        (status = 202, body = Recording, description = "The window is recorded already."),
    )
))]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    TmuxSocket(socket): TmuxSocket,
    Body(mut new): Body<RecordingCreate>,
) -> Result<(StatusCode, Json<Recording>)> {
    new.socket = new
        .socket
        .or_else(|| socket.map(|socket| socket.path().to_owned()));
    for path in [&mut new.directory, &mut new.file].into_iter().flatten() {
        *path = expand_home(&path.to_string_lossy());
    }
    Ok(match daemon.create(&new).await? {
        Created::New(recording) => (StatusCode::CREATED, Json(recording)),
        Created::Present(recording) => (StatusCode::ACCEPTED, Json(recording)),
    })
}

/// Record a command that the client runs on a terminal of its own.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/commands",
    request_body = CommandRecording,
    responses((status = 201, body = CommandStarted))
))]
pub(super) async fn command(
    State(daemon): State<Daemon>,
    Body(new): Body<CommandRecording>,
) -> Result<(StatusCode, Json<CommandStarted>)> {
    Ok((
        StatusCode::CREATED,
        Json(daemon.record_command(&new).await?),
    ))
}

/// Show a recording.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/recordings/{recording_id}",
    responses((status = 200, body = Recording))
))]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
) -> Result<Json<Recording>> {
    Ok(Json(daemon.recording(&id).await?))
}

/// Change a recording that runs.
#[cfg_attr(test, utoipa::path(
    patch,
    path = "/recordings/{recording_id}",
    request_body = RecordingUpdate,
    responses((status = 200, body = Recording))
))]
pub(super) async fn update(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
    Body(new): Body<RecordingUpdate>,
) -> Result<Json<Recording>> {
    Ok(Json(daemon.set_title(&id, &new.title).await?))
}

/// End a recording. Answers when its cast is whole and on the disk.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/recordings/{recording_id}",
    responses((status = 200, body = RecordingStopped))
))]
pub(super) async fn stop(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
) -> Result<Json<RecordingStopped>> {
    let recording = daemon.stop(&id).await?;
    Ok(Json(RecordingStopped {
        status: StoppedStatus::Stopped,
        recording_id: recording.id.clone(),
        cast_path: recording.cast_path.clone(),
        recording,
    }))
}

/// Put a marker into a recording, for this moment or one before. Refused while so much
/// waits for the disk that there is no room for it.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings/{recording_id}/markers",
    request_body = MarkerCreate,
    responses((status = 201, body = Recording))
))]
pub(super) async fn mark(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
    Body(marker): Body<MarkerCreate>,
) -> Result<(StatusCode, Json<Recording>)> {
    let ago = (marker.ago.unwrap_or(0.0) * 1e6) as Micros;
    let recording = daemon.mark(&id, &marker.label, ago).await?;
    Ok((StatusCode::CREATED, Json(recording)))
}

/// Save what is kept of a recording of which only the last minutes are.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings/{recording_id}/save",
    request_body = RecordingSave,
    responses((status = 201, body = RecordingSaved))
))]
pub(super) async fn save(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
    Body(save): Body<RecordingSave>,
) -> Result<(StatusCode, Json<RecordingSaved>)> {
    let saved = daemon.save(&id, save.goes_on).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Put a note into a recording, as a marker.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings/{recording_id}/notes",
    request_body = NoteCreate,
    responses((status = 201, body = Recording))
))]
pub(super) async fn note(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
    Body(note): Body<NoteCreate>,
) -> Result<(StatusCode, Json<Recording>)> {
    let recording = daemon.mark(&id, &note_label(&note.text), 0).await?;
    Ok((StatusCode::CREATED, Json(recording)))
}

/// Record nothing until it is told to go on. Answers when not a byte is taken any more.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings/{recording_id}/pause",
    request_body = RecordingPause,
    responses((status = 200, body = Recording))
))]
pub(super) async fn pause(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
    Body(pause): Body<RecordingPause>,
) -> Result<Json<Recording>> {
    Ok(Json(daemon.pause(&id, pause.seconds).await?))
}

/// Go on with a recording that is paused. Answers when all is recorded again.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/recordings/{recording_id}/resume",
    responses((status = 200, body = Recording))
))]
pub(super) async fn resume(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
) -> Result<Json<Recording>> {
    Ok(Json(daemon.resume(&id).await?))
}
