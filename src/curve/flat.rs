//! Is there an effect at all? A test against a flat curve that knows that many curves were tried.
//!
//! The data are compared with a family of dose curves (an EC50 between each two doses, shallow and steep); the
//! statistic is the best of their F ratios against equal means, units having their own scale. Its distribution under no effect depends
//! on the design alone and is simulated for it. This is the multiple contrast idea of MCP-Mod (Bretz, Pinheiro and
//! Branson 2005, Biometrics 61:738) with the location on a grid; a likelihood ratio against the fitted curve has no
//! tabulated distribution, because without effect there is no EC50.

use super::problem::{Problem, Spot};
use super::series::Series;
use super::shape::Shape;
use crate::random::Stream;
use statrs::distribution::{ContinuousCDF, FisherSnedecor};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// Simulated null statistics, by design: the plates of a screen share theirs.
#[derive(Default)]
pub struct Designs(Mutex<HashMap<Vec<u64>, Arc<Vec<f64>>>>);

const DRAWS: usize = 4000;
const SEED: u64 = 0x666c6174;
/// Below this the bound by Bonferroni takes the place of the simulation, which cannot see so far.
const FEW: f64 = 20.0 / DRAWS as f64;

/// The probability of data that speak as strongly for an effect where there is none. `None` without enough wells.
pub fn p_value(problem: &Problem, designs: &Designs) -> Option<f64> {
    let groups: Vec<(usize, f64, f64, f64)> =
        problem.groups.iter().filter(|g| g.spot == Spot::Curve).map(|g| (g.unit, g.x, g.n, g.mean)).collect();
    let units = problem.units.len();
    // In units of each unit's mean, which is its scale if nothing happens.
    let mut sums = vec![(0.0, 0.0); units];
    for (unit, _, n, mean) in &groups {
        sums[*unit].0 += n * mean;
        sums[*unit].1 += n;
    }
    let used = sums.iter().filter(|(_, n)| *n > 0.0).count();
    let center = |unit: usize| sums[unit].0 / sums[unit].1;
    let shares = problem.link.is_share();
    let weight = |unit: usize| {
        let mean = center(unit);
        if shares { 1.0 / (mean * (1.0 - mean)).max(1e-9) } else { 1.0 / (mean * mean).max(1e-300) }
    };
    let z: Vec<f64> = groups.iter().map(|(u, _, n, mean)| (mean - center(*u)) * (n * weight(*u)).sqrt()).collect();
    let pure: f64 = problem.groups.iter().filter(|g| g.spot == Spot::Curve).map(|g| g.scatter * weight(g.unit)).sum();
    let pure_df: f64 = problem.groups.iter().filter(|g| g.spot == Spot::Curve).map(|g| g.scatter_df).sum();
    let contrasts = contrasts(problem, &groups);
    let df = groups.len() as f64 - used as f64 + pure_df - 1.0;
    if contrasts.is_empty() || df < 1.0 {
        return None;
    }
    let total = z.iter().map(|z| z * z).sum::<f64>();
    let found = strongest(&contrasts, &z, total + pure, df);
    let single = FisherSnedecor::new(1.0, df).ok()?.sf(found);
    let bound = (single * contrasts.len() as f64).min(1.0);
    if bound < 0.2 * FEW {
        return Some(bound);
    }
    let null = null(&groups, units, pure_df, &contrasts, df, designs);
    let above = null.len() - null.partition_point(|value| *value < found);
    let simulated = (above as f64 + 1.0) / (null.len() as f64 + 1.0);
    Some(if simulated < FEW { bound.min(FEW) } else { simulated })
}

