//! The daemon's HTTP API.
//!
//! The way of a request: `server` takes a connection in (how many, how long,
//! how much), `access` says whose requests are served, and a handler in
//! `routes` turns the request into calls of the daemon or of tmux.

mod access;
mod error;
pub mod openapi;
#[cfg(test)]
mod openapi_build;
mod routes;
mod server;
mod token;

pub use access::Access;
pub use server::{Listeners, serve};
pub use token::Token;
