//! Who records the pane that is flooded.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::options::Options;

/// What is done with the output of a pane.
#[derive(Clone, Debug)]
pub enum Contestant {
    /// Nothing.
    Nothing,
    /// `pipe-pane 'cat >/dev/null'`: what any pipe costs.
    Cat,
    /// `pipe-pane 'cat >FILE'`: what it costs to have the same bytes in a file.
    CatToFile,
    /// tvmux, this one or another.
    Tvmux { program: PathBuf },
    /// asciinema, which runs the pane's program itself, in or out of tmux.
    Asciinema {
        name: &'static str,
        program: PathBuf,
    },
    /// The Python program of the same name.
    PythonTvmux { program: PathBuf },
}

impl Contestant {
    /// This program.
    pub fn this() -> Contestant {
        let program = env!("CARGO_BIN_EXE_tvmux").into();
        Contestant::Tvmux { program }
    }

    /// All that are here.
    pub fn all(options: &Options) -> Vec<Contestant> {
        let mut all = vec![
            Contestant::Nothing,
            Contestant::Cat,
            Contestant::CatToFile,
            Contestant::this(),
        ];
        let on_path = Path::new("asciinema");
        let is_version =
            |program: &Path, start: &str| version(program).is_some_and(|v| v.contains(start));
        for (name, given, start) in [
            ("asciinema 3", &options.asciinema3, " 3."),
            ("asciinema 2", &options.asciinema2, " 2."),
        ] {
            let program = given.as_deref().unwrap_or(on_path);
            if is_version(program, start) {
                let program = program.to_owned();
                all.push(Contestant::Asciinema { name, program });
            } else if given.is_some() {
                eprintln!("{} is no {name}: left out", program.display());
            }
        }
        if let Some(program) = &options.python_tvmux {
            let program = program.clone();
            all.push(Contestant::PythonTvmux { program });
        }
        all
    }

    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Contestant::Nothing => "nothing piped",
            Contestant::Cat => "cat >/dev/null",
            Contestant::CatToFile => "cat >file",
            Contestant::Tvmux { .. } => "tvmux",
            Contestant::Asciinema { name, .. } => name,
            Contestant::PythonTvmux { .. } => "Python tvmux",
        }
    }
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
