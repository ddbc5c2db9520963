//! Which addresses may be connected to.
//!
//! Only addresses of the public internet, unless the configuration allows more. An IPv4 address that is
//! written inside an IPv6 one is judged as the IPv4 address that would be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    first: IpAddr,
    bits: u8,
}

impl Net {
    /// Reads `192.0.2.0/24`, `fd00::/8`, or one address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().ok()?;
        let all = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
            None => all,
        };
        let net = Self { first, bits };
        // Bits behind the prefix are a mistake more often than a habit.
        (bits <= all && net.prefix(first) == net.whole(first)).then_some(net)
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        let first = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
        Self { first, bits }
    }

    const fn v6(segments: [u16; 3], bits: u8) -> Self {
        let [a, b, c] = segments;
        let first = IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
        Self { first, bits }
    }

    /// Whether an address is within.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && self.prefix(address) == self.prefix(self.first)
    }

    fn prefix(&self, address: IpAddr) -> u128 {
        let all = if address.is_ipv4() { 32 } else { 128 };
        let rest = u32::from(all - self.bits.min(all));
        self.whole(address)
            .checked_shr(rest)
            .and_then(|prefix| prefix.checked_shl(rest))
            .unwrap_or(0)
    }

    fn whole(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)),
            IpAddr::V6(v6) => u128::from(v6),
        }
    }
}

/// IPv4 ranges that are no public internet (RFC 6890 and its successors), and the addresses of clouds'
/// metadata that are not within them.
const SPECIAL_V4: &[Net] = &[
    Net::v4(0, 0, 0, 0, 8),
    Net::v4(10, 0, 0, 0, 8),
    Net::v4(100, 64, 0, 0, 10),
    Net::v4(127, 0, 0, 0, 8),
    Net::v4(168, 63, 129, 16, 32),
    Net::v4(169, 254, 0, 0, 16),
    Net::v4(172, 16, 0, 0, 12),
    Net::v4(192, 0, 0, 0, 24),
    Net::v4(192, 0, 2, 0, 24),
    Net::v4(192, 88, 99, 0, 24),
    Net::v4(192, 168, 0, 0, 16),
    Net::v4(198, 18, 0, 0, 15),
    Net::v4(198, 51, 100, 0, 24),
    Net::v4(203, 0, 113, 0, 24),
    Net::v4(224, 0, 0, 0, 4),
    Net::v4(240, 0, 0, 0, 4),
];

/// What IPv6 has of the public internet.
const GLOBAL_V6: Net = Net::v6([0x2000, 0, 0], 3);
/// Ranges within it that are special all the same: protocol assignments with Teredo, documentation, 6to4.
const SPECIAL_V6: &[Net] = &[
    Net::v6([0x2001, 0, 0], 23),
    Net::v6([0x2001, 0xdb8, 0], 32),
    Net::v6([0x2002, 0, 0], 16),
    Net::v6([0x3fff, 0, 0], 20),
];
/// Addresses that NAT64 turns into IPv4.
const NAT64: Net = Net::v6([0x64, 0xff9b, 0], 96);

/// What may be connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Ranges that are allowed although they are no public internet.
    pub allowed: Vec<Net>,
}

impl Policy {
    /// Whether this address may be connected to.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let reached = reached(address);
        is_public(reached) || self.allowed.iter().any(|net| net.holds(reached))
    }
}

/// The IPv4 address inside an IPv6 one, where that is what is reached.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => address.to_canonical(),
        IpAddr::V6(v6) if NAT64.holds(address) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|net| net.holds(address)),
        IpAddr::V6(_) => {
            GLOBAL_V6.holds(address) && !SPECIAL_V6.iter().any(|net| net.holds(address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policy: &Policy, address: &str) -> bool {
        policy.allows(address.parse().unwrap())
    }

    #[test]
    fn only_the_public_internet_is_allowed() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allowed(&Policy::default(), address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(allowed(&Policy::default(), address), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_in_every_spelling_and_no_further() {
        let nets = ["127.0.0.0/8", "fd00::/8", "10.1.2.3"];
        let policy = Policy {
            allowed: nets.iter().map(|net| Net::parse(net).unwrap()).collect(),
        };
        for address in [
            "127.0.0.1",
            "::ffff:127.9.9.9",
            "64:ff9b::127.0.0.1",
            "fd12::1",
            "10.1.2.3",
        ] {
            assert!(allowed(&policy, address), "{address}");
        }
        for address in ["10.1.2.4", "::1", "fe80::1", "169.254.169.254"] {
            assert!(!allowed(&policy, address), "{address}");
        }
    }

    #[test]
    fn a_range_is_read_exactly() {
        for bad in [
            "",
            "127.0.0.1/8",
            "127.0.0.0/33",
            "127.0.0.0/-1",
            "127.0.0.0/+8",
            "127.0.0.0/",
            "127.1",
            "::/129",
            "fd00::1/8",
            "localhost",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Net::parse(bad), None, "{bad}");
        }
        assert!(
            Net::parse("0.0.0.0/0")
                .unwrap()
                .holds("9.9.9.9".parse().unwrap())
        );
        assert!(
            Net::parse("::/0")
                .unwrap()
                .holds("fe80::1".parse().unwrap())
        );
    }
}
