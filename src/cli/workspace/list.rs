//! `tvmux workspace ls` and `search`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::super::Outcome;
use crate::workspace::node::{Map, Node};
use crate::workspace::{
    FIELDS, ListedFile, Search, SearchOptions, abbreviate_home, describe, folders, global_folder,
    in_dir, json, local_files, outline,
};

/// How files are shown.
#[derive(Debug, Args)]
struct Shape {
    /// Show each with its windows and panes
    #[arg(long)]
    tree: bool,
    /// As one JSON document
    #[arg(long, conflicts_with = "tree")]
    json: bool,
    /// As one JSON object a line
    #[arg(long, conflicts_with_all = ["tree", "json"])]
    ndjson: bool,
}

/// List workspace files
#[derive(Debug, Args)]
pub struct Ls {
    #[command(flatten)]
    shape: Shape,
    /// With what they hold, in JSON
    #[arg(long)]
    full: bool,
}

/// Search workspace files
#[derive(Debug, Args)]
pub struct SearchFiles {
    /// Regular expressions; `name:`, `session:`, `path:`, `window:` or `pane:` in front names a field
    #[arg(required = true, value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Fields to search: name, session, path, window, pane
    #[arg(short, long, value_name = "FIELD")]
    field: Vec<String>,
    /// Match letters in either case
    #[arg(short, long)]
    ignore_case: bool,
    /// Match letters in either case, unless the pattern has a capital
    #[arg(short = 'S', long)]
    smart_case: bool,
    /// Patterns are plain texts
    #[arg(short = 'F', long)]
    fixed_strings: bool,
    /// Match whole words only
    #[arg(short, long)]
    word_regexp: bool,
    /// Show what does not match
    #[arg(short = 'v', long)]
    invert_match: bool,
    /// One pattern is enough; all must match otherwise
    #[arg(long)]
    any: bool,
    #[command(flatten)]
    shape: Shape,
}

/// All workspace files: those of the project around, then the user's.
fn all() -> Vec<ListedFile> {
    let current = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let local = local_files(&current)
        .into_iter()
        .map(|path| ListedFile::read(&path, true));
    // A folder that is not there holds nothing.
    let global = in_dir(&global_folder()).unwrap_or_default();
    local
        .chain(global.iter().map(|path| ListedFile::read(path, false)))
        .collect()
}

impl Ls {
    pub fn run(self) -> Outcome {
        let files = all();
        let mut out = io::stdout().lock();
        let full = |file: &ListedFile| {
            let mut map = with_file(file);
            if self.full
                && let Some(tree) = &file.tree
            {
                map.set("config", tree.clone());
            }
            Node::from(map)
        };
        if self.shape.ndjson {
            for file in &files {
                writeln!(out, "{}", serde_json::to_string(&full(file))?)?;
            }
        } else if self.shape.json {
            let mut document = Map::default();
            document.set("workspaces", files.iter().map(full).collect::<Vec<_>>());
            let active = global_folder();
            let known = folders().into_iter().map(|folder| {
                let there = folder.path.is_dir();
                let count = in_dir(&folder.path).map_or(0, |files| files.len());
                let mut map = Map::default();
                map.set("path", abbreviate_home(&folder.path))
                    .set("source", folder.source);
                map.set("exists", there)
                    .set("workspace_count", count as u32);
                map.set("active", there && folder.path == active);
                Node::from(map)
            });
            document.set("global_workspace_dirs", known.collect::<Vec<_>>());
            out.write_all(json::emit(&document.into()).as_bytes())?;
        } else if files.is_empty() {
            eprintln!(
                "no workspace files here or in {}",
                abbreviate_home(&global_folder())
            );
        } else {
            let shown = files.iter().map(|file| (file, Vec::new()));
            print_files(&mut out, shown, self.shape.tree || self.full)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SearchFiles {
    /// Shows the files that match; fails when there is none.
    pub fn run(self) -> Outcome {
        let options = SearchOptions {
            ignore_case: self.ignore_case,
            smart_case: self.smart_case,
            fixed: self.fixed_strings,
            word: self.word_regexp,
            any: self.any,
            invert: self.invert_match,
        };
        let search = Search::new(&self.patterns, &self.field, options)?;
        let files = all();
        let found: Vec<_> = files
            .iter()
            .filter_map(|file| Some((file, search.matches(file)?)))
            .collect();
        let mut out = io::stdout().lock();
        let object = |(file, matches): &(&ListedFile, Vec<(&str, Vec<String>)>)| {
            let mut map = describe(file);
            map.remove("format");
            let fields = FIELDS
                .iter()
                .filter(|field| matches.iter().any(|(known, _)| known == *field));
            map.set(
                "matched_fields",
                fields.map(|field| Node::from(*field)).collect::<Vec<_>>(),
            );
            let mut texts = Map::default();
            for (field, found) in matches {
                texts.set(
                    *field,
                    found
                        .iter()
                        .map(|text| Node::from(text.as_str()))
                        .collect::<Vec<_>>(),
                );
            }
            map.set("matches", texts);
            Node::from(map)
        };
        if self.shape.ndjson {
            for file in &found {
                writeln!(out, "{}", serde_json::to_string(&object(file))?)?;
            }
        } else if self.shape.json {
            out.write_all(
                json::emit(&found.iter().map(object).collect::<Vec<_>>().into()).as_bytes(),
            )?;
        } else {
            let none = found.is_empty();
            print_files(
                &mut out,
                found.iter().map(|(file, matches)| (*file, matches.clone())),
                self.shape.tree,
            )?;
            if none {
                eprintln!("no workspace file matches");
            }
        }
        Ok(if found.is_empty() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

type Matches<'a> = Vec<(&'a str, Vec<String>)>;

fn print_files<'a>(
    out: &mut impl Write,
    files: impl Iterator<Item = (&'a ListedFile, Matches<'a>)>,
    tree: bool,
) -> io::Result<()> {
    let mut folder: Option<&Path> = None;
    for (file, matches) in files {
        if folder != file.path.parent() {
            folder = file.path.parent();
            writeln!(out, "{}", folder.map(abbreviate_home).unwrap_or_default())?;
        }
        let session = file
            .session_name()
            .map_or(String::new(), |name| format!("  → {name}"));
        let unread = if file.tree.is_none() {
            "  (cannot be read)"
        } else {
            ""
        };
        writeln!(out, "  {}{session}{unread}", file.name())?;
        for (field, texts) in matches {
            writeln!(out, "    {field}: {}", texts.join(", "))?;
        }
        for (window, panes) in file.tree.iter().filter(|_| tree).flat_map(outline) {
            writeln!(out, "    {window}")?;
            for pane in panes {
                writeln!(out, "      {pane}")?;
            }
        }
    }
    Ok(())
}

/// A file's entries in JSON, with its size and age.
fn with_file(file: &ListedFile) -> Map {
    let mut map = describe(file);
    if let Ok(metadata) = file.path.metadata() {
        map.set("size", u32::try_from(metadata.len()).unwrap_or(u32::MAX));
        if let Ok(modified) = metadata.modified()
            && let Ok(time) = jiff::Timestamp::try_from(modified)
        {
            map.set("mtime", time.to_string());
        }
    }
    map
}
