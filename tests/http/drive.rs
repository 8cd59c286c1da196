//! Typing, pasting and waiting, as programs that drive a pane do it.

use tvmux::api::{
    ErrorBody, PaneInput, PanePaste, PaneSendKeys, PaneWait, PaneWaited, RecordingCreate,
    WaitOutcome,
};
use tvmux::client::{Client, Error};

use super::Api;
use super::support::tvmux::recorded;
use super::support::wait_until;

/// What a refusal says.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u16, ErrorBody) {
    match outcome {
        Err(Error::Refused { status, body }) => (status, body),
        other => panic!("not refused: {other:?}"),
    }
}

fn typed(keys: &str) -> PaneSendKeys {
    PaneSendKeys {
        keys: keys.to_owned(),
        enter: true,
        literal: true,
        leave_mode: false,
    }
}

fn for_text(text: &str) -> PaneWait {
    PaneWait {
        text: Some(text.to_owned()),
        ..PaneWait::default()
    }
}

impl Api {
    /// A new pane that runs this shell script, once it has printed `ready`.
    async fn pane(&self, client: &mut Client, script: &str) -> String {
        let format = ["-P", "-F", "#{pane_id}"];
        let command = [&["new-window", "-d", "-t", "main:"], &format[..], &[script]].concat();
        let pane = self.tmux.tmux(&command);
        let waited = client.wait(&pane, &for_text("ready")).await.unwrap();
        assert_eq!(waited.outcome, WaitOutcome::Text, "{waited:?}");
        pane
    }
}

#[tokio::test]
async fn keys_that_would_not_arrive_are_refused_with_the_panes_state() {
    let api = Api::start();
    let mut client = api.client().await;
    let pane = api.pane(&mut client, "echo ready; exec cat").await;
    for (command, mode) in [
        ("copy-mode", "copy-mode"),
        ("choose-tree", "tree-mode"),
        ("clock-mode", "clock-mode"),
    ] {
        api.tmux.tmux(&[command, "-t", &pane]);
        let lost = format!("lost in {mode}");
        let (status, body) = refusal(client.send_keys(&pane, &typed(&lost)).await);
        let in_mode = PaneInput {
            mode: Some(mode.to_owned()),
            ..PaneInput::default()
        };
        assert_eq!((status, body.code.as_str()), (409, "pane_in_mode"));
        assert_eq!(body.pane, Some(in_mode));
        assert!(body.message.contains(mode), "{}", body.message);
        let text = PanePaste {
            text: lost.clone(),
            ..PanePaste::default()
        };
        assert_eq!(refusal(client.paste(&pane, &text).await).0, 409);
        let keys = PaneWait {
            keys: Some(lost.clone()),
            ..for_text("x")
        };
        assert_eq!(refusal(client.wait(&pane, &keys).await).0, 409);

        let found = format!("found after {mode}");
        let leaving = PaneSendKeys {
            leave_mode: true,
            ..typed(&found)
        };
        client.send_keys(&pane, &leaving).await.unwrap();
        let shown = client.wait(&pane, &for_text(&found)).await.unwrap();
        assert!(!shown.content.contains(&lost), "{shown:?}");
        assert_eq!(api.tmux.ask(&pane, "#{pane_mode}"), "");
    }

    api.tmux.tmux(&["select-pane", "-d", "-t", &pane]);
    let leaving = PaneSendKeys {
        leave_mode: true,
        ..typed("lost")
    };
    let (status, body) = refusal(client.send_keys(&pane, &leaving).await);
    assert_eq!((status, body.code.as_str()), (409, "pane_input_off"));
    assert!(body.pane.unwrap().off);
    api.tmux.tmux(&["select-pane", "-e", "-t", &pane]);

    api.tmux
        .tmux(&["set-option", "-w", "-t", &pane, "remain-on-exit", "on"]);
    api.tmux.tmux(&["send-keys", "-t", &pane, "C-d"]);
    wait_until("the program has ended", || {
        api.tmux.ask(&pane, "#{pane_dead}") == "1"
    });
    let (status, body) = refusal(client.send_keys(&pane, &leaving).await);
    assert_eq!((status, body.code.as_str()), (409, "pane_dead"));
    assert!(body.pane.unwrap().dead);
    assert_eq!(refusal(client.wait(&pane, &for_text("x")).await).0, 409);
}

#[tokio::test]
async fn a_paste_has_brackets_where_the_program_asks_for_them() {
    let api = Api::start();
    let mut client = api.client().await;
    let paste = PanePaste {
        text: "one\ntwo".into(),
        enter: true,
        ..PanePaste::default()
    };
    for (script, shown) in [
        (
            "printf '\\033[?2004h'; echo ready; exec cat -v",
            "^[[200~one",
        ),
        ("echo ready; exec cat -v", "one"),
    ] {
        let pane = api.pane(&mut client, script).await;
        client.paste(&pane, &paste).await.unwrap();
        // As it was echoed, and as the program has read it.
        let twice = PaneWait {
            regex: Some(format!("(?s)\\n{0}\\n.*\\n{0}\\n", regex_escape(shown))),
            ..PaneWait::default()
        };
        let waited = client.wait(&pane, &twice).await.unwrap();
        assert_eq!(waited.outcome, WaitOutcome::Regex, "{waited:?}");
        assert_eq!(waited.content.contains("201~"), shown != "one");
    }
    assert_eq!(api.tmux.tmux(&["list-buffers"]), "", "no buffer is left");
}

