//! A plan as a tmux script.

use super::command::{Command, Word, command, render};
use super::ground::Ground;
use super::plan::{Action, Plan};
use crate::tmux::Batch;

impl Plan {
    /// The plan as a tmux script: what a load would do, for reading and, but
    /// for the waiting, for `source-file`.
    #[must_use]
    pub fn script(&self, ground: &Ground) -> String {
        let session = format!("={}:", self.name);
        let name = |word: &Word| match word {
            Word::Text(text) => text.clone(),
            Word::Session => session.clone(),
            Word::Window(index) => format!("{session}{index}"),
            Word::Pane(window, pane) => {
                let window = self.windows[*window].index;
                format!(
                    "{session}{window}.{}",
                    *pane as u32 + ground.pane_base_index
                )
            }
        };
        let mut out = String::new();
        let mut put = |command: &Command| {
            out.push_str(&Batch::of(render(command, &name)).to_string());
            out.push('\n');
        };
        self.new_session.iter().for_each(&mut put);
        self.prepare.iter().for_each(&mut put);
        for window in &self.windows {
            window.create.iter().chain(&window.panes).for_each(&mut put);
        }
        for window in &self.windows {
            for action in window.keys.iter().flatten() {
                match action {
                    Action::Keys(command) => put(command),
                    Action::Pause(pause) => {
                        put(&command![
                            "run-shell",
                            format!("sleep {}", pause.as_secs_f64())
                        ]);
                    }
                }
            }
            window.finish.iter().for_each(&mut put);
        }
        self.finish.iter().for_each(&mut put);
        out
    }
}
