//! crypt(3) of libxcrypt, for hashes that were brought along.
//!
//! Knows: how large its working memory is, and that it is wiped.
//! Never: whether a hash is sound or too dear; that is looked at before anybody calls.

use std::ffi::{CStr, CString};

use libc::{c_char, c_int, c_void};
use zeroize::Zeroizing;

use crate::crypto::foreign::MAX_PHRASE;
use crate::crypto::password_hash::HashError;
use crate::crypto::secret::Secret;

/// Octets of `struct crypt_data` (crypt.h): characters alone, so any address will do.
const DATA_LEN: usize = 32 * 1024;

#[link(name = "crypt")]
unsafe extern "C" {
    // Unlike crypt_r(3) it is told how much room there is, and glibc's old libcrypt does not have it.
    fn crypt_rn(
        phrase: *const c_char,
        setting: *const c_char,
        data: *mut c_void,
        size: c_int,
    ) -> *const c_char;
}

/// Hashes a phrase as the setting says; a hash is the setting of its like.
///
/// # Errors
/// `OutOfMemory`, or `Malformed` where libxcrypt does not know the setting.
pub fn crypt(phrase: &Secret, setting: &str) -> Result<Secret, HashError> {
    let phrase = terminated(phrase)?;
    let phrase = CStr::from_bytes_with_nul(&phrase).map_err(|_| HashError::Malformed)?;
    let setting = CString::new(setting).map_err(|_| HashError::Malformed)?;
    let mut data = Zeroizing::new(Vec::new());
    data.try_reserve_exact(DATA_LEN).map_err(|_| HashError::OutOfMemory)?;
    data.resize(DATA_LEN, 0_u8);
    let (room, size) = (data.as_mut_ptr().cast(), DATA_LEN as c_int);
    // SAFETY: both strings are terminated, `room` has `size` zeroed octets, and all three outlive the call.
    let hash = unsafe { crypt_rn(phrase.as_ptr(), setting.as_ptr(), room, size) };
    if hash.is_null() {
        return Err(failure());
    }
    // SAFETY: not null (checked above), so it points to a terminated string within `data`, which is still there.
    let hash = unsafe { CStr::from_ptr(hash) };
    Ok(Secret::copy_of(hash.to_bytes()))
}

/// With room for all of it from the start: a vector that grows leaves copies behind.
fn terminated(phrase: &Secret) -> Result<Zeroizing<Vec<u8>>, HashError> {
    if MAX_PHRASE < phrase.len() {
        return Err(HashError::Malformed);
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_PHRASE + 1));
    octets.extend_from_slice(phrase.expose());
    octets.push(0);
    Ok(octets)
}

fn failure() -> HashError {
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::ENOMEM) => HashError::OutOfMemory,
        _ => HashError::Malformed,
    }
}
