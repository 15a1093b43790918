//! Temporary names, and what stands beside a place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What each temporary name has in it, so that left-overs are known from files of the user's.
const OURS: &str = "fenton-";
const PARTIAL: &str = ".partial";
/// Names tried before something must be wrong.
const TRIES: u32 = 100;

/// What is there now and goes when the program ends early.
static MADE: Mutex<Made> = Mutex::new(Made { ended: false, paths: Vec::new() });

struct Made {
    ended: bool,
    paths: Vec<PathBuf>,
}

fn made() -> MutexGuard<'static, Made> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all temporary files, folders and locks of this process, which ends now: nothing that is begun gets a name any
/// more.
pub fn abandon() {
    let mut made = made();
    made.ended = true;
    made.paths.iter().for_each(|path| remove(path));
}

fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// `path` goes if the program ends early.
pub fn watch_over(path: &Path) -> io::Result<()> {
    let mut made = made();
    if made.ended {
        remove(path);
        return Err(io::Error::new(ErrorKind::Interrupted, "the program is ending"));
    }
    made.paths.push(path.into());
    Ok(())
}

/// `path` stays, or has gone: to be called before it gets its name.
pub fn let_go(path: &Path) -> io::Result<()> {
    let mut made = made();
    made.paths.retain(|other| other != path);
    if made.ended { Err(io::Error::new(ErrorKind::Interrupted, "the program is ending")) } else { Ok(()) }
}

/// A file of a new name in the folder of `path`. It is created and not opened: a link of that name is never followed.
pub fn create_file(path: &Path) -> io::Result<(File, PathBuf)> {
    create(folder_of(path), name_of(path)?, |at| OpenOptions::new().write(true).create_new(true).open(at))
}

/// A folder of a new name in `parent`, for what is to become `name`.
pub fn create_folder(parent: &Path, name: &str) -> io::Result<PathBuf> {
    create(parent, name, |at| fs::create_dir(at)).map(|((), path)| path)
}

fn create<T>(parent: &Path, name: &str, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    for _ in 0..TRIES {
        // In containers that share a folder every run may be process 1: the time tells them apart.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!(".{name}.{OURS}{process}-{time:x}-{count}{PARTIAL}"));
        match make(&path) {
            Ok(made) => {
                watch_over(&path)?;
                return Ok((made, path));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no name for a temporary file is free"))
}

/// Whether `entry` is a name that [`create_folder`] or [`create_file`] makes for `name`.
pub fn is_temporary(entry: &str, name: &str) -> bool {
    let middle =
        entry.strip_prefix('.').and_then(|rest| rest.strip_prefix(name)).and_then(|rest| rest.strip_prefix('.'));
    middle.is_some_and(|rest| rest.starts_with(OURS) && rest.ends_with(PARTIAL))
}

/// The name of what stands at `path`.
pub fn name_of(path: &Path) -> io::Result<&str> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "this is no name for a file"))?;
    name.to_str().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the name is not UTF-8"))
}

/// The folder in which `path` stands.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path` by its own name: without a slash at its end, `.` and `..` by what they are, and a link by what it stands for, so that
/// its target is written and not the link.
pub fn follow(path: &Path) -> PathBuf {
    let path: PathBuf = path.components().collect();
    if path.is_symlink() || path.file_name().is_none() { fs::canonicalize(&path).unwrap_or(path) } else { path }
}

/// Where something that belongs to the output folder `output` stands: beside it, as `OUTPUT.ending`; inside, as
/// `.fenton.ending`, where it is a mount point or nothing can be written beside it.
pub fn beside(output: &Path, ending: &str) -> PathBuf {
    let output = follow(output);
    if output.is_dir() && (is_mount(&output) || !takes_neighbours(&output)) {
        return output.join(format!(".fenton.{ending}"));
    }
    let mut name = output.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(unix)]
fn is_mount(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    device(path) != device(&path.join(".."))
}

#[cfg(not(unix))]
fn is_mount(_path: &Path) -> bool {
    false
}

/// Endings of what stands beside an output.
pub const KEPT: [&str; 3] = ["lock", "checkpoint", "fit-checkpoint"];

fn takes_neighbours(output: &Path) -> bool {
    let mut lock = output.as_os_str().to_owned();
    lock.push(".lock");
    create_file(Path::new(&lock)).and_then(|(_, path)| let_go(&path).and_then(|()| fs::remove_file(path))).is_ok()
}

/// Puts `bytes` in the place of the file `path`, whole or not at all, and on the disk.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (mut file, partial) = create_file(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and(let_go(&partial)).and_then(|()| fs::rename(&partial, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    sync_folder(folder_of(path))
}

/// Makes names in `folder` last, where a folder can be opened as a file.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => match folder.sync_all() {
            // Some file systems know no such thing.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            done => done,
        },
        Err(_) => Ok(()),
    }
}
