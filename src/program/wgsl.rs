//! A program printed as WGSL: the functions that the hand-written kernels in `shaders/` leave open.
//!
//! Straight-line code becomes `let`s, one operation each. A compiler's front end takes time quadratic in the length
//! of a function, so long code is cut into functions that hand values on through a private array.

use super::{Block, Op, Program, Value, lu};
use crate::expr::{Binary, Function, Id, Relation, Symbol};
use std::fmt::Write;

/// The number type of the device code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    F32,
    F64,
}

/// What the kernels need to know of a model besides its functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed {
    /// The functions `initial`, `derivative`, `time_derivative`, `factor`, `solve`, `observe`, `to_next_switch` and
    /// `truths`, with the private arrays `lu`, `ft` and `carry` they need.
    pub text: String,
    /// Whether the right-hand side changes with time other than at switches.
    pub timed: bool,
    /// Operations printed.
    pub operations: usize,
}

/// Statements in one function.
const LONGEST: usize = 200;
/// Operations beyond which a driver's compiler would take minutes.
const MOST_OPERATIONS: usize = 40_000;
/// Bits of the word that holds the switches.
const MOST_SWITCHES: usize = 32;

/// Why `program` cannot be printed, if it cannot.
pub fn declines(program: &Program) -> Option<String> {
    if let Some(event) = program.events.first() {
        return Some(format!("event '{}' changes states when its trigger turns", event.name));
    }
    if let Some(switch) = program.switches.iter().find(|switch| switch.time.is_none()) {
        return Some(format!("the time at which '{}' turns depends on the state", switch.text));
    }
    if program.switches.len() > MOST_SWITCHES {
        return Some(format!("{} conditions, at most {MOST_SWITCHES} are possible", program.switches.len()));
    }
    let names = program.states.iter().map(String::as_str);
    let formulas = names.clone().zip(&program.derivative).chain(names.zip(&program.initial));
    for (name, &id) in formulas {
        let infinite = |id: &Id| program.graph.as_constant(*id).is_some_and(|value| !value.is_finite());
        if program.graph.reachable([id]).iter().any(infinite) {
            return Some(format!("the formula of '{name}' has an infinite or undefined number in it"));
        }
    }
    let operations = program.derivative.len() * 7 + program.graph.len() + program.lu.factor.len();
    (operations > MOST_OPERATIONS).then(|| format!("it has about {operations} operations, too many for one kernel"))
}

/// Prints `program`, which must not be one that [`declines`] speaks against.
pub fn print(program: &Program, width: Width) -> Printed {
    let graph = &program.graph;
    let timed = program.time_derivative.iter().any(|&id| graph.as_constant(id) != Some(0.0));
    let mut printer = Printer { width, text: String::new(), carried: 0, operations: 0 };

    let block = |roots: &[Id]| Block::new(graph, roots);
    let each = |name: &str, count: usize| (0..count).map(|i| format!("{name}[{i}]")).collect::<Vec<_>>();
    let n = program.states.len();
    printer.function("initial", "t: real", &Listing::of(&block(&program.initial), "y", width).into_all(each("y", n)));
    printer.function(
        "derivative",
        "t: real",
        &Listing::of(&block(&program.derivative), "z", width).into_all(each("dz", n)),
    );
    if timed {
        printer.text.push_str("var<private> ft: array<real, STATES>;\n");
        let listing = Listing::of(&block(&program.time_derivative), "y", width).into_all(each("ft", n));
        printer.function("time_derivative", "t: real", &listing);
    }
    let _ = writeln!(printer.text, "var<private> lu: array<real, {}>;", program.lu.places.len().max(1));
    printer.function("factor", "t: real, diagonal: real", &factor(program, width));
    printer.function("solve", "", &solve(&program.lu));
    printer.function(
        "observe",
        "t: real",
        &Listing::of(&block(&program.outputs), "seen", width).into_all(each("g", program.outputs.len())),
    );
    switches(program, &mut printer);
    if printer.carried > 0 {
        let _ = writeln!(printer.text, "var<private> carry: array<real, {}>;", printer.carried);
    }
    Printed { text: printer.text, timed, operations: printer.operations }
}

