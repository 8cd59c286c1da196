//! `/panes/{id}/wait`: until a pane shows something, or is done.
//!
//! Only a client that is attached is told by tmux that a pane has printed
//! something. So the screen is looked at: soon after it has changed, and
//! less often while it stays as it is. A command's end is read from what the pane
//! prints.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use regex::{Regex, RegexBuilder};
use tokio::time::Instant;

use super::app::App;
use super::command_end::CommandEnd;
use super::extract::{Body, PathPane, Tmux};
use super::panes::takes_input;
use crate::api::{PaneInput, PaneWait, PaneWaited, WaitOutcome};
use crate::http::error::{Failure, Result};
use crate::tmux::control::Screen;

/// Time between two looks, right after a change and at most.
const SOONEST: Duration = Duration::from_millis(25);
const LATEST: Duration = Duration::from_millis(250);

/// The same where only the pane's end is looked for.
const ALIVE: Duration = Duration::from_secs(1);

/// Most memory of a compiled expression, in bytes.
const LARGEST_REGEX: usize = 1024 * 1024;

/// Wait until a pane shows a text, is quiet, or its command has ended.
///
/// The first of the conditions that holds ends the wait, and so does the
/// timeout. `keys` are typed, with Enter, once the wait has started: so nothing
/// is missed between the two.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/panes/{pane_id}/wait",
    params(Tmux),
    request_body = PaneWait,
    responses((status = 200, body = PaneWaited))
))]
pub(super) async fn wait(
    State(app): State<App>,
    Tmux(tmux): Tmux,
    PathPane(pane): PathPane,
    Body(what): Body<PaneWait>,
) -> Result<Json<PaneWaited>> {
    let Ok(_place) = Arc::clone(&app.waits).try_acquire_owned() else {
        return Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_waits",
            "too many clients wait for panes",
        ));
    };
    let condition = Condition::new(&what)?;
    let start = Instant::now();
    let end = start + Duration::from_millis(what.timeout_ms.into());
    tmux.input(pane).await?;
    let mut command_end = match what.command_ended {
        true => Some(CommandEnd::watch(&app.daemon, &tmux, pane).await?),
        false => None,
    };
    if let Some(keys) = &what.keys {
        takes_input(&tmux, pane, what.leave_mode).await?;
        tmux.send_keys(pane, keys, true, true).await?;
    }
    let mut screen = tmux.screen(pane).await?;
    let (mut changed, mut pace) = (Instant::now(), SOONEST);
    let mut exit_status = None;
    let outcome = loop {
        if let Some(outcome) = condition.holds(&screen, changed) {
            break outcome;
        }
        let now = Instant::now();
        if now >= end {
            break WaitOutcome::TimedOut;
        }
        if screen.is_dead {
            let input = PaneInput {
                dead: true,
                ..PaneInput::default()
            };
            return Err(Failure::no_input(pane, input));
        }
        let quiet = condition.quiet.map_or(end, |quiet| changed + quiet);
        let next = (now + condition.pace(pace)).min(end).min(quiet.max(now));
        let ended = async {
            match &mut command_end {
                Some(command_end) => command_end.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = ended => {
                exit_status = ended?;
                screen = tmux.screen(pane).await?;
                break WaitOutcome::CommandEnded;
            }
            () = tokio::time::sleep_until(next) => {}
        }
        let found = tmux.screen(pane).await?;
        if found == screen {
            pace = (pace * 2).min(LATEST);
        } else {
            (screen, changed, pace) = (found, Instant::now(), SOONEST);
        }
    };
    Ok(Json(PaneWaited {
        pane: pane.to_string(),
        outcome,
        elapsed_ms: start.elapsed().as_millis() as u64,
        exit_status,
        content: screen.text,
    }))
}

/// What of a screen ends the wait.
struct Condition<'a> {
    text: Option<&'a str>,
    regex: Option<Regex>,
    quiet: Option<Duration>,
}

impl Condition<'_> {
    fn new(what: &PaneWait) -> Result<Condition<'_>> {
        let compile = |regex: &String| {
            let mut builder = RegexBuilder::new(regex);
            let builder = builder.multi_line(true).size_limit(LARGEST_REGEX);
            let regex = builder.build();
            regex.map_err(|error| Failure::invalid(format!("regex does not fit: {error}")))
        };
        Ok(Condition {
            text: what.text.as_deref(),
            regex: what.regex.as_ref().map(compile).transpose()?,
            quiet: what
                .quiet_ms
                .map(|quiet| Duration::from_millis(quiet.into())),
        })
    }

    fn holds(&self, screen: &Screen, changed: Instant) -> Option<WaitOutcome> {
        if self.text.is_some_and(|text| screen.text.contains(text)) {
            return Some(WaitOutcome::Text);
        }
        let regex = self.regex.as_ref();
        if regex.is_some_and(|regex| regex.is_match(&screen.text)) {
            return Some(WaitOutcome::Regex);
        }
        let is_quiet = |quiet| changed.elapsed() >= quiet;
        self.quiet
            .is_some_and(is_quiet)
            .then_some(WaitOutcome::Quiet)
    }

    fn pace(&self, pace: Duration) -> Duration {
        match self {
            Condition {
                text: None,
                regex: None,
                quiet: None,
            } => ALIVE,
            _ => pace,
        }
    }
}
