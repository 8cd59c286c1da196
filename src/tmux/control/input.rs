//! What a pane takes in: whether keys reach its program, paste, and the screen
//! that answers.

use super::{Control, Target};
use crate::tmux::{Batch, Error, Fields, ObjectKind, PaneId, Result};

/// Most bytes of text in one `set-buffer`, well below those of one message.
const LONGEST_TEXT: usize = 8192;

/// Whether what is typed into a pane reaches its program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// tmux's name of the mode that takes the keys instead (`copy-mode`).
    pub mode: Option<String>,
    /// Whether the program has ended and the pane stays (`remain-on-exit`).
    pub is_dead: bool,
    /// Whether input is switched off (`select-pane -d`).
    pub is_off: bool,
}

/// What a pane shows at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The rows from the top, without trailing blanks, each with a newline. A
    /// line that wraps is one.
    pub text: String,
    /// Column and row of the cursor, from 0.
    pub cursor: (u32, u32),
    /// Lines that have scrolled off the top.
    pub history: u32,
    /// Whether the alternate screen is on.
    pub is_alternate: bool,
    /// Whether the program has ended and the pane stays.
    pub is_dead: bool,
}

impl Control {
    /// Whether what is typed into a pane reaches its program.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such pane.
    pub async fn input(&self, pane: PaneId) -> Result<Input> {
        let fields = Fields::new(self.version).plain([
            "pane_id",
            "pane_dead",
            "pane_input_off",
            "pane_mode",
        ]);
        let target = pane.target();
        let command = ["display-message", "-p", "-t", &target, fields.format()];
        let answer = self.ask(&Batch::of(command)).await?;
        let row = fields.parse(&answer)?.into_iter().next();
        let mut row = row.ok_or_else(|| Error::missing(ObjectKind::Pane, pane))?;
        // For a pane that is not there tmux takes another, or none.
        if row.text() != target {
            return Err(Error::missing(ObjectKind::Pane, pane));
        }
        Ok(Input {
            is_dead: row.flag(),
            is_off: row.flag(),
            mode: Some(row.text()).filter(|mode| !mode.is_empty()),
        })
    }

    /// Makes a pane leave all its modes.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such pane.
    pub async fn leave_modes(&self, pane: PaneId) -> Result<()> {
        let target = pane.target();
        if self.version.has_mode_exit() {
            let command = Batch::of(["copy-mode", "-q", "-t", &target]);
            return self.run(&command).await.map(drop);
        }
        // One mode may lie on another; each ends in a way of its own.
        while let Some(mode) = self.input(pane).await?.mode {
            let mut command = vec!["send-keys", "-t", &target];
            match mode.as_str() {
                "copy-mode" | "view-mode" => command.extend(["-X", "cancel"]),
                _ => command.push("q"),
            }
            self.run(&Batch::of(command)).await?;
        }
        Ok(())
    }

    /// Pastes a text through a buffer of its own, with brackets around it where
    /// the program has asked for them; then presses Enter, if wanted.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such pane.
    pub async fn paste(&self, pane: PaneId, text: &str, enter: bool) -> Result<()> {
        let (target, buffer) = (pane.target(), format!("tvmux-{:016x}", fastrand::u64(..)));
        let mut batch = Batch::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, more) = rest.split_at(rest.floor_char_boundary(LONGEST_TEXT));
            batch.push(["set-buffer", "-a", "-b", &buffer, "--", part]);
            rest = more;
        }
        if !text.is_empty() {
            let flags = if self.version.has_raw_paste() {
                "-Sdp"
            } else {
                "-dp"
            };
            batch.push(["paste-buffer", flags, "-b", &buffer, "-t", &target]);
        }
        if enter {
            batch.push(["send-keys", "-t", &target, "Enter"]);
        }
        if batch.is_empty() {
            return self.input(pane).await.map(drop);
        }
        for message in batch.into_messages() {
            if let Err(error) = self.run(&message).await {
                let command = Batch::of(["delete-buffer", "-b", &buffer]);
                let _ = self.run(&command).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// What a pane shows now.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such pane.
    pub async fn screen(&self, pane: PaneId) -> Result<Screen> {
        let fields = Fields::new(self.version).plain([
            "cursor_x",
            "cursor_y",
            "history_size",
            "alternate_on",
            "pane_dead",
        ]);
        let target = pane.target();
        let mut batch = Batch::of(["display-message", "-p", "-t", &target, fields.format()]);
        batch.push(["capture-pane", "-p", "-J", "-t", &target]);
        let answer = self.ask(&batch).await?;
        let end = memchr::memchr(b'\n', &answer).map_or(answer.len(), |end| end + 1);
        let (state, rows) = answer.split_at(end);
        let row = fields.parse(state)?.into_iter().next();
        let mut row = row.ok_or_else(|| Error::missing(ObjectKind::Pane, pane))?;
        let mut text = String::with_capacity(rows.len());
        for line in String::from_utf8_lossy(rows).lines() {
            text.push_str(line.trim_end_matches(' '));
            text.push('\n');
        }
        Ok(Screen {
            text,
            cursor: (row.get()?, row.get()?),
            history: row.get()?,
            is_alternate: row.flag(),
            is_dead: row.flag(),
        })
    }
}
