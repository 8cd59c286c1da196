//! The program under test with folders of its own: its daemon ends with the
//! test, also by panic.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tvmux::cast::{EventReader, Strictness};

use ::tvmux::folders::Folders;

use super::{DEADLINE, TestTmux, program, shielded, wait_for, wait_until};

/// A user of tvmux with an empty home.
pub struct Tvmux {
    program: PathBuf,
    folder: tempfile::TempDir,
    server: Option<Child>,
    variables: Vec<(String, String)>,
    missing: Vec<String>,
}

impl Tvmux {
    /// A user whose daemon does not run yet.
    pub fn new() -> Tvmux {
        Tvmux::of(Path::new(env!("CARGO_BIN_EXE_tvmux")))
    }

    /// The same with another build of the program.
    pub fn of(program: &Path) -> Tvmux {
        let folder = tempfile::Builder::new()
            .prefix("tvmux-test-")
            .tempdir()
            .unwrap();
        for name in ["run", "state", "casts"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Tvmux {
            program: program.to_owned(),
            folder,
            server: None,
            variables: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The same with an environment variable.
    pub fn with(mut self, name: &str, value: impl AsRef<Path>) -> Tvmux {
        let value = value.as_ref().to_str().unwrap().to_owned();
        self.variables.push((name.to_owned(), value));
        self
    }

    /// The same without one that tests have.
    pub fn without(mut self, name: &str) -> Tvmux {
        self.missing.push(name.to_owned());
        self
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the daemon calls its own.
    pub fn folders(&self) -> Folders {
        let folder = self.folder.path();
        Folders::at(folder.join("run/tvmux"), folder.join("state/tvmux"))
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/tvmux/server.sock")
    }

    /// A command with this user's environment.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = shielded(&self.program);
        command
            .args(args)
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("TVMUX_OUTPUT_DIRECTORY", self.folder.path().join("casts"))
            .env("TVMUX_OUTPUT_DATE_FORMAT", "")
            .env("TVMUX_ARCHIVE_AUTO_UPDATE", "false")
            .env("TVMUX_SERVER_PORT", "0")
            .env("TVMUX_TMUX_COMMAND", program())
            .env("TVMUX_LOGGING_LEVEL", "DEBUG")
            .stdin(Stdio::null());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        for name in &self.missing {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs the program, which must succeed; gives what it printed.
    #[track_caller]
    pub fn ok<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{output:?}\n{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the daemon as a child of the test, and waits until it listens.
    pub fn start_server(&mut self) -> u32 {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let child = self
            .command(["server", "run"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pid = child.id();
        self.server = Some(child);
        wait_until("the server listens", || {
            self.run(["server", "status"]).status.success()
        });
        pid
    }

    /// The daemon that runs at present, whoever has started it.
    pub fn server_pid(&self) -> Option<u32> {
        let holder = self.folders().lock_state().holder()?;
        holder.is_process().then_some(holder.pid as u32)
    }

    /// Sends a signal to the daemon that runs, whoever has started it; gives its
    /// process id.
    pub fn signal_daemon(&mut self, signal: Signal) -> u32 {
        let pid = wait_for("a daemon runs", || self.server_pid());
        kill(Pid::from_raw(pid as i32), signal).unwrap();
        if signal == Signal::SIGKILL {
            if let Some(mut child) = self.server.take_if(|child| child.id() == pid) {
                child.wait().unwrap();
            }
            wait_until("the daemon is gone", || {
                // Its files are closed when its last thread has ended.
                let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
                let threads = fs::read_dir(format!("/proc/{pid}/task"));
                stat.map_or(true, |stat| stat.contains(") Z "))
                    && threads.map_or(true, |threads| threads.count() <= 1)
            });
        }
        pid
    }

    /// Waits for another daemon than this one, that nobody but pipe processes
    /// has started.
    pub fn wait_for_another_server(&self, than: u32) -> u32 {
        wait_for("another daemon", || {
            let another = self.server_pid().filter(|pid| *pid != than)?;
            let status = self.run(["server", "status"]);
            status.status.success().then_some(another)
        })
    }

    /// What the daemon has logged.
    pub fn log(&self) -> String {
        let read = |path: &str| fs::read_to_string(self.folder.path().join(path));
        read("log").unwrap_or_default() + &read("run/tvmux/server.log").unwrap_or_default()
    }

    /// Sends a signal to the daemon that [`Tvmux::start_server`] has started.
    pub fn signal_server(&self, signal: Signal) {
        let child = self.server.as_ref().expect("a server was started");
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    }

    /// The same, and waits for the daemon's end.
    pub fn end_server(&mut self, signal: Signal) {
        self.signal_server(signal);
        let child = self.server.as_mut().expect("a server was started");
        wait_until("the server has ended", || {
            child.try_wait().unwrap().is_some()
        });
        self.server = None;
    }

    /// Starts to record the session's current window; gives the recording.
    pub fn record(&self, tmux: &TestTmux, more: &[&str]) -> Value {
        let socket = tmux.socket();
        let mut args = vec!["rec", "start", "--json", "-t", "main:", "-S"];
        args.push(socket.to_str().unwrap());
        args.extend(more);
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// All recordings.
    pub fn recordings(&self) -> Vec<Value> {
        serde_json::from_str(&self.ok(["rec", "ls", "--json"])).unwrap()
    }

    /// Waits until the only recording has something; gives it then.
    pub fn wait_recording(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || {
            let recordings = self.recordings();
            recordings.into_iter().find(|recording| is_so(recording))
        })
    }

    /// The cast of a recording.
    pub fn cast(&self, recording: &Value) -> PathBuf {
        PathBuf::from(recording["cast_path"].as_str().unwrap())
    }
}

impl Drop for Tvmux {
    fn drop(&mut self) {
        // One that was killed comes back as long as a pipe process calls it: that
        // ends with its FIFO.
        let pipes = self.folders().pipes();
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(pid) = self.server_pid() {
                let _ = kill(Pid::from_raw(pid as i32), Signal::SIGCONT);
            }
            let _ = self.run(["server", "stop"]);
            let is_left = fs::read_dir(&pipes).is_ok_and(|mut left| left.next().is_some());
            if !is_left || Instant::now() > end {
                break;
            }
            let _ = self.run(["server", "start"]);
        }
        if let Some(mut child) = self.server.take() {
            let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            let _ = child.wait();
        }
        if let Some(kept) = self.folders().kept() {
            let _ = fs::remove_dir_all(kept);
        }
        if std::thread::panicking() {
            eprintln!("--- log\n{}", self.log());
        }
    }
}

/// One event of a cast.
#[derive(Clone, Debug)]
pub struct CastEvent {
    pub time: f64,
    pub code: char,
    pub data: String,
}

/// Reads a cast, which must be whole and valid.
pub fn read_cast(path: &Path) -> (Value, Vec<CastEvent>) {
    let bytes = fs::read(path).unwrap();
    parse_cast(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The output of a cast that may still grow, then its sizes and marks, one a line. A text
/// may lie over several events, so that the file itself need not hold it in one piece.
pub fn recorded(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let end = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let (mut output, mut others) = (String::new(), String::new());
    let Ok(mut reader) = EventReader::new(&bytes[..end], Strictness::Forgiving) else {
        return output;
    };
    while let Ok(Some(event)) = reader.next() {
        match event.code.letter() {
            'o' => output.push_str(&event.data.to_str()),
            _ => others = others + "\n" + &event.data.to_str(),
        }
    }
    output + &others
}

/// Reads the bytes of a cast; an error where it is not whole and valid.
pub fn parse_cast(bytes: &[u8]) -> Result<(Value, Vec<CastEvent>), String> {
    let mut reader =
        EventReader::new(bytes, Strictness::Strict).map_err(|error| error.to_string())?;
    if reader.version() != 2 {
        return Err(format!("version {}", reader.version()));
    }
    let mut events = Vec::new();
    let mut continued = false;
    while let Some(event) = reader.next().map_err(|error| error.to_string())? {
        let data = event.data.to_str();
        match events.last_mut() {
            Some(CastEvent { data: start, .. }) if continued => start.push_str(&data),
            _ => events.push(CastEvent {
                time: event.time as f64 / 1e6,
                code: event.code.letter(),
                data: data.into_owned(),
            }),
        }
        continued = event.continues;
    }
    let header = bytes.split(|byte| *byte == b'\n').next();
    let header = serde_json::from_slice(header.unwrap_or_default());
    let header = header.map_err(|error| format!("header: {error}"))?;
    match bytes.last() {
        Some(b'\n') => Ok((header, events)),
        _ => Err("the last line has no newline".to_owned()),
    }
}

/// All output of a cast.
pub fn output_of(events: &[CastEvent]) -> String {
    let output = events.iter().filter(|event| event.code == 'o');
    output.map(|event| event.data.as_str()).collect()
}

/// The labels of a cast's markers.
pub fn markers_of(events: &[CastEvent]) -> Vec<&str> {
    let markers = events.iter().filter(|event| event.code == 'm');
    markers.map(|event| event.data.as_str()).collect()
}
