//! `/panes`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::app::App;
use super::extract::{Body, PathPane, Query, Tmux, missing, pane_id, window_id};
use super::start_directory::start_directory;
use crate::api::{
    ActionStatus, CaptureRange, DeletedStatus, Pane, PaneAction, PaneCapture, PaneCreate,
    PaneDeleted, PaneFilter, PaneInput, PanePaste, PaneResize, PaneSendKeys, PaneSize,
};
use crate::http::error::{Failure, Result};
use crate::tmux::control::{self, Capture, Input, NewPane, SplitSize, SplitTarget};
use crate::tmux::{Control, ObjectKind, PaneId};

/// List panes.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/panes",
    params(PaneFilter, Tmux),
    responses((status = 200, body = Vec<Pane>))
))]
pub(super) async fn list(
    State(app): State<App>,
    Tmux(tmux): Tmux,
    Query(filter): Query<PaneFilter>,
) -> Result<Response> {
    let panes = match &filter.window_id {
        Some(id) => to_json(tmux.window_panes(window_id(id)?).await?)?,
        None => {
            let query = async || to_json(tmux.panes().await?);
            app.panes.ask(tmux.server().socket(), query).await?
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], panes).into_response())
}

fn to_json(panes: Vec<control::Pane>) -> Result<Bytes> {
    let panes: Vec<Pane> = panes.into_iter().map(reply).collect();
    match serde_json::to_vec(&panes) {
        Ok(json) => Ok(json.into()),
        Err(error) => Err(Failure::internal(error)),
    }
}

/// Make a pane by splitting another. It does not become the active one.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes",
    params(Tmux),
    request_body = PaneCreate,
    responses((status = 201, body = Pane))
))]
pub(super) async fn create(
    Tmux(tmux): Tmux,
    Body(new): Body<PaneCreate>,
) -> Result<(StatusCode, Json<Pane>)> {
    let window = window_id(&new.window_id)?;
    let target = match &new.target_pane_id {
        Some(text) => {
            let id = pane_id(text)?;
            let panes = tmux.window_panes(window).await?;
            if !panes.iter().any(|pane| pane.id == id) {
                return Err(missing(ObjectKind::Pane, text));
            }
            SplitTarget::Pane(id)
        }
        None => SplitTarget::Window(window),
    };
    let wanted = NewPane {
        target,
        horizontal: new.horizontal,
        size: new.size.map(|size| match size {
            PaneSize::Cells(cells) => SplitSize::Cells(cells),
            PaneSize::Percent(part) => SplitSize::Percent(part.0),
        }),
        start_directory: start_directory(&new.start_directory).await?,
        command: new.command,
    };
    let pane = tmux.create_pane(&wanted).await?;
    Ok((StatusCode::CREATED, Json(reply(pane))))
}

/// Show a pane.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/panes/{pane_id}",
    params(Tmux),
    responses((status = 200, body = Pane))
))]
pub(super) async fn get(Tmux(tmux): Tmux, PathPane(pane): PathPane) -> Result<Json<Pane>> {
    Ok(Json(reply(tmux.pane(pane).await?)))
}

/// End a pane.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/panes/{pane_id}",
    params(Tmux),
    responses((status = 200, body = PaneDeleted))
))]
pub(super) async fn delete(
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
) -> Result<Json<PaneDeleted>> {
    tmux.kill_pane(pane).await?;
    Ok(Json(PaneDeleted {
        status: DeletedStatus::Deleted,
        pane: pane.to_string(),
    }))
}

/// Make a pane its window's active one.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes/{pane_id}/select",
    params(Tmux),
    responses((status = 200, body = PaneAction))
))]
pub(super) async fn select(Tmux(tmux): Tmux, PathPane(pane): PathPane) -> Result<Json<PaneAction>> {
    tmux.select_pane(pane).await?;
    Ok(done(ActionStatus::Selected, pane, None))
}

/// Move a pane's edge, as far as there is room.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes/{pane_id}/resize",
    params(Tmux),
    request_body = PaneResize,
    responses((status = 200, body = PaneAction))
))]
pub(super) async fn resize(
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
    Body(change): Body<PaneResize>,
) -> Result<Json<PaneAction>> {
    let direction = change.direction.name();
    tmux.resize_pane(pane, direction, change.amount).await?;
    Ok(done(ActionStatus::Resized, pane, None))
}

/// Type into a pane.
///
/// Refused while the keys would not reach its program: in copy mode and the
/// like, with input switched off, or when the program has ended.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes/{pane_id}/send-keys",
    params(Tmux),
    request_body = PaneSendKeys,
    responses((status = 200, body = PaneAction))
))]
pub(super) async fn send_keys(
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
    Body(what): Body<PaneSendKeys>,
) -> Result<Json<PaneAction>> {
    takes_input(&tmux, pane, what.leave_mode).await?;
    tmux.send_keys(pane, &what.keys, what.literal, what.enter)
        .await?;
    Ok(done(ActionStatus::Sent, pane, Some(what.keys)))
}

/// Paste a text into a pane.
///
/// It goes through a tmux buffer of its own, in brackets where the program has
/// asked for bracketed paste: a shell then takes it as one piece of text and
/// runs nothing before Enter. Elsewhere each line is entered as it comes.
/// Refused where `send-keys` is.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes/{pane_id}/paste",
    params(Tmux),
    request_body = PanePaste,
    responses((status = 200, body = PaneAction))
))]
pub(super) async fn paste(
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
    Body(what): Body<PanePaste>,
) -> Result<Json<PaneAction>> {
    takes_input(&tmux, pane, what.leave_mode).await?;
    tmux.paste(pane, &what.text, what.enter).await?;
    Ok(done(ActionStatus::Pasted, pane, None))
}

/// Makes sure that what is typed into a pane reaches its program.
pub(super) async fn takes_input(tmux: &Control, pane: PaneId, leave_mode: bool) -> Result<()> {
    let mut input = tmux.input(pane).await?;
    if leave_mode && input.mode.is_some() {
        tmux.leave_modes(pane).await?;
        input = tmux.input(pane).await?;
    }
    if input == Input::default() {
        return Ok(());
    }
    let input = PaneInput {
        mode: input.mode,
        dead: input.is_dead,
        off: input.is_off,
    };
    Err(Failure::no_input(pane, input))
}

/// Say what a pane shows.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/panes/{pane_id}/capture",
    params(CaptureRange, Tmux),
    responses((status = 200, body = PaneCapture))
))]
pub(super) async fn capture(
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
    Query(range): Query<CaptureRange>,
) -> Result<Json<PaneCapture>> {
    let what = Capture {
        start: range.start,
        end: range.end,
        escapes: range.escapes,
    };
    Ok(Json(PaneCapture {
        pane: pane.to_string(),
        content: tmux.capture_pane(pane, what).await?,
    }))
}

fn done(status: ActionStatus, pane: PaneId, keys: Option<String>) -> Json<PaneAction> {
    Json(PaneAction {
        status,
        pane: pane.to_string(),
        keys,
    })
}

/// A pane, as it goes out.
pub(super) fn reply(pane: control::Pane) -> Pane {
    Pane {
        id: pane.id.to_string(),
        index: pane.index,
        active: pane.is_active,
        position: pane.position.into(),
        size: pane.size.into(),
        command: pane.command,
        pid: pane.pid,
        title: pane.title,
        session: Some(pane.session_name),
        window_index: Some(pane.window_index),
        window_id: Some(pane.window.to_string()),
        dead: pane.is_dead,
    }
}
