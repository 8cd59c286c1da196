//! What only those know who were told.

use std::{fmt, io};

use subtle::ConstantTimeEq;

/// A secret. It is never printed by accident, and compared in constant time: how
/// long that takes says nothing of it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one: 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn random() -> io::Result<Secret> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Secret(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    pub(crate) fn tell(&self) -> &str {
        &self.0
    }

    pub(crate) fn matches(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
