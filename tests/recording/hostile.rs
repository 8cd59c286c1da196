//! Whatever a name, a folder or a title says: it is a text, to tmux and to shells,
//! on every way from the command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tvmux::shell;
use tvmux::tmux::Fields;

use crate::support::tvmux::{Tvmux, markers_of, read_cast};
use crate::support::{HOSTILE, TestTmux, wait_until};

/// What tmux has stored.
fn stored(tmux: &TestTmux, target: &str, variable: &str) -> String {
    let fields = Fields::new(tmux.version()).text([variable]);
    let answer = tmux.ask(target, fields.format()) + "\n";
    fields.parse(answer.as_bytes()).unwrap()[0].text()
}

struct Walk {
    tmux: TestTmux,
    tvmux: Tvmux,
}

impl Walk {
    /// A folder of this name.
    fn folder(&self, name: &[u8]) -> PathBuf {
        let folder = self.tmux.folder().join("folders");
        let folder = folder.join(OsStr::from_bytes(name));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Runs the program in a folder; gives its exit code, output and errors.
    fn run_in(&self, folder: &Path, arguments: &[&OsStr]) -> (Option<i32>, String, String) {
        let output = self.tvmux.command(arguments).current_dir(folder).output();
        let output = output.unwrap();
        self.nothing_ran(&format!("{arguments:?} in {}", folder.display()));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn nothing_ran(&self, what: &str) {
        let folders = std::fs::read_dir(self.tmux.folder().join("folders"));
        let mut all: Vec<PathBuf> = folders
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        all.extend([self.tmux.folder(), self.tvmux.folder()].map(Path::to_owned));
        all.extend(["/", "."].map(PathBuf::from));
        for folder in all {
            assert!(
                !folder.join("pwned").exists(),
                "{what}: run in {}",
                folder.display()
            );
        }
    }

    fn load(&self, folder: &Path, workspace: &Value) -> (Option<i32>, String, String) {
        std::fs::write(folder.join(".tmuxp.json"), workspace.to_string()).unwrap();
        let socket = self.tmux.socket();
        let arguments = ["load", "-d", "-S"].map(OsStr::new);
        let arguments = [&arguments[..], &[socket.as_os_str(), OsStr::new(".")]].concat();
        self.run_in(folder, &arguments)
    }
}

#[test]
fn every_text_of_the_command_line_is_a_text() {
    let tmux = TestTmux::start("exec cat");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let walk = Walk { tmux, tvmux };
    for bytes in HOSTILE {
        // A workspace's own variables get expanded.
        let text = String::from_utf8_lossy(bytes).replace("$HOME", "$NOT_SET");
        let folder = walk.folder(bytes);
        let is_altered = |c: char| ":.".contains(c) || c.is_ascii_control();
        let session: String = text.chars().filter(|c| !is_altered(*c)).collect();
        let window = match walk.tmux.takes_name(&text) {
            true => text.clone(),
            false => text.replace(|c: char| c.is_ascii_control(), ""),
        };
        // A line break would be typed as Enter.
        let typed = text.replace(|c: char| c.is_ascii_control(), "");
        let line = format!("printf %s {} >typed", shell::quote(&typed));
        let workspace = json!({
            "session_name": session,
            "environment": {"TEXT": text},
            "options": {"@text": text},
            "global_options": {"@global": text},
            "windows": [{
                "window_name": window,
                "options": {"@window": text},
                "panes": [{"title": typed, "shell_command": [line]}],
            }],
        });
        let (code, _, errors) = walk.load(&folder, &workspace);
        assert_eq!(code, Some(0), "{text:?}: {errors}");
        let ids = walk.tmux.tmux(&["list-sessions", "-F", "#{session_id}"]);
        let id = format!("{}:", ids.lines().find(|id| *id != "$0").unwrap());
        assert_eq!(stored(&walk.tmux, &id, "session_name"), session);
        assert_eq!(stored(&walk.tmux, &id, "window_name"), window);
        for option in ["@text", "@global", "@window"] {
            assert_eq!(stored(&walk.tmux, &id, option), text, "{option}");
        }
        let process = walk.tmux.ask(&id, "#{pane_pid}");
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
        let variable = format!("TEXT={text}");
        let mut variables = environment.split(|byte| *byte == 0);
        assert!(variables.any(|found| found == variable.as_bytes()));
        // It runs in its folder, whatever that is called.
        wait_until(&format!("{typed:?} is typed"), || {
            std::fs::read(folder.join("typed")).is_ok_and(|found| found == typed.as_bytes())
        });

        let (code, frozen, errors) = walk.run_in(
            &folder,
            &[
                OsStr::new("freeze"),
                OsStr::new("-fjson"),
                OsStr::new("-S"),
                walk.tmux.socket().as_os_str(),
                OsStr::new(id.trim_end_matches(':')),
            ],
        );
        assert_eq!(code, Some(0), "{text:?}: {errors}");
        let frozen: Value = serde_json::from_str(&frozen).unwrap();
        assert_eq!(frozen["session_name"], session);
        assert_eq!(frozen["environment"]["TEXT"], text);
        assert_eq!(frozen["options"]["@text"], text);
        assert_eq!(frozen["windows"][0]["window_name"], window);
        assert_eq!(frozen["windows"][0]["options"]["@window"], text);

        // A window of this name, with a title, into a folder.
        let title = OsStr::from_bytes(bytes);
        let socket = walk.tmux.socket();
        let target = walk.tmux.ask(&id, "#{window_id}");
        let start = ["rec", "start", "--json", "-S"].map(OsStr::new);
        let start = [
            &start[..],
            &[socket.as_os_str(), OsStr::new("-t"), OsStr::new(&target)],
            &[OsStr::new("-o"), folder.as_os_str()],
        ]
        .concat();
        let title_flag = [OsStr::new("--title="), title].join(OsStr::new(""));
        let titled = [&start[..], &[title_flag.as_os_str()]].concat();
        let is_utf8 = std::str::from_utf8(bytes).is_ok();
        let (code, recording, errors) =
            walk.run_in(&folder, if is_utf8 { &titled } else { &start });
        if is_utf8 {
            assert_eq!(code, Some(0), "{text:?}: {errors}");
            let recording: Value = serde_json::from_str(&recording).unwrap();
            let cast = walk.tvmux.cast(&recording);
            assert_eq!(cast.parent(), Some(folder.as_path()));
            let mark = ["rec", "mark", "-t", &target, "--", &text].map(OsStr::new);
            assert_eq!(walk.run_in(&folder, &mark).0, Some(0));
            let stop = ["rec", "stop", &target].map(OsStr::new);
            assert_eq!(walk.run_in(&folder, &stop).0, Some(0));
            let (header, events) = read_cast(&cast);
            assert_eq!(header["title"], String::from_utf8_lossy(bytes).as_ref());
            assert_eq!(markers_of(&events), [text.as_str()]);
        } else {
            // A cast's path is told as a text.
            assert_ne!(code, Some(0));
            assert!(errors.contains("UTF-8"), "{errors}");
        }

        walk.tmux.tmux(&["kill-session", "-t", &id]);
        // Nothing goes by this name any more.
        for verb in [
            &["rec", "start", "-t"][..],
            &["rec", "stop"],
            &["freeze", "-S"],
        ] {
            let verb: Vec<&OsStr> = verb.iter().map(OsStr::new).collect();
            let (code, ..) = walk.run_in(&folder, &[&verb[..], &[title]].concat());
            assert_ne!(code, Some(0), "{verb:?} {text:?}");
        }
    }
    let pid = walk.tmux.tmux(&["display-message", "-p", "#{pid}"]);
    assert_eq!(pid, walk.tmux.pid().to_string(), "the server lives on");
}

#[test]
fn a_folder_that_is_not_utf_8_can_be_loaded_from() {
    let tmux = TestTmux::start("exec cat");
    let walk = Walk {
        tmux,
        tvmux: Tvmux::new(),
    };
    let folder = walk.folder(b"bad\xe9dir");
    std::fs::create_dir(folder.join("below")).unwrap();
    let pane = |start: &str| {
        json!({
            "session_name": "odd",
            "windows": [{"panes": [{"start_directory": start, "shell": "exec cat"}]}],
        })
    };
    let cwd = || {
        let pid = walk.tmux.ask("=odd:", "#{pane_pid}");
        std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap()
    };
    // Below the current folder.
    let (code, _, errors) = walk.load(&folder, &pane("below"));
    assert_eq!(code, Some(0), "{errors}");
    wait_until("the pane is there", || cwd() == folder.join("below"));
    walk.tmux.tmux(&["kill-session", "-t", "=odd"]);
    // Below the file's, which the file's texts cannot hold.
    let (code, _, errors) = walk.load(&folder, &pane("./below"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains(".tmuxp.json:1:") && errors.contains("is no UTF-8"),
        "{errors}"
    );
    assert!(walk.tmux.try_tmux(&["has-session", "-t", "=odd"]).is_err());
}
