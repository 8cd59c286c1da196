//! Pauses together with whatever else a recording does meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;
use tvmux::chain;

use crate::flashback::{first_cast, rings, save, wait_for_part};
use crate::pause::{SECRET, assert_unknown, keeper, print_secret, state, typed, wait_recorded};
use crate::support::tvmux::{Tvmux, markers_of, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

/// What all casts of a chain print, and their markers.
fn chain_of(first: &Path) -> (String, Vec<String>) {
    let (mut output, mut markers) = (String::new(), Vec::new());
    for part in chain::from(first) {
        let (_, events) = read_cast(&part);
        output.push_str(&output_of(&events));
        markers.extend(markers_of(&events).into_iter().map(str::to_owned));
    }
    (output, markers)
}

#[test]
fn the_last_minutes_are_saved_and_go_on_while_it_is_paused() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &["--flashback", "10m"]);
    let cast = tvmux.cast(&recording);
    typed(&tmux, "echo be''fore");
    wait_recorded(&cast, "before\r\n");
    tvmux.ok(["rec", "pause"]);
    print_secret(&tmux);
    let first = first_cast(&save(&tvmux, &[]));
    assert_unknown(&tvmux);
    assert!(chain_of(&first).0.contains("before\r\n"));

    // Its daemon is killed: neither the ring nor the pause ends.
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["server", "start"]);
    assert_eq!(state(&tvmux), "paused");
    assert_eq!(tvmux.recordings()[0]["flashback"], 600);
    print_secret(&tmux);
    let again = first_cast(&save(&tvmux, &[]));
    assert!(chain_of(&again).0.contains("before\r\n"));
    assert_unknown(&tvmux);

    // From here on all is kept, and it is paused still.
    let kept = first_cast(&save(&tvmux, &["--continue"]));
    let recording =
        tvmux.wait_recording("all is kept", |recording| recording["flashback"].is_null());
    assert_eq!(recording["state"], "paused");
    print_secret(&tmux);
    tvmux.ok(["rec", "resume"]);
    typed(&tmux, "echo af''ter");
    wait_until("it goes on", || chain_of(&kept).0.contains("after\r\n"));
    assert_unknown(&tvmux);
    tvmux.ok(["rec", "stop"]);
    assert!(!rings(&tvmux).exists());
    let (output, markers) = chain_of(&kept);
    assert!(output.contains("before\r\n") && output.contains("after\r\n"));
    assert_eq!(markers, ["tvmux: paused", "tvmux: resumed"]);
    assert_unknown_in_casts(&tvmux);
}

#[test]
fn what_is_kept_grows_too_old_while_it_is_paused() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &["--flashback", "2s"]);
    let is_kept = |word: &str| {
        let ring = fs::read_dir(rings(&tvmux))
            .unwrap()
            .flatten()
            .next()
            .unwrap();
        let mut files = fs::read_dir(ring.path()).unwrap().flatten();
        files.any(|file| recorded(&file.path()).contains(word))
    };
    typed(&tmux, "echo be''fore; clear; echo cle''ared");
    wait_until("it is recorded", || is_kept("cleared"));
    tvmux.ok(["rec", "pause"]);
    // One part more holds the pause; then only the screen as it was is there.
    let part = recording["part"].as_u64().unwrap_or(1);
    wait_for_part(&tvmux, part + 1);
    wait_until("what is too old is gone", || !is_kept("before"));
    assert!(is_kept("cleared"), "its screen is");
    print_secret(&tmux);
    let saved = first_cast(&save(&tvmux, &[]));
    assert!(chain_of(&saved).0.contains("cleared"));
    tvmux.ok(["rec", "resume"]);
    typed(&tmux, "echo af''ter");
    wait_until("it goes on", || is_kept("after"));
    assert_unknown(&tvmux);
    let saved = first_cast(&save(&tvmux, &[]));
    assert!(chain_of(&saved).0.contains("after"));
    tvmux.ok(["rec", "stop"]);
    assert_unknown_in_casts(&tvmux);
}

