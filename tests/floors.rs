//! The rules of the source tree: imports go down only and never in circles,
//! some modules never know others, and every public item says what it is.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A new module needs a place here.
const FLOORS: [&[&str]; 8] = [
    &[
        "atomic_file",
        "clock",
        "processes",
        "shell",
        "threads",
        "wording",
    ],
    &["api", "cast", "config", "packed", "screen", "tmux"],
    &["chain", "folders", "serving"],
    &["record", "timeline", "workspace"],
    &["archive"],
    &["client", "daemon", "view"],
    &["http", "web"],
    &["cli"],
];

/// What looks at casts never knows who records them, and the other way round.
const STRANGERS: [(&[&str], &[&str]); 2] = [
    (
        &["archive", "screen", "timeline", "view", "web"],
        &["daemon", "record"],
    ),
    (&["record"], &["archive"]),
];

/// A source file: its module's path in the crate, and its text without
/// comments and unit tests.
struct Source {
    file: PathBuf,
    module: Vec<String>,
    code: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push(source(&root, path));
            }
        }
    }
    all.sort_by(|a, b| a.file.cmp(&b.file));
    all
}

fn source(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let file = path.strip_prefix(root).unwrap().to_owned();
    let mut module: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
        module.pop();
    }
    Source {
        file,
        module,
        code: code_of(&text),
        text,
    }
}

/// A source text without comments and without the unit tests at its end.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {");
    text[..end.unwrap_or(text.len())]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The paths that begin with `crate`, `self` or `super` in some code, written
/// out: `use super::{a::B, c}` gives two.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            // In the middle of a path, or of another word.
            if before.is_some_and(|c| c == ':' || c.is_alphanumeric() || c == '_') {
                continue;
            }
            let mut rest = &code[at..];
            write_out(&mut rest, &mut Vec::new(), &mut all);
        }
    }
    all
}

/// Reads a use tree from `rest`, to its end.
fn write_out(rest: &mut &str, prefix: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    let depth = prefix.len();
    loop {
        *rest = rest.trim_start();
        if let Some(list) = rest.strip_prefix('{') {
            *rest = list;
            loop {
                write_out(rest, prefix, all);
                match rest.trim_start().strip_prefix(',') {
                    Some(more) => *rest = more,
                    None => break,
                }
            }
            *rest = rest.trim_start().strip_prefix('}').unwrap_or("");
            break;
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            // A glob, the end of a list, or no tree at all.
            if let Some(more) = rest.strip_prefix('*') {
                *rest = more;
                all.push(prefix.clone());
            }
            break;
        }
        prefix.push(rest[..length].to_owned());
        *rest = &rest[length..];
        match rest.strip_prefix("::") {
            Some(more) => *rest = more,
            None => {
                all.push(prefix.clone());
                // `as name`
                let renamed = rest.trim_start().strip_prefix("as ");
                if let Some(name) = renamed {
                    *rest = name.trim_start_matches(is_word);
                }
                break;
            }
        }
    }
    prefix.truncate(depth);
}

/// A path from the crate's root, as seen from a module.
fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut words = path;
    loop {
        match words.first().map(String::as_str) {
            Some("crate") => base.clear(),
            Some("super") => {
                base.pop();
            }
            Some("self") => {}
            _ => break,
        }
        words = &words[1..];
    }
    base.extend_from_slice(words);
    base
}

