//! Statements to the network.

use super::syntax::{self, Assign, Block, Class, File, Item, Modifiers, Named, ReactionStatement, Span, Statement};
use crate::Diagnostic;
use crate::model::math::{Expr, Source};
use crate::model::network::{Event, Function, Name, Network, Quantity, Reaction, Role, Rule, Species, Term};
use crate::model::{algebraic, flatten, units};
use std::collections::HashMap;
use std::sync::Arc;

struct Builder {
    network: Network,
    errors: Vec<Diagnostic>,
    /// Where each name got its initial value or rule, to name the place if it gets another.
    set: HashMap<(String, bool), Span>,
    /// `0 = formula`, to be given to what they decide.
    algebraic: Vec<Expr>,
}

pub fn network(source: &Arc<Source>, file: File) -> Result<Network, Vec<Diagnostic>> {
    let mut builder = Builder {
        network: Network::new(source.clone()),
        errors: Vec::new(),
        set: HashMap::new(),
        algebraic: Vec::new(),
    };
    let functions: Vec<&Named> = file.functions.iter().map(|f| &f.name).collect();
    let models: Vec<&Named> = file.models.iter().map(|m| &m.name).collect();
    for (what, names) in [("function", functions), ("model", models)] {
        for (at, name) in names.iter().enumerate() {
            if names[..at].iter().any(|before| before.name == name.name) {
                let message = format!("a second {what} with the name '{}'", name.name);
                builder.error(&name.span, message).hint = Some("give one of them another name".to_string());
            }
        }
    }
    for function in file.functions {
        builder.network.functions.push(Function {
            name: function.name.name,
            span: function.name.span,
            arguments: function.arguments.into_iter().map(|a| a.name).collect(),
            body: function.body,
        });
    }
    let (block, loose) = main_block(file.models, file.loose, source)?;
    builder.network.name = block.name.name;
    // Reactions first, so that what they consume and make is known to be a species.
    for statement in block.statements.iter().chain(&loose) {
        if let Statement::Reaction(reaction) = statement {
            for term in reaction.reactants.iter().chain(&reaction.products) {
                let quantity = builder.network.mention(&term.species.name, &term.species.span);
                builder_species(quantity).boundary |= term.boundary;
            }
        }
    }
    for statement in block.statements.into_iter().chain(loose) {
        builder.statement(statement);
    }
    builder.finish();
    if builder.errors.is_empty() { Ok(builder.network) } else { Err(builder.errors) }
}

/// The block that is meant: the one with a star, else the last; a file without blocks is one itself.
fn main_block(
    mut models: Vec<Block>,
    loose: Vec<Statement>,
    source: &Source,
) -> Result<(Block, Vec<Statement>), Vec<Diagnostic>> {
    if models.is_empty() {
        let name = Named { name: String::new(), span: 0..0 };
        return Ok((Block { name, main: true, statements: loose }, Vec::new()));
    }
    // Outside of blocks models and functions are annotated: `name is "text"`.
    let is_text = |s: &&Statement| matches!(s, Statement::Label(..) | Statement::Annotation(_));
    if let Some(statement) = loose.iter().find(|s| !is_text(s)) {
        let error = source.error(&place(statement), "a statement outside of the model block");
        return Err(vec![error.hint("move it in front of the model's 'end'")]);
    }
    let at = models.iter().rposition(|m| m.main).unwrap_or(models.len() - 1);
    Ok((models.swap_remove(at), Vec::new()))
}

fn place(statement: &Statement) -> Span {
    match statement {
        Statement::Declaration(_, items) => items.first().map_or(0..0, |item| item.name.span.clone()),
        Statement::Assignment(name, ..) | Statement::In(name, _) | Statement::Unit(name, _) => name.span.clone(),
        Statement::Has(name, _) | Statement::Label(name, _) | Statement::Annotation(name) => name.span.clone(),
        Statement::Reaction(reaction) => reaction.span.clone(),
        Statement::Event(event) => event.span.clone(),
        Statement::Algebraic(span, _) => span.clone(),
    }
}

fn named(name: Named) -> Name {
    Name { name: name.name, span: name.span }
}

/// The quantity as a species, made one if it was nothing in particular.
fn builder_species(quantity: &mut Quantity) -> &mut Species {
    if !matches!(quantity.role, Role::Species(_)) {
        quantity.role = Role::Species(Species::default());
    }
    match &mut quantity.role {
        Role::Species(species) => species,
        _ => unreachable!("it was made a species above"),
    }
}

impl Builder {
    fn error(&mut self, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.errors.push(self.network.source.error(span, message));
        self.errors.last_mut().expect("one was pushed")
    }

