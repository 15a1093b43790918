//! Reactions and events, the two statements with a syntax of their own.

use super::lexer::Token;
use super::parser::{Parsed, Parser, is_keyword};
use super::syntax::{EventStatement, Named, ReactionStatement, Statement, Term};
use crate::model::math::{Expr, Kind};

impl Parser<'_> {
    /// `2 A + $B -> C; rate`, or the algebraic rule `0 = …`.
    pub(super) fn reaction_or_rule(&mut self, name: Option<Named>) -> Parsed<Statement> {
        let start = name.as_ref().map_or(self.span().start, |name| name.span.start);
        if matches!(self.token(), Token::Number(_)) && *self.peek(1) == Token::Symbol("=") {
            return self.algebraic_rule(start);
        }
        if matches!((self.token(), self.peek(1)), (Token::Name(_), Token::Symbol("("))) {
            let span = start..self.span().end;
            return Err(self.refuse(&span, "submodels ('name: model(…)')", "write the other model's statements here"));
        }
        let reactants = self.side()?;
        let end = self.span().end;
        if !self.take("->") && !self.take("=>") {
            if matches!(self.token(), Token::Symbol("-" | "-|")) {
                let name = Named { name: String::new(), span: start..end };
                while !matches!(self.token(), Token::End | Token::Newline | Token::Symbol(";")) {
                    self.advance();
                }
                return Ok(Statement::Annotation(name));
            }
            return Err(self.unexpected("'->' or '+'"));
        }
        let products = self.side()?;
        let end = self.passed().end;
        if !self.is(";") {
            let error = self.unexpected("';' and the rate law");
            return Err(error.hint("a reaction is written A -> B; k*A"));
        }
        self.advance();
        let rate = match self.token() {
            Token::Symbol(";") | Token::Newline | Token::End => None,
            _ => Some(self.formula()?),
        };
        Ok(Statement::Reaction(ReactionStatement { name, span: start..end, reactants, products, rate }))
    }

    fn algebraic_rule(&mut self, start: usize) -> Parsed<Statement> {
        if *self.token() != Token::Number(0.0) {
            return Err(self.unexpected("a name, or the 0 of an algebraic rule: 0 = formula"));
        }
        self.advance();
        let span = start..self.advance().end;
        match self.token() {
            Token::Symbol(";") | Token::Newline | Token::End => Ok(Statement::Algebraic(span, None)),
            _ => Ok(Statement::Algebraic(span, Some(self.formula()?))),
        }
    }

    fn side(&mut self) -> Parsed<Vec<Term>> {
        let mut terms = Vec::new();
        if matches!(self.token(), Token::Symbol("->" | "=>" | ";") | Token::Newline | Token::End) {
            return Ok(terms);
        }
        loop {
            let span = self.span();
            let negative = self.take("-");
            let mut stoichiometry = match self.token().clone() {
                Token::Number(value) => Some(Expr::number(value, self.advance())),
                Token::Name(name) if matches!(self.peek(1), Token::Name(next) if !is_keyword(next)) => {
                    Some(Expr::name(name, self.advance()))
                }
                Token::Name(name) if *self.peek(1) == Token::Symbol("$") => Some(Expr::name(name, self.advance())),
                _ if negative => return Err(self.unexpected("a number")),
                _ => None,
            };
            if let (true, Some(Expr { kind: Kind::Number(value, _), .. })) = (negative, &stoichiometry) {
                stoichiometry = Some(Expr::number(-value, span.start..self.passed().end));
            }
            let boundary = self.take("$");
            let species = self.name("the name of a species")?;
            terms.push(Term { stoichiometry, boundary, species });
            if !self.take("+") {
                return Ok(terms);
            }
        }
    }

    /// `at [delay after] trigger [, option=…]: x = …, y = …`.
    pub(super) fn event(&mut self, name: Option<Named>) -> Parsed<Statement> {
        let at = self.advance();
        let start = name.as_ref().map_or(at.start, |name| name.span.start);
        let first = self.formula()?;
        let (delay, trigger) = if self.take_word("after") { (Some(first), self.formula()?) } else { (None, first) };
        let mut event = EventStatement {
            name,
            span: start..trigger.span.end,
            trigger,
            delay,
            priority: None,
            at_start: false,
            persistent: true,
            from_trigger: true,
            assignments: Vec::new(),
        };
        while self.take(",") {
            self.skip_newlines();
            let option = self.name("an option: t0, priority, persistent or fromTrigger")?;
            self.expect("=", "'='")?;
            match option.name.as_str() {
                "priority" => event.priority = Some(self.formula()?),
                "t0" => event.at_start = !self.truth()?,
                "persistent" => event.persistent = self.truth()?,
                "fromTrigger" => event.from_trigger = self.truth()?,
                other => {
                    let error = self.source.error(&option.span, format!("'{other}' is no option of an event"));
                    return Err(error.expected("t0, priority, persistent or fromTrigger"));
                }
            }
        }
        self.expect(":", "':' and the assignments")?;
        loop {
            self.skip_newlines();
            if self.is(";") || *self.token() == Token::End {
                break;
            }
            let target = self.name("an assignment such as x = 1")?;
            self.expect("=", "'='")?;
            // Without a formula, as libAntimony writes an assignment that lacks its mathematics, nothing is assigned.
            if !self.is(";") && !self.is(",") {
                event.assignments.push((target, self.formula()?));
            }
            if !self.take(",") {
                break;
            }
        }
        Ok(Statement::Event(event))
    }

    fn truth(&mut self) -> Parsed<bool> {
        match self.token() {
            Token::Name(word) if word == "true" || word == "false" => {
                let truth = word == "true";
                self.advance();
                Ok(truth)
            }
            _ => Err(self.unexpected("'true' or 'false'")),
        }
    }
}
