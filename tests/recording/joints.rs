//! What lies across a resize or a switch comes through whole.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::playback::{Screen, open_raw, replay_cast};
use crate::support::tvmux::{Tvmux, output_of, parse_cast, recorded};
use crate::support::{TestTmux, wait_for, wait_until};

/// Two panes that print what a test writes to their terminals, in a recorded
/// window.
struct Written {
    tmux: TestTmux,
    tvmux: Tvmux,
    recording: Value,
    ttys: [File; 2],
    tokens: std::cell::Cell<u32>,
}

impl Written {
    fn start() -> Written {
        let tmux = TestTmux::start("exec cat >/dev/null");
        tmux.tmux(&["split-window", "-d", "-t", "@0", "exec cat >/dev/null"]);
        let tty = |pane| open_raw(&tmux.ask(pane, "#{pane_tty}"));
        let ttys = ["%0", "%1"].map(tty);
        let mut tvmux = Tvmux::new();
        tvmux.start_server();
        let recording = tvmux.record(&tmux, &[]);
        Written {
            tmux,
            tvmux,
            recording,
            ttys,
            tokens: std::cell::Cell::new(0),
        }
    }

    fn write(&self, pane: usize, bytes: &[u8]) {
        (&self.ttys[pane]).write_all(bytes).unwrap();
    }

    /// Prints something that does not show, and waits until the cast has it.
    fn settle(&self, pane: usize) {
        let token = self.tokens.replace(self.tokens.get() + 1);
        self.write(pane, format!("\x1b]7777;{token}\x1b\\").as_bytes());
        self.has(&format!("]7777;{token}\u{1b}"));
    }

    fn cast(&self) -> PathBuf {
        self.tvmux.cast(&self.recording)
    }

    fn has(&self, text: &str) {
        let cast = self.cast();
        wait_until(&format!("{text:?} is in the cast"), || {
            recorded(&cast).contains(text)
        });
    }

    /// How many snapshots the cast has.
    fn snapshots(&self) -> usize {
        let (_, events) = wait_for("a cast", || {
            parse_cast(&std::fs::read(self.cast()).unwrap()).ok()
        });
        let start = |data: &str| data.starts_with("\u{18}\u{1b}\\\u{1b}[?2026l");
        events.iter().filter(|event| start(&event.data)).count()
    }

    fn resize(&self, columns: u16, rows: u16) {
        let before = self.snapshots();
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let resize = ["resize-window", "-t", "@0", "-x", &columns, "-y", &rows];
        self.tmux.tmux(&resize);
        wait_until("a snapshot after the resize", || self.snapshots() > before);
    }

    /// The cast plays back to what the active pane shows.
    fn is_the_same(&self, what: &str) {
        let pane = self.tmux.ask("@0", "#{pane_id}");
        let shown = Screen::of(&self.tmux, &pane);
        shown.assert_same(&replay_cast(&self.cast()), what);
    }
}

#[test]
fn what_tmux_does_not_tell_comes_through_a_resize() {
    let w = Written::start();
    let sizes = [(60, 20), (70, 16)];
    for (round, (before, after)) in [
        ("\x1b[1;4;31;48;5;22mred ", "still red"),
        ("\x1b[38;2;1;2;3;58;5;9;4:3mcurl", "ed\x1b[m plain"),
        ("box \x1b(0lq", "qk\x1b(B qk"),
        ("\x1b)0\x0eshifted lq", "qk\x0f qk"),
        ("\x1b)B\x0eshifted lq", "qk\x0f qk"),
        (
            "\x1b[3;5H\x1b[32m\x1b(0\x1b7\x1b(B\x1b[m\x1b[1;1Hfirst",
            " row\x1b8q here",
        ),
        ("a\r\nbx", "\x1b[5b"),
        ("\x1b[33mwide \u{65e5}", "\x1b[2b"),
        ("\x1b[31m", "\x1b[5b nothing to repeat"),
        (
            "\x1b]8;id=x;http://a/b\x1b\\li",
            "nk\x1b]8;;\x1b\\ and text",
        ),
        ("\x1b[5 q\x1b[?2004h\x1b[?1004h", "modes"),
        ("\x1b[?1049h\x1b[2;2H\x1b[44malter", "nate"),
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("{before:?} {after:?}");
        w.write(0, b"\x1b[?1049l\x1bc\x1b[?2004l\x1b[?1004l\x1b[0 q");
        w.settle(0);
        // What REP repeats must be the last that comes.
        w.write(0, format!("({round})\r\n{before}").as_bytes());
        w.has(&format!("({round})"));
        let (columns, rows) = sizes[round % 2];
        w.resize(columns, rows);
        w.write(0, after.as_bytes());
        w.settle(0);
        w.is_the_same(&what);
    }
    // Colours of the palette tmux tells nobody.
    w.write(0, b"\x1bc\x1b]4;3;rgb:12/34/56\x1b\\");
    w.settle(0);
    w.resize(65, 18);
    let (_, events) = parse_cast(&std::fs::read(w.cast()).unwrap()).unwrap();
    let output = output_of(&events);
    let last = &output[output.rfind("[?2026l").unwrap()..];
    assert!(last.contains("\u{1b}]4;3;rgb:12/34/56\u{1b}\\"), "{last:?}");
    w.tvmux.ok(["rec", "stop"]);
}

