//! The error type of the library.
//!
//! Three kinds matter to a caller: the input is at fault (and a [`Diagnostic`] says where and what to do), the
//! machine is at fault (a file that cannot be written, a lost device), or the run itself could not give a result.

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
        write!(f, "{}", self.message)?;
        if let Some(place) = &self.place {
            let margin = place.line.to_string();
            let marks = "^".repeat(place.length);
            let indent: String =
                place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {margin} | {}\n  {:2$} | {indent}{marks}", place.text, "", margin.len())?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {expected}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
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
