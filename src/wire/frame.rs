//! Counted strings (16-bit length, network order), read and written.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::attempt::MAX_SECRET;
use crate::domain::service::Service;
use crate::domain::time::UnixTime;

/// The first octet of every frame; another one is another language.
pub(super) const VERSION: u8 = 1;

/// Largest frame: one attempt with every field at its bound, in one page.
pub const MAX_FRAME: usize = 4096;

/// Longest field. Hosts may hand over more than the decision takes, so that it can say what is wrong.
pub(super) const MAX_FIELD: usize = 768;

/// Longest list of names: 32 networks, or 16 services.
pub(super) const MAX_LIST: usize = 1408;

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

    pub(super) fn number(&mut self) -> Result<u64, BadFrame> {
        let (number, rest) = self.0.split_first_chunk::<8>().ok_or(BadFrame)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*number))
    }

    /// A number that has 32 bits.
    pub(super) fn short_number(&mut self) -> Result<u32, BadFrame> {
        u32::try_from(self.number()?).map_err(|_| BadFrame)
    }

    pub(super) fn field(&mut self) -> Result<&'a [u8], BadFrame> {
        self.field_within(MAX_FIELD)
    }

    pub(super) fn secret(&mut self) -> Result<Secret, BadFrame> {
        self.field().map(Secret::copy_of)
    }

    /// A moment, or none.
    pub(super) fn moment(&mut self) -> Result<Option<UnixTime>, BadFrame> {
        match self.octet()? {
            0 => Ok(None),
            1 => self.number().map(UnixTime).map(Some),
            _ => Err(BadFrame),
        }
    }

    /// A field that is text.
    pub(super) fn text(&mut self) -> Result<&'a str, BadFrame> {
        std::str::from_utf8(self.field()?).map_err(|_| BadFrame)
    }

    /// Names in one text, which may be longer than any other.
    pub(super) fn list(&mut self) -> Result<&'a str, BadFrame> {
        std::str::from_utf8(self.field_within(MAX_LIST)?).map_err(|_| BadFrame)
    }

    fn field_within(&mut self, most: usize) -> Result<&'a [u8], BadFrame> {
        let (length, rest) = self.0.split_first_chunk::<2>().ok_or(BadFrame)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if most < length {
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

    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(super) fn moment(&mut self, moment: Option<UnixTime>) {
        self.octet(u8::from(moment.is_some()));
        if let Some(moment) = moment {
            self.number(moment.0);
        }
    }

    pub(super) fn field(&mut self, field: &[u8]) -> Result<(), BadFrame> {
        self.field_within(field, MAX_FIELD)
    }

    pub(super) fn list(&mut self, names: &str) -> Result<(), BadFrame> {
        self.field_within(names.as_bytes(), MAX_LIST)
    }

    fn field_within(&mut self, field: &[u8], most: usize) -> Result<(), BadFrame> {
        let length = u16::try_from(field.len()).ok().filter(|length| usize::from(*length) <= most);
        let length = length.filter(|_| self.0.len() + 2 + field.len() <= MAX_FRAME).ok_or(BadFrame)?;
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(field);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}
