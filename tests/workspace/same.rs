//! The same files give the same sessions as with tmuxp 1.76.
//!
//! What tmuxp built of each file in `fixtures/workspace/same` is recorded
//! beside it (`NAME.state.json`). `TVMUX_RECORD_TMUXP=/path/to/tmuxp` records
//! again; `TVMUX_COMPARE=FOLDER` with it compares the files of another folder,
//! recording nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::state::Stage;
use crate::support::tmux_version;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/workspace/same")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_state = |path: &PathBuf| path.to_str().unwrap().ends_with(".state.json");
    let mut files: Vec<_> = entries
        .filter(|path| tvmux::workspace::is_config_file(path) && !is_state(path))
        .collect();
    files.sort();
    files
}

/// Loads a file with a program and gives the state, once `enough` says so.
fn state_after(
    program: &Path,
    file: &Path,
    enough: impl Fn(&Value, Duration) -> bool,
) -> Result<Value, String> {
    let stage = Stage::new();
    let copy = stage.at("project").join(file.file_name().unwrap());
    std::fs::copy(file, &copy).unwrap();
    let mut command = stage.tool(program);
    command
        .args(["load", "-d", "-S"])
        .arg(stage.at("tmux.sock"))
        .arg(&copy);
    let output = command.output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let end = Instant::now() + crate::support::DEADLINE;
    let mut state = stage.state();
    let mut since = Instant::now();
    while !enough(&state, since.elapsed()) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
        let now = stage.state();
        if now != state {
            since = Instant::now();
            state = now;
        }
    }
    Ok(state)
}

fn golden(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap().to_str().unwrap();
    file.with_file_name(format!("{name}.state.json"))
}

#[test]
fn tmuxp_builds_the_same() {
    let own = Path::new(env!("CARGO_BIN_EXE_tvmux"));
    let tmuxp = std::env::var_os("TVMUX_RECORD_TMUXP").map(PathBuf::from);
    let other = std::env::var_os("TVMUX_COMPARE").map(PathBuf::from);
    let folder = other.clone().unwrap_or_else(fixtures);
    let is_recorded = tmuxp.is_none() && other.is_none();
    let version = tmux_version();
    if is_recorded && (version.major(), version.minor()) != (3, 3) {
        // Splits, layouts and formats are not the same in all versions.
        println!("skipped: what tmuxp built was recorded with tmux 3.3");
        return;
    }
    let files = files(&folder);
    assert!(other.is_some() || files.len() >= 30, "{}", files.len());
    let settled = |_: &Value, quiet: Duration| quiet > Duration::from_millis(700);
    let mut different = Vec::new();
    for file in &files {
        let expected = match &tmuxp {
            Some(tmuxp) => match state_after(tmuxp, file, settled) {
                Ok(state) => state,
                Err(error) => {
                    println!(
                        "{}: tmuxp fails: {}",
                        file.display(),
                        error.lines().last().unwrap_or("")
                    );
                    continue;
                }
            },
            None => serde_json::from_slice(&std::fs::read(golden(file)).unwrap()).unwrap(),
        };
        if tmuxp.is_some() && other.is_none() {
            std::fs::write(golden(file), format!("{expected:#}\n")).unwrap();
        }
        match state_after(own, file, |state, quiet| {
            *state == expected || settled(state, quiet) && tmuxp.is_some()
        }) {
            Ok(state) if state == expected => println!("{}: same", file.display()),
            Ok(state) => different.push(format!(
                "{}:\n{}",
                file.display(),
                differences("", &expected, &state).join("\n")
            )),
            Err(error) => different.push(format!("{}: {error}", file.display())),
        }
    }
    println!("{} files, {} differ", files.len(), different.len());
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        files.len(),
        different.join("\n")
    );
}

/// Where two values differ, and how.
fn differences(at: &str, a: &Value, b: &Value) -> Vec<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => x
            .keys()
            .flat_map(|key| differences(&format!("{at}.{key}"), &x[key], &y[key]))
            .collect(),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
            .iter()
            .zip(y)
            .enumerate()
            .flat_map(|(i, (x, y))| differences(&format!("{at}[{i}]"), x, y))
            .collect(),
        _ if a == b => Vec::new(),
        _ => vec![format!("  {at}: {a} → {b}")],
    }
}
