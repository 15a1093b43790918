//! The surface of a fitted model, with what its parameters leave open.

use super::select::{Selection, alive};
use crate::Result;
use crate::inference::{FitResult, StudyObjective};
use crate::report::synergy::{Measure, Surface, SurfaceReference};
use crate::study::Study;
use crate::study::design::{Request, When};
use crate::study::problem::Term;
use crate::summary::curves::{Model, middle};
use crate::synergy::{self, Grid, spaced};

/// Where parameters come from.
pub enum Behind<'a> {
    Fit(&'a FitResult),
    /// An optimum, on the estimation scale.
    Point(&'a [f64]),
    /// Draws of a posterior: values of the parameters.
    Draws(&'a [Vec<f64>]),
}

/// Doses of a grid in each direction unless they are stated.
const STEPS: usize = 12;

/// Doses of a compound for the grid: over those of the data. `None` if the data have none.
pub fn default_doses(study: &Study, compound: usize) -> Option<Vec<f64>> {
    let doses = || study.data.iter().map(|row| row.doses[compound]).filter(|dose| *dose > 0.0);
    let (low, high) = doses().fold((f64::INFINITY, 0.0f64), |(low, high), dose| (low.min(dose), high.max(dose)));
    let low = if low < high { low } else { high / 30.0 };
    (high > 0.0).then(|| spaced(low, high, STEPS))
}

/// What the model says on `grid`, in f64, with 95 % bands; `source` says in words where its parameters come from. `None` if
/// it cannot be integrated there.
///
/// # Errors
/// Those of the engine.
pub fn surface(
    study: &Study,
    objective: &StudyObjective,
    behind: &Behind,
    selection: &Selection,
    grid: &Grid,
    followed: usize,
    source: String,
) -> Result<Option<Surface>> {
    let model = match behind {
        Behind::Fit(fit) => Model::new(objective, fit)?,
        Behind::Point(point) => Model::at(objective, point)?,
        Behind::Draws(draws) => Model::of_draws(objective, draws.to_vec()),
    };
    let request = |pair: &[f64; 2]| {
        let mut doses = selection.others.clone();
        selection.drugs.iter().zip(pair).for_each(|(&drug, &dose)| doses[drug] = dose);
        Request {
            condition: selection.condition,
            doses,
            observable: selection.observable,
            time: When::At(selection.time * study.time_factor),
            // Gains and backgrounds of plates go out with the vehicle.
            offset: Term::number(0.0),
            scale: Term::number(1.0),
        }
    };
    let requests: Vec<Request> = grid.pairs().iter().map(request).collect();
    let Some(predicted) = model.predict(&requests)? else { return Ok(None) };
    let kind = study.observables[selection.observable].reading;
    let values: Vec<f64> = predicted.iter().map(|p| alive(kind, p.value)).collect();
    let best = synergy::Surface::new(grid, &values, followed);
    let count = predicted.first().map_or(0, |p| p.draws.len());
    let drawn: Vec<synergy::Surface> = (0..count)
        .map(|draw| predicted.iter().map(|p| alive(kind, p.draws[draw])).collect::<Vec<f64>>())
        .map(|values| synergy::Surface::new(grid, &values, followed))
        .collect();
    let measure = |value: Option<f64>, of: &dyn Fn(&synergy::Surface) -> Option<f64>| {
        let values: Vec<f64> = drawn.iter().filter_map(of).collect();
        // A number that some draws do not have is not bounded by the others.
        let interval = if values.len() * 10 >= drawn.len() * 9 { middle(&values) } else { None };
        Measure { value, interval: interval.filter(|_| value.is_some()) }
    };
    let references = synergy::Surface::REFERENCES.iter().enumerate().map(|(at, reference)| SurfaceReference {
        name: reference.name().into(),
        mean: measure(best.mean[at], &|s| s.mean[at]),
        excess: (0..best.viability.len()).map(|i| measure(best.excess[at][i], &|s| s.excess[at][i])).collect(),
    });
    Ok(Some(Surface {
        doses: grid.doses.clone(),
        source,
        draws: count,
        viability: (0..best.viability.len())
            .map(|i| measure(Some(best.viability[i]), &|s| Some(s.viability[i])))
            .collect(),
        references: references.collect(),
        drug: followed,
        ec50: (0..best.ec50.len()).map(|i| measure(best.ec50[i], &|s| s.ec50[i])).collect(),
    }))
}
