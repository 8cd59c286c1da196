//! `pipe-pane` into a FIFO, without ever cutting somebody else's pipe.
//!
//! A pane has one pipe; a new one silently ends the one before. So a pipe is
//! started only where tmux says, in the same invocation, that there is none or
//! that the one there is ours. Ours is known by a pane option that holds the
//! FIFO's path.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Batch, PaneId, WindowId};

/// The pane option that holds the path of the FIFO a pane is piped into.
const OWNER: &str = "@tvmux_pipe";

/// The window option that is set while a window is recorded, for status lines:
/// `#{?@tvmux_recording,REC,}`. It is `1`, or how else the recording is.
pub const RECORDING: &str = "@tvmux_recording";

/// Its value while all is well.
pub const RECORDED: &str = "1";

/// What a pipe's batch prints in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piped {
    Yes,
    /// Somebody else's pipe is on the pane.
    Busy,
    /// The pane's process has ended; there is nothing to pipe.
    Dead,
}

/// A path that cannot stand in a `pipe-pane` command: tmux and the shell would
/// take some of its characters for more than themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path {path:?} has characters that tmux or the shell would expand")]
pub struct UnsafePath {
    pub path: std::path::PathBuf,
}

/// Whether a path can stand in a `pipe-pane` command.
///
/// tmux expands `#(…)`, `#{…}` and `%` (strftime) in it, and `sh` the rest.
///
/// # Errors
/// When it cannot.
pub fn check_path(path: &Path) -> Result<(), UnsafePath> {
    let safe = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+@:=".contains(b);
    if path.as_os_str().as_bytes().iter().all(safe) {
        return Ok(());
    }
    Err(UnsafePath {
        path: path.to_owned(),
    })
}

/// Starts a pipe from `pane` into the FIFO at `path`, where nobody else's runs.
///
/// `own` is the FIFO that this process has the pane piped into now, if any:
/// that pipe is replaced. `relay` is a program and its arguments, which hands on
/// what comes and opens the FIFO itself; where it is not there, or cannot stand
/// in the command, `cat` does. The answer ends in a line for [`parse`].
///
/// # Errors
/// When the path cannot stand in the command.
pub fn start(
    pane: PaneId,
    path: &Path,
    own: Option<&Path>,
    relay: Option<(&Path, &str)>,
) -> Result<Batch, UnsafePath> {
    check_path(path)?;
    let target = pane.to_string();
    let path = path.to_string_lossy();
    let not_ours = match own {
        Some(own) => format!("#{{!=:#{{{OWNER}}},{}}}", own.to_string_lossy()),
        None => "1".to_owned(),
    };
    let taken = format!("#{{||:#{{pane_dead}},#{{&&:#{{pane_pipe}},{not_ours}}}}}");
    let refuse = Batch::of([
        "display-message",
        "-p",
        "-t",
        &target,
        "#{?pane_dead,DEAD,BUSY}",
    ]);
    let mut pipe = Batch::of(["set-option", "-p", "-t", &target, OWNER, &path]);
    let cat = format!("exec cat >{path}");
    let command = match relay.filter(|(program, _)| check_path(program).is_ok()) {
        Some((program, arguments)) => {
            let program = program.to_string_lossy();
            format!("test -x {program} && exec {program} {arguments}; {cat}")
        }
        None => cat,
    };
    pipe.push(["pipe-pane", "-t", &target, &command])
        .push(["display-message", "-p", "PIPED"]);
    Ok(choose(&target, &taken, &refuse, &pipe))
}

/// Ends the pipe into the FIFO at `path`, if that is the one on the pane.
///
/// A pane that is gone makes the batch fail, which is no fault. The pipe of a
/// pane whose process has ended cannot be turned off; the batch prints what
/// [`parse`] reads as [`Piped::Dead`] then.
#[must_use]
pub fn stop(pane: PaneId, path: &Path) -> Batch {
    let target = pane.to_string();
    let ours = format!("#{{==:#{{{OWNER}}},{}}}", path.to_string_lossy());
    let mut end = Batch::of(["set-option", "-pu", "-t", &target, OWNER]);
    end.push([
        "display-message",
        "-p",
        "-t",
        &target,
        "#{?pane_dead,DEAD,}",
    ])
    .push(["pipe-pane", "-t", &target]);
    let mut batch = Batch::new();
    batch.push([
        "if-shell".into(),
        "-F".into(),
        "-t".into(),
        target.into(),
        ours.into(),
        end.to_command_string(),
    ]);
    batch
}

/// Forgets that the pane was piped by us; a pipe on it stays.
#[must_use]
pub fn disown(pane: PaneId) -> Batch {
    Batch::of(["set-option", "-pu", "-t", &pane.to_string(), OWNER])
}

/// Whether the tmux server with this process id may have pipes that are not into
/// a FIFO in the folder `ours`: it has another child that reads from a socket.
/// Where the system does not tell, it may.
#[must_use]
pub fn may_have_others(server: u32, ours: &Path) -> bool {
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
    let Ok(children) = children else { return true };
    let is_other = |child: &str| {
        let open = |fd: u32| std::fs::read_link(format!("/proc/{child}/fd/{fd}"));
        let reads_socket =
            open(0).is_ok_and(|input| input.as_os_str().as_bytes().starts_with(b"socket:"));
        reads_socket && !open(1).is_ok_and(|output| output.starts_with(ours))
    };
    children.split_whitespace().any(is_other)
}

/// Lists all panes of a server: `pane TAB path TAB window`, where the path is
/// that of the FIFO the pane was piped into by us, if it was, and the window is
/// there where it is marked as recorded.
#[must_use]
pub fn owners() -> Batch {
    let format = format!("#{{pane_id}}\t#{{{OWNER}}}\t#{{?{RECORDING},#{{window_id}},}}");
    Batch::of(["list-panes", "-a", "-F", &format])
}

/// Marks a window as recorded, by how its recording is, or as no longer so.
#[must_use]
pub fn flag_window(window: WindowId, flag: Option<&str>) -> Batch {
    let target = window.to_string();
    match flag {
        Some(flag) => Batch::of(["set-option", "-w", "-t", &target, RECORDING, flag]),
        None => Batch::of(["set-option", "-wu", "-t", &target, RECORDING]),
    }
}

/// Reads what [`start`] printed last.
#[must_use]
pub fn parse(answer: &[u8]) -> Option<Piped> {
    match answer.trim_ascii() {
        b"PIPED" => Some(Piped::Yes),
        b"BUSY" => Some(Piped::Busy),
        b"DEAD" => Some(Piped::Dead),
        _ => None,
    }
}

fn choose(target: &str, condition: &str, yes: &Batch, no: &Batch) -> Batch {
    let mut batch = Batch::new();
    batch.push([
        "if-shell".into(),
        "-F".into(),
        "-t".into(),
        target.into(),
        condition.into(),
        yes.to_command_string(),
        no.to_command_string(),
    ]);
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_expand_are_refused() {
        assert!(check_path(Path::new("/run/user/1000/tvmux/1-2.fifo")).is_ok());
        for bad in ["/a b", "/a%d", "/#(x)", "/$HOME", "/a'b", "/a;b", "/é"] {
            assert!(check_path(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(parse(b"PIPED\n"), Some(Piped::Yes));
        assert_eq!(parse(b"BUSY\n"), Some(Piped::Busy));
        assert_eq!(parse(b"DEAD\n"), Some(Piped::Dead));
        assert_eq!(parse(b""), None);
    }
}
