//! How many connections each address has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections by address.
#[derive(Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection of an address, until it is dropped.
pub(super) struct Connected {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection; none where the address has `most`.
    pub(super) fn connect(&self, peer: IpAddr, most: usize) -> Option<Connected> {
        let address = whose(peer);
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Connected {
            addresses: self.clone(),
            address,
        })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What one customer of a network has: an address, or in IPv6 the 2⁶⁴ of a network.
fn whose(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_his_share() {
        let addresses = Addresses::default();
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
        assert!(addresses.counts().is_empty());
    }
}
