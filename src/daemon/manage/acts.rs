//! The verbs, once their proof is there.

use crate::crypto::otp::{Code, Digits};
use crate::crypto::secret::Secret;
use crate::daemon::manage::Desk;
use crate::daemon::manage::subject::Subject;
use crate::daemon::manage::trouble::Trouble;
use crate::domain::app_password::Label;
use crate::domain::presented::{Factor, answer};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::self_service::Refusal;
use crate::domain::totp::Totp;
use crate::enrollment::{Confirmed, EnrollmentError, Wanted};
use crate::store::{AppPasswordRow, Restorable, StoreError};
use crate::wire::manage::{
    Answer, ListedAppPassword, NewKey, OwnAccount, Page, Request, RevokedAppPassword, Terms,
};

impl Desk<'_> {
    /// Says no to what cannot be, before a code is spent for it; the write says it again, and for good.
    pub(super) fn foresee(&self, subject: &Subject, request: &Request) -> Result<(), Refusal> {
        let (enrollment, made) = (subject.enrollment(), self.made(subject.uid));
        let foreseen = match request {
            Request::AddAppPassword { terms, .. } => enrollment
                .foresee_app_password(subject.own(), &wanted(terms), self.limits(), made)
                .map_err(Trouble::from),
            Request::FinishTotp { new, terms, .. } => enrollment
                .foresee_app_password(subject.own(), &wanted(terms), self.limits(), made)
                .map_err(Trouble::from)
                .and_then(|()| self.foresee_key(subject, new)),
            Request::AddTotp { new, .. } => self.foresee_key(subject, new),
            Request::ShowAccount
            | Request::ListAppPasswords { .. }
            | Request::RevokeAppPassword { .. }
            | Request::BeginTotp { .. }
            | Request::RenewRecoveryCodes { .. } => Ok(()),
        };
        foreseen.map_err(|trouble| self.refusal(subject, trouble))
    }

    fn foresee_key(&self, subject: &Subject, new: &NewKey) -> Result<(), Trouble> {
        let totp = totp(new);
        let confirmed = confirmed(new, &totp)?;
        Ok(subject.enrollment().foresee_totp(subject.own(), &confirmed, self.made(subject.uid))?)
    }

    /// Does what is asked.
    pub(super) fn act(&self, subject: &Subject, request: &Request) -> Result<Answer, Refusal> {
        let done = match request {
            Request::ShowAccount => show(subject),
            Request::ListAppPasswords { after } => list(subject, *after),
            Request::RevokeAppPassword { label } => self.revoke(subject, label),
            Request::AddAppPassword { terms, .. } => self.add(subject, terms),
            Request::BeginTotp { .. } => begin(),
            Request::FinishTotp { new, terms, .. } => self.finish(subject, new, terms),
            Request::AddTotp { new, .. } => self.add_totp(subject, new),
            Request::RenewRecoveryCodes { .. } => self.renew_codes(subject),
        };
        done.map_err(|trouble| self.refusal(subject, trouble))
    }

    fn revoke(&self, subject: &Subject, label: &Label) -> Result<Answer, Trouble> {
        let made = self.made(subject.uid);
        let until = self.limits().restorable_until(made.at);
        let revocation = subject.enrollment().revoke(&subject.name, label, Restorable::Until(until), made)?;
        let old = revocation.revoked.first().and_then(|revoked| revoked.replaces);
        let rows = subject.vault.store.app_passwords(subject.account.id)?;
        let mut others = rows.into_iter().filter(|row| Some(row.id) == old && row.revoked_at.is_none());
        Ok(Answer::Revoked(RevokedAppPassword {
            revocation: revocation.id.and_then(|id| u64::try_from(id).ok()),
            restorable_until: until,
            lives_on: others.next().map(|row| row.label),
        }))
    }

    fn add(&self, subject: &Subject, terms: &Terms) -> Result<Answer, Trouble> {
        let (enrollment, made) = (subject.enrollment(), self.made(subject.uid));
        let issued = enrollment.add_own_app_password(subject.own(), &wanted(terms), self.limits(), made)?;
        Ok(Answer::AppPassword { password: issued.password.reveal(), expires_at: issued.expires_at })
    }

    fn finish(&self, subject: &Subject, new: &NewKey, terms: &Terms) -> Result<Answer, Trouble> {
        let totp = totp(new);
        let (key, wanted, made) = (confirmed(new, &totp)?, wanted(terms), self.made(subject.uid));
        let enrollment = subject.enrollment();
        let first = enrollment.enroll_oneself(subject.own(), &key, &wanted, self.limits(), made)?;
        Ok(Answer::Enrolled {
            codes: first.codes.iter().map(RecoveryCode::reveal).collect(),
            password: first.issued.password.reveal(),
            expires_at: first.issued.expires_at,
        })
    }

    fn add_totp(&self, subject: &Subject, new: &NewKey) -> Result<Answer, Trouble> {
        let totp = totp(new);
        let key = confirmed(new, &totp)?;
        subject.enrollment().add_own_totp(subject.own(), &key, self.made(subject.uid))?;
        Ok(Answer::TotpAdded)
    }

    fn renew_codes(&self, subject: &Subject) -> Result<Answer, Trouble> {
        let made = self.made(subject.uid);
        let codes = subject.enrollment().renew_own_recovery_codes(subject.own(), made)?;
        Ok(Answer::RecoveryCodes(codes.iter().map(RecoveryCode::reveal).collect()))
    }
}

