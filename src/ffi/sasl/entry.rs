//! The entry: what libsasl calls. Fence, borrow, call.
//!
//! Nothing happens when the plug-in is loaded or asked for its mechanisms: Postfix does both as root and before its jail,
//! and every libsasl client loads it too.

use std::ffi::CStr;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{ptr, slice};

use libc::{c_char, c_int, c_uint, c_void};

use crate::backend::Reply;
use crate::domain::time::UnixTime;
use crate::ffi::fence;
use crate::ffi::sasl::abi::{self, OutParams, ServerParams, ServerPlug, Utils, code};
use crate::ffi::sasl::conversation::Conversation;
use crate::ffi::sasl::module;
use crate::ffi::sasl::options;
use crate::ffi::sasl::outcome::{self, Outcome};
use crate::ffi::sasl::params::{Calls, Params};
use crate::ffi::system::FileSizeSignal;

/// Both mechanisms. libsasl reads them for as long as it is there, and writes nothing.
#[repr(transparent)]
struct Offered([ServerPlug; 2]);

// SAFETY: never written; the pointers in it lead to literals and functions.
unsafe impl Sync for Offered {}

static OFFERED: Offered = Offered([
    mechanism(c"PLAIN", abi::FEAT_WANT_CLIENT_FIRST | abi::FEAT_ALLOWS_PROXY, plain_new),
    mechanism(c"LOGIN", 0, login_new),
]);

/// With the stock plug-ins' properties but for one.
const fn mechanism(name: &'static CStr, features: c_uint, new: abi::MechNew) -> ServerPlug {
    ServerPlug {
        mech_name: name.as_ptr(),
        // Stock says 0. libsasl sorts by this, so that ours is found first in whatever order the files are; it brings no
        // layer, and `avail` takes back what libsasl would let pass for it.
        max_ssf: 1,
        security_flags: abi::SEC_NOANONYMOUS | abi::SEC_PASS_CREDENTIALS,
        features,
        glob_context: ptr::null_mut(),
        mech_new: Some(new),
        mech_step: Some(step),
        mech_dispose: Some(dispose),
        mech_free: ptr::null(),
        setpass: ptr::null(),
        user_query: ptr::null(),
        idle: ptr::null(),
        mech_avail: Some(avail),
        spare_fptr2: ptr::null(),
    }
}

/// sasl_server_plug_init_t: which mechanisms there are; none unless the application's configuration says so.
///
/// # Safety
/// libsasl's: a live table, results that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sasl_server_plug_init(
    utils: *const Utils,
    max_version: c_int,
    out_version: *mut c_int,
    plugs: *mut *mut ServerPlug,
    count: *mut c_int,
) -> c_int {
    fence::guard(code::FAIL, || {
        // SAFETY: null or alive for the length of this call.
        let calls = unsafe { Calls::borrow(utils) };
        // SAFETY: null, or a variable of libsasl's own.
        let out_version = unsafe { out_version.as_mut() };
        // SAFETY: the same.
        let plugs = unsafe { plugs.as_mut() };
        // SAFETY: the same.
        let count = unsafe { count.as_mut() };
        let (Some(calls), Some(out_version), Some(plugs), Some(count)) = (calls, out_version, plugs, count)
        else {
            return code::BADPARAM;
        };
        if max_version < abi::SERVER_PLUG_VERSION {
            return code::BADVERS;
        }
        let enabled = options::is_enabled(calls.option(options::ENABLE).as_deref());
        *out_version = abi::SERVER_PLUG_VERSION;
        *plugs = (&raw const OFFERED).cast_mut().cast();
        *count = if enabled { 2 } else { 0 };
        code::OK
    })
}

/// Whether a mechanism may be offered on a connection now; after STARTTLS the answer may be another.
unsafe extern "C" fn avail(_: *mut c_void, params: *mut ServerParams, _: *mut *mut c_void) -> c_int {
    fence::guard(code::FAIL, || {
        // SAFETY: libsasl keeps the parameters alive for the length of this call.
        match unsafe { Params::borrow(params) } {
            Some(params) if params.lacks_layer() => {
                params.calls().set_error(c"the connection has no sufficient security layer");
                code::NOTDONE
            }
            Some(_) => code::OK,
            None => code::BADPARAM,
        }
    })
}

unsafe extern "C" fn plain_new(
    _: *mut c_void,
    params: *mut ServerParams,
    _: *const c_char,
    _: c_uint,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: libsasl's promise for this call.
    unsafe { begin(params, context, Conversation::Plain) }
}

