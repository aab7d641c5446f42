//! The way to a door: which address answers, and from where we may come.
//!
//! Servers slow down an address from which wrong passwords come (hosts.md 9), and so do we. On this machine each
//! attempt therefore comes from a loopback address of its own, which nobody else has: nobody else is made to wait.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

use crate::crypto::entropy::{self, EntropyError};
use crate::probe::door::Door;

/// How long a door may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The address that answered.
    pub address: SocketAddr,
    from: From,
}

/// From where we may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Any address of 127.0.0.0/8.
    Loopback,
    /// This one.
    One(IpAddr),
}

impl Way {
    /// Finds an address of a door that takes connections.
    ///
    /// # Errors
    /// Where none does.
    pub(super) fn find(door: &Door) -> io::Result<Self> {
        let mut addresses: Vec<SocketAddr> = (door.host.as_str(), door.port).to_socket_addrs()?.collect();
        // From ::1 nobody can come but ::1.
        addresses.sort_by_key(|address| !address.is_ipv4());
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match Self::to(address) {
                Ok(way) => return Ok(way),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn to(address: SocketAddr) -> io::Result<Self> {
        if let SocketAddr::V4(four) = address {
            if answers_a_loopback_address(four) {
                return Ok(Self { address, from: From::Loopback });
            }
        }
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        Ok(Self { address, from: From::One(stream.local_addr()?.ip()) })
    }

    /// An address to come from, and whether it is to be asked for.
    pub(super) fn source(&self) -> Result<Source, EntropyError> {
        Ok(match self.from {
            From::Loopback => Source::Own(own_address(entropy::bytes()?)),
            From::One(address) => Source::Given(address),
        })
    }

    /// Whether the door is on this machine, so that nobody is in between.
    pub(super) const fn is_local(&self) -> bool {
        matches!(self.from, From::Loopback) || self.address.ip().is_loopback()
    }
}

/// From where one attempt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An address that nobody else uses.
    Own(Ipv4Addr),
    /// The one that this machine has on that way.
    Given(IpAddr),
}

impl Source {
    pub(super) fn address(self) -> IpAddr {
        match self {
            Self::Own(address) => address.into(),
            Self::Given(address) => address,
        }
    }
}

/// The kernel refuses such a way to other machines at once (ip(7), martians), so that this takes no time.
fn answers_a_loopback_address(address: SocketAddrV4) -> bool {
    let connect = || {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(own_address([1, 1, 1]), 0))?;
        rustix::net::connect(&socket, &address)
    };
    connect().is_ok()
}

/// In the upper half of 127.0.0.0/8, where no daemon listens.
const fn own_address([second, third, fourth]: [u8; 3]) -> Ipv4Addr {
    Ipv4Addr::new(127, second | 0x80, third, if fourth == 0 || fourth == 255 { 1 } else { fourth })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::door::Protocol;
    use std::net::TcpListener;

    #[test]
    fn a_door_on_this_machine_sees_another_address_each_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let way = Way::find(&Door::parse(Protocol::Imap, &place.to_string()).unwrap()).unwrap();
        assert!(way.is_local() && way.address == place);
        let sources: Vec<IpAddr> = (0..4).map(|_| way.source().unwrap().address()).collect();
        assert!(sources.iter().all(|source| source.is_loopback() && *source != place.ip()));
        assert!(sources.iter().any(|source| *source != sources[0]));
    }

    #[test]
    fn a_door_that_nobody_answers_has_no_way() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert!(Way::find(&Door::parse(Protocol::Imap, &place).unwrap()).is_err());
    }
}
