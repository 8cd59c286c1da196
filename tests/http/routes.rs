//! Every route, through the typed client, against a real tmux.

use tvmux::api::{
    ActionStatus, CallbackEvent, HookAction, HookCreate, HookUpdate, MarkerCreate, PaneSendKeys,
    RecordingCreate, SessionCreate, SessionUpdate,
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
    assert_eq!(client.openapi().await.unwrap(), tvmux::http::document());

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
    };
    client.mark(&made.id, &label).await.unwrap();
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
    let casts = client.casts().await.unwrap();
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
        window_index: Some(String::new()),
        ..CallbackEvent::default()
    };
    let made = client.create_callback(&event).await.unwrap();
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
