//! Many claims on one loss, through whole services as operators run them: how long it takes until all are attested, and how
//! much memory it takes. Alone, and in a quorum of three of four on this one machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tocsin_domain::time::Timestamp;

use crate::life::Life;
use crate::member::{Member, four, join};
use crate::spot::Spot;

/// What all claims are on.
const ASSET: &str = "AAA";

/// How often the services are asked how far they are.
const LOOK: Duration = Duration::from_millis(50);

/// Nobody waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(900);

/// How the four go about it: as an operator has it who says nothing of it, but for their clocks, which stand still here.
const USUAL: &str = "clock_tolerance = \"2h\"\n";

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// From the first claim that waits at every service to the last one that is attested at every one.
    pub attested: Duration,
    /// From the loss to the first claim that waits at every service.
    pub decided: Duration,
    /// The most memory that each service has had at once, in bytes, before the loss.
    pub before: Vec<u64>,
    /// The same in the end.
    pub peak: Vec<u64>,
}

/// How claims are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// As one batch, or as few as possible.
    Batched,
    /// As one batch, which one of the four refuses, all of it: so each claim is signed alone by the three others.
    Refused,
}

/// One service that attests alone.
pub async fn alone(claims: u32) -> Measured {
    let spot = Spot::open(&policies(claims)).await;
    let path = spot.config();
    let text = std::fs::read_to_string(&path).unwrap();
    let batched = text.replace("threshold = 1", "threshold = 1\nbatch_from = 5");
    std::fs::write(path, batched).unwrap();
    run(&[spot], &[0], claims).await
}

/// Four services of which three must sign.
pub async fn together(claims: u32, how: How) -> Measured {
    let members: Vec<Member> = four();
    let ports: Vec<u16> = members.iter().map(|member| member.port).collect();
    let mut spots = Vec::new();
    for index in 0..members.len() {
        let spot = Spot::open(&policies(claims)).await;
        join(&spot, &members, index, &ports, ("batch_from = 5", USUAL));
        spots.push(spot);
    }
    if how == How::Batched {
        return run(&spots, &[0, 1, 2, 3], claims).await;
    }
    let path = spots[3].config();
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replace("valid_for = \"30d\"", "valid_for = \"29d\"");
    assert_ne!(text, other);
    std::fs::write(path, other).unwrap();
    run(&spots, &[0, 1, 2], claims).await
}

fn policies(claims: u32) -> Vec<(u32, &'static str)> {
    (1..=claims).map(|number| (number, ASSET)).collect()
}

/// Runs all of them, until those that `attest` have attested everything.
async fn run(spots: &[Spot], attest: &[usize], claims: u32) -> Measured {
    let program = program();
    let start = |spot: &Spot| Life::of(&program, &spot.config(), &spot.clock(), spot.folder());
    let lives: Vec<Life> = spots.iter().map(start).collect();
    let begin = spots[0].now();
    // Reading so many policies takes its time. All clocks go together.
    let all_see = async || {
        let mut all = true;
        for spot in spots {
            all &= spot.subject(ASSET).await.is_some_and(|subject| {
                let until = subject["seen_until"].as_str();
                until.is_some_and(|until| Timestamp::parse(until).unwrap() > begin)
            });
        }
        for spot in spots {
            spot.pass(10);
        }
        all
    };
    until("all see the price", all_see).await;
    let peaks = || lives.iter().map(|life| peak_bytes(life.id())).collect();
    let before = peaks();
    for spot in spots {
        spot.set_price(ASSET, "0.8");
    }
    let fallen = Instant::now();
    let all_wait = async || {
        for spot in spots {
            spot.pass(10);
        }
        for &index in attest {
            // A few are attested before anybody has looked.
            if waiting(&spots[index]).await.1 == 0 && !has_attested(&spots[index]).await {
                return false;
            }
        }
        true
    };
    until("claims wait", all_wait).await;
    let decided = fallen.elapsed();
    let begun = Instant::now();
    let all_attested = async || {
        for &index in attest {
            if waiting(&spots[index]).await != (0, 0) {
                return false;
            }
        }
        true
    };
    until("all are attested", all_attested).await;
    let attested = begun.elapsed();
    for &index in attest {
        assert!(
            has_attested(&spots[index]).await,
            "{claims} claims, and none is attested"
        );
    }
    Measured {
        attested,
        decided,
        before,
        peak: peaks(),
    }
}

/// This program again: given a configuration and a clock, it is a service.
fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not yet");
        tokio::time::sleep(LOOK).await;
    }
}

async fn has_attested(spot: &Spot) -> bool {
    let listed = spot.get("v1/attestations?limit=1").await;
    let listed = listed
        .as_ref()
        .and_then(|said| said["attestations"].as_array());
    listed.is_some_and(|all| !all.is_empty())
}

/// How many losses have no claims yet, and how many claims are decided and not attested.
async fn waiting(spot: &Spot) -> (u64, u64) {
    let metrics = spot.ask("metrics").await.text().await.unwrap();
    let of = |queue: &str| {
        let name = format!("tocsin_queue_waiting{{queue=\"{queue}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.expect(&metrics).parse::<u64>().unwrap()
    };
    (of("claim"), of("attest"))
}

/// The most memory that a process has held at once.
fn peak_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1_024
}
