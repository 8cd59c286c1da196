//! Runs a tmux client, for a bounded time.
//!
//! A client may wait without end: for a server that does not understand it, or
//! for a child whose end tmux has missed. It also hands its output to the server,
//! which may keep that open after the client was killed: so at the limit
//! nothing more is read. A signal may end the wait before ([`stop_on`]).

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often an ending process is looked at.
const STEP: Duration = Duration::from_micros(200);

/// How often the flag of [`stop_on`] is looked at: the signal may come to another
/// thread.
const LOOK: Duration = Duration::from_millis(50);

/// Time for each client once the program is to stop: one that runs tells what it
/// has made, so that it can be taken back; those that come after take it back.
const LAST: Duration = Duration::from_secs(1);

static STOP: OnceLock<&AtomicBool> = OnceLock::new();

/// Gives up a client that is waited for while `flag` becomes set, unless it ends
/// within a second. Those that come after get a second each. For the whole
/// program, and once.
pub fn stop_on(flag: &'static AtomicBool) {
    let _ = STOP.set(flag);
}

fn is_stopped() -> bool {
    STOP.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Runs `command` and gives what it printed; blocks meanwhile.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] when it has not ended within `limit`,
/// [`io::ErrorKind::Interrupted`] when the program is to stop; it is killed then.
pub(super) fn output(command: &mut Command, limit: Duration) -> io::Result<Output> {
    let may_stop = !is_stopped();
    let limit = match may_stop {
        true => limit,
        false => limit.min(LAST),
    };
    let end = Instant::now() + limit;
    let mut last = None;
    let check = || {
        let now = Instant::now();
        if may_stop && is_stopped() && now >= *last.get_or_insert(now + LAST) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match now >= end {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    };
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let output = collect(&mut child, end, check);
    if output.is_err() {
        // It may have ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
    output
}

/// The same, without blocking.
///
/// # Errors
/// As [`output`].
pub(super) async fn output_async(command: Command, limit: Duration) -> io::Result<Output> {
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output();
    match tokio::time::timeout(limit, output).await {
        Ok(output) => output,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn collect(
    child: &mut Child,
    end: Instant,
    mut check: impl FnMut() -> io::Result<()>,
) -> io::Result<Output> {
    let mut printed = [Vec::new(), Vec::new()];
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    while out.is_some() || err.is_some() {
        let [out_ready, err_ready] = wait(&out, &err, end, &mut check)?;
        if out_ready {
            read_some(&mut out, &mut printed[0])?;
        }
        if err_ready {
            read_some(&mut err, &mut printed[1])?;
        }
    }
    // Its end follows that of its output.
    let [stdout, stderr] = printed;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Output {
                status,
                stdout,
                stderr,
            });
        }
        check()?;
        thread::sleep(STEP);
    }
}

/// Waits until one of them has something to read, or has ended.
fn wait(
    out: &Option<impl AsFd>,
    err: &Option<impl AsFd>,
    end: Instant,
    mut check: impl FnMut() -> io::Result<()>,
) -> io::Result<[bool; 2]> {
    let mut fds = Vec::with_capacity(2);
    fds.extend(
        out.iter()
            .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
    );
    fds.extend(
        err.iter()
            .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
    );
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // Rounded up, or the last moment would be spent in a loop.
        let left = PollTimeout::try_from(LOOK.min(left) + Duration::from_millis(1));
        match poll(&mut fds, left.unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(Errno::EINTR) => check()?,
            Ok(_) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(true));
    let out_ready = out.is_some() && ready.next() == Some(true);
    Ok([out_ready, err.is_some() && ready.next() == Some(true)])
}

/// Reads once; an end closes the stream.
fn read_some(stream: &mut Option<impl Read>, printed: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let Some(open) = stream else { return Ok(()) };
    match open.read(&mut buffer) {
        Ok(0) => *stream = None,
        Ok(count) => printed.extend_from_slice(&buffer[..count]),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> io::Result<Output> {
        output(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn all_output_is_read() {
        let long = Duration::from_secs(30);
        let output = shell("seq 1 100000; seq 1 50000 >&2; exit 3", long).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(output.stdout.ends_with(b"\n99999\n100000\n"));
        assert!(output.stderr.ends_with(b"\n50000\n"));
    }

    #[test]
    fn what_does_not_end_is_ended() {
        for script in [
            "exec sleep 1000",
            // Its output stays open for long, as a tmux server may keep it.
            "sleep 5 & exec sleep 1000",
            "exec >&- 2>&-; exec sleep 1000",
        ] {
            let start = Instant::now();
            let error = shell(script, Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
            assert!(start.elapsed() < Duration::from_secs(4), "{script}");
        }
    }
}
