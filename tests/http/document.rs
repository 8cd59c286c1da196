//! The OpenAPI document is what clients hold on to.

use super::support;

#[test]
fn the_daemon_serves_the_document() {
    let api = super::Api::start();
    let served: serde_json::Value =
        serde_json::from_str(&api.tvmux.ok(["api", "server", "openapi"])).unwrap();
    assert_eq!(served, tvmux::http::openapi::document());
    support::wait_until("the page is there", || {
        api.tvmux
            .ok(["api", "server", "docs"])
            .starts_with("<!doctype html>")
    });
}
