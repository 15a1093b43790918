//! Which engine runs, in which precision, by which method and how exactly: the arguments several commands share.

use super::failure::Failure;
use clap::{Args, ValueEnum};
use fenton::engine::cpu::CpuEngine;
use fenton::engine::gpu::GpuEngine;
use fenton::engine::{Batch, Engine, EngineError, Guarded, Method, Outcomes, Precision, Reduced, Reduction};
use fenton::inference::Choice;
use fenton::program::Program;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What integrates: the CPU's lanes, a GPU, or whichever suits the size of the job
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    pub engine: EngineChoice,
    /// Number type: f64 everywhere on the CPU, on a GPU where the adapter has it
    #[arg(long, value_enum, default_value_t = PrecisionChoice::Auto)]
    pub precision: PrecisionChoice,
    /// Take the GPU adapter whose name contains NAME ('fenton devices' lists them)
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
}

/// How exactly a study is integrated while something is searched for or drawn.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Integration")]
pub struct IntegrationArgs {
    /// Integration method: rodas5p and rodas4p for stiff models, tsit5 for others [default: a race of both]
    #[arg(long, value_enum, value_name = "METHOD")]
    integrator: Option<MethodChoice>,
    /// Relative tolerance on the way [default: the study's, or 1e-5 in f64 and 1e-4 in f32]; what is reported is computed
    /// again at 1e-7
    #[arg(long, value_name = "X")]
    rtol: Option<f64>,
    /// Absolute tolerance as a part of each state's magnitude [default: as --rtol]
    #[arg(long, value_name = "X")]
    atol: Option<f64>,
}

impl IntegrationArgs {
    pub fn choice(&self) -> Result<Choice, Failure> {
        check_tolerances(self.rtol, self.atol)?;
        Ok(Choice { method: self.integrator.map(Into::into), rtol: self.rtol, atol: self.atol })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    Auto,
    Cpu,
    Gpu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionChoice {
    Auto,
    F32,
    F64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodChoice {
    #[value(name = "rodas4p")]
    Rodas4P,
    #[value(name = "rodas5p")]
    Rodas5P,
    #[value(name = "tsit5")]
    Tsit5,
}

impl From<MethodChoice> for Method {
    fn from(choice: MethodChoice) -> Self {
        match choice {
            MethodChoice::Rodas4P => Method::Rodas4P,
            MethodChoice::Rodas5P => Method::Rodas5P,
            MethodChoice::Tsit5 => Method::Tsit5,
        }
    }
}

impl EngineArgs {
    /// Refuses what makes no sense, before anything is read.
    pub fn check(&self) -> Result<(), Failure> {
        if self.engine == EngineChoice::Cpu && self.adapter.is_some() {
            return Err(Failure::Usage("--adapter names a GPU, but --engine is cpu".into()));
        }
        Ok(())
    }

    /// The engine for a job of `instances` trajectories of `program`.
    pub fn open(&self, program: &Program, instances: usize) -> Result<Chosen, Failure> {
        let cpu = || Chosen::Cpu(CpuEngine::new(self.precision_or(Precision::F64)));
        match self.engine {
            EngineChoice::Cpu => Ok(cpu()),
            EngineChoice::Auto if self.adapter.is_none() && instances < WORTH_A_GPU => Ok(cpu()),
            EngineChoice::Auto if self.adapter.is_none() => Ok(self.automatic_gpu(program).unwrap_or_else(cpu)),
            EngineChoice::Auto | EngineChoice::Gpu => {
                let engine = GpuEngine::open(self.adapter.as_deref(), self.precision_or(Precision::F32))
                    .map_err(|error| fenton::Error::Engine(error.to_string()))?;
                Ok(Chosen::Gpu(Guarded::new(Box::new(engine))))
            }
        }
    }

    /// A hardware adapter that can run the program in the precision wanted, if there is one. What needs single
    /// precision is never chosen unasked.
    fn automatic_gpu(&self, program: &Program) -> Option<Chosen> {
        let precision = self.precision_or(Precision::F64);
        let engine = GpuEngine::open(None, precision).ok()?;
        let suits = !engine.info().software && engine.declines(program, false).is_none();
        suits.then(|| Chosen::Gpu(Guarded::new(Box::new(engine))))
    }

    fn precision_or(&self, default: Precision) -> Precision {
        match self.precision {
            PrecisionChoice::Auto => default,
            PrecisionChoice::F32 => Precision::F32,
            PrecisionChoice::F64 => Precision::F64,
        }
    }
}

/// Refuses tolerances that are no tolerances.
pub fn check_tolerances(rtol: Option<f64>, atol: Option<f64>) -> Result<(), Failure> {
    for (name, value) in [("--rtol", rtol), ("--atol", atol)] {
        if let Some(value) = value
            && !(value.is_finite() && value > 0.0)
        {
            return Err(Failure::Usage(format!("{name} is {value}, it has to be a number above 0")));
        }
    }
    if rtol.is_some_and(|rtol| rtol >= 1.0) {
        return Err(Failure::Usage("--rtol is relative: it has to be below 1, such as 1e-6".into()));
    }
    Ok(())
}

/// From how many instances on a hardware GPU is looked for: starting one takes longer than this many on the CPU.
const WORTH_A_GPU: usize = 20_000;

/// The engine that was taken.
pub enum Chosen {
    Cpu(CpuEngine),
    /// With the CPU behind it.
    Gpu(Guarded),
}

impl Chosen {
    fn engine(&self) -> &dyn Engine {
        match self {
            Chosen::Cpu(engine) => engine,
            Chosen::Gpu(engine) => engine,
        }
    }

    pub fn is_gpu(&self) -> bool {
        matches!(self, Chosen::Gpu(_))
    }

    /// Why the CPU took over, if it did.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Chosen::Cpu(_) => Vec::new(),
            Chosen::Gpu(engine) => engine.notes(),
        }
    }
}

impl Engine for Chosen {
    fn name(&self) -> String {
        self.engine().name()
    }

    fn detail(&self) -> String {
        self.engine().detail()
    }

    fn precision(&self) -> Precision {
        self.engine().precision()
    }

    fn arithmetic(&self) -> String {
        self.engine().arithmetic()
    }

    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        self.engine().declines(program, tangents)
    }

    fn reduce(&self, batch: &Batch, reduction: &Reduction) -> Result<Option<Reduced>, EngineError> {
        self.engine().reduce(batch, reduction)
    }

    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        self.engine().run(batch)
    }
}

pub fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::F64 => "f64",
    }
}

/// For messages: "cpu (AVX-512, f64)".
pub fn describe(engine: &dyn Engine) -> String {
    format!("{} ({}, {})", engine.name(), engine.detail(), precision_name(engine.precision()))
}
