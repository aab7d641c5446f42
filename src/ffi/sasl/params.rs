//! The host: one connection, seen from inside a mechanism.
//!
//! Knows: options, names in canonical form, the client's address, the log.
//! Never: what a name may do.

use std::ffi::{CStr, CString};
use std::{ptr, slice};

use libc::{c_char, c_uint};

use crate::backend::Level;
use crate::domain::account::AccountName;
use crate::ffi::sasl::abi::{self, OutParams, ServerParams, Utils, code};
use crate::ffi::system;

/// One connection, for the length of one call.
pub struct Params<'a> {
    params: &'a ServerParams,
    calls: Calls<'a>,
}

/// libsasl's calls.
#[derive(Clone, Copy)]
pub struct Calls<'a>(&'a Utils);

/// Which identity a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Who logs in and whom it acts as are one.
    Both,
    /// Who logs in.
    Authentication,
    /// Whom it acts as.
    Authorization,
}

impl Identity {
    /// The stock plug-in's flags. Properties of an account in sasldb or LDAP may be missing: we verify the secret ourselves.
    const fn flags(self) -> c_uint {
        abi::CU_EXTERNALLY_VERIFIED
            | match self {
                Self::Both => abi::CU_AUTHID | abi::CU_AUTHZID,
                Self::Authentication => abi::CU_AUTHID,
                Self::Authorization => abi::CU_AUTHZID,
            }
    }
}

/// Why a name has no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCanonical {
    /// It is nobody's.
    Refused,
    /// For want of memory.
    OutOfMemory,
    /// libsasl, or what it asks, failed.
    Failed,
}

impl<'a> Params<'a> {
    /// Borrows libsasl's parameters.
    ///
    /// # Safety
    /// `params` is null or lives, with everything it points to, during `'a`; so libsasl promises for each call.
    pub unsafe fn borrow(params: *mut ServerParams) -> Option<Self> {
        // SAFETY: null or alive (the caller's promise).
        let params = unsafe { params.as_ref() }?;
        // SAFETY: the same.
        let calls = unsafe { Calls::borrow(params.utils) }?;
        Some(Self { params, calls })
    }

    /// libsasl's calls.
    pub const fn calls(&self) -> Calls<'a> {
        self.calls
    }

    /// The application's word for what is logged in to.
    pub fn service(&self) -> Vec<u8> {
        // SAFETY: libsasl keeps its strings terminated, and alive during the call.
        unsafe { terminated(self.params.service) }.unwrap_or_default().to_vec()
    }

    /// The client's address, without its port; an application may name none. It is `address;port` (sasl_server_new(3)).
    pub fn remote(&self) -> Option<Vec<u8>> {
        // SAFETY: libsasl keeps its strings terminated, and alive during the call.
        let peer = unsafe { terminated(self.params.ipremoteport) }?;
        let end = peer.iter().rposition(|octet| *octet == b';').unwrap_or(peer.len());
        peer.get(..end).filter(|address| !address.is_empty()).map(<[u8]>::to_vec)
    }

    /// Whether the application wants more than the connection has below it: then stock PLAIN is not to be had either, and
    /// our own `max_ssf`, which is none, must not let us pass.
    pub const fn lacks_layer(&self) -> bool {
        self.params.external_ssf < self.params.props.min_ssf
    }

    /// Has libsasl bring a name into canonical form and keep it as that identity.
    pub fn canonical(
        &self,
        out: &mut OutParams,
        name: &[u8],
        whose: Identity,
    ) -> Result<Vec<u8>, NotCanonical> {
        // The canonicalisation of libsasl itself calls this a failure of its own.
        if name.trim_ascii().is_empty() {
            return Err(NotCanonical::Refused);
        }
        // Terminated, since libsasl looks for an @ beyond the length that it is given.
        let name = CString::new(name).map_err(|_| NotCanonical::Refused)?;
        let length = c_uint::try_from(name.as_bytes().len()).map_err(|_| NotCanonical::Refused)?;
        let call = self.params.canon_user.ok_or(NotCanonical::Failed)?;
        // SAFETY: the connection is libsasl's; the name is terminated and as long as said; `out` is borrowed mutably.
        match unsafe { call(self.calls.0.conn, name.as_ptr(), length, whose.flags(), &raw mut *out) } {
            code::OK => kept(out, whose),
            code::NOMEM => Err(NotCanonical::OutOfMemory),
            code::BADPROT | code::BADAUTH | code::NOAUTHZ | code::NOUSER | code::BUFOVER => {
                Err(NotCanonical::Refused)
            }
            _ => Err(NotCanonical::Failed),
        }
    }

    /// Tells the log of one decision. What needs somebody to act goes to the host's own log, which its administrator reads.
    pub fn log(&self, service: &[u8], level: Level, line: &str) {
        let line = format!("sasl_postern({}): {line}", service.escape_ascii());
        match level {
            Level::Error => self.calls.log_error(&line),
            Level::Notice | Level::Info => system::syslog(level, &line),
            Level::Debug => (),
        }
    }
}

