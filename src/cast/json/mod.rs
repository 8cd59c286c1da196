//! The part of JSON that casts need: strings escaped fast, values read in
//! pieces of any size, objects read even when they are damaged.
//!
//! serde_json reads what is small and whole; these read what is huge or broken.

mod digits;
mod escape;
mod lex;
mod object;
mod text;

pub(crate) use escape::escape_bounded;
pub use escape::escape_into;
pub(in crate::cast) use lex::{Fault, Lexer, Scalar, Sink};
pub(in crate::cast) use object::{Member, Object};
pub(in crate::cast) use text::{Utf8Check, is_blank, text_run};
