//! All tapes of a program: the step over a wide group, and the rest over one native vector of lanes at a time.

use super::emit::{Emitter, Environment};
use super::execute::Executable;
use super::real::Real;
use super::step::{self, Tangents};
use super::tape::Slot;
use crate::engine::Settings;
use crate::engine::method::Continuous;
use crate::expr::{Graph, Id, Symbol};
use crate::model::Event;
use crate::program::Program;

/// Where the values of one lane lie in the storage of the small tapes.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub states: usize,
    pub inputs: usize,
    pub switches: usize,
    pub tangents: usize,
}

impl Frame {
    pub const TIME: usize = 0;

    pub fn state(&self, at: usize) -> usize {
        1 + at
    }

    pub fn input(&self, at: usize) -> usize {
        1 + self.states + at
    }

    pub fn switch(&self, at: usize) -> usize {
        1 + self.states + self.inputs + at
    }

    pub fn tangent(&self, at: usize) -> usize {
        1 + self.states + self.inputs + self.switches + at
    }

    pub fn len(&self) -> usize {
        self.tangent(self.tangents)
    }

    fn environment(&self) -> Environment {
        let slot = |at: usize| at as Slot;
        let states = (0..self.states).map(|i| (Symbol::State(i as u32), slot(self.state(i))));
        let inputs = (0..self.inputs).map(|i| (Symbol::Parameter(i as u32), slot(self.input(i))));
        let switches = (0..self.switches).map(|i| (Symbol::Switch(i as u32), slot(self.switch(i))));
        Environment::new(states.chain(inputs).chain(switches).chain([(Symbol::Time, 0)]))
    }
}

#[derive(Debug)]
pub struct Compiled<R> {
    pub frame: Frame,
    pub tangents: Tangents,
    pub step: Executable<R>,
    /// How states run inside a step, where readings are wanted there.
    pub continuous: Option<Continuous>,
    /// The states that are read inside a step, then their tangents, by their places among all of both. The stages of these
    /// are the last outputs of the step.
    pub read: Vec<usize>,
    /// How many of `read` are states.
    pub read_states: usize,
    /// How many static values follow the states and tangents in the step's inputs.
    pub statics: usize,
    /// Initial states, then initial tangents.
    pub initial: Executable<R>,
    /// Statics, the mean squares of scaled states and derivatives, the times of the timed switches, then 0, or not a
    /// number where a derivative is not one.
    pub enter: Executable<R>,
    /// Outputs, then tangents as `[output][direction]`.
    pub output: Executable<R>,
    /// The indicators of all switches.
    pub switches: Executable<R>,
    /// The formulas of each event in turn.
    pub events: Executable<R>,
    /// Indices of the switches whose time is known beforehand.
    pub timed: Vec<usize>,
}

impl<R: Real> Compiled<R> {
    pub fn new(
        program: &Program,
        settings: &Settings,
        inputs: &[u32],
        settles: bool,
        reads: bool,
        native: bool,
    ) -> Self {
        let mut read = if reads { program.read() } else { Vec::new() };
        let step = step::build(program, settings, inputs, settles, &read);
        let read_states = read.len();
        let tangents = step.tangents.components.iter().enumerate();
        let tangents = tangents.filter(|(_, component)| read.contains(&(component.1 as usize)));
        let tangents: Vec<usize> = tangents.map(|(at, _)| program.states.len() + at).collect();
        read.extend(tangents);
        let frame = Frame {
            states: program.states.len(),
            inputs: program.inputs.len(),
            switches: program.switches.len(),
            tangents: step.tangents.components.len(),
        };
        let timed: Vec<usize> = (0..program.switches.len()).filter(|&i| program.switches[i].time.is_some()).collect();
        let times: Vec<Id> = program.switches.iter().filter_map(|s| s.time).collect();

        let mut graph = program.graph.clone();
        let mut initial = program.initial.clone();
        for &(direction, state) in &step.tangents.components {
            let input = Symbol::Parameter(step.tangents.inputs[direction as usize]);
            initial.push(graph.derivative(program.initial[state as usize], input));
        }
        let initial = plain(&frame, graph, &initial);
        let events: Vec<Id> = program.events.iter().flat_map(Event::formulas).collect();
        let indicators: Vec<Id> = program.switches.iter().map(|s| s.indicator).collect();
        Compiled {
            frame,
            statics: step.statics.len(),
            initial,
            enter: enter(&frame, program, settings, &step, &times),
            output: output(&frame, program, &step.tangents),
            switches: plain(&frame, program.graph.clone(), &indicators),
            events: plain(&frame, program.graph.clone(), &events),
            timed,
            continuous: reads.then(|| settings.method.continuous()),
            read,
            read_states,
            step: if native { Executable::native(step.tape) } else { Executable::new(step.tape) },
            tangents: step.tangents,
        }
    }
}