/// Where the next stretch ends, and the truths of all conditions at a time.
fn switches(program: &Program, printer: &mut Printer) {
    if program.switches.is_empty() {
        printer.text.push_str("fn to_next_switch(start: real, span: real) -> real { return span; }\n");
        printer.text.push_str("fn truths(t: real) -> u32 { return 0u; }\n");
        return;
    }
    let count = program.switches.len();
    let times: Vec<Id> = program.switches.iter().filter_map(|switch| switch.time).collect();
    let indicators: Vec<Id> = program.switches.iter().map(|switch| switch.indicator).collect();
    let targets: Vec<String> = (0..count).map(|i| format!("turns[{i}]")).collect();
    let _ = writeln!(printer.text, "var<private> turns: array<real, {count}>;");
    let listing = Listing::of(&Block::new(&program.graph, &times), "y", printer.width).into_all(targets.clone());
    printer.function("read_turns", "", &listing);
    let listing = Listing::of(&Block::new(&program.graph, &indicators), "y", printer.width).into_all(targets);
    printer.function("read_indicators", "t: real", &listing);

    // The stretch before may have ended a rounding error away from the turn.
    let near = match printer.width {
        Width::F32 => "5e-7",
        Width::F64 => "1e-15",
    };
    let text = &mut printer.text;
    text.push_str("fn to_next_switch(start: real, span: real) -> real {\n  read_turns();\n  var length = span;\n");
    let _ = writeln!(text, "  let near = {near} * abs(start);");
    for i in 0..count {
        let _ = writeln!(text, "  if (turns[{i}] - start > near) {{ length = min(length, turns[{i}] - start); }}");
    }
    text.push_str("  return length;\n}\nfn truths(t: real) -> u32 {\n  read_indicators(t);\n  var bits = 0u;\n");
    for (i, switch) in program.switches.iter().enumerate() {
        let relation = if switch.inclusive { ">=" } else { ">" };
        let _ = writeln!(text, "  if (turns[{i}] {relation} 0.0) {{ bits |= {}u; }}", 1u32 << i);
    }
    text.push_str("  return bits;\n}\n");
}

/// The factors of `diagonal I - J`.
fn factor(program: &Program, width: Width) -> Listing {
    let entries: Vec<Id> = program.jacobian.iter().map(|&(_, _, id)| id).collect();
    let block = Block::new(&program.graph, &entries);
    let mut listing = Listing::of(&block, "y", width);
    let plan = &program.lu;
    let mut places: Vec<Option<Value>> = vec![None; plan.places.len()];
    for (&(row, column, _), &value) in program.jacobian.iter().zip(&block.outputs) {
        let Some(place) = plan.place(row, column) else { continue };
        let text = if row == column { "diagonal - #" } else { "-#" };
        places[place as usize] = Some(listing.push(text, &[value]));
    }
    for (place, &(row, column)) in plan.places.iter().enumerate() {
        if row == column && places[place].is_none() {
            places[place] = Some(listing.push("diagonal", &[]));
        }
    }
    for &step in &plan.factor {
        match step {
            lu::Step::Invert { place } => {
                let pivot = places[place as usize].expect("a pivot is an entry");
                places[place as usize] = Some(listing.push("pivot(#)", &[pivot]));
            }
            lu::Step::Scale { place, pivot } => {
                let values = [place, pivot].map(|at| places[at as usize].expect("an entry or fill by now"));
                places[place as usize] = Some(listing.push("# * #", &values));
            }
            lu::Step::Update { place, left, right } => {
                let [left, right] = [left, right].map(|at| places[at as usize].expect("an entry or fill by now"));
                places[place as usize] = Some(match places[place as usize] {
                    Some(old) => listing.push("fma(-#, #, #)", &[left, right, old]),
                    None => listing.push("-(# * #)", &[left, right]),
                });
            }
        }
    }
    listing.targets = places
        .iter()
        .enumerate()
        .map(|(place, value)| (format!("lu[{place}]"), value.expect("an entry or fill by now")))
        .collect();
    listing
}

/// `x` becomes the solution with `x` on the right-hand side.
fn solve(plan: &lu::Plan) -> Listing {
    let mut listing = Listing::default();
    let mut x: Vec<Value> = (0..plan.size).map(|i| listing.push(&format!("x[{i}]"), &[])).collect();
    let places: Vec<Value> = (0..plan.places.len()).map(|i| listing.leaf(format!("lu[{i}]"))).collect();
    let update = |listing: &mut Listing, x: &mut [Value], update: &lu::Update| {
        let operands = [places[update.place as usize], x[update.column as usize], x[update.row as usize]];
        x[update.row as usize] = listing.push("fma(-#, #, #)", &operands);
    };
    for step in &plan.forward {
        update(&mut listing, &mut x, step);
    }
    for row in &plan.backward {
        for step in &row.updates {
            update(&mut listing, &mut x, step);
        }
        x[row.row as usize] = listing.push("# * #", &[x[row.row as usize], places[row.pivot as usize]]);
    }
    listing.targets = x.iter().enumerate().map(|(i, &value)| (format!("x[{i}]"), value)).collect();
    listing
}

/// Statements, each of which gives the value of its number, and where values go in the end.
#[derive(Default)]
struct Listing {
    statements: Vec<Statement>,
    targets: Vec<(String, Value)>,
}

