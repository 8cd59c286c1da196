//! `tvmux tmux-key`: what the keys of `tvmux init tmux` do, and what its lines ask. It
//! says what has come of it in tmux's message line.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use clap::ValueEnum;

use super::background::{self, hint_start};
use super::rec::explain;
use super::table::printable;
use super::{Context, Failure, Outcome, runtime};
use crate::api::{MarkerCreate, Recording, RecordingCreate, RecordingPause, RecordingSave, State};
use crate::client;
use crate::shell::quote;
use crate::tmux::{Batch, Server, Socket, Version, pipe};

/// The window option in which what is typed for a marker waits.
pub(super) const SAID: &str = "@tvmux_said";

/// The option with the status segment.
pub(super) const STATUS: &str = "@tvmux_status";

/// A key that tmux itself binds and that counts as free.
pub(super) struct Preset {
    pub(super) key: &'static str,
    /// What its binding holds.
    holds: &'static str,
    pub(super) command: &'static [&'static str],
    /// Which versions have it.
    is_in: fn(Version) -> bool,
}

const PRESETS: [Preset; 2] = [
    Preset {
        key: "M",
        holds: "select-pane -M",
        command: &["select-pane", "-M"],
        is_in: |_| true,
    },
    Preset {
        key: "/",
        holds: "list-keys -1N",
        command: &["command-prompt", "-k", "-p", "key", "list-keys -1N \"%%%\""],
        is_in: Version::has_key_prompt,
    },
];

/// What tmux itself binds to a key that counts as free.
pub(super) fn preset(key: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.key == key)
}

/// Longest label of a marker, in characters.
const LABEL: usize = 256;

/// Do what a key of `tvmux init tmux` stands for
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    what: What,

    /// The key that is asked about.
    #[arg(default_value = "")]
    key: String,

    /// The window's id.
    #[arg(short, default_value = "")]
    window: String,

    /// The tmux server's socket; that around this process without.
    #[arg(short = 'S')]
    socket: Option<PathBuf>,

    /// The tmux client that is told.
    #[arg(short, default_value = "")]
    client: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Exits with 0 where the key does nothing, or what it does without tvmux.
    Free,
    /// Exits with 0 where the key is bound by `tvmux init tmux`.
    Ours,
    /// Exits with 0 where this tmux itself binds the key.
    Preset,
    Record,
    Mark,
    Pause,
    Search,
    Play,
    Save,
    /// Takes the segment out of status-right.
    Unstatus,
}

/// This program's path, for tmux and a shell.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    match pipe::check_path(&program) {
        Ok(()) => Ok(program),
        Err(error) => Err(Failure::new(error).hint("put tvmux, or a link to it, elsewhere")),
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let named = args.socket.as_ref().map(Socket::at);
    let socket = named.unwrap_or_else(|| context.tmux_socket());
    let server = Server::new(context.config.tmux.command.as_str(), socket);
    let key = Key {
        context,
        args,
        server,
    };
    let said = match args.what {
        What::Free => return Ok(exit(key.is_free()?)),
        What::Ours => return Ok(exit(key.is_ours()?)),
        What::Preset => return Ok(exit(key.has_preset()?)),
        What::Unstatus => return key.take_segment_out(),
        What::Search => {
            let program = quote(&program()?.to_string_lossy());
            key.open(&format!("{program} pick hits")).map(|()| None)
        }
        What::Play => key.play().map(|()| None),
        What::Record => key.record().map(Some),
        What::Mark => key.mark().map(Some),
        What::Pause => key.pause().map(Some),
        What::Save => key.save().map(Some),
    };
    match said {
        Ok(Some(said)) => key.say(&said)?,
        Ok(None) => {}
        // Not by this process's exit: tmux would show that over the pane.
        Err(failure) => key.say(&format!("tvmux: {failure}"))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn exit(is_so: bool) -> ExitCode {
    ExitCode::from(u8::from(!is_so))
}

/// A key that was pressed, or is asked about.
struct Key<'a> {
    context: &'a Context,
    args: &'a Args,
    server: Server,
}

