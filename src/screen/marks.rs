//! What a shell says about its prompts and commands (OSC 133, OSC 633).
//!
//! Marks are handed on as they come. Shells leave out and double some of
//! them, so who pairs them takes nothing for granted.

use std::collections::VecDeque;
use std::path::PathBuf;

/// What a shell said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A prompt starts (`A`).
    Prompt,
    /// The prompt is over, the user types (`B`).
    Input,
    /// A command runs (`C`).
    Output {
        /// What was typed: as the shell says, else what is on the screen
        /// between [`Mark::Input`] and the cursor.
        command: Option<String>,
    },
    /// The command ended (`D`).
    Finished {
        /// Its exit status, when the shell says so.
        status: Option<i32>,
    },
}

/// A mark and where the cursor was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub mark: Mark,
    /// The row, counted from the first that the terminal ever had.
    pub row: u64,
    pub column: usize,
    /// The shell's folder, of [`Mark::Output`] alone.
    pub folder: Option<PathBuf>,
}

/// Marks that wait to be taken; the oldest go first.
const WAITING: usize = 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub waiting: VecDeque<Marked>,
    /// Where the user started to type.
    pub input: Option<(u64, usize)>,
    /// The next command, as the shell announced it.
    pub command: Option<String>,
    /// The folder, as the shell announced it by another way than OSC 7.
    pub folder: Option<String>,
}

impl Marks {
    pub fn push(&mut self, mark: Mark, (row, column): (u64, usize), folder: Option<PathBuf>) {
        match mark {
            Mark::Input => self.input = Some((row, column)),
            Mark::Prompt | Mark::Output { .. } => self.input = None,
            Mark::Finished { .. } => {}
        }
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Marked {
            mark,
            row,
            column,
            folder,
        });
    }

    pub fn set_command(&mut self, command: String) {
        self.command = Some(command).filter(|command| !command.is_empty());
    }

    pub fn take_command(&mut self) -> Option<String> {
        self.command.take()
    }

    pub fn set_folder(&mut self, folder: String) {
        self.folder = Some(folder);
    }

    pub fn input(&self) -> Option<(u64, usize)> {
        self.input
    }
}
