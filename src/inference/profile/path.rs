//! One profile in one direction: the parameter goes outwards step by step, the others follow.
//!
//! A step is predicted along the tangent of the path, by the quadratic model at the last point, to where the objective is
//! expected to have risen by a given amount; its root rises nearly straight. The others are then brought to their best by
//! damped Gauss-Newton steps, taken only downhill (D. W. Marquardt, SIAM Journal 11, 1963). A step after which the objective
//! stands far higher than intended is taken again shorter. Where the model promises for ever what no step keeps (behind a
//! threshold between life and death the objective has cliffs and stairs) other places are tried, and if none is better the
//! point is marked as one that was not optimised.
//!
//! Where the end alone is wanted the same path is taken in a few strides, and places on the way need only be good enough to go
//! on from.

use super::bend::Bend;
use super::conditional::Model;
use super::walls::Walls;
use crate::inference::boxed::Boxed;
use crate::random::Stream;
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

/// A point is optimised when the others could gain no more than this, by the model.
const TIGHT: f64 = 1e-3;
/// Where the end alone is wanted, a place is left when the model promises less than this part of what is missing to the limit.
const LEAVING: f64 = 0.1;
/// What the model may still promise where no step keeps any of it.
const SLACK: f64 = 0.02;
/// Marquardt's damping to begin with.
const MILD: f64 = 1e-3;
/// Steps of the others that together gain nothing worth naming, after which other places are tried.
const IDLE: u32 = 6;
/// Steps of the others for one point.
const STEPS: u32 = 60;
/// Rounds in which other places are tried for one point, and places tried along the valley and anywhere.
const ROUNDS: u32 = 4;
const PLACES: [usize; 2] = [24, 8];
/// How far away places along the valley are, in standard errors, in turn.
const AWAY: [f64; 4] = [0.03, 0.1, 0.3, 1.0];
/// No step moves another parameter further, in parts of the box.
const FURTHEST: f64 = 0.2;
/// A step that would have to be shorter than this ends the path.
const SHORTEST: f64 = 1e-7;
/// How often one step is shortened.
const SHORTENED: u32 = 12;
/// A rise of this part of the limit is next to none.
const RISE: f64 = 0.05;
/// The path goes on to so many times the limit.
const BEYOND: f64 = 1.25;
/// The limit is passed well enough where a point is this near to it, as a part of it, or where the points on both sides
/// are so near to one another, as a part of the way from the optimum.
const CLOSE: f64 = 0.02;
const BETWEEN: f64 = 0.005;
/// An end may lie so far beyond the last two places, in parts of the way between them, where the last is near enough to it.
const FURTHER: f64 = 1.5;
/// A path ends before a place that cannot be integrated when it is as near to it, as a part of the way from the optimum.
const BRINK: f64 = 1e-3;
/// A move after which the objective is so many limits above the last point is not worth optimising.
const HOPELESS: f64 = 4.0;
/// Points of one path.
const POINTS: usize = 200;
/// Streams from here on belong to the places tried, one for each path.
const STREAMS: u64 = 5 << 48;

/// What a path is followed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// Its course: in steps that show its shape, to beyond the limit.
    Course,
    /// Its end alone: in strides, no further than the limit.
    End,
}

impl Aim {
    /// A step rises by this part of the limit, and by this part of the rise so far.
    fn rise(self) -> [f64; 2] {
        match self {
            Aim::Course => [RISE, 0.2],
            Aim::End => [0.35, 1.0],
        }
    }

    /// No step of the parameter is longer, in parts of the box.
    fn longest(self) -> f64 {
        match self {
            Aim::Course => 0.05,
            Aim::End => 0.2,
        }
    }
}

/// A point of a path, on the unit box.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    pub at: Vec<f64>,
    pub value: f64,
    /// The others are at their best, as far as can be told.
    pub settled: bool,
    /// The objective is as high as it is because others have met their bounds on the way.
    held: bool,
    /// Parameters at bounds on which the optimum leans, without which the objective would not be as high.
    leans: Vec<usize>,
    /// The others would go on to where nothing can be integrated.
    brink: bool,
}