/// The modules of the crate that a source names, by their top name.
fn modules_named(source: &Source) -> BTreeSet<String> {
    paths(&source.code)
        .iter()
        .filter_map(|path| absolute(&source.module, path).into_iter().next())
        .collect()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

#[test]
fn imports_go_down_only() {
    let mut seen = 0;
    for source in sources() {
        let Some(module) = source.module.first() else {
            continue;
        };
        let file = source.file.display();
        let own = floor(module).unwrap_or_else(|| panic!("{file} has no floor: {module}"));
        for name in modules_named(&source) {
            if name == *module {
                continue;
            }
            let Some(other) = floor(&name) else {
                panic!("{file}: `{name}` has no floor");
            };
            seen += 1;
            assert!(
                other < own,
                "{file}: `{module}` (floor {own}) imports `{name}` (floor {other})"
            );
        }
    }
    assert!(seen > 20, "the test sees the imports: {seen}");
}

#[test]
fn who_looks_at_casts_and_who_records_them_are_strangers() {
    for source in sources() {
        let Some(module) = source.module.first() else {
            continue;
        };
        for (ones, others) in STRANGERS {
            if !ones.contains(&module.as_str()) {
                continue;
            }
            let named = modules_named(&source);
            let met = others.iter().find(|other| named.contains(**other));
            assert!(met.is_none(), "{}: imports {met:?}", source.file.display());
        }
    }
}

/// Which files each file names, by their index.
fn edges(sources: &[Source]) -> Vec<BTreeSet<usize>> {
    let by_module: BTreeMap<&[String], usize> = sources
        .iter()
        .enumerate()
        .filter(|(_, source)| !source.file.ends_with("main.rs"))
        .map(|(index, source)| (source.module.as_slice(), index))
        .collect();
    // What a module hands on: `use child::Name` makes `module::Name`.
    let handed_on: Vec<BTreeMap<String, Vec<String>>> = sources.iter().map(hands_on).collect();
    let resolve = |path: &[String]| {
        let mut path = path.to_vec();
        // Names are handed on over a few modules at most.
        for _ in 0..8 {
            let known = |length: &usize| by_module.contains_key(&path[..*length]);
            let length = (0..=path.len()).rev().find(known)?;
            let index = by_module[&path[..length]];
            match path.get(length).and_then(|name| handed_on[index].get(name)) {
                Some(target) => path = [target.as_slice(), &path[length + 1..]].concat(),
                None => return Some(index),
            }
        }
        None
    };
    let of = |source: &Source| {
        let paths = paths(&source.code);
        let targets = paths
            .iter()
            .filter_map(|path| resolve(&absolute(&source.module, path)));
        // A module and what is inside it may know each other: the inside takes
        // what is common to it, and the module hands on what the inside makes.
        targets
            .filter(|index| {
                let other = &sources[*index].module;
                !source.module.starts_with(other) && !other.starts_with(&source.module)
            })
            .collect()
    };
    sources.iter().map(of).collect()
}

/// The names that a module takes from its own inside, and where they are.
fn hands_on(source: &Source) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for (at, _) in source.code.match_indices("use ") {
        let is_statement = source.code[..at].lines().next_back().is_none_or(|before| {
            let before = before.trim();
            before.is_empty() || before.starts_with("pub") && !before.contains(' ')
        });
        if !is_statement {
            continue;
        }
        let tree = &source.code[at + 4..];
        let mut found = Vec::new();
        write_out(&mut &*tree, &mut Vec::new(), &mut found);
        for path in found {
            let first = path.first().map(String::as_str);
            // Without a root it is a child, or another crate, which leads nowhere.
            let path = match first {
                Some("crate" | "self" | "super") => absolute(&source.module, &path),
                _ => [source.module.as_slice(), &path].concat(),
            };
            if path.starts_with(&source.module) && path.len() > source.module.len() + 1 {
                all.insert(path.last().unwrap().clone(), path);
            }
        }
    }
    all
}

