//! The page's files, and the exchange of a ticket.

use axum::extract::{Extension, Path, State};
use axum::http::header::{HeaderMap, LOCATION, SET_COOKIE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::serving::no_route;
use crate::web::app::App;
use crate::web::assets;
use crate::web::doors::sorry;
use crate::web::server::Peer;

/// A file of the page.
pub(super) async fn file(name: Option<Path<String>>, headers: HeaderMap, uri: Uri) -> Response {
    let name = name.map_or_else(String::new, |Path(name)| name);
    match assets::find(&name) {
        Some(asset) => asset.reply(&headers),
        None => no_route(uri).await.into_response(),
    }
}

/// Gives a cookie for a ticket.
pub(super) async fn exchange(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(ticket): Path<String>,
) -> Response {
    match app.doors.exchange(&ticket, Some(peer)) {
        Some(cookie) => {
            let page = format!("/{}/", app.doors.base());
            let headers = [(LOCATION, page), (SET_COOKIE, cookie)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        None => sorry(
            StatusCode::FORBIDDEN,
            "This address has let somebody in already, or is too old.",
        ),
    }
}
