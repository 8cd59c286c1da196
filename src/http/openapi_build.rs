//! Builds the document from the handlers, and holds the file to it.
//!
//! What all operations share is added here: their names and tags, the ids in
//! paths, and the replies that say why something was not done.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::openapi::resolve;
use super::routes::{Operations, TABLE};
use crate::serving::document::{assert_has_routes, assert_is_in_file, operations};

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
    tags(
        (name = "server", description = "The server itself"),
        (name = "settings", description = "What the server works with"),
        (name = "sessions", description = "tmux sessions"),
        (name = "windows", description = "tmux windows"),
        (name = "panes", description = "tmux panes"),
        (name = "callbacks", description = "What happened in tmux"),
        (name = "hooks", description = "tmux hooks, and commands on them"),
        (name = "hook", description = "What tmux hooks report"),
        (name = "recordings", description = "Recordings that run"),
        (name = "commands", description = "Commands that are recorded on terminals of their own"),
        (name = "auto", description = "What is recorded by rules"),
        (name = "casts", description = "Saved recordings"),
        (name = "search", description = "What was shown"),
        (name = "events", description = "The live feed"),
    )
)]
struct Base;

/// A reply that says why something was not done.
struct Refusal {
    status: &'static str,
    /// Its name among the document's components.
    name: &'static str,
    description: &'static str,
}

const BAD_REQUEST: Refusal = Refusal {
    status: "400",
    name: "BadRequest",
    description: "The request cannot be read, or tmux refuses it.",
};
const NO_TOKEN: Refusal = Refusal {
    status: "401",
    name: "NoToken",
    description: "The token is missing or wrong.",
};
const FOREIGN: Refusal = Refusal {
    status: "403",
    name: "Foreign",
    description: "The host or the origin is foreign, or a folder may not be written.",
};
const MISSING: Refusal = Refusal {
    status: "404",
    name: "Missing",
    description: "It is not there.",
};
const CONFLICT: Refusal = Refusal {
    status: "409",
    name: "Conflict",
    description: "It cannot be done as things are.",
};
const TOO_LARGE: Refusal = Refusal {
    status: "413",
    name: "TooLarge",
    description: "The body is larger than 1 MiB.",
};
const NOT_JSON: Refusal = Refusal {
    status: "415",
    name: "NotJson",
    description: "The body is not JSON.",
};
const INVALID: Refusal = Refusal {
    status: "422",
    name: "Invalid",
    description: "A value does not fit.",
};
const UNAVAILABLE: Refusal = Refusal {
    status: "503",
    name: "Unavailable",
    description: "No tmux server runs, or this server is ending, has no room or no time.",
};
const REFUSALS: [Refusal; 9] = [
    BAD_REQUEST,
    NO_TOKEN,
    FOREIGN,
    MISSING,
    CONFLICT,
    TOO_LARGE,
    NOT_JSON,
    INVALID,
    UNAVAILABLE,
];

/// What names a thing in a path.
fn id_description(name: &str) -> &'static str {
    match name {
        "session_id" => "The session's name or id.",
        "window_id" => "The window's id.",
        "pane_id" => "The pane's id.",
        "event_id" => "The event's id.",
        "hook_name" => "The hook's name.",
        "recording_id" => "The recording's id, or its window's id or target.",
        "path" => "The cast's path below the output folder, or a whole one in archive.directories.",
        other => panic!("`{other}` in a path has no description"),
    }
}

fn build() -> Value {
    let mut base = Base::openapi();
    base.merge(Operations::openapi());
    let mut document = serde_json::to_value(&base).unwrap();
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    // Who asks knows the address.
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer" }
    });
    document["security"] = json!([{ "token": [] }]);
    let replies: Map<String, Value> = REFUSALS
        .iter()
        .map(|refusal| {
            let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
            let reply = json!({
                "description": refusal.description,
                "content": { "application/json": { "schema": schema } },
            });
            (refusal.name.to_owned(), reply)
        })
        .collect();
    document["components"]["responses"] = replies.into();
    for (path, item) in document["paths"].as_object_mut().unwrap() {
        for (method, operation) in item.as_object_mut().unwrap() {
            complete(path, method, operation);
        }
    }
    document
}

/// Adds what all operations share.
fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = json!(operation_id(path, method));
    operation["tags"] = json!([tag(path)]);
    let ids = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let ids = ids.map(|name| {
        json!({
            "name": name,
            "in": "path",
            "description": id_description(name),
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    let own = operation["parameters"].as_array().cloned();
    let parameters: Vec<Value> = ids.chain(own.into_iter().flatten()).collect();
    let is_about_tmux = parameters.iter().any(|one| one["name"] == "socket");
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let mut refusals = vec![BAD_REQUEST, FOREIGN];
    if operation.get("security").is_none() {
        refusals.push(NO_TOKEN);
    }
    if path.contains('{') || is_about_tmux {
        refusals.extend([MISSING, INVALID]);
    }
    if is_about_tmux || path.starts_with("/recordings") || path == "/commands" {
        refusals.push(UNAVAILABLE);
    }
    if path == "/casts" || path == "/search" {
        refusals.extend([INVALID, UNAVAILABLE]);
    }
    if method != "get" {
        refusals.extend([CONFLICT, TOO_LARGE, NOT_JSON, INVALID]);
    }
    for refusal in refusals {
        let target = format!("#/components/responses/{}", refusal.name);
        operation["responses"][refusal.status] = json!({ "$ref": target });
    }
    operation["responses"].as_object_mut().unwrap().sort_keys();
}

/// The resource that a path is about.
fn tag(path: &str) -> &str {
    match path.split('/').nth(1) {
        None | Some("" | "version" | "openapi.json" | "docs") => "server",
        Some(resource) => resource,
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

#[test]
fn the_file_is_what_the_handlers_say() {
    assert_is_in_file(&build(), "openapi.json");
}

#[test]
fn the_document_has_every_route() {
    assert_has_routes(&build(), TABLE);
}

#[test]
fn operations_have_names_of_their_own() {
    let document = build();
    let mut names = HashSet::new();
    for (_, _, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{name} twice");
        assert!(operation["summary"].is_string(), "{name} has no summary");
    }
    for name in [
        "get_server",
        "list_sessions",
        "create_session",
        "update_window",
        "send_keys_pane",
        "wait_pane",
        "list_events",
    ] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
}

#[test]
fn streams_are_told_by_their_type() {
    let document = build();
    let streams = operations(&document).filter(|(_, _, operation)| {
        let content = &operation["responses"]["200"]["content"];
        content.get("text/event-stream").is_some()
    });
    let streams: Vec<_> = streams.map(|(path, ..)| path).collect();
    assert_eq!(streams, ["/events"]);
}

#[test]
fn references_lead_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if value.get("$ref").is_some() {
                    let found = resolve(document, value);
                    assert!(found.get("$ref").is_none(), "{value} leads nowhere");
                }
                fields.values().for_each(|field| check(document, field));
            }
            Value::Array(all) => all.iter().for_each(|one| check(document, one)),
            _ => {}
        }
    }
    let document = build();
    check(&document, &document);
}
