//! What a server holds after a load, in a form that can be compared.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use tvmux::tmux::{Batch, Server, Socket};
use tvmux::workspace::Custom;

use crate::command::program;

/// A server whose panes write down what is typed into them.
pub struct Stage {
    pub folder: tempfile::TempDir,
    pub server: Server,
    globals: String,
}

/// Runs in every pane in place of a shell: notes its variables, takes the
/// terminal out of line mode as a line editor does, and writes down its input.
const SHELL: &str = "\
env | grep '^T_' | LC_ALL=C sort > \"$TYPED/$TMUX_PANE.env\"
stty -icanon -echo
exec cat -u >> \"$TYPED/$TMUX_PANE\"
";

impl Stage {
    pub fn new() -> Stage {
        let folder = tempfile::Builder::new()
            .prefix("tvmux-stage-")
            .tempdir()
            .unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["typed", "project/src/deep", "project/docs", "home"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("shell.sh"), SHELL).unwrap();
        let script = at("project/script.sh");
        std::fs::write(
            &script,
            "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$T_FOLDER/script-ran\"\n",
        )
        .unwrap();
        let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let config = format!(
            "set -g default-shell /bin/sh\nset -g default-command 'exec sh {}'\nset -g exit-empty off\n",
            at("shell.sh").display()
        );
        std::fs::write(at("tmux.conf"), config).unwrap();
        let server = Server::new(crate::support::program(), Socket::at(at("tmux.sock")));
        let mut stage = Stage {
            folder,
            server,
            globals: String::new(),
        };
        let mut start = stage.tool(Path::new(&crate::support::program()));
        start
            .args(["-u", "-f"])
            .arg(stage.at("tmux.conf"))
            .arg("-S")
            .arg(stage.at("tmux.sock"));
        assert!(start.arg("start-server").status().unwrap().success());
        stage.globals = stage.ask(&["show-options", "-g"]);
        stage
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command with the variables that the files rely on.
    pub fn tool(&self, name: &Path) -> std::process::Command {
        let own = program(&self.at("home"));
        let mut command = std::process::Command::new(name);
        command.env_clear();
        for (name, value) in own.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .env("TYPED", self.at("typed"))
            .env("T_FOLDER", self.at("project"))
            .env("T_WORD", "word")
            .current_dir(self.at("project"))
            .stdin(std::process::Stdio::null());
        command
    }

    fn ask(&self, command: &[&str]) -> String {
        String::from_utf8(self.server.run_blocking(&Batch::of(command)).unwrap()).unwrap()
    }

    /// Everything that matters of the one session there is.
    pub fn state(&self) -> Value {
        let lines = |command: &[&str]| -> Vec<String> {
            self.ask(command).lines().map(str::to_owned).collect()
        };
        let sessions = lines(&["list-sessions", "-F", "#{session_id} #{session_name}"]);
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        let (id, name) = sessions[0].split_once(' ').unwrap();
        let target = format!("{id}:");
        let mut windows = Vec::new();
        for line in lines(&[
            "list-windows",
            "-t",
            &target,
            "-F",
            "#{window_id} #{window_index} #{window_active} #{window_zoomed_flag} #{window_layout} #{automatic-rename} #{window_name}",
        ]) {
            let fields: Vec<&str> = line.splitn(7, ' ').collect();
            let layout = Custom::parse(fields[4]).unwrap().to_string();
            let panes = lines(&[
                "list-panes",
                "-t",
                fields[0],
                "-F",
                "#{pane_id} #{pane_active} #{pane_current_path}\t#{pane_start_command}",
            ]);
            let panes = panes.iter().map(|line| self.pane(line));
            windows.push(json!({
                "index": fields[1],
                "active": fields[2] == "1",
                "zoomed": fields[3] == "1",
                "layout": layout,
                // The name of a window that names itself comes with delay.
                "name": if fields[5] == "0" { json!(fields[6]) } else { Value::Null },
                "options": lines(&["show-options", "-w", "-t", fields[0]]),
                "panes": panes.collect::<Vec<_>>(),
            }));
        }
        let environment = lines(&["show-environment", "-t", &target]);
        let globals = self.ask(&["show-options", "-g"]);
        let changed: Vec<&str> = globals
            .lines()
            .filter(|line| !self.globals.lines().any(|old| old == *line))
            .collect();
        let state = json!({
            "name": name,
            "options": lines(&["show-options", "-t", &target]),
            "global_options": changed,
            "environment": environment.iter().filter(|line| !line.starts_with('-')).collect::<Vec<_>>(),
            "script": std::fs::read_to_string(self.at("project/script-ran")).ok(),
            "windows": windows,
        });
        self.placeless(state)
    }

    fn pane(&self, line: &str) -> Value {
        let (head, start) = line.split_once('\t').unwrap();
        let fields: Vec<&str> = head.splitn(3, ' ').collect();
        let typed = self.at("typed").join(fields[0]);
        let read = |path: &Path| {
            std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let environment = read(&typed.with_extension("env")).unwrap_or_default();
        let shared = |line: &&str| !line.starts_with("T_FOLDER=") && !line.starts_with("T_WORD=");
        json!({
            "active": fields[1] == "1",
            "path": fields[2],
            "start_command": start,
            "environment": environment.lines().filter(shared).collect::<Vec<_>>(),
            "typed": read(&typed).unwrap_or_default(),
        })
    }

    /// The same with `@` for the stage's folder.
    fn placeless(&self, value: Value) -> Value {
        let folder = self.folder.path().canonicalize().unwrap();
        let folder = folder.to_str().unwrap();
        match value {
            Value::String(text) => Value::String(text.replace(folder, "@")),
            Value::Array(items) => items.into_iter().map(|item| self.placeless(item)).collect(),
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(key, value)| (key, self.placeless(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.server.run_blocking(&Batch::of(["kill-server"]));
    }
}
