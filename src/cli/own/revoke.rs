//! `postern app revoke`, for oneself.

use crate::cli::failure::Failure;
use crate::cli::own::{Own, unexpected};
use crate::domain::app_password::Label;
use crate::domain::self_service::Refusal;
use crate::store::SelectedAppPassword;
use crate::wire::manage::{Answer, Request, RevokedAppPassword};

impl Own<'_> {
    /// The one that holds a label.
    pub(in crate::cli) fn labelled(&self, label: &Label) -> Result<SelectedAppPassword, Failure> {
        let account = self.name()?;
        let mut held = self.app_passwords()?.into_iter().filter(|row| row.revoked_at.is_none());
        let found = held.find(|row| row.label == label.as_str());
        let row = found.ok_or(Failure::Refused(Refusal::NoAppPassword))?;
        Ok(SelectedAppPassword {
            id: row.id,
            account_id: 0,
            account,
            label: row.label,
            created_at: row.created_at,
            last_use: row.last_use,
            replaces: None,
        })
    }

    /// Makes an app password worthless.
    pub(in crate::cli) fn revoke(&self, label: &Label) -> Result<RevokedAppPassword, Failure> {
        let request = Request::RevokeAppPassword { label: label.clone() };
        let Answer::Revoked(revoked) = self.ask(&request)? else {
            return Err(unexpected());
        };
        Ok(revoked)
    }
}
