//! The command `fenton`. All the work is done by the library; this binary reads arguments, shows progress and prints.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
