//! Real programs: snapshot and the stream that follows it, played on another
//! terminal, give the screen that the program's own terminal shows.

use std::path::PathBuf;

use tvmux::tmux::Batch;

use super::support::playback::{Player, Screen, settled};
use super::support::{TestTmux, wait_until};
use super::{paint, take_with};

/// A pane whose output is followed from a snapshot on.
struct Followed<'a> {
    tmux: &'a TestTmux,
    painted: Vec<u8>,
    stream: PathBuf,
}

const PANE: &str = "%0";

impl Followed<'_> {
    /// Takes the snapshot and starts the pipe in one moment.
    fn start(tmux: &TestTmux) -> Followed<'_> {
        let stream = tmux.folder().join("stream");
        let pipe = format!("exec cat >'{}'", stream.display());
        let batch = Batch::of(["pipe-pane", "-t", PANE, &pipe]);
        Followed {
            tmux,
            painted: paint(&take_with(tmux, PANE, batch)),
            stream,
        }
    }

    /// Checks that what was followed so far, played, gives what is shown now.
    fn check(&self, what: &str) {
        let (shown, output) = settled(self.tmux, PANE, &self.stream);
        let side = |name: &str| shown.value(name).parse().unwrap();
        let mut player = Player::start(self.tmux, side("pane_width"), side("pane_height"));
        player.feed(&self.painted);
        player.feed(&output);
        shown.assert_same(&player.screen(), what);
    }
}

fn type_keys(tmux: &TestTmux, keys: &[&str]) {
    let command = ["send-keys", "-t", PANE];
    tmux.tmux(&[&command[..], keys].concat());
}

fn await_text(tmux: &TestTmux, text: &str) {
    wait_until(&format!("`{text}` is on the screen"), || {
        Screen::of(tmux, PANE).text().contains(text)
    });
}

/// A shell that runs scripts and then waits.
fn shell() -> TestTmux {
    let tmux = TestTmux::start("");
    await_text(&tmux, "$");
    tmux
}

/// Puts a script where the shell can run it as `sh NAME`.
fn script(tmux: &TestTmux, name: &str, text: &str) {
    std::fs::write(tmux.folder().join(name), text).unwrap();
}

#[test]
fn colours_scroll_by_at_full_speed() {
    let tmux = shell();
    script(
        &tmux,
        "flood",
        r#"i=0
        while [ $i -lt 20000 ]; do
            i=$((i + 1))
            printf '\033[3%d;1mline %d\033[0m of \033[48;5;%dmmany\033[m\n' $((i % 8)) $i $((i % 256))
        done
        echo flood over"#,
    );
    type_keys(&tmux, &["sh flood", "Enter"]);
    await_text(&tmux, "line 1");
    let followed = Followed::start(&tmux);
    await_text(&tmux, "flood over");
    followed.check("a flood");
    let stream = std::fs::read_to_string(&followed.stream).unwrap();
    assert!(stream.matches("line ").count() > 1000, "the flood was over");
}

#[test]
fn a_shell_lists_files_in_colour() {
    let tmux = shell();
    type_keys(
        &tmux,
        &[
            "ls --color=always -C /usr/bin | head -n 40; echo li''sted",
            "Enter",
        ],
    );
    await_text(&tmux, "listed");
    let followed = Followed::start(&tmux);
    followed.check("at once");
    type_keys(&tmux, &["ls --color=always -l / ; echo mo''re", "Enter"]);
    await_text(&tmux, "more");
    followed.check("after more output");
}

#[test]
fn a_progress_bar_goes_on() {
    let tmux = shell();
    script(
        &tmux,
        "bar",
        r#"i=0; bar=
        while [ $i -lt 40 ]; do
            i=$((i + 1)); bar="$bar#"
            printf '\r\033[K\033[32m[%-40s]\033[0m %d/40' "$bar" $i
            [ $i = 20 ] && read -r line
        done
        printf '\ndone\n'"#,
    );
    type_keys(&tmux, &["sh bar", "Enter"]);
    await_text(&tmux, " 20/40");
    let followed = Followed::start(&tmux);
    followed.check("half way");
    type_keys(&tmux, &["Enter"]);
    await_text(&tmux, "done");
    followed.check("at the end");
}