enum Statement {
    /// Written where it is used.
    Inline(String),
    /// Read where it is first used in a function.
    Leaf(String),
    /// The text with each `#` replaced by an operand.
    Compute(String, Vec<Value>),
}

impl Listing {
    fn push(&mut self, text: &str, operands: &[Value]) -> Value {
        self.statements.push(Statement::Compute(text.to_string(), operands.to_vec()));
        self.statements.len() as Value - 1
    }

    fn leaf(&mut self, text: String) -> Value {
        self.statements.push(Statement::Leaf(text));
        self.statements.len() as Value - 1
    }

    /// The operations of `block`, with the states in the array `states`.
    fn of(block: &Block, states: &str, width: Width) -> Listing {
        let mut listing = Listing::default();
        for &op in &block.ops {
            let operands: Vec<Value> = Block::operands(op).collect();
            let text = match op {
                Op::Constant(value) => {
                    listing.statements.push(Statement::Inline(literal(value, width)));
                    continue;
                }
                Op::Symbol(Symbol::Time) => {
                    listing.statements.push(Statement::Inline("t".to_string()));
                    continue;
                }
                Op::Symbol(symbol) => {
                    listing.leaf(match symbol {
                        Symbol::State(i) => format!("{states}[{i}]"),
                        Symbol::Parameter(i) => format!("p[{i}]"),
                        Symbol::Switch(i) => format!("real((switches >> {i}u) & 1u)"),
                        _ => unreachable!("a program has no other symbols"),
                    });
                    continue;
                }
                Op::Add(..) => "# + #",
                Op::Sub(..) => "# - #",
                Op::Mul(..) => "# * #",
                Op::Div(..) => "# / #",
                Op::MulAdd(..) => "fma(#, #, #)",
                Op::NegMulAdd(..) => "fma(-#, #, #)",
                Op::Neg(_) => "-#",
                Op::Call(function, _) => call(function),
                Op::Binary(binary, ..) => match binary {
                    Binary::Power => "power(#, #)",
                    Binary::Min => "min(#, #)",
                    Binary::Max => "max(#, #)",
                    Binary::And => "real_and(#, #)",
                    Binary::Or => "real_or(#, #)",
                    Binary::Xor => "real_xor(#, #)",
                },
                Op::Compare(relation, ..) => match relation {
                    Relation::Less => "truth(# < #)",
                    Relation::LessEqual => "truth(# <= #)",
                    Relation::Equal => "truth(# == #)",
                    Relation::NotEqual => "truth(# != #)",
                },
                Op::Select(condition, then, otherwise) => {
                    listing.push("select(#, #, # != 0.0)", &[otherwise, then, condition]);
                    continue;
                }
            };
            listing.push(text, &operands);
        }
        listing.targets = block.outputs.iter().map(|&value| (String::new(), value)).collect();
        listing
    }

    /// The outputs of the block go to `targets`.
    fn into_all(mut self, targets: Vec<String>) -> Listing {
        self.targets = targets.into_iter().zip(self.targets).map(|(target, (_, value))| (target, value)).collect();
        self
    }
}

fn call(function: Function) -> &'static str {
    match function {
        Function::Exp => "real_exp(#)",
        Function::Ln => "real_ln(#)",
        Function::Sqrt => "sqrt(#)",
        Function::Abs => "abs(#)",
        Function::Sign => "sign(#)",
        Function::Floor => "floor(#)",
        Function::Ceil => "ceil(#)",
        Function::Sin => "real_sin(#)",
        Function::Cos => "real_cos(#)",
        Function::Tan => "real_tan(#)",
        Function::Asin => "real_asin(#)",
        Function::Acos => "real_acos(#)",
        Function::Atan => "real_atan(#)",
        Function::Sinh => "real_sinh(#)",
        Function::Cosh => "real_cosh(#)",
        Function::Tanh => "real_tanh(#)",
        Function::Asinh => "real_asinh(#)",
        Function::Acosh => "real_acosh(#)",
        Function::Atanh => "real_atanh(#)",
        Function::Not => "real_not(#)",
        Function::Finite => "real_finite(#)",
    }
}

/// A literal of the width. In f32 what is too large becomes the largest number and what is too small 0.
fn literal(value: f64, width: Width) -> String {
    match width {
        Width::F64 => format!("{value:?}lf"),
        Width::F32 => {
            let value = value.clamp(f32::MIN.into(), f32::MAX.into()) as f32;
            if value.abs() < f32::MIN_POSITIVE { "0.0f".to_string() } else { format!("{value:?}f") }
        }
    }
}

