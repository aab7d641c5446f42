//! The places in the memory of refused primaries, octet by octet.
//!
//! Knows: what one place holds, when it is forgotten, and which one gives way.
//! Never: how a digest is made.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::throttle::{FORGOTTEN_AFTER, Origin, REMEMBERED_FOR, Source};
use crate::domain::time::UnixTime;

const DIGESTS: usize = 3;

/// Octets of one place.
pub(super) const PLACE_LEN: usize = 16 + 17 + 4 + 8 + DIGESTS * 16;

/// One account and one source, and where they may be found.
pub(super) struct Subject {
    pub account: [u8; 16],
    pub source: [u8; 17],
    pub set: u64,
}

/// What is remembered of one account and one source.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub account: [u8; 16],
    source: [u8; 17],
    pub failures: u32,
    pub last_at: u64,
    digests: [Digest; DIGESTS],
}

/// One refused secret, and when.
#[derive(Clone, Copy, Default)]
struct Digest {
    value: u64,
    at: u64,
}

impl Place {
    pub(super) fn is_of(&self, subject: &Subject) -> bool {
        self.account == subject.account && self.source == subject.source
    }

    pub(super) fn is_over(&self, now: UnixTime) -> bool {
        self.last_at.saturating_add(FORGOTTEN_AFTER) <= now.0
    }

    pub(super) fn remembers(&self, digest: u64, now: UnixTime) -> bool {
        let fresh = |seen: &Digest| seen.at <= now.0 && now.0 < seen.at.saturating_add(REMEMBERED_FOR);
        self.digests.iter().any(|seen| seen.value == digest && seen.at != 0 && fresh(seen))
    }

    /// In the place of the same one, or of the oldest.
    pub(super) fn remember(&mut self, digest: u64, now: UnixTime) {
        let known = self.digests.iter_mut().position(|seen| seen.value == digest);
        let oldest =
            || self.digests.iter().enumerate().min_by_key(|(_, seen)| seen.at).map(|(place, _)| place);
        let place = known.or_else(oldest);
        if let Some(seen) = place.and_then(|place| self.digests.get_mut(place)) {
            // The first refusal counts: ten minutes after it the directory is asked again.
            if seen.value != digest || seen.at.saturating_add(REMEMBERED_FOR) <= now.0 {
                *seen = Digest { value: digest, at: now.0 };
            }
        }
    }

    pub(super) fn source(&self) -> Option<String> {
        let (family, octets) = self.source.split_first()?;
        let octets: [u8; 16] = octets.try_into().ok()?;
        let six = IpAddr::from(octets);
        match family {
            0 => None,
            1 => Some(Source::ONESELF.to_string()),
            4 => Some(Source::of(Some(six.to_canonical())).to_string()),
            _ => Some(Source::of(Some(six)).to_string()),
        }
    }

    pub(super) fn read(octets: &[u8]) -> Self {
        let mut rest = Reader(octets);
        Self {
            account: rest.take(),
            source: rest.take(),
            failures: u32::from_be_bytes(rest.take()),
            last_at: u64::from_be_bytes(rest.take()),
            digests: [(); DIGESTS].map(|()| Digest {
                value: u64::from_be_bytes(rest.take()),
                at: u64::from_be_bytes(rest.take()),
            }),
        }
    }

    pub(super) fn written(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(PLACE_LEN);
        octets.extend_from_slice(&self.account);
        octets.extend_from_slice(&self.source);
        octets.extend_from_slice(&self.failures.to_be_bytes());
        octets.extend_from_slice(&self.last_at.to_be_bytes());
        for digest in &self.digests {
            octets.extend_from_slice(&digest.value.to_be_bytes());
            octets.extend_from_slice(&digest.at.to_be_bytes());
        }
        octets
    }
}

pub(super) struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *first
    }
}

/// The place of a subject, begun anew where it was forgotten; else a free one, else the oldest.
pub(super) fn place_for<'p>(
    places: &'p mut [Place],
    subject: &Subject,
    now: UnixTime,
) -> Option<&'p mut Place> {
    let known = places.iter().position(|place| place.is_of(subject));
    let oldest = || places.iter().enumerate().min_by_key(|(_, place)| place.last_at).map(|(at, _)| at);
    let place = places.get_mut(known.or_else(oldest)?)?;
    if !place.is_of(subject) || place.is_over(now) {
        *place = Place { account: subject.account, source: subject.source, ..Place::default() };
    }
    Some(place)
}

/// The family and the address, IPv4 as in RFC 4291 §2.5.5.2; without an address zeroes.
pub(super) fn written(source: Source) -> [u8; 17] {
    let mut octets = [0; 17];
    let (family, six) = match source.known() {
        Origin::Unknown => (0, Ipv6Addr::UNSPECIFIED),
        Origin::Oneself => (1, Ipv6Addr::UNSPECIFIED),
        Origin::Address(IpAddr::V4(four)) => (4, four.to_ipv6_mapped()),
        Origin::Address(IpAddr::V6(six)) => (6, six),
    };
    let whole = std::iter::once(family).chain(six.octets());
    octets.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    octets
}
