//! Joins the hand-written shader files with what was generated for a program.
//!
//! The files may use four lines that are not WGSL:
//!
//! ```text
//! #import name      the file of that name, once
//! #each COUNT       the lines up to #end, for $s = 0, 1, ... below the number COUNT, or each place of the list COUNT; $q is
//!                   a quarter of it, rounded down, and $c the component x, y, z or w that is left
//! #end
//! #if FLAG          the lines up to #endif, if FLAG holds
//! #endif
//! ```
//!
//! `#each` unrolls by text because an array that is indexed by a variable cannot live in registers.

use crate::engine::{Method, Precision};
use crate::program::Program;
use crate::program::wgsl::{self, Printed, Width};
use std::fmt::Write;

const FILES: [(&str, &str); 19] = [
    ("lanes", include_str!("../../../shaders/lanes.wgsl")),
    ("compact", include_str!("../../../shaders/compact.wgsl")),
    ("reduce", include_str!("../../../shaders/reduce.wgsl")),
    ("rodas4p", include_str!("../../../shaders/rodas4p.wgsl")),
    ("rodas5p", include_str!("../../../shaders/rodas5p.wgsl")),
    ("tsit5", include_str!("../../../shaders/tsit5.wgsl")),
    ("shared/bindings", include_str!("../../../shaders/shared/bindings.wgsl")),
    ("shared/clock32", include_str!("../../../shaders/shared/clock32.wgsl")),
    ("shared/clock64", include_str!("../../../shaders/shared/clock64.wgsl")),
    ("shared/control", include_str!("../../../shaders/shared/control.wgsl")),
    ("shared/layout", include_str!("../../../shaders/shared/layout.wgsl")),
    ("shared/logarithm32", include_str!("../../../shaders/shared/logarithm32.wgsl")),
    ("shared/logic", include_str!("../../../shaders/shared/logic.wgsl")),
    ("shared/math32", include_str!("../../../shaders/shared/math32.wgsl")),
    ("shared/math64", include_str!("../../../shaders/shared/math64.wgsl")),
    ("shared/readings", include_str!("../../../shaders/shared/readings.wgsl")),
    ("shared/rosenbrock", include_str!("../../../shaders/shared/rosenbrock.wgsl")),
    ("shared/sound", include_str!("../../../shaders/shared/sound.wgsl")),
    ("shared/status", include_str!("../../../shaders/shared/status.wgsl")),
];

/// The kernels that integrate `program`, as one WGSL module with the entry points `prepare` and `advance`.
///
/// `Err` says why the program has none.
pub fn integration(program: &Program, method: Method, precision: Precision) -> Result<String, String> {
    if let Some(reason) = wgsl::declines(program) {
        return Err(reason);
    }
    let Printed { text, timed, .. } = wgsl::print(program, width(precision));
    let (method, explicit) = match method {
        Method::Rodas4P => ("rodas4p", false),
        Method::Rodas5P => ("rodas5p", false),
        Method::Tsit5 => ("tsit5", true),
    };
    let mut joiner = Joiner::new(precision);
    joiner.rename("model", Source::Text(&text));
    joiner.rename("method", Source::File(method));
    joiner.count("STATES", program.states.len().max(1));
    joiner.count("INPUTS", program.inputs.len().max(1));
    joiner.count("STATE_QUADS", program.states.len().div_ceil(4).max(1));
    joiner.count("INPUT_QUADS", program.inputs.len().div_ceil(4).max(1));
    joiner.count("OUTPUTS", program.outputs.len().max(1));
    joiner.list("READ", program.read());
    joiner.flag("TIMED", timed && !explicit);
    Ok(joiner.join("lanes"))
}

/// The kernel `compact`.
pub fn compaction() -> String {
    Joiner::new(Precision::F32).join("compact")
}

/// The kernels `average` and `score`.
pub fn reduction(precision: Precision) -> String {
    Joiner::new(precision).join("reduce")
}