#[test]
fn a_cast_is_followed_by_the_next_one_while_it_is_paused() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_ROTATE_EVERY", "1s");
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let first = tvmux.cast(&recording);
    typed(&tmux, "echo be''fore");
    wait_until("it is recorded", || {
        chain_of(&first).0.contains("before\r\n")
    });
    tvmux.ok(["rec", "pause"]);
    print_secret(&tmux);
    let part = |tvmux: &Tvmux| tvmux.recordings()[0]["part"].as_u64().unwrap_or(1);
    let before = part(&tvmux);
    wait_until("it goes on in the next cast", || {
        tvmux.ok(["rec", "mark", "meanwhile"]);
        part(&tvmux) >= before + 2
    });
    assert_eq!(state(&tvmux), "paused");
    assert_unknown(&tvmux);

    // And a daemon that comes later goes on there.
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["server", "start"]);
    assert_eq!(state(&tvmux), "paused");
    assert!(part(&tvmux) >= before + 2);
    print_secret(&tmux);
    tvmux.ok(["rec", "resume"]);
    typed(&tmux, "echo af''ter");
    wait_until("it goes on", || chain_of(&first).0.contains("after\r\n"));
    assert_unknown(&tvmux);
    tvmux.ok(["rec", "stop"]);
    let (output, mut markers) = chain_of(&first);
    assert!(output.contains("before\r\n") && output.contains("after\r\n"));
    markers.retain(|marker| marker != "meanwhile");
    assert_eq!(markers, ["tvmux: paused", "tvmux: resumed"]);
    assert_unknown_in_casts(&tvmux);
    tvmux.ok(["validate", "-q", first.to_str().unwrap()]);
}

/// Once nothing is recorded.
fn assert_unknown_in_casts(tvmux: &Tvmux) {
    let casts = fs::read_dir(tvmux.folder().join("casts"))
        .unwrap()
        .flatten();
    for cast in casts.filter(|cast| cast.path().is_file()) {
        let text = fs::read_to_string(cast.path()).unwrap();
        assert!(
            !text.contains(&SECRET.concat()),
            "{}",
            cast.path().display()
        );
    }
}

/// A command that `rec --` runs, and what it shows.
struct Shown {
    child: Child,
    output: tempfile::NamedTempFile,
}

