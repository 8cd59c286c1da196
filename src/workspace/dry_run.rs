//! A plan as a tmux script.

use super::command::{Command, Word, render};
use super::context::PlanContext;
use super::plan::{Plan, STAND_IN};
use super::window_plan::Action;
use crate::tmux::Batch;
use crate::tmux::control::typing;

impl Plan {
    /// The plan as a tmux script: what a load would do, for reading and, but
    /// for the waiting, for `source-file`.
    #[must_use]
    pub fn script(&self, context: &PlanContext) -> String {
        let session = format!("={}:", self.name);
        let index = |window: &usize| self.windows[*window].index;
        let name = |word: &Word| {
            Some(match word {
                Word::Text(text) => text.clone(),
                Word::Folder(folder) => folder.to_string_lossy().into_owned(),
                Word::Session => session.clone(),
                Word::Index(index) => format!("{session}{index}"),
                Word::StandIn => format!("{session}={STAND_IN}"),
                // The one before the current one.
                Word::Previous => format!("{session}!"),
                Word::Window(window) | Word::WindowHere(window) => {
                    format!("{session}{}", index(window))
                }
                Word::Pane(window, pane) => {
                    let pane = *pane as u32 + context.pane_base_index;
                    format!("{session}{}.{pane}", index(window))
                }
            })
        };
        let script = |batch: Batch| format!("{batch}\n");
        let put = |command: &Command| script(Batch::of(render(command, &name).unwrap_or_default()));
        let mut out = String::new();
        out.extend(self.new_session.iter().map(put));
        out.extend(self.prepare.iter().map(put));
        out.extend(self.windows.iter().map(|window| put(&window.create)));
        for window in &self.windows {
            out.extend(window.options.iter().chain(&window.panes).map(put));
        }
        out.extend(self.start.iter().map(put));
        for (number, window) in self.windows.iter().enumerate() {
            for (pane, actions) in window.keys.iter().enumerate() {
                let target = name(&Word::Pane(number, pane)).unwrap_or_default();
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
        if !self.on_attach.is_empty() {
            out.push_str("# once a client shows the session:\n");
            let commands = self.on_attach.iter().map(put);
            out.extend(commands.map(|command| format!("# {command}")));
        }
        out
    }
}
