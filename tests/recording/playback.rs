//! What is played back is what was on the screen.

use std::path::Path;

use serde_json::Value;
use tvmux::cast::{Code, EventReader, Strictness};
use tvmux::screen::Rules;
use tvmux::tmux::Version;

use crate::captures::{Shown, capture};
use crate::oracle;
use crate::support::playback::{Screen, replay_cast_for};
use crate::support::scene::write_files;
use crate::support::tvmux::{Tvmux, recorded};
use crate::support::{DEADLINE, TestTmux, wait_until};

/// A recorded window whose screen is compared with the cast's again and again.
struct Filmed {
    tmux: TestTmux,
    tvmux: Tvmux,
    recording: Value,
    marks: std::cell::Cell<u32>,
}

impl Filmed {
    fn start() -> Filmed {
        let tmux = TestTmux::sized("exec env PS1='$ ' TERM=screen-256color sh", 90, 30);
        let mut tvmux = Tvmux::new();
        tvmux.start_server();
        let recording = tvmux.record(&tmux, &[]);
        Filmed {
            tmux,
            tvmux,
            recording,
            marks: std::cell::Cell::new(0),
        }
    }

    fn keys(&self, keys: &[&str]) {
        let pane = self.pane();
        self.tmux
            .tmux(&[&["send-keys", "-t", &pane], keys].concat());
    }

    fn pane(&self) -> String {
        self.tmux.ask("@0", "#{pane_id}")
    }

    fn shows(&self, text: &str) {
        let pane = self.pane();
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let shown = Screen::of(&self.tmux, &pane).text();
            if shown.contains(text) {
                return;
            }
            let is_late = std::time::Instant::now() > end;
            assert!(!is_late, "{pane} does not show {text:?}:\n{shown}");
        }
    }

    /// As [`Filmed::is_the_same`], after a resize while the alternate screen was
    /// on: tmux does not tell what becomes of the normal screen below it.
    fn is_the_same_above(&self, what: &str) {
        let unknown = |name: &str| name.contains("alternate_saved");
        self.compare(
            what,
            |mut screen| {
                screen.saved.clear();
                screen.state.retain(|(name, _)| !unknown(name));
                screen
            },
            |mut shown| {
                shown.normal.clear();
                shown.state.retain(|(name, _)| !unknown(name));
                shown
            },
        );
    }

    /// The cast plays back to the active pane's screen of this moment: marks
    /// it, and plays the cast up to the mark. A program that draws meanwhile
    /// makes it another moment; then it is tried again.
    fn is_the_same(&self, what: &str) {
        self.compare(what, |screen| screen, |shown| shown);
    }

    /// Plays the cast to another tmux and to the library's screen.
    fn compare(
        &self,
        what: &str,
        part: impl Fn(Screen) -> Screen,
        own_part: impl Fn(Shown) -> Shown,
    ) {
        let cast = self.tvmux.cast(&self.recording);
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let pane = self.pane();
            let before = part(Screen::of(&self.tmux, &pane));
            let mark = format!("{what} {}", self.marks.replace(self.marks.get() + 1));
            self.tvmux.ok(["rec", "mark", &mark, "-t", "@0"]);
            let screen = part(Screen::of(&self.tmux, &pane));
            wait_until("the mark is in the file", || {
                recorded(&cast).contains(&mark)
            });
            let own = |shown: Shown| own_part(on_screen(shown));
            // Before 3.3 tmux tells of blanks that were never written, or of none.
            let truth = (self.tmux.version() >= Version::new(3, 3))
                .then(|| own(capture(&self.tmux, &pane).unwrap()));
            let after = part(Screen::of(&self.tmux, &pane));
            let played = part(replay_cast_for(&cast, |event| event.data != mark.as_str()));
            let (shown, rules) = show(&cast, &mark);
            let difference = screen
                .difference(&played)
                .or_else(|| screen.difference(&after))
                .or_else(|| oracle::difference(truth.as_ref()?, &own(shown), rules));
            if before.difference(&screen).is_none() && difference.is_none() {
                return;
            }
            if std::time::Instant::now() > end {
                panic!("{what}: {}", difference.unwrap_or_default());
            }
        }
    }
}

