//! Formulas to expressions: operators and functions get their meaning, names get theirs from a [`Scope`].

use super::math::{Comparison, Expr, Kind, Operator, Source};
use crate::Diagnostic;
use crate::expr::{Binary, Function, Graph, Id, Relation, Symbol};
use std::ops::Range;

/// The value SBML Level 3 gives `avogadro`.
const AVOGADRO: f64 = 6.02214179e23;

pub type Lowered = Result<Id, Diagnostic>;

/// What the names in a formula mean.
pub trait Scope {
    fn graph(&mut self) -> &mut Graph;
    fn source(&self) -> &Source;
    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered;
    /// A function that is not built in; `None` if there is none of that name.
    fn call(&mut self, name: &str, arguments: &[Expr], span: &Range<usize>) -> Option<Lowered>;
    /// The truth of `a relation b`.
    fn compare(&mut self, relation: Relation, a: Id, b: Id, span: &Range<usize>) -> Id;
    /// Names that may have been meant, for hints.
    fn function_names(&self) -> Vec<String>;
}

/// Names that mean the same in every formula.
pub fn constant(name: &str) -> Option<f64> {
    Some(match name {
        "pi" => std::f64::consts::PI,
        "exponentiale" => std::f64::consts::E,
        "avogadro" => AVOGADRO,
        "inf" | "INF" | "infinity" => f64::INFINITY,
        "nan" | "NaN" | "notanumber" => f64::NAN,
        "true" => 1.0,
        "false" => 0.0,
        _ => return None,
    })
}

pub fn lower(scope: &mut dyn Scope, expr: &Expr) -> Lowered {
    match &expr.kind {
        Kind::Number(value, _) => Ok(scope.graph().constant(*value)),
        Kind::Name(name) => match constant(name) {
            Some(value) => Ok(scope.graph().constant(value)),
            None if name == "time" => Ok(scope.graph().symbol(Symbol::Time)),
            None => scope.name(name, &expr.span),
        },
        Kind::Apply(Operator::Function(name), arguments) => function(scope, name, arguments, &expr.span),
        Kind::Apply(operator, arguments) => {
            let values = all(scope, arguments)?;
            let truths = matches!(operator, Operator::And | Operator::Or | Operator::Not);
            let values = if truths { values.iter().map(|&v| truth(scope, v, &expr.span)).collect() } else { values };
            Ok(apply(scope, operator, &values, &expr.span))
        }
        Kind::Chain(first, rest) => {
            let mut left = lower(scope, first)?;
            let mut truths = Vec::with_capacity(rest.len());
            let mut start = first.span.start;
            for (comparison, operand) in rest {
                let right = lower(scope, operand)?;
                truths.push(relation(scope, *comparison, left, right, &(start..operand.span.end)));
                left = right;
                start = operand.span.start;
            }
            Ok(fold(scope.graph(), Binary::And, &truths, 1.0))
        }
    }
}

fn all(scope: &mut dyn Scope, arguments: &[Expr]) -> Result<Vec<Id>, Diagnostic> {
    arguments.iter().map(|argument| lower(scope, argument)).collect()
}

fn apply(scope: &mut dyn Scope, operator: &Operator, values: &[Id], span: &Range<usize>) -> Id {
    let graph = scope.graph();
    match (operator, values) {
        (Operator::Add, _) => graph.sum(0.0, &values.iter().map(|&v| (1.0, v)).collect::<Vec<_>>()),
        (Operator::Multiply, _) => graph.product(&values.iter().map(|&v| (v, 1)).collect::<Vec<_>>()),
        (Operator::Divide, &[a, b]) => graph.div(a, b),
        (Operator::Power, &[a, b]) => graph.power(a, b),
        (Operator::Negate, &[a]) => graph.neg(a),
        (Operator::Not, &[a]) => graph.call(Function::Not, a),
        (Operator::And, _) => fold(graph, Binary::And, values, 1.0),
        (Operator::Or, _) => fold(graph, Binary::Or, values, 0.0),
        // a - b*floor(a/b), or ceil where the signs differ, as libAntimony writes it out.
        (Operator::Modulo, &[a, b]) => {
            let ratio = graph.div(a, b);
            let (down, up) = (graph.call(Function::Floor, ratio), graph.call(Function::Ceil, ratio));
            let zero = graph.constant(0.0);
            let first = scope.compare(Relation::Less, a, zero, span);
            let second = scope.compare(Relation::Less, b, zero, span);
            let graph = scope.graph();
            let differ = graph.binary(Binary::Xor, first, second);
            let whole = graph.select(differ, up, down);
            let whole = graph.mul(b, whole);
            graph.sub(a, whole)
        }
        _ => unreachable!("the parser gives each operator its number of operands"),
    }
}

