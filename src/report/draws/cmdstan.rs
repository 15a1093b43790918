//! Tables of draws as CmdStan writes them, one a chain: ArviZ, posterior and their like read them as they are, and they are
//! read back as ensembles.

use crate::{Diagnostic, Error, Result};
use std::fmt::Write;
use std::path::Path;

/// The name of a chain's file, counted from 0.
pub fn file(chain: usize) -> String {
    format!("draws-{}.csv", chain + 1)
}

/// One chain.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    pub version: &'a str,
    /// Of the study.
    pub title: &'a str,
    pub method: &'a str,
    pub seed: u64,
    /// From 1.
    pub id: usize,
    /// `[draw][parameter]`
    pub draws: &'a [Vec<f64>],
    /// Log of the posterior density up to a constant, log-likelihood, for each draw.
    pub densities: &'a [[f64; 2]],
}

impl Chain<'_> {
    pub fn table<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let mut text = format!(
            "# fenton {}\n# model = {}\n# method = {}\n# num_samples = {}\n# num_warmup = 0\n# save_warmup = 0\n# thin = 1\n# id = {}\n# seed = {}\n",
            self.version,
            word(self.title),
            word(self.method),
            self.draws.len(),
            self.id,
            self.seed
        );
        text += "lp__,log_lik__";
        columns(names).iter().for_each(|name| text += &format!(",{name}"));
        text.push('\n');
        for (values, [posterior, likelihood]) in self.draws.iter().zip(self.densities) {
            let _ = write!(text, "{posterior:e},{likelihood:e}");
            values.iter().for_each(|value| text += &format!(",{value:e}"));
            text.push('\n');
        }
        text
    }
}

/// Names that no reader of such tables splits or takes for an array, each once.
pub fn columns<'n>(parameters: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for parameter in parameters {
        let mut name = word(parameter);
        // Two underscores at the end mark what the sampler says of itself.
        while names.contains(&name) || name.ends_with("__") {
            name += "x";
        }
        names.push(name);
    }
    names
}

fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>().trim_matches('_').to_string()
}

/// One draw, as a table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pub values: Vec<f64>,
    pub log_likelihood: f64,
}

/// The draws in `folder`, `[chain][draw]`, with values of `parameters` in this order.
///
/// # Errors
/// [`Error::File`] if there are none or they cannot be read; [`Error::Input`] where a parameter has no column, a value is
/// no number, or a chain has not as many draws as it says.
pub fn read(folder: &Path, parameters: &[String]) -> Result<Vec<Vec<Drawn>>> {
    let columns = columns(parameters.iter().map(String::as_str));
    let mut chains = Vec::new();
    loop {
        let path = folder.join(file(chains.len()));
        if !chains.is_empty() && !path.exists() {
            break;
        }
        let text = std::fs::read_to_string(&path).map_err(|source| Error::file(&path, source))?;
        chains
            .push(read_chain(&text, &columns, parameters).map_err(|found| found.in_file(path.display().to_string()))?);
    }
    let shortest = chains.iter().map(Vec::len).min().unwrap_or(0);
    if shortest == 0 {
        return Err(Diagnostic::new("there are no draws in it").in_file(folder.display().to_string()).into());
    }
    // Chains that were cut short elsewhere count as far as all of them go.
    chains.iter_mut().for_each(|chain| chain.truncate(shortest));
    Ok(chains)
}

fn read_chain(text: &str, columns: &[String], parameters: &[String]) -> std::result::Result<Vec<Drawn>, Diagnostic> {
    let mut table = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = table.headers().map_err(|error| Diagnostic::new(error.to_string()))?.clone();
    let likelihood = headers.iter().position(|header| header == "log_lik__");
    let mut places =
        vec![likelihood.ok_or_else(|| Diagnostic::new("no column for the log-likelihood").expected("'log_lik__'"))?];
    for (column, parameter) in columns.iter().zip(parameters) {
        let place = headers.iter().position(|header| header == column);
        places.push(place.ok_or_else(|| {
            Diagnostic::new(format!("no column for the parameter '{parameter}'"))
                .expected(format!("'{column}'"))
                .hint("take draws that were made for this study ('fenton sample STUDY')")
        })?);
    }
    let mut draws = Vec::new();
    for record in table.records() {
        let record = record.map_err(|error| Diagnostic::new(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let value = |&place: &usize| {
            let field = record.get(place).unwrap_or_default();
            field.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
                Diagnostic::new(format!("'{field}' in line {line} is not a number")).expected("a draw of a parameter")
            })
        };
        let mut values = places.iter().map(value).collect::<std::result::Result<Vec<f64>, _>>()?;
        draws.push(Drawn { log_likelihood: values.remove(0), values });
    }
    let told = text.lines().find_map(|line| line.strip_prefix("# num_samples = "));
    if told.is_some_and(|told| told.trim() != draws.len().to_string()) {
        let message =
            format!("it has {} draws, and says that they are {}", draws.len(), told.unwrap_or_default().trim());
        return Err(Diagnostic::new(message).hint("the file was cut short or damaged; make the draws again"));
    }
    Ok(draws)
}
