//! What a process has used, and processes that are started for the measuring.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

/// The kernel counts a process's time in hundredths of a second, on every platform where Linux runs.
const TICK: Duration = Duration::from_millis(10);

/// The memory that this process holds now, in bytes.
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1_024
}

/// The processor time that a process has used, its children not counted; `self` or a process id.
pub fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program may hold blanks; the fields after its closing parenthesis are numbered from 3.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().unwrap().parse::<u32>().unwrap();
    TICK * (ticks() + ticks())
}

/// The processor time that this thread has used.
pub fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = stat.split_whitespace().next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

/// A server that is running beside, ended with its guard.
pub struct Beside {
    process: Child,
    url: Url,
}

impl Beside {
    /// Starts a replay server: this program again.
    pub fn replay(arguments: &[String]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("replay")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line.strip_prefix("Listening on ").expect(&line);
        let url = url.trim().parse().unwrap();
        Self { process, url }
    }

    /// Where it answers for the chain with this id.
    pub fn url(&self, chain_id: u64) -> Url {
        self.url.join(&chain_id.to_string()).unwrap()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Runs this program again with these arguments, and gives what it measured.
pub fn measured<T: DeserializeOwned>(arguments: &[String]) -> T {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}
