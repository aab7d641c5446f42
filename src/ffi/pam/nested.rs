//! Asks PAM for a primary password: a transaction of our own, inside the one that asks us.
//!
//! Knows: that exactly one hidden question may be answered, and whom it meets on the way.
//! Never: answers a second question, waits for a fail delay, or takes a yes that came unasked.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::{c_char, c_int, c_uint, c_void};
use pam_bindings::module::PamHandle;

use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::primary::PrimaryMatch;
use crate::domain::time::UnixTime;
use crate::ffi::crypt::crypt;
use crate::ffi::fence;
use crate::ffi::pam::abi::{self, Conversation, Message, Response, code};
use crate::ffi::pam::handle::{MET_NAME, NESTED};
use crate::ffi::{shadow, system};
use crate::verifier::{PamQuestion, PamUnusable, System};

/// The file in `/etc/postern/pam.d`. `pam_start_confdir` fails where it is missing; `pam_start` would fall to
/// `other`, which on Debian takes the bare primary.
const SERVICE: &CStr = c"primary";

/// An account with a blank hash is not let in without a password.
const FLAGS: c_int = abi::PAM_SILENT | abi::PAM_DISALLOW_NULL_AUTHTOK;

/// What the verifier asks of the system.
pub const SYSTEM: System<'static> = System {
    check_primary: &check_primary,
    account_state: &account_state,
    unix_uid: &unix_uid,
    crypt: &crypt,
};

/// Asks the PAM service `primary` for a password.
///
/// # Errors
/// Where the service cannot be asked, or answers in a way that proves nothing.
pub fn check_primary(question: &PamQuestion<'_>, primary: &Secret) -> Result<PrimaryMatch, PamUnusable> {
    can_tell_wrong_from_unknown(question)?;
    let mut answers = Answers { secret: primary, hidden: 0, other: 0 };
    let user = user(question)?;
    let mut transaction = Transaction::start(&user, question, &mut answers)?;
    let authenticated = transaction.authenticate();
    let account = if authenticated == code::SUCCESS { transaction.account() } else { authenticated };
    transaction.finish(&user)?;
    conclude(authenticated, account, &answers)
}

/// Asks the shadow entry, then the account phase of the PAM service `primary`, whether an account may be used.
/// A primary that must be changed closes the primary alone.
///
/// # Errors
/// Where the service cannot be asked.
pub fn account_state(question: &PamQuestion<'_>, now: UnixTime) -> Result<AccountState, PamUnusable> {
    let shadow = shadow::state(question.account.as_str(), now).map_err(PamUnusable::NoShadow)?;
    if shadow == AccountState::Disabled {
        return Ok(AccountState::Disabled);
    }
    let nothing = Secret::new(Vec::new());
    let mut answers = Answers { secret: &nothing, hidden: 0, other: 0 };
    let user = user(question)?;
    let mut transaction = Transaction::start(&user, question, &mut answers)?;
    let account = transaction.account();
    transaction.finish(&user)?;
    if answers.hidden > 0 || answers.other > 0 {
        return Err(PamUnusable::AskedMore);
    }
    standing(account).map(|standing| match standing {
        PrimaryMatch::Right | PrimaryMatch::MustChange => AccountState::Active,
        PrimaryMatch::Wrong | PrimaryMatch::Closed => AccountState::Disabled,
    })
}

/// Asks passwd(5) which uid has the account's name.
///
/// # Errors
/// Where it cannot be asked.
pub fn unix_uid(account: &AccountName) -> Result<Option<u32>, PamUnusable> {
    shadow::unix_uid(account.as_str()).map_err(PamUnusable::NoShadow)
}

/// Without root pam_unix leaves the check to unix_chkpwd(8), which may call a password wrong that it could not compare,
/// as where it must not call setuid(2): a right one would be counted and remembered. Users of a directory are not
/// pam_unix's to check.
fn can_tell_wrong_from_unknown(question: &PamQuestion<'_>) -> Result<(), PamUnusable> {
    let account = question.account.as_str();
    if system::effective_uid() == 0 || !shadow::is_local(account) {
        return Ok(());
    }
    // Whether it is locked or expired is for the stack to say.
    let whenever = UnixTime(0);
    shadow::state(account, whenever).map(|_| ()).map_err(PamUnusable::NoShadow)
}

fn user(question: &PamQuestion<'_>) -> Result<CString, PamUnusable> {
    CString::new(question.account.as_str()).map_err(|_| PamUnusable::UserChanged)
}