/// What a cast shows at a mark.
fn show(cast: &Path, mark: &str) -> (Shown, Rules) {
    let file = std::fs::File::open(cast).unwrap();
    let mut reader = EventReader::new(file, Strictness::Strict).unwrap();
    let header = reader.header();
    let rules = Rules::of_env(|name| header.terminal_variable(name));
    let mut screen = tvmux::screen::Screen::new(header.width, header.height, rules);
    loop {
        let event = reader.next().unwrap().unwrap();
        if event.code == Code::Output {
            screen.feed(event.data.to_str().as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            screen.resize(columns, rows);
        } else if event.data == mark {
            return (oracle::shown(&screen), rules);
        }
    }
}

/// What a cast has to show: it opens with the screen alone, without the history.
fn on_screen(mut shown: Shown) -> Shown {
    let state = shown.state.iter();
    let height: usize = state
        .clone()
        .find_map(|(name, value)| (*name == "pane_height").then(|| value.parse().unwrap()))
        .unwrap();
    shown.rows.drain(..shown.rows.len() - height);
    let is_alternate = shown.state.contains(&("alternate_on", "1".to_owned()));
    // The saved cursor counts while the alternate screen is shown.
    let counts =
        |name: &str| name != "history_size" && (is_alternate || !name.contains("alternate_saved"));
    shown.state.retain(|(name, _)| counts(name));
    shown
}

#[test]
fn a_day_at_the_terminal_plays_back() {
    let f = Filmed::start();
    write_files(f.tmux.folder());
    f.shows("$");
    f.is_the_same("a prompt");

    f.keys(&["ls --color=always -la /usr | head -20", "Enter"]);
    f.shows("lib");
    f.is_the_same("colours");
    f.keys(&["printf '\\344\\270\\255\\346\\226\\207 e\\314\\201 \\360\\237\\230\\200 \\033(0lqk\\033(B\\n'", "Enter"]);
    f.shows("中文");
    f.is_the_same("wide, combining, line drawing");
    f.keys(&["for i in 1 2 3 4 5 6 7 8 9; do printf \"\\r[%-9s] $i\" \"$(printf '#%.0s' $(seq $i))\"; done; echo; echo do''ne", "Enter"]);
    f.shows("done");
    f.is_the_same("a progress bar");

    f.keys(&["vim -u NONE -N -c 'syntax on' a.c", "Enter"]);
    f.shows("return 0");
    f.keys(&["o", "// new", "Escape"]);
    f.shows("// new");
    f.is_the_same("vim");
    f.tmux.resize("@0", 70, 20);
    f.is_the_same_above("vim, smaller");
    f.keys(&[":q!", "Enter"]);
    f.shows("$");
    f.is_the_same("out of vim");

    f.keys(&["less text.txt", "Enter"]);
    f.shows("line 15 of");
    f.keys(&["Space", "/line 77", "Enter"]);
    f.shows("line 77 of");
    f.is_the_same("less");
    f.tmux.resize("@0", 100, 33);
    f.is_the_same_above("less, larger");
    f.keys(&["q"]);
    f.shows("$");
    f.is_the_same("out of less");

    f.tmux
        .tmux(&["split-window", "-t", "@0", "exec htop -d 20"]);
    f.shows("Load average");
    f.is_the_same("htop in a split");
    f.tmux
        .tmux(&["split-window", "-h", "-t", "@0", "exec env PS1='% ' sh"]);
    f.shows("%");
    f.keys(&["seq 1 300", "Enter"]);
    f.shows("300");
    f.is_the_same("a flood in a split");
    f.tmux.tmux(&["resize-pane", "-Z", "-t", "@0"]);
    f.is_the_same("zoomed");
    f.tmux.tmux(&["resize-pane", "-Z", "-t", "@0"]);
    for switch in 0..50 {
        let pane = format!("%{}", switch % 3);
        f.tmux.tmux(&["select-pane", "-t", &pane]);
        f.tvmux
            .wait_recording("the switch", |r| r["active_pane"] == pane.as_str());
        if switch % 3 == 2 {
            f.keys(&[&format!("echo swi''tch {switch}"), "Enter"]);
            f.shows(&format!("switch {switch}"));
        }
        if switch % 7 == 0 {
            f.is_the_same(&format!("switch {switch} to {pane}"));
        }
    }
    f.tvmux.ok(["rec", "stop"]);
}
