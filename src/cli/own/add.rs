//! `postern app add`, for oneself.

use crate::cli::app;
use crate::cli::failure::Failure;
use crate::cli::own::enroll::Key;
use crate::cli::own::{Own, is_new, unexpected};
use crate::cli::text;
use crate::crypto::secret::Secret;
use crate::domain::time::UnixTime;
use crate::wire::manage::{Answer, Request, Terms};

impl Own<'_> {
    /// Makes an app password and shows it, once. Whoever has no second factor yet enrolls one first.
    pub(in crate::cli) fn add(&self, terms: &Terms, descriptor: Option<u16>) -> Result<(), Failure> {
        text::somebody_reads_stdout().map_err(Failure::NotShown)?;
        let account = self.account()?;
        if is_new(&account) {
            text::note(
                "You have no second factor yet. Enroll an authenticator app first; the app password follows at once.",
            );
            return self.enroll_first(&account, Key::unnamed()?, terms, descriptor);
        }
        let shown = self.credentials(&account, descriptor)?;
        let request = Request::AddAppPassword { shown, terms: terms.clone() };
        let Answer::AppPassword { password, expires_at } = self.ask(&request)? else {
            return Err(unexpected());
        };
        self.show_app_password(&account.name, &password, terms, expires_at)
    }

    pub(super) fn show_app_password(
        &self,
        name: &str,
        password: &Secret,
        terms: &Terms,
        expires_at: Option<UnixTime>,
    ) -> Result<(), Failure> {
        if let Err(error) = text::secret(password) {
            // What nobody has seen must not stay good.
            self.revoke(&terms.label)?;
            return Err(Failure::NotShown(error));
        }
        app::say_what_it_is(name, terms, expires_at);
        app::say_how_to_end_it(&format!("postern app revoke {}", text::shell_word(terms.label.as_str())));
        Ok(())
    }
}
