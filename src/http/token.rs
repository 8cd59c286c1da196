//! The token that TCP clients must show.

use std::fmt;
use std::io;

use subtle::ConstantTimeEq;

use crate::folders::Folders;

/// A secret. It is never printed, and compared in constant time: how long that
/// takes says nothing of it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Makes a token and leaves it in the runtime folder, for clients of this
    /// user.
    ///
    /// # Errors
    /// When the system has no random bytes, or the file cannot be written.
    pub fn create(folders: &Folders) -> io::Result<Token> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        folders.write_token(&text)?;
        Ok(Token(text))
    }

    /// Leaves it there again, where somebody has swept it or the folder is another
    /// one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn leave(&self, folders: &Folders) -> io::Result<()> {
        match folders.token().symlink_metadata() {
            Ok(_) => Ok(()),
            Err(_) => folders.write_token(&self.0),
        }
    }

    pub(super) fn matches(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
