//! Files that are wrong: each is refused with a clear message, and tmux stays
//! as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::{everything, tvmux};
use crate::support::TestTmux;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/workspace/bad")
}

/// The files with what they must be refused with.
fn expected() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("expected.txt")).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, message) = line.split_once(" | ").unwrap();
            (name.to_owned(), message.replace("\\n", "\n"))
        })
        .collect()
}

#[test]
fn every_bad_file_is_refused_and_harms_nothing() {
    let expected = expected();
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "expected.txt")
        .collect();
    files.sort();
    assert!(
        files.iter().eq(expected.keys()),
        "files and expectations differ"
    );
    assert!(files.len() >= 60, "{}", files.len());

    let tmux = TestTmux::start("");
    let before = everything(&tmux);
    let mut wrong = Vec::new();
    for name in files {
        let path = folder().join(&name);
        let ran = tvmux(&tmux, &["load", "-d", path.to_str().unwrap()]);
        let after = everything(&tmux);
        let message = &expected[&name];
        let fine = matches!(ran.code, Some(1 | 2))
            && ran.stderr.contains("error: ")
            && ran.stderr.contains(message)
            && !ran.stderr.contains("panicked");
        if !fine {
            wrong.push(format!(
                "{name}: exit {:?}, expected {message:?} in:\n{}",
                ran.code, ran.stderr
            ));
        }
        if after != before {
            wrong.push(format!("{name}: tmux was changed:\n{before}\n→\n{after}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn without_a_server_none_is_left_behind() {
    let tmux = TestTmux::start("");
    let socket = tmux.folder().join("other.sock");
    for name in [
        "layout-unknown.yaml",
        "option-unknown.yaml",
        "option-bad-value.yaml",
        "before-script-fails.yaml",
    ] {
        let path = folder().join(name);
        let mut command = crate::command::program(tmux.folder());
        command
            .args(["load", "-d", "-f", "/dev/null", "-S"])
            .arg(&socket)
            .arg(&path);
        let ran = crate::command::ran(&mut command);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(&expected()[name]),
            "{name}: {}",
            ran.stderr
        );
        let other = tvmux::tmux::Server::new("tmux", tvmux::tmux::Socket::at(&socket));
        crate::support::wait_until("the server to go", || {
            let list = tvmux::tmux::Batch::of(["list-sessions"]);
            other
                .run_blocking(&list)
                .is_err_and(|error| error.is_no_server())
        });
    }
}

/// Every file cut off at every byte: refused or loaded as a plan, never a
/// panic.
#[test]
fn no_cut_off_file_panics() {
    use tvmux::workspace::{Format, Source, Variables, Workspace, parse};
    let variables = Variables::of([("HOME", "/home/ada")]);
    for name in std::fs::read_dir(folder()).unwrap() {
        let path = name.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let ends = text.char_indices().map(|(at, _)| at).take(400);
        for end in ends {
            let mut source = Source::new(&path);
            let format = Format::of(&path).unwrap_or_default();
            if let Ok(tree) = parse(&text[..end], format, &mut source) {
                let _ = Workspace::read(&tree, Path::new("/"), &variables, None, &mut source);
            }
        }
    }
}
