//! The command line: one file a subcommand. Raw arguments become one validated settings struct before anything runs.

mod bench;
mod bootstrap;
mod catalogue;
mod cells;
mod check;
mod compare;
mod curve;
mod design;
mod devices;
mod draft;
mod engines;
mod ensemble;
mod failure;
mod fit;
mod inputs;
mod library;
mod long_run;
mod new;
mod output;
mod plate;
mod predict;
mod profile;
mod progress;
mod questions;
mod sample;
mod sensitivity;
mod simulate;
mod synergy;
mod terminal;
mod threshold;

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
    after_help = "Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 3 the run failed, 4 done, but no result: not\n\
                  converged, or failures decide, or the likelihood has no maximum.\n\
                  'fenton COMMAND --help' explains a command, with examples."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Units of a model that do not agree are errors; without this they are warnings
    #[arg(long, global = true)]
    strict_units: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit a study and write a report; without a study, the embedded synthetic one of iron on HT-1080
    Fit(fit::FitArgs),
    /// Draw from the posterior of a study: what the data leave possible, and how likely
    Sample(sample::SampleArgs),
    /// Minimum effective concentrations, onset and rate of death as distributions
    Threshold(threshold::ThresholdArgs),
    /// Put two studies, two curves or two models of the same data side by side
    Compare(compare::CompareArgs),
    /// Follow how well the data determine each parameter: profile likelihoods with 95 % intervals
    Profile(profile::ProfileArgs),
    /// Bands for any dose, time and condition, over the data and beyond them
    Predict(predict::PredictArgs),
    /// Say which next dose, time, assay, condition or line of cells would narrow a quantity most
    Design(design::DesignArgs),
    /// Say what two compounds do together: Bliss, Loewe, HSA and ZIP with intervals, from data and model
    Synergy(synergy::SynergyArgs),
    /// Refit a study to replicates of its data: how far another set would have put the estimates
    Bootstrap(bootstrap::BootstrapArgs),
    /// Say which parameters the readings and effective concentrations of a study depend on
    Sensitivity(sensitivity::SensitivityArgs),
    /// Fit dose-response, death and growth curves to a plate file, without a model
    Curve(curve::CurveArgs),
    /// Integrate a model and write its trajectories as CSV or JSON
    Simulate(simulate::SimulateArgs),
    /// Read and check a study or a file of readings, say what was understood, and run nothing
    Check(check::CheckArgs),
    /// List the embedded models, studies, perturbations or lines of cells
    List(library::ListArgs),
    /// Print an embedded model or study, a perturbation or a line of cells
    Show(library::ShowArgs),
    /// Write a starting study for a table of readings
    New(new::NewArgs),
    /// Measure the CPU engine and every adapter on a model or a study
    Bench(bench::BenchArgs),
    /// List the GPU adapters and say which one would be taken
    Devices(devices::DevicesArgs),
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
    inputs::be_strict_about_units(cli.strict_units);
    let result: Result<(), Failure> = match &cli.command {
        Command::Fit(args) => fit::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Threshold(args) => threshold::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Profile(args) => profile::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Design(args) => design::run(args),
        Command::Synergy(args) => synergy::run(args),
        Command::Bootstrap(args) => bootstrap::run(args),
        Command::Sensitivity(args) => sensitivity::run(args),
        Command::Curve(args) => curve::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Check(args) => check::run(args),
        Command::List(args) => library::list(args),
        Command::Show(args) => library::show(args),
        Command::New(args) => new::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Devices(args) => devices::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::print_failure(&failure);
            failure.exit_code()
        }
    }
}
