//! `tvmux workspace …`: what is done with workspace files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Args, Subcommand, ValueEnum};

use super::super::{Context, Failure, Outcome};
use super::ask::{can_ask, choose};
use super::freeze::Freeze;
use super::load::Load;
use super::output::{OutputArgs, write_file};
use super::{list, warn};
use crate::workspace::{
    Error, Format, Source, find, global_folder, import_teamocil, import_tmuxinator, inline, parse,
    plain_switches, read_file, refuse_templates, validate_schema,
};

/// Work with workspace files
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Workspaces {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Load(Box<Load>),
    Freeze(Freeze),
    Convert(Convert),
    Import(Import),
    Ls(list::Ls),
    Search(list::SearchFiles),
    Edit(Edit),
    Rm(Remove),
}

impl Workspaces {
    pub fn run(self, context: &Context) -> Outcome {
        match self.verb {
            Verb::Load(load) => load.run(context),
            Verb::Freeze(freeze) => freeze.run(context),
            Verb::Convert(convert) => convert.run(),
            Verb::Import(import) => import.run(),
            Verb::Ls(ls) => ls.run(),
            Verb::Search(search) => search.run(),
            Verb::Edit(edit) => edit.run(),
            Verb::Rm(remove) => remove.run(),
        }
    }
}

/// Convert a workspace file from YAML to JSON or back
#[derive(Debug, Args)]
struct Convert {
    /// Workspace file, or a name in the workspace folder
    file: String,
    /// File to write to; beside the source otherwise
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

impl Convert {
    fn run(self) -> Outcome {
        let path = find(&self.file)?.path;
        let mut source = Source::new(&path);
        let tree = read_file(&path, &mut source);
        warn(source.take_warnings());
        let other = match Format::of(&path).unwrap_or_default() {
            Format::Yaml => Format::Json,
            Format::Json => Format::Yaml,
        };
        let output = self
            .output
            .unwrap_or_else(|| path.with_extension(other.extension()));
        let format = Format::of(&output).unwrap_or(other);
        write_file(&output, &format.emit(&plain_switches(&tree?)), self.force)?;
        eprintln!("{} is written", output.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// Whose files can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SourceFormat {
    /// teamocil, 0.x and 1.x
    Teamocil,
    /// tmuxinator
    Tmuxinator,
}

/// Translate a file of another session manager
#[derive(Debug, Args)]
struct Import {
    /// Whose file it is
    kind: SourceFormat,
    /// The file, or its name in that program's folder
    file: String,
    #[command(flatten)]
    output: OutputArgs,
}

impl Import {
    fn run(self) -> Outcome {
        let path = self.path()?;
        let mut source = Source::new(&path);
        let translated = self.translate(&path, &mut source);
        warn(source.take_warnings());
        self.output.write(&translated?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn translate(
        &self,
        path: &Path,
        source: &mut Source,
    ) -> Result<crate::workspace::node::Node, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::File {
            path: path.to_owned(),
            what: "cannot be read",
            source: error,
        })?;
        refuse_templates(&text, source)?;
        let tree = parse(&text, Format::of(path).unwrap_or_default(), source)?;
        let translated = match self.kind {
            SourceFormat::Teamocil => import_teamocil(&tree, source)?,
            SourceFormat::Tmuxinator => import_tmuxinator(&tree, source)?,
        };
        validate_schema(&translated, false, source)?;
        Ok(inline(&translated))
    }

    /// The file itself, or one of that name where the program keeps its own.
    fn path(&self) -> Result<PathBuf, Failure> {
        let given = PathBuf::from(&self.file);
        if given.is_file() {
            return Ok(given);
        }
        let home = std::env::home_dir().unwrap_or_default();
        let folders = match self.kind {
            SourceFormat::Teamocil => vec![home.join(".teamocil")],
            SourceFormat::Tmuxinator => {
                let set = std::env::var_os("TMUXINATOR_CONFIG").map(PathBuf::from);
                let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
                let config = config
                    .unwrap_or_else(|| home.join(".config"))
                    .join("tmuxinator");
                set.into_iter()
                    .chain([config, home.join(".tmuxinator")])
                    .collect()
            }
        };
        let names = ["", ".yml", ".yaml"].map(|end| format!("{}{end}", self.file));
        let mut files = folders
            .iter()
            .flat_map(|folder| names.iter().map(|name| folder.join(name)));
        files.find(|path| path.is_file()).ok_or_else(|| {
            let folders: Vec<String> = folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            Failure::new(format!(
                "there is no file {} here, nor in {}",
                self.file,
                folders.join(", ")
            ))
        })
    }
}

/// Open a workspace file in $EDITOR
#[derive(Debug, Args)]
struct Edit {
    /// Workspace file, or a name in the workspace folder
    file: String,
}

impl Edit {
    fn run(self) -> Outcome {
        let path = match find(&self.file) {
            Ok(found) => found.path,
            // A new one may be begun.
            Err(_) if !self.file.contains(['/', '.']) => {
                global_folder().join(format!("{}.yaml", self.file))
            }
            Err(error) => return Err(error.into()),
        };
        let set = |name| {
            std::env::var(name)
                .ok()
                .filter(|value: &String| !value.trim().is_empty())
        };
        let editor = set("VISUAL")
            .or_else(|| set("EDITOR"))
            .unwrap_or_else(|| "vi".into());
        let words = shell_words::split(&editor).unwrap_or_else(|_| vec![editor.clone()]);
        let Some((program, arguments)) = words.split_first() else {
            return Err(Failure::new("$EDITOR is empty"));
        };
        let status = Command::new(program)
            .args(arguments)
            .arg(&path)
            .status()
            .map_err(|error| {
                Failure::new(error).hint(format!(
                    "set EDITOR to an editor that is there; it is `{editor}`"
                ))
            })?;
        Ok(match status.success() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

/// Remove workspace files
#[derive(Debug, Args)]
struct Remove {
    /// Workspace files, or names in the workspace folder
    #[arg(required = true)]
    files: Vec<String>,
    /// Without asking
    #[arg(short, long)]
    yes: bool,
}

impl Remove {
    fn run(self) -> Outcome {
        let paths = self
            .files
            .iter()
            .map(|file| Ok(find(file)?.path))
            .collect::<Result<Vec<_>, Failure>>()?;
        for path in paths {
            let question = format!("remove {}?", path.display());
            if !self.yes && !can_ask() {
                return Err(Failure::usage(question).hint("-y removes without asking"));
            }
            if !self.yes && choose(&question, &['n', 'y']) != Some('y') {
                continue;
            }
            std::fs::remove_file(&path).map_err(|source| Error::File {
                path: path.clone(),
                what: "cannot be removed",
                source,
            })?;
            writeln!(io::stdout(), "{} is removed", path.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
