//! Nothing is lost, nothing is doubled.

use crate::support::tvmux::{CastEvent, Tvmux, markers_of, read_cast};
use crate::support::{TestTmux, wait_for, wait_until};

/// A shell command that prints numbered lines forever.
pub const COUNTER: &str = "exec awk 'BEGIN { for (i = 1; ; i++) printf \"line %d end\\n\", i }'";

/// The numbers of the whole lines in a stretch of output.
pub fn numbers(output: &str) -> Vec<u64> {
    output
        .split("\r\n")
        .filter_map(|line| {
            line.strip_prefix("line ")?
                .strip_suffix(" end")?
                .parse()
                .ok()
        })
        .collect()
}

/// The screen that a snapshot paints, and the output up to the next one.
pub fn stretches(events: &[CastEvent]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut painted_at = None;
    for event in events.iter().filter(|event| event.code == 'o') {
        // How the painting of every snapshot begins.
        if event.data.starts_with("\u{18}\u{1b}\\") {
            all.push((String::new(), String::new()));
            painted_at = Some(event.time);
        }
        let (painted, output) = all.last_mut().expect("a cast begins with a snapshot");
        // One that goes on in the next page has the same time there; what is
        // read from a pipe afterwards has a later one.
        if painted_at == Some(event.time) {
            painted.push_str(&event.data);
        } else {
            output.push_str(&event.data);
        }
    }
    all
}

/// A pane that prints much and exits. On a busy machine tmux itself does not
/// always read the last few kilobytes of what the pane has printed, with any
/// pipe and with none; so its own screen says how far it has come: with
/// `remain-on-exit` that stays.
#[test]
fn fifty_megabytes_and_exit_are_all_there() {
    const LINES: u64 = 6_000_000;
    let tmux = TestTmux::start("");
    // The check at the end takes long in a build that is not optimised.
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    tvmux.start_server();
    tmux.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    tmux.tmux(&[
        "new-window",
        "-t",
        "main:",
        "-n",
        "flood",
        &format!("read go; exec seq 1 {LINES}"),
    ]);
    let recording = tvmux.record(&tmux, &[]);
    tmux.tmux(&["send-keys", "-t", "main:flood", "go", "Enter"]);
    let recorded = || tvmux.recordings().first().map(|now| now["bytes"].clone());
    let is_dead = || tmux.ask("main:flood", "#{pane_dead}") == "1";
    // As long as more comes: a busy machine takes its time.
    let mut seen = recorded();
    while !is_dead() {
        let news = || is_dead() || recorded() != seen;
        wait_until("more is recorded, or the program has exited", news);
        seen = recorded();
    }
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", "main:flood"]);
    // The window closes, with as much in its pipe as there is.
    tmux.tmux(&["kill-pane", "-t", "main:flood"]);
    let mut seen = recorded();
    while seen.is_some() {
        let news = || Some(recorded()).filter(|now| *now != seen);
        seen = wait_for("more is recorded, or the recording has ended", news);
    }
    let (_, events) = read_cast(&tvmux.cast(&recording));
    assert_eq!(markers_of(&events), [""; 0]);
    // Of the pane that is dead there is a snapshot.
    let (_, output) = stretches(&events).swap_remove(0);
    let start = output.find("go\r\n").unwrap() + 4;
    let printed = output[start..].trim_end_matches("\r\n");
    assert!(printed.len() > 40_000_000, "{}", printed.len());
    let rows = screen.lines().take_while(|row| !row.starts_with("Pane is"));
    let shown: Vec<&str> = rows.filter(|row| !row.is_empty()).collect();
    let shown = shown.join("\r\n");
    assert!(shown.len() > 100, "{screen}");
    let end = &printed[printed.len() - shown.len()..];
    assert_eq!(end, shown, "the recording ends where tmux does");
    let mut lines: Vec<&str> = printed.split("\r\n").collect();
    if *lines.last().unwrap() != LINES.to_string() {
        println!("tmux has not read all: its screen ends with\n{shown}");
        // The one that tmux has read in part.
        lines.pop();
    }
    for (line, expected) in lines.iter().zip(1u64..) {
        assert_eq!(line.parse(), Ok(expected), "after {}", expected - 1);
    }
    assert!(lines.len() as u64 > LINES - 10_000, "{}", lines.len());
}

#[test]
fn every_stretch_joins_its_snapshot() {
    let tmux = TestTmux::start(COUNTER);
    tmux.tmux(&["split-window", "-t", "@0", COUNTER]);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    for round in 0..100 {
        let pane = format!("%{}", round % 2);
        tmux.tmux(&["select-pane", "-t", &pane]);
        tvmux.wait_recording(&format!("round {round}"), |recording| {
            recording["active_pane"] == pane.as_str()
        });
        if round % 5 == 0 {
            let width = 70 + round % 30;
            tmux.tmux(&["resize-window", "-t", "@0", "-x", &width.to_string()]);
        }
    }
    let bytes = tvmux.recordings()[0]["bytes"].as_u64().unwrap();
    tvmux.wait_recording("some more output", |recording| {
        recording["bytes"].as_u64().unwrap() > bytes + 200_000
    });
    tvmux.run(["rec", "stop"]);
    let (_, events) = read_cast(&tvmux.cast(&recording));
    assert_eq!(markers_of(&events), [""; 0]);
    let stretches = stretches(&events);
    assert!(stretches.len() > 100, "{}", stretches.len());
    let mut joined = 0;
    for (painted, output) in &stretches {
        // The last whole line on the screen, then the first of the stream.
        let screen = last_number(painted);
        let stream = numbers(output);
        for pair in stream.windows(2) {
            assert_eq!(pair[0] + 1, pair[1], "a stretch is contiguous");
        }
        if let (Some(last), Some(first)) = (screen, stream.first()) {
            // The line that was being printed stands on the screen in part and
            // ends in the stream.
            assert!(
                *first == last + 1 || *first == last + 2,
                "{last}, then {first}"
            );
            joined += 1;
        }
    }
    assert!(joined > 100, "{joined}");
}

/// The number of the last line that is whole on a painted screen.
fn last_number(painted: &str) -> Option<u64> {
    let end = painted.rfind(" end")?;
    let start = painted[..end].rfind("line ")? + 5;
    painted[start..end].parse().ok()
}
