//! The live feed, and the history.

use tvmux::api::{CallbackEvent, Event, EventKind, HookAction, RecordingCreate};
use tvmux::client::EventFeed;

use super::Api;
use super::support::DEADLINE;

/// Waits as [`super::support::wait_until`], and lets tasks run meanwhile: one of
/// them closes the client's connection.
async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + DEADLINE;
    while !condition() {
        assert!(std::time::Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Reads events until one of this kind comes.
async fn until(events: &mut EventFeed, kind: EventKind) -> Event {
    let found = async {
        loop {
            let event = events.next().await.unwrap().expect("the feed goes on");
            if event.kind == kind {
                return event;
            }
        }
    };
    tokio::time::timeout(DEADLINE, found)
        .await
        .unwrap_or_else(|_| panic!("no {} came", kind.name()))
}

/// Whether anything of the watch is in tmux.
fn is_watched(api: &Api) -> bool {
    api.tmux.hooks().contains("[9137]")
}

#[tokio::test]
async fn what_changes_in_tmux_is_told() {
    let api = Api::start();
    assert!(!is_watched(&api));
    let mut events = api.client().await.events(None).await.unwrap();
    let ready = events.next().await.unwrap().unwrap();
    assert_eq!(ready.kind, EventKind::Ready);
    assert!(is_watched(&api));

    let names = ["a\tb \\ c $HOME", "a b \\ c $HOME"];
    let name = names.iter().find(|name| api.tmux.takes_name(name)).unwrap();
    api.tmux.tmux(&["rename-window", "-t", "main:", name]);
    let renamed = until(&mut events, EventKind::WindowRenamed).await;
    assert_eq!(renamed.window.as_deref(), Some(*name));
    assert!(renamed.sequence > ready.sequence);
    api.tmux.tmux(&["split-window", "-t", "main:", "exec cat"]);
    let made = until(&mut events, EventKind::PaneCreated).await;
    assert_eq!(made.pane_id.as_deref(), Some("%1"));
    assert_eq!(made.session.as_deref(), Some("main"));
    api.tmux.tmux(&["kill-pane", "-t", "%1"]);
    let closed = until(&mut events, EventKind::PaneClosed).await;
    assert_eq!(closed.pane_id, made.pane_id);
    api.tmux
        .tmux(&["new-session", "-d", "-s", "more", "exec cat"]);
    until(&mut events, EventKind::SessionCreated).await;
    api.tmux.tmux(&["rename-session", "-t", "more", "other"]);
    let renamed = until(&mut events, EventKind::SessionRenamed).await;
    assert_eq!(renamed.session.as_deref(), Some("other"));
    api.tmux.tmux(&["kill-session", "-t", "other"]);
    until(&mut events, EventKind::SessionClosed).await;

    // The history has the same, newest first.
    let history = api.client().await.callbacks().await.unwrap();
    let names: Vec<_> = history.iter().map(|one| one.hook_name.as_str()).collect();
    let place = |name: &str| names.iter().position(|one| *one == name).unwrap();
    assert!(
        place("session-closed") < place("session-created"),
        "{names:?}"
    );
    assert!(
        place("session-created") < place("after-split-window"),
        "{names:?}"
    );
    let event = CallbackEvent {
        hook_name: "x".into(),
        ..CallbackEvent::default()
    };
    let received = api.client().await.receive_hook(&event).await.unwrap();
    assert_eq!(received.action, HookAction::Look);

    // Nobody listens any more: nothing is left in tmux.
    drop(events);
    wait_until("the hooks are gone", || !is_watched(&api)).await;
}

#[tokio::test]
async fn recordings_are_told_and_a_feed_goes_on_where_it_was() {
    let api = Api::start();
    let mut events = api.client().await.events(None).await.unwrap();
    let mut client = api.client().await;
    let new = RecordingCreate {
        window_id: "@0".into(),
        ..RecordingCreate::default()
    };
    let (_, recording) = client.create_recording(&new).await.unwrap();
    let started = until(&mut events, EventKind::RecordingStarted).await;
    assert_eq!(started.recording.unwrap().id, recording.id);
    drop(events);
    client.stop_recording(&recording.id).await.unwrap();

    let after = Some(started.sequence);
    let mut again = api.client().await.events(after).await.unwrap();
    assert_eq!(again.next().await.unwrap().unwrap().kind, EventKind::Ready);
    let stopped = until(&mut again, EventKind::RecordingStopped).await;
    let recording = stopped.recording.unwrap();
    assert!(!recording.active);
    assert!(stopped.sequence > started.sequence);
    // Of an earlier run, or of none.
    for number in [1, u64::MAX] {
        let mut lost = api.client().await.events(Some(number)).await.unwrap();
        assert_eq!(lost.next().await.unwrap().unwrap().kind, EventKind::Reset);
    }
}

#[tokio::test]
async fn a_feed_ends_with_its_tmux_server() {
    let api = Api::start();
    let mut events = api.client().await.events(None).await.unwrap();
    events.next().await.unwrap();
    api.tmux.tmux(&["kill-server"]);
    until(&mut events, EventKind::ServerGone).await;
    assert!(events.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_feed_ends_with_the_daemon() {
    let mut api = Api::start();
    let mut events = api.client().await.events(None).await.unwrap();
    events.next().await.unwrap();
    let ended = tokio::spawn(async move { events.next().await });
    tokio::task::spawn_blocking(move || {
        api.tvmux.end_server(nix::sys::signal::Signal::SIGTERM);
        api
    })
    .await
    .unwrap();
    let last = tokio::time::timeout(DEADLINE, ended)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(last, Ok(None) | Err(_)), "{last:?}");
}

#[tokio::test]
async fn a_recording_keeps_the_watch_when_the_last_listener_leaves() {
    let api = Api::start();
    let events = api.client().await.events(None).await.unwrap();
    let mut client = api.client().await;
    let new = RecordingCreate {
        window_id: "@0".into(),
        ..RecordingCreate::default()
    };
    let (_, recording) = client.create_recording(&new).await.unwrap();
    let listens = || api.tmux.hooks().contains("window-renamed[9137]");
    assert!(listens());
    drop(events);
    wait_until("names are no longer listened for", || !listens()).await;
    assert!(is_watched(&api), "the recording needs the watch");
    client.stop_recording(&recording.id).await.unwrap();
    wait_until("the hooks are gone", || !is_watched(&api)).await;
}
