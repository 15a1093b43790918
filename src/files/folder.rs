//! A folder whose files are all there or none.
//!
//! A folder that is not there yet is made beside its place and takes its name in one step. In one that is there, the new
//! files wait in a folder inside until all are on the disk. Then that is given the name [`COMMIT`], which is the moment from
//! which the new report counts, and its files are moved out over the earlier ones. A run that is killed meanwhile leaves
//! the rest waiting, and [`recover`] moves it. Three designs were weighed. To exchange whole folders is shorter, but would
//! carry files of the user's along, and a mount point cannot be moved. A copy of the earlier files that is put back on a
//! failure needs the space twice.

use super::manifest::{self, Manifest};
use super::temporary::{KEPT, beside, create_folder, folder_of, follow, is_temporary, let_go, name_of, sync_folder};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

const COMMIT: &str = ".fenton-commit";
/// Temporary folders inside an output are made for this name.
const INSIDE: &str = "report";

#[derive(Debug)]
pub struct WholeFolder {
    path: PathBuf,
    partial: PathBuf,
    /// The command, for its mark; a folder without one is the user's from then on.
    report: Option<String>,
    files: Vec<String>,
}

/// What stands where a report is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may be; these files are no part of an earlier report and stay.
    Free(Vec<String>),
    /// Something else is there: a file, or files that no report of ours has listed.
    Taken,
    /// A report of another command.
    Other(String),
}

/// Whether a report of the command `report` may be written as the folder `path`.
///
/// # Errors
/// If the place cannot be read.
pub fn may_write(path: &Path, report: &str) -> io::Result<Standing> {
    let names = match entries(path) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Free(Vec::new())),
        // A file; not one further up, of which the error speaks.
        Err(error) if error.kind() == ErrorKind::NotADirectory && path.exists() => return Ok(Standing::Taken),
        Err(error) => return Err(error),
    };
    Ok(match Manifest::read(path)? {
        Some(earlier) if earlier.report != report => Standing::Other(earlier.report),
        Some(earlier) => Standing::Free(names.into_iter().filter(|name| !earlier.owns(name)).collect()),
        None if names.is_empty() => Standing::Free(names),
        None => Standing::Taken,
    })
}

/// Names in the folder `path` without those that only we make, in their order.
fn entries(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // A mount point may bring this along.
        let kept = KEPT.iter().any(|kept| name == format!(".fenton.{kept}"));
        let none = name == "lost+found" || name == COMMIT || is_temporary(&name, INSIDE) || kept;
        if !none {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

impl WholeFolder {
    /// Makes the place where the files wait, and the folders above `path` where they are missing. `report` is the command
    /// whose report it is; without one the folder has no mark, and must not be there yet.
    pub fn create(path: &Path, report: Option<&str>) -> io::Result<Self> {
        let path = follow(path);
        let partial = if path.is_dir() && report.is_some() {
            create_folder(&path, INSIDE)?
        } else {
            let name = name_of(&path)?;
            fs::create_dir_all(folder_of(&path))?;
            create_folder(folder_of(&path), name)?
        };
        Ok(WholeFolder { path, partial, report: report.map(Into::into), files: Vec::new() })
    }

    /// # Errors
    /// Of the file system; a name that was written before is one.
    pub fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.put(name, content)?;
        self.files.push(name.into());
        Ok(())
    }

    fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(self.partial.join(name))?;
        file.write_all(content)?;
        file.sync_all()
    }

    /// Writes a byte to the disk and moves a file out of the waiting place: what [`WholeFolder::finish`] will do.
    pub fn try_out(&mut self) -> io::Result<()> {
        const TRIAL: &str = "trial";
        self.put(TRIAL, b".")?;
        let from = self.partial.join(TRIAL);
        // A name that nothing else has.
        let to = self.partial.with_extension(TRIAL);
        fs::rename(from, &to)?;
        fs::remove_file(to)
    }

    /// Puts the files in their place. Those of an earlier report that this one has not are removed; all else stays.
    ///
    /// # Errors
    /// Of the file system, or [`ErrorKind::AlreadyExists`] if a file that is no earlier report's has the name of one of
    /// these. Then nothing is changed.
    pub fn finish(self) -> io::Result<()> {
        if let Some(report) = &self.report {
            self.put(manifest::NAME, &Manifest::new(report, self.files.clone()).text())?;
        }
        sync_folder(&self.partial)?;
        if self.report.is_none() || !self.path.exists() {
            let_go(&self.partial)?;
            fs::rename(&self.partial, &self.path)?;
            return sync_folder(folder_of(&self.path));
        }
        let earlier = Manifest::read(&self.path)?;
        let free = |name: &str| match fs::symlink_metadata(self.path.join(name)) {
            Ok(found) => !found.is_dir() && earlier.as_ref().is_some_and(|earlier| earlier.owns(name)),
            Err(_) => true,
        };
        let all = self.files.iter().map(String::as_str).chain([manifest::NAME]);
        if let Some(name) = all.into_iter().find(|name| !free(name)) {
            let message =
                format!("'{name}' there is no file of an earlier report, and would be overwritten: rename it");
            return Err(io::Error::new(ErrorKind::AlreadyExists, message));
        }
        // Where the folder has been made since, what waits stands beside it.
        let_go(&self.partial)?;
        fs::rename(&self.partial, self.path.join(COMMIT))?;
        sync_folder(&self.path)?;
        roll_on(&self.path)
    }
}

