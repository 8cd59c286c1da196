//! What a tmux target names.
//!
//! `display-message -t` and `if-shell -t` take the current pane where there is
//! no such target, without a word. So a target of the user's is resolved here,
//! by a command that fails then, and everything after goes by id.

use super::{Batch, Error, ObjectKind, PaneId, Result, Server, SessionId, WindowId};

/// Where a target leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The session that tmux takes for meant, where a window is in several.
    pub session: SessionId,
    /// The window, also where the target names one of its panes.
    pub window: WindowId,
    /// The pane that the target names; the active one where it names none.
    pub pane: PaneId,
    /// The window's active pane.
    pub active_pane: PaneId,
}

impl Resolved {
    /// The window in its session, as a target.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}:{}", self.session, self.window)
    }
}

/// What `target` names on a server, as tmux takes it for a window: an id, an
/// index, a name or a pattern, with a session before it, a pane behind it.
///
/// # Errors
/// [`Error::Missing`] when it names nothing.
pub async fn resolve(server: &Server, target: &str) -> Result<Resolved> {
    read(target, server.run(&query(target)).await)
}

/// The same; blocks meanwhile.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_blocking(server: &Server, target: &str) -> Result<Resolved> {
    read(target, server.run_blocking(&query(target)))
}

fn query(target: &str) -> Batch {
    let format = "#{session_id} #{window_id} #{pane_id} #{pane_active}";
    // Fails where there is no such target, and what follows is not run.
    let mut batch = Batch::of(["list-panes", "-t", target, "-F", format]);
    // Which of these panes it was.
    batch.push(["display-message", "-p", "-t", target, "#{pane_id}"]);
    batch
}

fn read(target: &str, answer: Result<Vec<u8>>) -> Result<Resolved> {
    let missing = || Error::missing(ObjectKind::Window, target);
    // tmux takes no target at all for the current one.
    if target.is_empty() {
        return Err(missing());
    }
    let answer = answer.map_err(|error| match error.refine() {
        // By all of its name, not by the part that was not found.
        Error::Missing { kind, .. } => Error::missing(kind, target),
        error => error,
    })?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(missing)
}

fn parse(answer: &str) -> Option<Resolved> {
    let mut panes = Vec::new();
    let mut named: Option<PaneId> = None;
    for line in answer.lines() {
        let mut words = line.split(' ');
        let first = words.next()?;
        match first.parse() {
            Ok(pane) => named = Some(pane),
            Err(_) => {
                let session = first.parse().ok()?;
                let (window, pane) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                panes.push((session, window, pane, words.next()? == "1"));
            }
        }
    }
    let &(session, window, active_pane, _) = panes.iter().find(|(.., is_active)| *is_active)?;
    // A number alone is a window to `list-panes`, and a pane to the other.
    let pane = named.filter(|named| panes.iter().any(|(_, _, pane, _)| pane == named));
    Some(Resolved {
        session,
        window,
        pane: pane.unwrap_or(active_pane),
        active_pane,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let found = parse("$0 @1 %1 1\n$0 @1 %2 0\n%2\n").unwrap();
        assert_eq!((found.window, found.pane), (WindowId(1), PaneId(2)));
        assert_eq!(found.active_pane, PaneId(1));
        assert_eq!(found.target(), "$0:@1");
        // The pane of another window is none of this one's.
        assert_eq!(parse("$0 @1 %1 1\n%7\n").unwrap().pane, PaneId(1));
        for bad in ["", "%1\n", "$0 @1\n", "$0 @1 %1 0\n%1\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
