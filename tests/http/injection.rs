//! What is sent is what tmux holds: no format, shell or option is expanded.

use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use tvmux::api::{
    PaneFilter, PaneSendKeys, SessionCreate, SessionUpdate, WindowCreate, WindowUpdate,
};
use tvmux::client::{self, Client};
use tvmux::tmux::{Fields, Version};

use super::Api;
use super::support::wait_until;

/// Pieces that mean something to tmux, to a shell or to a command line.
const PIECES: [&str; 49] = [
    "#{",
    "\\a",
    "\\s",
    "\\033",
    "\u{7}",
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
    fn stored(&self, target: &str, variable: &str) -> String {
        let fields = Fields::new(self.api.tmux.version()).text([variable]);
        let answer = self.api.tmux.ask(target, fields.format()) + "\n";
        fields.parse(answer.as_bytes()).unwrap()[0].text()
    }

    /// What came of a name: `None` where it was refused, as it has to be by
    /// servers that know no such names.
    fn named<T>(&self, name: &str, outcome: Result<T, client::Error>) -> Option<T> {
        if self.api.tmux.takes_name(name) {
            return Some(outcome.unwrap());
        }
        match outcome {
            Err(client::Error::Refused { status, body }) => {
                assert_eq!((status, body.code.as_str()), (422, "invalid"), "{name:?}");
                None
            }
            Err(error) => panic!("{name:?}: {error}"),
            Ok(_) => panic!("{name:?} was taken"),
        }
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
fn titles() {
    let bench = Bench::start();
    let mut client = bench.client();
    for title in [
        r"a\b \\ \n",
        r"$HOME \$HOME \$1 $",
        "#{pid} | ' \" 漢😀",
        "#(id)",
    ] {
        let quoted = title.replace('\'', r"'\''");
        let new = WindowCreate {
            session: Some("main".into()),
            command: Some(format!(
                "printf '\\033]2;%s\\007.' '{quoted}'; exec cat >/dev/null"
            )),
            ..WindowCreate::default()
        };
        let window = bench.runtime.block_on(client.create_window(&new)).unwrap();
        wait_until("the title was printed", || {
            bench
                .api
                .tmux
                .tmux(&["capture-pane", "-p", "-t", &window.id])
                .starts_with('.')
        });
        let filter = PaneFilter {
            window_id: Some(window.id),
        };
        let panes = bench.runtime.block_on(client.panes(&filter)).unwrap();
        // 3.7 takes no command in a title of a program's.
        let expected = match bench.api.tmux.version() < Version::new(3, 7) {
            true => title.to_owned(),
            false => title.replace("#(", "_("),
        };
        assert_eq!(panes[0].title, expected);
    }
}

#[test]
fn the_longest_is_taken() {
    let bench = Bench::start();
    let mut client = bench.client();
    let name = "😀".repeat(256);
    let new = SessionCreate {
        window_name: name.clone(),
        command: Some(format!("exec cat # {}", "#漢😀;".repeat(500))),
        ..SessionCreate::named(&name)
    };
    let made = bench.runtime.block_on(client.create_session(&new)).unwrap();
    assert_eq!(made.name, name);
    let windows = bench.runtime.block_on(client.session_windows(&made.id));
    assert_eq!(windows.unwrap().windows[0].name, name);
}

#[test]
fn window_names() {
    let bench = Bench::start();
    let client = RefCell::new(bench.client());
    let outcome = runner(120).run(&(hostile(), hostile()), |(name, other)| {
        let mut client = client.borrow_mut();
        let new = WindowCreate {
            session: Some("main".into()),
            name: Some(name.clone()),
            command: Some("exec cat".into()),
            ..WindowCreate::default()
        };
        let made = bench.runtime.block_on(client.create_window(&new));
        let Some(made) = bench.named(&name, made) else {
            let windows = bench.runtime.block_on(client.windows()).unwrap();
            prop_assert_eq!(windows.len(), 1, "a window was left behind");
            return Ok(());
        };
        prop_assert_eq!(&made.name, &name);
        prop_assert_eq!(bench.stored(&made.id, "window_name"), name.clone());
        let update = WindowUpdate {
            new_name: Some(other.clone()),
            ..WindowUpdate::default()
        };
        let renamed = bench
            .runtime
            .block_on(client.update_window(&made.id, &update));
        let renamed = bench.named(&other, renamed);
        let expected = if renamed.is_some() { other } else { name };
        if let Some(renamed) = renamed {
            prop_assert_eq!(&renamed.name, &expected);
        }
        prop_assert_eq!(bench.stored(&made.id, "window_name"), expected);
        bench
            .runtime
            .block_on(client.delete_window(&made.id))
            .unwrap();
        Ok(())
    });
    outcome.unwrap();
    bench.nothing_ran();
}

#[test]
fn session_names() {
    let bench = Bench::start();
    let client = RefCell::new(bench.client());
    let outcome = runner(120).run(&(session_name(), session_name(), hostile()), |names| {
        let mut client = client.borrow_mut();
        let (name, other, window) = names;
        prop_assume!(name != "main" && other != "main");
        // A case that failed leaves its session behind.
        bench.api.tmux.tmux(&["kill-session", "-a", "-t", "main"]);
        let new = SessionCreate {
            window_name: window.clone(),
            command: Some("exec cat".into()),
            ..SessionCreate::named(&name)
        };
        let made = bench.runtime.block_on(client.create_session(&new));
        let Some(made) = bench.named(&window, made) else {
            let sessions = bench.runtime.block_on(client.sessions()).unwrap();
            prop_assert_eq!(sessions.len(), 1, "a session was left behind");
            return Ok(());
        };
        prop_assert_eq!(&made.name, &name);
        let id = format!("{}:", made.id);
        prop_assert_eq!(bench.stored(&id, "session_name"), name.clone());
        let by_name = bench.runtime.block_on(client.session(&name)).unwrap();
        // A name may look like another session's id.
        prop_assert!(by_name.id == made.id || by_name.id == name);
        let windows = bench
            .runtime
            .block_on(client.session_windows(&made.id))
            .unwrap();
        prop_assert_eq!(&windows.windows[0].name, &window);
        let update = SessionUpdate {
            new_name: Some(other.clone()),
        };
        let renamed = bench
            .runtime
            .block_on(client.update_session(&made.id, &update));
        prop_assert_eq!(&renamed.unwrap().name, &other);
        prop_assert_eq!(bench.stored(&id, "session_name"), other);
        bench
            .runtime
            .block_on(client.delete_session(&made.id))
            .unwrap();
        Ok(())
    });
    outcome.unwrap();
    bench.nothing_ran();
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
            leave_mode: false,
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
    let mut expected = expected.into_inner();
    for long in [
        "é;x ".repeat(6000),
        "\u{1}\n".repeat(3000),
        "for file in *; do echo \"$file\";\ndone # ü #{pid};\n".repeat(600),
        "only plain text; ".repeat(3000),
    ] {
        let send = PaneSendKeys {
            keys: long.clone(),
            enter: true,
            literal: true,
            leave_mode: false,
        };
        bench
            .runtime
            .block_on(client.borrow_mut().send_keys(&pane, &send))
            .unwrap();
        expected.push_str(&long);
        expected.push('\r');
        wait_until("all of a long text was typed", || {
            std::fs::read(&typed).unwrap().len() >= expected.len()
        });
        assert!(std::fs::read_to_string(&typed).unwrap() == expected);
    }
    bench.nothing_ran();
}

#[test]
fn folders() {
    let bench = Bench::start();
    let client = RefCell::new(bench.client());
    let base = bench.api.tmux.folder().to_owned();
    let name = hostile().prop_filter_map("is no folder's name", |name| {
        let name = name.replace(['/', '\n'], "");
        (!name.is_empty() && name != "." && name != "..").then_some(name)
    });
    let outcome = runner(60).run(&name, |name| {
        let mut client = client.borrow_mut();
        let folder = base.join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let new = WindowCreate {
            session: Some("main".into()),
            start_directory: Some(folder.to_str().unwrap().to_owned()),
            command: Some("exec cat".into()),
            ..WindowCreate::default()
        };
        let made = bench.runtime.block_on(client.create_window(&new)).unwrap();
        let pid = bench.api.tmux.ask(&made.id, "#{pane_pid}");
        // Until it runs it may still be where tmux is.
        wait_until("the pane's program runs", || {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() == "cat\n"
        });
        let at = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
        bench
            .runtime
            .block_on(client.delete_window(&made.id))
            .unwrap();
        prop_assert_eq!(at.as_os_str().as_bytes(), folder.as_os_str().as_bytes());
        Ok(())
    });
    outcome.unwrap();
    bench.nothing_ran();
}
