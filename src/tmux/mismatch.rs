//! Whether a tmux program and a running server are of different versions.
//!
//! After an upgrade the old server goes on, and the new program may not
//! understand it: 3.4 and 3.6 do not, nor do 3.1 and 3.2. The client then says
//! that the server has exited, prints nothing, or never ends. So the
//! versions are compared, once something has gone wrong.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::process;

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(5);

/// Two versions that differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// The version of the program, such as `3.3a`.
    pub(super) client: String,
    pub(super) server: String,
    /// The server's program, where that is still there.
    pub(super) server_program: Option<PathBuf>,
}

/// Compares `program` with the server at `socket`; `None` where they are the
/// same, or cannot be compared.
pub(super) fn find(program: &std::ffi::OsStr, socket: &Path) -> Option<Mismatch> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = getsockopt(&stream, PeerCredentials).ok()?;
    let process = PathBuf::from(format!("/proc/{}", peer.pid()));
    // Whatever else listens there is not run.
    let name = fs::read_to_string(process.join("comm")).ok()?;
    if !name.starts_with("tmux") {
        return None;
    }
    // This works also after the file was replaced.
    let server = version_of(process.join("exe").as_os_str())?;
    let client = version_of(program)?;
    let server_program = fs::read_link(process.join("exe")).ok();
    (client != server).then(|| Mismatch {
        client,
        server,
        // A file that was replaced is told as `… (deleted)`.
        server_program: server_program.filter(|path| path.exists()),
    })
}

/// What `program -V` says.
fn version_of(program: &std::ffi::OsStr) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("-V").stdin(Stdio::null());
    let output = process::output(&mut command, LIMIT).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // The name that it was called by goes before.
    Some(text.split_whitespace().last()?.to_owned())
}
