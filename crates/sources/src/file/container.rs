//! What a file is, by its first bytes; names lie.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use super::settings::{Progress, Settings};

const BUFFER_BYTES: usize = 1 << 16;

/// A file that tells how much of it was read.
pub(crate) struct Counted {
    file: File,
    progress: Progress,
}

/// A file, and how its bytes are to be understood.
pub(crate) enum Opened {
    /// Lines of text, decompressed. The name is that of the compression, if there is one.
    Text(Box<dyn BufRead>, Option<&'static str>),
    /// A Parquet file.
    Parquet(Counted),
    /// Nothing that is read here; what it is.
    Other(&'static str),
}

impl Counted {
    pub(crate) fn new(file: File, settings: &Settings) -> Self {
        Self {
            file,
            progress: settings.progress.clone(),
        }
    }

    /// Its size.
    pub(crate) fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Reads some bytes at a place. The place of other readers of the same file does not matter to it, nor to them.
    pub(crate) fn read_at(&self, place: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(place))?;
        let read = file.read(buffer)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}

impl Opened {
    /// Looks at the first bytes.
    pub(crate) fn detect(mut file: Counted) -> io::Result<Self> {
        let mut first = Vec::with_capacity(6);
        (&mut file.file).take(6).read_to_end(&mut first)?;
        file.file.rewind()?;
        let buffered = |file| BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(match *first {
            [0x1f, 0x8b, ..] => {
                let text = MultiGzDecoder::new(buffered(file));
                let text = BufReader::with_capacity(BUFFER_BYTES, text);
                Self::Text(Box::new(text), Some("gzip"))
            }
            // The second is a skippable frame, with which some programs begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                let text = Decoder::with_buffer(buffered(file))?;
                let text = BufReader::with_capacity(BUFFER_BYTES, text);
                Self::Text(Box::new(text), Some("Zstandard"))
            }
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet(file),
            [b'P', b'A', b'R', b'E', ..] => Self::Other("an encrypted Parquet file"),
            [b'P', b'K', 0x03, 0x04, ..] => Self::Other("a ZIP archive"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self::Other("compressed with xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A'] => Self::Other("compressed with bzip2"),
            [b'A', b'R', b'R', b'O', b'W', b'1'] => Self::Other("an Arrow file"),
            _ => Self::Text(Box::new(buffered(file)), None),
        })
    }
}