fn fold(graph: &mut Graph, op: Binary, values: &[Id], empty: f64) -> Id {
    match values {
        [] => graph.constant(empty),
        [one] => *one,
        _ => {
            // By halves: a hundred thousand of them in a row would be as deep.
            let (left, right) = values.split_at(values.len() / 2);
            let (left, right) = (fold(graph, op, left, empty), fold(graph, op, right, empty));
            graph.binary(op, left, right)
        }
    }
}

/// `value` as a truth: 0 or 1.
pub fn truth(scope: &mut dyn Scope, value: Id, span: &Range<usize>) -> Id {
    if is_truth(scope.graph(), value) {
        return value;
    }
    let zero = scope.graph().constant(0.0);
    scope.compare(Relation::NotEqual, value, zero, span)
}

fn is_truth(graph: &Graph, value: Id) -> bool {
    use crate::expr::Node;
    match graph.node(value) {
        Node::Compare(..) | Node::Symbol(Symbol::Switch(_)) | Node::Call(Function::Not, _) => true,
        Node::Binary(op, ..) => matches!(op, Binary::And | Binary::Or | Binary::Xor),
        &Node::Select { then, otherwise, .. } => is_truth(graph, then) && is_truth(graph, otherwise),
        Node::Constant(value) => value.value() == 0.0 || value.value() == 1.0,
        _ => false,
    }
}

fn relation(scope: &mut dyn Scope, comparison: Comparison, a: Id, b: Id, span: &Range<usize>) -> Id {
    match comparison {
        Comparison::Less => scope.compare(Relation::Less, a, b, span),
        Comparison::LessEqual => scope.compare(Relation::LessEqual, a, b, span),
        Comparison::Greater => scope.compare(Relation::Less, b, a, span),
        Comparison::GreaterEqual => scope.compare(Relation::LessEqual, b, a, span),
        Comparison::Equal => scope.compare(Relation::Equal, a, b, span),
        Comparison::NotEqual => scope.compare(Relation::NotEqual, a, b, span),
    }
}

/// The built-in functions and how many arguments they take.
const FUNCTIONS: [(&str, usize, usize); 75] = [
    ("abs", 1, 1),
    ("acos", 1, 1),
    ("acosh", 1, 1),
    ("acot", 1, 1),
    ("acoth", 1, 1),
    ("acsc", 1, 1),
    ("acsch", 1, 1),
    ("and", 0, usize::MAX),
    ("arccos", 1, 1),
    ("arccosh", 1, 1),
    ("arccot", 1, 1),
    ("arccoth", 1, 1),
    ("arccsc", 1, 1),
    ("arccsch", 1, 1),
    ("arcsec", 1, 1),
    ("arcsech", 1, 1),
    ("arcsin", 1, 1),
    ("arcsinh", 1, 1),
    ("arctan", 1, 1),
    ("arctanh", 1, 1),
    ("asec", 1, 1),
    ("asech", 1, 1),
    ("asin", 1, 1),
    ("asinh", 1, 1),
    ("atan", 1, 1),
    ("atanh", 1, 1),
    ("ceil", 1, 1),
    ("ceiling", 1, 1),
    ("cos", 1, 1),
    ("cosh", 1, 1),
    ("cot", 1, 1),
    ("coth", 1, 1),
    ("csc", 1, 1),
    ("csch", 1, 1),
    ("divide", 2, 2),
    ("eq", 1, usize::MAX),
    ("exp", 1, 1),
    ("factorial", 1, 1),
    ("floor", 1, 1),
    ("geq", 1, usize::MAX),
    ("gt", 1, usize::MAX),
    ("implies", 2, 2),
    ("leq", 1, usize::MAX),
    ("ln", 1, 1),
    ("log", 1, 2),
    ("log10", 1, 1),
    ("lt", 1, usize::MAX),
    ("max", 1, usize::MAX),
    ("min", 1, usize::MAX),
    ("minus", 1, 2),
    ("neq", 2, 2),
    ("not", 1, 1),
    ("or", 0, usize::MAX),
    ("piecewise", 1, usize::MAX),
    ("plus", 0, usize::MAX),
    ("pow", 2, 2),
    ("power", 2, 2),
    ("quotient", 2, 2),
    ("rem", 2, 2),
    ("root", 1, 2),
    ("sec", 1, 1),
    ("sech", 1, 1),
    ("sin", 1, 1),
    ("sinh", 1, 1),
    ("sqr", 1, 1),
    ("sqrt", 1, 1),
    ("tan", 1, 1),
    ("tanh", 1, 1),
    ("times", 0, usize::MAX),
    ("xor", 0, usize::MAX),
    // Known, and refused by name.
    ("delay", 2, 2),
    ("uniform", 2, 4),
    ("normal", 2, 4),
    ("poisson", 1, 3),
    ("exponential", 1, 3),
];

