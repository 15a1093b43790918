//! The walls of the box about a path: on which of them the optimum leans, and which end a path that would have gone on.
//!
//! Two designs were weighed for a bound on which the optimum stands with weight. One leaves the ends of all others that are
//! tied to it open: the wider box that they are measured against then has another optimum, and a bound that says something
//! true (a fraction is at most 1) takes the intervals from every other parameter. The other takes such a bound as a part of
//! the model, as the optimum does; the ends are those within the box, and whoever reads them is told which bound they rest
//! on. The second holds the truth as often as it says where the bound is true. A bound that the optimum does not press
//! against, or that a path meets only on its way, is no part of the model: an end that it makes is none.

use super::conditional::{Model, Wall};
use serde::{Deserialize, Serialize};

/// The bounds of others decide where they are worth more than this part of the rise.
const DECIDES: f64 = 0.5;
/// The optimum leans on a wall beyond which it could gain more than this part of the limit.
const LEANS: f64 = 0.05;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Walls {
    parameter: usize,
    /// The walls on which the optimum leans, with what it could gain if this one were away too.
    leant: Vec<(Wall, f64)>,
    /// What the optimum could gain beyond the others.
    gain: f64,
}

impl Walls {
    /// Those about the optimum `at`, where the model is `model`, for the path of `parameter` to `limit`.
    pub fn about(at: &[f64], model: &Model, parameter: usize, limit: f64) -> Self {
        let within = model.gain(at, parameter);
        let leans = |wall: &Wall| model.gain_beyond(at, parameter, &|other| other == *wall) - within > LEANS * limit;
        let leant: Vec<Wall> = Wall::at(at, parameter).into_iter().filter(leans).collect();
        let gain = model.gain_beyond(at, parameter, &|wall| !leant.contains(&wall));
        let without = |own: Wall| model.gain_beyond(at, parameter, &|wall| wall == own || !leant.contains(&wall));
        let leant = leant.iter().map(|&wall| (wall, without(wall))).collect();
        Walls { parameter, leant, gain }
    }

    fn holds(&self, wall: Wall) -> bool {
        self.leant.iter().any(|(leant, _)| *leant == wall)
    }

    /// Whether the objective is `rise` above the optimum at `here` because others have met walls on the way: in a wider box
    /// they would gain much of it, beyond what they would have gained at the optimum already.
    pub fn decide(&self, here: &[f64], model: &Model, rise: f64) -> bool {
        let met = Wall::at(here, self.parameter).into_iter().any(|wall| !self.holds(wall));
        let beyond = || model.gain_beyond(here, self.parameter, &|wall| !self.holds(wall));
        met && beyond() - self.gain > DECIDES * rise
    }

    /// The parameters at walls on which the optimum leans and without which the objective would not be `rise` above it here.
    pub fn leant_on(&self, here: &[f64], model: &Model, rise: f64) -> Vec<usize> {
        let matters = |(own, gain): &&(Wall, f64)| {
            let beyond = model.gain_beyond(here, self.parameter, &|wall| wall == *own || !self.holds(wall));
            (beyond - gain).abs() > DECIDES * rise
        };
        self.leant.iter().filter(matters).map(|(wall, _)| wall.dimension).collect()
    }
}
