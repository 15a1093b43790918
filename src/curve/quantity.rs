//! What a curve shows and what is read off it.

use super::problem::Link;
use super::shape::Shape;
use super::target::Target;
use crate::plate::Assay;

/// What the share of a dose curve is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Living cells over those of the vehicle at the same time.
    RelativeViability,
    /// Living cells over living and dead ones.
    FractionalViability,
    /// One less the share of dead cells by a dead dye and lysed wells, relative to the vehicle.
    DeadShare,
    /// Normalised growth rate.
    GrowthRate,
}

impl Reading {
    pub fn of(assay: Assay) -> Reading {
        match assay {
            Assay::Atp | Assay::Resazurin | Assay::LiveCount => Reading::RelativeViability,
            Assay::DeadDye => Reading::DeadShare,
            Assay::LiveDead | Assay::DeathTime => Reading::FractionalViability,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Reading::RelativeViability => "relative viability",
            Reading::FractionalViability => "fractional viability",
            Reading::DeadShare => "fractional viability by dead dye",
            Reading::GrowthRate => "growth rate (GR)",
        }
    }

    /// What stands on the axis of a curve.
    pub fn axis(self) -> &'static str {
        match self {
            Reading::RelativeViability => "relative viability",
            Reading::FractionalViability => "fractional viability (vehicle = 1)",
            Reading::DeadShare => "live share by dead dye (vehicle = 1)",
            Reading::GrowthRate => "growth rate inhibition (GR)",
        }
    }

    pub fn link(self) -> Link {
        match self {
            Reading::RelativeViability => Link::Signal,
            Reading::FractionalViability => Link::Share,
            Reading::DeadShare => Link::Dead,
            Reading::GrowthRate => Link::Growth,
        }
    }
}

/// A number that is read off a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Half way between the plateaus.
    RelativeEc50,
    /// Where the share is a half.
    AbsoluteEc50,
    /// The lowest dose whose extra effect over the vehicle is the one asked for.
    BenchmarkDose,
    Hill,
    /// The lower plateau.
    Floor,
    /// Mean share over the tested doses on a logarithmic scale.
    Area,
    /// When death sets in.
    Onset,
    /// Of the exponential fall after the onset.
    Rate,
    /// Fastest loss: the rate times what is lost in the end.
    Fastest,
}

impl Quantity {
    const OF_DOSE: [Quantity; 6] = [
        Quantity::RelativeEc50,
        Quantity::AbsoluteEc50,
        Quantity::BenchmarkDose,
        Quantity::Hill,
        Quantity::Floor,
        Quantity::Area,
    ];
    const OF_TIME: [Quantity; 4] = [Quantity::Onset, Quantity::Rate, Quantity::Floor, Quantity::Fastest];

    /// Those of a curve over dose, or over time.
    pub fn of(shape: Shape) -> &'static [Quantity] {
        match shape {
            Shape::Dose => &Self::OF_DOSE,
            Shape::Lag => &Self::OF_TIME,
        }
    }

    /// Whether its estimate is the logarithm of what is reported.
    pub fn is_log(self) -> bool {
        !matches!(self, Quantity::Floor | Quantity::Area | Quantity::Onset)
    }

    pub fn is_dose(self) -> bool {
        matches!(self, Quantity::RelativeEc50 | Quantity::AbsoluteEc50 | Quantity::BenchmarkDose)
    }

    /// What is held to profile it; `effect` is that of the benchmark dose, `range` the logarithms of the tested doses.
    pub fn target(self, effect: f64, range: (f64, f64)) -> Target {
        match self {
            Quantity::RelativeEc50 | Quantity::Onset => Target::Parameter(0),
            // GR is 1 for the vehicle and 0 where growth has stopped; GR50 is where it is a half.
            Quantity::AbsoluteEc50 => Target::DoseAt(0.5),
            Quantity::BenchmarkDose => Target::DoseAt(1.0 - effect),
            Quantity::Hill | Quantity::Rate => Target::Parameter(1),
            Quantity::Floor => Target::Parameter(2),
            Quantity::Area => Target::Area(range.0, range.1),
            Quantity::Fastest => Target::FastestLoss,
        }
    }
}