fn regex_escape(text: &str) -> String {
    text.replace('[', "\\[").replace('^', "\\^")
}

#[tokio::test]
async fn a_paste_arrives_as_it_was_sent_whatever_is_in_it() {
    let api = Api::start();
    let mut client = api.client().await;
    let hostile = "a'b\"c $(touch pwned) `touch pwned` #(touch pwned) #{pane_id} #S ##[x] %H \
                   \\; ; \t\u{1}\u{3}\u{1b}[A é漢😀 ~/* !! -- ;";
    let long = "0123456789 é漢😀;\n".repeat(3000);
    for (number, text) in [hostile, ";", "-x", "\u{1b}[200~", &long]
        .into_iter()
        .enumerate()
    {
        let file = api.tvmux.folder().join(format!("pasted-{number}"));
        let script = format!("stty raw -echo; echo ready; exec cat >{}", file.display());
        let pane = api.pane(&mut client, &script).await;
        let paste = PanePaste {
            text: text.to_owned(),
            ..PanePaste::default()
        };
        client.paste(&pane, &paste).await.unwrap();
        let expected = text.replace('\n', "\r");
        wait_until("the text has arrived", || {
            std::fs::read(&file).is_ok_and(|read| read.len() >= expected.len())
        });
        let read = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
        assert!(
            read == expected,
            "{number}: {} of {}",
            read.len(),
            expected.len()
        );
    }
    for end in ["x\u{1b}[201~touch pwned\n", "x\u{9b}201~touch pwned\n"] {
        let breaking_out = PanePaste {
            text: end.to_owned(),
            ..PanePaste::default()
        };
        let (status, body) = refusal(client.paste("%0", &breaking_out).await);
        assert_eq!(status, 422);
        assert!(
            body.message.contains("end of a bracketed paste"),
            "{}",
            body.message
        );
    }
    let nobody = PanePaste {
        text: "x".into(),
        ..PanePaste::default()
    };
    assert_eq!(refusal(client.paste("%99", &nobody).await).0, 404);
    assert_eq!(api.tmux.tmux(&["list-buffers"]), "", "no buffer is left");
    assert!(!api.tvmux.folder().join("pwned").exists());
}

#[tokio::test]
async fn a_wait_ends_with_the_text_or_the_expression() {
    let api = Api::start();
    let mut client = api.client().await;
    let pane = api.pane(&mut client, "echo ready; exec cat").await;
    let keys = |keys: &str| Some(keys.to_owned());
    // Longer than a row.
    let long = "a long line ".repeat(20);
    let wait = PaneWait {
        keys: keys(&long),
        ..for_text(long.trim_end())
    };
    let waited = client.wait(&pane, &wait).await.unwrap();
    assert_eq!((waited.outcome, &waited.pane), (WaitOutcome::Text, &pane));
    assert!(waited.content.contains(long.trim_end()), "{waited:?}");
    let wait = PaneWait {
        keys: keys("done 42"),
        regex: Some(r"^done \d+$".into()),
        text: Some("never".into()),
        ..PaneWait::default()
    };
    let waited = client.wait(&pane, &wait).await.unwrap();
    assert_eq!(waited.outcome, WaitOutcome::Regex);
    let late = PaneWait {
        timeout_ms: 300,
        ..for_text("never")
    };
    let waited = client.wait(&pane, &late).await.unwrap();
    assert_eq!(waited.outcome, WaitOutcome::TimedOut);
    assert!(waited.elapsed_ms >= 300 && waited.content.contains("done 42"));
    let at_once = PaneWait {
        timeout_ms: 0,
        ..for_text("done")
    };
    let waited = client.wait(&pane, &at_once).await.unwrap();
    assert_eq!(waited.outcome, WaitOutcome::Text);
    assert_eq!(api.tmux.tmux(&["list-clients"]), "");

    let regex = |regex: &str| PaneWait {
        regex: Some(regex.to_owned()),
        ..PaneWait::default()
    };
    for wrong in [
        PaneWait::default(),
        regex("("),
        regex("((a{1000}){1000}){1000}"),
        for_text(""),
        PaneWait {
            timeout_ms: 600_001,
            ..for_text("x")
        },
    ] {
        assert_eq!(
            refusal(client.wait(&pane, &wrong).await).0,
            422,
            "{wrong:?}"
        );
    }
    assert_eq!(refusal(client.wait("%99", &for_text("x")).await).0, 404);
}

