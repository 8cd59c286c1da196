//! Running the programs a workspace names: `before_script` and the lifecycle
//! hooks. What they print is passed on line by line and kept for the error.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::error::{Error, Result};
use super::spec::Script;

/// How much of a program's output is kept for a message, in bytes.
const KEPT: usize = 64 * 1024;

/// How long an ended program's output must be quiet to be taken as whole.
const QUIET: Duration = Duration::from_millis(50);

/// Where a program of a workspace runs, and what it is told.
#[derive(Clone, Debug, Default)]
pub(super) struct ScriptEnv {
    /// Its working folder; the caller's when there is none.
    pub folder: Option<PathBuf>,
    /// Variables over the caller's.
    pub variables: Vec<(&'static str, OsString)>,
}

/// Runs `before_script`: split into words as a shell would, run without one.
pub(super) fn run_before_script(
    script: &Script,
    env: &ScriptEnv,
    output: &mut dyn FnMut(&str),
) -> Result<()> {
    let mut command = Command::new(&script.words[0]);
    command.args(&script.words[1..]);
    let missing = |source| Error::BeforeLoadScriptNotExists {
        command: script.command.clone(),
        source,
    };
    let (code, printed) = run(command, env, output).map_err(missing)?;
    if code == Some(0) {
        return Ok(());
    }
    Err(Error::BeforeLoadScriptError {
        command: script.command.clone(),
        code,
        output: printed,
    })
}

/// Runs a lifecycle hook through `sh`, so that it can use its variables.
pub(super) fn run_hook(
    hook: &'static str,
    line: &str,
    env: &ScriptEnv,
    output: &mut dyn FnMut(&str),
) -> Result<()> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    let failed = |code, output| Error::Hook {
        hook,
        command: line.to_owned(),
        code,
        output,
    };
    match run(command, env, output) {
        Ok((Some(0), _)) => Ok(()),
        Ok((code, printed)) => Err(failed(code, printed)),
        Err(error) => Err(failed(None, error.to_string())),
    }
}

/// Runs a program to its end. Gives its exit code and the last of what it
/// printed.
fn run(
    mut command: Command,
    env: &ScriptEnv,
    output: &mut dyn FnMut(&str),
) -> io::Result<(Option<i32>, String)> {
    if let Some(folder) = &env.folder {
        command.current_dir(existing(folder));
    }
    command.envs(env.variables.iter().map(|(name, value)| (name, value)));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (lines, received) = mpsc::channel();
    if let Some(pipe) = child.stdout.take() {
        read_lines(pipe, lines.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        read_lines(pipe, lines);
    }
    let mut printed = String::new();
    let mut ended = false;
    loop {
        match received.recv_timeout(QUIET) {
            Ok(line) => {
                output(&line);
                keep(&mut printed, &line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // What the program left running in the background may hold its
            // output open without end.
            Err(RecvTimeoutError::Timeout) if ended => break,
            Err(RecvTimeoutError::Timeout) => ended = child.try_wait()?.is_some(),
        }
    }
    Ok((child.wait()?.code(), printed))
}

fn keep(printed: &mut String, line: &str) {
    printed.push_str(line);
    printed.push('\n');
    if printed.len() > 2 * KEPT {
        let cut = printed.len() - KEPT;
        let cut = (cut..printed.len()).find(|at| printed.is_char_boundary(*at));
        printed.drain(..cut.unwrap_or(0));
    }
}

fn existing(folder: &Path) -> &Path {
    if folder.is_dir() {
        folder
    } else {
        Path::new("/")
    }
}

fn read_lines(pipe: impl Read + Send + 'static, lines: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line);
            if lines
                .send(text.trim_end_matches(['\n', '\r']).to_owned())
                .is_err()
            {
                return;
            }
            line.clear();
        }
    });
}
