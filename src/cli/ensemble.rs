//! The draws that answer a question: those of an earlier run, or new ones.

use super::failure::Failure;
use super::sample::Bar;
use super::terminal;
use clap::Args;
use fenton::inference::{Ended, Ensemble, SampleSettings, StudyTarget, Target, sample};
use fenton::report::draws;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Draws")]
pub struct EnsembleArgs {
    /// The folder of an earlier 'fenton sample' or 'fenton bootstrap' of this study; without it the posterior is drawn
    /// first
    #[arg(long, value_name = "DIR")]
    ensemble: Option<PathBuf>,
    /// So many draws of the posterior answer, and as many of the priors
    #[arg(long, value_name = "N", default_value_t = 400)]
    draws: usize,
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

    pub fn open(&self, target: &StudyTarget) -> Result<Drawn, Failure> {
        let prior = Ensemble::of_priors(target, self.draws, self.seed);
        let (posterior, origin, converged) = match &self.ensemble {
            Some(folder) => self.read(folder, target)?,
            None => self.draw(target)?,
        };
        Ok(Drawn { posterior: posterior.thinned(self.draws), prior, origin, converged })
    }

    fn read(&self, folder: &Path, target: &StudyTarget) -> Result<(Ensemble, String, bool), Failure> {
        let names: Vec<String> = target.objective().problem().parameters.iter().map(|p| p.name.clone()).collect();
        let chains = draws::read(folder, &names)?;
        let count: usize = chains.iter().map(Vec::len).sum();
        let ensemble = Ensemble { chains: chains.len(), draws: chains.into_iter().flatten().collect() };
        // A folder whose run did not converge says so in its summary.
        let summary = std::fs::read_to_string(folder.join("summary.json")).unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap_or_default();
        let converged = summary["converged"].as_bool().unwrap_or(true);
        Ok((ensemble, format!("{count} draws in {}", folder.display()), converged))
    }

    fn draw(&self, target: &StudyTarget) -> Result<(Ensemble, String, bool), Failure> {
        let settings = SampleSettings {
            draws: DRAWN,
            seed: self.seed,
            stop: Some(terminal::interrupted()),
            ..SampleSettings::default()
        };
        let mut bar = Bar::default();
        let drawn = sample(target as &dyn Target, &settings, &mut bar);
        bar.clear();
        let drawn = drawn?.map_err(|ended| {
            let why = if ended == Ended::Time { "the time is up" } else { "interrupted" };
            Failure::Interrupted(format!("{why} while the posterior was drawn; nothing was written"))
        })?;
        let origin = format!("{} draws by tempered sequential Monte Carlo", drawn.draws().count());
        Ok((Ensemble::of_sample(target, &drawn), origin, drawn.converged()))
    }
}
