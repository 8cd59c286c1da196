//! The harness's arguments.

use std::path::PathBuf;

use clap::Parser;

/// Measures the recorder as its users meet it, through a real tmux.
#[derive(Debug, Parser)]
pub struct Options {
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,

    /// Only what takes a minute or two: a flood of logs, ten recordings.
    #[arg(long)]
    pub quick: bool,

    /// All of it: floods of everything and one of 2 GB, 500 idle recordings.
    #[arg(long, conflicts_with = "quick")]
    pub full: bool,

    /// How often each recorder meets a flood; more on a machine whose rounds
    /// lie far apart.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,

    /// Instead: flood, switch, resize, kill and restart at random for so long.
    #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "1")]
    pub soak: Option<f64>,

    /// The seed of the soak; a new one without.
    #[arg(long)]
    pub seed: Option<u64>,

    /// Only the parts of these names: flood, big (a flood of 2 GB), typing,
    /// scale, idle, latency.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,

    /// asciinema 3, to compare with; `asciinema` from the path without.
    #[arg(long, value_name = "PROGRAM")]
    pub asciinema3: Option<PathBuf>,

    /// asciinema 2, to compare with.
    #[arg(long, value_name = "PROGRAM")]
    pub asciinema2: Option<PathBuf>,

    /// The Python tvmux, to compare with.
    #[arg(long, value_name = "PROGRAM")]
    pub python_tvmux: Option<PathBuf>,

    /// Instead: this tvmux beside another build of it, with the ratios. Parts:
    /// flood, switch, typing, idle, validate, repair, load, api.
    #[arg(long, value_name = "PROGRAM")]
    pub against: Option<PathBuf>,

    /// With `--against`: the tvmux that is compared, in place of the one built
    /// with this harness.
    #[arg(long, value_name = "PROGRAM", requires = "against")]
    pub program: Option<PathBuf>,

    /// What `cargo bench` gives to every harness.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// Whether a part is wanted.
    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    /// One of three, by how much they measure.
    pub fn scale<T>(&self, quick: T, usual: T, full: T) -> T {
        if self.quick {
            quick
        } else if self.full {
            full
        } else {
            usual
        }
    }
}
