//! A file that is there whole or not at all.

use super::temporary::{create_file, folder_of, follow, let_go, sync_folder};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that takes its name only when it is finished; until then it is a neighbour with another name, which a
/// dropped writer removes. A file that is there keeps its mode, and a link stays one: its target is replaced.
#[derive(Debug)]
pub struct WholeFile {
    writer: Option<BufWriter<File>>,
    path: PathBuf,
    /// `None` for what is no regular file (`/dev/null`, a named pipe): that is written to directly.
    partial: Option<PathBuf>,
}

impl WholeFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        let path = follow(path);
        let found = fs::metadata(&path).ok();
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&path)?;
            return Ok(WholeFile { writer: Some(BufWriter::new(file)), path, partial: None });
        }
        let (file, partial) = create_file(&path)?;
        let whole = WholeFile { writer: Some(BufWriter::new(file)), path, partial: Some(partial) };
        if let (Some(found), Some(writer)) = (found, &whole.writer) {
            if found.permissions().readonly() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the file is there and must not be written",
                ));
            }
            writer.get_ref().set_permissions(found.permissions())?;
        }
        Ok(whole)
    }

    /// Flushes everything to the disk and gives the file its name.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
            if let Some(partial) = &self.partial {
                writer.get_ref().sync_all()?;
                let_go(partial)?;
                fs::rename(partial, &self.path)?;
                self.partial = None;
                sync_folder(folder_of(&self.path))?;
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
            let _ = let_go(partial);
            let _ = fs::remove_file(partial);
        }
    }
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

    #[cfg(unix)]
    #[test]
    fn modes_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.csv"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        let mut file = WholeFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(WholeFile::create(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
