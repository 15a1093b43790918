//! One run at a time works on an output.

use super::temporary::{beside, folder_of, follow, let_go, watch_over};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Held until it is dropped, or the process ends in whatever way: the system keeps it, so that what a killed run left locks
/// nothing.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Another may remove the file between our opening and locking it, so many times.
const TRIES: usize = 20;

impl Lock {
    /// For the output folder `output`; `who` tells others who holds it.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceBusy`] if another run holds it: the message says which.
    pub fn take(output: &Path, who: &str) -> io::Result<Lock> {
        let path = beside(output, "lock");
        for _ in 0..TRIES {
            fs::create_dir_all(folder_of(&path))?;
            let mut file = open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(&mut file)),
                // A file system without locks: better none than no work.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if is_there(&file, &path) {
                watch_over(&path)?;
                file.set_len(0)?;
                file.write_all(who.as_bytes())?;
                return Ok(Lock { file, path });
            }
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, "other runs come and go in this place"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = let_go(&self.path);
        // Removed while it is held: whoever has opened it meanwhile sees that it is no longer there.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// Never through a link, whose target is no file of ours.
fn open(path: &Path) -> io::Result<File> {
    if path.is_symlink() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, format!("{} is a link", follow(path).display())));
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn busy(file: &mut File) -> io::Error {
    let mut who = String::new();
    let told = file.rewind().and_then(|()| file.take(1000).read_to_string(&mut who));
    let who = if told.is_ok() && !who.is_empty() { who } else { "another run".into() };
    io::Error::new(ErrorKind::ResourceBusy, format!("{who} is at work there; wait for it, or choose another --output"))
}

#[cfg(unix)]
fn is_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().map(place).ok() == fs::metadata(path).map(place).ok()
}

#[cfg(not(unix))]
fn is_there(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_with_the_holder_and_a_left_over_file_locks_nothing() {
        let place = tempfile::tempdir().unwrap();
        let output = place.path().join("out");
        fs::write(place.path().join("out.lock"), "a killed run").unwrap();
        let first = Lock::take(&output, "'fenton fit' (process 7)").unwrap();
        let error = Lock::take(&output, "b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert!(error.to_string().starts_with("'fenton fit' (process 7) is at work there"), "{error}");
        drop(first);
        drop(Lock::take(&output, "c").unwrap());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
