//! Which addresses strangers may have us connect to: those of the public internet, and what the operator allows.
//!
//! The ranges are those of the IANA registries of special-purpose addresses (IPv4 and IPv6). In IPv6 everything that is not
//! global unicast (2000::/3) is refused as a whole: loopback, link-local and unique local addresses, multicast,
//! IPv4-mapped and IPv4-translated (NAT64) ones.

use core::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Why an address is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forbidden(pub &'static str);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What the operator allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<IpNet>);

impl Allowed {
    /// These ranges.
    pub fn new(ranges: Vec<IpNet>) -> Self {
        Self(ranges)
    }

    /// Whether an address may be connected to; if not, what it is.
    pub fn check(&self, address: IpAddr) -> Result<(), Forbidden> {
        if self.0.iter().any(|range| range.contains(&address)) {
            return Ok(());
        }
        public(address)
    }
}

/// An IPv4 range by its first address and its length, and what it is for.
type Range4 = ([u8; 4], u32, &'static str);

const SPECIAL4: &[Range4] = &[
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "a private network"),
    ([100, 64, 0, 0], 10, "a provider's shared network"),
    ([127, 0, 0, 0], 8, "this machine"),
    ([168, 63, 129, 16], 32, "a cloud's own services"),
    (
        [169, 254, 0, 0],
        16,
        "the local link, or a cloud's metadata",
    ),
    ([172, 16, 0, 0], 12, "a private network"),
    ([192, 0, 0, 0], 24, "for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([192, 88, 99, 0], 24, "of relays from IPv6"),
    ([192, 168, 0, 0], 16, "a private network"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved, or broadcast"),
];

/// The first two segments of an IPv6 range within 2000::/3, its length, and what it is for.
type Range6 = ([u16; 2], u32, &'static str);

const SPECIAL6: &[Range6] = &[
    ([0x2001, 0], 23, "for protocols"),
    ([0x2001, 0x0db8], 32, "for documentation"),
    ([0x2002, 0], 16, "an IPv4 address in IPv6"),
    ([0x3fff, 0], 20, "for documentation"),
];

/// Whether an address is one of the public internet; if not, what it is.
pub fn public(address: IpAddr) -> Result<(), Forbidden> {
    let special = match address {
        IpAddr::V4(address) => {
            let bits = u32::from(address);
            let within = |(first, length, what): &Range4| {
                (leading32(bits ^ u32::from_be_bytes(*first)) >= *length).then_some(*what)
            };
            SPECIAL4.iter().find_map(within)
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            if segments[0] >> 13 != 1 {
                Some(
                    "not global unicast: local, mapped or translated from IPv4, multicast or reserved",
                )
            } else {
                let bits = (u32::from(segments[0]) << 16) | u32::from(segments[1]);
                let within = |([high, low], length, what): &Range6| {
                    let first = (u32::from(*high) << 16) | u32::from(*low);
                    (leading32(bits ^ first) >= *length).then_some(*what)
                };
                SPECIAL6.iter().find_map(within)
            }
        }
    };
    special.map_or(Ok(()), |what| Err(Forbidden(what)))
}

/// How many leading bits agree, where a set bit tells a difference.
fn leading32(difference: u32) -> u32 {
    difference.leading_zeros()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_but_the_public_internet_is_allowed() {
        for local in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "100::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(public(address(local)).is_err(), "{local}");
        }
        for global in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
            "2003::1",
        ] {
            assert_eq!(public(address(global)), Ok(()), "{global}");
        }
    }

    #[test]
    fn the_operator_allows_what_else_there_may_be() {
        let allowed = Allowed::new(vec![
            "127.0.0.0/8".parse().unwrap(),
            "fd00::/8".parse().unwrap(),
        ]);
        for inside in ["127.0.0.1", "fd12::1", "8.8.8.8"] {
            assert_eq!(allowed.check(address(inside)), Ok(()));
        }
        for outside in ["10.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(allowed.check(address(outside)).is_err());
        }
    }

    proptest! {
        /// The standard library knows some of the ranges by itself.
        #[test]
        fn what_the_standard_library_calls_local_is_refused(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let local = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!local || public(address.into()).is_err());
        }

        /// However an IPv4 address is written in IPv6, it is refused.
        #[test]
        fn ipv4_in_ipv6_is_refused(bits: u32) {
            let four = Ipv4Addr::from(bits);
            let [a, b, c, d] = four.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for written in [
                four.to_ipv6_mapped(),
                four.to_ipv6_compatible(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low),
            ] {
                prop_assert!(public(written.into()).is_err(), "{}", written);
            }
        }

        /// Local IPv6 addresses of every kind.
        #[test]
        fn local_ipv6_is_refused(bits: u128) {
            let address = Ipv6Addr::from(bits);
            let local = address.is_loopback() || address.is_multicast() || address.is_unique_local()
                || address.is_unicast_link_local() || address.is_unspecified();
            prop_assert!(!local || public(address.into()).is_err());
            for prefix in [0xfc00_u16, 0xfd00, 0xfe80, 0xff00] {
                let mut segments = address.segments();
                segments[0] = prefix | (segments[0] & 0x3f);
                prop_assert!(public(Ipv6Addr::from(segments).into()).is_err());
            }
        }
    }
}