unsafe extern "C" fn login_new(
    _: *mut c_void,
    params: *mut ServerParams,
    _: *const c_char,
    _: c_uint,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: libsasl's promise for this call.
    unsafe { begin(params, context, Conversation::Login) }
}

/// # Safety
/// `params` is null or alive, `context` null or writable.
unsafe fn begin(params: *mut ServerParams, context: *mut *mut c_void, conversation: Conversation) -> c_int {
    fence::guard(code::FAIL, || {
        // SAFETY: null or alive (the caller's promise).
        let params = unsafe { Params::borrow(params) };
        // SAFETY: null or writable (the caller's promise).
        let context = unsafe { context.as_mut() };
        let (Some(params), Some(context)) = (params, context) else {
            return code::BADPARAM;
        };
        match params.calls().keep(conversation) {
            Some(kept) => {
                *context = kept.cast();
                code::OK
            }
            None => code::NOMEM,
        }
    })
}

/// One message of the client's, and the answer to it.
unsafe extern "C" fn step(
    context: *mut c_void,
    params: *mut ServerParams,
    message: *const c_char,
    length: c_uint,
    challenge: *mut *const c_char,
    challenge_length: *mut c_uint,
    out: *mut OutParams,
) -> c_int {
    fence::guard(code::FAIL, || {
        let _held = FileSizeSignal::hold();
        // SAFETY: null or alive for the length of this call.
        let params = unsafe { Params::borrow(params) };
        // SAFETY: null, or libsasl's own.
        let out = unsafe { out.as_mut() };
        let (Some(params), Some(out)) = (params, out) else {
            return code::BADPARAM;
        };
        // SAFETY: null, or what `begin` has kept and `dispose` has not yet taken back.
        let conversation = unsafe { context.cast::<Conversation>().as_mut() };
        // SAFETY: null, or as long as libsasl says.
        let message = unsafe { octets(message, length) };
        let outcome = conversation.map_or(Outcome::Impossible, |conversation| {
            module::step(&params, out, conversation, message, &now)
        });
        if outcome == Outcome::Decided(Reply::Granted) {
            complete(out);
        }
        if let Some(words) = outcome::words(outcome) {
            params.calls().set_error(words);
        }
        // SAFETY: libsasl's own variables.
        unsafe { ask(outcome, challenge, challenge_length) };
        outcome::code(outcome)
    })
}

/// Hands over what the client is asked for, if anything.
///
/// # Safety
/// Both are null or writable.
unsafe fn ask(outcome: Outcome, challenge: *mut *const c_char, length: *mut c_uint) {
    let prompt = match outcome {
        Outcome::Asked(prompt) => Some(prompt.text()),
        Outcome::Decided(_) | Outcome::Garbled | Outcome::Impossible => None,
    };
    // SAFETY: null or writable (the caller's promise).
    if let Some(challenge) = unsafe { challenge.as_mut() } {
        *challenge = prompt.map_or(ptr::null(), CStr::as_ptr);
    }
    // SAFETY: null or writable (the caller's promise).
    if let Some(length) = unsafe { length.as_mut() } {
        *length = prompt.and_then(|text| c_uint::try_from(text.to_bytes().len()).ok()).unwrap_or(0);
    }
}

/// The names are there already; there is no layer.
const fn complete(out: &mut OutParams) {
    out.doneflag = 1;
    out.mech_ssf = 0;
    out.maxoutbuf = 0;
    out.encode_context = ptr::null_mut();
    out.encode = ptr::null();
    out.decode_context = ptr::null_mut();
    out.decode = ptr::null();
    out.param_version = 0;
}

/// The end of a conversation, on whatever path.
unsafe extern "C" fn dispose(context: *mut c_void, utils: *const Utils) {
    fence::guard((), || {
        // SAFETY: null or alive for the length of this call.
        if let Some(calls) = unsafe { Calls::borrow(utils) } {
            // SAFETY: null, or what `begin` has kept; libsasl forgets it with this call.
            unsafe { calls.discard(context.cast::<Conversation>()) }
        }
    });
}

/// # Safety
/// `text` is null or `length` octets long, and not changed during `'a`.
unsafe fn octets<'a>(text: *const c_char, length: c_uint) -> &'a [u8] {
    let Ok(length) = usize::try_from(length) else {
        return &[];
    };
    if text.is_null() {
        return &[];
    }
    // SAFETY: not null (checked above), as long as said (the caller's promise).
    unsafe { slice::from_raw_parts(text.cast(), length) }
}

#[allow(clippy::disallowed_methods, reason = "the plug-in's composition root reads the clock")]
fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
