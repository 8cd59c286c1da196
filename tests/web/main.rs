//! `tvmux web`: the page in a browser, who may come in, and what is served.
#![allow(clippy::unwrap_used)]

#[path = "../timeline/casts.rs"]
#[allow(dead_code, reason = "the timeline's tests use more of it")]
mod casts;
#[path = "../support/mod.rs"]
mod support;

mod browser;
mod doors;
mod moments;
mod process;
mod server;
mod streams;

use std::path::PathBuf;

use casts::{Made, made};
use server::{Visitor, Web};
use support::tvmux::Tvmux;

/// Writes a cast into a user's folder of recordings.
fn write(user: &Tvmux, name: &str, cast: &Made) -> PathBuf {
    let path = user.folder().join("casts").join(name);
    std::fs::write(&path, cast.bytes()).unwrap();
    path
}
