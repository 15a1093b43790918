//! The draws that answer a question: those of an earlier run, or new ones.

use super::failure::Failure;
use super::long_run;
use super::sample::Bar;
use super::terminal;
use clap::Args;
use fenton::inference::{Ended, Ensemble, SampleSettings, StudyTarget, Target, sample};
use fenton::report::document::{Severity, Warning};
use fenton::study::Study;
use fenton::summary::earlier::{EarlierDraws, draws_in};
use fenton::summary::no_result::NoResult;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Draws")]
pub struct EnsembleArgs {
    /// The folder of an earlier 'fenton sample' or 'fenton bootstrap' of this study; without it the posterior is drawn
    /// first
    #[arg(long, value_name = "DIR")]
    pub ensemble: Option<PathBuf>,
    /// So many draws of the posterior answer, and as many of the priors
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub draws: usize,
    /// The same seed gives the same draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// What was drawn, and how far to believe it.
pub struct Drawn {
    pub posterior: Ensemble,
    pub prior: Ensemble,
    /// Where the posterior comes from.
    pub origin: String,
    pub converged: bool,
    /// Why what is asked of them is no result.
    pub no_result: NoResult,
    /// Log evidence with its Monte Carlo error, where the sampler gave it.
    pub evidence: Option<(f64, f64)>,
    /// The weights of its separate modes; not known of an older folder, or of a bootstrap.
    pub modes: Vec<f64>,
}

impl Drawn {
    /// What is to be said before all else.
    pub fn cautions(&self) -> Vec<Warning> {
        self.no_result.warnings().chain(self.several()).collect()
    }

    /// # Errors
    /// [`Failure::Unconverged`] where what was asked of the draws and stands in `folder` is not to be believed.
    pub fn check(&self, folder: &Path) -> Result<(), Failure> {
        long_run::NoResult::from(&self.no_result).check(folder)?;
        match self.converged {
            true => Ok(()),
            false => Err(Failure::Unconverged(format!(
                "the posterior did not converge; what its draws say is in {}",
                folder.display()
            ))),
        }
    }

    /// What is to be said where it has several modes.
    pub fn several(&self) -> Option<Warning> {
        let weights: Vec<String> = self.modes.iter().map(|weight| format!("{:.0} %", 100.0 * weight)).collect();
        (weights.len() > 1).then(|| Warning {
            severity: Severity::Caution,
            title: format!("The posterior has {} separate modes ({})", weights.len(), weights.join(", ")),
            text: "What stands below is of all of them together: a median may lie between modes that say different things, where \
                   hardly any draw is. 'fenton sample' lists the modes; bounds, an order or a prior that leaves one of them \
                   asks that one alone."
                .into(),
        })
    }
}

/// Draws made before questions are asked; four chains of 256.
const DRAWN: usize = 1024;
/// Fewer draws have no 95 % interval to speak of.
const FEWEST: usize = 40;

impl EnsembleArgs {
    pub fn check(&self) -> Result<(), Failure> {
        if self.draws < FEWEST {
            return Err(Failure::Usage(format!("--draws is {}, it has to be at least {FEWEST}", self.draws)));
        }
        Ok(())
    }

    pub fn open(&self, study: &Study, target: &StudyTarget) -> Result<Drawn, Failure> {
        let prior = Ensemble::of_priors(target, self.draws, self.seed);
        let drawn = match &self.ensemble {
            Some(folder) => read(folder, study, target)?,
            None => self.draw(target)?,
        };
        Ok(Drawn { posterior: drawn.posterior.thinned(self.draws), prior, ..drawn })
    }

    fn draw(&self, target: &StudyTarget) -> Result<Drawn, Failure> {
        let settings = SampleSettings {
            draws: DRAWN,
            seed: self.seed,
            stop: Some(terminal::interrupted()),
            ..SampleSettings::default()
        };
        let mut bar = Bar::default();
        let listening = terminal::listen();
        let drawn = sample(target as &dyn Target, &settings, &mut bar);
        bar.clear();
        drop(listening);
        let drawn = drawn?.map_err(|ended| {
            let why = if ended == Ended::Time { "the time is up" } else { "interrupted" };
            Failure::Interrupted(format!("{why} while the posterior was drawn; nothing was written"))
        })?;
        let origin = format!("{} draws by tempered sequential Monte Carlo", drawn.draws().count());
        let modes = drawn.modes(target)?;
        Ok(Drawn {
            no_result: NoResult::of_draws(target, &drawn)?,
            modes: modes.modes.iter().map(|mode| mode.weight).collect(),
            posterior: Ensemble::of_sample(target, &drawn),
            prior: Ensemble::default(),
            origin,
            converged: drawn.converged(),
            evidence: drawn.evidence.map(|evidence| (evidence.log, evidence.error)),
        })
    }
}

fn read(folder: &Path, study: &Study, target: &StudyTarget) -> Result<Drawn, Failure> {
    let EarlierDraws { chains, summary } = draws_in(folder, study, target)?;
    let count: usize = chains.iter().map(Vec::len).sum();
    let evidence = &summary["facts"]["log_evidence"];
    let modes = summary["modes"].as_array().into_iter().flatten();
    // So does one whose draws are no result; its first warnings say why.
    let mut first = summary["warnings"].as_array().into_iter().flatten();
    let mut told = |reason: &str| {
        let there = summary[reason].as_array().is_some_and(|reasons| !reasons.is_empty());
        let warning = if there { first.next()? } else { return None };
        let text = |key: &str| warning[key].as_str().unwrap_or_default().to_string();
        Some(Warning { severity: Severity::Serious, title: text("title"), text: text("text") })
    };
    Ok(Drawn {
        posterior: Ensemble { chains: chains.len(), draws: chains.into_iter().flatten().collect() },
        prior: Ensemble::default(),
        origin: format!("{count} draws in {}", folder.display()),
        // A bootstrap has no chains that could disagree, and its summary says nothing of it.
        converged: summary["converged"].as_bool().unwrap_or(true),
        no_result: NoResult { failures: told("failures_decide"), no_maximum: told("no_maximum") },
        evidence: evidence[0].as_f64().zip(evidence[1].as_f64()),
        modes: modes.filter_map(|mode| mode["weight"].as_f64()).collect(),
    })
}
