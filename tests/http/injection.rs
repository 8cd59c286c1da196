//! What is sent is what tmux holds: no format, shell or option is expanded.

use std::cell::RefCell;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use tvmux::api::{PaneSendKeys, WindowCreate};
use tvmux::client::Client;
use tvmux::tmux::decode_name;

use super::Api;
use super::support::wait_until;

/// Pieces that mean something to tmux, to a shell or to a command line.
const PIECES: [&str; 44] = [
    "#{pid}",
    "#(touch pwned)",
    "$(touch pwned)",
    "`touch pwned`",
    "#[fg=red]",
    "##",
    "#",
    "#S",
    "#,",
    "#}",
    "}",
    "{",
    "%H",
    "%%",
    "%0",
    "@0",
    "$0",
    ";",
    "\\;",
    " ; ",
    "\\",
    "\\\\",
    "\\n",
    "\\$HOME",
    "$HOME",
    "${HOME}",
    "~",
    "-",
    "--",
    "-t",
    "=",
    "*",
    "?",
    "'",
    "\"",
    " ",
    "|",
    "&",
    "\t",
    "\n",
    "é",
    "漢",
    "😀",
    "\u{7f}",
];

/// A text of such pieces and of anything printable.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => "[ -~]{1,4}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The same as tmux takes it for a session.
fn session_name() -> impl Strategy<Value = String> {
    hostile().prop_filter_map("is altered by tmux", |name| {
        let altered = |c: char| ":.".contains(c) || c.is_ascii_control();
        let name: String = name.chars().filter(|c| !altered(*c)).collect();
        (!name.is_empty()).then_some(name)
    })
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// A daemon, a client, and a loop to run it in.
struct Bench {
    api: Api,
    runtime: Runtime,
}

impl Bench {
    fn start() -> Bench {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Bench {
            api: Api::start(),
            runtime,
        }
    }

    fn client(&self) -> Client {
        self.runtime.block_on(self.api.client())
    }

    /// What tmux itself has stored, read past the daemon.
    fn stored(&self, target: &str, format: &str) -> String {
        decode_name(&self.api.tmux.ask(target, format))
    }

    fn nothing_ran(&self) {
        for folder in [
            self.api.tmux.folder(),
            self.api.tvmux.folder(),
            Path::new("/"),
        ] {
            assert!(!folder.join("pwned").exists(), "a command was run");
        }
    }
}

#[test]
fn keys() {
    let bench = Bench::start();
    let client = RefCell::new(bench.client());
    let typed = bench.api.tmux.folder().join("typed");
    let command = format!(
        "stty raw -echo; touch '{0}.ready'; exec cat > '{0}'",
        typed.display()
    );
    let new = WindowCreate {
        session: Some("main".into()),
        command: Some(command),
        ..WindowCreate::default()
    };
    let window = bench
        .runtime
        .block_on(client.borrow_mut().create_window(&new))
        .unwrap();
    let pane = bench.api.tmux.ask(&window.id, "#{pane_id}");
    wait_until("the pane reads", || {
        bench.api.tmux.folder().join("typed.ready").exists() && typed.exists()
    });
    let expected = RefCell::new(String::new());
    let text = prop_oneof![hostile(), "\\PC{0,20}", "[\u{1}-\u{1f}]{0,8}"];
    let outcome = runner(150).run(&text, |text| {
        let mut client = client.borrow_mut();
        let mut expected = expected.borrow_mut();
        let send = PaneSendKeys {
            keys: text.clone(),
            enter: false,
            literal: true,
        };
        bench
            .runtime
            .block_on(client.send_keys(&pane, &send))
            .unwrap();
        expected.push_str(&text);
        wait_until("it was typed", || {
            std::fs::read(&typed).unwrap().len() >= expected.len()
        });
        prop_assert_eq!(std::fs::read_to_string(&typed).unwrap(), expected.clone());
        Ok(())
    });
    outcome.unwrap();
    let long = "é;x ".repeat(4000);
    let send = PaneSendKeys {
        keys: long.clone(),
        enter: true,
        literal: true,
    };
    bench
        .runtime
        .block_on(client.borrow_mut().send_keys(&pane, &send))
        .unwrap();
    let mut expected = expected.into_inner();
    expected.push_str(&long);
    expected.push('\r');
    wait_until("all of a long text was typed", || {
        std::fs::read(&typed).unwrap().len() >= expected.len()
    });
    assert!(std::fs::read_to_string(&typed).unwrap() == expected);
    bench.nothing_ran();
}
