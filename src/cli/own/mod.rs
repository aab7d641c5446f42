//! What users do for their own accounts: the same commands, through posternd.
//!
//! Knows: whose account is meant, what to ask for at the terminal, and what a refusal means to somebody who is not root.
//! Never: opens the store or the key.

mod add;
mod enroll;
mod show;
mod list;
mod revoke;
mod recovery;
pub(super) mod refusal;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::backend::{DaemonError, MANAGE_SOCKET, SelfService};
use crate::cli::failure::Failure;
use crate::cli::secrets;
use crate::cli::site::Site;
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, Case, DomainRule, Naming};
use crate::domain::self_service::Refusal;
use crate::wire::BadFrame;
use crate::wire::manage::{Answer, Credentials, OwnAccount, Request};

/// A name that the store has spelled is not spelled again.
const AS_IT_IS: Naming = Naming { case: Case::Keep, domain: DomainRule::Keep };

/// Whose account a command is about, and how it is reached.
pub(super) enum Whose<'a> {
    /// Anybody's: the store is open to whoever types.
    Named(AccountName),
    /// The user's own: posternd has the store.
    Own(Own<'a>),
}

impl<'a> Whose<'a> {
    /// The account that was named, or else one's own.
    pub(super) fn of(site: &'a Site<'a>, typed: Option<&OsStr>) -> Result<Self, Failure> {
        match (works_here(site), typed) {
            (true, Some(name)) => Ok(Self::Named(site.account(name)?)),
            (true, None) => Err(Failure::Usage(
                "no account is named".to_owned(),
                "name one, such as alice; only users without access to the store leave it out, for their own",
            )),
            (false, typed) => {
                let own = Own { site };
                typed.map_or(Ok(()), |name| own.must_be(name))?;
                Ok(Self::Own(own))
            }
        }
    }
}

/// Root, and whoever has a store of their own.
pub(super) fn works_here(site: &Site<'_>) -> bool {
    let uid = site.world.effective_uid;
    let directory = site.config.store.parent().and_then(|directory| fs::metadata(directory).ok());
    uid == 0 || directory.is_some_and(|directory| directory.uid() == uid)
}

/// A user and their own account.
pub(super) struct Own<'a> {
    site: &'a Site<'a>,
}

impl Own<'_> {
    /// Whoever names an account names their own.
    fn must_be(&self, typed: &OsStr) -> Result<(), Failure> {
        let named = self.site.account(typed)?;
        let user = (self.site.world.name_of)(self.site.world.effective_uid);
        let own = user.as_ref().map(|user| self.site.account(OsStr::new(user))).transpose()?;
        if own.as_ref() == Some(&named) {
            return Ok(());
        }
        let what = match own {
            Some(own) => format!("{named} is not your account, which is {own}"),
            None => format!("{named} is not your account"),
        };
        Err(Failure::NotPermitted(what, "leave the name out for your own; for another this needs root: sudo"))
    }

    /// Has a request answered.
    fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let configured = self.site.config.daemon.manage.first();
        let socket = configured.map_or(Path::new(MANAGE_SOCKET), |path| path.as_path());
        let service = SelfService { socket, trusted: self.site.world.trusted };
        match service.ask(request) {
            Ok(Answer::Refused(why)) => Err(Failure::Refused(why)),
            Ok(answer) => Ok(answer),
            Err(why) => Err(Failure::Daemon(why)),
        }
    }

    /// What the account has. Asked for before anything else, so that nobody types a password for nothing.
    fn account(&self) -> Result<OwnAccount, Failure> {
        let Answer::Account(account) = self.ask(&Request::ShowAccount)? else {
            return Err(unexpected());
        };
        Ok(account)
    }

    /// Asks for a primary password.
    fn primary(&self, descriptor: Option<u16>) -> Result<Secret, Failure> {
        secrets::known(self.site.world, descriptor, "Primary password: ")
    }

    /// Asks for a primary password and a code.
    fn credentials(&self, account: &OwnAccount, descriptor: Option<u16>) -> Result<Credentials, Failure> {
        must_have_a_factor(account)?;
        Ok(Credentials { primary: self.primary(descriptor)?, code: self.code("One-time code: ")? })
    }

    /// Asks for a one-time code or a recovery code, as proof.
    fn code(&self, prompt: &str) -> Result<Secret, Failure> {
        secrets::code(self.site.world, prompt)?.ok_or_else(no_code)
    }
}

fn no_code() -> Failure {
    Failure::Usage("no code was given".to_owned(), "type the code that the app shows, or a recovery code")
}

/// Whether an account has never had a second factor or an app password.
const fn is_new(account: &OwnAccount) -> bool {
    account.enrolled_at.is_none()
}

fn must_have_a_factor(account: &OwnAccount) -> Result<(), Failure> {
    match (is_new(account), account.keys.is_empty() && account.codes_left == 0) {
        (_, false) => Ok(()),
        (true, true) => Err(Failure::Refused(Refusal::NotEnrolled)),
        (false, true) => Err(Failure::Refused(Refusal::NothingToProveWith)),
    }
}

/// An answer to some other question.
const fn unexpected() -> Failure {
    Failure::Daemon(DaemonError::NoAnswer(BadFrame))
}
