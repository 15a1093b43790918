//! Tokens to statements. After an error the parser goes on with the next statement, so that one run shows them all.

use super::lexer::{Spanned, Token, lex};
use super::syntax::*;
use crate::Diagnostic;
use crate::model::math::{Expr, Source};

/// After this many errors the rest is not worth reading.
const MOST_ERRORS: usize = 20;

const KEYWORDS: [&str; 22] = [
    "model",
    "module",
    "function",
    "end",
    "compartment",
    "species",
    "substanceOnly",
    "const",
    "var",
    "unit",
    "at",
    "in",
    "is",
    "has",
    "import",
    "delete",
    "formula",
    "gene",
    "operator",
    "DNA",
    "reaction",
    "after",
];

/// Words that no formula can contain as a name.
pub fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

pub struct Parser<'a> {
    pub source: &'a Source,
    tokens: Vec<Spanned>,
    at: usize,
    errors: Vec<Diagnostic>,
    /// How deep in a formula.
    pub depth: usize,
    /// How many parentheses are open; within them line ends do not matter.
    pub open: usize,
    /// Whether the operand just read stood in parentheses.
    pub last_was_closed: bool,
}

pub type Parsed<T> = Result<T, Diagnostic>;

/// Reads a whole file.
pub fn parse(source: &Source) -> Result<File, Vec<Diagnostic>> {
    let mut parser = Parser::new(source)?;
    let file = parser.file();
    if parser.errors.is_empty() { Ok(file) } else { Err(parser.errors) }
}

/// Reads a text that is one formula.
pub fn parse_formula(source: &Source) -> Result<Expr, Vec<Diagnostic>> {
    let mut parser = Parser::new(source)?;
    parser.open = 1;
    parser.skip_newlines();
    let formula = parser.formula().map_err(|error| vec![error])?;
    parser.skip_newlines();
    match parser.token() {
        Token::End => Ok(formula),
        _ => Err(vec![parser.unexpected("an operator or the end of the formula")]),
    }
}

impl<'a> Parser<'a> {
    fn new(source: &'a Source) -> Result<Self, Vec<Diagnostic>> {
        let tokens = lex(source)?;
        Ok(Parser { source, tokens, at: 0, errors: Vec::new(), depth: 0, open: 0, last_was_closed: false })
    }

    pub fn token(&self) -> &Token {
        &self.tokens[self.at].token
    }

