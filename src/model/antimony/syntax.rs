//! What an Antimony file says, statement by statement.

use crate::model::math::Expr;
use std::ops::Range;

pub type Span = Range<usize>;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    pub span: Span,
}

#[derive(Debug, Clone, Default)]
pub struct File {
    pub models: Vec<Block>,
    pub functions: Vec<FunctionBlock>,
    /// Statements outside of any block.
    pub loose: Vec<Statement>,
}

/// `model name … end`.
#[derive(Debug, Clone)]
pub struct Block {
    pub name: Named,
    /// `model *name`: the one that is meant when a file holds several.
    pub main: bool,
    pub statements: Vec<Statement>,
}

/// `function name(arguments) body end`.
#[derive(Debug, Clone)]
pub struct FunctionBlock {
    pub name: Named,
    pub arguments: Vec<Named>,
    pub body: Expr,
}

#[derive(Debug, Clone)]
pub enum Statement {
    Declaration(Modifiers, Vec<Item>),
    /// `name = formula`, `name := formula`, `name '= formula`; the first also with dotted names.
    Assignment(Named, Assign, Expr),
    In(Named, Named),
    Reaction(ReactionStatement),
    /// `0 = formula`, and where it stands; libAntimony also writes it without a formula.
    Algebraic(Span, Option<Expr>),
    Event(EventStatement),
    Unit(Named, Expr),
    /// `name has unit`.
    Has(Named, Expr),
    /// `name is "text"` and other annotations; only the first has a use here.
    Label(Named, String),
    /// Something that does not touch the simulation.
    Annotation(Named),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assign {
    Initial,
    Rule,
    Rate,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Modifiers {
    /// `const` or `var`.
    pub constant: Option<bool>,
    pub substance_only: bool,
    pub class: Option<Class>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Species,
    Compartment,
    Formula,
}

/// One name of a declaration with all that may be said at once about it.
#[derive(Debug, Clone)]
pub struct Item {
    pub name: Named,
    pub boundary: bool,
    pub compartment: Option<Named>,
    pub value: Option<(Assign, Expr)>,
}

#[derive(Debug, Clone)]
pub struct ReactionStatement {
    pub name: Option<Named>,
    pub span: Span,
    pub reactants: Vec<Term>,
    pub products: Vec<Term>,
    pub rate: Option<Expr>,
}

/// `2 $S`.
#[derive(Debug, Clone)]
pub struct Term {
    pub stoichiometry: Option<Expr>,
    pub boundary: bool,
    pub species: Named,
}

#[derive(Debug, Clone)]
pub struct EventStatement {
    pub name: Option<Named>,
    pub span: Span,
    pub trigger: Expr,
    pub delay: Option<Expr>,
    pub priority: Option<Expr>,
    /// `t0=false`: a trigger that is true at the start fires there.
    pub at_start: bool,
    /// `persistent=false`: called off where the trigger turns false before it is done.
    pub persistent: bool,
    /// `fromTrigger=false`: new values are computed when it is done.
    pub from_trigger: bool,
    pub assignments: Vec<(Named, Expr)>,
}
