//! Typing into many panes at once: each waits for its own shell, its own lines
//! to be taken and its own pauses, and all keys that are due go to tmux in one
//! invocation.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::readiness::{Readiness, look};
use super::typed_line::TypedLine;
use super::window_plan::Action;
use crate::tmux::control::typing;
use crate::tmux::{self, Batch, Fields, PaneId, Server, SessionId, Version};

/// How long to wait between two looks at a shell that starts.
const STARTING: Duration = Duration::from_millis(3);

/// How long to wait between two looks at a line that was typed.
const TAKING: Duration = Duration::from_millis(1);

/// A pane that gets keys.
#[derive(Debug)]
pub(super) struct Target {
    pub pane: PaneId,
    /// The process it was started with.
    pub pid: u32,
    pub tty: PathBuf,
    /// Which window of the plan it is in.
    pub window: usize,
    /// Whether what is typed into one pane of its window reaches all: then all
    /// must be ready before any gets keys.
    pub synchronized: bool,
    /// What has not been done yet.
    pub actions: VecDeque<Action>,
    /// Whether everything was typed, and [`Typer::done`] called.
    pub finished: bool,
    /// Whether it can be typed into.
    pub ready: bool,
    /// The line that was typed last, until the next may follow.
    pub line: Option<TypedLine>,
    /// When its pause is over.
    pub until: Option<Instant>,
}

/// Types into panes of one session.
pub(super) struct Typer<'a> {
    pub server: &'a Server,
    pub session: SessionId,
    pub version: Version,
    /// How long a pane is waited for at most until it is ready.
    pub timeout: Duration,
    /// How long a pane is waited for at most until it has taken a line.
    pub line_timeout: Duration,
    /// Called when a pane got its last key.
    pub done: &'a mut dyn FnMut(PaneId),
    /// Whether the user broke it off.
    pub interrupted: &'a dyn Fn() -> bool,
}

