//! Formulas as they are written, before any name in them has a meaning. Every reader produces these.

use crate::{Diagnostic, error::Place};
use std::ops::Range;
use std::sync::Arc;

/// A text that was read, kept so that later errors can show the line.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file's name as the user gave it; empty for text that came from no file.
    pub file: String,
    pub text: String,
}

impl Source {
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Source { file: file.into(), text: text.into() })
    }

    /// An error about the bytes `span`.
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).in_file(self.file.clone()).at(Place::new(&self.text, span.clone()))
    }

    /// The text at `span`.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

/// A formula with its place in the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number, and the unit written behind it.
    Number(f64, Option<String>),
    Name(String),
    /// A binary or unary operator, or a function by its name. Sums, products, `and` and `or` are flat.
    Apply(Operator, Vec<Expr>),
    /// `first (relation operand)*`: holds if each relation does.
    Chain(Box<Expr>, Vec<(Comparison, Expr)>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    Add,
    Multiply,
    Divide,
    Modulo,
    Power,
    Negate,
    Not,
    And,
    Or,
    Function(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

impl Expr {
    pub fn new(kind: Kind, span: Range<usize>) -> Self {
        Expr { kind, span }
    }

    pub fn number(value: f64, span: Range<usize>) -> Self {
        Expr::new(Kind::Number(value, None), span)
    }

    pub fn name(name: impl Into<String>, span: Range<usize>) -> Self {
        Expr::new(Kind::Name(name.into()), span)
    }

    pub fn apply(operator: Operator, arguments: Vec<Expr>, span: Range<usize>) -> Self {
        Expr::new(Kind::Apply(operator, arguments), span)
    }

    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Number(..) | Kind::Name(_) => Vec::new(),
            Kind::Apply(_, arguments) => arguments.iter().collect(),
            Kind::Chain(first, rest) => std::iter::once(&**first).chain(rest.iter().map(|(_, e)| e)).collect(),
        }
    }

    /// Every name that stands for a value, with its place, in order of appearance.
    pub fn names(&self) -> Vec<(&str, Range<usize>)> {
        let mut names = Vec::new();
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            if let Kind::Name(name) = &expr.kind {
                names.push((name.as_str(), expr.span.clone()));
            }
            stack.extend(expr.children().into_iter().rev());
        }
        names
    }
}

/// Of `known`, the name that `name` may have been meant for.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= 1.max(name.chars().count() / 3) && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete, replace or swap with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}
