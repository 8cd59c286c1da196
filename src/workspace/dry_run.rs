//! A plan as a tmux script.

use super::command::{Command, Word, render};
use super::context::PlanContext;
use super::plan::{Action, Plan};
use crate::tmux::Batch;
use crate::tmux::control::typing;

impl Plan {
    /// The plan as a tmux script: what a load would do, for reading and, but
    /// for the waiting, for `source-file`.
    #[must_use]
    pub fn script(&self, context: &PlanContext) -> String {
        let session = format!("={}:", self.name);
        let name = |word: &Word| match word {
            Word::Text(text) => text.clone(),
            Word::Session => session.clone(),
            Word::Window(index) => format!("{session}{index}"),
            Word::Pane(window, pane) => {
                let window = self.windows[*window].index;
                format!(
                    "{session}{window}.{}",
                    *pane as u32 + context.pane_base_index
                )
            }
        };
        let script = |batch: Batch| format!("{batch}\n");
        let put = |command: &Command| script(Batch::of(render(command, &name)));
        let mut out = String::new();
        out.extend(self.new_session.iter().map(put));
        out.extend(self.prepare.iter().map(put));
        for window in &self.windows {
            out.extend(window.create.iter().chain(&window.panes).map(put));
        }
        for (number, window) in self.windows.iter().enumerate() {
            for (pane, actions) in window.keys.iter().enumerate() {
                let target = name(&Word::Pane(number, pane));
                for action in actions {
                    out.push_str(&script(match action {
                        Action::Type { text, enter } => typing(&target, text, true, *enter),
                        Action::Pause(pause) => {
                            Batch::of(["run-shell", &format!("sleep {}", pause.as_secs_f64())])
                        }
                    }));
                }
            }
            out.extend(window.finish.iter().map(put));
        }
        out.extend(self.finish.iter().map(put));
        out
    }
}
