//! The recordings as clients see them, with the present names of their windows.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::{Daemon, recently_ended};
use crate::api;
use crate::tmux::{Batch, Fields, Socket};

/// A tmux server that does not answer keeps nobody from seeing what is recorded.
const PATIENCE: Duration = Duration::from_secs(1);

impl Daemon {
    /// All recordings that run, by their start, with the present names of their
    /// windows; and those that ended in the last hour before them, if wanted.
    pub async fn list(&self, with_ended: bool) -> Vec<api::Recording> {
        let mut running = self.recordings();
        self.name_windows(&mut running).await;
        if !with_ended {
            return running;
        }
        let state = self.shared.folders.state().to_owned();
        let ended = tokio::task::spawn_blocking(move || recently_ended(&state)).await;
        let mut all = ended.unwrap_or_default();
        all.extend(running);
        all
    }

    /// Asks each tmux server once for the names of the windows recorded there.
    async fn name_windows(&self, recordings: &mut [api::Recording]) {
        let sockets: BTreeSet<Socket> = recordings
            .iter()
            .filter(|recording| !recording.window_id.is_empty())
            .map(|recording| Socket::at(&recording.socket))
            .collect();
        let ask = |socket: Socket| {
            let daemon = self.clone();
            tokio::spawn(async move {
                let names = daemon.window_names(socket.clone());
                let names = tokio::time::timeout(PATIENCE, names).await;
                (socket, names.ok().and_then(Result::ok).unwrap_or_default())
            })
        };
        // All at once.
        let asked: Vec<_> = sockets.into_iter().map(ask).collect();
        let mut names: HashMap<Socket, HashMap<String, String>> = HashMap::new();
        for answer in asked {
            names.extend(answer.await);
        }
        for recording in recordings {
            let of_server = names.get(&Socket::at(&recording.socket));
            let name = of_server.and_then(|names| names.get(&recording.window_id));
            recording.window_name = name.cloned();
        }
    }

    async fn window_names(&self, socket: Socket) -> super::Result<HashMap<String, String>> {
        let tmux = self.control(Some(socket)).await?;
        let fields = Fields::new(tmux.version())
            .plain(["window_id"])
            .text(["window_name"]);
        let ask = Batch::of(["list-windows", "-a", "-F", fields.format()]);
        let answer = tmux.server().ask(tmux.version(), &ask).await?;
        Ok(fields
            .parse(&answer)?
            .into_iter()
            .map(|mut row| (row.text(), row.text()))
            .collect())
    }
}
