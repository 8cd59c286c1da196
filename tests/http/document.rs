//! The OpenAPI document is what clients hold on to: it changes on purpose only.

use std::path::Path;

use super::support;

#[test]
fn the_document_is_the_one_that_was_agreed_on() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/openapi.json");
    let mut document = tvmux::http::document();
    document["info"]["version"] = "0.0.0".into();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("TVMUX_UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap();
    let differs = text.lines().zip(agreed.lines()).position(|(a, b)| a != b);
    assert!(
        text == agreed,
        "the document differs from src/http/openapi.json from line {} on; \
         if that is meant, run this with TVMUX_UPDATE_FIXTURES=1",
        differs.map_or(0, |line| line + 1)
    );
}

#[test]
fn the_daemon_serves_this_document() {
    let api = super::Api::start();
    let served: serde_json::Value =
        serde_json::from_str(&api.tvmux.ok(["api", "server", "openapi"])).unwrap();
    assert_eq!(served, tvmux::http::document());
    support::wait_until("the page is there", || {
        api.tvmux
            .ok(["api", "server", "docs"])
            .starts_with("<!doctype html>")
    });
}
