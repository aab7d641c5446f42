//! `postern totp enroll`, for oneself.

use crate::cli::failure::Failure;
use crate::cli::own::{AS_IT_IS, Own, is_new, must_have_a_factor, no_code, unexpected};
use crate::cli::recovery::{self, Form};
use crate::cli::{otpauth, secrets, text, totp};
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::self_service::Refusal;
use crate::domain::service::Scope;
use crate::domain::totp::Totp;
use crate::store::StoreError;
use crate::wire::manage::{Answer, Credentials, NewKey, OwnAccount, Request, Terms};

/// What a key is called whose owner does not say.
const KEY_LABEL: &str = "totp";

/// What the first app password is called whose owner does not say.
const FIRST_LABEL: &str = "first";

/// The key that is to be enrolled.
pub(super) struct Key {
    /// What its owner calls the authenticator app.
    pub label: Label,
    /// One that is brought along.
    pub brought: Option<Secret>,
}

impl Key {
    /// A new one that its owner did not ask for by name.
    pub(super) fn unnamed() -> Result<Self, Failure> {
        Ok(Self { label: label(KEY_LABEL)?, brought: None })
    }
}

fn label(text: &str) -> Result<Label, Failure> {
    Label::parse(text)
        .map_err(|error| Failure::Usage(error.to_string(), "a label is a short name such as phone"))
}

impl Own<'_> {
    /// Enrolls an authenticator app: the first one, with recovery codes and the first app password, or another.
    pub(in crate::cli) fn enroll(&self, label: &Label, brought: Option<Secret>) -> Result<(), Failure> {
        let key = Key { label: label.clone(), brought };
        text::somebody_reads_stdout().map_err(Failure::NotShown)?;
        let account = self.account()?;
        if !is_new(&account) {
            return self.enroll_another(&account, key);
        }
        let (scope, networks) = (Scope::mail(), Networks::default());
        let terms = Terms { label: self::label(FIRST_LABEL)?, scope, networks, expires_at: None };
        self.enroll_first(&account, key, &terms, None)
    }

    pub(super) fn enroll_first(
        &self,
        account: &OwnAccount,
        key: Key,
        terms: &Terms,
        descriptor: Option<u16>,
    ) -> Result<(), Failure> {
        let primary = self.primary(descriptor)?;
        let Answer::Key(fresh) = self.ask(&Request::BeginTotp { primary: copy(&primary) })? else {
            return Err(unexpected());
        };
        let totp = Totp::with_key(key.brought.unwrap_or(fresh));
        self.show_key(account, &totp)?;
        let enrolled = confirmed(|| {
            let new = NewKey { key: copy(&totp.key), code: new_code()?, label: key.label.clone() };
            self.ask(&Request::FinishTotp { primary: copy(&primary), new, terms: terms.clone() })
        })?;
        let Answer::Enrolled { codes, password, expires_at } = enrolled else {
            return Err(unexpected());
        };
        totp::say_enrolled(&account.name);
        text::note("");
        if let Err(error) = recovery::show_codes(self.site, &account.name, &codes, Form::Lines) {
            // What nobody has seen must not stay good; new recovery codes will replace these.
            self.revoke(&terms.label)?;
            return Err(Failure::NotShown(error));
        }
        text::note("");
        self.show_app_password(&account.name, &password, terms, expires_at)
    }

    fn enroll_another(&self, account: &OwnAccount, key: Key) -> Result<(), Failure> {
        must_have_a_factor(account)?;
        if account.keys.iter().any(|label| label == key.label.as_str()) {
            return Err(Failure::Refused(Refusal::LabelTaken));
        }
        let totp = match key.brought {
            Some(brought) => Totp::with_key(brought),
            None => Totp::generate().map_err(StoreError::Entropy)?,
        };
        let primary = self.primary(None)?;
        self.show_key(account, &totp)?;
        let added = confirmed(|| {
            let new = NewKey { key: copy(&totp.key), code: new_code()?, label: key.label.clone() };
            let code = self.code("Code of an app that you had before, or a recovery code: ")?;
            self.ask(&Request::AddTotp { shown: Credentials { primary: copy(&primary), code }, new })
        })?;
        let Answer::TotpAdded = added else {
            return Err(unexpected());
        };
        totp::say_enrolled(&account.name);
        if account.codes_left == 0 {
            text::note("You have no recovery codes. Make some: postern recovery new");
        }
        Ok(())
    }

    fn show_key(&self, account: &OwnAccount, totp: &Totp) -> Result<(), Failure> {
        // As the store spells it, not as a configuration would make of that once more.
        let name = AccountName::parse(account.name.as_bytes(), &AS_IT_IS);
        let name = name.map_err(|_| unexpected())?;
        totp::show(&otpauth::uri(&self.site.config.issuer, &name, totp), &otpauth::by_hand(&totp.key))
    }
}

fn new_code() -> Result<Secret, Failure> {
    secrets::visible("Code that the app shows now: ")?.ok_or_else(no_code)
}

/// Asks again where the code was not one of the key: a slip is no reason to begin anew.
fn confirmed(mut confirm: impl FnMut() -> Result<Answer, Failure>) -> Result<Answer, Failure> {
    let tries = if secrets::somebody_types() { totp::TRIES } else { 1 };
    for _ in 1..tries {
        let outcome = confirm();
        if !matches!(outcome, Err(Failure::Refused(Refusal::WrongCode))) {
            return outcome;
        }
        text::note(totp::NOT_THE_CODE);
    }
    confirm()
}

fn copy(secret: &Secret) -> Secret {
    Secret::copy_of(secret.expose())
}