impl Key<'_> {
    fn is_free(&self) -> Result<bool, Failure> {
        let key = self.args.key.as_str();
        Ok(match self.binding()? {
            None => true,
            Some(bound) => {
                let is_preset = preset(key).is_some_and(|preset| bound.contains(preset.holds));
                is_preset || is_of_tvmux(&bound)
            }
        })
    }

    fn is_ours(&self) -> Result<bool, Failure> {
        Ok(self.binding()?.is_some_and(|bound| is_of_tvmux(&bound)))
    }

    fn has_preset(&self) -> Result<bool, Failure> {
        let version = self.server.version_blocking()?;
        Ok(preset(&self.args.key).is_some_and(|preset| (preset.is_in)(version)))
    }

    /// What the key does behind the prefix.
    fn binding(&self) -> Result<Option<String>, Failure> {
        let list = Batch::of(["list-keys", "-T", "prefix"]);
        let list = self.server.run_blocking(&list)?;
        let list = String::from_utf8_lossy(&list);
        Ok(binding(&list, &self.args.key).map(str::to_owned))
    }

    /// The recording of the window, if it is recorded.
    async fn recording(&self) -> Result<Option<Recording>, Failure> {
        let asked = async { background::client().await?.recordings().await };
        let all = match asked.await {
            Ok(all) => all,
            Err(client::Error::NotRunning { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let socket = self.server.socket().path();
        let mut all = all.into_iter();
        Ok(all.find(|recording| {
            recording.window_id == self.args.window && recording.socket == socket
        }))
    }

    async fn recorded(&self) -> Result<Recording, Failure> {
        let recording = self.recording().await?;
        recording.ok_or_else(|| Failure::new("this window is not recorded"))
    }

    fn record(&self) -> Result<String, Failure> {
        runtime()?.block_on(async {
            if let Some(recording) = self.recording().await? {
                let mut client = background::client().await.map_err(hint_start)?;
                let stopped = client.stop_recording(&recording.id).await?;
                return Ok(format!("Stopped: {}", stopped.cast_path.display()));
            }
            let request = RecordingCreate {
                window_id: self.args.window.clone(),
                socket: Some(self.server.socket().path().to_owned()),
                ..RecordingCreate::default()
            };
            let (_, recording) = background::record(self.context, &request, explain).await?;
            Ok(format!("Recording to {}", recording.cast_path.display()))
        })
    }

    fn mark(&self) -> Result<String, Failure> {
        let window = self.args.window.as_str();
        let ask = Batch::of(["show-options", "-wqv", "-t", window, SAID]);
        let said = self.server.run_blocking(&ask)?;
        let forget = Batch::of(["set-option", "-wu", "-t", window, SAID]);
        self.server.run_blocking(&forget)?;
        let said = String::from_utf8_lossy(&said);
        let label: String = said.trim_end_matches('\n').chars().take(LABEL).collect();
        let ago = None;
        runtime()?.block_on(async {
            let recording = self.recorded().await?;
            let mut client = background::client().await.map_err(hint_start)?;
            let marker = MarkerCreate { label, ago };
            client.mark(&recording.id, &marker).await?;
            Ok(format!("Marked: {}", marker.label))
        })
    }

    fn pause(&self) -> Result<String, Failure> {
        runtime()?.block_on(async {
            let recording = self.recorded().await?;
            let mut client = background::client().await.map_err(hint_start)?;
            if recording.state == State::Paused {
                client.resume(&recording.id).await?;
                return Ok("Recording again".to_owned());
            }
            let pause = RecordingPause::default();
            client.pause(&recording.id, &pause).await?;
            Ok("Paused: nothing is recorded".to_owned())
        })
    }

    fn save(&self) -> Result<String, Failure> {
        runtime()?.block_on(async {
            let recording = self.recorded().await?;
            let mut client = background::client().await.map_err(hint_start)?;
            let save = RecordingSave::default();
            let saved = client.save_recording(&recording.id, &save).await?;
            Ok(format!("Saved: {}", saved.cast_path.display()))
        })
    }

    /// Shows this window as it was a minute ago.
    fn play(&self) -> Result<(), Failure> {
        let recording = runtime()?.block_on(self.recorded())?;
        let program = quote(&program()?.to_string_lossy());
        let cast = quote(&recording.cast_path.to_string_lossy());
        self.open(&format!("{program} play --at -60s -- {cast}"))
    }

    /// Runs a command in a popup, or in a window where tmux has none.
    fn open(&self, command: &str) -> Result<(), Failure> {
        // tmux expands formats in it.
        let command = command.replace('#', "##");
        let window = self.args.window.as_str();
        let is_known = !self.args.client.is_empty();
        if !self.server.version_blocking()?.has_popups() || !is_known {
            let open = ["new-window", "-a", "-t", window, "-n", "tvmux", &command];
            self.server.run_blocking(&Batch::of(open))?;
            return Ok(());
        }
        let client = self.args.client.as_str();
        let size = ["-w", "90%", "-h", "90%"];
        let open = ["display-popup", "-E", "-c", client, "-t", window];
        let open = open.into_iter().chain(size).chain([command.as_str()]);
        // As long as it is open.
        let mut popup = self.server.command(&Batch::of(open));
        popup.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        Ok(())
    }

    /// Says something in the message line of whoever has pressed the key.
    fn say(&self, text: &str) -> Result<(), Failure> {
        let text = printable(text).replace('#', "##").replace('%', "%%");
        let mut say = vec!["display-message"];
        // Else tmux tells the client that was used last, which is that of the key.
        if !self.args.client.is_empty() && self.server.version_blocking()?.has_message_client() {
            say.extend(["-c", &self.args.client]);
        }
        say.push(&text);
        self.server.run_blocking(&Batch::of(say))?;
        Ok(())
    }

    fn take_segment_out(&self) -> Outcome {
        let ask = Batch::of(["show-options", "-gv", "status-right"]);
        let before = self.server.run_blocking(&ask)?;
        let before = String::from_utf8_lossy(&before);
        let before = before.trim_end_matches('\n');
        let after = before.replace(&format!("#{{E:{STATUS}}}"), "");
        if after != before {
            let set = Batch::of(["set-option", "-g", "status-right", &after]);
            self.server.run_blocking(&set)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn is_of_tvmux(bound: &str) -> bool {
    bound.contains(" tmux-key ")
}

/// What `list-keys` says of a key: the line from its command on.
fn binding<'a>(list: &'a str, key: &str) -> Option<&'a str> {
    list.lines().find_map(|line| {
        let (_, rest) = line.split_once("-T prefix")?;
        let (named, command) = rest.trim_start().split_once(' ')?;
        // Some are written as the configuration would have them.
        let plain = named.trim_matches('"').trim_start_matches('\\');
        let is_it = named == key || (plain == key && !plain.is_empty());
        is_it.then(|| command.trim_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_found_by_its_key() {
        let list = "bind-key    -T prefix M       select-pane -M\n\
                    bind-key -r -T prefix M-Up    resize-pane -U 5\n\
                    bind-key    -T prefix \\;      last-pane\n\
                    bind-key    -T prefix \"\\#\"    list-buffers\n\
                    bind-key    -T prefix R       run-shell -b 'x -T prefix P y'\n";
        assert_eq!(binding(list, "M"), Some("select-pane -M"));
        assert_eq!(binding(list, "M-Up"), Some("resize-pane -U 5"));
        assert_eq!(binding(list, ";"), Some("last-pane"));
        assert_eq!(binding(list, "#"), Some("list-buffers"));
        assert_eq!(binding(list, "P"), None);
        assert!(binding(list, "R").is_some_and(|bound| bound.starts_with("run-shell")));
    }
}
