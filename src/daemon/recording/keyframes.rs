//! Keyframes of a recording that has ended: made by a process of its own and of low
//! priority, so that whoever looks at the cast need not wait.

use std::path::Path;
use std::process::Stdio;

/// Casts that are shorter are gone through in a moment, in bytes.
const WORTH: u64 = 4 << 20;

/// Starts `tvmux keyframes` for a cast of so many bytes, if that is worth it.
/// Nobody waits for it, and nothing depends on it.
pub(in crate::daemon) fn start_keyframes(cast: &Path, bytes: u64) {
    if bytes < WORTH {
        return;
    }
    let started = tokio::process::Command::new("/proc/self/exe")
        .arg("keyframes")
        .arg(cast)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        let cast = cast.display();
        tracing::info!(%cast, %error, "no keyframes are made");
    }
}
