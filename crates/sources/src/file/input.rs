//! One recorded file, which can be read several times from its beginning.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::container::{Counted, Opened};
use super::lines::Lines;
use super::settings::Settings;
use crate::SourceError;

/// One recorded file.
pub(crate) struct Input {
    path: PathBuf,
    name: String,
    bytes: u64,
    /// Where the bytes are, if the file itself gives them only once.
    copy: Option<NamedTempFile>,
}

impl Input {
    /// Finds the file. What can be read only once, such as a pipe, is copied to the folder for temporary files.
    pub(crate) fn find(path: &Path, settings: &Settings) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut input = Self {
            path: path.to_owned(),
            name: path.display().to_string(),
            bytes: metadata.len(),
            copy: None,
        };
        if !metadata.is_file() && !metadata.is_dir() {
            let spill = |source| SourceError::Spill {
                folder: settings.temporary.clone(),
                source,
            };
            let mut copy = NamedTempFile::new_in(&settings.temporary).map_err(spill)?;
            input.bytes = io::copy(&mut file, &mut copy).map_err(unreadable)?;
            input.copy = Some(copy);
        }
        Ok(input)
    }

    /// The file, as errors call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its size as it is stored.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Begins to read it.
    pub(crate) fn open(&self, settings: &Settings) -> Result<Lines<'_>, SourceError> {
        let file = match &self.copy {
            None => File::open(&self.path),
            Some(copy) => copy.reopen(),
        };
        let file = file.map_err(|source| self.failed(source))?;
        let opened =
            Opened::detect(Counted::new(file, settings)).map_err(|source| self.failed(source))?;
        Lines::begin(self, opened)
    }

    /// The system could not read it.
    pub(crate) fn failed(&self, source: io::Error) -> SourceError {
        SourceError::File {
            path: self.path.clone(),
            source,
        }
    }

    /// It is not the same as when it was read before.
    pub(crate) fn changed(&self) -> SourceError {
        SourceError::FileChanged {
            path: self.path.clone(),
        }
    }
}
