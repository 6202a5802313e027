//! The file of a database and the lock next to it, before SQLite has a look.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tocsin_store::StoreError;

/// A place that this process holds alone.
pub(crate) struct Place {
    /// The file, without links.
    pub(crate) file: PathBuf,
    /// Keeps other processes out as long as it is open; the operating system closes it however this process ends.
    pub(crate) lock: File,
}

/// Takes the place that `path` means, or says why not.
pub(crate) fn take(path: &Path) -> Result<Place, StoreError> {
    let refused = |remedy: String, error: io::Error| StoreError::Open {
        place: path.display().to_string(),
        remedy,
        source: error.into(),
    };
    let file = resolve(path).map_err(|error| refused(remedy(&error), error))?;
    let lock_path = lock_path(&file);
    // Never removed: to remove it while somebody waits for it would give two processes a lock.
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| refused(remedy(&error), error))?;
    match lock.try_lock() {
        Ok(()) => Ok(Place { file, lock }),
        Err(TryLockError::WouldBlock) => Err(refused(
            "another tocsin runs on it; stop that one first, or give this one a database of its own".to_owned(),
            io::Error::new(io::ErrorKind::WouldBlock, format!("{} is locked", lock_path.display())),
        )),
        Err(TryLockError::Error(error)) => Err(refused(
            format!("{} cannot be locked; put the database on a local disk", lock_path.display()),
            error,
        )),
    }
}

/// The file that `path` means, without links, so that it has one lock whatever it is called.
///
/// Asks first whether it can be written, for a clear answer, and because the superuser, whom the operating system lets
/// through, means it too when he marks a file as read-only.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if fs::metadata(folder)?.permissions().readonly() {
        return Err(io::Error::new(
            io::ErrorKind::ReadOnlyFilesystem,
            "the folder is read-only",
        ));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.permissions().readonly() => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        )),
        Ok(_) => fs::canonicalize(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
        Err(error) => Err(error),
    }
}

fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist; create it, or correct the path",
        io::ErrorKind::IsADirectory => "it is a folder; name a file in it",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it cannot be written; give the user that runs tocsin write permission for the file and its folder"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full; make room",
        _ => "it cannot be written; see the cause",
    }
    .to_owned()
}
