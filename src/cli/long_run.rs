//! What commands share that work on a study for a while and write a folder: its name, its checkpoint, the facts of the run.

use super::engines::precision_name;
use super::failure::{Failure, on_write};
use super::terminal;
use fenton::engine::Engine;
use fenton::files::{self, Lock};
use fenton::inference::{CheckpointSettings, Choice, StudyObjective};
use fenton::report;
use fenton::report::document::{Edge, RunFacts, Warning};
use fenton::study::Study;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The study's name; where its file is called 'study.toml', as all made by 'fenton new' are, that of its folder.
pub fn name_of(argument: &str, study: &Study) -> String {
    let path = fs::canonicalize(argument).unwrap_or_default();
    let inside = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
    let folder = inside.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    folder.filter(|_| study.name == "study").unwrap_or_else(|| study.name.clone())
}

/// The folder for a report. One run at a time has it.
pub struct Place {
    folder: PathBuf,
    _lock: Lock,
}

impl Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

/// What a place is wanted for.
pub struct Claim<'a> {
    /// The command, as the mark of its reports says it.
    pub report: &'a str,
    /// What is read: studies as they are named, and folders of earlier runs. None of them is written into.
    pub reads: Vec<&'a Path>,
}

/// The folder for a report: locked, mended where a killed run left it half done, and found writable before the work begins.
pub fn place(stated: &Option<PathBuf>, usual: impl FnOnce() -> String, claim: &Claim) -> Result<Place, Failure> {
    let folder = stated.clone().unwrap_or_else(|| usual().into());
    let name = folder.display().to_string();
    if let Some(read) = claim.reads.iter().find(|read| is_of(&folder, read)) {
        let message = format!("{name} is also read ({}): choose another --output", read.display());
        return Err(Failure::Usage(message));
    }
    let lock = hold(&folder)?;
    let stay = report::writable(&folder, claim.report).map_err(Failure::Output)?;
    if !stay.is_empty() {
        let some = stay.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if stay.len() > SHOWN { format!(" and {} more", stay.len() - SHOWN) } else { String::new() };
        terminal::say(&format!("{some}{more} in {name}: no part of the report, and left as they are"));
    }
    Ok(Place { folder, _lock: lock })
}

/// Locks the output `folder`, and mends what a killed run left there.
pub fn hold(folder: &Path) -> Result<Lock, Failure> {
    let name = folder.display().to_string();
    let who = format!("'{}' (process {})", command(), std::process::id());
    let lock = Lock::take(folder, &who).map_err(on_write(&name))?;
    for mended in files::recover(folder).map_err(on_write(&name))? {
        terminal::warn(&mended);
    }
    Ok(lock)
}

/// Names listed before the rest is a number.
const SHOWN: usize = 5;

/// Whether `folder` is what is read at `read`, or the folder of a file there.
fn is_of(folder: &Path, read: &Path) -> bool {
    let (Ok(folder), Ok(read)) = (fs::canonicalize(folder), fs::canonicalize(read)) else { return false };
    folder == read || (read.is_file() && read.parent() == Some(&folder))
}

/// What came of writing a report: the checkpoint goes only once it stands, and stays where the work is not complete.
pub fn written<T>(
    report: fenton::Result<T>,
    checkpoint: Option<&CheckpointSettings>,
    complete: bool,
) -> Result<T, Failure> {
    match report {
        Err(error) => {
            if let Some(kept) = checkpoint.filter(|checkpoint| checkpoint.path.exists()) {
                let place = kept.path.display();
                terminal::say(&format!(
                    "what was found so far is kept in {place}: the same command goes on from there"
                ));
            }
            Err(Failure::Output(error))
        }
        Ok(done) => {
            if let Some(Err(error)) = checkpoint.filter(|_| complete).map(CheckpointSettings::remove) {
                terminal::warn(&format!("the checkpoint is needed no more, but cannot be removed: {error}"));
            }
            Ok(done)
        }
    }
}

/// A warning that a checkpoint could not be written.
pub fn unkept(error: &fenton::Error) {
    terminal::warn(&format!("the checkpoint could not be written ({error}); it is tried again"));
}

/// What a terminal is told last: warnings, and where the report is.
pub fn ending(warnings: &[Warning], folder: &Path) -> String {
    let warnings = warnings.iter().map(|warning| format!("\n! {}\n  {}\n", warning.title, warning.text));
    warnings.collect::<String>() + &format!("\nreport: {}\n", folder.join("report.html").display())
}

/// Why what was found is no result: failures decide, or the likelihood has no maximum. So many warnings, which stand first,
/// say so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoResult {
    pub failures_decide: usize,
    pub no_maximum: usize,
}

impl From<&fenton::summary::no_result::NoResult> for NoResult {
    fn from(found: &fenton::summary::no_result::NoResult) -> Self {
        NoResult {
            failures_decide: usize::from(found.failures.is_some()),
            no_maximum: usize::from(found.no_maximum.is_some()),
        }
    }
}