/// The same for curves over time whose wells were read again and again: the wells' own trends against none, as many as
/// there are wells. `shares` are those of each well of the series. `None` where no two wells were read twice.
pub fn p_value_over_wells(series: &Series, shares: &[f64]) -> Option<f64> {
    let mut wells: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for (well, share) in series.wells.iter().zip(shares).filter(|(well, _)| well.x.is_finite()) {
        wells.entry(well.place).or_default().push((well.x, *share));
    }
    let slopes: Vec<f64> = wells.values().filter_map(|frames| slope(frames)).collect();
    let n = slopes.len() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = slopes.iter().sum::<f64>() / n;
    let variance = slopes.iter().map(|slope| (slope - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let ratio = mean * mean / (variance / n).max(1e-300);
    FisherSnedecor::new(1.0, n - 1.0).ok().map(|f| f.sf(ratio))
}

/// Of the line through some points; `None` where they are at one time.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let (along, squares) = points
        .iter()
        .fold((0.0, 0.0), |(along, squares), (x, y)| (along + (x - mean) * y, squares + (x - mean).powi(2)));
    (squares > 0.0).then_some(along / squares).filter(|slope| slope.is_finite())
}

fn strongest(contrasts: &[Vec<f64>], z: &[f64], total: f64, df: f64) -> f64 {
    let ratio = |contrast: &Vec<f64>| {
        let along = contrast.iter().zip(z).map(|(c, z)| c * z).sum::<f64>().powi(2);
        along / ((total - along).max(1e-300) / df)
    };
    contrasts.iter().map(ratio).fold(0.0, f64::max)
}

/// Unit vectors over groups, orthogonal to the scale of every unit.
fn contrasts(problem: &Problem, groups: &[(usize, f64, f64, f64)]) -> Vec<Vec<f64>> {
    let levels: Vec<f64> = problem.levels.iter().copied().filter(|x| x.is_finite()).collect();
    let mut out: Vec<Vec<f64>> = Vec::new();
    let mut places: Vec<f64> = levels.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
    let spacing =
        if levels.len() > 1 { (levels[levels.len() - 1] - levels[0]) / (levels.len() - 1) as f64 } else { 1.0 };
    places.extend(levels.first().map(|x| x - 0.5 * spacing));
    places.extend(levels.last().copied());
    let shapes: &[f64] = if problem.shape == Shape::Dose { &[1.0, 4.0] } else { &[1.0] };
    for &place in &places {
        for shape in shapes {
            let curve = |x: f64| match problem.shape {
                Shape::Dose => problem.shape.value(x, &[place, (shape * 1.4 / spacing).ln(), 0.0]).0,
                Shape::Lag => problem.shape.value(x, &[place, (1.0 / spacing).ln(), 0.0]).0,
            };
            let mut vector: Vec<f64> = groups.iter().map(|(_, x, n, _)| n.sqrt() * curve(*x)).collect();
            for unit in 0..problem.units.len() {
                let own = || groups.iter().enumerate().filter(move |(_, g)| g.0 == unit);
                let n: f64 = own().map(|(_, g)| g.2).sum();
                let along: f64 = own().map(|(i, g)| g.2.sqrt() * vector[i]).sum::<f64>() / n;
                let corrections: Vec<(usize, f64)> = own().map(|(i, g)| (i, g.2.sqrt() * along)).collect();
                corrections.into_iter().for_each(|(i, c)| vector[i] -= c);
            }
            let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
            let largest = groups.iter().map(|g| g.2).fold(0.0, f64::max).sqrt();
            if length > 1e-6 * largest {
                vector.iter_mut().for_each(|v| *v /= length);
                out.push(vector);
            }
        }
    }
    out
}

fn null(
    groups: &[(usize, f64, f64, f64)],
    units: usize,
    pure_df: f64,
    contrasts: &[Vec<f64>],
    df: f64,
    designs: &Designs,
) -> Arc<Vec<f64>> {
    let mut key: Vec<u64> = groups.iter().flat_map(|g| [g.0 as u64, g.1.to_bits(), g.2.to_bits()]).collect();
    key.push(pure_df.to_bits());
    if let Ok(known) = designs.0.lock()
        && let Some(found) = known.get(&key)
    {
        return found.clone();
    }
    let mut sample: Vec<f64> = (0..DRAWS as u64)
        .map(|draw| {
            let mut stream = Stream::new(SEED, draw);
            let mut z: Vec<f64> = groups.iter().map(|_| stream.normal()).collect();
            for unit in 0..units {
                let own = || groups.iter().enumerate().filter(move |(_, g)| g.0 == unit);
                let n: f64 = own().map(|(_, g)| g.2).sum();
                let along = own().map(|(i, g)| g.2.sqrt() * z[i]).sum::<f64>() / n;
                let corrections: Vec<(usize, f64)> = own().map(|(i, g)| (i, g.2.sqrt() * along)).collect();
                corrections.into_iter().for_each(|(i, c)| z[i] -= c);
            }
            let pure = chi_squared(&mut stream, pure_df);
            strongest(contrasts, &z, z.iter().map(|z| z * z).sum::<f64>() + pure, df)
        })
        .collect();
    sample.sort_by(f64::total_cmp);
    let sample = Arc::new(sample);
    if let Ok(mut known) = designs.0.lock() {
        known.insert(key, sample.clone());
    }
    sample
}

/// A draw of chi-squared: a sum where that is short, Wilson and Hilferty's cube where it is long and as good.
fn chi_squared(stream: &mut Stream, df: f64) -> f64 {
    if df <= 40.0 {
        return (0..df.round() as usize).map(|_| stream.normal().powi(2)).sum();
    }
    let part = 2.0 / (9.0 * df);
    df * (1.0 - part + stream.normal() * part.sqrt()).max(0.0).powi(3)
}
