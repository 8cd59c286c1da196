//! The live feed, and the history.

use tvmux::api::{Event, EventKind, RecordingCreate};
use tvmux::client::EventReader;

use super::Api;
use super::support::DEADLINE;

/// Reads events until one of this kind comes.
async fn until(events: &mut EventReader, kind: EventKind) -> Event {
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
    let hooks = api.tmux.tmux(&["show-hooks", "-g"]) + &api.tmux.tmux(&["show-hooks", "-gw"]);
    hooks.contains("[9137]")
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