impl Shown {
    fn start(tvmux: &Tvmux, script: &str) -> Shown {
        let output = tempfile::NamedTempFile::new().unwrap();
        let child = tvmux
            .command(["rec", "-q", "--", "sh", "-c", script])
            .stdout(output.reopen().unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Shown { child, output }
    }

    #[track_caller]
    fn wait(&self, word: &str) {
        wait_until(word, || {
            let shown = fs::read(self.output.path()).unwrap();
            String::from_utf8_lossy(&shown).contains(word)
        });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // Where the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_paused(tvmux: &Tvmux) -> Value {
    tvmux.wait_recording("it is paused", |recording| recording["state"] == "paused")
}

#[track_caller]
fn wait_resumed(tvmux: &Tvmux) {
    tvmux.wait_recording("it goes on", |recording| recording["state"] == "recording");
}

fn until(file: &Path) -> String {
    format!("until [ -e {} ]; do sleep 0.02; done", file.display())
}

#[test]
fn commands_that_the_settings_name_are_kept_out_of_a_terminal_of_its_own() {
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_PAUSE_ON", "other|keeper s*");
    tvmux.start_server();
    let [program, first, second] = keeper(&tvmux);
    let files = ["3", "4", "5", "6"].map(|name| tvmux.folder().join(name));
    let [until_start, until_on, until_again, until_end] = files.each_ref().map(|it| until(it));
    let [start, on, again, end] = files;
    let program = program.display();
    // What is printed beside it has it looked at, however long it takes to begin.
    let shows = first.display();
    let script = format!(
        "ticks() {{ until [ -e {shows} ]; do sleep 0.1; echo tick; done; }}; \
         echo before; {until_start}; ticks & {program} show; {until_on}; echo between; \
         {until_again}; ticks & {program} show; {until_end}; echo after"
    );
    let mut shown = Shown::start(&tvmux, &script);
    tvmux.wait_recording("it is recorded", |recording| {
        recorded(&tvmux.cast(recording)).contains("before\r\n")
    });
    fs::write(&start, "").unwrap();
    let paused = wait_paused(&tvmux);
    assert_eq!(paused["reason"], "`keeper s*` runs");
    let (id, cast) = (paused["id"].as_str().unwrap(), tvmux.cast(&paused));
    fs::write(&first, "").unwrap();
    shown.wait(&SECRET.concat());
    assert_unknown(&tvmux);
    // The daemon dies, and its heir knows.
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.wait_for_another_server(killed);
    wait_paused(&tvmux);
    assert_unknown(&tvmux);
    fs::write(&second, "").unwrap();
    wait_resumed(&tvmux);
    fs::write(&on, "").unwrap();
    wait_recorded(&cast, "between\r\n");
    assert_unknown(&tvmux);

    // Whoever wants it in the cast says so while it runs.
    for file in [&first, &second] {
        fs::remove_file(file).unwrap();
    }
    fs::write(&again, "").unwrap();
    wait_paused(&tvmux);
    // One more for a while: the settings' reason is there still when it ends.
    tvmux.ok(["rec", "pause", "--for", "1s", id]);
    tvmux.wait_recording("the pause has ended", |recording| {
        recording["paused_until"].is_null() && recording["state"] == "paused"
    });
    tvmux.ok(["rec", "resume", id]);
    wait_resumed(&tvmux);
    fs::write(&first, "").unwrap();
    wait_recorded(&cast, &SECRET.concat());
    fs::write(&second, "").unwrap();
    fs::write(&end, "").unwrap();
    assert!(shown.child.wait().unwrap().success());
    let (_, events) = read_cast(&cast);
    let output = output_of(&events);
    assert!(output.contains("before\r\n") && output.contains("after\r\n"));
    let runs = "tvmux: paused: `keeper s*` runs";
    let twice = [runs, "tvmux: resumed", runs, "tvmux: resumed"];
    assert_eq!(markers_of(&events), twice, "{output}");
}

#[test]
fn what_is_typed_in_secret_is_kept_out_of_a_terminal_of_its_own() {
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_PAUSE_ON_NO_ECHO", "true");
    tvmux.start_server();
    let [one, two] = SECRET;
    let files: Vec<PathBuf> = (1..=4)
        .map(|n| tvmux.folder().join(n.to_string()))
        .collect();
    let [first, second, third, last] = [0, 1, 2, 3].map(|at| until(&files[at]));
    let script = format!(
        "echo before; stty -echo <&1; printf Password:; {first}; echo {one}''{two}; {second}; \
         stty echo <&1; {third}; echo between; stty -echo -icanon <&1; echo raw; {last}; \
         echo after"
    );
    let mut shown = Shown::start(&tvmux, &script);
    let paused = wait_paused(&tvmux);
    assert_eq!(paused["reason"], "what is typed is hidden");
    let cast = tvmux.cast(&paused);
    fs::write(&files[0], "").unwrap();
    shown.wait(&SECRET.concat());
    assert_unknown(&tvmux);
    fs::write(&files[1], "").unwrap();
    wait_resumed(&tvmux);
    fs::write(&files[2], "").unwrap();
    wait_recorded(&cast, "between\r\n");
    // A program that takes key by key has no line to hide.
    wait_recorded(&cast, "raw\r\n");
    assert_eq!(state(&tvmux), "recording");
    assert_unknown(&tvmux);
    fs::write(&files[3], "").unwrap();
    assert!(shown.child.wait().unwrap().success());
    let (_, events) = read_cast(&cast);
    assert!(output_of(&events).contains("after\r\n"));
    let hidden = "tvmux: paused: what is typed is hidden";
    assert_eq!(markers_of(&events), [hidden, "tvmux: resumed"]);
}
