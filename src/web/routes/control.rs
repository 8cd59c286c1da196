//! What changes something: recordings are started, marked, paused and stopped, where
//! `tvmux web --control` has let somebody in.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::api::{
    Check, MarkerCreate, Recording, RecordingCreate, RecordingPause, RecordingStopped, Window,
};
use crate::client::{self, Client, Connection};
use crate::folders::Folders;
use crate::serving::{Body, Failure, Result};
use crate::web::app::{App, blocking};
use crate::web::catalogue::daemon;
use crate::web::doors::Rights;

/// Longest target, in bytes.
const TARGET: usize = 256;

/// Somebody who may change something.
pub(super) struct Controller;

impl FromRequestParts<App> for Controller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Controller> {
        match app.doors.rights(&parts.headers) {
            Some(Rights::Control) => Ok(Controller),
            _ => Err(Failure::new(
                StatusCode::FORBIDDEN,
                "read_only",
                "this page only looks; `tvmux web --control` prints an address that lets it \
                 change recordings",
            )),
        }
    }
}

/// What the daemon refuses, as it is; where none runs, 503.
fn refused(error: client::Error) -> Failure {
    match error {
        client::Error::Refused { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            Failure::handed_on(status, body)
        }
        error => Failure::of(&error, (StatusCode::SERVICE_UNAVAILABLE, "no_server")),
    }
}

/// The daemon; it is started where none runs, if the settings say so.
async fn daemon_or_start(app: &App) -> Result<Client> {
    let auto_start = app.settings.config.server.auto_start;
    match daemon().await {
        Err(client::Error::NotRunning { .. }) if auto_start => {
            let file = app.settings.config_file.clone();
            blocking(move || {
                let program = std::env::current_exe().unwrap_or_else(|_| "tvmux".into());
                let connection = Connection::new(Folders::of_user(), program);
                let started = connection.with_config_file(file).start(true);
                started.map_err(Failure::internal)
            })
            .await?;
            daemon().await.map_err(refused)
        }
        other => other.map_err(refused),
    }
}

/// List the windows that can be recorded.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/windows",
    responses((status = 200, body = Vec<Window>))
))]
pub(super) async fn windows(State(app): State<App>, _: Controller) -> Result<Json<Vec<Window>>> {
    let client = daemon_or_start(&app).await?;
    let mut client = client.for_tmux(&app.settings.tmux_socket);
    client.windows().await.map(Json).map_err(refused)
}

/// `POST api/recordings`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingStart {
    /// The window: its id, or a tmux target.
    #[cfg_attr(test, schema(min_length = 1, max_length = 256))]
    target: String,
}

impl Check for RecordingStart {
    fn check(&self) -> Result<(), String> {
        match self.target.len() {
            1..=TARGET if !self.target.contains('\0') => Ok(()),
            _ => Err(format!(
                "target must have 1 to {TARGET} bytes, none of them NUL"
            )),
        }
    }
}

/// Record a window.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/recordings",
    request_body = RecordingStart,
    responses(
        (status = 201, body = Recording),
        (status = 202, body = Recording, description = "The window is recorded already."),
    )
))]
pub(super) async fn start(
    State(app): State<App>,
    _: Controller,
    Body(start): Body<RecordingStart>,
) -> Result<(StatusCode, Json<Recording>)> {
    let new = RecordingCreate {
        window_id: start.target,
        socket: Some(app.settings.tmux_socket.clone()),
        ..RecordingCreate::default()
    };
    let mut client = daemon_or_start(&app).await?;
    let created = client.create_recording(&new).await;
    let (is_new, recording) = created.map_err(refused)?;
    app.catalogue.forget().await;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::ACCEPTED,
    };
    Ok((status, Json(recording)))
}

/// End a recording. Answers when its cast is whole and on the disk.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/recordings/{recording_id}/stop",
    responses((status = 200, body = RecordingStopped))
))]
pub(super) async fn stop(
    State(app): State<App>,
    _: Controller,
    Path(id): Path<String>,
) -> Result<Json<RecordingStopped>> {
    let mut client = daemon().await.map_err(refused)?;
    let stopped = client.stop_recording(&id).await.map_err(refused)?;
    app.catalogue.forget().await;
    Ok(Json(stopped))
}

/// Put a marker into a recording, at this moment.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/recordings/{recording_id}/mark",
    request_body = MarkerCreate,
    responses((status = 201, body = Recording))
))]
pub(super) async fn mark(
    State(_): State<App>,
    _: Controller,
    Path(id): Path<String>,
    Body(marker): Body<MarkerCreate>,
) -> Result<(StatusCode, Json<Recording>)> {
    let mut client = daemon().await.map_err(refused)?;
    let recording = client.mark(&id, &marker).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(recording)))
}

/// Take nothing into a recording until it is resumed, or for some seconds. Answers
/// when nothing is taken any more.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/recordings/{recording_id}/pause",
    request_body = RecordingPause,
    responses((status = 200, body = Recording))
))]
pub(super) async fn pause(
    State(app): State<App>,
    _: Controller,
    Path(id): Path<String>,
    Body(pause): Body<RecordingPause>,
) -> Result<Json<Recording>> {
    let mut client = daemon().await.map_err(refused)?;
    let recording = client.pause(&id, &pause).await.map_err(refused)?;
    app.catalogue.forget().await;
    Ok(Json(recording))
}

/// Go on with a recording that is paused.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/recordings/{recording_id}/resume",
    responses((status = 200, body = Recording))
))]
pub(super) async fn resume(
    State(app): State<App>,
    _: Controller,
    Path(id): Path<String>,
) -> Result<Json<Recording>> {
    let mut client = daemon().await.map_err(refused)?;
    let recording = client.resume(&id).await.map_err(refused)?;
    app.catalogue.forget().await;
    Ok(Json(recording))
}
