//! What an earlier fit found, read from its folder.

use super::failure::Failure;
use super::inputs::read_text;
use fenton::Diagnostic;
use fenton::inference::Start;
use fenton::study::problem::Problem;
use std::path::Path;

/// The optimum in the folder of an earlier fit.
pub fn optimum(folder: &Path, problem: &Problem) -> Result<Start, Failure> {
    let path = folder.join("parameters.csv");
    let file = path.display().to_string();
    let fault = |message: String| Diagnostic::new(message).in_file(&file);
    let hint = "--from takes the folder that 'fenton fit' wrote for this study";
    if !path.exists() {
        return Err(fault("there is no such table".into()).hint(hint).into());
    }
    let text = read_text(&path)?;
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| fault(format!("this is no table: {error}")).hint(hint);
    let headers = table.headers().map_err(unreadable)?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (Some(named), Some(valued)) = (column("parameter"), column("value")) else {
        return Err(fault("the columns 'parameter' and 'value' are missing".into()).hint(hint).into());
    };
    let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().map_err(unreadable)?;
    let value = |name: &str| -> Result<f64, Failure> {
        let row = rows.iter().find(|row| &row[named] == name);
        let row = row.ok_or_else(|| fault(format!("there is no value of '{name}'")).hint(hint))?;
        let number = row[valued].parse().ok().filter(|number: &f64| number.is_finite());
        Ok(number.ok_or_else(|| fault(format!("the value of '{name}' is no number: '{}'", &row[valued])).hint(hint))?)
    };
    let point = problem.parameters.iter().map(|p| Ok(p.scale.estimate(value(&p.name)?)));
    let spreads = problem.between.iter().map(|between| match &between.name {
        Some(name) => value(name),
        None => Ok(between.sd),
    });
    Ok(Start { point: point.collect::<Result<_, Failure>>()?, spreads: spreads.collect::<Result<_, Failure>>()? })
}
