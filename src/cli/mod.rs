//! The command line: one file a subcommand. Raw arguments become one validated settings struct before anything runs.

mod engines;
mod failure;
mod inputs;
mod output;
mod progress;
mod simulate;
mod terminal;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Fits mechanistic models of ferroptosis and cuproptosis to viability data, and says how sure the answer is.
#[derive(Debug, Parser)]
#[command(
    name = "fenton",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 3 the run failed.\n\
                  'fenton COMMAND --help' explains a command, with examples."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Integrate a model and write its trajectories as CSV or JSON
    Simulate(simulate::SimulateArgs),
}

/// Runs the program's arguments to an exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; clap knows which stream each belongs to. A closed pipe is no failure.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    terminal::catch_interrupts();
    let result: Result<(), Failure> = match &cli.command {
        Command::Simulate(args) => simulate::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::print_failure(&failure);
            failure.exit_code()
        }
    }
}