/// Whether `name` is a built-in function.
pub fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, ..)| *known == name)
}

fn function(scope: &mut dyn Scope, name: &str, arguments: &[Expr], span: &Range<usize>) -> Lowered {
    if let Some(result) = scope.call(name, arguments, span) {
        return result;
    }
    let head = span.start..span.start + name.len();
    let Some(&(_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let error = scope.source().error(&head, format!("there is no function '{name}'"));
        let mut known = scope.function_names();
        known.extend(FUNCTIONS.iter().map(|(name, ..)| name.to_string()));
        return Err(match super::math::closest(name, known.iter().map(String::as_str)) {
            Some(close) => error.hint(format!("did you mean '{close}'?")),
            None => error.hint("define it: function f(x) x^2; end"),
        });
    };
    match name {
        "delay" => {
            let error = scope.source().error(&head, "delay() is not supported");
            return Err(error.hint("a chain of linear steps approximates a delay"));
        }
        "uniform" | "normal" | "poisson" | "exponential" => {
            let error = scope.source().error(&head, format!("the random function {name}() is not supported"));
            return Err(error.hint("spread and noise belong to the study, not to the model"));
        }
        _ => {}
    }
    if arguments.len() < least || arguments.len() > most {
        let count = match (least, most) {
            (a, b) if a == b => format!("{a} argument{}", if a == 1 { "" } else { "s" }),
            (a, usize::MAX) => format!("at least {a}"),
            (a, b) => format!("{a} or {b} arguments"),
        };
        let error = scope.source().error(span, format!("{name}() has {} arguments", arguments.len()));
        return Err(error.expected(count));
    }
    let values = all(scope, arguments)?;
    match name {
        "piecewise" => return Ok(piecewise(scope, &values, arguments, span)),
        "and" | "or" | "xor" | "not" | "implies" => return Ok(logic(scope, name, &values, span)),
        "lt" | "leq" | "gt" | "geq" | "eq" | "neq" => {
            let comparison = match name {
                "lt" => Comparison::Less,
                "leq" => Comparison::LessEqual,
                "gt" => Comparison::Greater,
                "geq" => Comparison::GreaterEqual,
                "eq" => Comparison::Equal,
                _ => Comparison::NotEqual,
            };
            let truths: Vec<Id> =
                values.windows(2).map(|pair| relation(scope, comparison, pair[0], pair[1], span)).collect();
            return Ok(fold(scope.graph(), Binary::And, &truths, 1.0));
        }
        "quotient" | "rem" => return Ok(quotient(scope, name == "rem", values[0], values[1], span)),
        "factorial" => {
            let factorial = factorial(scope.graph(), values[0]);
            if scope.graph().as_constant(factorial).is_some_and(f64::is_nan) {
                let error = scope.source().error(span, "factorial() of something that is no whole number");
                return Err(error.expected("a number from 0 to 170"));
            }
            return Ok(factorial);
        }
        _ => {}
    }
    Ok(arithmetic(scope.graph(), name, &values))
}

/// `n!` for whole numbers up to the last whose factorial is finite; else not a number.
fn factorial(graph: &mut Graph, n: Id) -> Id {
    let mut value = 1.0;
    let mut result = graph.constant(f64::NAN);
    for k in 0..=170 {
        value *= f64::from(k.max(1));
        let (whole, factorial) = (graph.constant(f64::from(k)), graph.constant(value));
        let here = graph.compare(Relation::Equal, n, whole);
        result = graph.select(here, factorial, result);
    }
    result
}

fn piecewise(scope: &mut dyn Scope, values: &[Id], arguments: &[Expr], span: &Range<usize>) -> Id {
    let (pairs, otherwise) = values.split_at(values.len() / 2 * 2);
    let mut result = otherwise.first().copied().unwrap_or_else(|| scope.graph().constant(f64::NAN));
    for (at, pair) in pairs.chunks(2).enumerate().rev() {
        let place = arguments.get(2 * at + 1).map_or(span.clone(), |a| a.span.clone());
        let condition = truth(scope, pair[1], &place);
        result = scope.graph().select(condition, pair[0], result);
    }
    result
}

fn logic(scope: &mut dyn Scope, name: &str, values: &[Id], span: &Range<usize>) -> Id {
    let truths: Vec<Id> = values.iter().map(|&v| truth(scope, v, span)).collect();
    let graph = scope.graph();
    match name {
        "and" => fold(graph, Binary::And, &truths, 1.0),
        "or" => fold(graph, Binary::Or, &truths, 0.0),
        "xor" => fold(graph, Binary::Xor, &truths, 0.0),
        "not" => graph.call(Function::Not, truths[0]),
        _ => {
            let not = graph.call(Function::Not, truths[0]);
            graph.binary(Binary::Or, not, truths[1])
        }
    }
}

/// The whole part of `a / b` towards zero, or what is left of `a`.
fn quotient(scope: &mut dyn Scope, rest: bool, a: Id, b: Id, span: &Range<usize>) -> Id {
    let graph = scope.graph();
    let ratio = graph.div(a, b);
    let (down, up) = (graph.call(Function::Floor, ratio), graph.call(Function::Ceil, ratio));
    let zero = graph.constant(0.0);
    let negative = scope.compare(Relation::Less, ratio, zero, span);
    let graph = scope.graph();
    let whole = graph.select(negative, up, down);
    if rest {
        let whole = graph.mul(b, whole);
        graph.sub(a, whole)
    } else {
        whole
    }
}

/// Functions without conditions. Inverse functions of a reciprocal are taken as such: arccot(x) = arctan(1/x).
fn arithmetic(graph: &mut Graph, name: &str, values: &[Id]) -> Id {
    let reciprocal = |graph: &mut Graph, id: Id| graph.product(&[(id, -1)]);
    let of = |graph: &mut Graph, function: Function| graph.call(function, values[0]);
    let over = |graph: &mut Graph, function: Function| {
        let value = graph.call(function, values[0]);
        graph.product(&[(value, -1)])
    };
    let inverse = |graph: &mut Graph, function: Function| {
        let inverted = graph.product(&[(values[0], -1)]);
        graph.call(function, inverted)
    };
    match name {
        "plus" => graph.sum(0.0, &values.iter().map(|&v| (1.0, v)).collect::<Vec<_>>()),
        "times" => graph.product(&values.iter().map(|&v| (v, 1)).collect::<Vec<_>>()),
        "minus" if values.len() == 1 => graph.neg(values[0]),
        "minus" => graph.sub(values[0], values[1]),
        "divide" => graph.div(values[0], values[1]),
        "pow" | "power" => graph.power(values[0], values[1]),
        "sqr" => graph.product(&[(values[0], 2)]),
        "root" if values.len() == 2 => {
            let exponent = reciprocal(graph, values[0]);
            graph.power(values[1], exponent)
        }
        "sqrt" | "root" => of(graph, Function::Sqrt),
        "max" | "min" => {
            let op = if name == "max" { Binary::Max } else { Binary::Min };
            fold(graph, op, values, 0.0)
        }
        "log10" => {
            let value = of(graph, Function::Ln);
            graph.scale(std::f64::consts::LN_10.recip(), value)
        }
        "log" if values.len() == 2 => {
            let (base, value) = (of(graph, Function::Ln), graph.call(Function::Ln, values[1]));
            graph.div(value, base)
        }
        "ln" | "log" => of(graph, Function::Ln),
        "exp" => of(graph, Function::Exp),
        "abs" => of(graph, Function::Abs),
        "floor" => of(graph, Function::Floor),
        "ceil" | "ceiling" => of(graph, Function::Ceil),
        "sin" => of(graph, Function::Sin),
        "cos" => of(graph, Function::Cos),
        "tan" => of(graph, Function::Tan),
        "sec" => over(graph, Function::Cos),
        "csc" => over(graph, Function::Sin),
        "cot" => over(graph, Function::Tan),
        "sinh" => of(graph, Function::Sinh),
        "cosh" => of(graph, Function::Cosh),
        "tanh" => of(graph, Function::Tanh),
        "sech" => over(graph, Function::Cosh),
        "csch" => over(graph, Function::Sinh),
        "coth" => over(graph, Function::Tanh),
        "asin" | "arcsin" => of(graph, Function::Asin),
        "acos" | "arccos" => of(graph, Function::Acos),
        "atan" | "arctan" => of(graph, Function::Atan),
        "asec" | "arcsec" => inverse(graph, Function::Acos),
        "acsc" | "arccsc" => inverse(graph, Function::Asin),
        "acot" | "arccot" => inverse(graph, Function::Atan),
        "asinh" | "arcsinh" => of(graph, Function::Asinh),
        "acosh" | "arccosh" => of(graph, Function::Acosh),
        "atanh" | "arctanh" => of(graph, Function::Atanh),
        "asech" | "arcsech" => inverse(graph, Function::Acosh),
        "acsch" | "arccsch" => inverse(graph, Function::Asinh),
        "acoth" | "arccoth" => inverse(graph, Function::Atanh),
        _ => unreachable!("'{name}' is in the table of functions"),
    }
}
