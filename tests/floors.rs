//! Imports go down only: a module knows those on lower floors and no others.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A new module needs a place here.
const FLOORS: [&[&str]; 6] = [
    &["atomic_file", "clock", "shell", "wording"],
    &["api", "cast", "config", "tmux"],
    &["archive", "folders", "record", "workspace"],
    &["client", "daemon"],
    &["http"],
    &["cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all
}

/// The modules that a source file names through `crate::`.
fn named(source: &str) -> Vec<String> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect::<String>();
    let mut all = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => all.extend(top_names(list)),
            None => all.push(first_word(rest)),
        }
    }
    all
}

/// The names at the top of a brace list: of `api, tmux::{self, X}}` the first
/// words `api` and `tmux`.
fn top_names(list: &str) -> Vec<String> {
    let (mut depth, mut start) = (1, 0);
    let mut names = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            names.push(first_word(&list[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_word(text: &str) -> String {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    text.trim_start().chars().take_while(is_word).collect()
}

#[test]
fn imports_go_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let own = floor(module)
            .unwrap_or_else(|| panic!("{} has no floor: {module}", relative.display()));
        for name in named(&fs::read_to_string(&path).unwrap()) {
            if name == module {
                continue;
            }
            let Some(other) = floor(&name) else {
                panic!("{}: `crate::{name}` has no floor", relative.display());
            };
            seen += 1;
            assert!(
                other < own,
                "{}: `{module}` (floor {own}) imports `{name}` (floor {other})",
                relative.display()
            );
        }
    }
    assert!(seen > 20, "the test sees the imports: {seen}");
}

#[test]
fn the_reader_of_imports_reads_them() {
    let source = "use crate::{api, tmux::{self, Server}, cast};\nuse crate::config::Config;\n\
                  fn f() { crate::http::x(); }\n// crate::not_me\n";
    assert_eq!(named(source), ["api", "tmux", "cast", "config", "http"]);
}