/// A tape that computes `roots` from a frame.
fn plain<R: Real>(frame: &Frame, graph: Graph, roots: &[Id]) -> Executable<R> {
    let mut emitter = Emitter::new(graph, roots, frame.len(), false);
    let mut env = frame.environment();
    let mut outputs = Vec::new();
    for &root in roots {
        let slot = emitter.value(&mut env, root);
        outputs.push(emitter.output(slot, &outputs));
    }
    Executable::new(emitter.finish(frame.len(), outputs).0)
}

fn enter<R: Real>(
    frame: &Frame,
    program: &Program,
    settings: &Settings,
    step: &step::Step,
    times: &[Id],
) -> Executable<R> {
    let roots: Vec<Id> = step.statics.iter().chain(&program.derivative).chain(times).copied().collect();
    let mut emitter = Emitter::new(step.graph.clone(), &roots, frame.len(), false);
    let mut env = frame.environment();
    let mut outputs = Vec::new();
    for &id in &step.statics {
        let slot = emitter.value(&mut env, id);
        outputs.push(emitter.output(slot, &outputs));
    }
    for which in 0..2 {
        let mut squares = super::emit::Sum::default();
        for (i, &f) in program.derivative.iter().enumerate() {
            let state = frame.state(i) as Slot;
            let value = if which == 0 { state } else { emitter.value(&mut env, f) };
            let scaled = emitter.scaled_error(value, state, state, settings.rtol, settings.atol[i]);
            squares.add_product(1.0, scaled, scaled);
        }
        let total = emitter.sum(squares);
        let mut mean = super::emit::Sum::default();
        mean.add(1.0 / program.states.len().max(1) as f64, total);
        let mean = emitter.sum(mean);
        outputs.push(emitter.output(mean, &outputs));
    }
    for &time in times {
        let slot = emitter.value(&mut env, time);
        outputs.push(emitter.output(slot, &outputs));
    }
    let mut flaws = super::emit::Sum::default();
    for &f in &program.derivative {
        let slot = emitter.value(&mut env, f);
        let flaw = emitter.subtract(slot, slot);
        flaws.add(1.0, flaw);
    }
    let flaw = emitter.sum(flaws);
    outputs.push(emitter.output(flaw, &outputs));
    Executable::new(emitter.finish(frame.len(), outputs).0)
}

fn output<R: Real>(frame: &Frame, program: &Program, tangents: &Tangents) -> Executable<R> {
    let mut graph = program.graph.clone();
    let directions = tangents.inputs.len();
    let along: Vec<Vec<Id>> = (0..directions)
        .map(|d| program.outputs.iter().map(|&id| tangents.along(&mut graph, id, d)).collect())
        .collect();
    let roots: Vec<Id> = program.outputs.iter().chain(along.iter().flatten()).copied().collect();
    let mut emitter = Emitter::new(graph, &roots, frame.len(), false);
    let mut env = frame.environment();
    let mut outputs = Vec::new();
    for &id in &program.outputs {
        let slot = emitter.value(&mut env, id);
        outputs.push(emitter.output(slot, &outputs));
    }
    let mut environments: Vec<Environment> = (0..directions)
        .map(|d| {
            let components = tangents.components.iter().enumerate().filter(|(_, c)| c.0 as usize == d);
            env.with(components.map(|(at, c)| (Symbol::Tangent(c.1), frame.tangent(at) as Slot)))
        })
        .collect();
    for at in 0..program.outputs.len() {
        for d in 0..directions {
            let slot = emitter.value(&mut environments[d], along[d][at]);
            outputs.push(emitter.output(slot, &outputs));
        }
    }
    Executable::new(emitter.finish(frame.len(), outputs).0)
}
