//! A device with the CPU behind it: when the device fails, or cannot run a program, the run goes on.

use super::cpu::CpuEngine;
use super::{Batch, Engine, EngineError, Outcomes, Precision, Reduced, Reduction};
use crate::program::Program;
use std::sync::{Mutex, PoisonError};

/// Runs batches on `device` until it fails; then, and for what the device declines, on the CPU in the same precision.
pub struct Guarded {
    device: Box<dyn Engine + Send>,
    cpu: CpuEngine,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    fault: Option<String>,
    declined: Vec<String>,
}

impl Guarded {
    pub fn new(device: Box<dyn Engine + Send>) -> Self {
        let cpu = CpuEngine::new(device.precision());
        Guarded { device, cpu, notes: Mutex::default() }
    }

    /// What a report has to tell: why the CPU took over, if it did.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.device.name();
        let fault = notes.fault.iter().map(|why| format!("{name}: {why}; the CPU went on from there"));
        let declined = notes.declined.iter().map(|why| format!("{name} cannot run this ({why}); the CPU did"));
        fault.chain(declined).collect()
    }

    fn on_device<T>(&self, batch: &Batch, job: impl Fn(&dyn Engine) -> Result<T, EngineError>) -> Option<T> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.fault.is_some() {
            return None;
        }
        if let Some(why) = self.device.declines(batch.program, !batch.tangents.is_empty()) {
            if !notes.declined.contains(&why) {
                notes.declined.push(why);
            }
            return None;
        }
        match job(&*self.device) {
            Ok(outcomes) => Some(outcomes),
            Err(why) => {
                notes.fault = Some(why.to_string());
                None
            }
        }
    }
}

impl Engine for Guarded {
    fn name(&self) -> String {
        self.device.name()
    }

    fn detail(&self) -> String {
        self.device.detail()
    }

    fn precision(&self) -> Precision {
        self.device.precision()
    }

    fn arithmetic(&self) -> String {
        self.device.arithmetic()
    }

    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        self.cpu.declines(program, tangents)
    }

    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        match self.on_device(batch, |device| device.run(batch)) {
            Some(outcomes) => Ok(outcomes),
            None => self.cpu.run(batch),
        }
    }

    /// `None` when the device fails, too: the batch then goes the other way, to the CPU.
    fn reduce(&self, batch: &Batch, reduction: &Reduction) -> Result<Option<Reduced>, EngineError> {
        Ok(self.on_device(batch, |device| device.reduce(batch, reduction)).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Lane, Method, Protocol, Segment, Settings};
    use crate::expr::{Graph, Symbol};
    use crate::model::{Parameter, State, System};
    use crate::program::Lowering;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A device that is lost at its first batch.
    struct Lost(AtomicU32);

    impl Engine for Lost {
        fn name(&self) -> String {
            "a card".into()
        }
        fn detail(&self) -> String {
            String::new()
        }
        fn precision(&self) -> Precision {
            Precision::F64
        }
        fn declines(&self, _: &Program, tangents: bool) -> Option<String> {
            tangents.then(|| "sensitivities".into())
        }
        fn run(&self, _: &Batch) -> Result<Outcomes, EngineError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(EngineError::Device("lost".into()))
        }
        fn reduce(&self, _: &Batch, _: &Reduction) -> Result<Option<Reduced>, EngineError> {
            Err(EngineError::Device("lost while it reduced".into()))
        }
    }

    fn program() -> Program {
        let mut graph = Graph::new();
        let (y, k) = (graph.symbol(Symbol::State(0)), graph.symbol(Symbol::Parameter(0)));
        let (one, growth) = (graph.constant(1.0), graph.mul(k, y));
        let derivative = graph.neg(growth);
        let states = vec![State { name: "y".into(), initial: one, derivative, unit: String::new() }];
        let parameters = vec![Parameter { name: "k".into(), value: 1.0, unit: String::new() }];
        let system = System { graph, states, parameters, ..System::default() };
        Program::new(&system, &Lowering { inputs: vec![0], fixed: vec![], outputs: vec![y] })
    }

    /// `check` on one lane of `program`, differentiated by `tangents`.
    fn with_batch(tangents: &[u32], check: impl FnOnce(&Batch)) {
        let program = program();
        let settings =
            Settings { method: Method::Rodas5P, rtol: 1e-8, atol: vec![1e-12], max_steps: 1000, caution: 1.0 };
        let segments = vec![Segment { until: 1.0, ..Segment::default() }];
        let protocols = [Protocol { start: 0.0, segments, outputs: vec![1.0] }];
        check(&Batch {
            program: &program,
            lanes: &[Lane { row: 0, protocol: 0 }],
            rows: &[2.0],
            protocols: &protocols,
            tangents,
            settings: &settings,
        });
    }

    #[test]
    fn the_cpu_takes_over_and_says_why() {
        let engine = Guarded::new(Box::new(Lost(AtomicU32::new(0))));
        for tangents in [&[][..], &[0], &[]] {
            with_batch(tangents, |batch| {
                let outcomes = engine.run(batch).expect("the CPU runs");
                assert!((outcomes.outputs[0] - (-2.0_f64).exp()).abs() < 1e-8);
            });
        }
        assert_eq!(engine.notes(), ["a card: the device failed: lost; the CPU went on from there"]);
    }

    #[test]
    fn a_device_that_is_lost_while_it_reduces_reduces_no_more() {
        let engine = Guarded::new(Box::new(Lost(AtomicU32::new(0))));
        let reduction = Reduction { runs: 1, cells: 1, misfit: None };
        with_batch(&[], |batch| {
            assert_eq!(engine.reduce(batch, &reduction), Ok(None));
            assert!(engine.run(batch).is_ok());
        });
        assert_eq!(engine.notes(), ["a card: the device failed: lost while it reduced; the CPU went on from there"]);
    }
}
