//! Counted strings (16-bit length, network order), read and written.

use std::fmt;

use zeroize::Zeroizing;

use crate::domain::account::AccountName;
use crate::domain::attempt::MAX_SECRET;
use crate::domain::service::Service;

/// The first octet of every frame; another one is another language.
pub(super) const VERSION: u8 = 1;

/// Largest frame: one attempt with every field at its bound, in one page.
pub const MAX_FRAME: usize = 4096;

/// Longest field. Hosts may hand over more than the decision takes, so that it can say what is wrong.
pub(super) const MAX_FIELD: usize = 768;

const _: () =
    assert!(MAX_SECRET < MAX_FIELD && AccountName::MAX_LEN < MAX_FIELD && Service::MAX_LEN < MAX_FIELD);
// Head, five fields with their lengths, and the octets between them.
const _: () = assert!(2 + 5 * (2 + MAX_FIELD) + 8 < MAX_FRAME);

/// Not a frame of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrame;

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what came is no frame of this version")
    }
}

impl std::error::Error for BadFrame {}

/// Takes a frame apart.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(frame: &'a [u8]) -> Self {
        Self(frame)
    }

    pub(super) fn octet(&mut self) -> Result<u8, BadFrame> {
        let (first, rest) = self.0.split_first().ok_or(BadFrame)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn field(&mut self) -> Result<&'a [u8], BadFrame> {
        let (length, rest) = self.0.split_first_chunk::<2>().ok_or(BadFrame)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if MAX_FIELD < length {
            return Err(BadFrame);
        }
        let (field, rest) = rest.split_at_checked(length).ok_or(BadFrame)?;
        self.0 = rest;
        Ok(field)
    }

    /// Nothing may follow.
    pub(super) const fn end(&self) -> Result<(), BadFrame> {
        if self.0.is_empty() { Ok(()) } else { Err(BadFrame) }
    }
}

/// Puts a frame together, with room for all of it from the start: a vector that grows leaves copies behind.
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(MAX_FRAME)))
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    pub(super) fn field(&mut self, field: &[u8]) -> Result<(), BadFrame> {
        let length = u16::try_from(field.len()).ok().filter(|length| usize::from(*length) <= MAX_FIELD);
        self.0.extend_from_slice(&length.ok_or(BadFrame)?.to_be_bytes());
        self.0.extend_from_slice(field);
        Ok(())
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}