    fn warn(&mut self, span: &Span, message: impl Into<String>, hint: &str) {
        let warning = self.network.source.error(span, message).hint(hint);
        self.network.warnings.push(warning);
    }

    fn statement(&mut self, statement: Statement) {
        match statement {
            Statement::Declaration(modifiers, items) => {
                for item in items {
                    self.declare(&modifiers, item);
                }
            }
            Statement::Assignment(name, assign, formula) => self.assign(name, assign, formula),
            Statement::In(name, compartment) => self.place_in(name, compartment),
            Statement::Reaction(reaction) => self.reaction(reaction),
            Statement::Event(event) => self.event(event),
            Statement::Algebraic(_, Some(formula)) => self.algebraic.push(formula),
            Statement::Algebraic(span, None) => {
                self.warn(&span, "an algebraic rule without a formula: it is left out", "write it as 0 = formula");
            }
            Statement::Unit(name, formula) => {
                self.network.units.push(units::Definition { name: name.name, span: name.span, formula });
            }
            Statement::Has(name, unit) => self.network.mention(&name.name, &name.span).unit = Some(unit),
            Statement::Label(name, text) => {
                if let Some(at) = self.network.position(&name.name) {
                    self.network.quantities[at].label = Some(text);
                }
            }
            Statement::Annotation(_) => {}
        }
    }

    fn compartment(&mut self, name: &Named) {
        let quantity = self.network.mention(&name.name, &name.span);
        if matches!(quantity.role, Role::Species(_)) {
            let message = format!("'{}' is a species and cannot be a compartment too", name.name);
            self.error(&name.span, message);
        } else {
            quantity.role = Role::Compartment;
        }
    }

    fn place_in(&mut self, name: Named, compartment: Named) {
        self.compartment(&compartment);
        let quantity = self.network.mention(&name.name, &name.span);
        match quantity.role {
            // A reaction may be placed in a compartment; that changes nothing.
            Role::Compartment => {}
            _ => builder_species(quantity).compartment = Some(named(compartment)),
        }
    }

    fn declare(&mut self, modifiers: &Modifiers, item: Item) {
        let Item { name, boundary, compartment, value } = item;
        match modifiers.class {
            Some(Class::Compartment) => self.compartment(&name),
            Some(Class::Species) => _ = self.species(&name),
            Some(Class::Formula) | None => _ = self.network.mention(&name.name, &name.span),
        }
        if (boundary || modifiers.substance_only)
            && let Some(species) = self.species(&name)
        {
            species.boundary |= boundary;
            species.amount_only |= modifiers.substance_only;
        }
        if modifiers.constant.is_some() {
            self.network.mention(&name.name, &name.span).constant = modifiers.constant;
        }
        if let Some(compartment) = compartment {
            if modifiers.class == Some(Class::Compartment) {
                self.compartment(&compartment);
            } else {
                self.place_in(name.clone(), compartment);
            }
        }
        if let Some((assign, formula)) = value {
            self.assign(name, assign, formula);
        }
    }

    fn species(&mut self, name: &Named) -> Option<&mut Species> {
        if self.network.quantity(&name.name).is_some_and(|q| q.role == Role::Compartment) {
            let message = format!("'{}' is a compartment and cannot be a species too", name.name);
            self.error(&name.span, message);
            return None;
        }
        Some(builder_species(self.network.mention(&name.name, &name.span)))
    }

    fn assign(&mut self, name: Named, assign: Assign, formula: Expr) {
        if let Some((owner, field)) = name.name.clone().rsplit_once('.') {
            let owner = Named { name: owner.to_string(), span: name.span.clone() };
            return self.assign_field(owner, field, &name.span, formula);
        }
        let rule = assign != Assign::Initial;
        let quantity = self.network.mention(&name.name, &name.span);
        let other_kind = match (&quantity.rule, assign) {
            (Rule::Assignment(_), Assign::Rate) => Some("a rate rule beside its assignment rule"),
            (Rule::Rate(_), Assign::Rule) => Some("an assignment rule beside its rate rule"),
            _ => None,
        };
        if let Some(before) = self.set.insert((name.name.clone(), rule), name.span.clone()) {
            let line = crate::error::Place::new(&self.network.source.text, before).line;
            if let Some(what) = other_kind {
                let message = format!("'{}' gets {what} in line {line}", name.name);
                self.error(&name.span, message).hint = Some("keep one of them".to_string());
                return;
            }
            let what = if rule { "rule" } else { "initial value" };
            let message = format!("a second {what} for '{}': it counts, the one in line {line} does not", name.name);
            self.warn(&name.span, message, "keep one of them");
        }
        let quantity = self.network.mention(&name.name, &name.span);
        match assign {
            Assign::Initial => quantity.initial = Some(formula),
            Assign::Rule => quantity.rule = Rule::Assignment(formula),
            Assign::Rate => quantity.rule = Rule::Rate(formula),
        }
    }