fn show(subject: &Subject) -> Result<Answer, Trouble> {
    let (account, store) = (&subject.account, &subject.vault.store);
    let codes = store.recovery_codes(account.id)?;
    let keys = store.totp_keys(account.id)?;
    Ok(Answer::Account(OwnAccount {
        name: account.name.clone(),
        enrolled_at: account.enrolled_at,
        keys: keys.into_iter().map(|key| key.label).collect(),
        codes_left: codes.left,
        codes_spent: codes.spent,
        codes_made_at: codes.created_at,
    }))
}

/// By row, so that what is revoked between two pages is on one of them.
fn list(subject: &Subject, after: u64) -> Result<Answer, Trouble> {
    let rows = subject.vault.store.app_passwords(subject.account.id)?;
    let mut listed: Vec<_> = rows.into_iter().filter_map(listed).filter(|row| after < row.id).collect();
    listed.sort_by_key(|row| row.id);
    let page = Page::of(listed).map_err(|_| StoreError::damaged("label"))?;
    Ok(Answer::AppPasswords(page))
}

fn listed(row: AppPasswordRow) -> Option<ListedAppPassword> {
    let (at, service, from) = match row.last_use {
        Some(used) => (Some(used.at), used.service, used.from.unwrap_or_default()),
        None => (None, String::new(), String::new()),
    };
    Some(ListedAppPassword {
        id: u64::try_from(row.id).ok()?,
        label: row.label,
        scope: row.scope,
        networks: row.networks,
        created_at: row.created_at,
        created_by: row.created_by,
        revoked_at: row.revoked_at,
        expires_at: row.expires_at,
        last_used_at: at,
        last_used_service: service,
        last_used_from: from,
    })
}

fn begin() -> Result<Answer, Trouble> {
    let totp = Totp::generate().map_err(StoreError::Entropy)?;
    Ok(Answer::Key(totp.key))
}

const fn wanted(terms: &Terms) -> Wanted<'_> {
    Wanted {
        label: &terms.label,
        scope: &terms.scope,
        networks: &terms.networks,
        expires_at: terms.expires_at,
    }
}

fn totp(new: &NewKey) -> Totp {
    Totp::with_key(Secret::copy_of(new.key.expose()))
}

fn confirmed<'a>(new: &'a NewKey, totp: &'a Totp) -> Result<Confirmed<'a>, EnrollmentError> {
    let code = code(&new.code, totp.digits).ok_or(EnrollmentError::WrongCode)?;
    Ok(Confirmed { label: &new.label, totp, code })
}

fn code(typed: &Secret, digits: Digits) -> Option<Code> {
    match answer(typed, digits) {
        Factor::Code(code) => Some(code),
        Factor::Absent | Factor::Recovery(_) | Factor::Unreadable => None,
    }
}