/// The name that libsasl has kept.
fn kept(out: &OutParams, whose: Identity) -> Result<Vec<u8>, NotCanonical> {
    let (name, length) = match whose {
        Identity::Both | Identity::Authentication => (out.authid, out.alen),
        Identity::Authorization => (out.user, out.ulen),
    };
    let length = usize::try_from(length).map_err(|_| NotCanonical::Refused)?;
    if name.is_null() {
        return Err(NotCanonical::Failed);
    }
    // A realm may have made it longer.
    if AccountName::MAX_LEN < length {
        return Err(NotCanonical::Refused);
    }
    // SAFETY: not null (checked above), and as long as libsasl says.
    Ok(unsafe { slice::from_raw_parts(name.cast::<u8>(), length) }.to_vec())
}

impl<'a> Calls<'a> {
    /// Borrows the table.
    ///
    /// # Safety
    /// `utils` is null or alive during `'a`.
    pub unsafe fn borrow(utils: *const Utils) -> Option<Self> {
        // SAFETY: null or alive (the caller's promise).
        unsafe { utils.as_ref() }.map(Self)
    }

    /// An option of the application's configuration.
    pub fn option(self, name: &CStr) -> Option<Vec<u8>> {
        let (mut value, mut length) = (ptr::null(), 0);
        let call = self.0.getopt?;
        // SAFETY: the context is the table's own; the name is terminated; the results are ours.
        let found = unsafe {
            call(self.0.getopt_context, ptr::null(), name.as_ptr(), &raw mut value, &raw mut length)
        };
        if found != code::OK {
            return None;
        }
        // SAFETY: null, or terminated and alive until the configuration is read anew.
        unsafe { terminated(value) }.map(<[u8]>::to_vec)
    }

    /// What sasl_errdetail(3) will say; nothing of it goes to the log.
    pub fn set_error(self, words: &CStr) {
        if let Some(call) = self.0.seterror {
            // SAFETY: the connection is the table's own; both strings are terminated; the format takes exactly one.
            unsafe { call(self.0.conn, abi::NOLOG, c"%s".as_ptr(), words.as_ptr()) }
        }
    }

    /// Puts a value into libsasl's memory, so that the application's own allocator bounds it.
    pub fn keep<T>(self, value: T) -> Option<*mut T> {
        let call = self.0.malloc?;
        // SAFETY: malloc(3), or the application's own.
        let memory = unsafe { call(size_of::<T>()) }.cast::<T>();
        if memory.is_null() {
            return None;
        }
        // SAFETY: not null (checked above), large enough, and aligned for any type, as malloc(3) promises.
        unsafe { memory.write(value) };
        Some(memory)
    }

    /// Drops a value that was kept, and gives its memory back.
    ///
    /// # Safety
    /// `memory` is null or came from [`Calls::keep`] with the same type, and nobody uses it any more.
    pub unsafe fn discard<T>(self, memory: *mut T) {
        if memory.is_null() {
            return;
        }
        // SAFETY: a value that was kept (the caller's promise).
        unsafe { memory.drop_in_place() };
        if let Some(call) = self.0.free {
            // SAFETY: memory of the same table's malloc.
            unsafe { call(memory.cast()) }
        }
    }

    fn log_error(self, line: &str) {
        if let (Some(call), Ok(line)) = (self.0.log, CString::new(line)) {
            // SAFETY: the connection is the table's own; both strings are terminated; the format takes exactly one.
            unsafe { call(self.0.conn, abi::LOG_ERR, c"%s".as_ptr(), line.as_ptr()) }
        }
    }
}

/// # Safety
/// `text` is null or terminated, and not changed during `'a`.
unsafe fn terminated<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null (checked above), terminated (the caller's promise).
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
}
