//! What README says of the first minutes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::tvmux::{Tvmux, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

/// The only cast below a folder.
fn only_cast(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).unwrap();
    let casts: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(casts.len(), 1, "{casts:?}");
    casts[0].clone()
}

#[test]
fn the_first_command_records() {
    let readme = include_str!("../../README.md");
    let commands = readme
        .lines()
        .filter_map(|line| line.split_once("cargo run --release -- "));
    let (_, first) = commands
        .into_iter()
        .next()
        .expect("README starts with a command");
    let words = shell_words::split(first).unwrap();
    assert_eq!(words[..2], ["rec", "--"], "{first}");
    let tvmux = Tvmux::new();
    let output = tvmux.run(&words);
    assert!(output.status.success(), "{output:?}");
    let (_, events) = read_cast(&only_cast(&tvmux.folder().join("casts")));
    let output = output_of(&events);
    assert!(output.contains("usr"), "`/` is listed: {output:?}");
    assert!(output.contains("hello\r\n"), "{output:?}");
}

#[test]
fn bare_rec_in_a_pane_records_its_window() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    tmux.tmux(&["new-window", "-d", "-n", "other", "exec sh"]);
    // Typed by a user in the window that is not the current one.
    let rec = tvmux.command(["rec"]);
    let variables = rec
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let words: Vec<_> = variables
        .map(|(name, value)| format!("{}={}", name.display(), value.display()))
        .collect();
    let words: Vec<_> = words.iter().map(|word| shell_words::quote(word)).collect();
    let said = tmux.folder().join("said");
    let line = format!(
        "env {} {} rec > {} 2>&1",
        words.join(" "),
        env!("CARGO_BIN_EXE_tvmux"),
        said.display()
    );
    let script = tmux.folder().join("rec.sh");
    fs::write(&script, line).unwrap();
    let run = format!(". {}", script.display());
    tmux.tmux(&["send-keys", "-t", "main:other", &run, "Enter"]);
    wait_until("the window is recorded", || !tvmux.recordings().is_empty());
    let recording = tvmux.wait_recording("the only one", |_| true);
    assert_eq!(
        recording["window_id"], "@1",
        "that of the pane, not the current one"
    );
    wait_until("rec has said so", || {
        fs::read_to_string(&said)
            .is_ok_and(|said| said.starts_with("Recording tmux.sock.main:@1 to /"))
    });
    tmux.tmux(&["send-keys", "-t", "main:other", "echo he''llo", "Enter"]);
    let cast = tvmux.cast(&recording);
    wait_until("what the pane prints is recorded", || {
        recorded(&cast).contains("hello")
    });
    tvmux.ok(["rec", "stop"]);
}

#[test]
fn casts_are_private_and_never_overwritten() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let record = || {
        let recording = tvmux.record(&tmux, &[]);
        tvmux.ok(["rec", "stop"]);
        let cast = tvmux.cast(&recording);
        let mode = fs::metadata(&cast).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", cast.display());
        (fs::read(&cast).unwrap(), cast)
    };
    // Names tell the minute: of three in a row two share one.
    let casts = [record(), record(), record()];
    let minute = |path: &Path| path.file_name().unwrap().to_str().unwrap()[..15].to_owned();
    let minutes = casts.iter().map(|(_, path)| minute(path));
    let minutes: std::collections::BTreeSet<_> = minutes.collect();
    assert!(minutes.len() < 3, "two in one minute: {minutes:?}");
    for (content, path) in &casts {
        assert_eq!(&fs::read(path).unwrap(), content, "{}", path.display());
    }
    let paths: std::collections::BTreeSet<_> = casts.iter().map(|(_, path)| path).collect();
    assert_eq!(paths.len(), 3);
}
