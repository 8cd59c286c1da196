//! Who may not come in, and that no path leads out of the archive.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;

use super::support::tvmux::Tvmux;
use super::support::{is_root, wait_until};
use super::{Visitor, Web, made, write};

fn path_of(ticket: &str) -> String {
    format!("/{}", ticket.splitn(4, '/').nth(3).unwrap())
}

#[test]
fn a_ticket_lets_one_browser_in_once() {
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let path = path_of(&web.ticket);
    let browser = web.enter();
    assert_eq!(
        browser.ok("").header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let again = web.ask(&format!("GET {path}"), &[], "");
    assert_eq!(again.status, 403);
    assert!(again.text().contains("<code>tvmux web</code>"));
    assert!(again.header("set-cookie").is_none());
    for wrong in ["/ticket/", "/ticket/00", "/ticket/..%2f"] {
        let status = web.ask(&format!("GET {wrong}"), &[], "").status;
        assert!([401, 403, 404].contains(&status), "{wrong}: {status}");
    }

    let page = browser.base.clone();
    let other = Tvmux::new();
    let other_web = Web::start(&other, &[]);
    let theirs = other_web.enter();
    let half = browser.cookie[..browser.cookie.len() - 1].to_owned();
    for cookie in [
        "Cookie: a=b",
        "Cookie: tvmux=",
        "Cookie: tvmux",
        &half,
        &theirs.cookie,
    ] {
        for path in ["", "app.js", "api/info", "api/casts", "nothing"] {
            let reply = web.ask(&format!("GET {page}{path}"), &[cookie], "");
            assert_eq!(reply.status, 401, "{path} with {cookie}");
            assert_eq!(reply.json()["code"], "no_cookie");
        }
    }
    let accept = "Accept: text/html,application/xhtml+xml";
    let page = web.ask(&format!("GET {page}"), &[accept], "");
    assert_eq!(page.status, 401);
    assert!(page.text().contains("<code>tvmux web</code>"));
}

#[test]
fn requests_of_other_hosts_and_origins_are_refused() {
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let port = web.address.port();
    let ticket = path_of(&web.ticket);
    let foreign = [
        "Host: evil.example".to_owned(),
        format!("Host: evil.example:{port}"),
        "Host: 127.0.0.1:1".to_owned(),
        format!("Host: 127.0.0.1.evil.example:{port}"),
        "Origin: http://evil.example".to_owned(),
        "Origin: null".to_owned(),
        "Origin: http://127.0.0.1:1".to_owned(),
        "Sec-Fetch-Site: cross-site".to_owned(),
        "Sec-Fetch-Site: same-site".to_owned(),
    ];
    for header in &foreign {
        let reply = web.ask(&format!("GET {ticket}"), &[header], "");
        assert_eq!(reply.status, 403, "{header}");
    }
    // The ticket is still good.
    let browser = web.enter();
    for header in &foreign {
        for path in ["", "api/casts", "api/casts/0/live.alis"] {
            let reply = browser.get_with(path, &[header]);
            assert_eq!(reply.status, 403, "{path} with {header}");
        }
    }
    for own in [
        format!("Origin: http://127.0.0.1:{port}"),
        format!("Host: localhost:{port}"),
        "Sec-Fetch-Site: same-origin".to_owned(),
    ] {
        assert_eq!(browser.get_with("api/info", &[&own]).status, 200, "{own}");
    }
}

#[test]
fn every_reply_says_what_browsers_may_not_do() {
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let path = write(&user, "one.cast", &made(&[(1.0, "x")]));
    let id = browser.id(&path);
    let all = [
        browser.get(""),
        browser.get("app.js"),
        browser.get("nothing"),
        browser.get("api/casts"),
        browser.get(&format!("api/casts/{id}/thumb")),
        browser.get(&format!("api/casts/{id}/frames")),
        web.ask("GET /", &[], ""),
    ];
    for reply in &all {
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[test]
fn no_path_leads_out_of_the_archive() {
    let user = Tvmux::new();
    let outside = user.folder().join("outside.cast");
    std::fs::write(&outside, made(&[(1.0, "secret")]).bytes()).unwrap();
    let casts = user.folder().join("casts");
    symlink(&outside, casts.join("link.cast")).unwrap();
    symlink(user.folder(), casts.join("folder")).unwrap();
    let own = write(&user, "own.cast", &made(&[(1.0, "mine")]));
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    assert_eq!(browser.casts().len(), 1, "links are not listed");
    for path in [
        "api/casts/..%2f..%2foutside.cast/at",
        "api/casts/%2e%2e/at",
        "api/casts/../../outside.cast",
        "api/casts/0000000000000000/at",
        "api/casts/own.cast/at",
        "../outside.cast",
        "..%2foutside.cast",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "page/app.js",
        "/etc/passwd",
    ] {
        let reply = browser.get(path);
        assert!(
            [401, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
    }
    // A cast whose place a link has taken.
    let id = browser.id(&own);
    browser.ok(&format!("api/casts/{id}/at"));
    std::fs::remove_file(&own).unwrap();
    symlink(&outside, &own).unwrap();
    for what in ["at", "frames", "thumb", "download?format=cast"] {
        let reply = browser.get(&format!("api/casts/{id}/{what}"));
        assert_eq!(reply.status, 404, "{what}");
    }
}

#[test]
fn another_user_is_turned_away() {
    // Only root can be another user.
    if !is_root("another user shows a ticket") {
        return;
    }
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let runtime = user.folder().join("run/tvmux");
    for folder in [user.folder(), &user.folder().join("run"), &runtime] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let socket = runtime.join("web.sock");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777)).unwrap();
    let script = "curl -s -m 20 -o /dev/null -w '%{http_code} ' \"$1\"; \
                  curl -s -m 20 --http0.9 --unix-socket \"$2\" http://localhost/; echo \"exit $?\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script, "sh", &web.ticket, socket.to_str().unwrap()])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.starts_with("403 exit ") && !told.contains("exit 0"),
        "{told}"
    );
    web.enter();
}

/// Resident memory of a process, in kilobytes.
fn memory(web: &Web) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", web.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

#[test]
fn idle_connections_and_slow_clients_are_bounded() {
    let user = Tvmux::new();
    let cast = super::casts::mixed(7, 4_000_000);
    let path = write(&user, "large.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    browser.ok(&format!("api/casts/{id}/at"));
    let before = memory(&web);
    let mut idle: Vec<TcpStream> = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(web.address).unwrap());
    }
    // They ask for much, and take nothing of it.
    let line = format!("GET {}api/casts/{id}/frames?rate=60", browser.base);
    let slow: Vec<TcpStream> = (0..10)
        .map(|_| web.send(&line, &[&browser.cookie], ""))
        .collect();
    wait_until("each has got something", || {
        slow.iter().all(|stream| stream.peek(&mut [0]).is_ok())
    });
    assert_eq!(browser.ok("api/info").json()["control"], false);
    let during = memory(&web);
    assert!(during < before + 64 * 1024, "{before} kB, then {during} kB");
    drop(idle);
    // Whoever takes it gets all of it.
    let mut whole = Vec::new();
    let mut one = slow.into_iter().next().unwrap();
    let _ = one.set_read_timeout(Some(super::support::DEADLINE));
    let mut piece = [0; 65536];
    while !whole.ends_with(b"0\r\n\r\n") {
        let count = one.read(&mut piece).unwrap();
        assert!(count > 0, "cut after {} bytes", whole.len());
        whole.extend_from_slice(&piece[..count]);
    }
    let text = super::server::reply(&whole).text();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["end"], true);
}

#[test]
fn who_only_looks_changes_nothing() {
    let user = Tvmux::new();
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let refused = |browser: &Visitor<'_>, path: &str, body: &str| {
        let reply = browser.post(path, body);
        assert_eq!(reply.status, 403, "{path}");
        assert_eq!(reply.json()["code"], "read_only");
    };
    refused(&browser, "api/recordings", r#"{"target":"main:"}"#);
    refused(&browser, "api/recordings/main:@0/stop", "");
    refused(&browser, "api/recordings/main:@0/mark", r#"{"label":"x"}"#);
    refused(&browser, "api/recordings/main:@0/pause", "{}");
    refused(&browser, "api/recordings/main:@0/resume", "");
    assert_eq!(browser.get("api/windows").status, 403);
    assert!(user.server_pid().is_none(), "no server was started");
}