/// Files that name each other in a circle, if any do.
fn circle(edges: &[BTreeSet<usize>]) -> Option<Vec<usize>> {
    fn visit(
        node: usize,
        edges: &[BTreeSet<usize>],
        done: &mut BTreeSet<usize>,
        way: &mut Vec<usize>,
    ) -> Option<Vec<usize>> {
        if let Some(start) = way.iter().position(|other| *other == node) {
            return Some(way[start..].to_vec());
        }
        if !done.insert(node) {
            return None;
        }
        way.push(node);
        for next in &edges[node] {
            if let Some(circle) = visit(*next, edges, done, way) {
                return Some(circle);
            }
        }
        way.pop();
        None
    }
    let mut done = BTreeSet::new();
    (0..edges.len()).find_map(|node| visit(node, edges, &mut done, &mut Vec::new()))
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let sources = sources();
    let mut edges = edges(&sources);
    let seen: usize = edges.iter().map(BTreeSet::len).sum();
    assert!(seen > 200, "the test sees the imports: {seen}");
    let mut circles = String::new();
    while let Some(circle) = circle(&edges) {
        for index in &circle {
            let _ = write!(circles, "{} -> ", sources[*index].file.display());
        }
        let first = circle[0];
        let _ = writeln!(circles, "{}", sources[first].file.display());
        // Without its last import, to see the others.
        edges[*circle.last().unwrap()].remove(&first);
    }
    assert!(circles.is_empty(), "imports go round:\n{circles}");
}

#[test]
fn a_circle_is_found() {
    let file = |name: &str, code: &str| Source {
        file: name.into(),
        module: name
            .trim_end_matches("/mod")
            .split('/')
            .map(str::to_owned)
            .collect(),
        code: code.into(),
        text: String::new(),
    };
    let sources = [
        file(
            "a/mod",
            "mod b;\nmod c;\npub use self::b::{B, Other};\npub use c::C;\n",
        ),
        file("a/b", "use super::C;\n"),
        file("a/c", "use crate::a::{B as Bee, d::D};\n"),
        file("a/d", "fn f() { super::c::g() }\n"),
    ];
    let edges = edges(&sources);
    assert_eq!(
        edges[1],
        BTreeSet::from([2]),
        "through the module that hands it on"
    );
    assert_eq!(edges[2], BTreeSet::from([1, 3]));
    assert_eq!(edges[3], BTreeSet::from([2]));
    assert_eq!(circle(&edges), Some(vec![1, 2]));
    assert_eq!(circle(&[BTreeSet::from([1]), BTreeSet::new()]), None);
}

#[test]
fn paths_are_written_out() {
    let code = "use crate::{api, tmux::{self, Server as S}, cast::*};\n\
                fn f() { super::x::y(); not_super::z(); }\n";
    let found: Vec<String> = paths(code).iter().map(|path| path.join(" ")).collect();
    let expected = [
        "crate api",
        "crate tmux self",
        "crate tmux Server",
        "crate cast",
        "super x y",
    ];
    assert_eq!(found, expected);
}

/// Every file says what it is for, and every public type and function what it
/// is. Fields, variants and methods may speak for themselves.
#[test]
fn public_items_say_what_they_are() {
    let kinds = [
        "fn",
        "async fn",
        "unsafe fn",
        "const fn",
        "struct",
        "enum",
        "trait",
        "type",
    ];
    let kinds = kinds
        .into_iter()
        .chain(["union", "const", "static", "macro"]);
    let starts: Vec<String> = kinds.map(|kind| format!("pub {kind} ")).collect();
    let mut missing = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            missing.push(format!("{}: what the file is for", source.file.display()));
        }
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            // What a macro makes is seen where it is used.
            if line.contains('$') || !starts.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            // Attributes, also those over several lines, and comments stand
            // between.
            let mut above = lines[..number].iter().rev().peekable();
            while let Some(line) = above.peek() {
                let is_comment = line.starts_with("//") && !line.starts_with("///");
                let is_inside = line.starts_with([' ', ')']) || line.starts_with("#[");
                if !is_comment && !is_inside {
                    break;
                }
                above.next();
            }
            let says = above
                .next()
                .is_some_and(|line| line.starts_with("///") || line.starts_with("#[doc"));
            if !says {
                missing.push(format!("{}:{}: {line}", source.file.display(), number + 1));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "without a word:\n{}",
        missing.join("\n")
    );
}
