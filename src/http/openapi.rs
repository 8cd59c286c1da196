//! The OpenAPI document of this API.
//!
//! It is a file, which the daemon serves and `tvmux api` reads as it is. A test
//! builds it from the handlers and compares: nothing of that is in the program.

use serde_json::Value;

/// The document, as it is served.
pub const TEXT: &str = include_str!("../../fixtures/api/openapi.json");

/// The document, read.
///
/// # Panics
/// Never: a test reads it too.
#[must_use]
pub fn document() -> Value {
    serde_json::from_str(TEXT).expect("the document is JSON")
}

/// The part of the document that `value` refers to, or else `value` itself.
#[must_use]
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str();
    let found = target.and_then(|target| document.pointer(target.strip_prefix('#')?));
    found.unwrap_or(value)
}
