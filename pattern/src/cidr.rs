//! IP addresses and blocks of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::Reason;

/// The longest dotted address that is read as one.
const IPV4_TEXT_MAX: usize = 15;

/// A block of addresses, all that share their first bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cidr {
    first: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`; bits beyond the mask may be set.
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        let (address, mask) = match parts[..] {
            [address, mask] if text != "/" => (address, mask),
            _ => return Err(Reason::CidrSlash),
        };
        let bits: i32 = mask.parse().map_err(|_| Reason::CidrMask)?;
        let bits = u32::try_from(bits).map_err(|_| Reason::CidrNegative)?;
        if !looks_like_address(address) {
            return Err(Reason::NonstandardAddress(address.to_owned()));
        }
        let base = parse_address(address).ok_or_else(|| Reason::InvalidAddress(address.to_owned()))?;
        let (version, limit) = match base {
            IpAddr::V4(_) => ("IPv4", 32),
            IpAddr::V6(_) => ("IPv6", 128),
        };
        match u8::try_from(bits) {
            Ok(bits) if bits < limit => Ok(Self { first: first_of(base, bits), bits }),
            _ => Err(Reason::CidrTooLong { version, limit }),
        }
    }

    /// Returns whether the text is an address in the block.
    pub(crate) fn contains(self, text: &str) -> bool {
        parse_address(text).is_some_and(|address| self.first == first_of(address, self.bits))
    }

    /// Returns the first address of the block and how many bits its addresses share.
    pub(crate) fn block(self) -> (IpAddr, u8) {
        (self.first, self.bits)
    }
}

/// Returns the first address of the block around an address.
pub(crate) fn first_of(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(address) => {
            let varying = u32::MAX.checked_shr(bits).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & !varying).into()
        }
        IpAddr::V6(address) => {
            let varying = u128::MAX.checked_shr(bits).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & !varying).into()
        }
    }
}

/// Reads an address in dotted or colon form. An IPv4 address in IPv6 form is the IPv4 address.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    if is_dotted(text) {
        parse_ipv4(text).map(IpAddr::V4)
    } else if is_colon_form(text) {
        let address = parse_ipv6(text)?;
        Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4))
    } else {
        None
    }
}

fn looks_like_address(text: &str) -> bool {
    is_dotted(text) || is_colon_form(text)
}

/// Four runs of digits, whatever numbers they are.
fn is_dotted(text: &str) -> bool {
    text.split('.').count() == 4
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Hexadecimal digits and at least one colon, whatever their order.
fn is_colon_form(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit())
}

/// Parts are decimal: `010` is ten.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    if text.len() > IPV4_TEXT_MAX {
        return None;
    }
    let mut octets = [0; 4];
    for (octet, part) in octets.iter_mut().zip(text.split('.')) {
        *octet = part.parse().ok()?;
    }
    Some(Ipv4Addr::from(octets))
}

/// Groups may have any number of leading zeros.
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let Some((head, tail)) = text.split_once("::") else {
        return (parse_groups(text, &mut groups)? == 8).then(|| groups.into());
    };
    let mut last = [0; 8];
    let (head, tail) = (parse_groups(head, &mut groups)?, parse_groups(tail, &mut last)?);
    if head + tail >= 8 {
        return None;
    }
    groups[8 - tail..].copy_from_slice(&last[..tail]);
    Some(groups.into())
}

/// Reads at most eight groups and returns how many there are.
fn parse_groups(text: &str, groups: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    for group in text.split(':') {
        *groups.get_mut(count)? = u16::from_str_radix(group, 16).ok()?;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::{Cidr, parse_address};

    fn check(block: &str, address: &str, expected: bool) {
        assert_eq!(Cidr::parse(block).unwrap().contains(address), expected, "{address} in {block}");
    }

    #[test]
    fn a_block_holds_the_addresses_that_share_its_first_bits() {
        check("10.0.0.0/24", "10.0.0.255", true);
        check("10.0.0.77/24", "10.0.0.1", true);
        check("10.0.0.0/24", "10.0.1.0", false);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("2001:db8::/32", "2001:0db8::0001", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("0.0.0.0/0", "2001:db8::1", false);
    }

    #[test]
    fn an_address_has_many_texts() {
        assert_eq!(parse_address("010.0.0.1"), parse_address("10.0.0.1"));
        assert_eq!(parse_address("::ffff:a00:1"), parse_address("10.0.0.1"));
        for text in ["300.0.0.1", "1.2.3", "08:23", ":", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "host"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
