//! Who may not come in, and that nothing they do goes through.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use super::Api;
use super::support::{DEADLINE, is_root, tvmux::Tvmux, wait_until};

/// Sends bytes over TCP and reads the reply to its end.
fn tcp(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    read(stream)
}

fn read(mut stream: impl Read) -> String {
    let mut reply = Vec::new();
    // A reset after the reply is an end too.
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn status(reply: &str) -> u16 {
    let word = reply.split(' ').nth(1);
    word.and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no reply: {reply:?}"))
}

/// A `GET` with these header lines, `Host` among them.
fn get(target: &str, headers: &[&str]) -> String {
    let mut request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request + "\r\n"
}

/// A `POST` that would type into the pane.
fn typing(headers: &[&str], body: &str) -> String {
    let length = body.len();
    let mut request = format!(
        "POST /panes/%250/send-keys HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request + "\r\n" + body
}

#[test]
fn the_token_opens_and_nothing_else_does() {
    let api = Api::start();
    let (address, token) = (api.address(), api.token());
    assert_eq!(token.len(), 64);
    let mode = api
        .runtime()
        .join("token")
        .metadata()
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let right = format!("Authorization: Bearer {token}");
    let cut = format!("Authorization: Bearer {}", &token[..63]);
    let long = format!("Authorization: Bearer {token}0");
    let basic = format!("Authorization: Basic {token}");
    let ask = |target: &str, header: &str| tcp(address, &get(target, &["Host: localhost", header]));
    assert_eq!(status(&ask("/sessions", &right)), 200);
    assert_eq!(status(&ask("/sessions", &right.to_lowercase())), 200);
    for wrong in [
        "X: y",
        "Authorization: Bearer",
        "Authorization: Bearer x",
        &cut,
        &long,
        &basic,
    ] {
        let reply = ask("/sessions", wrong);
        assert_eq!(status(&reply), 401, "{wrong}");
        assert!(
            reply.to_lowercase().contains("www-authenticate: bearer"),
            "{reply}"
        );
    }
    let twice = format!("{right}\r\n{right}");
    assert_eq!(status(&ask("/sessions", &twice)), 401);
    for name in ["token", "access_token", "Authorization"] {
        let target = format!("/sessions?{name}={token}");
        assert_eq!(status(&ask(&target, "X: y")), 401, "a token in a URL");
    }
    for open in ["/openapi.json", "/docs", "/docs?x=y"] {
        assert_eq!(status(&ask(open, "X: y")), 200, "{open}");
    }
    for target in [
        "/",
        "/version",
        "/docs/",
        "/docs/x",
        "/openapi.json/../sessions",
        "/events",
        "/casts",
        "/casts/x.cast",
        "/search?q=x",
    ] {
        assert_eq!(status(&ask(target, "X: y")), 401, "{target}");
    }
    assert!(!api.tvmux.log().contains(&token), "the token is in the log");
}

#[test]
fn without_auth_only_the_token_is_dropped() {
    let api = Api::with(&[("TVMUX_SERVER_AUTH", "false")]);
    let address = api.address();
    assert!(!api.runtime().join("token").exists());
    assert_eq!(
        status(&tcp(address, &get("/sessions", &["Host: localhost"]))),
        200
    );
    let foreign = get(
        "/sessions",
        &["Host: localhost", "Origin: http://evil.example"],
    );
    assert_eq!(status(&tcp(address, &foreign)), 403);
    assert_eq!(
        status(&tcp(address, &get("/sessions", &["Host: evil.example"]))),
        403
    );
}

#[test]
fn a_host_that_is_not_this_one_is_refused() {
    let api = Api::start();
    let (address, token) = (api.address(), api.token());
    let token = format!("Authorization: Bearer {token}");
    let port = address.port();
    let ask = |host: &str| {
        tcp(
            address,
            &get("/sessions", &[&format!("Host: {host}"), &token]),
        )
    };
    for own in [
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(status(&ask(&own)), 200, "{own}");
    }
    // A name of the attacker's that was rebound to this address.
    for foreign in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        "localhost:1".to_owned(),
        format!("0.0.0.0:{port}"),
    ] {
        assert_eq!(status(&ask(&foreign)), 403, "{foreign}");
    }
    let raw = |request: String| status(&tcp(address, &request));
    assert_eq!(raw(get("/sessions", &[&token])), 400, "no host");
    let two = get("/sessions", &["Host: localhost", "Host: localhost", &token]);
    assert_eq!(raw(two), 400, "two hosts");
    let old = format!("GET /sessions HTTP/1.0\r\nHost: localhost\r\n{token}\r\n\r\n");
    assert_eq!(raw(old), 400, "HTTP/1.0");
    let absolute = |host: &str| {
        get(
            &format!("http://{host}/sessions"),
            &["Host: localhost", &token],
        )
    };
    assert_eq!(raw(absolute("evil.example")), 403);
    assert_eq!(raw(absolute("localhost")), 200);
}

#[test]
fn web_pages_are_refused() {
    let api = Api::start();
    let (address, token) = (api.address(), api.token());
    let token = format!("Authorization: Bearer {token}");
    let port = address.port();
    let host = "Host: localhost";
    let from = |origin: &str| format!("Origin: {origin}");
    let own = from(&format!("http://localhost:{port}"));
    assert_eq!(
        status(&tcp(address, &get("/sessions", &[host, &token, &own]))),
        200
    );
    let foreign = [
        from("http://evil.example"),
        from("null"),
        from("http://localhost"),
        from(&format!("http://localhost:{}", port ^ 1)),
        from(&format!("https://localhost:{port}")),
        "Sec-Fetch-Site: cross-site".to_owned(),
        "Sec-Fetch-Site: same-site".to_owned(),
    ];
    let body = r#"{"keys": "touch pwned"}"#;
    let json = "Content-Type: application/json";
    for page in &foreign {
        let targets = [
            "/sessions",
            "/events",
            "/casts",
            "/search?q=x",
            "/docs",
            "/openapi.json",
        ];
        for target in targets {
            let reply = tcp(address, &get(target, &[host, &token, page]));
            assert_eq!(status(&reply), 403, "{target} {page}");
            assert!(!reply.to_lowercase().contains("access-control"), "{reply}");
        }
        let typed = typing(&[host, &token, page, json], body);
        assert_eq!(status(&tcp(address, &typed)), 403, "{page}");
        let preflight = get(
            "/sessions",
            &[host, page, "Access-Control-Request-Method: POST"],
        )
        .replacen("GET", "OPTIONS", 1);
        assert_eq!(status(&tcp(address, &preflight)), 403, "{page}");
        let upgrade = get(
            "/events",
            &[
                host,
                &token,
                page,
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ],
        );
        assert_eq!(status(&tcp(address, &upgrade)), 403, "{page}");
        // The Unix socket asks the same.
        let mut unix = UnixStream::connect(api.tvmux.socket()).unwrap();
        unix.write_all(get("/sessions", &[host, page]).as_bytes())
            .unwrap();
        assert_eq!(status(&read(unix)), 403, "{page}");
    }
    // What a form can send without asking.
    for kind in [
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: text/plain",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: text/plain; application/json",
        "X: no type",
        "Content-Type: text/plain\r\nContent-Type: application/json",
    ] {
        let typed = typing(&[host, &token, kind], body);
        assert_eq!(status(&tcp(address, &typed)), 415, "{kind}");
    }
    let chunked = format!(
        "POST /panes/%250/select HTTP/1.1\r\n{host}\r\n{token}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    );
    assert_eq!(status(&tcp(address, &chunked)), 415);
    let shown = api.tmux.tmux(&["capture-pane", "-p", "-t", "main:"]);
    assert!(!shown.contains("pwned"), "{shown}");
}

#[test]
fn bodies_are_bounded() {
    let api = Api::start();
    let address = api.address();
    let token = format!("Authorization: Bearer {}", api.token());
    let headers = format!(
        "POST /callbacks HTTP/1.1\r\nHost: localhost\r\n{token}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n"
    );
    let told = format!("{headers}Content-Length: 2000000\r\n\r\n");
    assert_eq!(status(&tcp(address, &told)), 413);
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{headers}Transfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..40 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut first = [0; 12];
    // Where the reply was lost with the connection, it was refused as well.
    if stream.read_exact(&mut first).is_ok() {
        assert_eq!(&first, b"HTTP/1.1 413");
    }
    let head = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    let reply = tcp(address, &head);
    assert!(reply.is_empty() || status(&reply) == 431, "{reply}");
}

#[test]
fn slow_heads_are_given_up() {
    let api = Api::start();
    let address = api.address();
    let start = Instant::now();
    let mut drip = TcpStream::connect(address).unwrap();
    drip.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    drip.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        .unwrap();
    let silent = TcpStream::connect(address).unwrap();
    silent.set_read_timeout(Some(DEADLINE)).unwrap();
    wait_until("the slow head is given up", || {
        let _ = drip.write_all(b"X: y\r\n");
        // An answer or the end of the connection: it is over either way.
        match drip.peek(&mut [0]) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    });
    assert_eq!(read(silent), "", "who says nothing is given up too");
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(9), "too early: {took:?}");
    assert_eq!(api.status()["status"], "running");
}

#[test]
fn another_user_is_turned_away() {
    // Only root can be another user.
    if !is_root("another user asks the server") {
        return;
    }
    let api = Api::start();
    // Somebody has opened the folders to everyone: the kernel still tells.
    for folder in [
        api.tvmux.folder().to_owned(),
        api.tvmux.folder().join("run"),
        api.runtime(),
    ] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(api.tvmux.socket(), open).unwrap();
    let script = "curl -s -m 20 --unix-socket \"$1\" http://localhost/ ; echo \"exit $?\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script, "sh", api.tvmux.socket().to_str().unwrap()])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.starts_with("exit ") && told.trim() != "exit 0",
        "{told}"
    );
    wait_until("it is in the log", || {
        api.tvmux.log().contains("turned away")
    });
}

