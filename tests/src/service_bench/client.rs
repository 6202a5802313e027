//! A client that costs little beside what it measures: prepared requests on connections that stay, answers read to their
//! ends and not understood.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Answers with a status of 200 to 299.
    pub good: u64,
    /// Others.
    pub bad: u64,
    /// How long it all took.
    pub took: Duration,
    /// How long each took, in ascending order: from when it was to be sent.
    pub latencies: Vec<Duration>,
    /// The first of the others, as it came.
    pub complaint: Option<String>,
}

impl Load {
    /// Good answers a second.
    pub fn rate(&self) -> u128 {
        u128::from(self.good) * 1_000_000 / self.took.as_micros().max(1)
    }
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each as soon as its connection has had its answer before.
    Flat,
    /// So many a second, whether or not there are answers, and `connections` at once at the most.
    Steady(u64),
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::with_capacity(1 << 16),
        }
    }

    /// Sends a request, and reads its answer; gives the status and the bytes.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the connection was closed");
            if let Some((head, length)) = ended(&self.buffer)
                && self.buffer.len() >= head + length
            {
                let status = std::str::from_utf8(&self.buffer[9..12]).unwrap();
                return (status.parse().unwrap(), &self.buffer[head..head + length]);
            }
        }
    }
}

/// Where the headers of an answer end, and how long its body is.
fn ended(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    });
    Some((end + 4, length.expect("an answer says how long it is")))
}

/// A GET.
pub fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes()
}

/// Sends `requests` in turns, over and over or once, until the time is over or all were sent.
pub async fn load(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    pace: Pace,
    patience: Option<Duration>,
) -> Load {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut load = Load::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let over = match patience {
                    Some(patience) => begun.elapsed() >= patience,
                    None => index >= requests.len(),
                };
                if over {
                    return load;
                }
                let due = match pace {
                    Pace::Flat => Instant::now(),
                    Pace::Steady(rate) => {
                        let place = u64::try_from(index).unwrap();
                        let due = begun + Duration::from_micros(place * 1_000_000 / rate);
                        tokio::time::sleep_until(due.into()).await;
                        due
                    }
                };
                let (status, body) = connection.ask(&requests[index % requests.len()]).await;
                if (200..300).contains(&status) {
                    load.good += 1;
                } else {
                    load.bad += 1;
                    let body = String::from_utf8_lossy(body);
                    load.complaint.get_or_insert(format!("{status}: {body}"));
                }
                load.latencies.push(due.elapsed());
            }
        });
    }
    let mut all = Load::default();
    while let Some(load) = tasks.join_next().await {
        let load = load.unwrap();
        all.good += load.good;
        all.bad += load.bad;
        all.latencies.extend(load.latencies);
        all.complaint = all.complaint.or(load.complaint);
    }
    all.took = begun.elapsed();
    all.latencies.sort_unstable();
    all
}