fn conclude(
    authenticated: c_int,
    account: c_int,
    answers: &Answers<'_>,
) -> Result<PrimaryMatch, PamUnusable> {
    if answers.hidden > 1 || answers.other > 0 {
        return Err(PamUnusable::AskedMore);
    }
    match authenticated {
        code::SUCCESS if answers.hidden == 0 => Err(PamUnusable::NotAsked),
        code::SUCCESS => standing(account),
        code::NEW_AUTHTOK_REQD => Ok(PrimaryMatch::MustChange),
        code::ACCT_EXPIRED => Ok(PrimaryMatch::Closed),
        code::AUTH_ERR | code::PERM_DENIED | code::USER_UNKNOWN | code::CRED_INSUFFICIENT => {
            Ok(PrimaryMatch::Wrong)
        }
        // PAM_MAXTRIES among them: a directory that has had enough says nothing about the password.
        other => Err(PamUnusable::Failed(other)),
    }
}

/// The password is right; may the account be used?
const fn standing(account: c_int) -> Result<PrimaryMatch, PamUnusable> {
    match account {
        code::SUCCESS => Ok(PrimaryMatch::Right),
        code::NEW_AUTHTOK_REQD => Ok(PrimaryMatch::MustChange),
        // PAM_AUTHTOK_EXPIRED is the end of an account whose password nobody changed in time (chage -I).
        code::ACCT_EXPIRED
        | code::AUTHTOK_EXPIRED
        | code::PERM_DENIED
        | code::AUTH_ERR
        | code::USER_UNKNOWN => Ok(PrimaryMatch::Closed),
        other => Err(PamUnusable::Failed(other)),
    }
}

/// The application's side of the conversation.
struct Answers<'a> {
    secret: &'a Secret,
    hidden: u32,
    other: u32,
}

/// A transaction of ours; dropping it ends it.
struct Transaction<'a> {
    handle: *mut PamHandle,
    last: c_int,
    // libpam keeps a pointer to the answers until pam_end.
    _answers: std::marker::PhantomData<&'a mut ()>,
}

impl<'a> Transaction<'a> {
    fn start(
        user: &CStr,
        question: &PamQuestion<'_>,
        answers: &'a mut Answers<'_>,
    ) -> Result<Self, PamUnusable> {
        let confdir = CString::new(question.directory.as_os_str().as_bytes())
            .map_err(|_| PamUnusable::NotStarted(code::SYSTEM_ERR))?;
        let conversation = Conversation { call: answer, data: ptr::from_mut(answers).cast() };
        let mut handle = ptr::null_mut();
        // SAFETY: all strings are terminated; libpam copies them and the conversation; the answers outlive the
        // transaction, which borrows them.
        let started = unsafe {
            abi::pam_start_confdir(
                SERVICE.as_ptr(),
                user.as_ptr(),
                &raw const conversation,
                confdir.as_ptr(),
                &raw mut handle,
            )
        };
        if started != code::SUCCESS || handle.is_null() {
            return Err(PamUnusable::NotStarted(started));
        }
        let transaction = Self { handle, last: started, _answers: std::marker::PhantomData };
        transaction.prepare()?;
        transaction.set_remote(question.remote.map(|address| address.to_string()))?;
        Ok(transaction)
    }

    /// No fail delay, and a mark that any copy of ours understands.
    fn prepare(&self) -> Result<(), PamUnusable> {
        let delay: extern "C" fn(c_int, c_uint, *mut c_void) = no_delay;
        // SAFETY: the handle is live; libpam keeps the function's address, and the function is ours for ever.
        let delayed = unsafe { abi::pam_set_item(self.handle, abi::PAM_FAIL_DELAY, delay as *const c_void) };
        let mark = [NESTED.to_bytes(), b"=1\0"].concat();
        // SAFETY: the handle is live; the string is terminated, and libpam copies it.
        let marked = unsafe { abi::pam_putenv(self.handle, mark.as_ptr().cast()) };
        succeeded(delayed)?;
        succeeded(marked)
    }

    fn set_remote(&self, remote: Option<String>) -> Result<(), PamUnusable> {
        let Some(remote) = remote.and_then(|address| CString::new(address).ok()) else {
            return Ok(());
        };
        // SAFETY: the handle is live; the string is terminated, and libpam copies it.
        succeeded(unsafe { abi::pam_set_item(self.handle, abi::PAM_RHOST, remote.as_ptr().cast()) })
    }

    fn authenticate(&mut self) -> c_int {
        // SAFETY: the handle is live.
        self.last = unsafe { abi::pam_authenticate(self.handle, FLAGS) };
        self.last
    }

    fn account(&mut self) -> c_int {
        // SAFETY: the handle is live.
        self.last = unsafe { abi::pam_acct_mgmt(self.handle, FLAGS) };
        self.last
    }

    /// Ends the transaction, if it was what we think.
    fn finish(self, user: &CStr) -> Result<(), PamUnusable> {
        if self.has_met_ourselves() {
            return Err(PamUnusable::MetOurselves);
        }
        if !self.user_is(user) {
            return Err(PamUnusable::UserChanged);
        }
        Ok(())
    }