/// How a path ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathEnd {
    /// The objective rose above the limit.
    Crossed,
    /// It did, but only because other parameters met their bounds: along a ridge they would have followed further.
    Held,
    /// At the parameter's bound, below the limit.
    Bound,
    /// Before places that cannot be integrated, below the limit; or above it because the others could not follow there.
    Failed,
    /// It could not be followed further, below the limit: the steps became too short.
    Lost,
    /// The work was stopped first.
    Stopped,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Path {
    pub parameter: usize,
    aim: Aim,
    sign: f64,
    /// How far above the optimum the interval ends.
    limit: f64,
    least: f64,
    /// From the optimum outwards.
    pub places: Vec<Place>,
    pub end: Option<PathEnd>,
    /// The model at the last of the places.
    base: Model,
    walls: Walls,
    bend: Bend,
    /// A place that is too high above the last one, so that the way to it is taken in smaller steps.
    above: Option<Place>,
    /// The nearest place ahead that could not be integrated.
    failed: Option<Vec<f64>>,
    /// Where the others would have gone last and could not, because it cannot be integrated.
    blocked: Option<Vec<f64>>,
    /// Where the others are being optimised, and the model there.
    here: Vec<f64>,
    model: Model,
    task: Task,
    trial: Vec<f64>,
    distance: f64,
    /// Of the last step that was accepted.
    last_distance: f64,
    shortened: u32,
    damping: f64,
    idle: u32,
    steps: u32,
    rounds: u32,
    stream: Stream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Task {
    /// The trial moves the parameter.
    Move,
    /// The trial is a step of the others.
    Settle,
    /// Other places for the others are to be tried.
    Search,
}

impl Path {
    /// From the optimum `at`, where the model is `model`, towards the upper bound or the lower one.
    pub fn new(
        parameter: usize,
        upwards: bool,
        limit: f64,
        (at, model, bend): (&[f64], &Model, &Bend),
        aim: Aim,
        seed: u64,
    ) -> Self {
        let mut path = Path {
            parameter,
            aim,
            sign: if upwards { 1.0 } else { -1.0 },
            limit,
            least: model.value,
            places: vec![Place {
                at: at.to_vec(),
                value: model.value,
                settled: true,
                held: false,
                leans: Vec::new(),
                brink: false,
            }],
            end: None,
            base: model.clone(),
            walls: Walls::about(at, model, parameter, limit),
            bend: bend.clone(),
            failed: None,
            blocked: None,
            above: None,
            here: at.to_vec(),
            model: model.clone(),
            task: Task::Move,
            trial: at.to_vec(),
            distance: 0.0,
            last_distance: aim.longest(),
            shortened: 0,
            damping: MILD,
            idle: 0,
            steps: 0,
            rounds: 0,
            stream: Stream::new(seed, STREAMS + 2 * parameter as u64 + u64::from(upwards)),
        };
        path.next_move();
        path
    }

    /// The point at which an expansion is wanted next.
    pub fn wanted(&self) -> Option<&[f64]> {
        (self.end.is_none() && self.task != Task::Search).then_some(&self.trial)
    }

    /// Places at which values are wanted: the parameter where it is, the others elsewhere.
    pub fn places_to_try(&mut self) -> Vec<Vec<f64>> {
        if self.end.is_some() || self.task != Task::Search {
            return Vec::new();
        }
        let mut drawn: Vec<Vec<f64>> = Vec::new();
        for number in 0..PLACES[0] {
            let change = self.model.draw(self.parameter, || AWAY[number % AWAY.len()] * self.stream.normal());
            drawn.push(self.here.iter().zip(&change).map(|(x, by)| (x + by).clamp(0.0, 1.0)).collect());
        }
        for _ in 0..PLACES[1] {
            let mut place: Vec<f64> = self.here.iter().map(|_| self.stream.uniform()).collect();
            place[self.parameter] = self.here[self.parameter];
            drawn.push(place);
        }
        // Where the path came from is a place too.
        let before = &self.places[self.places.len() - 1].at;
        let with_own = |at: &Vec<f64>| {
            let mut at = at.clone();
            at[self.parameter] = self.here[self.parameter];
            at
        };
        [before, &self.places[0].at].into_iter().map(with_own).chain(drawn).collect()
    }

    /// The values at the places tried.
    pub fn choose(&mut self, tried: Vec<Vec<f64>>, values: &[f64]) {
        let best = tried.into_iter().zip(values).min_by(|a, b| a.1.total_cmp(b.1));
        self.rounds += 1;
        match best.filter(|(_, value)| **value < self.model.value - TIGHT) {
            Some((at, _)) => {
                self.trial = at;
                (self.task, self.damping, self.idle, self.steps) = (Task::Settle, MILD, 0, 0);
            }
            None => self.accept(false),
        }
    }

    /// How far above the optimum the interval ends.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// The objective at the optimum.
    pub fn least(&self) -> f64 {
        self.least
    }

    pub fn is_upwards(&self) -> bool {
        self.sign > 0.0
    }

    /// The end of the interval, on the estimation scale, if the path has found one.
    pub fn end_of_interval(&self, boxed: &Boxed) -> Option<f64> {
        let crossing = self.crossing().filter(|unit| self.end == Some(PathEnd::Crossed) && (0.0..1.0).contains(unit));
        crossing.map(|unit| boxed.scaled(self.parameter, unit))
    }

    /// The same, or the bound where the path does not cross its limit, or does for the bounds of others alone. `None` where the
    /// path has come to no end.
    pub fn reached(&self, boxed: &Boxed) -> Option<f64> {
        match self.end? {
            PathEnd::Crossed | PathEnd::Bound | PathEnd::Held => {
                let bounds = if self.sign > 0.0 { &boxed.upper } else { &boxed.lower };
                Some(self.end_of_interval(boxed).unwrap_or(bounds[self.parameter]))
            }
            PathEnd::Failed | PathEnd::Lost | PathEnd::Stopped => None,
        }
    }

    /// Parameters at bounds on which the optimum leans and without which the path would have another end.
    pub fn leans(&self) -> &[usize] {
        self.bracket().map_or(&[], |(_, above)| &above.leans)
    }

    /// The place that could not be integrated and ended the path.
    pub fn failed(&self) -> Option<&[f64]> {
        let place = self.failed.as_ref().or(self.blocked.as_ref());
        place.map(Vec::as_slice).filter(|_| self.end == Some(PathEnd::Failed))
    }

    /// The lowest value met since the optimum, and where.
    pub fn lowest(&self) -> (&[f64], f64) {
        let places = self.places.iter().map(|place| (&place.at[..], place.value));
        let here = std::iter::once((&self.here[..], self.model.value));
        let start = (&self.places[0].at[..], self.places[0].value);
        places.chain(here).fold(start, |least, next| if next.1 < least.1 { next } else { least })
    }

    /// Where the path crosses its limit, as a coordinate of the unit box: along the root of the rise, between two places or a
    /// little beyond them.
    pub fn crossing(&self) -> Option<f64> {
        let (below, above) = self.bracket()?;
        let root = |place: &Place| (2.0 * (place.value - self.least).max(0.0)).sqrt();
        let share = ((2.0 * self.limit).sqrt() - root(below)) / (root(above) - root(below));
        let [from, to] = [below, above].map(|place| place.at[self.parameter]);
        Some(from + share.clamp(0.0, FURTHER) * (to - from))
    }

    /// Whether the places on both sides of the crossing were optimised.
    pub fn crossing_is_settled(&self) -> bool {
        self.bracket().is_none_or(|(below, above)| below.settled && above.settled)
    }

    /// The last place below the limit and the first above it, or near enough below where the end alone is wanted.
    fn bracket(&self) -> Option<(&Place, &Place)> {
        let enough = match self.aim {
            Aim::Course => self.limit,
            Aim::End => (1.0 - CLOSE) * self.limit,
        };
        let above = self.places.iter().position(|place| place.value - self.least >= enough)?;
        (above > 0).then(|| (&self.places[above - 1], &self.places[above]))
    }

    /// Takes in the model at the trial, `None` where it is not finite, and either has arrived or tries on.
    pub fn advance(&mut self, model: Option<Model>) {
        let model = model.map(|model| self.learned(model));
        match self.task {
            Task::Move => {
                let most = self.base.value.max(self.least + self.limit) + HOPELESS * self.limit;
                match model {
                    None => {
                        self.failed = Some(self.trial.clone());
                        if self.distance.abs() <= self.brink() { self.finish() } else { self.shorten(0.4) }
                    }
                    Some(model) if model.value <= most || self.shortened >= SHORTENED => {
                        self.here.clone_from(&self.trial);
                        (self.model, self.blocked) = (model, None);
                        (self.damping, self.idle, self.steps, self.rounds) = (MILD, 0, 0, 0);
                        self.settle_or_accept();
                    }
                    _ => self.shorten(0.4),
                }
            }
            Task::Settle => {
                self.steps += 1;
                let gained = model.as_ref().map_or(f64::NEG_INFINITY, |model| self.model.value - model.value);
                if model.is_none() {
                    self.blocked = Some(self.trial.clone());
                } else if gained > 0.0 {
                    self.blocked = None;
                }
                self.idle = if gained > 0.1 * TIGHT { 0 } else { self.idle + 1 };
                match model.filter(|_| gained > 0.0) {
                    Some(model) => {
                        let promised = self.model.gain(&self.here, self.parameter);
                        self.damping *= if gained > 0.5 * promised { 0.2 } else { 2.0 };
                        self.here.clone_from(&self.trial);
                        self.model = model;
                    }
                    None => self.damping *= 8.0,
                }
                self.settle_or_accept();
            }
            Task::Search => {}
        }
    }

    /// The model at the trial with what the step to it teaches of curvature.
    fn learned(&mut self, model: Model) -> Model {
        let (from, at) = match self.task {
            Task::Move => (&self.base, &self.places[self.places.len() - 1].at),
            _ => (&self.model, &self.here),
        };
        let between = |to: &[f64], from: &[f64]| DVector::from_fn(to.len(), |i, _| to[i] - from[i]);
        // A place that was drawn is too far away to say how the objective bends between.
        let drawn = self.task == Task::Settle && self.steps == 0 && self.rounds > 0;
        if drawn {
            return model.bent(&self.bend);
        }
        self.bend.learn(&between(&self.trial, at), &between(&model.gradient, &from.gradient), &model);
        model.bent(&self.bend)
    }

    fn settle_or_accept(&mut self) {
        let gain = self.model.gain(&self.here, self.parameter);
        let missing = self.limit - (self.model.value - self.least);
        if self.aim == Aim::End && gain <= LEAVING * missing {
            return self.accept(true);
        }
        let worn = self.idle >= IDLE || self.steps >= STEPS;
        if gain <= TIGHT || worn && gain <= SLACK {
            return self.accept(true);
        }
        if worn {
            if self.rounds < ROUNDS {
                self.task = Task::Search;
            } else {
                self.accept(false);
            }
            return;
        }
        let step = self.model.step(&self.here, self.parameter, 0.0, self.damping);
        let to = |i: usize| (self.here[i] + step[i].clamp(-FURTHEST, FURTHEST)).clamp(0.0, 1.0);
        self.trial = (0..self.here.len()).map(to).collect();
        self.task = Task::Settle;
    }

    /// The others are as good as they will be: the next move, a shorter one, or the end.
    fn accept(&mut self, settled: bool) {
        let risen = self.model.value - self.least;
        let place = Place {
            at: self.here.clone(),
            value: self.model.value,
            settled,
            held: self.walls.decide(&self.here, &self.model, risen),
            leans: self.walls.leant_on(&self.here, &self.model, risen),
            brink: !settled && self.blocked.is_some(),
        };
        let (from, to) = (self.base.value - self.least, risen);
        let origin = self.places[0].at[self.parameter];
        let own = self.here[self.parameter];
        let base = self.places[self.places.len() - 1].at[self.parameter];
        let narrow = (own - base).abs() <= BETWEEN * (base - origin).abs() || self.shortened >= SHORTENED;
        let goal = self.goal(from);
        let crossed = from < self.limit && to >= self.limit;
        let close = [from, to].iter().any(|rise| (rise - self.limit).abs() <= CLOSE * self.limit);
        // Higher than was meant by as much again and more, or above the limit without a place near it.
        let high = self.aim == Aim::Course && to > goal + (goal - from) + RISE * self.limit && from < self.limit;
        if !narrow && (high || crossed && !close) {
            let share = ((2.0 * goal).sqrt() - root(from)) / (root(to) - root(from));
            self.above = Some(place);
            return self.shorten(share.clamp(0.1, 0.9));
        }
        // Between two places with a valley between them the lowest may be another optimum.
        let [down, up] = [&self.base, &self.model].map(|model| self.sign * model.gradient[self.parameter]);
        if down < 0.0 && up > 0.0 && self.places.len() > 1 && self.shortened == 0 {
            return self.shorten((down / (down - up)).clamp(0.1, 0.9));
        }
        // So may the one behind a wall that a stride has stepped over.
        if self.aim == Aim::End && to < from - RISE * self.limit && up > 0.0 && self.shortened == 0 {
            return self.shorten(0.5);
        }
        (self.last_distance, self.shortened) = (self.distance.abs(), 0);
        self.base = self.model.clone();
        self.places.push(place);
        let enough = match self.aim {
            Aim::Course => 1.1 * self.limit,
            Aim::End => (1.0 - CLOSE) * self.limit,
        };
        // What was too far from the last place may be a good place beyond this one.
        if let Some(above) = self.above.take_if(|above| self.sign * (above.at[self.parameter] - own) > 0.0)
            && above.value - self.least >= BEYOND * self.limit
            && (above.value - self.least) <= 2.0 * self.limit
            && to >= (1.0 - CLOSE) * self.limit
        {
            self.places.push(above);
            return self.finish();
        }
        if to >= enough { self.finish() } else { self.next_move() }
    }

    /// How far the next place is to rise above the optimum.
    fn goal(&self, rise: f64) -> f64 {
        let [step, growing] = self.aim.rise();
        let next = rise.max(0.0) * (1.0 + growing) + step * self.limit;
        if rise >= (1.0 - CLOSE) * self.limit {
            BEYOND * self.limit
        } else if next > (1.0 - RISE) * self.limit {
            self.limit
        } else {
            next
        }
    }

    fn next_move(&mut self) {
        let base = &self.places[self.places.len() - 1].at;
        let (own, rise) = (base[self.parameter], self.base.value - self.least);
        let wall = if self.sign > 0.0 { 1.0 } else { 0.0 };
        if own == wall || self.places.len() >= POINTS {
            return self.finish();
        }
        let near = rise <= RISE * self.limit;
        let growth = self.base.growth(base, self.parameter, self.sign, rise.max(0.0), near);
        let longest = self.aim.longest().min(3.0 * self.last_distance);
        let wanted = match growth > 0.0 {
            true => (root(self.goal(rise)) - root(rise)) / growth,
            // Down into another valley, at whose bottom a stride may not go by.
            false if self.aim == Aim::End && !near => self.last_distance,
            false => longest,
        };

        let mut distance = wanted.clamp(1e-3 * longest, longest);
        if let Some(failed) = &self.failed {
            let gap = self.sign * (failed[self.parameter] - own);
            if gap <= 0.0 {
                self.failed = None;
            } else if gap <= self.brink() {
                return self.finish();
            } else {
                distance = distance.min(0.5 * gap);
            }
        }
        if let Some(above) = &self.above {
            distance = distance.min(0.6 * (above.at[self.parameter] - own).abs());
        }
        self.try_move(distance);
    }

    /// The same move again, shorter.
    fn shorten(&mut self, share: f64) {
        self.shortened += 1;
        if share * self.distance.abs() < SHORTEST {
            return self.finish();
        }
        self.try_move(share * self.distance.abs());
    }

    fn try_move(&mut self, distance: f64) {
        let base = &self.places[self.places.len() - 1].at;
        let own = base[self.parameter];
        let mut to = (own + self.sign * distance).clamp(0.0, 1.0);
        let mut step = self.base.step(base, self.parameter, to - own, 0.0);
        let others = |step: &DVector<f64>| {
            let moves = step.iter().enumerate().filter(|(i, _)| *i != self.parameter);
            moves.fold(0.0_f64, |most, (_, by)| most.max(by.abs()))
        };
        let most = others(&step);
        if most > FURTHEST {
            to = own + (to - own) * FURTHEST / most;
            step = self.base.step(base, self.parameter, to - own, 0.0);
        }
        let place = |i: usize| match i == self.parameter {
            true => to,
            false => (base[i] + step[i].clamp(-FURTHEST, FURTHEST)).clamp(0.0, 1.0),
        };
        self.trial = (0..base.len()).map(place).collect();
        self.distance = to - own;
        self.task = Task::Move;
    }

    /// A place that fails is the end of the path when it is this near.
    fn brink(&self) -> f64 {
        let way = self.places[self.places.len() - 1].at[self.parameter] - self.places[0].at[self.parameter];
        SHORTEST.max(BRINK * way.abs())
    }

    fn finish(&mut self) {
        let last = self.places[self.places.len() - 1].at[self.parameter];
        let wall = if self.sign > 0.0 { 1.0 } else { 0.0 };
        self.end = Some(match self.bracket() {
            Some((below, above)) if below.brink || above.brink => PathEnd::Failed,
            Some((_, above)) if above.held => PathEnd::Held,
            Some(_) => PathEnd::Crossed,
            None if last == wall => PathEnd::Bound,
            None if self.failed.is_some() => PathEnd::Failed,
            None => PathEnd::Lost,
        });
    }
}

/// The root of twice a rise: standard errors, where the objective is a parabola.
fn root(rise: f64) -> f64 {
    (2.0 * rise.max(0.0)).sqrt()
}