#[test]
fn the_socket_is_only_this_users() {
    let api = Api::start();
    let mode = api.tvmux.socket().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn unsafe_folders_stop_the_start() {
    let user = Tvmux::new();
    let runtime = user.folder().join("run/tvmux");
    let elsewhere = user.folder().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &runtime).unwrap();
    let output = user.run(["server", "run"]);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("link"),
        "{output:?}"
    );
    std::fs::remove_file(&runtime).unwrap();
    std::fs::create_dir(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = user.run(["server", "run"]);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("777"),
        "{output:?}"
    );
}

#[test]
fn a_link_in_the_tokens_place_is_not_written_through() {
    let mut user = Tvmux::new();
    let runtime = user.folder().join("run/tvmux");
    std::fs::create_dir(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).unwrap();
    let victim = user.folder().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    symlink(&victim, runtime.join("token")).unwrap();
    user.start_server();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    let token = runtime.join("token").symlink_metadata().unwrap();
    assert!(token.is_file());
}

#[test]
fn a_port_that_is_taken_is_told_and_does_no_harm() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let api = Api::with(&[("TVMUX_SERVER_PORT", &port)]);
    let status = api.status();
    assert_eq!(status["address"], serde_json::Value::Null);
    assert!(
        status["address_error"].as_str().unwrap().contains(&port),
        "{status}"
    );
    assert!(
        api.tvmux
            .ok(["server", "status"])
            .contains("not listening on TCP")
    );
    assert!(api.tvmux.log().contains("not listening on TCP"));
}

#[test]
fn who_has_come_before_the_end_is_answered() {
    let api = Api::start();
    let pid_file = api.tvmux.socket().with_file_name("server.pid");
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let mut early = UnixStream::connect(api.tvmux.socket()).unwrap();
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    wait_until("new clients find nobody", || !api.tvmux.socket().exists());
    early
        .write_all(get("/", &["Host: localhost"]).as_bytes())
        .unwrap();
    assert_eq!(status(&read(early)), 200);
}
