//! What names mean: values of quantities and rates of reactions, in either mode.

use super::{Flattener, Form, LONGEST_CHAIN, Meaning, Mode, Task};
use crate::Diagnostic;
use crate::expr::{Graph, Id, Relation, Symbol};
use crate::model::lower::{Lowered, Scope, constant, is_function, lower};
use crate::model::math::{Expr, Kind, Source, closest};
use crate::model::network::{Function, Role, Rule};
use std::ops::Range;

/// Whether `name` cannot be given to anything.
pub fn is_reserved(name: &str) -> bool {
    constant(name).is_some() || name == "time"
}

impl Flattener<'_> {
    /// Runs `work` as `task`, unless that was done before or is under way.
    pub(super) fn task(&mut self, task: Task, work: impl FnOnce(&mut Self) -> Lowered) -> Lowered {
        if let Some(&id) = self.done.get(&task) {
            return Ok(id);
        }
        if self.under_way.contains(&task) || self.under_way.len() >= LONGEST_CHAIN {
            return Err(self.cycle(task));
        }
        self.under_way.push(task);
        let mode = self.mode;
        let result = work(self);
        self.mode = mode;
        self.under_way.pop();
        if let Ok(id) = result {
            self.done.insert(task, id);
        }
        result
    }

    fn task_name(&self, task: Task) -> (&str, &Range<usize>) {
        match task {
            Task::Value(at, _) => (&self.network.quantities[at].name, &self.network.quantities[at].span),
            Task::Rate(at, _) => (&self.network.reactions[at].name, &self.network.reactions[at].span),
            Task::Derivative(state) => {
                let quantity = &self.network.quantities[self.states[state]];
                (&quantity.name, &quantity.span)
            }
        }
    }

    fn cycle(&self, task: Task) -> Diagnostic {
        let Some(from) = self.under_way.iter().position(|&t| t == task) else {
            let message = format!("more than {LONGEST_CHAIN} names depend on each other in a row");
            return self.error(self.task_name(task).1, message);
        };
        // From the task that stands first in the file, so that one cycle gives one error wherever it is entered.
        let mut round = self.under_way[from..].to_vec();
        let first = (0..round.len()).min_by_key(|&at| self.task_name(round[at]).1.start).unwrap_or_default();
        round.rotate_left(first);
        round.push(round[0]);
        let names: Vec<&str> = round.iter().map(|&task| self.task_name(task).0).collect();
        let message = format!("'{}' depends on itself: {}", names[0], names.join(" -> "));
        let span = match round[0] {
            Task::Value(at, _) => match (&self.network.quantities[at].rule, &self.network.quantities[at].initial) {
                (Rule::Assignment(formula) | Rule::Rate(formula) | Rule::Algebraic(formula), _)
                | (_, Some(formula)) => formula.span.clone(),
                _ => self.task_name(round[0]).1.clone(),
            },
            task => self.task_name(task).1.clone(),
        };
        self.error(&span, message).hint("one of these needs a formula that does not lead back to it")
    }

    /// The value of quantity `at` as its name means it in formulas.
    pub(super) fn value(&mut self, at: usize, mode: Mode) -> Lowered {
        if self.unknowns.contains(&(at, mode)) {
            return Ok(self.graph.symbol(unknown(at, mode)));
        }
        self.task(Task::Value(at, mode), |f| {
            f.mode = mode;
            let quantity = &f.network.quantities[at];
            match (f.meanings[at], mode) {
                (Meaning::Parameter(index), _) => Ok(f.graph.symbol(Symbol::Parameter(index))),
                (Meaning::State(index, form), Mode::Run) => {
                    let state = f.graph.symbol(Symbol::State(index));
                    if form == Form::Value {
                        return Ok(state);
                    }
                    let volume = f.volume(at, mode)?;
                    Ok(f.graph.div(state, volume))
                }
                (Meaning::Derived, Mode::Run) => f.value(at, Mode::Start),
                (Meaning::Assigned, _) => match &quantity.rule {
                    Rule::Assignment(formula) => lower(f, formula),
                    Rule::Algebraic(formula) => f.solved(at, formula),
                    _ => unreachable!("an assigned quantity has an assignment rule"),
                },
                (Meaning::State(..) | Meaning::Derived, Mode::Start) => match (&quantity.initial, &quantity.role) {
                    (Some(formula), _) => lower(f, formula),
                    (None, Role::Species(_)) => Ok(f.graph.constant(0.0)),
                    (None, Role::Compartment) => Ok(f.graph.constant(1.0)),
                    (None, Role::Parameter) => {
                        let error = f.error(&quantity.span, format!("'{}' has no value", quantity.name));
                        Err(error.hint(format!("give it one: {} = 1", quantity.name)))
                    }
                },
            }
        })
    }

    /// What quantity `at` has to be for `formula` to be 0.
    fn solved(&mut self, at: usize, formula: &Expr) -> Lowered {
        if self.unknowns.len() >= MOST_UNKNOWNS {
            let message =
                format!("more than {MOST_UNKNOWNS} algebraic rules that depend on each other are not supported");
            return Err(self.error(&formula.span, message));
        }
        self.nested += usize::from(!self.unknowns.is_empty());
        if self.nested > MOST_NESTED {
            let message = "algebraic rules that depend on each other in too many ways are not supported";
            return Err(self
                .error(&formula.span, message)
                .hint("solve some of them and write those as 'x := formula'"));
        }
        let mode = self.mode;
        let known = self.done.clone();
        let conditions = self.conditions.count();
        self.unknowns.push((at, mode));
        let zero = lower(self, formula);
        self.unknowns.pop();
        // What was computed on the way may hold the unknown.
        self.done = known;
        let zero = zero?;
        let symbol = unknown(at, mode);
        let turns = self.conditions.depend_on(&self.graph, symbol, conditions);
        match self.graph.solve(zero, symbol).filter(|_| !turns) {
            Some(value) => Ok(value),
            None => {
                let name = &self.network.quantities[at].name;
                let message =
                    format!("an algebraic rule that is not linear in '{name}', which it decides, is not supported");
                let hint = format!("solve it for one of its names and write that as a rule, such as {name} := formula");
                Err(self.error(&formula.span, message).hint(hint))
            }
        }
    }

    /// The rate of reaction `at`, in amount per time.
    pub(super) fn rate(&mut self, at: usize) -> Lowered {
        let mode = self.mode;
        self.task(Task::Rate(at, mode), |f| match &f.network.reactions[at].rate {
            Some(formula) => lower(f, formula),
            None => Ok(f.graph.constant(0.0)),
        })
    }

    pub(super) fn unknown(&self, name: &str, span: &Range<usize>) -> Diagnostic {
        let network = self.network;
        let error = self.error(span, format!("unknown name '{name}'"));
        let known = network.quantities.iter().map(|q| q.name.as_str());
        let known = known.chain(network.reactions.iter().map(|r| r.name.as_str()));
        let fixed = ["time", "pi", "exponentiale", "avogadro", "infinity", "true", "false"];
        match closest(name, known.chain(fixed)) {
            Some(close) => error.hint(format!("did you mean '{close}'?")),
            None => error.hint(format!("give it a value: {name} = 1")),
        }
    }

    fn user_function(&mut self, function: &Function, arguments: &[Expr], span: &Range<usize>) -> Lowered {
        if arguments.len() != function.arguments.len() {
            let message = format!("{}() has {} arguments", function.name, arguments.len());
            return Err(self.error(span, message).expected(format!("{}", function.arguments.len())));
        }
        self.count_call(span)?;
        let values: Result<Vec<Id>, _> = arguments.iter().map(|argument| lower(self, argument)).collect();
        let mut inner = Inner { outer: self, function, values: values?, depth: 1 };
        lower(&mut inner, &function.body)
    }

    fn count_call(&mut self, span: &Range<usize>) -> Result<(), Diagnostic> {
        self.calls += 1;
        if self.calls <= MOST_CALLS {
            return Ok(());
        }
        let error = self.error(span, format!("functions are called more than {MOST_CALLS} times in all"));
        Err(error.hint("give values that are needed twice a name with ':='"))
    }

    fn rate_of(&mut self, arguments: &[Expr], span: &Range<usize>) -> Lowered {
        let [Expr { kind: Kind::Name(name), span: place }] = arguments else {
            return Err(self.error(span, "rateOf() takes one name").expected("rateOf(x)"));
        };
        if name == "time" {
            return Ok(self.graph.constant(1.0));
        }
        let Some(at) = self.network.position(name) else { return Err(self.unknown(name, place)) };
        let value = self.value(at, Mode::Run)?;
        let rate = self.total_derivative(value)?;
        if self.mode == Mode::Start { self.at_start(rate) } else { Ok(rate) }
    }
}

