//! Who asks, on the way to a worker.

use zeroize::Zeroizing;

use crate::wire::frame::{BadFrame, VERSION};
use crate::wire::manage::request::frame::MAX_REQUEST;

/// Stands before what a worker is handed; no question of another socket begins like this.
pub(super) const OF_UID: u8 = b'm';

/// Version, mark and uid, which stand before a request on its way to a worker.
pub(super) const BEFORE: usize = 2 + 4;

/// Puts the uid of whoever asks before a request, for a worker.
///
/// # Errors
/// Where the request is too long to be one.
pub fn of_uid(uid: u32, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, BadFrame> {
    if MAX_REQUEST < request.len() {
        return Err(BadFrame);
    }
    let mut frame = Zeroizing::new(Vec::with_capacity(BEFORE + request.len()));
    frame.extend_from_slice(&[VERSION, OF_UID]);
    frame.extend_from_slice(&uid.to_be_bytes());
    frame.extend_from_slice(request);
    Ok(frame)
}

/// The uid and the request, where a frame is a request of somebody.
#[must_use]
pub fn asked_by(frame: &[u8]) -> Option<(u32, &[u8])> {
    let (uid, request) = frame.strip_prefix(&[VERSION, OF_UID])?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*uid), request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::manage::request::{Request, decode_request, encode_request};

    #[test]
    fn a_worker_learns_the_uid_that_stands_before() {
        let request = encode_request(&Request::ShowAccount).unwrap();
        for uid in [0, 1000, 65_534, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            let frame = of_uid(uid, &request).unwrap();
            assert_eq!(asked_by(&frame), Some((uid, request.as_slice())));
            // It is no question of a door, and no request of a user.
            assert!(crate::wire::decode(&frame).is_err() && decode_request(&frame).is_err());
        }
        assert_eq!(asked_by(&request), None);
        assert_eq!(asked_by(&[VERSION, OF_UID, 0, 0, 0]), None);
    }
}
