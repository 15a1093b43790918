//! What goes to standard output or to one file.

use super::failure::{Failure, on_write};
use super::terminal;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Prints one JSON document.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::Library(fenton::Error::Run(format!("cannot write JSON: {error}"))))?;
    text.push('\n');
    print(&text)
}

/// Prints one JSON document entry by entry, so that a long list need not be in memory: the fields of `head`, the list
/// called `name` with the entries that `fill` hands on, and the fields that it returns. Nothing is printed if it fails
/// before the first entry.
pub fn print_json_list(
    head: &serde_json::Value,
    name: &str,
    fill: impl FnOnce(&mut dyn FnMut(&serde_json::Value) -> Result<(), WriteError>) -> Result<serde_json::Value, WriteError>,
) -> Result<(), Failure> {
    to_file_or_stdout(None, |out| {
        let head = serde_json::to_string_pretty(head).map_err(std::io::Error::from)?;
        let head = head.strip_suffix("\n}").unwrap_or(&head);
        let mut before = format!("{head},\n  \"{name}\": [\n    ");
        let mut entries = 0;
        let tail = fill(&mut |entry| {
            out.write_all(before.as_bytes())?;
            before = ",\n    ".into();
            entries += 1;
            Ok(serde_json::to_writer(&mut *out, entry).map_err(std::io::Error::from)?)
        })?;
        if entries == 0 {
            out.write_all(before.as_bytes())?;
        }
        out.write_all(b"\n  ]")?;
        for (name, value) in tail.as_object().into_iter().flatten() {
            write!(out, ",\n  \"{name}\": {value}")?;
        }
        Ok(out.write_all(b"\n}\n")?)
    })
}

pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let text = if out.is_terminal() { terminal::harmless(text) } else { text.into() };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(on_write("standard output"))
}

/// Calls `write` with standard output, or with a file that takes its place only when all of it is written.
pub fn to_file_or_stdout(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), Failure> {
    let failure = |name: &str, error| match error {
        WriteError::Io(source) => on_write(name)(source),
        WriteError::Other(failure) => failure,
    };
    match path {
        None => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            let written = write(&mut out).and_then(|()| Ok(out.flush()?));
            // What is left in the buffer would be written once more when it is dropped.
            let _ = out.into_parts();
            written.map_err(|error| failure("standard output", error))
        }
        Some(path) => {
            let name = path.display().to_string();
            let mut file = fenton::files::WholeFile::create(path).map_err(on_write(&name))?;
            write(&mut file).map_err(|error| failure(&name, error))?;
            file.finish().map_err(on_write(&name))
        }
    }
}

/// From inside a writer: the file is at fault, or something else.
#[derive(Debug)]
pub enum WriteError {
    Io(std::io::Error),
    Other(Failure),
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        WriteError::Io(error)
    }
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        WriteError::Other(failure)
    }
}

impl From<fenton::Error> for WriteError {
    fn from(error: fenton::Error) -> Self {
        WriteError::Other(error.into())
    }
}
