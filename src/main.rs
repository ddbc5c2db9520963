//! The process's edges: arguments and environment in, an exit code out.

use std::process::ExitCode;

use linkbridge::cli;
use linkbridge::config::Vars;

fn main() -> ExitCode {
    cli::harden();
    cli::run(std::env::args_os(), &Vars::process())
}
