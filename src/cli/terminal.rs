//! What goes to standard error: messages, in colour on a terminal only; and Ctrl-C.

use super::failure::Failure;
use fenton::Diagnostic;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// When the first Ctrl-C came.
static FIRST: OnceLock<Instant> = OnceLock::new();

/// Programs that start others (`timeout`, package runners) may deliver one Ctrl-C twice within this time.
const SAME: Duration = Duration::from_millis(300);

/// Work under way that looks at [`interrupted`] and ends by itself.
static LISTENING: AtomicUsize = AtomicUsize::new(0);
/// The checkpoint of the work, if it has one.
static CHECKPOINT: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Lets the first Ctrl-C (or SIGTERM, SIGHUP) ask for an orderly end where somebody listens. Elsewhere, and the second time,
/// it ends the program at once: what is half written has no name yet.
pub fn catch_interrupts() {
    // Without a handler the default action ends the program, which is the second-best behaviour.
    let _ = ctrlc::set_handler(|| {
        let first = FIRST.get_or_init(Instant::now);
        let again = INTERRUPTED.swap(true, Ordering::SeqCst);
        if (again && first.elapsed() > SAME) || (!again && LISTENING.load(Ordering::SeqCst) == 0) {
            fenton::files::abandon();
            let kept = CHECKPOINT.lock().unwrap_or_else(PoisonError::into_inner).clone();
            say(&match kept.filter(|kept| kept.exists()) {
                Some(kept) => format!("\ninterrupted; the same command goes on from {}", kept.display()),
                None => "\ninterrupted; nothing was written".to_string(),
            });
            std::process::exit(3);
        }
    });
}

/// While it is there, somebody looks at [`interrupted`].
pub struct Listening;

pub fn listen() -> Listening {
    LISTENING.fetch_add(1, Ordering::SeqCst);
    Listening
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Where work is kept that goes on after an end at once.
pub fn keeps_in(checkpoint: &Path) {
    *CHECKPOINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(checkpoint.into());
}

/// Without characters that a terminal would obey: they may come from a file.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let commands = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(commands) { text.replace(commands, "\u{fffd}").into() } else { text.into() }
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
    put(&harmless(text));
}

fn put(painted: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{painted}");
}

pub fn warn(text: &str) {
    put(&format!("{} {}", paint("warning:", "1;33"), harmless(text)));
}

pub fn print_failure(failure: &Failure) {
    let error = paint("error:", "1;31");
    match failure {
        Failure::Closed => {}
        Failure::Usage(message) => {
            put(&format!("{error} {}\n\nFor more information, try '--help'.", harmless(message)));
        }
        Failure::Interrupted(message) => put(&format!("{error} {}", harmless(message))),
        Failure::Unconverged(message) => warn(message),
        Failure::Library(fenton::Error::Input(diagnostics)) => {
            for diagnostic in diagnostics {
                put(&format!("{error} {}", render(diagnostic)));
            }
        }
        Failure::Library(other) => put(&format!("{error} {}", harmless(&other.to_string()))),
        Failure::Output(fenton::Error::File { path, source }) => {
            let told = format!("cannot write {}: {}", path.display(), reason(source));
            put(&format!("{error} {}", harmless(&told)));
        }
        Failure::Output(other) => put(&format!("{error} {}", harmless(&other.to_string()))),
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
    let text = harmless(&diagnostic.to_string()).into_owned();
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
