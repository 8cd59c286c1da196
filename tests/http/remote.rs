//! Remote models, and the connection to the daemon.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tvmux::api::{EventKind, Layout, Session, Window};
use tvmux::client::{Client, Connection, ConnectionError, Error, Remote};
use tvmux::folders::Folders;
use tvmux::tmux::WindowId;
use tvmux::tmux::control::{display_name, resolve_id};

use super::Api;
use super::support::tvmux::Tvmux;
use super::support::{DEADLINE, TestTmux};

#[tokio::test]
async fn changes_are_written_at_once_or_together() {
    let api = Api::start();
    api.tmux.tmux(&["split-window", "-t", "main:", "exec cat"]);
    let name = || api.tmux.ask("main:", "#{window_name}");
    let mut client = api.client().await;
    let mut window = Remote::<Window>::get(&mut client, "@0").await.unwrap();
    assert_eq!((window.model().panes, window.dirty_fields().len()), (2, 0));
    window.set_name("at once").await.unwrap();
    assert_eq!(name(), "at once");
    assert!(window.dirty_fields().is_empty());

    let mut together = window.transaction();
    together.remote().set_name("together").await.unwrap();
    together
        .remote()
        .set_layout(Layout::EvenHorizontal)
        .await
        .unwrap();
    assert_eq!(together.remote().dirty_fields(), ["name", "layout"]);
    assert_eq!(name(), "at once", "nothing is written before the commit");
    together.commit().await.unwrap();
    assert_eq!(name(), "together");
    assert!(window.model().layout.contains('{'), "{:?}", window.model());
    assert!(window.dirty_fields().is_empty());

    let mut dropped = window.transaction();
    dropped.remote().set_name("never").await.unwrap();
    drop(dropped);
    assert!(window.dirty_fields().is_empty());
    window.commit().await.unwrap();
    assert_eq!(name(), "together");
    // What is as it was is not written.
    window.set_name("together").await.unwrap();
    assert!(window.dirty_fields().is_empty());

    api.tmux
        .tmux(&["rename-window", "-t", "@0", "from elsewhere"]);
    window.refresh().await.unwrap();
    assert_eq!(window.model().name, "from elsewhere");
}

#[tokio::test]
async fn what_could_not_be_written_stays_dirty() {
    let api = Api::start();
    api.tmux
        .tmux(&["new-session", "-d", "-s", "taken", "exec cat"]);
    let mut client = api.client().await;
    let mut session = Remote::<Session>::get(&mut client, "main").await.unwrap();
    let refused = session.set_name("taken").await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused { status: 409, .. }),
        "{refused:?}"
    );
    assert_eq!(session.dirty_fields(), ["name"]);
    session.revert();
    assert!(session.dirty_fields().is_empty());
    session.set_name("free").await.unwrap();
    assert_eq!(session.model().name, "free");
}

#[tokio::test]
async fn a_connection_knows_starts_and_ends_the_daemon() {
    let mut user = Tvmux::new();
    let base = user.folder().to_owned();
    let folders = Folders::at(base.join("run/tvmux"), base.join("state/tvmux"));
    let connection = Connection::new(folders.clone(), env!("CARGO_BIN_EXE_tvmux"));
    assert!(!connection.is_running().await);
    assert_eq!(connection.server_pid().await, None);
    assert!(matches!(
        connection.client().await,
        Err(Error::NotRunning { .. })
    ));
    assert!(!connection.stop().await.unwrap(), "there is nothing to end");

    let pid = user.start_server();
    assert!(connection.is_running().await);
    assert_eq!(connection.server_pid().await, Some(pid as i32));
    let info = connection.client().await.unwrap().info().await.unwrap();
    let address = info.address.unwrap().parse().unwrap();
    let token = folders.read_token().unwrap();
    let mut tcp = Client::connect_tcp(address, Some(token)).await.unwrap();
    assert_eq!(tcp.version().await.unwrap().version, info.version);
    let mut stranger = Client::connect_tcp(address, None).await.unwrap();
    let refused = stranger.version().await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused { status: 401, .. }),
        "{refused:?}"
    );

    user.end_server(nix::sys::signal::Signal::SIGTERM);
    assert!(!connection.is_running().await);
    let nothing = Connection::new(folders, "/not/there/tvmux");
    assert!(matches!(
        nothing.start(false),
        Err(ConnectionError::Io { .. })
    ));
}

#[tokio::test]
async fn windows_are_found_by_what_people_call_them() {
    let tmux = TestTmux::start("exec cat");
    tmux.tmux(&["rename-window", "-t", "main:", "the editor"]);
    tmux.tmux(&["new-window", "-d", "-t", "main:7", "exec cat"]);
    tmux.tmux(&["rename-window", "-t", "main:7", ""]);
    let server = tmux.server();
    for name in ["the editor", "@0"] {
        let window = resolve_id(server, "main", name).await.unwrap();
        assert_eq!(window, WindowId(0), "{name}");
        assert_eq!(display_name(server, window).await.unwrap(), "the editor");
    }
    let window = resolve_id(server, "main", "7").await.unwrap();
    assert_eq!(
        display_name(server, window).await.unwrap(),
        window.to_string()
    );
    for (session, window) in [("main", "nobody"), ("nobody", "7")] {
        let error = resolve_id(server, session, window).await.unwrap_err();
        assert!(
            matches!(error, tvmux::tmux::Error::Missing { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_is_told_and_waited_for_no_longer() {
    let api = Api::start();
    let mut client = api.client().await;
    let mut events = api.client().await.events(None).await.unwrap();
    events.next().await.unwrap().unwrap();
    let daemon = Pid::from_raw(client.server_pid().unwrap());
    kill(daemon, Signal::SIGSTOP).unwrap();
    let told = tokio::time::timeout(DEADLINE, client.info()).await.unwrap();
    let stranger = api.client().await.info().await;
    let feed = tokio::time::timeout(DEADLINE, events.next()).await.unwrap();
    kill(daemon, Signal::SIGCONT).unwrap();
    let error = told.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains(&format!("kill -CONT {daemon}")),
        "{message}"
    );
    assert!(
        matches!(stranger, Err(Error::NoAnswer { .. })),
        "{stranger:?}"
    );
    assert!(matches!(feed, Err(Error::NoAnswer { .. })), "{feed:?}");
    // And when it goes on, so does everything else.
    assert_eq!(
        api.client().await.info().await.unwrap().pid,
        daemon.as_raw() as u32
    );
}

#[tokio::test]
async fn clients_come_back_to_a_daemon_that_was_started_again() {
    let mut api = Api::start();
    let mut client = api.client().await;
    let before = client.info().await.unwrap().pid;
    let mut events = api.client().await.events(None).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().kind, EventKind::Ready);
    let reader = tokio::spawn(async move {
        let again = events.next().await.unwrap().unwrap();
        (again, events)
    });
    api.tvmux.end_server(Signal::SIGTERM);
    api.tvmux.start_server();
    let (again, mut events) = reader.await.unwrap();
    assert!(
        matches!(again.kind, EventKind::Ready | EventKind::Reset),
        "{again:?}"
    );
    assert_ne!(client.info().await.unwrap().pid, before);
    api.tmux.tmux(&["rename-window", "-t", "main:", "after"]);
    let renamed = async {
        loop {
            let event = events.next().await.unwrap().expect("the feed goes on");
            if event.kind == EventKind::WindowRenamed {
                return event;
            }
        }
    };
    let renamed = tokio::time::timeout(DEADLINE, renamed).await.unwrap();
    assert_eq!(renamed.window.as_deref(), Some("after"));
}
