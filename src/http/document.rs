//! The OpenAPI document, and what all operations in it share.
//!
//! It is made from the handlers ([`document`]), and kept as a file beside this
//! one, which a test holds to it. The daemon serves the file: to make the
//! document takes megabytes, which the daemon would then keep.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use utoipa::OpenApi;

/// What the API is, without its operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "tvmux",
        description = "Records tmux windows and controls tmux. Ids in paths are percent-encoded: \
                       pane `%0` is `/panes/%250`. A client shows the token of the server's \
                       runtime folder as `Authorization: Bearer …`, unless it comes by the \
                       Unix socket there."
    ),
    components(schemas(crate::api::ErrorBody)),
    tags(
        (name = "server", description = "The server itself"),
        (name = "sessions", description = "tmux sessions"),
        (name = "windows", description = "tmux windows"),
        (name = "panes", description = "tmux panes"),
        (name = "callbacks", description = "What happened in tmux"),
        (name = "hooks", description = "tmux hooks, and commands on them"),
        (name = "hook", description = "A hook's word"),
        (name = "recordings", description = "What is recorded now"),
        (name = "casts", description = "What has been recorded"),
        (name = "events", description = "The live feed"),
    )
)]
struct Base;

/// The document as a text, with [`NO_VERSION`] for its version.
const TEXT: &str = include_str!("openapi.json");

/// Stands for the version in the file.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";

/// The document as it is served.
pub(super) fn text() -> String {
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    TEXT.replacen(NO_VERSION, &version, 1)
}

/// The OpenAPI document, made anew.
///
/// A stream has no end, which tools that call whatever stands under `paths` do
/// not expect: it stands in the same form under `x-streams`.
#[must_use]
pub fn document() -> Value {
    let mut base = Base::openapi();
    base.merge(super::routes().into_openapi());
    let mut document = serde_json::to_value(&base).unwrap_or_default();
    let streams = serde_json::to_value(super::streams().into_openapi()).unwrap_or_default();
    document["x-streams"] = streams["paths"].clone();
    if let (Some(all), Some(more)) = (
        document["components"]["schemas"].as_object_mut(),
        streams["components"]["schemas"].as_object(),
    ) {
        all.extend(more.clone());
    }
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    // Who asks knows the address.
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer" }
    });
    document["security"] = json!([{ "token": [] }]);
    for group in ["paths", "x-streams"] {
        let Some(paths) = document[group].as_object_mut() else {
            continue;
        };
        for (path, item) in paths {
            let Some(methods) = item.as_object_mut() else {
                continue;
            };
            for (method, operation) in methods {
                complete(path, method, operation);
            }
        }
    }
    document
}

/// Gives an operation a name of its own, and the replies that any may give.
fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = json!(operation_id(path, method));
    let mut replies = vec![
        ("400", "The request cannot be read, or tmux refuses it."),
        ("403", "The host or the origin is foreign."),
    ];
    if operation.get("security").is_none() {
        replies.push(("401", "The token is missing or wrong."));
    }
    let parameters = operation["parameters"].as_array();
    let is_asked = |name: &str| {
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
    };
    let is_about_tmux = is_asked("socket");
    if path.contains('{') || is_about_tmux {
        replies.push(("404", "It is not there."));
        replies.push(("422", "A value does not fit."));
    }
    if is_about_tmux || path.starts_with("/recordings") {
        replies.push(("503", "No tmux server runs, or this one is ending."));
    }
    if method != "get" {
        replies.push(("409", "It cannot be done as things are."));
        replies.push(("413", "The body is too large."));
        replies.push(("415", "The body is not JSON."));
        replies.push(("422", "A value does not fit."));
    }
    let parameters = operation.get_mut("parameters");
    for parameter in parameters
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if parameter["in"] == "path" {
            parameter["schema"]["minLength"] = json!(1);
        }
    }
    for (status, description) in replies {
        operation["responses"][status] = json!({
            "description": description,
            "content": { "application/json": { "schema": {
                "$ref": "#/components/schemas/ErrorBody"
            } } },
        });
    }
}

/// `get_session`, `select_window`, `list_panes`: from method and path.
fn operation_id(path: &str, method: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let name = match (method, parts.as_slice()) {
        (_, []) => "get_server".to_owned(),
        ("get", [one]) => format!("list_{one}"),
        ("post", ["hook"]) => "report_hook".to_owned(),
        ("post", [many]) => format!("create_{}", singular(many)),
        (_, [many, last]) if last.starts_with('{') => {
            let verb = match method {
                "patch" => "update",
                "put" => "replace",
                other => other,
            };
            format!("{verb}_{}", singular(many))
        }
        (_, [many, .., action]) => format!("{action}_{}", singular(many)),
        _ => format!("{method}_{}", parts.join("_")),
    };
    name.replace(['-', '.'], "_")
}

fn singular(many: &str) -> &str {
    many.strip_suffix('s').unwrap_or(many)
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "server",
    security(()),
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    let headers = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_TYPE, "application/json"),
    ];
    (headers, text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_text_is_the_document() {
        let text: Value = serde_json::from_str(&text()).unwrap();
        assert!(text == document(), "see the test of the document");
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let document = document();
        let mut names = HashSet::new();
        for group in ["paths", "x-streams"] {
            for item in document[group].as_object().unwrap().values() {
                for operation in item.as_object().unwrap().values() {
                    let name = operation["operationId"].as_str().unwrap().to_owned();
                    assert!(names.insert(name.clone()), "{name} twice");
                    assert!(operation["summary"].is_string(), "{name} has no summary");
                }
            }
        }
        for name in [
            "get_server",
            "list_sessions",
            "create_session",
            "update_window",
            "send_keys_pane",
            "list_events",
        ] {
            assert!(names.contains(name), "{name} of {names:?}");
        }
    }
}