    /// `S.conversionFactor = x` and the like.
    fn assign_field(&mut self, owner: Named, field: &str, span: &Span, formula: Expr) {
        let factor = match (&formula.kind, field) {
            (_, "sboTerm" | "notes") => return,
            (crate::model::math::Kind::Name(factor), "conversionFactor") => {
                Name { name: factor.clone(), span: formula.span.clone() }
            }
            (_, "conversionFactor") => {
                self.error(&formula.span, "a conversion factor is the name of a parameter");
                return;
            }
            _ => {
                let message = format!("'.{field}' is not supported");
                self.error(span, message).hint = Some("submodels and distributions are not read".to_string());
                return;
            }
        };
        if owner.name == "model" {
            self.network.conversion_factor = Some(factor);
        } else if let Some(species) = self.species(&owner) {
            species.conversion_factor = Some(factor);
        }
    }

    fn reaction(&mut self, reaction: ReactionStatement) {
        let ReactionStatement { name, span, reactants, products, rate } = reaction;
        for term in reactants.iter().chain(&products) {
            self.species(&term.species);
        }
        let name = match name {
            Some(name) => name.name,
            None => {
                (0..).map(|i| format!("_J{i}")).find(|name| self.network.reaction(name).is_none()).unwrap_or_default()
            }
        };
        if self.network.reaction(&name).is_some() {
            self.error(&span, format!("a second reaction with the name '{name}'"));
            return;
        }
        let terms = |terms: Vec<syntax::Term>| {
            let term = |term: syntax::Term| Term {
                stoichiometry: term.stoichiometry.unwrap_or_else(|| Expr::number(1.0, term.species.span.clone())),
                species: named(term.species),
            };
            terms.into_iter().map(term).collect()
        };
        let (reactants, products) = (terms(reactants), terms(products));
        self.network.reactions.push(Reaction { name, span, reactants, products, rate });
    }

    fn event(&mut self, event: syntax::EventStatement) {
        let name = match event.name {
            Some(name) => name.name,
            None => format!("_E{}", self.network.events.len()),
        };
        self.network.events.push(Event {
            name,
            span: event.span,
            trigger: event.trigger,
            delay: event.delay,
            priority: event.priority,
            at_start: event.at_start,
            persistent: event.persistent,
            from_trigger: event.from_trigger,
            assignments: event.assignments.into_iter().map(|(name, formula)| (named(name), formula)).collect(),
        });
    }

    /// What can only be said once everything is known.
    fn finish(&mut self) {
        for quantity in self.network.quantities.iter_mut().filter(|q| q.constant == Some(true)) {
            // No reaction changes what is constant.
            if let Role::Species(species) = &mut quantity.role {
                species.boundary = true;
            }
        }
        let mut errors = algebraic::give(&mut self.network, std::mem::take(&mut self.algebraic));
        let network = &self.network;
        for reaction in &network.reactions {
            if let Some(quantity) = network.quantity(&reaction.name) {
                let message = format!("'{}' is both a reaction and a quantity", reaction.name);
                errors.push(network.source.error(&quantity.span, message).hint("give one of them another name"));
            }
        }
        let mut warnings = Vec::new();
        for reaction in network.reactions.iter().filter(|r| r.rate.is_none()) {
            let message = format!("the reaction '{}' has no rate law and does not run", reaction.name);
            warnings.push(network.source.error(&reaction.span, message).hint("write it behind: A -> B; k*A"));
        }
        for quantity in &network.quantities {
            if let (Rule::Assignment(rule) | Rule::Algebraic(rule), Some(initial)) = (&quantity.rule, &quantity.initial)
            {
                let text = network.source.slice(&rule.span);
                let message = format!("the start value of '{}' is not used: its rule is {text}", quantity.name);
                warnings.push(network.source.error(&initial.span, message).hint("leave one of them out"));
            }
            if flatten::is_reserved(&quantity.name) {
                let message = format!("'{}' has a fixed meaning and cannot be set", quantity.name);
                errors.push(network.source.error(&quantity.span, message).hint("choose another name"));
            }
        }
        self.errors.append(&mut errors);
        self.network.warnings.append(&mut warnings);
    }
}
