//! `tvmux web`: recordings in a browser, in a process of its own.
//!
//! The way of a request: `server` takes a connection in, `doors` says whose requests
//! are served, and a handler in `routes` reads the casts on disk: which ones there
//! are says `catalogue`, what they show `timelines`, and what a growing one shows now
//! `live`. The daemon that records is asked, through its client, what it records, and
//! nothing else: it serves no viewer.
//!
//! Whatever was recorded is data: it leaves as JSON, text or a picture, never as a
//! part of a page.

mod app;
mod assets;
mod catalogue;
#[cfg(test)]
mod described;
mod doors;
mod live;
#[cfg(test)]
mod openapi_build;
mod peer;
mod routes;
mod server;
mod settings;
mod timelines;
mod viewers;

pub use server::{Known, Listeners, ask_for_ticket, base_name, serve};
pub use settings::Settings;
