//! Builds the document of this server from its handlers, and holds the file to it.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::routes::{Operations, TABLE};
use crate::serving::document::{assert_has_routes, assert_is_in_file};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "tvmux web",
        description = "Recordings for a browser. Paths are below a name that is this user's own; \
                       the address that `tvmux web` prints lets a client in once: it gives the \
                       cookie that all requests carry, and leads there."
    ),
    components(schemas(crate::api::ErrorBody))
)]
struct Base;

/// Replies that say why something was not done: status, name, meaning.
const REFUSALS: [(&str, &str, &str); 5] = [
    (
        "401",
        "NoCookie",
        "The cookie is missing or of another process.",
    ),
    (
        "403",
        "Foreign",
        "The host or the origin is foreign, or the page only looks.",
    ),
    ("404", "Missing", "It is not there."),
    (
        "422",
        "Invalid",
        "A value does not fit, or the cast cannot be read.",
    ),
    (
        "503",
        "Unavailable",
        "There is no room or no time, or no server records.",
    ),
];

fn build() -> Value {
    let mut base = Base::openapi();
    base.merge(Operations::openapi());
    let mut document = serde_json::to_value(&base).unwrap();
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["servers"] = json!([{ "url": "../" }]);
    document["components"]["securitySchemes"] = json!({
        "cookie": { "type": "apiKey", "in": "cookie", "name": "tvmux" }
    });
    document["security"] = json!([{ "cookie": [] }]);
    let replies = REFUSALS.map(|(_, name, meaning)| {
        let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
        let content = json!({ "application/json": { "schema": schema } });
        let reply = json!({ "description": meaning, "content": content });
        (name.to_owned(), reply)
    });
    document["components"]["responses"] = Map::from_iter(replies).into();
    for (path, item) in document["paths"].as_object_mut().unwrap() {
        for (method, operation) in item.as_object_mut().unwrap() {
            complete(path, method, operation);
        }
    }
    document
}

/// Adds what all operations share.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let words = path.trim_start_matches("/api/");
    let words: String = words
        .chars()
        .filter(|c| !"{}".contains(*c))
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    operation["operationId"] = json!(format!("{method}_{words}"));
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let names = names.map(|name| {
        let description = match name {
            "id" => "The cast's id.",
            "recording_id" => "The recording's id.",
            "part" => "The part's name, as the index has it.",
            other => panic!("`{other}` in a path has no description"),
        };
        json!({
            "name": name,
            "in": "path",
            "description": description,
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    let own = operation["parameters"].as_array().cloned();
    let parameters: Vec<Value> = names.chain(own.into_iter().flatten()).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    for (status, name, _) in REFUSALS {
        let target = format!("#/components/responses/{name}");
        operation["responses"][status] = json!({ "$ref": target });
    }
    operation["responses"].as_object_mut().unwrap().sort_keys();
}

#[test]
fn the_file_is_what_the_handlers_say() {
    assert_is_in_file(&build(), "web.json");
}

#[test]
fn the_document_has_every_route() {
    assert_has_routes(&build(), TABLE);
}

#[test]
fn references_lead_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(target) = value["$ref"].as_str() {
                    let found = document.pointer(target.trim_start_matches('#'));
                    assert!(found.is_some(), "{target} leads nowhere");
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
