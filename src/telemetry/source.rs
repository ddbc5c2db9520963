//! How source addresses are told: they are personal data, so that not all of one is told unless that is said.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How a source address is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceForm {
    /// As it is.
    Full,
    /// Its network: /24 of IPv4, /64 of IPv6.
    #[default]
    Prefix,
    /// Not at all.
    None,
}

impl SourceForm {
    /// Words for the forms, in their order.
    pub const NAMES: [&str; 3] = ["full", "prefix", "none"];

    /// The form that one of [`SourceForm::NAMES`] means.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "full" => Some(Self::Full),
            "prefix" => Some(Self::Prefix),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// An address in this form.
    #[must_use]
    pub fn told(self, address: IpAddr) -> Option<IpAddr> {
        match (self, address.to_canonical()) {
            (Self::None, _) => None,
            (Self::Full, address) => Some(address),
            (Self::Prefix, IpAddr::V4(v4)) => {
                let [a, b, c, _] = v4.octets();
                Some(Ipv4Addr::new(a, b, c, 0).into())
            }
            (Self::Prefix, IpAddr::V6(v6)) => {
                let [a, b, c, d, ..] = v6.segments();
                Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_as_far_as_that_is_said() {
        for (form, address, told) in [
            (SourceForm::Full, "192.0.2.77", Some("192.0.2.77")),
            (SourceForm::Prefix, "192.0.2.77", Some("192.0.2.0")),
            (SourceForm::Prefix, "::ffff:192.0.2.77", Some("192.0.2.0")),
            (
                SourceForm::Prefix,
                "2001:db8:1:2:3:4:5:6",
                Some("2001:db8:1:2::"),
            ),
            (SourceForm::None, "192.0.2.77", None),
        ] {
            let told: Option<IpAddr> = told.map(|told| told.parse().unwrap());
            assert_eq!(
                form.told(address.parse().unwrap()),
                told,
                "{form:?} {address}"
            );
        }
    }
}
