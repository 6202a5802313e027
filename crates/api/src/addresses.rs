//! What each address has: so many connections, so many streams of events, and requests at a pace.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bucket::{Bucket, Pace};
use crate::problem::{Kind, Problem};

/// Requests a second of one address, where the operator says nothing.
const PER_SECOND: u32 = 200;
/// For so many seconds' worth of requests an address may come at once.
const AT_ONCE: u32 = 5;
/// Streams of events of one address.
const STREAMS: usize = 16;

/// Addresses that have connections.
#[derive(Clone)]
pub(crate) struct Addresses(Arc<Known>);

struct Known {
    /// Requests a second of any address; where nothing is said, this machine's own have no limit.
    per_second: Option<u32>,
    addresses: Mutex<HashMap<IpAddr, (usize, Arc<Address>)>>,
}

/// Whoever is at the other end of some connections.
#[derive(Debug)]
pub(crate) struct Address {
    pace: Option<(Pace, Mutex<Bucket>)>,
    streams: Arc<Semaphore>,
}

impl Address {
    fn new(per_second: Option<u32>, now: Instant) -> Self {
        let pace = per_second.map(|per_second| {
            let pace = Pace::new(per_second, per_second.saturating_mul(AT_ONCE));
            (pace, Mutex::new(Bucket::full(pace, now)))
        });
        Self {
            pace,
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }

    /// One more request, or what is answered where it is one too many.
    pub(crate) fn ask(&self) -> Result<(), Problem> {
        let Some((pace, bucket)) = &self.pace else {
            return Ok(());
        };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.take(*pace, Instant::now()) {
            return Ok(());
        }
        Err(Problem::Later {
            kind: Kind::TooMany,
            detail: "this address asks too often: wait a moment".to_owned(),
            seconds: 1,
        })
    }

    /// A place for one more stream, until it is dropped.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_full| Problem::Later {
            kind: Kind::TooMany,
            detail: format!("this address has {STREAMS} streams already"),
            seconds: 30,
        })
    }
}

/// A connection of an address, until it is dropped.
pub(crate) struct Connected {
    addresses: Addresses,
    whose: IpAddr,
    pub(crate) address: Arc<Address>,
}

impl Addresses {
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        Self(Arc::new(Known {
            per_second,
            addresses: Mutex::default(),
        }))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, (usize, Arc<Address>)>> {
        let known = self.0.addresses.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection; none where the address has `most`.
    pub(crate) fn connect(&self, peer: IpAddr, most: usize) -> Option<Connected> {
        let whose = whose(peer);
        // A proxy on this machine comes with everybody's requests, and can tell them apart.
        let usual = (!whose.is_loopback()).then_some(PER_SECOND);
        let per_second = self.0.per_second.or(usual);
        let mut known = self.known();
        let (count, address) = known.entry(whose).or_insert_with(|| {
            let address = Address::new(per_second, Instant::now());
            (0, Arc::new(address))
        });
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Connected {
            addresses: self.clone(),
            whose,
            address: Arc::clone(address),
        })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut known = self.addresses.known();
        if let Some((count, _)) = known.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                known.remove(&self.whose);
            }
        }
    }
}

/// What one customer of a network has: an address, or in IPv6 the 2⁶⁴ of a network.
fn whose(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_his_share() {
        let addresses = Addresses::new(None);
        let connect = |peer: &str| addresses.connect(peer.parse().unwrap(), 2);
        let (first, second) = (connect("192.0.2.1"), connect("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(connect("192.0.2.1").is_none());
        assert!(connect("192.0.2.2").is_some());
        drop(second);
        assert!(connect("192.0.2.1").is_some());

        let network = [connect("2001:db8::1"), connect("2001:db8::2:1")];
        assert!(connect("2001:db8::3").is_none());
        assert!(connect("2001:db8:0:1::3").is_some());
        drop((first, network));
        assert!(addresses.known().is_empty());
    }

    #[test]
    fn an_address_asks_at_its_pace_and_this_machine_as_it_likes() {
        let asked = |per_second, peer: &str| {
            let addresses = Addresses::new(per_second);
            let connected = addresses.connect(peer.parse().unwrap(), 9).unwrap();
            (0..2_000)
                .filter(|_| connected.address.ask().is_ok())
                .count()
        };
        assert_eq!(asked(Some(1), "127.0.0.1"), 5);
        assert_eq!(asked(None, "127.0.0.1"), 2_000);
        assert_eq!(asked(None, "::1"), 2_000);
        let strangers = asked(None, "192.0.2.1");
        assert!((1_000..1_500).contains(&strangers), "{strangers}");
    }
}
