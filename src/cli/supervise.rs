//! How the daemon comes back: by its pipe processes, which call it, or by a
//! supervisor such as systemd.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

use super::{Context, Failure};
use crate::folders::Folders;
use crate::record::RecallPlan;

/// How long pipe processes leave it to a supervisor to start the daemon again,
/// in milliseconds.
const SUPERVISED: u64 = 3000;

/// How long a supervisor may take to read a goodbye.
const GOODBYE: Duration = Duration::from_millis(100);

/// A daemon that has run for this long is no failed start.
const WELL: Duration = Duration::from_millis(300);

/// Whether a variable of the environment makes a difference to the daemon.
fn matters(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "HOME",
        "PATH",
        "SHELL",
        "USER",
        "LOGNAME",
        "LANG",
        "TZ",
        "TMPDIR",
        "TMUX",
        "TMUX_TMPDIR",
        "RUST_BACKTRACE",
    ];
    const BEGINNINGS: [&str; 3] = ["LC_", "XDG_", "TVMUX_"];
    NAMES.contains(&name) || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// Leaves word of how this daemon is started again.
pub(super) fn leave_plan(
    context: &Context,
    folders: &Folders,
    on_demand: bool,
) -> io::Result<RecallPlan> {
    let mut arguments = Vec::new();
    if let Some(file) = &context.config_file {
        let file = std::path::absolute(file)?;
        arguments.push("--config-file".to_owned());
        arguments.push(file.to_string_lossy().into_owned());
    }
    arguments.extend(["server", "run", "--background", "--again"].map(str::to_owned));
    if on_demand {
        arguments.push("--on-demand".to_owned());
    }
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| matters(name))
        .collect::<BTreeMap<_, _>>();
    let plan = RecallPlan {
        program: env::current_exe()?,
        arguments,
        environment,
        lock: folders.lock(),
        log: folders.log(),
        patience_ms: match env::var_os("NOTIFY_SOCKET") {
            Some(_) => SUPERVISED,
            None => 0,
        },
    };
    plan.leave(folders.runtime())?;
    Ok(plan)
}

/// Tells a supervisor, if there is one; off the event loop, which must not wait for
/// one that does not read.
fn tell(state: NotifyState<'static>) -> JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        let _ = sd_notify::notify(false, &[state]);
    })
}

/// The daemon runs: tells a supervisor, and keeps telling one that wants to know
/// that its event loop turns.
pub(super) fn announce(plan: Option<&RecallPlan>) {
    drop(tell(NotifyState::Ready));
    let mut micros = 0;
    if sd_notify::watchdog_enabled(false, &mut micros) {
        let half = Duration::from_micros(micros / 2).max(Duration::from_millis(1));
        tokio::spawn(async move {
            loop {
                let _ = tell(NotifyState::Watchdog).await;
                tokio::time::sleep(half).await;
            }
        });
    }
    if let Some(plan) = plan.cloned() {
        tokio::spawn(async move {
            tokio::time::sleep(WELL).await;
            plan.note_success();
        });
    }
}

/// The status of a daemon that has ended for another one, which its supervisor is
/// to start; nobody else needs to.
const HANDED_OVER: u8 = 75;

/// The status of a daemon that ends, leaving its recordings to another one or
/// not.
pub(super) fn exit_code(is_left: bool) -> ExitCode {
    match is_left && env::var_os("NOTIFY_SOCKET").is_some() {
        true => ExitCode::from(HANDED_OVER),
        false => ExitCode::SUCCESS,
    }
}

/// The daemon ends.
pub(super) async fn say_goodbye() {
    let _ = tokio::time::timeout(GOODBYE, tell(NotifyState::Stopping)).await;
}

/// A systemd user unit that supervises the daemon of this program.
pub(super) fn unit(context: &Context) -> Result<String, Failure> {
    let program = env::current_exe()?;
    let config = match &context.config_file {
        Some(file) => format!(" --config-file {}", word(&std::path::absolute(file)?)),
        None => String::new(),
    };
    Ok(format!(
        "\
# ~/.config/systemd/user/tvmux.service; then:
#   systemctl --user daemon-reload && systemctl --user enable --now tvmux
[Unit]
Description=tvmux, a flight recorder for tmux

[Service]
Type=notify
ExecStart={program}{config} server run
Restart=on-failure
RestartSec=1
# `tvmux server restart` leaves it to systemd to start the next one.
RestartForceExitStatus={HANDED_OVER}
SuccessExitStatus={HANDED_OVER}
WatchdogSec=30
# Panes go on while it is away, and so do their pipe processes.
KillMode=process

[Install]
WantedBy=default.target
",
        program = word(&program),
    ))
}

/// A path as one word of a unit's command: `%` and `$` mean more there.
fn word(path: &Path) -> String {
    let mut word = String::from("\"");
    for c in path.to_string_lossy().chars() {
        match c {
            '"' | '\\' => word.extend(['\\', c]),
            '%' | '$' => word.extend([c, c]),
            c => word.push(c),
        }
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_unit() {
        assert_eq!(word(Path::new("/a b/$x%\"")), r#""/a b/$$x%%\"""#);
    }
}
