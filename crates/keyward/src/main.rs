//! The binary: it parses the command line, runs the command, and turns the result into an exit code.

use clap::Parser;
use keyward::{Cli, CommandError};
use std::process::ExitCode;

fn main() -> ExitCode {
    keyward::install_tls();
    // clap itself prints help and usage, and exits with 0 or 2.
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            keyward::say(format_args!("keyward: the async runtime can't start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(keyward::run(cli));
    // Tasks that are still running have been asked to stop, or have nothing left to do.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, CommandError::Reported | CommandError::Logged(_)) {
                keyward::say(format_args!("keyward: {error}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}
