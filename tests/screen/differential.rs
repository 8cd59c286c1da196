//! Written and random cases: what tmux shows and what the library shows.

use super::captures::rules;
use super::oracle::{Case, Oracle, difference, ours};
use super::{cases, random};

/// Panes that are fed at once.
const PANES: usize = 8;

fn check(all: &[Case]) {
    let rules = rules();
    let mut oracle = Oracle::start(PANES);
    let mut wrong = Vec::new();
    let mut ended = Vec::new();
    for batch in all.chunks(oracle.width()) {
        for (case, tmux) in batch.iter().zip(oracle.run(batch)) {
            let Some(tmux) = tmux else {
                ended.push(case.to_string());
                continue;
            };
            if let Some(difference) = difference(&tmux, &ours(case, rules), rules) {
                wrong.push(format!("{case}\n{difference}"));
            }
        }
    }
    if let Some(path) = std::env::var_os("TVMUX_SCREEN_REPORT") {
        let report = [&wrong[..], &ended[..]].concat();
        std::fs::write(path, report.join("\n")).unwrap();
    }
    // Some bytes end 3.7c, and nothing is known of what they would show.
    eprintln!("{} of {} cases end tmux", ended.len(), all.len());
    assert!(
        ended.len() <= all.len() / 200,
        "tmux ends:\n{}",
        ended.join("\n")
    );
    let shown = wrong
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{shown}",
        wrong.len(),
        all.len()
    );
}

#[test]
fn written_cases_show_what_tmux_shows() {
    let all = cases::written();
    assert!(all.len() >= 380, "{} cases", all.len());
    let only = std::env::var("TVMUX_SCREEN_CASES").unwrap_or_default();
    let some: Vec<Case> = all
        .into_iter()
        .filter(|case| case.name.contains(&only))
        .collect();
    check(&some);
}

/// `TVMUX_SCREEN_RANDOM` says how many: 10000 take about ten minutes.
#[test]
fn random_streams_show_what_tmux_shows() {
    let setting =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |value| value.parse().unwrap());
    let first = setting("TVMUX_SCREEN_SEED", 0);
    let count = setting("TVMUX_SCREEN_RANDOM", 400);
    let all: Vec<Case> = (first..first + count).map(random::case).collect();
    check(&all);
}
