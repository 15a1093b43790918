//! Parameter vectors from a folder of draws, by the names of their columns.

use crate::report::draws::cmdstan::columns;
use crate::study::problem::Problem;
use crate::{Diagnostic, Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The draws in `folder/draws-*.csv` as values of the problem's parameters, evenly thinned to at most `most`.
///
/// # Errors
/// [`Error::File`] and [`Error::Input`] where there are none, a parameter has no column, or a cell is no number.
pub fn read(folder: &Path, problem: &Problem, most: usize) -> Result<Vec<Vec<f64>>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
    let number = |path: &PathBuf| -> Option<usize> {
        path.file_name()?.to_str()?.strip_prefix("draws-")?.strip_suffix(".csv")?.parse().ok()
    };
    let mut files: Vec<(usize, PathBuf)> =
        entries.flatten().map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path))).collect();
    files.sort();
    let mut draws = Vec::new();
    for (_, path) in &files {
        draws.extend(table(path, problem)?);
    }
    if draws.is_empty() {
        let found = Diagnostic::new("no draws").in_file(folder.display().to_string());
        let found = found.expected("draws-1.csv and on");
        return Err(Error::input(found.hint("give the folder of a 'fenton sample' or 'fenton bootstrap'")));
    }
    let kept = most.min(draws.len());
    Ok((0..kept).map(|at| draws[at * draws.len() / kept].clone()).collect())
}

fn table(path: &Path, problem: &Problem) -> Result<Vec<Vec<f64>>> {
    let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
    let refuse = |message: String| {
        let found = Diagnostic::new(message).in_file(path.display().to_string());
        Error::input(found.expected("draws of this study").hint("draw again with the study as it is now"))
    };
    let mut rows = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    let header: Vec<&str> = rows.next().map_or("", |(_, line)| line).split(',').collect();
    let place = |name: String| {
        let at = header.iter().position(|column| *column == name);
        at.ok_or_else(|| refuse(format!("no column `{name}`")))
    };
    let names = columns(problem.parameters.iter().map(|p| p.name.as_str()));
    let places = names.into_iter().map(place).collect::<Result<Vec<usize>>>()?;
    let row = |(line, text): (usize, &str)| -> Result<Vec<f64>> {
        let cells: Vec<&str> = text.split(',').collect();
        let value = |&at: &usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok()).filter(|x| x.is_finite());
        let values: Option<Vec<f64>> = places.iter().map(value).collect();
        values.ok_or_else(|| refuse(format!("line {} has a cell that is no number", line + 1)))
    };
    rows.map(row).collect()
}
