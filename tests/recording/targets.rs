//! A target that names nothing is refused, never taken for the current window.

use tvmux::api::RecordingCreate;
use tvmux::client::{Client, Error};

use crate::support::TestTmux;
use crate::support::tvmux::Tvmux;

/// A server whose current window is `first`, with a window `other` of two
/// panes beside it.
fn two_windows() -> TestTmux {
    let tmux = TestTmux::start("exec cat");
    for command in [
        &["new-window", "-d", "-n", "other", "-t", "main:", "exec cat"][..],
        &["split-window", "-d", "-t", "main:other", "exec cat"],
    ] {
        tmux.tmux(command);
    }
    tmux
}

/// What `POST /recordings` gives: the window and pane, or the error's code.
fn create(
    tvmux: &Tvmux,
    tmux: &TestTmux,
    new: RecordingCreate,
) -> Result<(String, String), String> {
    let new = RecordingCreate {
        socket: Some(tmux.socket()),
        ..new
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let made = runtime.block_on(async {
        let mut client = Client::connect(&tvmux.socket()).await.unwrap();
        client.create_recording(&new).await
    });
    match made {
        Ok((_, made)) => Ok((made.window_id, made.active_pane.unwrap())),
        Err(Error::Refused { body, .. }) => Err(body.code),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_not_there_is_not_recorded() {
    let tmux = two_windows();
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    for target in [
        "main:nosuch",
        "main:9",
        "main:other.7",
        "main:first.1",
        "nosuch",
        "nosuch:",
        "nosuch:first",
        "@9",
        "@0.1",
        "%9",
        "$9:",
        "{last}",
    ] {
        let ran = tvmux.run(["rec", "-S", socket, "-t", target]);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{target}: {said}");
        assert!(said.contains(target), "{target}: {said}");
        let of_window = RecordingCreate {
            window_id: target.to_owned(),
            ..RecordingCreate::default()
        };
        let of_pane = RecordingCreate {
            window_id: "@0".into(),
            pane_id: Some(target.to_owned()),
            follow_active_pane: Some(false),
            ..RecordingCreate::default()
        };
        for new in [of_window, of_pane] {
            assert_eq!(
                create(&tvmux, &tmux, new),
                Err("no_window".to_owned()),
                "{target}"
            );
        }
    }
    for (session, window) in [("main", "nosuch"), ("main", "9"), ("nosuch", "first")] {
        let new = RecordingCreate {
            window_id: window.into(),
            session_id: Some(session.into()),
            ..RecordingCreate::default()
        };
        let made = create(&tvmux, &tmux, new);
        assert_eq!(made, Err("no_window".to_owned()), "{session}:{window}");
    }
    assert!(tvmux.recordings().is_empty());

    // Nor is another recording marked or stopped.
    tvmux.record(&tmux, &[]);
    for target in ["main:nosuch", "main:9", "main:other", "@9"] {
        for verb in [
            &["rec", "stop", target][..],
            &["rec", "mark", "x", "-t", target],
        ] {
            assert!(!tvmux.run(verb).status.success(), "{verb:?}");
        }
    }
    let recordings = tvmux.recordings();
    assert_eq!(recordings.len(), 1);
    assert_eq!(recordings[0]["window_id"], "@0");
}

#[test]
fn the_pane_is_that_which_is_meant() {
    let tmux = two_windows();
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let of = |window: &str, pane: Option<&str>, follow: Option<bool>| {
        let new = RecordingCreate {
            window_id: window.into(),
            pane_id: pane.map(str::to_owned),
            follow_active_pane: follow,
            ..RecordingCreate::default()
        };
        create(&tvmux, &tmux, new)
    };
    let invalid = Err("invalid".to_owned());
    for follow in [None, Some(true), Some(false)] {
        assert_eq!(of("main:other", Some("%0"), follow), invalid);
        assert_eq!(of("@0", Some("%2"), follow), invalid);
    }
    let is = |window: &str, pane: &str| Ok((window.to_owned(), pane.to_owned()));
    let stop = || tvmux.ok(["rec", "stop"]);
    // A window is recorded by its active pane, whichever pane was named …
    for (window, pane) in [("%2", None), ("main:other.1", None), ("@1", Some("%2"))] {
        assert_eq!(of(window, pane, None), is("@1", "%1"), "{window} {pane:?}");
        stop();
    }
    // … also when that one is piped by somebody else.
    tmux.tmux(&["pipe-pane", "-t", "%2", "cat >/dev/null"]);
    assert_eq!(of("%2", None, None), is("@1", "%1"));
    stop();
    tmux.tmux(&["pipe-pane", "-t", "%2"]);
    // Without following, the pane that was named stays.
    assert_eq!(of("@1", Some("%2"), Some(false)), is("@1", "%2"));
    stop();
    assert_eq!(of("@1", None, Some(false)), is("@1", "%1"));
}