impl std::iter::Sum for NoResult {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(NoResult::default(), |sum, next| NoResult {
            failures_decide: sum.failures_decide + next.failures_decide,
            no_maximum: sum.no_maximum + next.no_maximum,
        })
    }
}

impl NoResult {
    /// Of a report: what it says of failures that decide, and of errors that go to nothing.
    pub fn of(failures_decide: &[Edge], no_maximum: &[String]) -> Self {
        let one = |empty: bool| usize::from(!empty);
        NoResult { failures_decide: one(failures_decide.is_empty()), no_maximum: one(no_maximum.is_empty()) }
    }

    /// What stands before everything else, and the other warnings.
    pub fn told_first<'w>(&self, warnings: &'w [Warning]) -> (String, &'w [Warning]) {
        let (first, rest) = warnings.split_at(self.failures_decide + self.no_maximum);
        (first.iter().map(|warning| format!("\n! {}\n  {}\n", warning.title, warning.text)).collect(), rest)
    }

    /// # Errors
    /// [`Failure::Unconverged`] if there is no result.
    pub fn check(&self, folder: &Path) -> Result<(), Failure> {
        let why = match (self.failures_decide, self.no_maximum) {
            (0, 0) => return Ok(()),
            (0, _) => "the likelihood has no maximum",
            _ => "failures decide",
        };
        let place = folder.display();
        Err(Failure::Unconverged(format!("{why}, so this is no result; the report in {place} says where and why")))
    }
}

pub fn seconds(value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| Failure::Usage(format!("--max-time is {value}, it has to be a number of seconds above 0")))
}

/// Today in UTC, as in 2026-11-24. From days since 1970 by the years of the Gregorian calendar counted from March
/// (H. Hinnant, "chrono-compatible low-level date algorithms").
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date(seconds / 86_400)
}

fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = 400 * era + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Beside the folder, which is not there before the fit is done.
pub fn checkpoint(folder: &Path) -> PathBuf {
    let path = files::beside(folder, "checkpoint");
    terminal::keeps_in(&path);
    path
}

/// What the objective is made of: a checkpoint of another one is refused.
pub fn identity(study: &Study, objective: &StudyObjective, choice: &Choice, engine: &dyn Engine) -> String {
    let problem = objective.problem();
    // A study that is profiled without its priors is another objective, as is one that is integrated differently.
    let made = format!("{:?} {:?} {:?}", problem.parameters, problem.cells, problem.solver);
    let auto = |number: Option<f64>| number.map_or("auto".to_string(), |number| format!("{number:e}"));
    format!(
        "{} {} {:016x}, fenton {}, integrator {}, rtol {}, atol {}, {}",
        problem.name,
        study.fingerprint(),
        files::checksum(made.as_bytes()),
        env!("CARGO_PKG_VERSION"),
        choice.method.map_or("auto", |method| method.name()),
        auto(choice.rtol),
        auto(choice.atol),
        engine.arithmetic()
    )
}

/// How the work on `objective` is done by `engine`; what came of it is filled in later. `work` is what the engine does in its
/// own precision: "search", "draws".
pub fn facts(
    study: &Study,
    objective: &StudyObjective,
    engine: &dyn Engine,
    gpu: bool,
    seed: u64,
    work: &str,
) -> RunFacts {
    let used = objective.simulator.settings(engine, false);
    RunFacts {
        command: command(),
        study: study.fingerprint(),
        version: env!("CARGO_PKG_VERSION").into(),
        integrator: used.method.name().into(),
        rtol: used.rtol,
        atol: used.atol.iter().copied().fold(f64::INFINITY, f64::min),
        engine: format!("{} ({})", engine.name(), engine.detail()),
        adapter: if gpu { engine.name() } else { String::new() },
        precision: format!("{work} in {}, results in f64", precision_name(engine.precision())),
        nodes: objective.problem().cells.as_ref().map(|cells| cells.count),
        seed,
        date: today(),
        ..RunFacts::default()
    }
}

/// The command as it was typed, quoted where a shell would ask for it.
pub fn command() -> String {
    let quoted = |argument: String| {
        let plain = !argument.is_empty() && argument.chars().all(|c| c.is_alphanumeric() || "-_./=:,+%@".contains(c));
        if plain { argument } else { format!("'{}'", argument.replace('\'', "'\\''")) }
    };
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(argument.to_string_lossy().into_owned()));
    std::iter::once("fenton".to_string()).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_of_leap_years_and_turns_of_the_year() {
        let known = [(0, "1970-01-01"), (59, "1970-03-01"), (10_957, "2000-01-01"), (11_016, "2000-02-29")];
        for (days, date) in known.into_iter().chain([(20_781, "2026-11-24"), (47_541, "2100-03-01")]) {
            assert_eq!(super::date(days), date);
        }
    }
}
