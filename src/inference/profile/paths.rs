//! Paths of several parameters in both directions, which advance together: an iteration is one batch.

use super::bend::Bend;
use super::conditional::Model;
use super::path::{Aim, Path, PathEnd};
use crate::Result;
use crate::inference::boxed::Boxed;
use crate::inference::bridge::Bridge;
use crate::inference::edge::{self, Edge, EdgeOf};
use crate::inference::{Basis, Expansion, Identification};
use rayon::prelude::*;

/// A value that is lower than the optimum's by more than this is another optimum.
const BETTER: f64 = 0.01;
/// A limit is no lower, for an optimum that lies nearly so far above the best.
const LEAST: f64 = 0.05;
/// How often the paths begin again at a better one.
pub const RENEWALS: usize = 5;

/// The two paths of each of `parameters`, downwards and upwards, from the optimum `point` with its expansion, which lies so
/// far `above` the best.
pub fn begin(
    parameters: &[usize],
    (point, expansion, above): (&[f64], &Expansion, f64),
    identification: &Identification,
    (bridge, boxed): (&Bridge, &Boxed),
    aim: Aim,
    seed: u64,
) -> Result<Vec<Path>> {
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let (at, model) = (boxed.unit(point), Model::new(expansion, boxed));
    let bend = Bend::about(&at, &model, bridge, boxed)?;
    let model = model.bent(&bend);
    let both = |&parameter: &usize| {
        // Half of the 95 % quantile of chi-squared with one degree of freedom, or of F.
        let limit = (0.5 * identification.parameters[parameter].reach.powi(2) - above).max(LEAST);
        [false, true].map(|upwards| Path::new(parameter, upwards, limit, (&at, &model, &bend), aim, seed))
    };
    Ok(parameters.iter().flat_map(both).collect())
}

/// One batch of derivatives for all paths, and one of values for those that try other places.
pub fn advance(paths: &mut [Path], bridge: &Bridge, boxed: &Boxed) -> Result<()> {
    let wanting: Vec<usize> = (0..paths.len()).filter(|&at| paths[at].wanted().is_some()).collect();
    let points: Vec<Vec<f64>> =
        wanting.iter().filter_map(|&at| paths[at].wanted().map(|trial| boxed.point(trial))).collect();
    let expansions = bridge.expand(&points)?;
    let mut models: Vec<Option<Option<Model>>> = vec![None; paths.len()];
    for (at, expansion) in wanting.into_iter().zip(expansions) {
        models[at] = Some(expansion.map(|expansion| Model::new(&expansion, boxed)));
    }
    paths.par_iter_mut().zip(models).for_each(|(path, model)| {
        if let Some(model) = model {
            path.advance(model);
        }
    });
    let tried: Vec<Vec<Vec<f64>>> = paths.iter_mut().map(Path::places_to_try).collect();
    let points: Vec<Vec<f64>> = tried.iter().flatten().map(|at| boxed.point(at)).collect();
    let mut values = bridge.values(&points)?.into_iter();
    for (path, tried) in paths.iter_mut().zip(tried).filter(|(_, tried)| !tried.is_empty()) {
        let values: Vec<f64> = values.by_ref().take(tried.len()).collect();
        path.choose(tried, &values);
    }
    Ok(())
}

/// The paths that have come to their ends.
pub fn ended(paths: &[Path]) -> usize {
    paths.iter().filter(|path| path.end.is_some()).count()
}

/// Takes the intervals and their ends from paths that have come to theirs.
pub fn read(paths: &[Path], boxed: &Boxed, identification: &mut Identification) {
    for sides in paths.chunks_exact(2) {
        let result = &mut identification.parameters[sides[0].parameter];
        let ends = [0, 1].map(|side| sides[side].end_of_interval(boxed));
        if sides.iter().any(|path| path.end == Some(PathEnd::Failed)) {
            result.fails(ends);
        } else if let [Some(low), Some(high)] = [0, 1].map(|side| sides[side].reached(boxed)) {
            result.interval = Some((low, high));
            result.basis = Basis::Likelihood;
            result.ends = ends;
            result.judge();
        }
        result.held = sides.iter().any(|path| path.end == Some(PathEnd::Held));
        result.leans = sides.iter().flat_map(|path| path.leans().to_vec()).collect();
        result.leans.sort_unstable();
        result.leans.dedup();
    }
}

/// Why the paths that ended at failures did.
pub fn edges(paths: &[Path], bridge: &Bridge, boxed: &Boxed) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for path in paths {
        let Some(place) = path.failed() else { continue };
        let of = EdgeOf::End { parameter: path.parameter, upper: path.is_upwards() };
        let plain = Edge { of, causes: Vec::new(), failed: 1 };
        edges.push(edge::failures(bridge, &[boxed.point(place)], of)?.unwrap_or(plain));
    }
    Ok(edges)
}

/// A place that is lower than the optimum by more than a little, and the objective there.
pub fn better(paths: &[Path], boxed: &Boxed) -> Option<(Vec<f64>, f64)> {
    let lowest = paths.iter().map(|path| (path, path.lowest())).min_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let (_, (at, lower)) = lowest?;
    // They may begin at several optima.
    let least = paths.iter().map(Path::least).fold(f64::INFINITY, f64::min);
    (lower < least - BETTER).then(|| (boxed.point(at), lower))
}
