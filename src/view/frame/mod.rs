//! What a program draws on a terminal: rows of styled text, and the bytes that change
//! one such picture into the next.

mod crop;
mod line;
mod painter;
mod typed;

pub use crop::Crop;
pub use line::{Line, Span, ink, row_of};
pub use painter::{Frame, Painter};
pub use typed::{Typed, paste, type_key};

/// What a program's user wants of the world around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    /// Stop as a job of a shell does.
    Suspend,
    Redraw,
    /// Put this on the clipboard.
    Copy(String),
}
