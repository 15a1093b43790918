//! Pairs of doses with one viability, beside the straight line between the drugs alone that Loewe additivity expects.

use crate::report::synergy::Isobole;
use crate::synergy::Analysis;

/// Of half the vehicle's viability, or higher where the weaker drug does not get there; `None` where a drug is inactive or
/// has no curve.
pub fn isobole(analysis: &Analysis) -> Option<Isobole> {
    if analysis.plan.active != [true; 2] {
        return None;
    }
    let matrix = &analysis.matrix;
    let curves = [analysis.alone[0].curve?, analysis.alone[1].curve?];
    let weaker = analysis.alone.iter().filter_map(|alone| alone.effect).fold(1.0, f64::min);
    let viability = (1.0 - 0.8 * weaker).max(0.5);
    let ends = [curves[0].dose(viability)?, curves[1].dose(viability)?];
    let mut points: Vec<(f64, f64)> = Vec::new();
    for drug in [0, 1] {
        let doses = matrix.doses[drug].last().copied().unwrap_or(0.0);
        for (at, line) in analysis.lines.of[drug].iter().enumerate() {
            let beside = matrix.doses[1 - drug][at];
            let Some(own) = line.filter(|line| line.top > viability).and_then(|line| line.dose(viability)) else {
                continue;
            };
            if beside > 0.0 && own <= doses {
                points.push(if drug == 0 { (own, beside) } else { (beside, own) });
            }
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Some(Isobole { viability, line: vec![(ends[0], 0.0), (0.0, ends[1])], points })
}
