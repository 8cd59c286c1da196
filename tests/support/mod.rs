//! A tmux server of a test's own, gone when the test ends, also by panic.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod playback;
pub mod scene;
pub mod tvmux;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, signal};

use ::tvmux::tmux::control::kill_session;
use ::tvmux::tmux::{Batch, Server, Socket, Version};

/// How long a test waits for a condition before it fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Texts that mean something to tmux, to a shell or to a command line, each in
/// another way. Those that are run would make a file `pwned`.
pub const HOSTILE: [&[u8]; 14] = [
    b"#(touch pwned)",
    b"##(touch pwned) #{l:#(touch pwned)}",
    b"#{pid} #{E:@x} #S #,#}",
    b"##[x] #[fg=red]",
    b"%H %% %1",
    b"$(touch pwned) `touch pwned` $HOME ~",
    b"'; touch pwned; '",
    b"\"; touch pwned; \" ;",
    b"it's \"quoted\"",
    b"back\\slash \\n \\$HOME \\",
    b"-t -- = @0",
    "\u{e9}\u{6f22}\u{1f600}".as_bytes(),
    b"tab\there\nnew line; touch pwned",
    b"no UTF-8: \xe9\xff #(touch pwned)",
];

/// The tmux that is tested: `$TVMUX_TEST_TMUX`, else `tmux`.
pub fn program() -> OsString {
    std::env::var_os("TVMUX_TEST_TMUX").unwrap_or_else(|| "tmux".into())
}

/// The version of the tmux that is tested.
pub fn tmux_version() -> Version {
    static VERSION: OnceLock<Version> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let output = std::process::Command::new(program())
            .arg("-V")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().trim_start_matches("tmux ").parse().unwrap()
    })
}

/// A command shielded from the environment of whoever runs the tests: only what
/// every terminal has. Signals end it as usual, also below nohup.
pub fn shielded(program: impl AsRef<OsStr>) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    // SAFETY: `signal` may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            for ignored in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
                signal(ignored, SigHandler::SigDfl)?;
            }
            Ok(())
        });
    }
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8");
    command
}

/// Whether this is root. Where it is not, says what is skipped.
pub fn is_root(what_needs_it: &str) -> bool {
    let is_root = nix::unistd::getuid().is_root();
    if !is_root {
        skipped("root", what_needs_it);
    }
    is_root
}

/// Says that a test is skipped in which something happens that takes what is
/// not there; past the test harness, which would keep it to itself.
pub fn skipped(takes: &str, what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped, takes {takes}: {what}");
}

/// A private tmux server: socket in a temporary folder, no configuration.
pub struct TestTmux {
    server: Server,
    pid: u32,
    folder: tempfile::TempDir,
}

impl TestTmux {
    /// Starts a server with one detached session `main` of 80 × 24 whose pane
    /// runs `command` (a shell command; empty for a plain `sh`).
    pub fn start(command: &str) -> TestTmux {
        TestTmux::sized(command, 80, 24)
    }

    /// The same with a window of `columns` × `rows`.
    pub fn sized(command: &str, columns: u16, rows: u16) -> TestTmux {
        let folder = test_folder();
        let socket = folder.path().join("tmux.sock");
        TestTmux::run(folder, socket, command, (columns, rows))
    }

    /// A server of 80 × 24 at this socket, whose folder is there.
    pub fn start_at(socket: PathBuf, command: &str) -> TestTmux {
        TestTmux::run(test_folder(), socket, command, (80, 24))
    }

