//! The process: the second that finds the first, its port, its end, and what it does
//! to recordings when it may.

use std::net::TcpListener;

use serde_json::Value;

use super::Web;
use super::support::tvmux::{Tvmux, markers_of, read_cast};
use super::support::{TestTmux, wait_for, wait_until};

#[test]
fn the_second_finds_the_first() {
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let output = user.run(["web", "--no-open"]);
    assert!(output.status.success(), "{output:?}");
    let address = String::from_utf8(output.stdout).unwrap();
    assert!(
        address.starts_with(&format!("http://{}/ticket/", web.address)),
        "{address}"
    );
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("pid {}", web.child.id())), "{told}");
    let info = web.enter_with(address.trim()).ok("api/info").json();
    assert_eq!(info["control"], false);
    let with_control = user.ok(["web", "--no-open", "--control"]);
    let info = web.enter_with(with_control.trim()).ok("api/info").json();
    assert_eq!(info["control"], true);
    let base = web.enter().base;
    web.end();
    assert!(!user.folder().join("run/tvmux/web.sock").exists());
    // Links stay good after the end.
    let next = Web::start(&user, &[]);
    assert_eq!(next.enter().base, base);
}

#[test]
fn a_port_that_is_taken_is_told() {
    let user = Tvmux::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let web = Web::start(&user, &["--port", &port.to_string()]);
    assert_ne!(web.address.port(), port);
    let told = web.errors();
    assert!(told.contains(&format!("port {port} is taken")), "{told}");
    assert!(told.contains(&web.address.port().to_string()), "{told}");
    web.enter().ok("");
}

#[test]
fn it_ends_when_nobody_looks() {
    let user = Tvmux::new();
    let mut web = Web::start(&user, &["--idle-end", "1"]);
    web.enter().ok("");
    wait_until("it has ended", || web.child.try_wait().unwrap().is_some());
    assert!(web.child.wait().unwrap().success());
}

#[test]
fn recordings_are_started_marked_and_stopped() {
    let tmux = TestTmux::start("");
    let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let user = Tvmux::new().with("TMUX", surrounding);
    let web = Web::start(&user, &["--control"]);
    let browser = web.enter();
    let windows = browser.ok("api/windows").json();
    let window = windows[0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{windows}"));
    let started = browser.post("api/recordings", &format!(r#"{{"target":"{window}"}}"#));
    assert_eq!(started.status, 201, "{}", started.text());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let again = browser.post("api/recordings", &format!(r#"{{"target":"{window}"}}"#));
    assert_eq!(again.status, 202);
    let segment = id.replace('@', "%40").replace(':', "%3A");
    let marked = browser.post(
        &format!("api/recordings/{segment}/mark"),
        r#"{"label":"here"}"#,
    );
    assert_eq!(marked.status, 201, "{}", marked.text());
    let running = wait_for("it is listed as running", || {
        let list = browser.ok("api/casts?running=true").json();
        list["casts"].as_array().unwrap().first().cloned()
    });
    assert_eq!(running["recording"]["id"], *id);
    assert_eq!(running["recording"]["state"], "recording");
    let stopped = browser.post(&format!("api/recordings/{segment}/stop"), "");
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    let cast = stopped.json()["cast_path"].as_str().unwrap().to_owned();
    let (_, events) = read_cast(cast.as_ref());
    assert!(markers_of(&events).contains(&"here"));
    let gone = browser.post(&format!("api/recordings/{segment}/stop"), "");
    let gone_code = (gone.status, gone.json()["code"].clone());
    let codes = [
        (404, Value::from("no_recording")),
        (503, "no_server".into()),
    ];
    assert!(codes.contains(&gone_code), "{gone_code:?}");
}
