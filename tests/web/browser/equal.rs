//! What the page shows is what tmux showed.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use super::visit::Visit;
use crate::support::scene::write_files;
use crate::support::tvmux::{Tvmux, recorded};
use crate::support::{DEADLINE, TestTmux, wait_until};

/// A recorded window, and what tmux showed at marked moments.
struct Scene {
    tmux: TestTmux,
    cast: PathBuf,
    /// The marker's label and the rows.
    moments: Vec<(String, Vec<String>)>,
}

impl Scene {
    fn keys(&self, keys: &[&str]) {
        self.tmux
            .tmux(&[&["send-keys", "-t", "main:"], keys].concat());
    }

    /// The active pane's rows, without blanks at their ends.
    fn captured(&self) -> Vec<String> {
        let text = self
            .tmux
            .try_tmux(&["capture-pane", "-p", "-t", "main:"])
            .unwrap();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    fn wait(&self, text: &str) {
        let end = Instant::now() + DEADLINE;
        loop {
            let shown = self.captured().join("\n");
            if shown.contains(text) {
                return;
            }
            assert!(
                Instant::now() < end,
                "tmux does not show {text:?}:\n{shown}"
            );
        }
    }

    /// Marks this moment. What tmux shows may still be on its way to the cast, or
    /// change meanwhile; then another moment is taken.
    fn mark(&mut self, tvmux: &Tvmux, what: &str) {
        let end = Instant::now() + DEADLINE;
        let rows = |text: &str| -> Vec<String> {
            let text = text.trim_end();
            text.lines()
                .map(|line| line.trim_end().to_owned())
                .collect()
        };
        let cast = self.cast.to_str().unwrap();
        let moment = (1..).find_map(|tries| {
            let label = format!("{what} {tries}");
            let before = self.captured();
            tvmux.ok(["rec", "mark", &label, "-t", "@0"]);
            wait_until("the mark is in the file", || {
                recorded(&self.cast).contains(&label)
            });
            let shown = tvmux.ok(["screenshot", cast, "--at", &label, "--format", "json"]);
            let shown: Value = serde_json::from_str(&shown).unwrap();
            let lines = shown["lines"].as_array().unwrap().iter();
            let lines: Vec<&str> = lines.filter_map(|line| line["text"].as_str()).collect();
            let shown = rows(&lines.join("\n"));
            let truth = rows(&before.join("\n"));
            if truth == shown && self.captured() == before {
                return Some((label, before));
            }
            assert!(
                Instant::now() < end,
                "{label}: {truth:#?}\nis not {shown:#?}"
            );
            None
        });
        self.moments.extend(moment);
    }
}

#[test]
fn rows_of_the_page_are_those_of_tmux() {
    let mut scene = None;
    let visit = Visit::start("equal", |tvmux| {
        tvmux.start_server();
        scene = Some(film(tvmux));
    });
    let Some(visit) = visit else { return };
    let scene = scene.unwrap();
    assert!(scene.moments.len() >= 20, "{}", scene.moments.len());
    let id = visit.id_of(scene.cast.file_name().unwrap().to_str().unwrap());
    let casts = visit.browser.promised(&format!(
        "fetch('api/casts/{id}').then((answer) => answer.json())"
    ));
    for (label, rows) in &scene.moments {
        let markers = casts["markers"].as_array().unwrap();
        let marker = markers
            .iter()
            .find(|marker| marker["label"] == label.as_str());
        let time = marker.unwrap()["time"].as_f64().unwrap();
        visit.open(&format!("#/cast/{id}?t={time}"));
        let mut shown = Vec::new();
        let end = Instant::now() + DEADLINE;
        while shown != *rows && Instant::now() < end {
            shown = visit.rows();
        }
        assert_eq!(shown, *rows, "{label}");
    }
    visit.end();
}

fn film(tvmux: &Tvmux) -> Scene {
    let tmux = TestTmux::sized("exec env PS1='$ ' TERM=screen-256color sh", 90, 30);
    let recording = tvmux.record(&tmux, &[]);
    let mut scene = Scene {
        cast: tvmux.cast(&recording),
        tmux,
        moments: Vec::new(),
    };
    write_files(scene.tmux.folder());

    scene.wait("$");
    scene.mark(tvmux, "prompt");
    let shell = [
        (
            "ls --color=always -la /usr | head -20; echo lis''ted",
            "listed",
        ),
        (
            "printf '\\344\\270\\255\\346\\226\\207 e\\314\\201 \\360\\237\\230\\200 \\342\\224\\214\\342\\224\\200\\342\\224\\220\\n'",
            "中文",
        ),
        (
            "for i in 1 2 3 4 5 6 7; do printf '\\033[4%smcolour %s\\033[0m ' $i $i; done; echo; echo pain''ted",
            "painted",
        ),
        ("printf '%0200d\\n' 7; echo wrap''ped", "wrapped"),
        ("printf '\\033[2J\\033[H'; echo clea''red", "cleared"),
        (
            "printf 'a\\tb\\tc\\n'; printf '\\033[10;20Hplaced\\033[12;1H'; echo pla''ced",
            "placed",
        ),
        ("seq 1 100; echo coun''ted", "counted"),
        (
            "printf '\\033[7mreverse\\033[0m \\033[1;4mbold\\033[0m'; echo; echo sty''led",
            "styled",
        ),
    ];
    for (command, shown) in shell {
        scene.keys(&[command, "Enter"]);
        scene.wait(shown);
        scene.mark(tvmux, shown);
    }
    scene.keys(&["vim -u NONE -N -c 'syntax on' a.c", "Enter"]);
    scene.wait("return 0");
    scene.mark(tvmux, "vim");
    scene.keys(&["o", "// new", "Escape"]);
    scene.wait("// new");
    scene.mark(tvmux, "insert");
    scene.keys(&["yy20p"]);
    scene.wait("20 more lines");
    scene.mark(tvmux, "paste");
    scene.tmux.resize("@0", 70, 20);
    scene.wait("// new");
    scene.mark(tvmux, "smaller");
    scene.keys(&[":q!", "Enter"]);
    scene.wait("$");
    scene.mark(tvmux, "out of vim");
    scene.keys(&["less text.txt", "Enter"]);
    scene.wait("line 15 of");
    scene.mark(tvmux, "less");
    scene.keys(&["Space"]);
    scene.wait("line 30 of");
    scene.mark(tvmux, "next page");
    scene.keys(&["/line 77", "Enter"]);
    scene.wait("line 77 of");
    scene.mark(tvmux, "found");
    scene.tmux.resize("@0", 100, 33);
    scene.wait("line 77 of");
    scene.mark(tvmux, "larger");
    scene.keys(&["q"]);
    scene.wait("$");
    scene.mark(tvmux, "out of less");
    scene
        .tmux
        .tmux(&["split-window", "-t", "@0", "exec env PS1='% ' sh"]);
    scene.wait("%");
    scene.mark(tvmux, "split");
    scene.keys(&["echo be''low", "Enter"]);
    scene.wait("below");
    scene.mark(tvmux, "below");
    scene.tmux.tmux(&["select-pane", "-t", "%0"]);
    scene.wait("$");
    scene.mark(tvmux, "switched");
    tvmux.ok(["rec", "stop", "-q"]);
    scene
}