#[test]
fn wide_and_combining_text() {
    let tmux = shell();
    script(
        &tmux,
        "text",
        r#"for i in 1 2 3 4 5 6 7 8; do
            printf '日本語の文章、한국어 문장, émigré, e\314\201a\314\210o\314\202, 🚀 and 😀 ünd ─│┌┐└┘ ░▒▓ '
        done
        printf '\n%s\n' over"#,
    );
    type_keys(&tmux, &["sh text", "Enter"]);
    await_text(&tmux, "over");
    let followed = Followed::start(&tmux);
    followed.check("at once");
    type_keys(&tmux, &["clear; sh text; echo ag''ain", "Enter"]);
    await_text(&tmux, "again");
    followed.check("once more");
}

#[test]
fn regions_and_line_drawing_go_on() {
    let tmux = shell();
    script(
        &tmux,
        "draw",
        r#"printf '\033[H\033[2J\033)0\033[5;15r\033[5H'
        for i in 1 2 3 4 5 6 7; do printf '\016lqqqqk\017 %d\r\n' $i; done
        printf '\033[20Hready\033[15;40H'; read -r line
        for i in 1 2 3 4 5 6 7 8 9; do printf '\016mqqqqj\017 %d\r\n' $i; done
        printf '\033[3L\033[22Hdrawn'; read -r line"#,
    );
    type_keys(&tmux, &["sh draw", "Enter"]);
    await_text(&tmux, "ready");
    let followed = Followed::start(&tmux);
    followed.check("at once");
    type_keys(&tmux, &["Enter"]);
    await_text(&tmux, "drawn");
    followed.check("scrolled within the region");
}

#[test]
fn vim_scrolls_edits_and_leaves() {
    let tmux = shell();
    let text: String = (1..400)
        .map(|i| {
            format!(
                "int number_{i}(void) {{ return {i}; }} /* {} */\n",
                "é日".repeat(i % 30)
            )
        })
        .collect();
    script(&tmux, "code.c", &text);
    type_keys(
        &tmux,
        &[
            "vim -u NONE -N -c 'syntax on | set number ruler hlsearch' code.c",
            "Enter",
        ],
    );
    await_text(&tmux, "number_9(");
    let followed = Followed::start(&tmux);
    followed.check("at the start");
    type_keys(
        &tmux,
        &[
            "C-f",
            "C-f",
            "/return 9",
            "Enter",
            "5dd",
            "isome text",
            "Escape",
            "u",
            ":set list",
            "Enter",
        ],
    );
    type_keys(&tmux, &[":echo 'edi' . 'ted'", "Enter"]);
    await_text(&tmux, "edited");
    followed.check("after editing");
    type_keys(&tmux, &[":qa!", "Enter"]);
    wait_until("vim left", || tmux.ask(PANE, "#{alternate_on}") == "0");
    type_keys(&tmux, &["echo le''ft", "Enter"]);
    await_text(&tmux, "left");
    followed.check("after vim left");
}

#[test]
fn less_pages_and_searches() {
    let tmux = shell();
    let text: String = (1..500)
        .map(|i| format!("{i} {}\n", "word ".repeat(i % 40)))
        .collect();
    script(&tmux, "long", &text);
    type_keys(&tmux, &["less long", "Enter"]);
    await_text(&tmux, "long");
    let followed = Followed::start(&tmux);
    type_keys(
        &tmux,
        &[
            "Space", "Space", "/44", "Enter", "n", "b", "-N", "Enter", "G",
        ],
    );
    await_text(&tmux, "(END)");
    followed.check("at the end");
    type_keys(&tmux, &["q"]);
    type_keys(&tmux, &["echo le''ft", "Enter"]);
    await_text(&tmux, "left");
    followed.check("after less left");
}

#[test]
fn htop_draws_on() {
    let tmux = TestTmux::start("exec htop -d 200");
    await_text(&tmux, "F10");
    let followed = Followed::start(&tmux);
    followed.check("at the start");
    type_keys(&tmux, &["Down", "Down", "F5", "F6"]);
    await_text(&tmux, "Sort by");
    followed.check("with a menu");
    type_keys(&tmux, &["Escape", "F2"]);
    await_text(&tmux, "Setup");
    followed.check("in its setup");
}