/// A module of the functions of `shared/math` and `shared/logarithm`, for `text` that uses them.
pub fn with_math(text: &str, precision: Precision) -> String {
    let text = format!("#import shared/math\n#import shared/logarithm\n{text}");
    let mut joiner = Joiner::new(precision);
    joiner.rename("text", Source::Text(&text));
    joiner.join("text")
}

pub fn width(precision: Precision) -> Width {
    match precision {
        Precision::F32 => Width::F32,
        Precision::F64 => Width::F64,
    }
}

#[derive(Clone, Copy)]
enum Source<'a> {
    File(&'static str),
    Text(&'a str),
}

struct Joiner<'a> {
    names: Vec<(&'static str, Source<'a>)>,
    counts: Vec<(&'static str, Vec<usize>)>,
    flags: Vec<(&'static str, bool)>,
    imported: Vec<String>,
    text: String,
}

impl<'a> Joiner<'a> {
    fn new(precision: Precision) -> Self {
        let (real, clock, math, logarithm) = match precision {
            Precision::F32 => ("f32", "shared/clock32", "shared/math32", "shared/logarithm32"),
            Precision::F64 => ("f64", "shared/clock64", "shared/math64", "shared/math64"),
        };
        let names = [("shared/clock", clock), ("shared/math", math), ("shared/logarithm", logarithm)];
        Joiner {
            names: names.map(|(name, file)| (name, Source::File(file))).to_vec(),
            counts: Vec::new(),
            flags: Vec::new(),
            imported: Vec::new(),
            text: format!("alias real = {real};\n"),
        }
    }

    fn rename(&mut self, name: &'static str, source: Source<'a>) {
        self.names.push((name, source));
    }

    fn count(&mut self, name: &'static str, count: usize) {
        self.list(name, (0..count).collect());
    }

    fn list(&mut self, name: &'static str, places: Vec<usize>) {
        let _ = writeln!(self.text, "const {name}: u32 = {}u;", places.len());
        self.counts.push((name, places));
    }

    fn flag(&mut self, name: &'static str, holds: bool) {
        self.flags.push((name, holds));
    }

    fn join(mut self, name: &str) -> String {
        self.import(name);
        self.text
    }

    fn import(&mut self, name: &str) {
        if self.imported.iter().any(|known| known == name) {
            return;
        }
        self.imported.push(name.to_string());
        let renamed = self.names.iter().find(|(known, _)| *known == name).map(|&(_, source)| source);
        let text = match renamed {
            Some(Source::Text(text)) => text,
            Some(Source::File(file)) => return self.import(file),
            None => FILES.iter().find(|(known, _)| *known == name).expect("an import names a file").1,
        };
        let mut keep = true;
        let mut repeated: Option<(Vec<usize>, Vec<&str>)> = None;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("#endif"), _) => keep = true,
                (Some("#if"), Some(flag)) => {
                    keep = self.flags.iter().find(|(known, _)| *known == flag).expect("a flag that is known").1;
                }
                _ if !keep => {}
                (Some("#import"), Some(name)) => self.import(name),
                (Some("#each"), Some(count)) => {
                    let count = self.counts.iter().find(|(known, _)| *known == count).expect("a count that is known");
                    repeated = Some((count.1.clone(), Vec::new()));
                }
                (Some("#end"), _) => {
                    let (places, lines) = repeated.take().expect("#end behind #each");
                    for s in places {
                        for line in &lines {
                            let line = line.replace("$s", &s.to_string()).replace("$q", &(s / 4).to_string());
                            self.line(&line.replace("$c", ["x", "y", "z", "w"][s % 4]));
                        }
                    }
                }
                _ => match &mut repeated {
                    Some((_, lines)) => lines.push(line),
                    None => self.line(line),
                },
            }
        }
    }

    /// Comments stay in the files.
    fn line(&mut self, line: &str) {
        let code = line.split("//").next().unwrap_or_default().trim();
        if !code.is_empty() {
            self.text.push_str(code);
            self.text.push('\n');
        }
    }
}