    fn run(
        folder: tempfile::TempDir,
        socket: PathBuf,
        command: &str,
        (columns, rows): (u16, u16),
    ) -> TestTmux {
        let command = if command.is_empty() {
            "exec sh"
        } else {
            command
        };
        let output = shielded(program())
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(&socket)
            .args(["new-session", "-d", "-s", "main", "-n", "first"])
            .args(["-x", &columns.to_string(), "-y", &rows.to_string(), command])
            .env("HOME", folder.path())
            .env("PS1", "$ ")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let server = Server::new(program(), Socket::at(socket));
        let pid = server
            .run_blocking(&Batch::of(["display-message", "-p", "#{pid}"]))
            .unwrap();
        let pid = String::from_utf8(pid).unwrap().trim().parse().unwrap();
        let tmux = TestTmux {
            server,
            pid,
            folder,
        };
        // 3.2 gives a detached window the size of no terminal, not the one asked for.
        if tmux.ask("main:", "#{window_width}x#{window_height}") != format!("{columns}x{rows}") {
            tmux.tmux(&["resize-window", "-A", "-t", "main:"]);
            tmux.tmux(&["set-option", "-wu", "-t", "main:", "window-size"]);
        }
        tmux
    }

    /// The server, for the library's own functions.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The server's version.
    pub fn version(&self) -> Version {
        self.server.version_blocking().unwrap()
    }

    /// Whether the server takes this name for a window: since 3.7 not with
    /// control characters in it, in 3.7 itself not with other signs either.
    pub fn takes_name(&self, name: &str) -> bool {
        let version = self.version();
        let is_control = |c: char| c.is_ascii_control();
        match version >= Version::new(3, 7) {
            true if name.contains(is_control) => false,
            true if version == Version::new(3, 7) => !name.contains([':', '.']),
            _ => true,
        }
    }

    /// The test's folder, removed at the end.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's socket.
    pub fn socket(&self) -> PathBuf {
        self.server.socket().path().to_owned()
    }

    /// Runs one tmux command and gives what it printed, without the newline.
    pub fn tmux(&self, command: &[&str]) -> String {
        let mut answer = self.try_tmux(command).unwrap();
        while answer.ends_with('\n') {
            answer.pop();
        }
        answer
    }

    /// Gives the only pane of a window, and its program, another size. Before 3.1
    /// programs learn of it when a client shows the window.
    pub fn resize(&self, window: &str, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let resize = ["resize-window", "-t", window, "-x", &columns, "-y", &rows];
        self.tmux(&resize);
        if self.version() < Version::new(3, 1) {
            let tty = self.ask(window, "#{pane_tty}");
            let told = shielded("stty")
                .args(["-F", &tty, "cols", &columns, "rows", &rows])
                .status();
            assert!(told.unwrap().success());
        }
    }

    /// Ends a session.
    pub fn kill_session(&self, name: &str) {
        let id = self.ask(&format!("={name}:"), "#{session_id}").parse();
        let kill = kill_session(self.version(), id.unwrap());
        self.server.run_blocking(&kill).unwrap();
    }

    /// Runs one tmux command that may fail.
    pub fn try_tmux(&self, command: &[&str]) -> ::tvmux::tmux::Result<String> {
        let answer = self.server.run_blocking(&Batch::of(command))?;
        Ok(String::from_utf8(answer).unwrap())
    }

    /// All hooks, with what is on them.
    pub fn hooks(&self) -> String {
        let mut hooks = self.tmux(&["show-hooks", "-g"]);
        // Before 3.2 that are all.
        if self.version().has_window_hooks() {
            hooks += &format!("\n{}", self.tmux(&["show-hooks", "-gw"]));
        }
        hooks
    }

    /// A format, expanded for `target`.
    pub fn ask(&self, target: &str, format: &str) -> String {
        self.tmux(&["display-message", "-p", "-t", target, format])
    }
}

impl Drop for TestTmux {
    fn drop(&mut self) {
        let _ = self.server.run_blocking(&Batch::of(["kill-server"]));
        let pid = nix::unistd::Pid::from_raw(self.pid as i32);
        let end = Instant::now() + Duration::from_secs(10);
        while nix::sys::signal::kill(pid, None).is_ok() {
            if Instant::now() > end {
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn test_folder() -> tempfile::TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tvmux-test-").tempdir().unwrap()
}

/// Waits until `condition` gives something; fails with `what` at the deadline.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until a process waits for something.
pub fn wait_asleep(pid: u32) {
    wait_until("the process sleeps", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| stat.contains(") S "))
    });
}
