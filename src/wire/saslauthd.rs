//! saslauthd's protocol: four counted strings, and one counted reply that begins with `OK` or `NO`. It carries no client
//! address (cyrus-sasl, saslauthd/ipc_unix.c).

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::domain::attempt::{Door, RawAttempt, Shown};
use crate::domain::reply::Reply;
use crate::wire::frame::{BadFrame, MAX_FIELD};

/// Longest request: four strings at their bound.
const MAX_REQUEST: usize = 4 * (2 + MAX_FIELD);

/// A request that arrives in pieces, as on any stream.
#[derive(Default)]
pub struct SaslauthdRequest {
    octets: Zeroizing<Vec<u8>>,
}

/// What there is of a request.
pub enum Progress {
    /// More must follow.
    Partial,
    /// All of it.
    Whole(SaslauthdQuestion),
}

/// The four strings of a request.
pub struct SaslauthdQuestion {
    account: Vec<u8>,
    secret: Secret,
    service: Vec<u8>,
}

impl SaslauthdRequest {
    /// Takes what has arrived.
    ///
    /// # Errors
    /// Where a string is beyond any bound, or something follows the fourth.
    pub fn take(&mut self, arrived: &[u8]) -> Result<Progress, BadFrame> {
        if MAX_REQUEST < self.octets.len() + arrived.len() {
            return Err(BadFrame);
        }
        if self.octets.capacity() == 0 {
            // At once, since a vector that grows leaves copies behind.
            self.octets = Zeroizing::new(Vec::with_capacity(MAX_REQUEST));
        }
        self.octets.extend_from_slice(arrived);
        self.read()
    }

    fn read(&self) -> Result<Progress, BadFrame> {
        let mut rest = self.octets.as_slice();
        let mut strings = [&[][..]; 4];
        for string in &mut strings {
            let Some((length, after)) = rest.split_first_chunk::<2>() else {
                return Ok(Progress::Partial);
            };
            let length = usize::from(u16::from_be_bytes(*length));
            if MAX_FIELD < length {
                return Err(BadFrame);
            }
            let Some((octets, after)) = after.split_at_checked(length) else {
                return Ok(Progress::Partial);
            };
            (*string, rest) = (octets, after);
        }
        if !rest.is_empty() {
            return Err(BadFrame);
        }
        let [user, secret, service, realm] = strings;
        // Saslauthd joins them the same way.
        let account = if realm.is_empty() { user.to_vec() } else { [user, b"@", realm].concat() };
        let (secret, service) = (Secret::copy_of(secret), service.to_vec());
        Ok(Progress::Whole(SaslauthdQuestion { account, secret, service }))
    }
}

impl SaslauthdQuestion {
    /// As every door hands it over.
    #[must_use]
    pub fn raw(&self) -> RawAttempt<'_> {
        let shown = Shown::Field(&self.secret);
        RawAttempt {
            account: &self.account,
            shown,
            service: &self.service,
            remote: None,
            door: Door::Saslauthd,
        }
    }
}

/// The counted reply. Only a grant begins with `OK`.
#[must_use]
pub fn saslauthd_reply(reply: Reply) -> Vec<u8> {
    let words: &[u8] = match reply {
        Reply::Granted => b"OK",
        Reply::Denied => b"NO",
        Reply::Throttled => b"NO throttled",
        Reply::Unavailable | Reply::OutOfMemory => b"NO unavailable",
    };
    let length = u16::try_from(words.len()).unwrap_or_default().to_be_bytes();
    [&length, words].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(strings: [&[u8]; 4]) -> Vec<u8> {
        strings
            .iter()
            .flat_map(|string| [&u16::try_from(string.len()).unwrap().to_be_bytes(), *string].concat())
            .collect()
    }

    #[test]
    fn a_request_may_arrive_octet_by_octet() {
        let whole = request([b"alice", b"hunter2", b"smtp", b"example.org"]);
        let mut taken = SaslauthdRequest::default();
        for (place, octet) in whole.iter().enumerate() {
            match taken.take(&[*octet]).unwrap() {
                Progress::Partial => assert!(place + 1 < whole.len()),
                Progress::Whole(question) => {
                    assert_eq!(place + 1, whole.len());
                    assert_eq!(question.raw().account, b"alice@example.org");
                    assert_eq!(question.raw().service, b"smtp");
                    assert!(question.raw().remote.is_none());
                }
            }
        }
        assert!(taken.take(b"x").is_err());
    }

    #[test]
    fn a_string_beyond_any_bound_is_refused_before_it_arrives() {
        assert!(SaslauthdRequest::default().take(&[0xff, 0xff]).is_err());
        assert!(SaslauthdRequest::default().take(&[0; 4000]).is_err());
        let more = [request([b"a", b"b", b"c", b""]), vec![0]].concat();
        assert!(SaslauthdRequest::default().take(&more).is_err());
    }

    #[test]
    fn only_a_grant_says_ok() {
        for reply in [Reply::Denied, Reply::Throttled, Reply::Unavailable, Reply::OutOfMemory] {
            assert!(saslauthd_reply(reply)[2..].starts_with(b"NO"));
        }
        assert_eq!(saslauthd_reply(Reply::Granted), b"\0\x02OK");
    }
}
