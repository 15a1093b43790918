//! Files and folders that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that takes its name only when it is finished; until then it is a neighbour with another name, which a
/// dropped writer removes.
#[derive(Debug)]
pub struct WholeFile {
    writer: Option<BufWriter<File>>,
    path: PathBuf,
    /// `None` for what is no regular file (`/dev/null`, a named pipe): that is written to directly.
    partial: Option<PathBuf>,
}

impl WholeFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(path)?;
            return Ok(WholeFile { writer: Some(BufWriter::new(file)), path: path.into(), partial: None });
        }
        let partial = beside(path)?;
        let writer = Some(BufWriter::new(File::create(&partial)?));
        Ok(WholeFile { writer, path: path.into(), partial: Some(partial) })
    }

    /// Flushes everything to the disk and gives the file its name.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
            if let Some(partial) = &self.partial {
                writer.get_ref().sync_all()?;
                fs::rename(partial, &self.path)?;
                self.partial = None;
            }
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or(Ok(0), |writer| writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        self.writer = None;
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
    }
}

/// A folder that takes its name only when all its files are on the disk; until then it is a neighbour with another
/// name, which a dropped writer removes.
///
/// A new name is taken in one step. To take the place of an earlier folder needs two, since the standard library can
/// exchange no names: the earlier one steps aside, the new one moves in. A process that is killed between the two leaves
/// both whole beside the place, and [`recover`] puts the earlier one back.
#[derive(Debug)]
pub struct WholeFolder {
    path: PathBuf,
    partial: PathBuf,
}

impl WholeFolder {
    /// Makes the neighbour, and the folders above it where they are missing.
    pub fn create(path: &Path) -> io::Result<Self> {
        let path = followed(path);
        let partial = beside(&path)?;
        fs::create_dir_all(&partial)?;
        Ok(WholeFolder { path, partial })
    }

    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.partial.join(name))?;
        file.write_all(content)?;
        file.sync_all()
    }

    /// Gives the folder its name; a folder that has the name already is replaced.
    pub fn finish(self) -> io::Result<()> {
        let old = self.partial.with_extension(OLD);
        // A rename replaces an empty folder, but no other.
        let empty = fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_none());
        if empty {
            fs::remove_dir(&self.path)?;
        }
        if !self.path.exists() {
            return fs::rename(&self.partial, &self.path);
        }
        fs::rename(&self.path, &old)?;
        if let Err(error) = fs::rename(&self.partial, &self.path) {
            fs::rename(&old, &self.path)?;
            return Err(error);
        }
        fs::remove_dir_all(&old)
    }
}

impl Drop for WholeFolder {
    fn drop(&mut self) {
        // It is no longer there once it has its name.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

const PARTIAL: &str = "partial";
const OLD: &str = "old";

/// Clears away what a killed process left beside the folder `path`, and puts back an earlier folder that it had moved
/// aside and not replaced. Gives back what was done, in sentences.
///
/// # Errors
/// If something that is to be moved or removed cannot be.
pub fn recover(path: &Path) -> io::Result<Vec<String>> {
    let path = followed(path);
    let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else { return Ok(Vec::new()) };
    let here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let Ok(entries) = fs::read_dir(here) else { return Ok(Vec::new()) };
    let start = format!(".{}.", name.to_string_lossy());
    let mut done = Vec::new();
    for entry in entries.flatten() {
        let neighbour = entry.file_name().to_string_lossy().into_owned();
        let Some((process, end)) = neighbour.strip_prefix(&start).and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        let ours = process.parse::<u32>().is_ok_and(|process| !runs(process)) && [PARTIAL, OLD].contains(&end);
        if !ours || !entry.path().is_dir() {
            continue;
        }
        if end == OLD && !path.exists() {
            fs::rename(entry.path(), &path)?;
            done.push(format!("a run was killed while it replaced {}: the earlier one is back", path.display()));
        } else {
            fs::remove_dir_all(entry.path())?;
            done.push(format!("removed {}, which a killed run had left", here.join(neighbour).display()));
        }
    }
    Ok(done)
}

/// Whether a process of this number is at work. Where that cannot be known, no other is taken to be.
fn runs(process: u32) -> bool {
    process == std::process::id() || Path::new("/proc").join(process.to_string()).exists()
}

/// What a link stands for: the folder is replaced and not the link.
fn followed(path: &Path) -> PathBuf {
    if path.is_symlink() { fs::canonicalize(path).unwrap_or(path.into()) } else { path.into() }
}

/// A name next to `path` that no other process uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no name for a folder"))?;
    Ok(path.with_file_name(format!(".{}.{}.{PARTIAL}", name.to_string_lossy(), std::process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_leaves_nothing_behind_and_does_not_touch_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_replaced_whole_and_an_unfinished_one_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        let write = |content: &str, finish: bool| {
            let folder = WholeFolder::create(&path).unwrap();
            folder.write("a", content.as_bytes()).unwrap();
            if finish {
                folder.finish().unwrap();
            }
        };
        for (content, finish, there) in
            [("1", false, None), ("2", true, Some("2")), ("3", false, Some("2")), ("4", true, Some("4"))]
        {
            write(content, finish);
            assert_eq!(fs::read_to_string(path.join("a")).ok().as_deref(), there);
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), usize::from(there.is_some()));
        }
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_away_and_the_earlier_folder_is_put_back() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        // No process has this number: the largest on Linux is 2^22.
        let left = |end: &str| place.path().join(format!(".out.99999999.{end}"));
        for end in [OLD, PARTIAL] {
            fs::create_dir(left(end)).unwrap();
            fs::write(left(end).join("a"), end).unwrap();
        }
        let at_work = place.path().join(format!(".out.{}.partial", std::process::id()));
        fs::create_dir(&at_work).unwrap();
        fs::create_dir(place.path().join(".other.99999999.old")).unwrap();
        let done = recover(&path).unwrap();
        assert_eq!(done.len(), 2, "{done:?}");
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), OLD);
        assert!(!left(OLD).exists() && !left(PARTIAL).exists() && at_work.exists());
        assert!(place.path().join(".other.99999999.old").exists());
        assert_eq!(recover(&path).unwrap(), Vec::<String>::new());
    }
}
