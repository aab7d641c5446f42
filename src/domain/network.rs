//! The networks from which an app password is good.
//!
//! Knows: addresses with a prefix (RFC 4632 §3.1, RFC 4291 §2.3).
//! Never: names, which whoever owns the zone may change.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks in order, each once; none of them means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Most networks of one app password.
    pub const MAX: usize = 32;

    /// Reads networks parted by commas or blanks, such as `192.0.2.0/24,2001:db8::/32`; an address stands for
    /// itself alone.
    ///
    /// # Errors
    /// Where one is none, or has an address that its prefix does not cover; where there are none or more than
    /// [`Networks::MAX`].
    pub fn parse(list: &str) -> Result<Self, NetworksError> {
        let words = list.split([',', ' ']).filter(|word| !word.is_empty());
        let mut networks = words.map(network).collect::<Result<Vec<_>, _>>()?;
        networks.sort();
        networks.dedup();
        let counted = (1..=Self::MAX).contains(&networks.len());
        counted.then_some(Self(networks)).ok_or(NetworksError::Form)
    }

    /// Whether a login may come from there. An absent address lies in no network.
    #[must_use]
    pub fn cover(&self, remote: Option<IpAddr>) -> bool {
        self.are_any()
            || remote.is_some_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }

    /// The networks, in order.
    pub fn each(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(IpNet::to_string)
    }

    /// Whether one of them holds more than any organisation has: shorter than /8, or /16 for IPv6.
    #[must_use]
    pub fn are_vast(&self) -> bool {
        self.0.iter().any(|network| match network {
            IpNet::V4(four) => four.prefix_len() < 8,
            IpNet::V6(six) => six.prefix_len() < 16,
        })
    }

    /// Whether there is no limit.
    #[must_use]
    pub fn are_any(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each().collect::<Vec<_>>().join(","))
    }
}

/// Not a list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworksError {
    /// Not one to [`Networks::MAX`] addresses with a prefix.
    Form,
    /// An address with a prefix that is too short for it: one host may be meant, or the whole network.
    Ambiguous(IpNet),
}

impl fmt::Display for NetworksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => {
                let most = Networks::MAX;
                write!(
                    f,
                    "networks are 1 to {most} addresses with a prefix, such as 192.0.2.0/24,2001:db8::/32"
                )
            }
            Self::Ambiguous(both) => {
                let (address, network) = (IpNet::from(both.addr()), both.trunc());
                write!(f, "{both} may mean {address} or {network}: write which")
            }
        }
    }
}

impl std::error::Error for NetworksError {}

fn network(word: &str) -> Result<IpNet, NetworksError> {
    if let Ok(address) = word.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = word.parse().map_err(|_| NetworksError::Form)?;
    if network != network.trunc() {
        return Err(NetworksError::Ambiguous(network));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covers(list: &str, remote: &str, expected: bool) {
        let remote = (!remote.is_empty()).then(|| remote.parse().unwrap());
        assert_eq!(Networks::parse(list).unwrap().cover(remote), expected, "{list} {remote:?}");
    }

    #[test]
    fn a_network_ends_at_its_prefix() {
        covers("192.0.2.0/24", "192.0.2.0", true);
        covers("192.0.2.0/24", "192.0.2.255", true);
        covers("192.0.2.0/24", "192.0.3.0", false);
        covers("192.0.2.7", "192.0.2.7", true);
        covers("192.0.2.7", "192.0.2.8", false);
        covers("2001:db8::/32,192.0.2.0/24", "2001:db8:ffff::1", true);
        covers("2001:db8::/32", "192.0.2.1", false);
        covers("0.0.0.0/0", "203.0.113.9", true);
        covers("0.0.0.0/0", "2001:db8::1", false);
    }

    #[test]
    fn an_absent_address_lies_in_no_network() {
        covers("0.0.0.0/0,::/0", "", false);
        assert!(Networks::default().cover(None));
    }

    #[test]
    fn nothing_is_widened_unasked() {
        let said = |list: &str| Networks::parse(list).unwrap_err().to_string();
        assert!(said("192.0.2.7/24").contains(" 192.0.2.7/32 or 192.0.2.0/24"));
        assert!(said("10.0.0.0/8,2001:db8::1/32").contains(" 2001:db8::1/128 or 2001:db8::/32"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let many: Vec<String> = (0..=Networks::MAX).map(|number| format!("10.0.0.{number}")).collect();
        for list in
            ["", ",", "localhost", "192.0.2.0/33", "192.0.2/24", "::/129", "1.2.3.4/-1", &many.join(",")]
        {
            assert!(Networks::parse(list).is_err(), "{list}");
        }
    }
}