impl Drop for WholeFolder {
    fn drop(&mut self) {
        // It is no longer there once the report has its place.
        let _ = let_go(&self.partial);
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// Moves what waits in [`COMMIT`] to its place. Each step may be the last of a killed run, and can be done again.
fn roll_on(path: &Path) -> io::Result<()> {
    let waiting = path.join(COMMIT);
    // The manifest is moved last: where it is gone, all is done.
    if let Some(coming) = Manifest::read(&waiting)? {
        let earlier = Manifest::read(path)?;
        for entry in fs::read_dir(&waiting)? {
            let entry = entry?;
            if entry.file_name() != manifest::NAME {
                fs::rename(entry.path(), path.join(entry.file_name()))?;
            }
        }
        for name in earlier.iter().flat_map(|earlier| &earlier.files).filter(|name| !coming.owns(name)) {
            match fs::remove_file(path.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_folder(path)?;
        fs::rename(waiting.join(manifest::NAME), path.join(manifest::NAME))?;
    }
    fs::remove_dir(&waiting)?;
    sync_folder(path)
}

/// Ends what a killed run began in the folder `path`, and clears away what it left there and beside it. Gives back what was
/// done, in sentences. To be called by whoever holds the [`super::Lock`] of `path`: then no left-over belongs to a run that
/// is at work, whatever number its process has.
///
/// # Errors
/// If something that is to be moved or removed cannot be.
pub fn recover(path: &Path) -> io::Result<Vec<String>> {
    let path = follow(path);
    let mut done = Vec::new();
    if path.join(COMMIT).is_dir() {
        roll_on(&path)?;
        done.push(format!("a run was killed while it put its report into {}: it is whole now", path.display()));
    }
    let kept = KEPT.map(|ending| beside(&path, ending));
    let folders = [path.join(INSIDE), path.clone()];
    for (place, is_folder) in folders.iter().map(|place| (place, true)).chain(kept.iter().map(|place| (place, false))) {
        let Ok(name) = name_of(place) else { continue };
        for entry in fs::read_dir(folder_of(place)).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_str().is_some_and(|entry| is_temporary(entry, name));
            if !ours || entry.file_type().map_or(true, |kind| kind.is_dir() != is_folder) {
                continue;
            }
            if is_folder {
                fs::remove_dir_all(entry.path())?;
                done.push(format!("removed {}, which a killed run had left", entry.path().display()));
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, files: &[(&str, &str)]) -> io::Result<()> {
        let mut folder = WholeFolder::create(path, Some("fit"))?;
        folder.try_out()?;
        files.iter().try_for_each(|(name, content)| folder.write(name, content.as_bytes()))?;
        folder.finish()
    }

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_files_of_the_earlier_report_go() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        write(&path, &[("a", "1"), ("b", "1")]).unwrap();
        fs::write(path.join("notes"), "mine").unwrap();
        fs::create_dir(path.join("c")).unwrap();
        assert_eq!(may_write(&path, "fit").unwrap(), Standing::Free(vec!["c".into(), "notes".into()]));
        assert_eq!(may_write(&path, "sample").unwrap(), Standing::Other("fit".into()));
        write(&path, &[("a", "2"), ("d", "2")]).unwrap();
        assert_eq!(names(&path), ["a", "c", "d", "fenton.json", "notes"]);
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "2");
        assert_eq!(names(place.path()), ["out"]);
        // A file in the way is not overwritten, and nothing else is.
        for name in ["notes", "c"] {
            let error = write(&path, &[("a", "3"), (name, "3")]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}");
        }
        assert_eq!(names(&path), ["a", "c", "d", "fenton.json", "notes"]);
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "2");
        assert_eq!(fs::read_to_string(path.join("notes")).unwrap(), "mine");
    }

    #[test]
    fn a_folder_without_our_mark_is_taken_whatever_its_files_are_called() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(may_write(&place.path().join("none"), "fit").unwrap(), Standing::Free(Vec::new()));
        assert_eq!(may_write(place.path(), "fit").unwrap(), Standing::Free(Vec::new()));
        for (name, text) in [("summary.json", "{}"), ("fenton.json", "{\"format\": 1, \"files\": [\"../thesis\"]}")] {
            fs::write(place.path().join(name), text).unwrap();
            assert_eq!(may_write(place.path(), "fit").unwrap(), Standing::Taken, "{name}");
        }
        assert_eq!(may_write(&place.path().join("summary.json"), "fit").unwrap(), Standing::Taken);
    }

    /// Every place where a run may have been killed between the decision and its end.
    #[test]
    fn what_a_killed_run_began_is_ended() {
        for moved in 0..=3 {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("out");
            write(&path, &[("a", "1"), ("b", "1"), ("old", "1")]).unwrap();
            let mut folder = WholeFolder::create(&path, Some("fit")).unwrap();
            for name in ["a", "b"] {
                folder.write(name, b"2").unwrap();
            }
            folder.put(manifest::NAME, &Manifest::new("fit", folder.files.clone()).text()).unwrap();
            fs::rename(&folder.partial, path.join(COMMIT)).unwrap();
            for name in ["a", "b"].into_iter().take(moved) {
                fs::rename(path.join(COMMIT).join(name), path.join(name)).unwrap();
            }
            if moved == 3 {
                fs::remove_file(path.join("old")).unwrap();
                fs::rename(path.join(COMMIT).join(manifest::NAME), path.join(manifest::NAME)).unwrap();
            }
            std::mem::forget(folder);
            fs::create_dir(place.path().join(".out.fenton-1-2-3.partial")).unwrap();
            KEPT.iter().for_each(|kept| {
                fs::write(place.path().join(format!(".out.{kept}.fenton-1-2-3.partial")), "").unwrap()
            });
            fs::create_dir(path.join(".report.fenton-1-2-3.partial")).unwrap();
            fs::create_dir(place.path().join(".other.fenton-1-2-3.partial")).unwrap();
            assert_eq!(recover(&path).unwrap().len(), 3);
            assert_eq!(names(&path), ["a", "b", "fenton.json"], "{moved}");
            assert_eq!(
                fs::read_to_string(path.join("a")).unwrap() + &fs::read_to_string(path.join("b")).unwrap(),
                "22"
            );
            assert_eq!(names(place.path()), [".other.fenton-1-2-3.partial", "out"]);
            assert_eq!(recover(&path).unwrap(), Vec::<String>::new());
        }
    }
}
