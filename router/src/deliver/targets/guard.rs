//! [`Guard`]: which addresses the name of an HTTP target may lead to.
//!
//! A name in a configuration says nothing about where it leads: whoever answers for it may point it at a machine of the
//! local network, or at the service that hands a cloud machine its credentials. So a name leads to public addresses
//! only, and beside them to what the operator allowed. An address that the configuration spells out is the operator's
//! own word, and never comes here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::config::Range;

/// IPv4 ranges that are not the public internet.
const NOT_PUBLIC_V4: &[Range] = &[
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    // The address that Azure gives the host of every machine; it is public by its number alone.
    v4([168, 63, 129, 16], 32),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Multicast, what is reserved, and the broadcast address.
    v4([224, 0, 0, 0], 3),
];

/// The IPv6 range of which all public addresses are: loopback, link-local, unique and site-local addresses, `SRv6` and
/// whatever is given a meaning later lie outside.
const GLOBAL_UNICAST: Range = v6([0x2000, 0], 3);

/// What is not public inside [`GLOBAL_UNICAST`]: protocol assignments with Teredo and benchmarks, and documentation.
const NOT_PUBLIC_V6: &[Range] = &[v6([0x2001, 0], 23), v6([0x2001, 0xdb8], 32), v6([0x3fff, 0], 20)];

/// What one target's name may lead to.
pub(super) struct Guard {
    is_localhost: bool,
    allowed: Arc<[Range]>,
}

impl Guard {
    /// Returns the guard of a host's name. The name `localhost` is permission to reach this machine.
    pub(super) fn new(host: &str, allowed: Arc<[Range]>) -> Self {
        let is_localhost = host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost");
        Self { is_localhost, allowed }
    }

    /// Tells whether a connection to an address is allowed.
    pub(super) fn lets_through(&self, address: IpAddr) -> bool {
        let judged = judged(address);
        is_public(judged)
            || self.is_localhost && judged.is_loopback()
            || self.allowed.iter().any(|range| contains(range, address) || contains(range, judged))
    }
}

/// Returns the IPv4 address that an IPv6 address leads to (mapped, compatible, translated, NAT64, 6to4), else the
/// address itself.
fn judged(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let (high, low) = match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => (high, low),
        // Without the first half it is no IPv4 address but `::`, `::1` or a neighbour of theirs.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => (high, low),
        _ => return address,
    };
    IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

fn is_public(address: IpAddr) -> bool {
    let is_in = |ranges: &[Range]| ranges.iter().any(|range| contains(range, address));
    match address {
        IpAddr::V4(_) => !is_in(NOT_PUBLIC_V4),
        IpAddr::V6(_) => is_in(&[GLOBAL_UNICAST]) && !is_in(NOT_PUBLIC_V6),
    }
}

fn contains(range: &Range, address: IpAddr) -> bool {
    let bits = u32::from(range.bits);
    match (range.address, address) {
        (IpAddr::V4(start), IpAddr::V4(address)) => {
            let differing = start.to_bits() ^ address.to_bits();
            differing.checked_shr(u32::BITS.saturating_sub(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(start), IpAddr::V6(address)) => {
            let differing = start.to_bits() ^ address.to_bits();
            differing.checked_shr(u128::BITS.saturating_sub(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Range {
    Range { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
}

const fn v6([a, b]: [u16; 2], bits: u8) -> Range {
    Range { address: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)), bits }
}
