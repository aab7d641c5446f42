//! `postern recovery`, for oneself.

use crate::cli::failure::Failure;
use crate::cli::own::{Own, unexpected};
use crate::cli::recovery::{self, Form};
use crate::cli::text;
use crate::store::RecoveryCodes;
use crate::wire::manage::{Answer, Request};

impl Own<'_> {
    /// Makes new recovery codes and shows them, once.
    pub(in crate::cli) fn renew_recovery_codes(
        &self,
        form: Form,
        descriptor: Option<u16>,
    ) -> Result<(), Failure> {
        text::somebody_reads_stdout().map_err(Failure::NotShown)?;
        let account = self.account()?;
        let shown = self.credentials(&account, descriptor)?;
        let Answer::RecoveryCodes(codes) = self.ask(&Request::RenewRecoveryCodes { shown })? else {
            return Err(unexpected());
        };
        recovery::show_codes(self.site, &account.name, &codes, form).map_err(Failure::NotShown)
    }

    /// The name of the account, and how many recovery codes it has left.
    pub(in crate::cli) fn recovery_codes(&self) -> Result<(String, RecoveryCodes), Failure> {
        let account = self.account()?;
        let (left, spent, created_at) = (account.codes_left, account.codes_spent, account.codes_made_at);
        Ok((account.name, RecoveryCodes { left, spent, created_at }))
    }
}
