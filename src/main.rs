//! The `tvmux` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tvmux::cli::main()
}