impl Scope for Flattener<'_> {
    fn graph(&mut self) -> &mut Graph {
        &mut self.graph
    }

    fn source(&self) -> &Source {
        &self.network.source
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered {
        let mode = self.mode;
        if let Some(at) = self.network.position(name) {
            return self.value(at, mode);
        }
        match self.network.reaction(name) {
            Some(at) => self.rate(at),
            None => Err(self.unknown(name, span)),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], span: &Range<usize>) -> Option<Lowered> {
        if name == "rateOf" {
            return Some(self.rate_of(arguments, span));
        }
        let network = self.network;
        network.function(name).map(|function| self.user_function(function, arguments, span))
    }

    fn compare(&mut self, relation: Relation, a: Id, b: Id, span: &Range<usize>) -> Id {
        if self.mode == Mode::Start {
            return self.graph.compare(relation, a, b);
        }
        let text = self.network.source.slice(span);
        self.conditions.compare(&mut self.graph, relation, a, b, text)
    }

    fn function_names(&self) -> Vec<String> {
        self.network.functions.iter().map(|f| f.name.clone()).chain(["rateOf".to_string()]).collect()
    }
}

/// Algebraic rules within each other that are followed.
const MOST_UNKNOWNS: usize = 6;

/// How many rules may be solved within others in all: their number grows fast with that of rules that hold each other.
const MOST_NESTED: usize = 1000;

