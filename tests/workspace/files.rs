//! `tvmux workspace …`: import, convert, ls, search, rm.

use std::path::{Path, PathBuf};

use crate::command::{Ran, program, ran, tvmux};
use crate::support::TestTmux;

fn workspace(home: &Path, arguments: &[&str]) -> Ran {
    ran(program(home).arg("workspace").args(arguments))
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/workspace/import")
        .join(name);
    path.to_str().unwrap().to_owned()
}

fn home() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("tvmux-home-")
        .tempdir()
        .unwrap()
}

fn import(kind: &str, name: &str, warnings: &[&str], result: &str) {
    let home = home();
    let ran = workspace(home.path(), &["import", kind, &fixture(name)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, result, "{name}");
    let given: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_eq!(given.len(), warnings.len(), "{}", ran.stderr);
    for (line, part) in given.iter().zip(warnings) {
        assert!(line.contains(part), "{part}: {line}");
    }
    // What is imported loads, without a warning.
    let tmux = TestTmux::start("");
    let path = tmux.folder().join("imported.yaml");
    std::fs::write(&path, result).unwrap();
    let loaded = tvmux(&tmux, &["load", "-d", path.to_str().unwrap()]);
    assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
    assert!(!loaded.stderr.contains("unknown"), "{}", loaded.stderr);
}

#[test]
fn tmuxinator_projects_are_imported() {
    import(
        "tmuxinator",
        "tmuxinator.yml",
        &[
            "yml:1:7: tmux takes no session name `shop.front`; it becomes `shop-front`",
            ":3:14: `socket_name` is not carried over: load with `-L shop`",
            ":4:15: `tmux_options` is not carried over: give `-f ~/.tmux.shop.conf` to `tvmux load`",
            ":6:19: `on_project_start` is not carried over: it would run at each attach",
            ":7:18: `on_project_exit` is not carried over: nothing runs at that time",
            ":14:9: `attach` is not carried over: load with `-d`",
            ":15:19: `favourite_colour` is not carried over: it is not known",
            ":31:13: tmux has no layout `no-such-layout`; it has even-horizontal, even-vertical, main-horizontal, main-vertical, tiled; the panes are tiled",
            ":33:5: `flavour` of a window is not carried over",
        ],
        r#"session_name: shop-front
start_directory: /usr
shell_command_before:
  - rbenv shell 3.3.0
  - export STAGE=dev
before_script: "sh -c 'echo once\necho start one\necho start two'"
options:
  pane-border-status: bottom
windows:
  - window_name: editor
    layout: main-vertical
    start_directory: share
    shell_command_before: echo before
    panes:
      - vim
      - shell_command:
          - tail -f a
          - tail -f b
        title: logs
      - ~
      - - one
        - two
  - window_name: server
    synchronize: after
    layout: tiled
    panes:
      - serve
      - shell_command: watch
        focus: true
    focus: true
  - window_name: shell
    panes:
      - git status
  - window_name: listed
    panes:
      - - first
        - second
  - window_name: empty
"#,
    );
}

#[test]
fn old_and_unnamed_projects_are_imported() {
    import(
        "tmuxinator",
        "tmuxinator-old.yml",
        &[":3:11: `cli_args` is not carried over"],
        "session_name: old\nstart_directory: /usr\nshell_command_before: rvm use 2.7\nwindows:\n  - window_name: main\n    panes:\n      - vim\n",
    );
    import(
        "tmuxinator",
        "unnamed.yml",
        &[],
        "session_name: unnamed\nwindows:\n  - window_name: only\n    panes:\n      - top\n",
    );
}

#[test]
fn teamocil_layouts_are_imported() {
    import(
        "teamocil",
        "teamocil-0.yml",
        &[
            "the filter `during`",
            ":15:7: `width` is not carried over as it is",
            "`height`",
            "`target`",
        ],
        r#"session_name: zero
windows:
  - window_name: first
    start_directory: /usr
    clear: true
    environment:
      TEAMOCIL: "1"
    shell_command_before: echo before
    shell_command_after: echo after
    layout: even-horizontal
    panes:
      - git status
      - shell_command:
          - one
          - two
        focus: true
  - window_name: second
    layout: even-vertical
    panes:
      - a
      - b
"#,
    );
    import(
        "teamocil",
        "teamocil-1.yml",
        &[],
        r#"session_name: one
windows:
  - window_name: first
    start_directory: /usr
    layout: tiled
    focus: true
    options:
      synchronize-panes: true
    panes:
      - git status
      - shell_command:
          - cd /tmp
          - ls
        focus: true
      - ~
  - window_name: second
    panes:
      - - pane
"#,
    );
}

#[test]
fn keys_beside_a_windows_name_are_its_own_or_refused() {
    let home = home();
    let import = |text: &str| {
        let path = home.path().join("slip.yml");
        std::fs::write(&path, text).unwrap();
        workspace(
            home.path(),
            &["import", "tmuxinator", path.to_str().unwrap()],
        )
    };
    let taken = import(
        "name: slip\nwindows:\n- main: null\n  layout: tiled\n  panes:\n  - vim\n  - top\n- {other: {root: /tmp}, focus: true}\n",
    );
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    assert_eq!(
        taken.stdout,
        "session_name: slip\nwindows:\n  - window_name: main\n    layout: tiled\n    panes:\n      - vim\n      - top\n  - window_name: other\n    start_directory: /tmp\n    focus: true\n"
    );
    for (text, place) in [
        (
            "name: slip\nwindows:\n- main: vim\n  layout: tiled\n",
            ":4:3:",
        ),
        (
            "name: slip\nwindows:\n- main: null\n  second: top\n",
            ":4:3:",
        ),
    ] {
        let refused = import(text);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        let said = &refused.stderr;
        assert!(
            said.contains(place) && said.contains("has one name"),
            "{said}"
        );
    }
}

#[test]
fn templates_are_refused() {
    let home = home();
    let ran = workspace(home.path(), &["import", "tmuxinator", &fixture("erb.yml")]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("erb.yml:2:7: this file is an ERB template"),
        "{}",
        ran.stderr
    );
    let ran = workspace(home.path(), &["import", "teamocil", "nothing"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
}

/// Every workspace that is known to load, converted there and back.
#[test]
fn converting_changes_nothing() {
    let home = home();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/workspace/same");
    let plan_of = |path: &Path| {
        let ran = ran(program(home.path())
            .args(["load", "--dry-run", "-S"])
            .arg(home.path().join("none.sock"))
            .arg(path));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for source in files.filter(|path| !path.to_str().unwrap().ends_with(".state.json")) {
        let at = |name: &str| home.path().join(name);
        let first: PathBuf = at(source.file_name().unwrap().to_str().unwrap());
        std::fs::copy(&source, &first).unwrap();
        std::fs::write(at("script.sh"), "").unwrap();
        let convert = |from: &Path, to: &Path| {
            let ran = workspace(
                home.path(),
                &[
                    "convert",
                    from.to_str().unwrap(),
                    "-o",
                    to.to_str().unwrap(),
                    "--force",
                ],
            );
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        };
        convert(&first, &at("there.json"));
        convert(&at("there.json"), &at("back.yaml"));
        let plan = plan_of(&first);
        assert_eq!(plan_of(&at("there.json")), plan, "{}", source.display());
        assert_eq!(plan_of(&at("back.yaml")), plan, "{}", source.display());
    }
}

#[test]
fn convert_writes_beside_and_overwrites_nothing() {
    let home = home();
    std::fs::write(
        home.path().join("a.yaml"),
        "session_name: 007\nwindows: [{focus: true, options: {x: 1.10, y: on}}]\n",
    )
    .unwrap();
    assert_eq!(
        workspace(home.path(), &["convert", "./a.yaml"]).code,
        Some(0)
    );
    let json = std::fs::read_to_string(home.path().join("a.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"session_name": "007", "windows": [{"focus": true, "options": {"x": "1.10", "y": true}}]})
    );
    let again = workspace(home.path(), &["convert", "./a.yaml"]);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
}

fn shelf() -> tempfile::TempDir {
    let home = home();
    let folder = home.path().join(".tmuxp");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "dev.yaml",
        "session_name: development\nwindows: [{window_name: editor, panes: [vim, {shell_command: [{cmd: git status}, ls]}]}]\n",
    );
    write(
        "ops.json",
        "{\"session_name\": \"Operations\", \"windows\": [{\"window_name\": \"logs\", \"panes\": [\"tail -f x\"]}]}\n",
    );
    write("broken.yaml", "session_name: [\n");
    write("notes.txt", "no workspace\n");
    std::fs::write(
        home.path().join(".tmuxp.yaml"),
        "session_name: local\nwindows: [{}]\n",
    )
    .unwrap();
    home
}

#[test]
fn files_are_listed() {
    let home = shelf();
    let ran = workspace(home.path(), &["ls"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "~",
            "  .tmuxp  → local",
            "~/.tmuxp",
            "  broken  (cannot be read)",
            "  dev  → development",
            "  ops  → Operations"
        ]
    );
    let tree = workspace(home.path(), &["ls", "--tree"]).stdout;
    assert!(
        tree.contains("    editor\n      pane 0: vim\n      pane 1: git status; ls\n"),
        "{tree}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&workspace(home.path(), &["ls", "--json"]).stdout).unwrap();
    assert_eq!(json["workspaces"].as_array().unwrap().len(), 4);
    assert_eq!(json["workspaces"][2]["session_name"], "development");
    assert_eq!(json["workspaces"][2]["path"], "~/.tmuxp/dev.yaml");
    let lines = workspace(home.path(), &["ls", "--ndjson", "--full"]).stdout;
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["config"]["windows"][0]["panes"][0], "tail -f x");
}

#[test]
fn files_are_searched() {
    let home = shelf();
    let names = |arguments: &[&str]| {
        let mut all = vec!["search", "--ndjson"];
        all.extend(arguments);
        let ran = workspace(home.path(), &all);
        let names: Vec<String> = ran
            .stdout
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(
            ran.code,
            Some(if names.is_empty() { 1 } else { 0 }),
            "{}",
            ran.stderr
        );
        names.join(" ")
    };
    assert_eq!(names(&["dev"]), "dev");
    assert_eq!(names(&["session:^oper"]), "");
    assert_eq!(names(&["-i", "session:^oper"]), "ops");
    assert_eq!(names(&["-S", "session:^oper"]), "ops");
    assert_eq!(names(&["-S", "session:^OPER"]), "");
    assert_eq!(names(&["pane:vim", "window:editor"]), "dev");
    assert_eq!(names(&["pane:vim", "window:logs"]), "");
    assert_eq!(names(&["--any", "pane:vim", "window:logs"]), "dev ops");
    assert_eq!(names(&["-F", "t*l"]), "");
    assert_eq!(names(&["-w", "pane:stat"]), "");
    assert_eq!(names(&["-f", "name", "o"]), "broken ops");
    assert_eq!(names(&["-v", "pane:."]), ".tmuxp broken");
    for bad in [["-f", "nothing", "x"].as_slice(), &["(", ")", "x"]] {
        let mut all = vec!["search"];
        all.extend(bad);
        assert_eq!(workspace(home.path(), &all).code, Some(1), "{bad:?}");
    }
}

#[test]
fn files_are_edited_and_removed() {
    let home = shelf();
    let edited = ran(program(home.path())
        .env("EDITOR", "sed -i s/development/changed/")
        .args(["workspace", "edit", "dev"]));
    assert_eq!(edited.code, Some(0), "{}", edited.stderr);
    let path = home.path().join(".tmuxp/dev.yaml");
    assert!(std::fs::read_to_string(&path).unwrap().contains("changed"));
    let asked = workspace(home.path(), &["rm", "dev"]);
    assert_eq!(asked.code, Some(2), "{}", asked.stderr);
    assert!(path.exists());
    assert_eq!(workspace(home.path(), &["rm", "-y", "dev"]).code, Some(0));
    assert!(!path.exists());
    assert_eq!(workspace(home.path(), &["rm", "-y", "dev"]).code, Some(1));
}
