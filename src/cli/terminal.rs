//! What goes to standard error: messages, in colour on a terminal only; and Ctrl-C.

use super::failure::Failure;
use fenton::Diagnostic;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// When the first Ctrl-C came.
static FIRST: OnceLock<Instant> = OnceLock::new();

/// Programs that start others (`timeout`, package runners) may deliver one Ctrl-C twice within this time.
const SAME: Duration = Duration::from_millis(300);

/// Lets the first Ctrl-C (or SIGTERM) ask for an orderly end; the second ends the program at once.
pub fn catch_interrupts() {
    // Without a handler the default action ends the program, which is the second-best behaviour.
    let _ = ctrlc::set_handler(|| {
        let first = FIRST.get_or_init(Instant::now);
        if INTERRUPTED.swap(true, Ordering::SeqCst) && first.elapsed() > SAME {
            std::process::exit(3);
        }
    });
}

/// Set by Ctrl-C, for work that looks at it now and then.
pub fn interrupted() -> Arc<AtomicBool> {
    INTERRUPTED.clone()
}

pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn colour() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !unwanted
}

fn paint(text: &str, code: &str) -> String {
    if colour() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}

/// A line on standard error. A standard error that is closed is nothing that could be told to anybody.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub fn warn(text: &str) {
    say(&format!("{} {text}", paint("warning:", "1;33")));
}

pub fn print_failure(failure: &Failure) {
    let error = paint("error:", "1;31");
    match failure {
        Failure::Closed => {}
        Failure::Usage(message) => say(&format!("{error} {message}\n\nFor more information, try '--help'.")),
        Failure::Interrupted(message) => say(&format!("{error} {message}")),
        Failure::Unconverged(message) => warn(message),
        Failure::Library(fenton::Error::Input(diagnostics)) => {
            for diagnostic in diagnostics {
                say(&format!("{error} {}", render(diagnostic)));
            }
        }
        Failure::Library(other) => say(&format!("{error} {other}")),
        Failure::Output(fenton::Error::File { path, source }) => {
            say(&format!("{error} cannot write {}: {}", path.display(), reason(source)));
        }
        Failure::Output(other) => say(&format!("{error} {other}")),
    }
}

/// An error of the operating system in words that say what to do, where we know.
pub fn reason(source: &std::io::Error) -> String {
    use std::io::ErrorKind::*;
    match source.kind() {
        StorageFull | QuotaExceeded => "the disk is full; nothing was written".to_string(),
        ReadOnlyFilesystem => "the file system is read-only; choose another place".to_string(),
        PermissionDenied => "permission denied; choose another place".to_string(),
        _ => source.to_string(),
    }
}

/// As the diagnostic prints itself, with the marks and the labels painted.
fn render(diagnostic: &Diagnostic) -> String {
    let text = diagnostic.to_string();
    if !colour() {
        return text;
    }
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        lines.push(if at == 0 {
            paint(line, "1")
        } else if trimmed.starts_with('|') && trimmed.trim_end_matches('^').trim() == "|" {
            let (margin, marks) = line.split_at(line.find('^').unwrap_or(line.len()));
            format!("{}{}", paint(margin, "34"), paint(marks, "1;31"))
        } else if let Some(rest) = trimmed.strip_prefix("expected:") {
            format!("  {}{rest}", paint("expected:", "36"))
        } else if let Some(rest) = trimmed.strip_prefix("hint:") {
            format!("  {}{rest}", paint("hint:", "1;32"))
        } else {
            line.to_string()
        });
    }
    lines.join("\n")
}
