//! What only reads is asked without a client process, with the same outcome.

use tvmux::tmux::{Batch, Error, Server, Socket};

use super::support::{TestTmux, wait_until};

#[tokio::test]
async fn answers_are_those_of_a_client_process() {
    let tmux = TestTmux::start(
        "seq 1 1990 | sed s,$,-a-longer-line-than-that,; printf 'é 漢 😀\\n'; exec cat",
    );
    wait_until("all is printed", || {
        tmux.tmux(&["capture-pane", "-p", "-t", "main:"])
            .contains('😀')
    });
    let names = ["é\t;😀", "é \\ ;😀"];
    let name = names.iter().find(|name| tmux.takes_name(name)).unwrap();
    tmux.tmux(&["rename-window", "-t", "main:", name]);
    let server = &tmux.server().clone().with_direct_queries(true);
    let version = server.version().await.unwrap();
    assert_eq!(
        server.answers_directly(version),
        version.has_known_messages()
    );
    assert!(!tmux.server().answers_directly(version));
    let mut several = Batch::of(["list-windows", "-F", "#{window_name};"]);
    several.push(["display-message", "-p", ";"]);
    let mut half = Batch::of(["display-message", "-p", "before"]);
    half.push(["list-panes", "-t", "@99"]);
    for batch in [
        // Larger than any one message.
        Batch::of(["capture-pane", "-p", "-t", "main:", "-S", "-"]),
        several,
        Batch::of(["display-message", "-p", ""]),
        Batch::of(["list-panes", "-t", "@99"]),
        half,
        Batch::of(["no-such-command"]),
        Batch::of(["list-panes", "-!"]),
    ] {
        let asked = server.ask(version, &batch).await;
        let run = server.run(&batch).await;
        match (asked, run) {
            (Ok(asked), Ok(run)) => assert!(asked == run, "{batch}"),
            // Before 3.3 a client process adds words of its own.
            (Err(asked), Err(run)) => {
                let told = |error: Error| error.to_string().replace("tmux: ", "");
                let (asked, run) = (told(asked), told(run));
                assert!(!asked.is_empty() && run.ends_with(&asked), "{asked}, {run}");
            }
            (asked, run) => panic!("{batch}: {asked:?} and {run:?}"),
        }
    }
    let whole = server
        .ask(
            version,
            &Batch::of(["capture-pane", "-p", "-t", "main:", "-S", "-"]),
        )
        .await
        .unwrap();
    assert!(whole.starts_with(b"1-a-longer") && whole.len() > 3 * 16 * 1024);
    assert_eq!(tmux.tmux(&["list-clients"]), "");
}

#[tokio::test]
async fn many_may_ask_at_once() {
    let tmux = TestTmux::start("exec cat");
    let version = tmux.server().version().await.unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..100 {
        let server = tmux.server().clone().with_direct_queries(true);
        asked.spawn(async move {
            let batch = Batch::of(["display-message", "-p", &number.to_string()]);
            let answer = server.ask(version, &batch).await.unwrap();
            assert_eq!(answer, format!("{number}\n").into_bytes());
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let tmux = TestTmux::start("exec cat");
    let version = tmux.server().version().await.unwrap();
    let batch = Batch::of(["list-sessions"]);
    let nobody = Server::new("tmux", Socket::at(tmux.folder().join("nobody")));
    let nobody = nobody.with_direct_queries(true);
    let ours = tmux.server().clone().with_direct_queries(true);
    for server in [&nobody, &ours] {
        if server.socket() == tmux.server().socket() {
            tmux.tmux(&["kill-server"]);
            wait_until("the server has ended", || {
                std::os::unix::net::UnixStream::connect(tmux.socket()).is_err()
            });
        }
        let error = server.ask(version, &batch).await.unwrap_err();
        assert!(matches!(error, Error::NoServer { .. }), "{error:?}");
    }
}

#[test]
fn a_server_of_another_version_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let tmux = TestTmux::start("exec cat");
    let version = tmux.ask("main:", "#{version}");
    let program = tmux.folder().join("old-tmux");
    // What clients say of servers that they do not understand.
    for said in [
        "echo 'server exited unexpectedly' >&2; exit 1",
        "echo 'server version is too old for client'",
        "exit 0",
    ] {
        let script = format!("#!/bin/sh\n[ \"$1\" = -V ] && exec echo tmux 2.9a\n{said}\n");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let server = Server::new(&program, Socket::at(tmux.socket()));
        let error = server.version_blocking().unwrap_err();
        assert!(
            matches!(error, Error::VersionMismatch(_)),
            "{said}: {error:?}"
        );
        let message = error.to_string();
        for part in ["2.9a", &format!("tmux {version}"), "`command` in [tmux]"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    // The same version, and no server at all, have other reasons.
    let script = format!("#!/bin/sh\n[ \"$1\" = -V ] && exec echo tmux {version}\nexit 1\n");
    std::fs::write(&program, script).unwrap();
    for socket in [tmux.socket(), tmux.folder().join("nobody")] {
        let server = Server::new(&program, Socket::at(socket));
        let error = server.version_blocking().unwrap_err();
        assert!(error.is_no_server(), "{error:?}");
    }
}
