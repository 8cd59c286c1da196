//! Measures the recorder as its users meet it: through a private tmux, beside
//! other recorders, in one run.
//!
//! Rounds of all contestants alternate, so that a busy machine is busy for
//! each of them; medians are reported, and how far the rounds lie apart.
//! Nothing here passes or fails by a figure; what was recorded is checked.
#![allow(clippy::unwrap_used)]

mod against;
mod contestant;
#[path = "../corpus/mod.rs"]
mod corpus;
mod counted;
mod flood;
mod latency;
mod many;
mod options;
mod process;
mod report;
mod soak;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use clap::Parser;
use serde_json::json;

use options::Options;
use report::Table;

fn main() {
    let options = Options::parse();
    let mut tables: Vec<Table> = Vec::new();
    let mut add = |table: Table| {
        if !options.json {
            table.print();
        }
        tables.push(table);
    };
    if let Some(minutes) = options.soak {
        let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        add(soak::run(Duration::from_secs_f64(minutes * 60.0), seed));
    } else if let Some(other) = &options.against {
        add(against::run(&options, other));
    } else {
        if options.wants("flood") {
            flood::run(&options).into_iter().for_each(&mut add);
            flood::counted().into_iter().for_each(&mut add);
        }
        if options.full || options.only.iter().any(|only| only == "big") {
            add(flood::big());
        }
        if options.wants("typing") {
            add(many::typing(&options));
        }
        if options.wants("scale") {
            add(many::light(&options));
            add(many::flood(&options));
        }
        if options.wants("idle") {
            add(many::idle(&options));
        }
        if options.wants("latency") {
            add(latency::run(&options));
        }
    }
    if options.json {
        let tables: Vec<_> = tables.iter().map(Table::json).collect();
        println!("{}", json!({ "machine": machine(), "tables": tables }));
    } else {
        println!("\n{}", machine());
    }
}

/// What the figures are of.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |model| {
        model.trim_start_matches(['\t', ':', ' '])
    });
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let tmux = std::process::Command::new(support::program())
        .arg("-V")
        .output();
    let tmux = tmux.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{model}, {cores} cores, Linux {}, {tmux}, load at the end {load}",
        kernel.trim()
    )
}
