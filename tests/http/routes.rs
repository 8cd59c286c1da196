//! Every route, through the typed client, against a real tmux.

use tvmux::api::{
    ActionStatus, CallbackEvent, CaptureRange, CastFilter, Direction, HookAction, HookCreate,
    HookUpdate, MarkerCreate, NoteCreate, PaneCreate, PaneFilter, PaneResize, PaneSendKeys,
    PaneSize, Percent, RecordingCreate, RecordingPause, SessionCreate, SessionUpdate, State,
    UnlinkFrom, WindowCreate, WindowLinkCreate, WindowUpdate,
};
use tvmux::client::{Client, Error};

use super::Api;
use super::support::tvmux::read_cast;
use super::support::wait_until;

/// The status and the code of a refusal.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u16, String) {
    match outcome {
        Err(Error::Refused { status, body }) => (status, body.code),
        other => panic!("not refused: {other:?}"),
    }
}

fn keys(text: &str) -> PaneSendKeys {
    PaneSendKeys {
        keys: text.to_owned(),
        enter: true,
        literal: false,
        leave_mode: false,
    }
}

#[tokio::test]
async fn the_server_tells_of_itself() {
    let api = Api::start();
    let mut client = api.client().await;
    let info = client.info().await.unwrap();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(client.server_pid(), Some(info.pid as i32));
    assert_eq!(client.version().await.unwrap().version, info.version);
    assert_eq!(
        client.openapi().await.unwrap(),
        tvmux::http::openapi::document()
    );

    let address = info.address.unwrap().parse().unwrap();
    let mut tcp = Client::connect_tcp(address, Some(api.token()))
        .await
        .unwrap();
    assert_eq!(tcp.info().await.unwrap().pid, info.pid);
    assert_eq!(tcp.sessions().await.unwrap()[0].name, "main");
}