    fn has_met_ourselves(&self) -> bool {
        // SAFETY: the handle is live; libpam's answer is only compared with null.
        let met = unsafe { abi::pam_getenv(self.handle, MET_NAME.as_ptr()) };
        !met.is_null()
    }

    fn user_is(&self, user: &CStr) -> bool {
        let mut item = ptr::null();
        // SAFETY: the handle is live, and the pointer is ours.
        let found = unsafe { abi::pam_get_item(self.handle, abi::PAM_USER, &raw mut item) };
        if found != code::SUCCESS || item.is_null() {
            return false;
        }
        // SAFETY: PAM_USER is a terminated string of libpam's, alive until the next call.
        unsafe { CStr::from_ptr(item.cast()) == user }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and nobody has it after this.
        unsafe { abi::pam_end(self.handle, self.last) };
    }
}

const fn succeeded(result: c_int) -> Result<(), PamUnusable> {
    if result == code::SUCCESS { Ok(()) } else { Err(PamUnusable::Failed(result)) }
}

/// pam_fail_delay(3): nothing in a host sleeps.
extern "C" fn no_delay(_status: c_int, _microseconds: c_uint, _data: *mut c_void) {}

/// pam_conv(3): the first hidden question gets the password, everything else is refused.
extern "C" fn answer(
    count: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    fence::contain(code::CONV_ERR, || {
        let count = usize::try_from(count).unwrap_or(0);
        if count == 0 || count > 32 || messages.is_null() || responses.is_null() || data.is_null() {
            return code::CONV_ERR;
        }
        // SAFETY: `data` is what `start` handed over, alive until pam_end; libpam calls from our own call only.
        let answers = unsafe { &mut *data.cast::<Answers<'_>>() };
        // SAFETY: Linux-PAM passes an array of `count` pointers, not null (checked above).
        let messages = unsafe { std::slice::from_raw_parts(messages, count) };
        match answers.reply_to(messages) {
            Some(array) => {
                // SAFETY: not null (checked above), and a place for one pointer (pam_conv(3)).
                unsafe { *responses = array.release() };
                code::SUCCESS
            }
            None => code::CONV_ERR,
        }
    })
}

impl Answers<'_> {
    fn reply_to(&mut self, messages: &[*const Message]) -> Option<Array> {
        let mut hidden = None;
        for (place, message) in messages.iter().enumerate() {
            // SAFETY: each is null or a message of the asking module, alive during the call.
            let style = unsafe { message.as_ref() }?.style;
            match style {
                abi::PAM_PROMPT_ECHO_OFF => {
                    self.hidden += 1;
                    hidden = Some(place);
                }
                // These ask nothing.
                abi::PAM_ERROR_MSG | abi::PAM_TEXT_INFO => {}
                _ => self.other += 1,
            }
        }
        if self.hidden > 1 || self.other > 0 {
            return None;
        }
        let array = Array::allocate(messages.len())?;
        if let Some(place) = hidden {
            array.set(place, copy(self.secret)?);
        }
        Some(array)
    }
}

/// Responses in memory of malloc(3), which the asking module frees once they are released.
struct Array(*mut Response);

impl Array {
    fn allocate(count: usize) -> Option<Self> {
        // SAFETY: calloc(3) gives null or zeroed memory; zeroes are a valid response, a null text.
        let array: *mut Response = unsafe { libc::calloc(count, size_of::<Response>()) }.cast();
        (!array.is_null()).then_some(Self(array))
    }

    fn set(&self, place: usize, text: *mut c_char) {
        // SAFETY: the place is one of the messages', and there are as many responses.
        let response = unsafe { self.0.add(place) };
        // SAFETY: within the array and zeroed, see above.
        unsafe { (*response).text = text };
    }

    const fn release(self) -> *mut Response {
        let array = self.0;
        std::mem::forget(self);
        array
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // SAFETY: from calloc(3), not released, and without a text: nothing can fail after one is set.
        unsafe { libc::free(self.0.cast()) };
    }
}

/// A terminated copy in memory of malloc(3); the asking module overwrites and frees it.
fn copy(secret: &Secret) -> Option<*mut c_char> {
    let octets = secret.expose();
    // SAFETY: calloc(3) gives null or zeroed memory, one octet more than is written.
    let text: *mut u8 = unsafe { libc::calloc(octets.len() + 1, 1) }.cast();
    if text.is_null() {
        return None;
    }
    // SAFETY: the places do not overlap, and both are as long as the secret.
    unsafe { ptr::copy_nonoverlapping(octets.as_ptr(), text, octets.len()) };
    Some(text.cast())
}
