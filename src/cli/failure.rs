//! Why a command did not come to its end, and the exit code that says so.

use std::io::ErrorKind;
use std::process::ExitCode;

#[derive(Debug)]
pub enum Failure {
    /// Arguments that parse but make no sense together.
    Usage(String),
    /// From the library.
    Library(fenton::Error),
    /// A result could not be written.
    Output(fenton::Error),
    /// Ctrl-C, or the end was asked for from outside.
    Interrupted(String),
    /// The result is written, and it says itself that it is not to be believed.
    Unconverged(String),
    /// Whoever read our standard output has had enough (`fenton … | head`): no failure at all.
    Closed,
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Closed => 0,
            Failure::Library(fenton::Error::Input(_) | fenton::Error::File { .. }) => 1,
            Failure::Usage(_) => 2,
            Failure::Library(_) | Failure::Output(_) | Failure::Interrupted(_) => 3,
            Failure::Unconverged(_) => 4,
        })
    }
}

impl From<fenton::Error> for Failure {
    fn from(error: fenton::Error) -> Self {
        Failure::Library(error)
    }
}

impl From<fenton::Diagnostic> for Failure {
    fn from(diagnostic: fenton::Diagnostic) -> Self {
        Failure::Library(diagnostic.into())
    }
}

/// What a failed write to `path` (or to standard output) means.
pub fn on_write(path: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |source| match source.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Output(fenton::Error::file(path, source)),
    }
}