#[tokio::test]
async fn sessions() {
    let api = Api::start();
    let mut client = api.client().await;
    let new = SessionCreate {
        command: Some("exec cat".into()),
        start_directory: Some("/".into()),
        ..SessionCreate::named("work")
    };
    let made = client.create_session(&new).await.unwrap();
    assert_eq!(
        (made.name.as_str(), made.windows, made.attached),
        ("work", 1, false)
    );
    assert_eq!(api.tmux.ask("work", "#{session_id}"), made.id);
    assert_eq!(api.tmux.ask("work", "#{pane_current_path}"), "/");
    assert_eq!(
        refused(client.create_session(&new).await),
        (409, "conflict".into())
    );
    let all = client.sessions().await.unwrap();
    assert!(all.contains(&made), "{all:?}");
    assert_eq!(client.session("work").await.unwrap(), made);
    assert_eq!(client.session(&made.id).await.unwrap(), made);

    let update = SessionUpdate {
        new_name: Some("play".into()),
    };
    let renamed = client.update_session("work", &update).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.id), ("play", &made.id));
    let taken = SessionUpdate {
        new_name: Some("main".into()),
    };
    assert_eq!(refused(client.update_session("play", &taken).await).0, 409);
    assert_eq!(
        refused(client.session("work").await),
        (404, "no_session".into())
    );

    let windows = client.session_windows("play").await.unwrap();
    assert_eq!(
        (windows.session.as_str(), windows.windows.len()),
        ("play", 1)
    );
    assert_eq!(windows.windows[0].name, "default");
    let attach = client.attach_session("play").await.unwrap();
    assert_eq!(attach.argv.last(), Some(&made.id));
    let shell = std::process::Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {}", attach.command)])
        .output()
        .unwrap();
    let words = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(words.lines().collect::<Vec<_>>(), attach.argv);
    let detached = client.detach_session("play").await.unwrap();
    assert_eq!(detached.status, ActionStatus::Detached);

    let deleted = client.delete_session("play").await.unwrap();
    assert_eq!((deleted.session.as_str(), &deleted.id), ("play", &made.id));
    assert_eq!(refused(client.delete_session("play").await).0, 404);
    assert_eq!(client.sessions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn windows() {
    let api = Api::start();
    let mut client = api.client().await;
    let other = client
        .create_session(&SessionCreate::named("other"))
        .await
        .unwrap();
    let new = WindowCreate {
        session: Some("main".into()),
        name: Some("mine".into()),
        start_directory: Some("/".into()),
        command: Some("exec cat".into()),
    };
    let made = client.create_window(&new).await.unwrap();
    assert_eq!(
        (made.name.as_str(), made.active, made.panes),
        ("mine", false, 1)
    );
    assert_eq!(made.links[0].session, "main");
    assert!(client.windows().await.unwrap().contains(&made));
    assert_eq!(client.window(&made.id).await.unwrap(), made);

    let update = WindowUpdate {
        new_name: Some(String::new()),
        ..WindowUpdate::default()
    };
    assert_eq!(
        client.update_window(&made.id, &update).await.unwrap().name,
        ""
    );
    let selected = client.select_window(&made.id).await.unwrap();
    assert_eq!(selected.status, ActionStatus::Selected);
    assert_eq!(api.tmux.ask("main:", "#{window_id}"), made.id);

    let to = WindowLinkCreate {
        target_session: other.id.clone(),
        target_index: Some(7),
    };
    let linked = client.link_window(&made.id, &to).await.unwrap();
    assert_eq!(linked.session.as_deref(), Some("other"));
    assert_eq!(api.tmux.ask("other:7", "#{window_id}"), made.id);
    assert_eq!(
        refused(client.link_window(&made.id, &to).await),
        (409, "conflict".into())
    );
    assert_eq!(client.window(&made.id).await.unwrap().links.len(), 2);
    assert_eq!(client.windows().await.unwrap().len(), 3);
    let from = UnlinkFrom {
        session: Some("other".into()),
    };
    client.unlink_window(&made.id, &from).await.unwrap();
    assert_eq!(client.window(&made.id).await.unwrap().links.len(), 1);
    let last = client.unlink_window(&made.id, &UnlinkFrom::default()).await;
    assert_eq!(refused(last).0, 409);
    assert_eq!(client.window_panes(&made.id).await.unwrap().len(), 1);

    assert_eq!(
        client.delete_window(&made.id).await.unwrap().window,
        made.id
    );
    for gone in [made.id.as_str(), "@99", "nonsense", "main:0", ""] {
        assert_eq!(refused(client.window(gone).await).0, 404, "{gone}");
    }
    let nowhere = WindowCreate {
        start_directory: Some("/not/there".into()),
        ..WindowCreate::default()
    };
    assert_eq!(
        refused(client.create_window(&nowhere).await),
        (404, "no_folder".into())
    );
}

#[tokio::test]
async fn panes() {
    let api = Api::start();
    let mut client = api.client().await;
    let first = client
        .panes(&PaneFilter::default())
        .await
        .unwrap()
        .remove(0);
    let window = first.window_id.clone().unwrap();
    let beside = PaneCreate {
        window_id: window.clone(),
        horizontal: true,
        size: Some(PaneSize::Percent(Percent(25))),
        command: Some("exec cat".into()),
        ..PaneCreate::default()
    };
    let made = client.create_pane(&beside).await.unwrap();
    assert_eq!((made.size.x, made.active, made.position.x), (20, false, 60));
    let below = PaneCreate {
        window_id: window.clone(),
        target_pane_id: Some(made.id.clone()),
        size: Some(PaneSize::Cells(5)),
        ..PaneCreate::default()
    };
    let low = client.create_pane(&below).await.unwrap();
    assert_eq!((low.size.x, low.size.y), (20, 5));
    let filter = PaneFilter {
        window_id: Some(window),
    };
    assert_eq!(client.panes(&filter).await.unwrap().len(), 3);

    let resize = PaneResize {
        direction: Direction::U,
        amount: 2,
    };
    client.resize_pane(&low.id, &resize).await.unwrap();
    assert_eq!(client.pane(&low.id).await.unwrap().size.y, 7);
    client.select_pane(&made.id).await.unwrap();
    assert!(client.pane(&made.id).await.unwrap().active);

    client.send_keys(&made.id, &keys("hello")).await.unwrap();
    let plain = CaptureRange::default();
    let mut shown = String::new();
    for _ in 0..500 {
        shown = client.capture_pane(&made.id, &plain).await.unwrap().content;
        if shown.starts_with("hello\nhello\n") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(shown.starts_with("hello\nhello\n"), "{shown:?}");
    let line = CaptureRange {
        start: Some(0),
        end: Some(0),
        escapes: true,
    };
    assert_eq!(
        client.capture_pane(&made.id, &line).await.unwrap().content,
        "hello\n"
    );

    // As far as there is room: the other keeps a row. That one cannot be split.
    let all = PaneCreate {
        size: Some(PaneSize::Cells(1000)),
        ..below.clone()
    };
    client.create_pane(&all).await.unwrap();
    assert_eq!(client.pane(&made.id).await.unwrap().size.y, 1);
    assert_eq!(
        refused(client.create_pane(&below).await),
        (409, "conflict".into())
    );

    assert_eq!(client.delete_pane(&made.id).await.unwrap().pane, made.id);
    assert_eq!(
        refused(client.delete_pane(&made.id).await),
        (404, "no_pane".into())
    );
    assert_eq!(refused(client.send_keys("%77", &keys("x")).await).0, 404);
}

#[tokio::test]
async fn recordings_and_casts() {
    let api = Api::start();
    let mut client = api.client().await;
    let new = RecordingCreate {
        session_id: Some("main".into()),
        window_id: "first".into(),
        title: Some("A title".into()),
        ..RecordingCreate::default()
    };
    let (is_new, made) = client.create_recording(&new).await.unwrap();
    assert!(is_new && made.active);
    let (is_new, present) = client.create_recording(&new).await.unwrap();
    assert_eq!((is_new, &present.id), (false, &made.id));
    assert_eq!(client.recordings().await.unwrap().len(), 1);
    assert_eq!(client.recording(&made.id).await.unwrap().id, made.id);
    assert_eq!(client.recording("@0").await.unwrap().id, made.id);
    let label = MarkerCreate {
        label: "here".into(),
        ago: None,
    };
    client.mark(&made.id, &label).await.unwrap();
    let late = MarkerCreate {
        label: "there".into(),
        ago: Some(f64::MAX),
    };
    assert_eq!(refused(client.mark(&made.id, &late).await).0, 422);
    let nothing = NoteCreate::default();
    assert_eq!(refused(client.note(&made.id, &nothing).await).0, 422);
    let endless = RecordingPause { seconds: Some(0) };
    assert_eq!(refused(client.pause(&made.id, &endless).await).0, 422);
    let paused = client.pause(&made.id, &RecordingPause { seconds: Some(600) });
    let paused = paused.await.unwrap();
    assert_eq!((paused.state, paused.active), (State::Paused, true));
    assert!(
        paused
            .paused_until
            .is_some_and(|until| until > paused.started + 500)
    );
    let resumed = client.resume(&made.id).await.unwrap();
    assert_eq!(
        (resumed.state, resumed.paused_until),
        (State::Recording, None)
    );
    assert_eq!(refused(client.resume("none").await).0, 404);
    let stopped = client.stop_recording(&made.id).await.unwrap();
    assert_eq!(stopped.recording_id, made.id);
    assert_eq!(
        refused(client.recording(&made.id).await),
        (404, "no_recording".into())
    );
    assert_eq!(refused(client.stop_recording(&made.id).await).0, 404);
    let unknown = RecordingCreate {
        window_id: "@99".into(),
        ..RecordingCreate::default()
    };
    assert_eq!(refused(client.create_recording(&unknown).await).0, 404);

    let (header, _) = read_cast(&stopped.cast_path);
    assert_eq!(header["title"], "A title");
    let casts = client.casts(&CastFilter::default()).await.unwrap();
    assert_eq!((casts.len(), casts[0].active), (1, false));
    assert_eq!(casts[0].bytes, stopped.cast_path.metadata().unwrap().len());
    let mut reader = client.cast(&casts[0].path).await.unwrap();
    let mut read = Vec::new();
    while let Some(part) = reader.chunk().await.unwrap() {
        read.extend_from_slice(&part);
    }
    assert_eq!(read, std::fs::read(&stopped.cast_path).unwrap());
}

#[tokio::test]
async fn windows_of_any_name_are_recorded() {
    let api = Api::start();
    let mut client = api.client().await;
    // Names that tmux takes for a target's parts, or stores otherwise.
    let (session, name) = ("it's $HOME", "main.rs: $x | \\ #{pid} 漢");
    let wanted = SessionCreate {
        window_name: name.into(),
        ..SessionCreate::named(session)
    };
    client.create_session(&wanted).await.unwrap();
    let new = RecordingCreate {
        session_id: Some(session.into()),
        window_id: name.into(),
        ..RecordingCreate::default()
    };
    let (_, made) = client.create_recording(&new).await.unwrap();
    assert_eq!(made.session_id, session);
    assert_eq!(made.title.as_deref(), Some(name));
    assert_eq!(client.recording(&made.id).await.unwrap().id, made.id);
    client.stop_recording(&made.id).await.unwrap();
}

#[tokio::test]
async fn casts_stay_below_their_folder() {
    let api = Api::start();
    let folder = api.tvmux.folder();
    std::fs::write(folder.join("secret.cast"), "secret").unwrap();
    std::fs::write(folder.join("casts/plain.txt"), "no cast").unwrap();
    std::os::unix::fs::symlink(folder.join("secret.cast"), folder.join("casts/link.cast")).unwrap();
    for path in [
        "../secret.cast",
        "x/../../secret.cast",
        "/etc/passwd",
        "link.cast",
        "plain.txt",
        "none.cast",
        "",
        "\0.cast",
    ] {
        let client = api.client().await;
        let outcome = client.cast(path).await.map(drop);
        assert_eq!(refused(outcome).0, 404, "{path:?}");
    }
    let all = CastFilter::default();
    assert!(api.client().await.casts(&all).await.unwrap().is_empty());
}

#[tokio::test]
async fn compressed_casts_are_given_as_they_were() {
    let api = Api::start();
    let folder = api.tvmux.folder().join("casts");
    let mut plain = b"{\"version\": 2, \"width\": 80, \"height\": 24}\n".to_vec();
    for number in 0..60_000 {
        plain.extend(format!("[{number}.5, \"o\", \"line {number}\\r\\n\"]\n").into_bytes());
    }
    std::fs::write(folder.join("a.cast"), &plain).unwrap();
    api.tvmux.ok(["archive", "compress", "a.cast", "-q"]);
    // One of another program.
    std::fs::write(
        folder.join("b.cast.zst"),
        zstd::encode_all(&plain[..], 1).unwrap(),
    )
    .unwrap();
    // By the name that it had, too.
    for path in ["a.cast.zst", "a.cast", "b.cast.zst"] {
        let mut reader = api.client().await.cast(path).await.unwrap();
        let mut given = Vec::new();
        while let Some(chunk) = reader.chunk().await.unwrap() {
            given.extend_from_slice(&chunk);
        }
        assert!(given == plain, "{path}");
    }
}

#[tokio::test]
async fn hooks_of_the_users_stay_as_they_are() {
    let api = Api::start();
    let mut client = api.client().await;
    let own = ["set-hook", "-g", "window-renamed[3]", "set -g @own yes"];
    api.tmux.tmux(&own);
    let all = client.hooks().await.unwrap();
    assert!(
        all.iter()
            .any(|hook| hook.name == "session-created" && !hook.enabled)
    );
    let new = HookCreate::new("window-renamed", "set -g @ours 'a;b' ; set -g @second 1");
    let made = client.create_hook(&new).await.unwrap();
    assert!(made.enabled);
    assert_eq!(made.command, new.command);
    assert_eq!(made.commands.len(), 2, "{made:?}");
    assert_eq!(
        refused(client.create_hook(&new).await),
        (409, "hook_taken".into())
    );
    api.tmux.tmux(&["rename-window", "-t", "main:", "x"]);
    let option = |name: &str| api.tmux.tmux(&["show-options", "-gqv", name]);
    wait_until("both hooks have run", || {
        option("@own") == "yes" && option("@ours") == "a;b" && option("@second") == "1"
    });

    let change = HookUpdate {
        command: Some("set -g @ours changed".into()),
        description: Some("A test".into()),
        ..HookUpdate::default()
    };
    let changed = client.update_hook("window-renamed", &change).await.unwrap();
    assert_eq!(changed.description.as_deref(), Some("A test"));
    let off = HookUpdate {
        enabled: Some(false),
        ..HookUpdate::default()
    };
    let noted = client.replace_hook("window-renamed", &off).await.unwrap();
    assert_eq!((noted.enabled, noted.commands.len()), (false, 1));
    assert_eq!(noted.command, change.command);
    assert_eq!(client.hook("window-renamed").await.unwrap(), noted);
    client.delete_hook("window-renamed").await.unwrap();
    assert_eq!(refused(client.delete_hook("window-renamed").await).0, 404);
    let left = api.tmux.tmux(&["show-hooks", "-g", "window-renamed"]);
    assert_eq!(left, "window-renamed[3] set-option -g @own yes");

    let wrong = HookCreate::new("window-renamed", "no-such-command");
    assert_eq!(
        refused(client.create_hook(&wrong).await),
        (409, "hook_refused".into())
    );
    let none = HookCreate::new("no-such-hook", "display x");
    assert_eq!(
        refused(client.create_hook(&none).await),
        (404, "no_hook".into())
    );
}

#[tokio::test]
async fn the_history_takes_events_of_clients() {
    let api = Api::start();
    let mut client = api.client().await;
    let event = CallbackEvent {
        hook_name: "my-hook".into(),
        // What tmux says when there is none.
        window_id: Some(String::new()),
        window_index: Some(String::new()),
        ..CallbackEvent::default()
    };
    let made = client.create_callback(&event).await.unwrap();
    assert_eq!((made.window_id, made.window_index), (None, Some("".into())));
    let made = client.callback(&made.id).await.unwrap();
    let second = client.create_callback(&event).await.unwrap();
    let ids: Vec<_> = client
        .callbacks()
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(ids, [second.id.clone(), made.id.clone()]);
    assert_eq!(client.callback(&made.id).await.unwrap(), made);
    client.delete_callback(&made.id).await.unwrap();
    assert_eq!(
        refused(client.callback(&made.id).await),
        (404, "no_event".into())
    );
    // Nobody needs to know: nothing is looked at.
    let received = client.receive_hook(&event).await.unwrap();
    assert_eq!(received.action, HookAction::None);
}

#[tokio::test]
async fn any_tmux_server_is_reached() {
    let api = Api::start();
    let other = super::support::TestTmux::start("exec cat");
    other.tmux(&["rename-session", "-t", "main", "elsewhere"]);
    let mut client = api.client().await.for_tmux(other.socket());
    assert_eq!(client.sessions().await.unwrap()[0].name, "elsewhere");
    drop(other);
    // It was there, and is gone.
    assert_eq!(
        refused(client.sessions().await),
        (503, "no_tmux_server".into())
    );
    let mut nowhere = api.client().await.for_tmux(api.tvmux.folder().join("none"));
    assert_eq!(
        refused(nowhere.sessions().await),
        (404, "no_tmux_server".into())
    );
    let named = SessionCreate::named("x");
    assert_eq!(refused(nowhere.create_session(&named).await).0, 404);
    let mut bad = api.client().await.for_tmux("not/absolute");
    assert_eq!(refused(bad.sessions().await), (422, "invalid".into()));
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_and_started_for_a_session() {
    let api = Api::start();
    let mut client = api.client().await;
    client.sessions().await.unwrap();
    api.tmux.tmux(&["kill-server"]);
    // The socket stays behind.
    wait_until("the server has ended", || {
        std::os::unix::net::UnixStream::connect(api.tmux.socket()).is_err()
    });
    assert_eq!(refused(client.panes(&PaneFilter::default()).await).0, 503);
    let made = client
        .create_session(&SessionCreate::named("again"))
        .await
        .unwrap();
    assert_eq!(client.sessions().await.unwrap(), [made]);
    api.tmux.tmux(&["kill-server"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let api = Api::start();
    let mut client = api.client().await;
    for (target, body, status) in [
        ("/sessions", r#"{"name": ""}"#, 422),
        ("/sessions", r#"{"name": "a:b"}"#, 422),
        ("/sessions", r#"{"name": "a.b"}"#, 422),
        ("/sessions", r#"{"name": "a\nb"}"#, 422),
        ("/sessions", r#"{"name": "a\u0000b"}"#, 422),
        ("/sessions", r#"{"nom": "a"}"#, 422),
        ("/sessions", r#"{"name": 7}"#, 422),
        ("/sessions", r#"{"name": "#, 400),
        ("/sessions", "", 400),
        ("/callbacks", r#"["a"]"#, 422),
        ("/windows", " []", 422),
        ("/sessions", r#"{"name": "a", "start_directory": "b"}"#, 422),
        ("/windows", r#"{"command": ""}"#, 422),
        ("/panes", r#"{"window_id": "@0", "size": 0}"#, 422),
        ("/panes", r#"{"window_id": "@0", "size": "0%"}"#, 422),
        ("/panes", r#"{"window_id": "@0", "size": "100%"}"#, 422),
        ("/panes/%250/resize", r#"{"direction": "X"}"#, 422),
        ("/panes/%250/send-keys", r#"{"keys": "\u0000"}"#, 422),
        ("/windows/@0/link", "{}", 422),
    ] {
        let body = body.as_bytes().to_vec();
        let sent = client
            .send(hyper::Method::POST, target, Some(body.clone()), &[])
            .await;
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(refused(sent.map(drop)).0, status, "{target} {shown}");
    }
    for (target, status) in [
        ("/panes/%250/capture?start=x", 422),
        ("/panes/%250/capture?start=99999", 422),
        ("/events?after=x", 422),
        ("/nothing", 404),
        ("/sessions/main/nothing", 404),
    ] {
        let sent = client.send(hyper::Method::GET, target, None, &[]).await;
        assert_eq!(refused(sent.map(drop)).0, status, "{target}");
    }
    let sent = client
        .send(hyper::Method::PUT, "/sessions", None, &[])
        .await;
    assert_eq!(refused(sent.map(drop)), (405, "no_method".into()));
    // With and without a slash, and ids as they are.
    for target in [
        "/sessions/",
        "/panes/%0",
        "/panes/%250/",
        "/windows/@0",
        "/sessions/$0/windows/",
    ] {
        client
            .send(hyper::Method::GET, target, None, &[])
            .await
            .unwrap();
    }
}
