//! Formulas: a Pratt parser.
//!
//! Precedence is that of libSBML's L3 parser, on which Antimony stands: `^` to the right, then the signs and `!`,
//! then `* / %`, then `+ -`, then comparisons. There `&&` and `||` bind alike; a formula whose meaning would hang on
//! that is refused rather than read in a way its author may not have meant.

use super::lexer::Token;
use super::parser::Parser;
use crate::Diagnostic;
use crate::model::math::{Comparison, Expr, Kind, Operator};

/// How deep parentheses, signs and powers may be nested.
const DEEPEST: usize = 100;

/// How tightly a sign or `!` binds.
const UNARY_POWER: u8 = 11;

type Parsed = Result<Expr, Diagnostic>;

impl Parser<'_> {
    pub fn formula(&mut self) -> Parsed {
        self.binding(0)
    }

    /// A formula of operators that bind at least as tightly as `least`.
    fn binding(&mut self, least: u8) -> Parsed {
        if self.depth >= DEEPEST {
            let error = self.source.error(&self.span(), format!("this formula is nested more than {DEEPEST} deep"));
            return Err(error.hint("give parts of it names with ':='"));
        }
        self.depth += 1;
        let result = self.binding_inner(least);
        self.depth -= 1;
        result
    }

    fn binding_inner(&mut self, least: u8) -> Parsed {
        let mut left = self.prefix()?;
        let mut parenthesised = self.last_was_closed;
        // Left-leaning trees (a/b/c/…) nest too.
        let mut leaning = 0;
        loop {
            if self.open > 0 {
                self.skip_newlines();
            }
            let Some((symbol, power)) = self.operator().filter(|(_, power)| *power >= least) else { return Ok(left) };
            self.advance();
            if self.open > 0 {
                self.skip_newlines();
            }
            left = match symbol {
                "^" => {
                    let right = self.binding(power)?;
                    self.join(Operator::Power, left, right, false)
                }
                "+" | "-" => {
                    let mut right = self.binding(power + 1)?;
                    if symbol == "-" {
                        let span = right.span.clone();
                        right = Expr::apply(Operator::Negate, vec![right], span);
                    }
                    self.join(Operator::Add, left, right, !parenthesised)
                }
                "*" => {
                    let right = self.binding(power + 1)?;
                    self.join(Operator::Multiply, left, right, !parenthesised)
                }
                "/" | "%" => {
                    let right = self.binding(power + 1)?;
                    let operator = if symbol == "/" { Operator::Divide } else { Operator::Modulo };
                    self.join(operator, left, right, false)
                }
                "&&" | "||" => {
                    let right = self.binding(power + 1)?;
                    let operator = if symbol == "&&" { Operator::And } else { Operator::Or };
                    if operator == Operator::And && !parenthesised && matches!(&left.kind, Kind::Apply(Operator::Or, _))
                    {
                        let error = self.source.error(&left.span, "'&&' after '||' without parentheses");
                        return Err(error.expected("(a || b) && c, or a || (b && c)").hint(
                            "Antimony reads it as (a || b) && c, most other languages as a || (b && c): say which",
                        ));
                    }
                    self.join(operator, left, right, !parenthesised)
                }
                _ => {
                    let comparison = match symbol {
                        "<" => Comparison::Less,
                        "<=" => Comparison::LessEqual,
                        ">" => Comparison::Greater,
                        ">=" => Comparison::GreaterEqual,
                        "==" => Comparison::Equal,
                        _ => Comparison::NotEqual,
                    };
                    let right = self.binding(power + 1)?;
                    let span = left.span.start..right.span.end;
                    match left.kind {
                        Kind::Chain(first, mut rest) if !parenthesised => {
                            rest.push((comparison, right));
                            Expr::new(Kind::Chain(first, rest), span)
                        }
                        kind => {
                            let first = Box::new(Expr::new(kind, left.span));
                            Expr::new(Kind::Chain(first, vec![(comparison, right)]), span)
                        }
                    }
                }
            };
            parenthesised = false;
            leaning += usize::from(matches!(symbol, "/" | "%" | "^"));
            if leaning > DEEPEST {
                return Err(self.source.error(&left.span, format!("more than {DEEPEST} divisions in a row")));
            }
        }
    }

    /// `left operator right`; if `flat`, a left side of the same operator takes the right one in.
    fn join(&self, operator: Operator, left: Expr, right: Expr, flat: bool) -> Expr {
        let span = left.span.start..right.span.end;
        match left.kind {
            Kind::Apply(inner, mut arguments) if flat && inner == operator => {
                arguments.push(right);
                Expr::apply(operator, arguments, span)
            }
            kind => Expr::apply(operator, vec![Expr::new(kind, left.span), right], span),
        }
    }

    /// The operator that comes next and how tightly it binds.
    fn operator(&self) -> Option<(&'static str, u8)> {
        let Token::Symbol(symbol) = *self.token() else { return None };
        let power = match symbol {
            "&&" | "||" => 1,
            "<" | "<=" | ">" | ">=" | "==" | "!=" => 3,
            "+" | "-" => 5,
            "*" | "/" | "%" => 7,
            "^" => 13,
            _ => return None,
        };
        Some((symbol, power))
    }

    fn prefix(&mut self) -> Parsed {
        if self.open > 0 {
            self.skip_newlines();
        }
        let span = self.span();
        self.last_was_closed = false;
        match self.token().clone() {
            Token::Number(value) => {
                self.advance();
                let unit = match self.token() {
                    Token::Name(name) if !super::parser::is_keyword(name) => Some(name.clone()),
                    _ => None,
                };
                let end = if unit.is_some() { self.advance().end } else { span.end };
                Ok(Expr::new(Kind::Number(value, unit), span.start..end))
            }
            Token::Name(name) if super::parser::is_keyword(&name) => {
                let error = self.unexpected("a number, a name or '('");
                Err(error.hint(format!("'{name}' is a word of the language and cannot be a name")))
            }
            Token::Name(name) => {
                self.advance();
                if *self.token() != Token::Symbol("(") {
                    let dotted = self.dotted(name, span.start)?;
                    return Ok(Expr::name(dotted.0, dotted.1));
                }
                let (arguments, end) = self.arguments()?;
                self.last_was_closed = false;
                Ok(Expr::apply(Operator::Function(name), arguments, span.start..end))
            }
            Token::Symbol("(") => {
                self.advance();
                self.open += 1;
                let inner = self.formula();
                self.skip_newlines();
                self.open -= 1;
                let mut inner = inner?;
                let end = self.expect(")", "an operator or ')'")?.end;
                self.last_was_closed = true;
                inner.span = span.start..end;
                Ok(inner)
            }
            Token::Symbol("+") => {
                self.advance();
                self.binding(UNARY_POWER)
            }
            Token::Symbol(symbol @ ("-" | "!")) => {
                self.advance();
                let inner = self.binding(UNARY_POWER)?;
                let span = span.start..inner.span.end;
                self.last_was_closed = false;
                let operator = if symbol == "-" { Operator::Negate } else { Operator::Not };
                Ok(Expr::apply(operator, vec![inner], span))
            }
            _ => Err(self.unexpected("a number, a name or '('")),
        }
    }

    /// The arguments of a call, from its '(' on, and where they end.
    fn arguments(&mut self) -> Result<(Vec<Expr>, usize), Diagnostic> {
        self.advance();
        self.open += 1;
        let result = self.arguments_inner();
        self.open -= 1;
        result
    }

    fn arguments_inner(&mut self) -> Result<(Vec<Expr>, usize), Diagnostic> {
        let mut arguments = Vec::new();
        self.skip_newlines();
        if *self.token() == Token::Symbol(")") {
            return Ok((arguments, self.advance().end));
        }
        loop {
            arguments.push(self.formula()?);
            self.skip_newlines();
            match self.token() {
                Token::Symbol(")") => return Ok((arguments, self.advance().end)),
                Token::Symbol(",") => _ = self.advance(),
                _ => return Err(self.unexpected("an operator, ',' or ')'")),
            }
        }
    }
}
