//! How long `tvmux load` and `freeze` take, beside others in the same run.
//!
//! Each round starts a server of its own for each contender, one after the
//! other, so that whatever else the machine does hits all of them. Reported
//! are medians, and their ratios.
//!
//! - `source-file`: the same commands (`tvmux load --dry-run`) given to one
//!   `tmux source-file`, which waits for no shell.
//! - tmuxp, where it is installed (`TVMUX_BENCH_TMUXP` names it).
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

/// A place for one server.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let folder = tempfile::Builder::new().prefix("tvmux-bench-").tempdir();
        Stage {
            folder: folder.unwrap(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path, before: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("TMUX")
            .env_remove("TMUX_PANE")
            .env("SHELL", "/bin/sh")
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .args(before)
            .arg("-S")
            .arg(self.at("tmux.sock"));
        command
    }

    /// Runs a command to its end; gives how long that took.
    fn time(command: &mut Command) -> Duration {
        let start = Instant::now();
        let status = command.status().unwrap();
        let took = start.elapsed();
        assert!(status.success(), "{command:?} failed");
        took
    }

    fn load(&self, program: &Path, file: &Path) -> Duration {
        Self::time(
            self.command(program, &["load", "-d", "-f", "/dev/null"])
                .arg(file),
        )
    }

    fn source(&self, script: &Path) -> Duration {
        let mut command = self.command(Path::new("tmux"), &["-u", "-f", "/dev/null"]);
        Self::time(
            command
                .args(["start-server", ";", "source-file"])
                .arg(script),
        )
    }

    fn freeze(&self, program: &Path, flags: &[&str]) -> Duration {
        let out = self.at("frozen.yaml");
        let mut command = self.command(program, &["freeze", "--force"]);
        Self::time(command.args(flags).arg("-o").arg(out).arg("bench"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self
            .command(Path::new("tmux"), &[])
            .arg("kill-server")
            .status();
    }
}

fn workspace(windows: usize, panes: usize) -> String {
    let mut text = "session_name: bench\nwindows:\n".to_owned();
    for window in 0..windows {
        text.push_str(&format!(
            "- window_name: w{window}\n  layout: tiled\n  panes:\n"
        ));
        for pane in 0..panes {
            text.push_str(&format!("  - ': pane {pane}'\n"));
        }
    }
    text
}

/// The median, in milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times
        .get(times.len() / 2)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

fn main() {
    let own = Path::new(env!("CARGO_BIN_EXE_tvmux"));
    let tmuxp = std::env::var_os("TVMUX_BENCH_TMUXP")
        .map(PathBuf::from)
        .or_else(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path)
                .map(|folder| folder.join("tmuxp"))
                .find(|path| path.is_file())
        });
    for (windows, panes) in [(1, 1), (1, 4), (20, 4)] {
        let files = Stage::new();
        let (file, script) = (files.at("bench.yaml"), files.at("plan.conf"));
        std::fs::write(&file, workspace(windows, panes)).unwrap();
        let mut plan = files.command(own, &["load", "--dry-run"]);
        let plan = plan.arg(&file).stdout(Stdio::piped()).output().unwrap();
        std::fs::write(&script, plan.stdout).unwrap();
        let mut times: [Vec<Duration>; 5] = Default::default();
        for _ in 0..ROUNDS {
            let stage = Stage::new();
            times[0].push(stage.load(own, &file));
            times[1].push(stage.freeze(own, &[]));
            times[2].push(Stage::new().source(&script));
            if let Some(tmuxp) = &tmuxp {
                let stage = Stage::new();
                times[3].push(stage.load(tmuxp, &file));
                times[4].push(stage.freeze(tmuxp, &["-q", "-y"]));
            }
        }
        let [load, freeze, source, other_load, other_freeze] = times.map(median);
        let bound = source * 1.5 + 50.0;
        println!("{windows} windows of {panes} panes, median of {ROUNDS} rounds:");
        println!(
            "  load {load:.1} ms, source-file {source:.1} ms: {:.2} times; 1.5 times and 50 ms are {bound:.1} ms",
            load / source
        );
        println!("  freeze {freeze:.1} ms");
        if tmuxp.is_some() {
            println!(
                "  tmuxp load {other_load:.1} ms: {:.1} times ours",
                other_load / load
            );
            println!(
                "  tmuxp freeze {other_freeze:.1} ms: {:.1} times ours",
                other_freeze / freeze
            );
        }
    }
}