#[tokio::test]
async fn a_wait_ends_with_the_silence_of_the_pane() {
    let api = Api::start();
    let mut client = api.client().await;
    let stop = api.tvmux.folder().join("stop");
    let script = format!(
        "while [ ! -e {} ]; do echo ready $((i += 1)); done; echo finished; exec cat",
        stop.display()
    );
    let pane = api.pane(&mut client, &script).await;
    let quiet = PaneWait {
        quiet_ms: Some(5000),
        timeout_ms: 5500,
        ..PaneWait::default()
    };
    let waited = client.wait(&pane, &quiet).await.unwrap();
    assert_eq!(waited.outcome, WaitOutcome::TimedOut, "it is not quiet");
    std::fs::write(stop, "").unwrap();
    client.wait(&pane, &for_text("finished")).await.unwrap();
    let quiet = PaneWait {
        quiet_ms: Some(300),
        ..PaneWait::default()
    };
    let waited = client.wait(&pane, &quiet).await.unwrap();
    assert_eq!(waited.outcome, WaitOutcome::Quiet);
    assert!(waited.elapsed_ms >= 300);
}

/// A shell that tells where its commands begin and end.
const SHELL: &str = "echo ready; while read -r line; do printf '\\033]133;C\\007'; \
                     sh -c \"$line\"; printf '\\033]133;D;%d\\033\\\\' $?; done";

#[tokio::test]
async fn a_wait_ends_with_the_command() {
    let api = Api::start();
    let mut client = api.client().await;
    let pane = api.pane(&mut client, SHELL).await;
    let run = |command: &str| PaneWait {
        keys: Some(command.to_owned()),
        command_ended: true,
        ..PaneWait::default()
    };
    let ended = |waited: PaneWaited| {
        assert_eq!(waited.outcome, WaitOutcome::CommandEnded, "{waited:?}");
        waited.exit_status
    };
    assert_eq!(
        ended(client.wait(&pane, &run("exit 3")).await.unwrap()),
        Some(3)
    );
    wait_until("the pane has no pipe", || {
        api.tmux.ask(&pane, "#{pane_pipe}#{@tvmux_pipe}") == "0"
    });

    // A recording has the pipe, and keeps it.
    let window = api.tmux.ask(&pane, "#{window_id}");
    let new = RecordingCreate {
        window_id: window,
        ..RecordingCreate::default()
    };
    let (_, recording) = client.create_recording(&new).await.unwrap();
    let waited = client
        .wait(&pane, &run("echo recorded; exit 4"))
        .await
        .unwrap();
    assert!(waited.content.contains("recorded"));
    assert_eq!(ended(waited), Some(4));
    let format = "#{pane_id}";
    let split = [
        "split-window",
        "-d",
        "-t",
        &pane,
        "-P",
        "-F",
        format,
        "exec cat",
    ];
    let beside = api.tmux.tmux(&split);
    let (status, body) = refusal(client.wait(&beside, &run("x")).await);
    assert_eq!((status, body.code.as_str()), (409, "pane_busy"));
    api.tmux.tmux(&["kill-pane", "-t", &beside]);
    let stopped = client.stop_recording(&recording.id).await.unwrap();
    assert_eq!(stopped.recording.gaps, 0);
    let cast = recorded(stopped.cast_path.as_ref());
    assert!(cast.contains("133;D;4"), "{cast}");

    // So has somebody else.
    api.tmux
        .tmux(&["pipe-pane", "-t", &pane, "exec cat >/dev/null"]);
    let (status, body) = refusal(client.wait(&pane, &run("exit 5")).await);
    assert_eq!((status, body.code.as_str()), (409, "pane_busy"));
    assert_eq!(api.tmux.ask(&pane, "#{pane_pipe}"), "1");
}

#[tokio::test]
async fn a_pane_that_goes_ends_the_wait() {
    let api = Api::start();
    let mut client = api.client().await;
    let pane = api.pane(&mut client, "echo ready; exec cat").await;
    let wait = for_text("never");
    let waited = {
        let pane = pane.clone();
        tokio::spawn(async move { client.wait(&pane, &wait).await })
    };
    api.tmux.tmux(&["kill-pane", "-t", &pane]);
    let (status, body) = refusal(waited.await.unwrap());
    assert_eq!((status, body.code.as_str()), (404, "no_pane"));
}

#[tokio::test]
async fn waits_are_bounded() {
    let api = Api::start();
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..65 {
        let mut client = api.client().await;
        waits.spawn(async move { client.wait("%0", &for_text("never")).await });
    }
    // One finds no room; the others wait.
    let (status, body) = refusal(waits.join_next().await.unwrap().unwrap());
    assert_eq!((status, body.code.as_str()), (503, "too_many_waits"));
    waits.shutdown().await;
    let mut client = api.client().await;
    let at_once = PaneWait {
        timeout_ms: 0,
        ..for_text("never")
    };
    let end = std::time::Instant::now() + super::support::DEADLINE;
    while client.wait("%0", &at_once).await.is_err() {
        assert!(std::time::Instant::now() < end, "there is room again");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
