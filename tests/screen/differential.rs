//! Written and random cases: what tmux shows and what the library shows.

use tvmux::screen::Rules;

use super::oracle::{Case, Oracle, difference, ours};
use super::{cases, random};

/// The rules of the tmux that is tested.
pub fn rules() -> Rules {
    let program = super::support::program();
    let output = std::process::Command::new(program)
        .arg("-V")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = text.trim().trim_start_matches("tmux ");
    let (major, minor) = number.split_once('.').unwrap();
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Rules::tmux(major.parse().unwrap(), minor.parse().unwrap())
}

/// Panes that are fed at once.
const PANES: usize = 8;

fn check(all: &[Case]) {
    let rules = rules();
    let mut oracle = Oracle::start(PANES);
    let mut wrong = Vec::new();
    for batch in all.chunks(oracle.width()) {
        for (case, tmux) in batch.iter().zip(oracle.run(batch)) {
            if let Some(difference) = difference(&tmux, &ours(case, rules), rules) {
                wrong.push(format!("{case}\n{difference}"));
            }
        }
    }
    if let Some(path) = std::env::var_os("TVMUX_SCREEN_REPORT") {
        std::fs::write(path, wrong.join("\n")).unwrap();
    }
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
