//! The file of refused primaries: sets of places, and keyed digests in the place of names and secrets.

use std::path::Path;

use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::throttle::Source;
use crate::run::directory::RunError;
use crate::run::places::{PLACE_LEN, Place, Reader, Subject, written};
use crate::run::sheet::{Form, Sheet};

pub(super) const SETS: u64 = 512;
const SET_LEN: usize = 8 * PLACE_LEN;

pub(super) const FORM: Form = Form {
    name: "refusals",
    magic: b"postern/1/refuse",
    len: SETS * SET_LEN as u64,
    // One second in all; nothing of ours holds the lock for a millisecond.
    looks: 200,
};

/// The locked file, until it is dropped, and the key of its digests.
pub(super) struct Opened<'a> {
    pub sheet: Sheet,
    key: &'a Secret,
}

impl<'a> Opened<'a> {
    pub fn at(run_dir: &Path, owner: u32, key: &'a Secret) -> Result<Self, RunError> {
        Ok(Self { sheet: Sheet::open(run_dir, owner, &FORM)?, key })
    }

    fn keyed(&self, label: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        // With room for all of it from the start: a vector that grows leaves copies behind.
        let room =
            self.sheet.salt.len() + label.len() + parts.iter().map(|part| part.len() + 8).sum::<usize>();
        let mut message = Zeroizing::new(Vec::with_capacity(room));
        message.extend_from_slice(self.sheet.salt.as_slice());
        message.extend_from_slice(label);
        for part in parts {
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        let digest: [u8; 32] = hmac::<Hmac<Sha256>>(self.key.expose(), &message).into();
        Reader(&digest).take()
    }

    pub fn name(&self, account: &AccountName) -> [u8; 16] {
        self.keyed(b"account", &[account.as_str().as_bytes()])
    }

    pub fn subject(&self, account: &AccountName, source: Source) -> Subject {
        let (name, source) = (self.name(account), written(source));
        let set = u64::from_be_bytes(Reader(&self.keyed(b"set", &[&name, &source])).take()) % SETS;
        Subject { account: name, source, set }
    }

    pub fn digest(&self, subject: &Subject, secret: &Secret) -> u64 {
        let whole = self.keyed(b"secret", &[&subject.account, &subject.source, secret.expose()]);
        u64::from_be_bytes(Reader(&whole).take())
    }

    pub fn read(&self, set: u64) -> Result<Vec<Place>, RunError> {
        let octets: [u8; SET_LEN] = self.sheet.read(set * SET_LEN as u64)?;
        Ok(octets.chunks_exact(PLACE_LEN).map(Place::read).collect())
    }

    pub fn write(&self, set: u64, places: &[Place]) -> Result<(), RunError> {
        let octets: Vec<u8> = places.iter().flat_map(Place::written).collect();
        self.sheet.write(set * SET_LEN as u64, &octets)
    }
}
