//! The archive: the catalogue of casts, and the search in them.
#![allow(clippy::unwrap_used)]

#[path = "../timeline/casts.rs"]
#[allow(dead_code, reason = "the timeline's tests use more of it")]
mod casts;
#[path = "../support/mod.rs"]
mod support;

mod catalogue;
mod commands;
mod compress;
mod export;
mod keeping;
mod processes;
mod reference;
mod search;

use std::path::PathBuf;

use serde_json::Value;
use support::tvmux::Tvmux;

use casts::{Made, made};

/// Writes a cast into a user's folder of recordings.
fn write(user: &Tvmux, name: &str, cast: &Made) -> PathBuf {
    let path = user.folder().join("casts").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, cast.bytes()).unwrap();
    path
}

/// What `tvmux ls --json` gives.
fn listed(user: &Tvmux, args: &[&str]) -> Vec<Value> {
    let args = ["ls", "--json"].iter().chain(args);
    serde_json::from_str(&user.ok(args)).unwrap()
}

/// What `tvmux search --json` gives.
fn found(user: &Tvmux, args: &[&str]) -> Vec<Value> {
    let output = user.run(["search", "--json"].iter().chain(args));
    assert_eq!(
        output.stderr,
        b"",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
