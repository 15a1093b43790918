//! The error type of the library.
//!
//! Three kinds matter to a caller: the input is at fault (and a [`Diagnostic`] says where and what to do), the
//! machine is at fault (a file that cannot be written, a lost device), or the run itself could not give a result.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something in a model, a study or a data file is wrong; one entry for each thing found.
    #[error("{}", join(.0))]
    Input(Vec<Diagnostic>),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// No engine could do the work: no adapter of that name, a device lost with no fallback allowed, …
    #[error("engine: {0}")]
    Engine(String),
    /// The run ended without a result, for instance because no start could be integrated.
    #[error("{0}")]
    Run(String),
}

impl Error {
    pub fn input(diagnostic: Diagnostic) -> Self {
        Error::Input(vec![diagnostic])
    }

    pub fn file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Error::File { path: path.into(), source }
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Error::input(diagnostic)
    }
}

/// One thing wrong with an input: where it stands, what was found, what was expected and what to do about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnostic {
    /// The file's name as the user gave it; empty for text that came from no file.
    pub file: String,
    /// Where in the file, when a place can be named.
    pub place: Option<Place>,
    /// What was found.
    pub message: String,
    /// What was expected there.
    pub expected: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// A place in a text file. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    /// How many characters the place covers; at least 1.
    pub length: usize,
    /// The line itself, without its end.
    pub text: String,
}

impl Place {
    /// The place of the bytes `range` in `source`. A range that reaches past the end is cut, one that runs over
    /// several lines ends with the first.
    pub fn new(source: &str, range: std::ops::Range<usize>) -> Self {
        let floor = |mut at: usize| {
            at = at.min(source.len());
            while !source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(range.start), floor(range.end));
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let length = source[start..end.clamp(start, line_end)].chars().count().max(1);
        Place {
            line: source[..start].matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            length,
            text: source[line_start..line_end].trim_end_matches('\r').to_string(),
        }
    }
}

impl Diagnostic {
    pub fn new(message: impl Into<String>) -> Self {
        Diagnostic { message: message.into(), ..Default::default() }
    }

    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.file.is_empty()) {
            (Some(place), false) => write!(f, "{}:{}:{}: ", self.file, place.line, place.column)?,
            (Some(place), true) => write!(f, "line {}, column {}: ", place.line, place.column)?,
            (None, false) => write!(f, "{}: ", self.file)?,
            (None, true) => {}
        }
        write!(f, "{}", shortened(&self.message))?;
        if let Some(place) = self.place.as_ref().filter(|place| !place.text.is_empty()) {
            let margin = place.line.to_string();
            let (text, before, length) = place.shown();
            let indent: String = text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let marks = "^".repeat(length);
            write!(f, "\n  {margin} | {text}\n  {:1$} | {indent}{marks}", "", margin.len())?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {}", shortened(expected))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", shortened(hint))?;
        }
        Ok(())
    }
}

/// How many characters of a line, or of a message, are shown at most.
const WIDEST: usize = 320;

/// What is left of the place in a line that is cut.
const CONTEXT: usize = 80;

/// `text` without its middle, where it is long: a file may hold a name of a million letters.
fn shortened(text: &str) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= WIDEST {
        return Cow::Borrowed(text);
    }
    let start: String = text.chars().take(WIDEST / 2).collect();
    let end: String = text.chars().skip(count - WIDEST / 4).collect();
    Cow::Owned(format!("{start} … {end}"))
}

impl Place {
    /// The line, cut around the place where it is long; the characters before the place, and how many it covers.
    fn shown(&self) -> (String, usize, usize) {
        let before = self.column - 1;
        if self.text.chars().count() <= WIDEST {
            return (self.text.clone(), before, self.length);
        }
        let skipped = before.saturating_sub(CONTEXT);
        let mut text: String = self.text.chars().skip(skipped).take(WIDEST).collect();
        if self.text.chars().count() > skipped + WIDEST {
            text.push('…');
        }
        let lead = if skipped > 0 { "…" } else { "" };
        let before = before - skipped;
        (format!("{lead}{text}"), before + lead.chars().count(), self.length.min(WIDEST - before))
    }
}

fn join(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_and_drops_the_carriage_return() {
        let source = "a = 1\r\nµ = x\r\n";
        let at = source.find('x').unwrap();
        let place = Place::new(source, at..at + 1);
        assert_eq!((place.line, place.column, place.length), (2, 5, 1));
        assert_eq!(place.text, "µ = x");
    }

    #[test]
    fn a_line_of_a_million_letters_is_cut_around_its_place() {
        let source = format!("{}!{}", "a".repeat(500_000), "b".repeat(500_000));
        let text = Diagnostic::new("z".repeat(1_000_000)).in_file("m.ant").at(Place::new(&source, 500_000..500_001));
        let text = text.to_string();
        assert!(text.starts_with("m.ant:1:500001: zzz") && text.len() < 1500, "{} bytes", text.len());
        let lines: Vec<&str> = text.lines().collect();
        let at = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(at), Some('!'));
    }

    #[test]
    fn a_diagnostic_points_at_the_place() {
        let source = "k = 1\nk2 == 3";
        let text = Diagnostic::new("found '=='")
            .in_file("m.ant")
            .at(Place::new(source, 9..11))
            .expected("'='")
            .hint("one '=' sets a value")
            .to_string();
        assert_eq!(
            text,
            "m.ant:2:4: found '=='\n  2 | k2 == 3\n    |    ^^\n  expected: '='\n  hint: one '=' sets a value"
        );
    }
}
