//! How far a long reading is, on one line of a terminal that is wiped in the end. Nothing is said into pipes, nor of what
//! takes no time.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What takes less is not worth a line.
const PATIENCE: Duration = Duration::from_millis(500);
const BETWEEN: Duration = Duration::from_millis(100);

/// The line.
#[derive(Clone)]
pub(super) struct Progress(Option<Arc<Mutex<Line>>>);

struct Line {
    doing: &'static str,
    /// How many bytes there are, if that is known.
    total: u64,
    read: u64,
    begun: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// A line on standard error, if that is a terminal.
    pub(super) fn on_terminal() -> Self {
        let line = std::io::stderr().is_terminal().then(|| {
            Arc::new(Mutex::new(Line {
                doing: "",
                total: 0,
                read: 0,
                begun: Instant::now(),
                drawn: None,
            }))
        });
        Self(line)
    }

    /// Says what is done now, and how many bytes are to be read for it.
    pub(super) fn begin(&self, doing: &'static str, total: u64) {
        self.change(|line| {
            line.doing = doing;
            line.total = total;
            line.read = 0;
            // What reads no file, because its rows are held, is said too.
            if line.drawn.take().is_some() {
                line.draw();
            }
        });
    }

    /// What to call with the number of bytes read.
    pub(super) fn reader(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let progress = self.clone();
        Arc::new(move |bytes| {
            progress.change(|line| {
                line.read += bytes;
                line.draw();
            });
        })
    }

    fn change(&self, change: impl FnOnce(&mut Line)) {
        if let Some(line) = &self.0 {
            // A line of progress cannot be half written in memory.
            change(&mut line.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Line {
    fn draw(&mut self) {
        let now = Instant::now();
        let due = match self.drawn {
            None => self.begun + PATIENCE,
            Some(drawn) => drawn + BETWEEN,
        };
        if now < due {
            return;
        }
        self.drawn = Some(now);
        let text = self.text();
        // Whoever cannot be told how far it is, is told the result.
        let _unheard = write!(std::io::stderr(), "\r\x1b[2K{text}");
    }

    fn text(&self) -> String {
        if self.total == 0 {
            return format!("{} …", self.doing);
        }
        let read = megabytes(self.read);
        if self.read > self.total {
            // Sorting reads and writes more than there is.
            return format!("{}: sorting, {read} MB", self.doing);
        }
        let percent = u128::from(self.read) * 100 / u128::from(self.total.max(1));
        format!(
            "{}: {percent:>3} % of {} MB",
            self.doing,
            megabytes(self.total)
        )
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _unheard = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