    pub(super) fn peek(&self, ahead: usize) -> &Token {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].token
    }

    pub fn span(&self) -> Span {
        self.tokens[self.at].span.clone()
    }

    /// The place of the token just passed.
    pub fn passed(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span.clone()
    }

    /// Goes one token on; the place of the one passed.
    pub fn advance(&mut self) -> Span {
        let span = self.span();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        span
    }

    pub fn skip_newlines(&mut self) {
        while *self.token() == Token::Newline {
            self.advance();
        }
    }

    pub(super) fn is(&self, symbol: &'static str) -> bool {
        *self.token() == Token::Symbol(symbol)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.token(), Token::Name(name) if name == word)
    }

    pub(super) fn take(&mut self, symbol: &'static str) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub fn expect(&mut self, symbol: &'static str, expected: &str) -> Parsed<Span> {
        if self.is(symbol) { Ok(self.advance()) } else { Err(self.unexpected(expected)) }
    }

    pub fn unexpected(&self, expected: &str) -> Diagnostic {
        let span = self.span();
        let found = match self.token() {
            Token::Newline => "the end of the line".to_string(),
            Token::End => "the end of the text".to_string(),
            _ => format!("'{}'", self.source.slice(&span).lines().next().unwrap_or_default()),
        };
        let error = self.source.error(&span, format!("found {found}")).expected(expected);
        match self.token() {
            Token::Symbol("**") => error.hint("a power is written a^b"),
            Token::Symbol("=")
                if self.depth > 0 || expected.contains("operator") || expected.starts_with("':' and") =>
            {
                error.hint("a comparison for equality is written a == b")
            }
            Token::Symbol(",") if expected.contains("end of the line") => {
                error.hint("decimals are written with a point")
            }
            Token::Symbol("<->" | "<=>") => error.hint("a reversible reaction is written A -> B; forward - backward"),
            Token::Name(name) if name == "and" || name == "or" => error.hint("written a && b, a || b"),
            _ => error,
        }
    }

    pub(super) fn name(&mut self, what: &str) -> Parsed<Named> {
        match self.token().clone() {
            Token::Name(name) if !is_keyword(&name) => Ok(Named { name, span: self.advance() }),
            Token::Name(name) => {
                Err(self.unexpected(what).hint(format!("'{name}' is a word of the language and cannot be a name")))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// `name` that has been read, with what follows it behind dots.
    pub fn dotted(&mut self, name: String, start: usize) -> Parsed<(String, Span)> {
        let mut name = name;
        let mut end = start + name.len();
        while self.is(".") && matches!(self.peek(1), Token::Name(_)) {
            self.advance();
            if let Token::Name(part) = self.token().clone() {
                name = format!("{name}.{part}");
                end = self.advance().end;
            }
        }
        Ok((name, start..end))
    }

    fn file(&mut self) -> File {
        let mut file = File::default();
        while *self.token() != Token::End && self.errors.len() < MOST_ERRORS {
            if self.take(";") || *self.token() == Token::Newline && self.advance().end > 0 {
                continue;
            }
            let block = !matches!(self.peek(1), Token::Symbol(".")) && !self.is_annotation(1);
            if (self.is_word("model") || self.is_word("module")) && block {
                match self.block() {
                    Ok(block) => file.models.push(block),
                    Err(error) => self.recover(error),
                }
            } else if self.is_word("function") {
                match self.function() {
                    Ok(function) => file.functions.push(function),
                    Err(error) => {
                        self.recover(error);
                        self.skip_to_end();
                    }
                }
            } else {
                let mut statements = Vec::new();
                self.one(&mut statements);
                file.loose.append(&mut statements);
            }
        }
        file
    }

    /// Notes an error and goes on with the next line: what follows a ';' may still belong to the statement.
    fn recover(&mut self, error: Diagnostic) {
        self.errors.push(error);
        self.open = 0;
        self.depth = 0;
        while !matches!(self.token(), Token::End | Token::Newline) && !self.is_word("end") {
            self.advance();
        }
    }

    fn skip_to_end(&mut self) {
        while *self.token() != Token::End && !self.take_word("end") {
            self.advance();
        }
    }

    fn block(&mut self) -> Parsed<Block> {
        self.advance();
        let main = self.take("*");
        let name = self.name("the model's name")?;
        if self.take("(") {
            while !self.take(")") {
                match self.token() {
                    Token::End => return Err(self.unexpected("')'")),
                    _ => _ = self.advance(),
                }
            }
        }
        let mut statements = Vec::new();
        loop {
            self.skip_newlines();
            if self.take(";") {
                continue;
            }
            if self.take_word("end") {
                break;
            }
            if *self.token() == Token::End {
                let error = self.source.error(&name.span, format!("the model '{}' has no 'end'", name.name));
                self.errors.push(error.hint("close the block with a line 'end'"));
                break;
            }
            if self.errors.len() >= MOST_ERRORS {
                break;
            }
            self.one(&mut statements);
        }
        Ok(Block { name, main, statements })
    }

    fn function(&mut self) -> Parsed<FunctionBlock> {
        self.advance();
        let name = self.name("the function's name")?;
        self.expect("(", "'('")?;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.name("the name of an argument")?);
                if self.take(")") {
                    break;
                }
                self.expect(",", "',' or ')'")?;
            }
        }
        while self.is(";") || *self.token() == Token::Newline {
            self.advance();
        }
        let body = self.formula()?;
        while self.is(";") || *self.token() == Token::Newline {
            self.advance();
        }
        if !self.take_word("end") {
            return Err(self.unexpected("'end'").hint("a function is one formula: function f(x) x^2; end"));
        }
        Ok(FunctionBlock { name, arguments, body })
    }

    /// Reads one statement and what ends it.
    fn one(&mut self, statements: &mut Vec<Statement>) {
        let parsed = self.statement().and_then(|statement| {
            match self.token() {
                Token::End | Token::Newline | Token::Symbol(";") => {}
                Token::Name(name) if name == "end" => {}
                _ => return Err(self.unexpected("an operator, ';' or the end of the line")),
            }
            Ok(statement)
        });
        match parsed {
            Ok(statement) => statements.push(statement),
            Err(error) => self.recover(error),
        }
    }

    pub(super) fn refuse(&self, span: &Span, what: &str, hint: &str) -> Diagnostic {
        self.source.error(span, format!("{what} are not supported")).hint(hint)
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let span = self.span();
        let Token::Name(word) = self.token().clone() else {
            return match self.token() {
                Token::Number(_) | Token::Symbol("$" | "->" | "=>") => self.reaction_or_rule(None),
                _ => Err(self.unexpected("a statement")),
            };
        };
        match word.as_str() {
            "at" => return self.event(None),
            "unit" => return self.unit(),
            "import" => {
                let hint = "put the text of the other file here: everything has to stand in one file";
                return Err(self.refuse(&span, "imports", hint));
            }
            "delete" => return Err(self.refuse(&span, "deletions ('delete')", "leave the element out")),
            "model" | "module" if self.peek(1) == &Token::Symbol(".") => {}
            "model" | "module" if self.is_annotation(1) => {
                self.advance();
                return self.annotation(Named { name: word, span });
            }
            "model" | "module" | "function" => {
                let hint = "has the block before it an 'end'?";
                return Err(self.source.error(&span, format!("'{word}' within a model block")).hint(hint));
            }
            "reaction" | "event" if matches!(self.peek(1), Token::Name(_)) => _ = self.advance(),
            "gene" | "operator" | "DNA" => {
                return Err(self.refuse(&span, "DNA strands (gene, operator)", "write the reactions out"));
            }
            "const" | "var" | "species" | "compartment" | "substanceOnly" | "formula" => return self.declaration(),
            _ => {}
        }
        self.statement_of_name()
    }

    /// A statement that begins with a name of the model.
    fn statement_of_name(&mut self) -> Parsed<Statement> {
        // A reaction without a name begins with names too: `2 A + B -> C`, `n A -> B`.
        let span = self.span();
        match self.peek(1) {
            Token::Symbol("+" | "->" | "=>" | "<->" | "<=>") => return self.reaction_or_rule(None),
            Token::Name(next) if !is_keyword(next) && !self.is_annotation(1) => return self.reaction_or_rule(None),
            Token::Symbol("$") => return self.reaction_or_rule(None),
            _ => {}
        }
        let Token::Name(word) = self.token().clone() else { return Err(self.unexpected("a name")) };
        let name = if word == "model" { Named { name: word, span: self.advance() } } else { self.name("a statement")? };
        let (dotted, span) = self.dotted(name.name.clone(), span.start)?;
        let name = Named { name: dotted, span };
        let assign = match self.token().clone() {
            Token::Symbol("=") => Assign::Initial,
            Token::Symbol(":=") => Assign::Rule,
            Token::Symbol("'=") => Assign::Rate,
            Token::Symbol(":") => {
                self.advance();
                if self.is_word("at") {
                    return self.event(Some(name));
                }
                return self.reaction_or_rule(Some(name));
            }
            Token::Name(next) if next == "in" => {
                self.advance();
                let compartment = self.name("the name of a compartment")?;
                if self.is(":") {
                    self.advance();
                    return self.reaction_or_rule(Some(name));
                }
                return Ok(Statement::In(name, compartment));
            }
            Token::Name(next) if next == "has" => {
                self.advance();
                return Ok(Statement::Has(name, self.formula()?));
            }
            Token::Name(_) if self.is_annotation(0) => return self.annotation(name),
            Token::Name(next) if next == "is" => {
                let hint = "give both the same name";
                return Err(self.refuse(&self.span(), "synchronised names ('a is b')", hint));
            }
            Token::Symbol("~") => {
                return Err(self.refuse(&self.span(), "distributions ('~')", "priors and spread belong to the study"));
            }
            Token::Symbol("-" | "-|") => {
                // An interaction: it names a modifier and has no effect on the equations.
                while !matches!(self.token(), Token::End | Token::Newline | Token::Symbol(";")) {
                    self.advance();
                }
                return Ok(Statement::Annotation(name));
            }
            Token::Symbol("(") => {
                let error = self.source.error(&name.span, format!("'{}(' begins no statement", name.name));
                return Err(error.hint("submodels are not supported; a formula needs a name: x := f(y)"));
            }
            _ => return Err(self.unexpected("'=', ':=', \"'=\", ':', 'in', 'has', 'is' or '->'")),
        };
        self.advance();
        if assign == Assign::Initial && name.name.ends_with(".sboTerm") {
            return self.sbo_term(name);
        }
        if assign == Assign::Initial && matches!(self.token(), Token::Symbol(";") | Token::Newline | Token::End) {
            // So libAntimony writes what has no value.
            let item = Item { name, boundary: false, compartment: None, value: None };
            return Ok(Statement::Declaration(Modifiers::default(), vec![item]));
        }
        Ok(Statement::Assignment(name, assign, self.formula()?))
    }

    /// Whether an annotation's words begin that many tokens ahead: `is "text"`, `creator1.givenName "text"`.
    fn is_annotation(&self, ahead: usize) -> bool {
        let mut at = ahead;
        while matches!((self.peek(at), self.peek(at + 1)), (Token::Name(_), Token::Symbol("."))) {
            at += 2;
        }
        matches!((self.peek(at), self.peek(at + 1)), (Token::Name(_), Token::Text))
    }

    /// `29` or `SBO:0000029`: what a thing is called in the Systems Biology Ontology.
    fn sbo_term(&mut self, name: Named) -> Parsed<Statement> {
        let expected = "a number or SBO:0000029";
        if self.take_word("SBO") {
            self.expect(":", expected)?;
        }
        match self.token() {
            Token::Number(_) => _ = self.advance(),
            _ => return Err(self.unexpected(expected)),
        }
        Ok(Statement::Annotation(name))
    }

    /// From the first word behind `name` on: `is "text"`, `identity "…", "…"`.
    fn annotation(&mut self, name: Named) -> Parsed<Statement> {
        let word = self.span();
        while *self.token() != Token::Text && *self.token() != Token::End {
            self.advance();
        }
        let text = self.source.slice(&self.span()).trim_matches('"').to_string();
        loop {
            if *self.token() != Token::Text {
                return Err(self.unexpected("a text in double quotes"));
            }
            self.advance();
            if !self.take(",") {
                break;
            }
            self.skip_newlines();
        }
        if self.source.slice(&word) == "is" {
            Ok(Statement::Label(name, text))
        } else {
            Ok(Statement::Annotation(name))
        }
    }

    fn unit(&mut self) -> Parsed<Statement> {
        self.advance();
        let name = self.name("the unit's name")?;
        self.expect("=", "'='")?;
        Ok(Statement::Unit(name, self.formula()?))
    }

    fn declaration(&mut self) -> Parsed<Statement> {
        let mut modifiers = Modifiers::default();
        while let Token::Name(word) = self.token().clone() {
            match word.as_str() {
                "const" => modifiers.constant = Some(true),
                "var" => modifiers.constant = Some(false),
                "substanceOnly" => modifiers.substance_only = true,
                "species" => modifiers.class = Some(Class::Species),
                "compartment" => modifiers.class = Some(Class::Compartment),
                "formula" => modifiers.class = Some(Class::Formula),
                "gene" | "operator" | "DNA" => {
                    let hint = "write the reactions out";
                    return Err(self.refuse(&self.span(), "DNA strands (gene, operator)", hint));
                }
                _ => break,
            }
            self.advance();
        }
        let mut items = vec![self.item()?];
        while self.take(",") {
            self.skip_newlines();
            items.push(self.item()?);
        }
        Ok(Statement::Declaration(modifiers, items))
    }

    fn item(&mut self) -> Parsed<Item> {
        let boundary = self.take("$");
        let name = self.name("a name")?;
        let compartment = if self.take_word("in") { Some(self.name("the name of a compartment")?) } else { None };
        let assign = match self.token() {
            Token::Symbol("=") => Some(Assign::Initial),
            Token::Symbol(":=") => Some(Assign::Rule),
            Token::Symbol("'=") => Some(Assign::Rate),
            _ => None,
        };
        let value = match assign {
            Some(assign) => {
                self.advance();
                Some((assign, self.formula()?))
            }
            None => None,
        };
        Ok(Item { name, boundary, compartment, value })
    }
}