impl Typer<'_> {
    /// Types everything. Gives the panes that closed before they got it all,
    /// and those that were not ready in time.
    pub fn run(mut self, mut targets: Vec<Target>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let deadline = Instant::now() + self.timeout;
        // A pane whose window is synchronized counts as ready with the others,
        // also when it has nothing to be typed itself.
        while targets.iter().any(|target| !target.actions.is_empty()) {
            if (self.interrupted)() {
                return Err(Error::Interrupted);
            }
            let now = Instant::now();
            self.look(&mut targets, now >= deadline, &mut outcome)?;
            for target in &mut targets {
                let Some(line) = &mut target.line else {
                    continue;
                };
                if line.is_done(target.pid, &target.tty, self.line_timeout, now) {
                    target.line = None;
                }
            }
            let due = due(&mut targets, now);
            if due.is_empty() && targets.iter().any(|target| !target.actions.is_empty()) {
                std::thread::sleep(pause(&targets, now));
                continue;
            }
            self.send(due, &mut targets, &mut outcome)?;
            for target in &mut targets {
                if target.ready && target.actions.is_empty() && !target.finished {
                    target.finished = true;
                    (self.done)(target.pane);
                }
            }
            targets.retain(|target| !target.actions.is_empty() || target.synchronized);
        }
        Ok(outcome)
    }

    /// Finds out which panes became ready.
    fn look(&self, targets: &mut [Target], late: bool, outcome: &mut Outcome) -> Result<()> {
        let mut unknown = Vec::new();
        for target in targets.iter_mut().filter(|target| !target.ready) {
            match look(target.pid, &target.tty) {
                Readiness::Ready => target.ready = true,
                _ if late => {
                    target.ready = true;
                    outcome.late.push(target.pane);
                }
                Readiness::NotYet => {}
                Readiness::Unknown => unknown.push(target),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let fields = Fields::new(self.version).plain(["pane_id", "cursor_x", "cursor_y"]);
        let session = format!("{}:", self.session);
        let list = Batch::of(["list-panes", "-s", "-t", &session, "-F", fields.format()]);
        let mut drawn = Vec::new();
        match self.server.run_blocking(&list) {
            Ok(answer) => {
                for mut row in fields.parse(&answer)? {
                    let (pane, x, y): (PaneId, u32, u32) = (row.get()?, row.get()?, row.get()?);
                    drawn.push((pane, (x, y) != (0, 0)));
                }
            }
            // The session has closed by itself; its panes count as closed.
            Err(tmux::Error::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        for target in unknown {
            let seen = drawn.iter().find(|(pane, _)| *pane == target.pane);
            target.ready = seen.is_none_or(|(_, drawn)| *drawn);
        }
        Ok(())
    }

    /// Sends what is due. tmux stops at a pane that is gone; what came before
    /// has been typed, so the rest goes on after it.
    fn send(
        &mut self,
        mut due: VecDeque<(PaneId, Batch)>,
        targets: &mut [Target],
        outcome: &mut Outcome,
    ) -> Result<()> {
        while !due.is_empty() {
            let mut batch = Batch::new();
            for (_, keys) in &due {
                batch.append(keys.clone());
            }
            let error = match self.server.run_whole_blocking(&batch).1 {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let gone = match &error {
                tmux::Error::Refused { message } => due
                    .iter()
                    .map(|(pane, _)| *pane)
                    .find(|pane| message.ends_with(&format!("can't find pane: {pane}"))),
                // The last session has closed, and the server with it.
                tmux::Error::NoServer { .. } => due.front().map(|(pane, _)| *pane),
                _ => None,
            };
            let Some(gone) = gone else {
                return Err(Error::Step {
                    what: "typing the commands".into(),
                    source: error,
                });
            };
            outcome.closed.push(gone);
            while due.front().is_some_and(|(pane, _)| *pane != gone) {
                due.pop_front();
            }
            due.retain(|(pane, _)| *pane != gone);
            for target in targets.iter_mut().filter(|target| target.pane == gone) {
                target.actions.clear();
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Panes that closed before they got all their commands.
    pub closed: Vec<PaneId>,
    /// Panes that nobody read from when the time was up.
    pub late: Vec<PaneId>,
}

/// Takes the keys of every pane that is ready, up to the end of a line that
/// another one follows, or the next pause.
fn due(targets: &mut [Target], now: Instant) -> VecDeque<(PaneId, Batch)> {
    // What one pane of a synchronized window has to wait for, all have.
    let mut held: HashSet<usize> = targets
        .iter()
        .filter(|target| target.synchronized && (!target.ready || target.line.is_some()))
        .map(|target| target.window)
        .collect();
    let mut due = VecDeque::new();
    for i in 0..targets.len() {
        let target = &mut targets[i];
        let waits = target.synchronized && held.contains(&target.window);
        let pauses = target.until.is_some_and(|until| until > now);
        if !target.ready || waits || pauses || target.line.is_some() {
            continue;
        }
        target.until = None;
        let (mut keys, mut bytes, mut line) = (Batch::new(), 0, false);
        while let Some(action) = target.actions.pop_front() {
            line = action.ends_line();
            match action {
                Action::Type { text, enter } => {
                    bytes += text.len() as u64 + u64::from(enter);
                    keys.append(typing(&target.pane.to_string(), &text, true, enter));
                }
                // What is left of a pause that is over: see below.
                Action::Pause(Duration::ZERO) => {}
                Action::Pause(pause) => {
                    target.until = Some(now + pause);
                    // Keeps the pane busy until its last pause is over too.
                    target.actions.push_front(Action::Pause(Duration::ZERO));
                    break;
                }
            }
            if line {
                break;
            }
        }
        if line {
            let (window, synchronized) = (target.window, target.synchronized);
            let reached: Vec<usize> = match synchronized {
                true => (0..targets.len())
                    .filter(|j| targets[*j].window == window)
                    .collect(),
                false => vec![i],
            };
            let more = |j: &usize| targets[*j].actions.iter().any(Action::types);
            if reached.iter().any(more) {
                for j in reached {
                    let target = &mut targets[j];
                    target.line = TypedLine::begin(target.pid, &target.tty, bytes, now);
                }
                if synchronized {
                    held.insert(window);
                }
            }
        }
        if !keys.is_empty() {
            due.push_back((targets[i].pane, keys));
        }
    }
    due
}

/// How long nothing can become due: until a pause ends, or the next look.
fn pause(targets: &[Target], now: Instant) -> Duration {
    if targets.iter().any(|target| target.line.is_some()) {
        return TAKING;
    }
    if targets.iter().any(|target| !target.ready) {
        return STARTING;
    }
    let next = targets.iter().filter_map(|target| target.until).min();
    next.map_or(STARTING, |until| {
        until
            .saturating_duration_since(now)
            .clamp(Duration::from_micros(100), Duration::from_millis(50))
    })
}
