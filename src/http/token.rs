//! The token that TCP clients must show.

use std::io;

use crate::folders::Folders;
use crate::serving::Secret;

/// A secret that is in the runtime folder.
#[derive(Clone, Debug)]
pub struct Token(Secret);

impl Token {
    /// Makes a token and leaves it in the runtime folder, for clients of this
    /// user.
    ///
    /// # Errors
    /// When the system has no random bytes, or the file cannot be written.
    pub fn create(folders: &Folders) -> io::Result<Token> {
        let secret = Secret::random()?;
        folders.write_token(secret.tell())?;
        Ok(Token(secret))
    }

    /// Leaves it there again, where somebody has swept it or the folder is another
    /// one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn leave(&self, folders: &Folders) -> io::Result<()> {
        match folders.token().symlink_metadata() {
            Ok(_) => Ok(()),
            Err(_) => folders.write_token(self.0.tell()),
        }
    }

    pub(super) fn matches(&self, shown: &str) -> bool {
        self.0.matches(shown)
    }
}
