//! Text to tokens.

use crate::Diagnostic;
use crate::model::math::Source;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Name(String),
    Number(f64),
    Text,
    Symbol(&'static str),
    Newline,
    End,
}

#[derive(Debug, Clone)]
pub struct Spanned {
    pub token: Token,
    pub span: Range<usize>,
}

/// Longest first.
const SYMBOLS: [&str; 36] = [
    "...", "->", "=>", "<->", "<=>", ":=", "==", "!=", "<=", ">=", "&&", "||", "-|", "**", "+", "-", "*", "/", "^",
    "%", "(", ")", "{", "}", "[", "]", ",", ";", ":", "=", "<", ">", "!", "$", ".", "~",
];

/// The tokens of `source`, ending with [`Token::End`]; every character that starts no token is an error.
pub fn lex(source: &Source) -> Result<Vec<Spanned>, Vec<Diagnostic>> {
    let text = source.text.as_str();
    let bytes = text.as_bytes();
    let (mut tokens, mut errors) = (Vec::new(), Vec::new());
    let mut at = usize::from(text.starts_with('\u{feff}')) * '\u{feff}'.len_utf8();
    while at < bytes.len() {
        let rest = &text[at..];
        let start = at;
        let first = rest.chars().next().unwrap_or(' ');
        let mut push = |token, end: usize| tokens.push(Spanned { token, span: start..end });
        if first == '\n' {
            at += 1;
            push(Token::Newline, at);
        } else if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("//") || first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            match rest.find("*/") {
                Some(end) => at += end + 2,
                None => {
                    let hint = "close it with '*/'";
                    errors.push(source.error(&(start..start + 2), "this comment has no end").hint(hint));
                    at = text.len();
                }
            }
        } else if first == '\\' && rest[1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
            at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        } else if first == '"' || rest.starts_with("```") {
            let (mark, many) = match rest {
                _ if rest.starts_with("\"\"\"") => ("\"\"\"", true),
                _ if rest.starts_with("```") => ("```", true),
                _ => ("\"", false),
            };
            match rest[mark.len()..].find(mark).filter(|&end| many || !rest[..mark.len() + end].contains('\n')) {
                Some(end) => {
                    at += end + 2 * mark.len();
                    push(Token::Text, at);
                }
                None => {
                    let line = rest.find('\n').unwrap_or(rest.len());
                    let error = source.error(&(start..start + line), "this text has no end");
                    errors.push(error.hint(format!("close it with {mark}")));
                    at += if many { rest.len() } else { line };
                }
            }
        } else if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            at += number_length(rest.as_bytes());
            match text[start..at].parse() {
                Ok(value) if value == f64::INFINITY => {
                    let error = source.error(&(start..at), "this number is too large");
                    errors.push(error.expected("at most 1.8e308").hint("an infinite value is written inf"));
                }
                Ok(value) => push(Token::Number(value), at),
                Err(_) => errors.push(source.error(&(start..at), "this is not a number")),
            }
        } else if first.is_ascii_alphabetic() || first == '_' {
            at += rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            push(Token::Name(text[start..at].to_string()), at);
        } else if first == '\'' {
            let after = rest[1..].trim_start_matches([' ', '\t']);
            if after.starts_with('=') && !after.starts_with("==") {
                at += rest.len() - after.len() + 1;
                push(Token::Symbol("'="), at);
            } else {
                at += 1;
                let error = source.error(&(start..at), "found \"'\"").expected("\"'=\"");
                errors.push(error.hint("a rate rule is written x' = formula; text stands in double quotes"));
            }
        } else if let Some(symbol) = SYMBOLS.iter().filter(|s| rest.starts_with(**s)).max_by_key(|s| s.len()) {
            at += symbol.len();
            push(Token::Symbol(symbol), at);
        } else {
            at += first.len_utf8();
            let error = source.error(&(start..at), format!("found '{first}'"));
            errors.push(if first.is_alphabetic() {
                error.expected("a name of the letters A-Z, a-z, digits and '_'").hint(
                    "give it a plain name and write \
                    the real one behind it: name is \"real name\"",
                )
            } else {
                error.hint("this character has no meaning in Antimony")
            });
        }
    }
    tokens.push(Spanned { token: Token::End, span: text.len()..text.len() });
    if errors.is_empty() { Ok(tokens) } else { Err(errors) }
}

/// How many bytes a number takes; an exponent counts only if it has digits.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') {
        at += 1 + digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits((at + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
