//! `/openapi.json`, and `/docs`: the same as a page, which needs no script and
//! no network.

use std::fmt::Write;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::Value;

use crate::http::openapi::{self, resolve};

/// The page loads nothing, and nothing may frame it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}\
code,.path{font-family:ui-monospace,monospace}\
details{border:1px solid #ccc;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}\
summary{cursor:pointer}\
.method{display:inline-block;min-width:4.2rem;font-weight:700}\
table{border-collapse:collapse;width:100%}\
td,th{border-top:1px solid #ddd;padding:.25rem .6rem;text-align:left;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}\
details{border-color:#444}td,th{border-color:#333}}";

/// The OpenAPI document.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/openapi.json",
    security(()),
    responses((status = 200, body = Object, content_type = "application/json"))
))]
pub(super) async fn openapi() -> impl IntoResponse {
    let headers = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_TYPE, "application/json"),
    ];
    (headers, openapi::TEXT)
}

/// This API as a page.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/docs",
    security(()),
    responses((status = 200, body = String, content_type = "text/html"))
))]
pub(super) async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, html(&openapi::document()))
}

fn html(document: &Value) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    let about = text(&document["info"]["description"]);
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title} {version}</h1><p>{about}</p>\
         <p>For programs: <a href=\"/openapi.json\">openapi.json</a></p>"
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let _ = write!(
            page,
            "<h2>{}</h2><p>{}</p>",
            text(&tag["name"]),
            text(&tag["description"])
        );
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    write_operation(&mut page, document, path, method, operation);
                }
            }
        }
    }
    page.push_str("</body></html>");
    page
}

fn write_operation(
    page: &mut String,
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
) {
    let _ = write!(
        page,
        "<details><summary><span class=\"method\">{}</span><span class=\"path\">{}</span> \
         {}</summary><p>{}</p>",
        escape(&method.to_uppercase()),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"])
    );
    let mut rows = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let is_required = parameter["required"] == true;
        let place = text(&parameter["in"]);
        row(
            &mut rows,
            &parameter["name"],
            &place,
            is_required,
            parameter,
        );
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = resolve(document, body);
    for (name, field) in body["properties"].as_object().into_iter().flatten() {
        let required = body["required"].as_array();
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        let name = Value::from(name.as_str());
        row(&mut rows, &name, "body", is_required, field);
    }
    if !rows.is_empty() {
        let _ = write!(
            page,
            "<table><tr><th>field</th><th>in</th><th></th></tr>{rows}</table>"
        );
    }
    page.push_str("<table><tr><th>reply</th><th></th></tr>");
    for (status, reply) in operation["responses"].as_object().into_iter().flatten() {
        let reply = resolve(document, reply);
        let kinds = reply["content"].as_object().into_iter().flatten();
        let shapes: Vec<String> = kinds.map(|(_, kind)| shape(&kind["schema"])).collect();
        let _ = write!(
            page,
            "<tr><td>{}</td><td><code>{}</code> {}</td></tr>",
            escape(status),
            shapes.join(", "),
            text(&reply["description"])
        );
    }
    page.push_str("</table></details>");
}

fn row(rows: &mut String, name: &Value, place: &str, is_required: bool, field: &Value) {
    let _ = write!(
        rows,
        "<tr><td><code>{}</code>{}</td><td>{place}</td><td>{}</td></tr>",
        text(name),
        if is_required { " (required)" } else { "" },
        text(&field["description"])
    );
}

fn shape(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return escape(target.rsplit('/').next().unwrap_or(target));
    }
    if schema["type"] == "array" {
        return format!("[{}]", shape(&schema["items"]));
    }
    text(&schema["type"])
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_operation_and_loads_nothing() {
        let document = openapi::document();
        let page = html(&document);
        for path in document["paths"].as_object().unwrap().keys() {
            let shown = format!("<span class=\"path\">{path}</span>");
            assert!(page.contains(&shown), "{path}");
        }
        for loading in ["<script", "<link", "<img", "src=", "http://", "https://"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