/// What stands for the value of quantity `at` while a rule is solved for it.
fn unknown(at: usize, mode: Mode) -> Symbol {
    Symbol::Slot(2 * at as u32 + u32::from(mode == Mode::Start))
}

/// Within a function of the user's: its arguments, and other functions.
struct Inner<'a, 'b> {
    outer: &'a mut Flattener<'b>,
    function: &'a Function,
    values: Vec<Id>,
    depth: usize,
}

/// How deep functions may call each other.
const DEEPEST_CALL: usize = 50;

/// How many calls may be written out: functions that call others twice grow without bound.
const MOST_CALLS: usize = 100_000;

impl Scope for Inner<'_, '_> {
    fn graph(&mut self) -> &mut Graph {
        &mut self.outer.graph
    }

    fn source(&self) -> &Source {
        self.outer.source()
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered {
        match self.function.arguments.iter().position(|argument| argument == name) {
            Some(at) => Ok(self.values[at]),
            None => {
                let message = format!("'{name}' is no argument of the function '{}'", self.function.name);
                let error = self.outer.error(span, message);
                Err(match closest(name, self.function.arguments.iter().map(String::as_str)) {
                    Some(close) => error.hint(format!("did you mean '{close}'?")),
                    None => error.hint("a function sees its arguments only: pass the value as one"),
                })
            }
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], span: &Range<usize>) -> Option<Lowered> {
        if name == "rateOf" {
            return Some(Err(self.outer.error(span, "rateOf() within a function").hint("pass the rate as argument")));
        }
        let network = self.outer.network;
        let function = network.function(name)?;
        Some(self.inner_call(function, arguments, span))
    }

    fn compare(&mut self, relation: Relation, a: Id, b: Id, span: &Range<usize>) -> Id {
        self.outer.compare(relation, a, b, span)
    }

    fn function_names(&self) -> Vec<String> {
        self.outer.function_names()
    }
}

impl Inner<'_, '_> {
    fn inner_call(&mut self, function: &Function, arguments: &[Expr], span: &Range<usize>) -> Lowered {
        if arguments.len() != function.arguments.len() {
            let message = format!("{}() has {} arguments", function.name, arguments.len());
            return Err(self.outer.error(span, message).expected(format!("{}", function.arguments.len())));
        }
        self.outer.count_call(span)?;
        if self.depth >= DEEPEST_CALL {
            let message = format!("the function '{}' calls itself", function.name);
            return Err(self.outer.error(&function.span, message).hint("functions cannot be recursive"));
        }
        let values: Result<Vec<Id>, _> = arguments.iter().map(|argument| lower(self, argument)).collect();
        let mut inner = Inner { outer: &mut *self.outer, function, values: values?, depth: self.depth + 1 };
        lower(&mut inner, &function.body)
    }
}

/// Functions may not take the name of one that is built in.
pub(super) fn hides_builtin(function: &Function) -> bool {
    is_function(&function.name) || function.name == "rateOf" || is_reserved(&function.name)
}