struct Printer {
    width: Width,
    text: String,
    /// Places of `carry` in use.
    carried: usize,
    operations: usize,
}

impl Printer {
    /// Prints `listing` as the function `name`, in parts if it is long.
    fn function(&mut self, name: &str, parameters: &str, listing: &Listing) {
        let computed = |at: usize| matches!(listing.statements[at], Statement::Compute(..));
        let mut parts: Vec<Vec<usize>> = vec![Vec::new()];
        for at in (0..listing.statements.len()).filter(|&at| computed(at)) {
            if parts.last().is_some_and(|part| part.len() >= LONGEST) {
                parts.push(Vec::new());
            }
            parts.last_mut().expect("at least one").push(at);
        }
        let mut part_of = vec![usize::MAX; listing.statements.len()];
        for (number, part) in parts.iter().enumerate() {
            part.iter().for_each(|&at| part_of[at] = number);
        }
        // Values that a later part uses, with their place in `carry`.
        let mut carry: Vec<Option<usize>> = vec![None; listing.statements.len()];
        let mut carried = 0;
        for (number, part) in parts.iter().enumerate() {
            for &at in part {
                let Statement::Compute(_, operands) = &listing.statements[at] else { continue };
                for &operand in operands {
                    let operand = operand as usize;
                    if computed(operand) && part_of[operand] != number && carry[operand].is_none() {
                        carry[operand] = Some(carried);
                        carried += 1;
                    }
                }
            }
        }
        self.carried = self.carried.max(carried);
        self.operations += parts.iter().map(Vec::len).sum::<usize>();

        let arguments: Vec<&str> = parameters.split(", ").filter_map(|p| p.split(':').next()).collect();
        let arguments = arguments.join(", ");
        for (number, part) in parts.iter().enumerate() {
            let suffix = if parts.len() == 1 { String::new() } else { format!("_part{number}") };
            let _ = writeln!(self.text, "fn {name}{suffix}({parameters}) {{");
            self.part(listing, part, number, &part_of, &carry);
            self.text.push_str("}\n");
        }
        if parts.len() > 1 {
            let _ = writeln!(self.text, "fn {name}({parameters}) {{");
            for number in 0..parts.len() {
                let _ = writeln!(self.text, "  {name}_part{number}({arguments});");
            }
            self.text.push_str("}\n");
        }
    }

    fn part(&mut self, listing: &Listing, part: &[usize], number: usize, part_of: &[usize], carry: &[Option<usize>]) {
        let mut read = vec![false; listing.statements.len()];
        for &at in part {
            let Statement::Compute(text, operands) = &listing.statements[at] else { continue };
            operands.iter().for_each(|&operand| self.read(listing, operand, number, part_of, carry, &mut read));
            let mut pieces = text.split('#');
            let _ = write!(self.text, "  let v{at} = {}", pieces.next().unwrap_or_default());
            for (piece, &operand) in pieces.zip(operands) {
                match &listing.statements[operand as usize] {
                    // A negative literal behind a minus sign would read as a decrement.
                    Statement::Inline(text) if text.starts_with('-') => {
                        let _ = write!(self.text, "({text}){piece}");
                    }
                    Statement::Inline(text) => {
                        let _ = write!(self.text, "{text}{piece}");
                    }
                    _ => {
                        let _ = write!(self.text, "v{operand}{piece}");
                    }
                }
            }
            self.text.push_str(";\n");
            if let Some(place) = carry[at] {
                let _ = writeln!(self.text, "  carry[{place}] = v{at};");
            }
        }
        // What is not computed goes out with the first part.
        for (target, value) in &listing.targets {
            let at = *value as usize;
            if !(part_of[at] == number || (part_of[at] == usize::MAX && number == 0)) {
                continue;
            }
            self.read(listing, *value, number, part_of, carry, &mut read);
            let _ = match &listing.statements[at] {
                Statement::Inline(text) => writeln!(self.text, "  {target} = {text};"),
                _ => writeln!(self.text, "  {target} = v{at};"),
            };
        }
    }

    /// Makes `value` known in the function being printed, if it comes from outside of it.
    fn read(
        &mut self,
        listing: &Listing,
        value: Value,
        number: usize,
        part_of: &[usize],
        carry: &[Option<usize>],
        read: &mut [bool],
    ) {
        let at = value as usize;
        if std::mem::replace(&mut read[at], true) {
            return;
        }
        let _ = match (&listing.statements[at], carry[at]) {
            (Statement::Leaf(text), _) => writeln!(self.text, "  let v{at} = {text};"),
            (Statement::Compute(..), Some(place)) if part_of[at] != number => {
                writeln!(self.text, "  let v{at} = carry[{place}];")
            }
            _ => Ok(()),
        };
    }
}
