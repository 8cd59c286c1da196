//! How long a user waits.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use serde_json::json;
use tvmux::client::Client;

use super::options::Options;
use super::report::{Sample, Table, number};
use super::support::tvmux::Tvmux;
use super::support::{DEADLINE, TestTmux, program, wait_until};

fn timed(sample: &mut Sample, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    sample.push(1e3 * start.elapsed().as_secs_f64());
}

/// A table of waits.
pub fn run(options: &Options) -> Table {
    let mut table = Table::new(
        "Waits, in milliseconds",
        &["of", "median", "largest", "times"],
    );
    let rounds = options.scale(10, 40, 100);
    let mut row = |name: &str, sample: &Sample| {
        table.row([
            json!(name),
            number(sample.median(), 2),
            number(sample.largest(), 2),
            json!(rounds),
        ]);
    };
    let tmux = TestTmux::start("");
    let socket = tmux.socket();
    let start = [
        "rec",
        "start",
        "-S",
        socket.to_str().unwrap(),
        "-t",
        "main:",
    ];
    let stop = ["rec", "stop"];

    eprintln!("latency: cold starts");
    let (mut cold, mut version) = (Sample::default(), Sample::default());
    for _ in 0..rounds {
        let mut tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
        timed(&mut cold, || drop(tvmux.ok(start)));
        tvmux.ok(stop);
        tvmux.ok(["server", "stop"]);
        timed(&mut version, || drop(tvmux.ok(["completions", "bash"])));
        tvmux.start_server();
        tvmux.end_server(Signal::SIGTERM);
    }
    row("`rec`, no daemon runs", &cold);

    eprintln!("latency: warm starts");
    let mut tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
    tvmux.start_server();
    let (mut warm, mut api) = (Sample::default(), Sample::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for _ in 0..rounds {
        timed(&mut warm, || drop(tvmux.ok(start)));
        tvmux.ok(stop);
        runtime.block_on(async {
            let mut client = Client::connect(&tvmux.socket()).await.unwrap();
            let request = tvmux::api::RecordingCreate {
                window_id: "main:".to_owned(),
                socket: Some(socket.clone()),
                ..Default::default()
            };
            let start = Instant::now();
            client.create_recording(&request).await.unwrap();
            api.push(1e3 * start.elapsed().as_secs_f64());
        });
        tvmux.ok(stop);
    }
    row("`rec`, the daemon runs", &warm);
    row("the same without the command's own start", &api);

    let mut list = Sample::default();
    tvmux.ok(start);
    for _ in 0..rounds {
        timed(&mut list, || drop(tvmux.ok(["rec", "ls"])));
    }
    row("`rec ls`", &list);
    row("`completions`: the program's own start", &version);

    eprintln!("latency: switches");
    let switches = switches(&tmux, &tvmux, &runtime, rounds);
    row("a switch: from the key to the pane's snapshot", &switches);
    table
}

/// A user at a terminal of tmux.
pub struct User {
    client: Child,
    keyboard: File,
}

impl User {
    pub fn attach(tmux: &TestTmux) -> User {
        let size = Winsize {
            ws_row: 25,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).unwrap();
        let client = Command::new(program())
            .arg("-S")
            .arg(tmux.socket())
            .args(["attach-session", "-t", "main"])
            .env("TERM", "xterm")
            .env_remove("TMUX")
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(pty.slave)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let keyboard = File::from(pty.master);
        let mut screen = keyboard.try_clone().unwrap();
        // Until the client has ended, and its side is closed.
        std::thread::spawn(
            move || while screen.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {},
        );
        wait_until("the client is attached", || {
            !tmux.tmux(&["list-clients"]).is_empty()
        });
        User { client, keyboard }
    }

    /// The keys for tmux's `select-pane` of the next one.
    pub fn next_pane(&mut self) {
        self.keyboard.write_all(b"\x02o").unwrap();
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

/// From the key that switches panes to the first byte of the new one.
fn switches(
    tmux: &TestTmux,
    tvmux: &Tvmux,
    runtime: &tokio::runtime::Runtime,
    rounds: usize,
) -> Sample {
    tmux.tmux(&["split-window", "-t", "main:", "exec cat"]);
    let mut user = User::attach(tmux);
    let mut sample = Sample::default();
    let id = tvmux.recordings()[0]["id"].as_str().unwrap().to_owned();
    let mut client = runtime.block_on(Client::connect(&tvmux.socket())).unwrap();
    let mut on = |pane: &str| {
        runtime.block_on(async {
            let recording = client.recording(&id).await.unwrap();
            recording.active_pane.as_deref() == Some(pane)
        })
    };
    for round in 0..rounds {
        let pane = format!("%{}", round % 2);
        wait_until("the other pane is recorded", || {
            on(&format!("%{}", 1 - round % 2))
        });
        // A switch that follows at once waits for the one before.
        std::thread::sleep(Duration::from_millis(100));
        timed(&mut sample, || {
            user.next_pane();
            let end = Instant::now() + DEADLINE;
            while !on(&pane) {
                assert!(
                    Instant::now() < end,
                    "the switch to {pane} was not followed"
                );
            }
        });
    }
    sample
}