#[test]
fn a_character_across_a_resize_is_whole() {
    let w = Written::start();
    for round in 0..6_u16 {
        for (start, end) in [
            (&b"\xe4"[..], &b"\xb8\xad"[..]),
            (b"\xe4\xb8", b"\xad"),
            (b"\xf0\x9f\x98", b"\x80"),
            (b"\xc3", b"\xa9"),
        ] {
            w.write(0, format!("[{round}]").as_bytes());
            w.write(0, start);
            w.has(&format!("[{round}]"));
            w.resize(60 + round, 20);
            w.write(0, end);
            w.resize(50 + round, 20);
        }
        w.settle(0);
        w.is_the_same(&format!("round {round}"));
    }
    w.tvmux.ok(["rec", "stop"]);
    let (_, events) = parse_cast(&std::fs::read(w.cast()).unwrap()).unwrap();
    let output = output_of(&events);
    assert!(!output.contains('\u{fffd}'));
}

#[test]
fn a_character_across_a_switch_is_shown_in_the_end() {
    let w = Written::start();
    let mut from = 0;
    for round in 0..6 {
        let to = 1 - from;
        w.write(to, format!("\r\n({round}) \u{6587}").as_bytes());
        let pane = format!("%{to}");
        // tmux has all that was written in one piece, or nothing of it.
        w.write(
            to,
            format!("<{round}>\u{4e2d}")
                .as_bytes()
                .split_last()
                .unwrap()
                .1,
        );
        wait_until("tmux has it", || {
            let shown = w.tmux.tmux(&["capture-pane", "-p", "-t", &pane]);
            shown.contains(&format!("<{round}>"))
        });
        w.tmux.tmux(&["select-pane", "-t", &pane]);
        w.tvmux
            .wait_recording("the switch", |r| r["active_pane"] == pane.as_str());
        w.write(to, b"\xad");
        w.settle(to);
        // A snapshot more puts it right.
        let cast = w.cast();
        wait_until("the cast shows the character", || {
            Screen::of(&w.tmux, &pane)
                .difference(&replay_cast(&cast))
                .is_none()
        });
        from = to;
    }
    w.tvmux.ok(["rec", "stop"]);
}

/// Bytes that are no UTF-8 are recorded as the pane showed them.
#[test]
fn invalid_bytes_are_recorded_as_tmux_shows_them() {
    let w = Written::start();
    w.tmux.tmux(&["resize-pane", "-Z", "-t", "%0"]);
    w.tvmux
        .wait_recording("zoomed", |r| r["state"] == "recording");
    for bytes in [
        &b"<\xe9>"[..],
        b"<\xe2\x82>",
        b"<\xe2\xe2\x82\xac>",
        b"<\xf0\x9f\x98>",
        b"<\x80\x80\x80>",
        b"<\xed\xa0\x80>",
        b"<\xc3(>",
        b"<\xff\xfe\xfd>",
        b"<\xe2\xc3\xa9z>",
        b"<\xc0\xafq>",
        b"caf\xe9 \xe4\xf6\xfc\xdf Latin-1",
    ] {
        w.write(0, bytes);
        w.write(0, b"\r\n");
    }
    w.settle(0);
    w.is_the_same("invalid bytes");
    w.tvmux.ok(["rec", "stop"]);
    let (_, events) = parse_cast(&std::fs::read(w.cast()).unwrap()).unwrap();
    let shows = w.tmux.version().shows_invalid_bytes();
    assert_eq!(output_of(&events).contains('\u{fffd}'), shows);
}
